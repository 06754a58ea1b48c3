"""Forgets old analyses and the results that nothing shows any more, in small steps that hold no lock for long.

Of each branch line stay: the last `settings.ANALYSES_KEPT` analyses with results, the last one of each calendar month
for `settings.ANALYSES_MONTHS` months, and the line's latest and baseline whatever their age. Analyses without results
stay for `settings.ANALYSES_FAILED_DAYS` days. What refers to a removed analysis (a finding's first one, the baseline of a
kept one) then refers to none; a finding keeps its dates. Its transitions go with it.

A result set goes when no analysis shows it: one that could still be shared is first marked as superseded, and deleted by
a later pass, so that an analysis which has just found it can end.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import Analysis, AnalysisStatus, BranchLine, ResultSet, ResultSetStatus

LINES = 500  # branch lines looked at in one statement
ANALYSES = 100  # deleted in one transaction
ROWS = 5_000  # of results or transitions deleted in one transaction
SETS = 200  # result sets looked for at once


@dataclass(slots=True)
class Pruned:
    """What a pass removed, or would remove."""

    analyses: int = 0
    result_sets: int = 0
    rows: int = 0
    """Files, dependencies, occurrences and so on of the result sets, and transitions of the analyses."""
    finished: bool = True
    """False when time ran out; the next pass goes on."""


def prune(seconds: float | None = None) -> Pruned:
    """Remove what is beyond its time, beginning nothing new after `seconds`. Two passes at once share the work."""
    end = None if seconds is None else time.monotonic() + seconds
    done = Pruned()
    try:
        for batch in _old_analyses():
            _delete_analyses(batch, done, end)
        for batch in _failed_analyses():
            _delete_analyses(batch, done, end)
        _delete_orphans(done, end)
    except _OutOfTime:
        done.finished = False
    return done


def foreseen() -> Pruned:
    """Say what `prune` would remove now; nothing is changed. Its `rows` are not counted."""
    done = Pruned()
    gone: set[int] = set()
    for batch in _old_analyses():
        gone.update(batch)
    failed = _failed().count()
    done.analyses = len(gone) + failed
    shown = Analysis.objects.filter(result_set__isnull=False).exclude(pk__in=gone)
    done.result_sets = (
        ResultSet.objects.exclude(status=ResultSetStatus.WRITING)
        .exclude(pk__in=shown.values("result_set"))
        .count()
    )
    return done


class _OutOfTime(Exception):
    """The pass has used up its time."""


def _go_on(end: float | None) -> None:
    if end is not None and time.monotonic() > end:
        raise _OutOfTime


# --- which ----------------------------------------------------------------------------------------------------------

# The index on (branch_line, id) gives each line's analyses; lines with fewer than are kept cost one look at it.
OLD = """
SELECT old.id
  FROM (SELECT id, latest_id, baseline_id FROM analysis_branchline WHERE id > %(after)s AND id <= %(upto)s) line
 CROSS JOIN LATERAL (
    SELECT a.id, a.completed_at, row_number() OVER (ORDER BY a.id DESC) AS place,
           row_number() OVER (PARTITION BY date_trunc('month', a.completed_at AT TIME ZONE 'UTC')
                                  ORDER BY a.id DESC) AS in_month
      FROM analysis_analysis a
     WHERE a.branch_line_id = line.id AND a.status IN ('complete', 'partial')
 ) old
 WHERE old.place > %(kept)s AND (old.in_month > 1 OR old.completed_at < %(months)s)
   AND old.id IS DISTINCT FROM line.latest_id AND old.id IS DISTINCT FROM line.baseline_id
 ORDER BY old.id
