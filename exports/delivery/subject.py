"""What GitHub is told about, and how far each action on it has come."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from commandcenter.analysis.models import Analysis
from exports.delivery.github import GitHub
from exports.delivery.outcomes import DeliveryError, Refused
from exports.delivery.reading import pieces
from exports.formats.contract import ExportSource
from exports.models import Export
from exports.registry import UnknownFormat, format_named

_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Subject:
    """The analysis that is told of, the export that holds it, and the repository where it is told."""

    export: Export
    analysis: Analysis
    github: GitHub

    @property
    def commit(self) -> str:
        """The analysed commit. Raises Refused where there is none."""
        if not _SHA.fullmatch(self.analysis.commit):
            raise Refused(
                "no_commit", "The analysed source has no commit, so GitHub cannot be told about it."
            )
        return self.analysis.commit

    @property
    def page(self) -> str:
        """The address of our page about the analysis."""
        return f"{settings.PUBLIC_URL}/analyses/{self.analysis.pk}/"

    def document(self, name: str, options: dict[str, str]) -> Iterator[bytes]:
        """Yield the analysis in a format: the export's own file where it is one with these options, else written now."""
        try:
            wanted = format_named(name)
        except UnknownFormat as error:
            raise Refused("unknown_format", str(error)) from None
        defaults = {each.name: each.default for each in wanted.info.options}
        given = defaults | {key: value for key, value in options.items() if key in defaults}
        if self.export.format == name and defaults | self.export.options == given:
            yield from pieces(self.export)
            return
        yield from wanted.write(ExportSource(self.analysis), given)


@dataclass(slots=True)
class Step:
    """What came of an action so far: kept with the delivery, so that another try goes on from there."""

    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return bool(self.facts.get("done"))

    @property
    def refusal(self) -> Refused | None:
        """How an earlier try of it was refused, which is final."""
        error = self.facts.get("error")
        return Refused(error["code"], error["message"]) if error and self.facts.get("refused") else None

    def failed(self, error: DeliveryError) -> None:
        """Keep what went wrong."""
        self.facts["error"] = {"code": error.code, "message": error.message}
        self.facts["refused"] = isinstance(error, Refused)

    def forget_failure(self) -> None:
        """Drop what went wrong in an earlier try."""
        self.facts.pop("error", None)
        self.facts.pop("refused", None)
