"""What a format is, and what it gets: one analysis with results, read as typed rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from commandcenter.advisories import lookup
from commandcenter.advisories.models import Database
from commandcenter.analysis.gaps.reading import checks_of, gaps_of
from commandcenter.analysis.gaps.rows import CheckRow, GapRow
from commandcenter.analysis.licensing.conflicts import own_licenses
from commandcenter.analysis.licensing.named import NamedLicense, named_licenses
from commandcenter.analysis.licensing.rows import LicenseRow, license_rows
from commandcenter.analysis.models import Analysis, Contributor, LicenseUse
from commandcenter.analysis.packages.problems import ProblemRow, problems
from commandcenter.analysis.results import shapes
from commandcenter.analysis.results.rows.contributor import ContributorRow, contributor_row
from commandcenter.analysis.results.rows.dependency import DependencyRow, dependencies
from commandcenter.analysis.results.rows.file import FileRow, files
from commandcenter.analysis.results.rows.finding import FindingRow, findings
from commandcenter.analysis.results.rows.package import PackageRow, package_urls, packages
from commandcenter.analysis.results.rows.paging import pages
from commandcenter.analysis.results.rows.rule import RuleRow, rules
from commandcenter.analysis.results.rows.sighting import Sighting, closed, sightings
from commandcenter.analysis.results.rows.technology import TechnologyRow, technologies
from commandcenter.analysis.results.rows.unread import UnreadRow, unread
from commandcenter.analysis.results.summary import engines_of
from commandcenter.inventory.models import Project, Repository
from exports.addresses import without_credentials
from exports.options import Option, Options


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """What users choose a format by. `limits` says what the format cannot hold."""

    id: str
    name: str
    media_type: str
    extension: str
    use: str
    limits: str
    options: tuple[Option, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class FileType:
    """What a document is, and how its name ends."""

    media_type: str
    extension: str

    @property
    def is_text(self) -> bool:
        """True for what a terminal may show."""
        kind = self.media_type.partition(";")[0].strip()
        return kind.startswith("text/") or kind.endswith(("json", "jsonl", "+xml", "/xml"))


class Format(ABC):
    """One way to write an analysis."""

    info: ClassVar[FormatInfo]

    def file_type(self, options: Options) -> FileType:
        """Return what these options make of the document; formats of one type need not say it again."""
        return FileType(self.info.media_type, self.info.extension)

    @abstractmethod
    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the document piece by piece, with no more than a page of rows in memory.

        `options` holds every option of `info`, as `exports.options.read` returns them. A format that needs long before
        its first byte may yield empty pieces meanwhile: they let a job be cancelled, and are not passed on.
        """


class ExportSource:
    """One analysis, read from the database while it is written."""

    def __init__(self, analysis: Analysis) -> None:
        """Take an analysis with results, loaded `with_results` and with its repository and project."""
        self.analysis = analysis

    @property
    def repository(self) -> Repository:
        return self.analysis.repository

    @property
    def project(self) -> Project:
        return self.analysis.project

    @cached_property
    def address(self) -> str:
        """The repository's source as a URL or path, without user name and password."""
        return without_credentials(self.repository.source)

    @cached_property
    def engines(self) -> list[dict[str, Any]]:
        """One report per planned engine, in the order of the run."""
        return engines_of(self.analysis)

    @cached_property
    def rules(self) -> list[RuleRow]:
        """The rules that findings refer to."""
        return rules(self.analysis)

    def summary(self) -> dict[str, Any]:
        """The analysis as the API shows it."""
        return shapes.analysis_shape(self.analysis)

    def findings(self) -> Iterator[FindingRow]:
        """The findings, worst first, then those that are fixed."""
        return findings(self.analysis)

    def sightings(self, rules: Collection[int]) -> Iterator[Sighting]:
        """The findings by these rules, worst first, with what reports of findings need: half the cost of `findings`."""
        return sightings(self.analysis, rules)

    def unread(self, engine: str, most: int) -> list[UnreadRow]:
        """The first files that an engine could not read, in full or at all."""
        return unread(self.analysis, engine, most)

    def closed(self, rules: Collection[int]) -> Iterator[Sighting]:
        """The findings by these rules that the analysis found fixed."""
        return closed(self.analysis, rules)

    def dependencies(self) -> Iterator[DependencyRow]:
        return dependencies(self.analysis)

    def packages(self) -> Iterator[PackageRow]:
        """The dependencies by their package URLs, each once."""
        return packages(self.analysis)

    def direct_packages(self) -> list[str]:
        """The URLs of the packages that are known to be direct dependencies."""
        return package_urls(self.analysis, direct=True)

    def problems(self) -> Iterator[ProblemRow]:
        """The vulnerabilities that are known of the dependencies, each once with the packages that have it."""
        return problems(self.analysis)

    def technologies(self) -> list[TechnologyRow]:
        return technologies(self.analysis)

    def files(self) -> Iterator[FileRow]:
        return files(self.analysis)

    def gaps(self) -> list[GapRow]:
        """The gaps, worst first, at most 50 of each check; none where the engine did not run."""
        return gaps_of(self.analysis)

    def checks(self) -> list[CheckRow]:
        """How each check of good practice ended; none where the engine did not run."""
        return checks_of(self.analysis)

    def licenses(self) -> Iterator[LicenseRow]:
        """The licences that files hold or name: texts and metadata in path order, then headers."""
        results = self.analysis.result_set_id
        own = own_licenses(results)
        for page in pages(LicenseUse.objects.filter(result_set=results)):
            yield from license_rows(own, page)

    def own_licenses(self, most: int) -> list[NamedLicense]:
        """The first licences of the repository itself by its texts and metadata, each once."""
        return named_licenses(self.analysis.result_set_id, most)

    def contributors(self) -> Iterator[ContributorRow]:
        """Who worked on it within the history window, most changes first, without their addresses."""
        for page in pages(Contributor.objects.filter(result_set=self.analysis.result_set_id)):
            yield from map(contributor_row, page)

    @cached_property
    def databases(self) -> list[Database]:
        """The databases of vulnerabilities that were imported, by ecosystem."""
        return lookup.databases()

    @cached_property
    def database_as_of(self) -> datetime | None:
        """How far the knowledge of vulnerabilities reaches: the oldest database of the ecosystems in use."""
        summary = self.analysis.result_set.summary if self.analysis.result_set else {}
        used = (summary.get("dependencies") or {}).get("by_ecosystem") or {}
        return lookup.as_of(used, self.databases)

    def functions(self) -> list[dict[str, Any]]:
        """The most complex functions, at most 200."""
        results = self.analysis.result_set
        return list(results.complex_functions) if results else []
