"""The technologies of an analysis, with their place on the project's radar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from commandcenter.analysis.models import (
    Analysis,
    TechnologyUse,
)
from commandcenter.engine.rules import technology_names
from commandcenter.inventory.models import Technology


@dataclass(frozen=True, slots=True)
class TechnologyRow:
    """CONTRACT's "Technology found". `radar_status` is None for what the project's radar does not hold."""

    name: str
    domain: str
    version: str | None
    confidence: float
    evidence: list[dict[str, Any]]
    radar_status: str | None


def technologies(analysis: Analysis) -> list[TechnologyRow]:
    """Return the technologies of an analysis by name, with their place on the project's radar."""
    found = TechnologyUse.objects.filter(result_set=analysis.result_set_id).order_by("name", "domain")
    return technology_rows(analysis, list(found))


def technology_rows(analysis: Analysis, uses: Iterable[TechnologyUse]) -> list[TechnologyRow]:
    """Return public rows for these uses. One query; names are compared by what they mean."""
    radar = Technology.objects.filter(project=analysis.project_id).values_list("name", "status")
    held = {technology_names.key(name): status for name, status in radar}
    return [
        TechnologyRow(
            use.name,
            use.domain,
            use.version,
            use.confidence,
            use.evidence,
            held.get(technology_names.key(use.name)),
        )
        for use in uses
    ]