"""


def _old_analyses() -> Iterator[list[int]]:
    """Yield ids of analyses with results that are not kept, those of some lines at a time."""
    after = 0
    while lines := list(
        BranchLine.objects.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:LINES]
    ):
        with connection.cursor() as cursor:
            cursor.execute(
                OLD,
                {
                    "after": after,
                    "upto": lines[-1],
                    "kept": settings.ANALYSES_KEPT,
                    "months": _months_ago(timezone.now(), settings.ANALYSES_MONTHS),
                },
            )
            found = [pk for (pk,) in cursor.fetchall()]
        for start in range(0, len(found), ANALYSES):
            yield found[start : start + ANALYSES]
        after = lines[-1]


def _months_ago(now: datetime, months: int) -> datetime:
    """Return the beginning of the month so many months before the current one, in UTC."""
    now = now.astimezone(UTC)
    number = max(now.year * 12 + now.month - 1 - months, 12)  # the year 1 is the first that a date can have
    return datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC)


def _failed() -> models.QuerySet[Analysis]:
    before = timezone.now() - timedelta(days=settings.ANALYSES_FAILED_DAYS)
    return Analysis.objects.filter(
        status__in=[AnalysisStatus.FAILED, AnalysisStatus.CANCELLED], settled=True, completed_at__lt=before
    )


def _failed_analyses() -> Iterator[list[int]]:
    after = 0
    while found := list(
        _failed().filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:ANALYSES]
    ):
        yield found
        after = found[-1]


# --- away with it ---------------------------------------------------------------------------------------------------


def _delete_analyses(ids: list[int], done: Pruned, end: float | None) -> None:
    """Delete analyses: first what may be many rows of each, then themselves, a repository's in one transaction."""
    _go_on(end)
    _delete_rows(Analysis, ids, done, end)
    owners: dict[int, list[int]] = defaultdict(list)
    for pk, repository_id in Analysis.objects.filter(pk__in=ids).values_list("pk", "repository_id"):
        owners[repository_id].append(pk)
    for repository_id, own in sorted(owners.items()):
        _go_on(end)
        with transaction.atomic():
            # Findings lose their first analysis, while one that ends writes the same rows in an order of its own: only
            # one of the two may be at them. It keeps two passes apart, too.
            lock_repositories([repository_id])
            # The ORM, because what else refers to an analysis is set to null as its model says.
            _count, by_model = Analysis.objects.filter(pk__in=own).delete()
        done.analyses += by_model.get(Analysis._meta.label, 0)


ORPHANS = """
SELECT s.id, s.status FROM analysis_resultset s
 WHERE s.id > %s AND s.status <> 'writing'
   AND NOT EXISTS (SELECT 1 FROM analysis_analysis a WHERE a.result_set_id = s.id)
 ORDER BY s.id LIMIT %s
"""


def _delete_orphans(done: Pruned, end: float | None) -> None:
    """Delete result sets that no analysis shows; those that can be shared are only taken out of sharing now."""
    after = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(ORPHANS, [after, SETS])
            found = cursor.fetchall()
        if not found:
            return
        after = found[-1][0]
        sharable = [pk for pk, status in found if status == ResultSetStatus.COMPLETE]
        ResultSet.objects.filter(
            pk__in=sharable, status=ResultSetStatus.COMPLETE, analyses__isnull=True
        ).update(status=ResultSetStatus.SUPERSEDED)
        for pk, status in found:
            if status != ResultSetStatus.COMPLETE:
                _delete_set(pk, done, end)


def _delete_set(pk: int, done: Pruned, end: float | None) -> None:
    """Delete a set that was taken out of sharing in an earlier pass, or that never was shared.

    Whoever shares a set holds its row until it is shown (`sharing.hold`), and shares none that is superseded. So
    nobody can come to show this one any more.
    """
    _go_on(end)
    _delete_rows(ResultSet, [pk], done, end)
    _count, by_model = ResultSet.objects.filter(pk=pk).delete()
    done.result_sets += by_model.get(ResultSet._meta.label, 0)


def _delete_rows(owner: type[models.Model], ids: list[int], done: Pruned, end: float | None) -> None:
    """Delete the rows that would go with these owners, some thousand in each transaction.

    Which tables those are is read from the models, so that what an app adds later is not forgotten.
    """
    for relation in owner._meta.related_objects:
        if relation.on_delete is not models.CASCADE:
            continue
        table = connection.ops.quote_name(relation.related_model._meta.db_table)
        column = connection.ops.quote_name(str(relation.field.column))
        statement = (
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY("  # noqa: S608  (names of our own tables)
            f"SELECT ctid FROM {table} WHERE {column} = ANY(%s) LIMIT %s))"
        )
        while True:
            _go_on(end)
            with connection.cursor() as cursor:
                cursor.execute(statement, [ids, ROWS])
                count = cursor.rowcount
            done.rows += count
            if count < ROWS:
                break
