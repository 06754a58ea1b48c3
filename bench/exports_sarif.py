"""SARIF beside the same dicts made from a raw cursor and written at once."""

from __future__ import annotations

import tempfile
import time
from functools import partial
from typing import Any

import orjson
import psycopg

from bench.exports_tables import RUNS, in_turns
from bench.report import Figure, median


def figures(analysis: Any) -> list[Figure]:
    """Measure in turns with the floor, so that both see the same machine."""
    ready = _dicts(analysis)
    at_once = [_seconds(partial(_dumped, ready)) for _ in range(RUNS)]
    del ready
    made = []
    for profile, target in (("full", 1.5), ("github", None)):
        ours, floor = in_turns(partial(_streamed, analysis, profile), partial(_by_hand, analysis))
        note = f"{median(ours):.2f} s; dumps and write alone, with the dicts ready, {median(at_once):.2f} s"
        name = f"SARIF, profile {profile} / rows to the same dicts, dumps and write"
        value = median(ours) / median(floor)
        made.append(Figure(name, value, "x", target, f"{median(floor):.2f} s", tuple(ours), note))
    first = [_seconds(lambda: next(_pieces(analysis, "full"))) * 1000 for _ in range(RUNS)]
    made.append(Figure("SARIF, first byte", median(first), "ms", 100.0, runs=tuple(first)))
    return made


def _seconds(work: Any) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _pieces(analysis: Any, profile: str) -> Any:
    from exports.formats.contract import ExportSource
    from exports.options import read
    from exports.registry import format_named

    wanted = format_named("sarif")
    return wanted.write(ExportSource(analysis), read(wanted.info.options, {"profile": profile}))


def _streamed(analysis: Any, profile: str) -> None:
    with tempfile.TemporaryFile() as file:
        file.writelines(_pieces(analysis, profile))


def _dumped(document: dict[str, Any]) -> None:
    with tempfile.TemporaryFile() as file:
        file.write(orjson.dumps(document))


def _by_hand(analysis: Any) -> None:
    """Write the same dicts, all at once: as little as could be done with rows of the database."""
    _dumped(_dicts(analysis))


def _dicts(analysis: Any) -> dict[str, Any]:
    """Return the document as dicts, its rows read through a plain cursor by one query."""
    from django.db import connection

    from commandcenter.analysis.results.rows.sighting import Sighting
    from exports.formats.contract import ExportSource
    from exports.formats.sarif_results import result
    from exports.formats.sarif_runs import compared, runs_of

    plain = connection.get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):  # Django's own ways, which cost time
        plain.pop(name, None)
    source = ExportSource(analysis)
    told = compared(source)
    made = []
    with psycopg.connect(**plain) as raw:
        for run in runs_of(source):
            keys = [analysis.branch_line_id, analysis.pk, analysis.result_set_id, list(run.places)]
            rows = map(Sighting._make, raw.execute(_ROWS, keys))
            results = [result(row, run.places, compared=told) for row in rows]
            made.append(run.head() | {"results": results} | run.tail())
    return {"version": "2.1.0", "runs": made}


_ROWS = """
SELECT f.id, o.fingerprint, o.rule_id, o.severity, o.message, o.path, o.start_line, o.end_line, o.start_column,
       o.end_column, COALESCE(t.to_state, 'existing'), NULLIF(f.suppression_kind, ''), f.suppression_reason,
       f.suppressed_until
  FROM analysis_occurrence o
  JOIN analysis_finding f ON f.branch_line_id = %s AND f.fingerprint = o.fingerprint
  LEFT JOIN analysis_findingtransition t ON t.analysis_id = %s AND t.finding_id = f.id
 WHERE o.result_set_id = %s AND o.rule_id = ANY(%s) ORDER BY o.severity DESC, o.id
"""
