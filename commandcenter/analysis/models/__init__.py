"""Analyses, the immutable result sets that they share, and the findings that live on across them.

An Analysis is one row per job. What was found belongs to a ResultSet, shared by every analysis of the same commit with
the same engines and configuration. A Finding is one row per repository, branch line and fingerprint; an analysis
that changes its state leaves a FindingTransition, and an analysis that changes nothing leaves none.
"""

from commandcenter.analysis.models.analyses import Analysis, AnalysisQuerySet, AnalysisStatus, BranchLine
from commandcenter.analysis.models.correlation import CorrelationKey
from commandcenter.analysis.models.dependencies import Dependency, DependencyQuerySet
from commandcenter.analysis.models.findings import (
    Cause,
    Finding,
    FindingMove,
    FindingQuerySet,
    FindingState,
    FindingTransition,
    SuppressionKind,
    decision_in_force,
)
from commandcenter.analysis.models.gaps import CheckStatus, Gap, GapCheck
from commandcenter.analysis.models.licenses import LicensePlace, LicenseSource, LicenseUse
from commandcenter.analysis.models.occurrences import Occurrence
from commandcenter.analysis.models.people import Contributor
from commandcenter.analysis.models.policies import Policy, PolicyQuerySet, PolicyStatus, PolicyVerdict
from commandcenter.analysis.models.portfolio import PortfolioDay, Standing, StandingQuerySet
from commandcenter.analysis.models.results import AnalysedFile, ResultSet, ResultSetStatus, Severity
from commandcenter.analysis.models.rules import EngineRelease, Rule
from commandcenter.analysis.models.technologies import TechnologySighting, TechnologyUse
from commandcenter.analysis.models.triage import FindingAction
from commandcenter.analysis.models.unread import UnreadFile

__all__ = [
    "AnalysedFile",
    "Analysis",
    "AnalysisQuerySet",
    "AnalysisStatus",
    "BranchLine",
    "Cause",
    "CheckStatus",
    "Contributor",
    "CorrelationKey",
    "Dependency",
    "DependencyQuerySet",
    "EngineRelease",
    "Finding",
    "FindingAction",
    "FindingMove",
    "FindingQuerySet",
    "FindingState",
    "FindingTransition",
    "Gap",
    "GapCheck",
    "LicensePlace",
    "LicenseSource",
    "LicenseUse",
    "Occurrence",
    "Policy",
    "PolicyQuerySet",
    "PolicyStatus",
    "PolicyVerdict",
    "PortfolioDay",
    "ResultSet",
    "ResultSetStatus",
    "Rule",
    "Severity",
    "Standing",
    "StandingQuerySet",
    "SuppressionKind",
    "TechnologySighting",
    "TechnologyUse",
    "UnreadFile",
    "decision_in_force",
]
