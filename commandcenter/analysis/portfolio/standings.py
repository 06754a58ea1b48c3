"""Keeps the standing of each repository: after what happens to it, and every hour for what only time changes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from django.core.cache import caches
from django.db import connection, transaction
from django.db.models import Count, OuterRef, Q, Subquery
from django.utils import timezone

from commandcenter.analysis.models import (
    Analysis,
    AnalysisStatus,
    BranchLine,
    Finding,
    PolicyVerdict,
    Severity,
    Standing,
)
from commandcenter.analysis.models.findings import decision_in_force
from commandcenter.analysis.packages.exposures import Exposure, exposures
from commandcenter.analysis.portfolio import daily
from commandcenter.analysis.portfolio.attention import reasons
from commandcenter.inventory.models import Repository

BATCH = 200
MARK = "analysis.portfolio.refreshed"  # in the cache: up to which repository a round came
LOCK_SPACE = 0x4A50  # of our advisory locks: the standings
# What happened may have changed how a repository stands.
FOLLOWED = ("analysis.completed", "analysis.failed", "finding.", "repository.created")
_ENDED = (AnalysisStatus.COMPLETE, AnalysisStatus.PARTIAL, AnalysisStatus.FAILED)
_COLUMNS = (
    "analysis_id", "analysed_at", "last_status", "committed_at", *(s.label for s in Severity), "suppressed",
    "lines_of_code", "dependencies", "vulnerable", "policy", "contributors", "bus_factor", "attention", "reasons",
)  # fmt: skip


def refresh(repository_ids: Collection[int]) -> int:
    """Compute how these repositories stand and write the rows that changed. Return how many.

    A few statements, whatever their number. Refreshes take turns, so that an older look never overwrites a newer one.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, 0)", [LOCK_SPACE])
        known = Standing.objects.in_bulk(list(repository_ids))
        changed = [
            row for row in _looked_up(repository_ids) if _values(row) != _values(known.get(row.repository_id))
        ]
        Standing.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["repository"],
            update_fields=[name.removesuffix("_id") for name in _COLUMNS] + ["refreshed_at"],
        )
    return len(changed)


def refresh_some(repository_ids: Collection[int]) -> int:
    """Refresh repositories, however many, a batch at a time. Return how many changed."""
    ordered = sorted(repository_ids)
    return sum(refresh(ordered[start : start + BATCH]) for start in range(0, len(ordered), BATCH))


def refresh_all(seconds: float) -> int:
    """Refresh the repositories one after another, for about so long; the next call goes on. Return how many changed."""
    until = time.monotonic() + seconds
    changed, after = 0, caches["default"].get(MARK, 0)  # one that was evicted begins anew
    while time.monotonic() < until:
        some = list(
            Repository.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:BATCH]
        )
        changed += refresh(some)
        after = some[-1] if len(some) == BATCH else 0
        if not after:
            break
    caches["default"].set(MARK, after, timeout=None)
    return changed


def on_event(event: Any) -> None:
    """Take a committed event: what it says may have changed a repository's standing. Named in EVENT_SUBSCRIBERS."""
    if event.type.startswith(FOLLOWED):
        named = {event.data.get("repository"), *event.data.get("repositories", ())}
        if event.subject_kind == "repository":
            named.add(event.subject_id)
        refresh_some({key for key in named if isinstance(key, int)})
        if event.type == "analysis.completed" and event.project_id is not None:
            daily.begin(event.project_id)


def _values(row: Standing | None) -> list[Any] | None:
    return None if row is None else [getattr(row, name) for name in _COLUMNS]


def _looked_up(repository_ids: Iterable[int]) -> list[Standing]:
    now = timezone.now()
    # One that failed before it knew its branch is known by what it was asked for.
    unread = Q(ref="") | Q(ref=OuterRef("default_branch"))
    last = (
        Analysis.objects.filter(repository=OuterRef("pk"), settled=True, status__in=_ENDED)
        .filter(Q(branch_line__is_default=True) | Q(branch_line__isnull=True) & unread)
        .order_by("-pk")
    )
    ended = dict(
        Repository.objects.filter(pk__in=repository_ids).values_list(
            "pk", Subquery(last.values("status")[:1])
        )
    )
    lines = {
        line.repository_id: line
        for line in BranchLine.objects.filter(repository__in=ended, is_default=True).select_related(
            "latest__result_set", "baseline__result_set"
        )
    }
    measured = {pk: found for pk, line in lines.items() if (found := line.baseline or line.latest)}
    exposed = exposures(measured.values())
    judged = PolicyVerdict.objects.filter(analysis__in=[line.latest_id for line in lines.values()])
    verdicts = dict(judged.values_list("analysis__repository", "status"))
    open_, suppressed = _findings(ended)
    return [
        _standing(
            pk,
            last_status=status or "",
            line=lines.get(pk),
            findings=open_[pk],
            suppressed=suppressed[pk],
            measured=measured.get(pk),
            vulnerable=_vulnerable(exposed, measured.get(pk)),
            policy=verdicts.get(pk, ""),
            now=now,
        )
        for pk, status in sorted(ended.items())
    ]


def _findings(repository_ids: Collection[int]) -> tuple[dict[int, dict[str, int]], dict[int, int]]:
    """Count the open findings of default branches by severity, and those that are suppressed."""
    silenced = Q(inline_suppressed=True) | decision_in_force()
    rows = (
        Finding.objects.filter(repository__in=repository_ids)
        .on_default_branches()
        .open()
        .values_list("repository", "severity")
        .annotate(worrying=Count("pk", filter=~silenced), silenced=Count("pk", filter=silenced))
        .order_by()
    )
    open_: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys((s.label for s in Severity), 0))
    suppressed: dict[int, int] = defaultdict(int)
    for repository_id, severity, worrying, silent in rows:
        open_[repository_id][Severity(severity).label] = worrying
        suppressed[repository_id] += silent
    return open_, suppressed


def _vulnerable(exposed: Mapping[int, Exposure], measured: Analysis | None) -> int | None:
    found = exposed.get(measured.result_set_id) if measured and measured.result_set_id else None
    return found.vulnerable if found else None


def _standing(
    repository_id: int,
    *,
    last_status: str,
    line: BranchLine | None,
    findings: dict[str, int],
    suppressed: int,
    measured: Analysis | None,
    vulnerable: int | None,
    policy: str,
    now: datetime,
) -> Standing:
    latest = line.latest if line is not None else None
    known: dict[str, Any] = measured.result_set.summary if measured and measured.result_set else {}
    counts: dict[str, int | None] = {name: findings[name] if latest else None for name in findings}
    held = reasons(
        findings=counts,
        vulnerable=vulnerable,
        policy=policy,
        analysed_at=latest.completed_at if latest else None,
        last_status=last_status,
        now=now,
    )
    return Standing(
        repository_id=repository_id,
        analysis_id=latest.pk if latest else None,
        analysed_at=latest.completed_at if latest else None,
        last_status=last_status,
        committed_at=latest.committed_at if latest else None,
        **counts,
        suppressed=suppressed if latest else None,
        lines_of_code=known.get("lines_of_code"),
        dependencies=(known.get("dependencies") or {}).get("total"),
        vulnerable=vulnerable,
        policy=policy,
        contributors=known.get("contributors"),
        bus_factor=known.get("bus_factor"),
        attention=sum(reason["points"] for reason in held),
        reasons=held,
        refreshed_at=now,
    )
