"""Pages of what an analysis saw, worst first: the loop that all readers of its findings share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import connection

from commandcenter.analysis.findings.identity import HELD_THEN, HOLDS_NOW, moved_since
from commandcenter.analysis.models import Analysis, Severity
from commandcenter.analysis.results.rows.paging import PAGE

FIRST = 200  # rows of the first page: whoever waits for a beginning waits for no more
SEVERITIES_DOWN = sorted(Severity.values, reverse=True)


def seen_pages(analysis: Analysis, statement: str, **values: Any) -> Iterator[list[tuple[Any, ...]]]:
    """Yield pages of rows, whose first column is the id of an occurrence, without a transaction.

    `statement` has a place {finding} for the condition that joins findings, and the parameters line, ticket, analysis,
    results, severity, after and limit beside `values`.
    """
    then = moved_since(analysis)
    values |= {
        "analysis": analysis.pk,
        "line": analysis.branch_line_id,
        "ticket": analysis.ticket or 0,
        "results": analysis.result_set_id,
    }
    limit = FIRST
    for severity in SEVERITIES_DOWN:  # the index serves each in the order of ids
        after = 0
        while True:
            finding = HELD_THEN if then else HOLDS_NOW
            with connection.cursor() as cursor:
                cursor.execute(
                    statement.format(finding=finding),
                    {**values, "severity": severity, "after": after, "limit": limit},
                )
                page = cursor.fetchall()
            # A newer analysis may have moved findings on since the last page: this one would miss them.
            if not then and moved_since(analysis):
                then = True
                continue
            if page:
                yield page
            if len(page) < limit:
                break
            after, limit = page[-1][0], PAGE
