"""HTML, JSON, CycloneDX and Markdown: how long each takes to write and to begin, and how large it is."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from typing import Any

from bench.exports_tables import RUNS, in_turns
from bench.report import Figure, median

MEGABYTES = 15.0
FIRST_MS = 100.0
Wanted = tuple[str, dict[str, str]]  # a format and its options
JSON: Wanted = ("json", {})
LINES: Wanted = ("json", {"variant": "lines"})
HTML: Wanted = ("html", {})
CYCLONEDX: Wanted = ("cyclonedx", {})
MARKDOWN: Wanted = ("markdown", {})


def figures(analysis: Any) -> list[Figure]:
    """Measure those with a limit of their own, and JSON beside the dumps of what it says."""
    return [*_html(analysis), *_json(analysis), *_others(analysis)]


def _html(analysis: Any) -> list[Figure]:
    taken = [_seconds(partial(_written, analysis, HTML)) for _ in range(RUNS)]
    size = sum(map(len, _pieces(analysis, HTML))) / 1e6
    return [
        Figure("HTML", median(taken), "s", 3.0, runs=tuple(taken)),
        Figure("HTML, size", size, "MB", MEGABYTES),
        _first(analysis, "HTML", HTML),
    ]


def _json(analysis: Any) -> list[Figure]:
    import orjson

    document = orjson.loads(b"".join(_pieces(analysis, JSON)))
    ours, floor = in_turns(partial(_written, analysis, JSON), partial(_dumped, orjson.dumps, document))
    note = f"{median(floor):.2f} s for orjson.dumps and write with the dicts ready"
    lines = [_seconds(partial(_written, analysis, LINES)) for _ in range(RUNS)]
    return [
        Figure("JSON", median(ours), "s", runs=tuple(ours), note=note),
        _first(analysis, "JSON", JSON),
        Figure("JSON Lines", median(lines), "s", runs=tuple(lines)),
    ]


def _others(analysis: Any) -> list[Figure]:
    made = []
    for name, wanted in (("CycloneDX", CYCLONEDX), ("Markdown", MARKDOWN)):
        taken = [_seconds(partial(_written, analysis, wanted)) for _ in range(RUNS)]
        made += [Figure(name, median(taken), "s", runs=tuple(taken)), _first(analysis, name, wanted)]
    return made


def _first(analysis: Any, name: str, wanted: Wanted) -> Figure:
    """Markdown comes first with its heading; the others with what they say of the analysis."""
    taken = [_seconds(lambda: next(filter(None, _pieces(analysis, wanted)))) * 1000 for _ in range(RUNS)]
    return Figure(f"{name}, first byte", median(taken), "ms", FIRST_MS, runs=tuple(taken))


def _seconds(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _pieces(analysis: Any, wanted: Wanted) -> Any:
    from exports.formats.contract import ExportSource
    from exports.options import read
    from exports.registry import format_named

    name, options = wanted
    found = format_named(name)
    return found.write(ExportSource(analysis), read(found.info.options, options))


def _written(analysis: Any, wanted: Wanted) -> None:
    with tempfile.TemporaryFile() as file:
        file.writelines(_pieces(analysis, wanted))


def _dumped(dumps: Any, document: Any) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(dumps(document))
