"""Advisories, the packages in use, and what the first say of the second.

An Advisory is one OSV record; an AffectedPackage is what it says of one package. A PackageVersion is one row for each
distinct package URL that any analysis has met, whatever the number of repositories that use it. A Match says that an
advisory holds for a package version; matches are made anew when either side changes, and never belong to a result set.
"""

from commandcenter.advisories.models.databases import AdvisoryImport, Database, ImportStatus
from commandcenter.advisories.models.packages import Match, Package, PackageVersion
from commandcenter.advisories.models.records import Advisory, AdvisoryQuerySet, AffectedPackage, Severity

__all__ = [
    "Advisory",
    "AdvisoryImport",
    "AdvisoryQuerySet",
    "AffectedPackage",
    "Database",
    "ImportStatus",
    "Match",
    "Package",
    "PackageVersion",
    "Severity",
]
