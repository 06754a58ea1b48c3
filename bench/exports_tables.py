"""CSV beside csv.writer over a raw cursor, and a workbook beside xlsxwriter writing the same cells."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import psycopg

from bench.report import Figure, median

RUNS = 5
_FINDINGS = """
SELECT {kind} f.id, o.severity, COALESCE(t.to_state, 'existing'), r.engine, r.rule_id, o.message, o.path, o.start_line,
       o.end_line, o.start_column, o.end_column, f.suppression_kind, f.suppression_reason, f.suppressed_by_id,
       f.suppressed_at, f.suppressed_until, f.decided, f.assignee_id, f.origin, f.first_seen, f.last_seen, o.fingerprint
       {more}
  FROM analysis_occurrence o
  JOIN analysis_rule r ON r.id = o.rule_id
  JOIN analysis_finding f ON f.branch_line_id = %s AND f.fingerprint = o.fingerprint
  LEFT JOIN analysis_findingtransition t ON t.analysis_id = %s AND t.finding_id = f.id
 WHERE o.result_set_id = %s ORDER BY o.severity DESC, o.id
"""
_DEPENDENCIES = """
SELECT 'dependency', name, version, ecosystem, scope, direct, requirement, manifest, line, NULL, NULL, NULL, NULL, NULL,
       NULL, purl {}
  FROM analysis_dependency WHERE result_set_id = %s ORDER BY id
"""


def figures(analysis: Any) -> list[Figure]:
    """Measure each in turns with its floor, so that both see the same machine."""
    return [*_csv(analysis), *_excel(analysis)]


def _csv(analysis: Any) -> list[Figure]:
    made = []
    for rows in ("combined", "findings"):
        ours, floor = in_turns(partial(_written, analysis, "csv", rows), partial(_by_hand, analysis, rows))
        said = "findings and dependencies" if rows == "combined" else "findings"
        made.append(_ratio(f"CSV of {said} / csv.writer over a raw cursor", ours, floor, 2.0))
    first = [_first_byte(analysis) for _ in range(RUNS)]
    made.append(Figure("CSV of everything, first byte", median(first), "ms", 100.0, runs=tuple(first)))
    return made


def _excel(analysis: Any) -> list[Figure]:
    cells = _cells(analysis)
    ours, floor = in_turns(partial(_written, analysis, "excel"), partial(_bare_book, cells))
    return [_ratio("workbook / bare xlsxwriter with the same cells", ours, floor, 1.3)]


def _ratio(name: str, ours: list[float], floor: list[float], target: float) -> Figure:
    value = median(ours) / median(floor)
    note = f"{median(ours):.2f} s"
    return Figure(name, value, "x", target, f"{median(floor):.2f} s", tuple(ours), note)


def in_turns(ours: Callable[[], None], floor: Callable[[], None]) -> tuple[list[float], list[float]]:
    taken: tuple[list[float], list[float]] = ([], [])
    for run in range(RUNS + 1):
        for place, work in enumerate((ours, floor)):
            begun = time.perf_counter()
            work()
            if run:  # the first one warms up
                taken[place].append(time.perf_counter() - begun)
    return taken


def _pieces(analysis: Any, name: str, rows: str = "") -> Any:
    from exports.formats.contract import ExportSource
    from exports.options import read
    from exports.registry import format_named

    wanted = format_named(name)
    return wanted.write(
        ExportSource(analysis), read(wanted.info.options, {"export_type": rows} if rows else {})
    )


def _written(analysis: Any, name: str, rows: str = "") -> None:
    with tempfile.TemporaryFile() as file:
        file.writelines(_pieces(analysis, name, rows))


def _first_byte(analysis: Any) -> float:
    begun = time.perf_counter()
    next(_pieces(analysis, "csv"))
    return (time.perf_counter() - begun) * 1000


def _by_hand(analysis: Any, rows: str) -> None:
    """Write the rows of the database as they come, as little as could be done."""
    from django.db import connection

    from exports.formats.csv_table import COMBINED
    from exports.tables import DEPENDENCIES, FINDINGS

    plain = connection.get_connection_params()
    for name in ("context", "cursor_factory", "prepare_threshold"):  # Django's own ways, which cost time
        plain.pop(name, None)
    combined = rows == "combined"
    every = 1 + len({column.name for table in COMBINED for column in table.columns})
    with tempfile.TemporaryFile("w+", newline="") as file, psycopg.connect(**plain) as raw:
        cursor = raw.cursor()
        writer = csv.writer(file)
        # As many cells as ours have: in a table of all, the columns of other kinds are there and empty.
        nulls = ", NULL" * (every - 1 - len(FINDINGS.columns))
        extra = {"kind": "'finding',", "more": nulls} if combined else {"kind": "", "more": ""}
        keys = [analysis.branch_line_id, analysis.pk, analysis.result_set_id]
        cursor.execute(_FINDINGS.format(**extra), keys)
        writer.writerows(cursor)
        if combined:
            nulls = ", NULL" * (every - 1 - len(DEPENDENCIES.columns))
            cursor.execute(_DEPENDENCIES.format(nulls), [analysis.result_set_id])
            writer.writerows(cursor)


def _cells(analysis: Any) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """Return every sheet's rows, read beforehand: the floor has only to write them."""
    from exports.formats.contract import ExportSource
    from exports.formats.excel import SHEETS

    source = ExportSource(analysis)
    return [(name, list(table.rows(source))) for name, table in SHEETS.items()]


def _bare_book(sheets: list[tuple[str, list[tuple[Any, ...]]]]) -> None:
    from datetime import datetime

    from xlsxwriter import Workbook

    with tempfile.TemporaryDirectory() as folder:
        book = Workbook(
            str(Path(folder) / "bare.xlsx"),
            {"constant_memory": True, "tmpdir": folder, "remove_timezone": True},
        )
        style = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name, rows in sheets:
            sheet = book.add_worksheet(name)
            for number, cells in enumerate(rows):
                for place, value in enumerate(cells):
                    match value:
                        case None:
                            pass
                        case bool():
                            sheet.write_boolean(number, place, value)
                        case int() | float():
                            sheet.write_number(number, place, value)
                        case datetime():
                            sheet.write_datetime(number, place, value, style)
                        case _:
                            sheet.write_string(number, place, str(value))
        book.close()
