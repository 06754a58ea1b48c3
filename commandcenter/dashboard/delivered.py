"""What pages say of deliveries: where an export may be pushed, what was pushed, and how that stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils import timezone

from commandcenter.inventory.models import Project
from exports.delivery.asking import deliveries_of
from exports.delivery.models import Action, DeliveryStatus, DeliveryTarget, ExportDelivery, TargetKind
from exports.delivery.targets import GITHUB
from exports.models import WAITING, Export, ExportStatus

_UNFINISHED = (DeliveryStatus.PENDING, DeliveryStatus.SENDING)


@dataclass(frozen=True, slots=True)
class ShownTarget:
    """A target without its secret. A webhook's path may be one too, so only its server is shown."""

    target: DeliveryTarget

    @property
    def where(self) -> str:
        """Return the server, and the repository where one is named."""
        server = urlsplit(self.target.url).netloc
        if self.target.kind == TargetKind.WEBHOOK:
            return server
        repository = self.target.repository or "the repository that was analysed"
        return repository if self.target.url == GITHUB else f"{repository} on {server}"

    @property
    def what(self) -> str:
        """Return what is done there."""
        return ", ".join(Action(each).label for each in self.target.actions) or "The file"


@dataclass(frozen=True, slots=True)
class Step:
    """One action on GitHub, what came of it so far, and where that is to be seen."""

    label: str
    said: str
    url: str


@dataclass(frozen=True, slots=True)
class Delivered:
    """One delivery as a row."""

    delivery: ExportDelivery
    export: Export
    may_write: bool

    @property
    def target(self) -> ShownTarget:
        return ShownTarget(self.delivery.target)

    @property
    def unfinished(self) -> bool:
        return self.delivery.status in _UNFINISHED

    @property
    def waits_for(self) -> str:
        """Why it is not being made: `export`, `turn` or `time`; empty when it is, or has ended."""
        if self.delivery.status != DeliveryStatus.PENDING:
            return ""
        if self.export.status in WAITING:
            return "export"
        return "time" if self.delivery.not_before > timezone.now() else "turn"

    @property
    def steps(self) -> list[Step]:
        """The actions of the target, with what is kept of each."""
        known = self.delivery.steps
        wanted = [each for each in Action if each in self.delivery.target.actions or each in known]
        return [_step(each, known.get(each.value) or {}) for each in wanted]

    @property
    def may_be_made_again(self) -> bool:
        ended = not self.unfinished and self.export.status == ExportStatus.COMPLETED
        return self.may_write and ended and self.delivery.target.enabled


def _step(action: Action, facts: dict[str, Any]) -> Step:
    if facts.get("done"):
        said = facts.get("skipped") or facts.get("state") or "done"
    else:
        said = (facts.get("error") or {}).get("message") or "not yet"
    shown = action == Action.COMMENT  # a status has no page of its own
    return Step(action.label, said, facts.get("url") or "" if shown else "")


def targets_of(project: Project) -> list[ShownTarget]:
    """Return the targets of a project by name; there are at most `MAX_TARGETS`."""
    found = DeliveryTarget.objects.filter(project=project).defer("token").order_by("name")
    return [ShownTarget(each) for each in found]


def takers(targets: Iterable[ShownTarget], *, several: bool) -> list[ShownTarget]:
    """Return those that an export can be delivered to; GitHub takes one analysis at a time."""
    return [
        each
        for each in targets
        if each.target.enabled and not (several and each.target.kind == TargetKind.GITHUB)
    ]


def context_of(export: Export, *, may_write: bool) -> dict[str, Any]:
    """Return what the deliveries of an export, read `with_status`, are shown by: `deliveries`, `takers`, `follow`."""
    rows = [Delivered(each, export, may_write) for each in deliveries_of(export)]
    offered: list[ShownTarget] = []
    if may_write and export.status in (*WAITING, ExportStatus.COMPLETED):
        asked = {each.delivery.target_id for each in rows}
        several = export.portfolio or len(export.analyses) != 1
        offered = [
            each
            for each in takers(targets_of(export.project), several=several)
            if each.target.pk not in asked
        ]
    return {"deliveries": rows, "takers": offered, "follow": any(each.unfinished for each in rows)}
