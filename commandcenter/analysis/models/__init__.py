"""Analyses, the immutable result sets that they share, and the findings that live on across them.

An Analysis is one row per job. What was found belongs to a ResultSet, shared by every analysis of the same commit with
the same engines and configuration. A Finding is one row per repository, branch line and fingerprint; an analysis
that changes its state leaves a FindingTransition, and an analysis that changes nothing leaves none.
"""

from commandcenter.analysis.models.analyses import Analysis, AnalysisQuerySet, AnalysisStatus, BranchLine
from commandcenter.analysis.models.findings import (
    Finding,
    FindingQuerySet,
    FindingState,
    FindingTransition,
    TechnologySighting,
)
from commandcenter.analysis.models.results import (
    AnalysedFile,
    Dependency,
    DependencyQuerySet,
    Occurrence,
    ResultSet,
    ResultSetStatus,
    Rule,
    Severity,
    TechnologyUse,
)

__all__ = [
    "AnalysedFile",
    "Analysis",
    "AnalysisQuerySet",
    "AnalysisStatus",
    "BranchLine",
    "Dependency",
    "DependencyQuerySet",
    "Finding",
    "FindingQuerySet",
    "FindingState",
    "FindingTransition",
    "Occurrence",
    "ResultSet",
    "ResultSetStatus",
    "Rule",
    "Severity",
    "TechnologySighting",
    "TechnologyUse",
]
