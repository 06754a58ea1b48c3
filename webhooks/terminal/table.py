"""`manage.py webhooks list`: a table of endpoints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.text import Truncator

from jobs.terminal.wording import moment, plain
from webhooks.addresses import told
from webhooks.models import Endpoint

_HEADINGS = ("ID", "PROJECT", "STATE", "EVENTS", "ADDRESS")
_LONGEST_EVENTS = 40


def table(endpoints: Sequence[Endpoint]) -> Iterator[str]:
    """Yield a heading and a line for each endpoint, in aligned columns."""
    rows = [_HEADINGS, *(_row(each) for each in endpoints)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _row(endpoint: Endpoint) -> tuple[str, ...]:
    state = "enabled" if endpoint.enabled else "disabled"
    if endpoint.enabled and endpoint.run.failing_since is not None:
        state = f"fails since {moment(endpoint.run.failing_since)}"
    return (
        str(endpoint.pk),
        plain(endpoint.project.slug),
        state,
        Truncator(",".join(endpoint.events)).chars(_LONGEST_EVENTS),
        plain(told(endpoint.url)),
    )
