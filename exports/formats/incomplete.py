"""Names the engines whose results are missing or not whole, for formats that say it in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def incomplete(engines: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """Yield (id, status, why) of each engine that did not end well, did not run, or could not read some files."""
    for report in engines:
        unread = report.get("failures") or 0
        if report["status"] != "ok" or unread:
            files = f"{unread:,} file{'' if unread == 1 else 's'} could not be read in full" if unread else ""
            yield report["id"], report["status"], report.get("detail") or files
