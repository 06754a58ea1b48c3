"""Ten thousand findings of one analysis: stored, compared with the branch, and followed when every file was renamed.

`python -m bench.findings` prints the seconds as JSON; it runs with Django, on the environment of the platform measured.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

import django

from bench.report import Figure, Report, median

FINDINGS = 10_000
FILES = 500
RUNS = 3
SECONDS = 2.0
SIGHTS = (
    ("stored", "10,000 new findings, stored and compared"),
    ("again", "10,000 known findings, stored and compared"),
    ("renamed", "10,000 findings in renamed files, stored and followed"),
    ("edited", "10,000 findings in renamed and edited files, stored and followed"),
)


def measure(report: Report, environ: dict[str, str], folder: Any) -> None:
    """Run the steps in a process of the platform and add their figures."""
    argv = [sys.executable, "-m", "bench.findings"]
    done = subprocess.run(
        argv, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True, check=True, timeout=300
    )
    seconds: dict[str, list[float]] = json.loads(done.stdout.splitlines()[-1])
    floor = median(seconds["floor"])
    for name, title in SIGHTS:
        report.add(
            Figure(
                title,
                median(seconds[name]),
                "s",
                target=SECONDS,
                floor=f"COPY and two statements: {floor:.2f} s",
                runs=tuple(seconds[name]),
                note=f"{median(seconds[name]) / floor:.1f}x the floor",
            )
        )


def seconds_of_each() -> dict[str, list[float]]:
    """Return the seconds of each step, and of the floor, run by run; every run has a repository of its own."""
    from django.db import transaction

    from commandcenter.analysis.tests.factories import end, make_repository, start, tree_ref

    taken: dict[str, list[float]] = {name: [] for name in (*dict(SIGHTS), "floor")}
    for _ in range(RUNS):
        repository = make_repository()
        for name, said in (
            ("stored", _said("old", "1")),
            ("again", _said("old", "1")),
            ("renamed", _said("new", "1")),
            ("edited", _said("newer", "2")),
        ):
            running = start(repository, tree_ref())
            begun = time.perf_counter()
            analysis = end(running, said)
            taken[name].append(time.perf_counter() - begun)
            changes = analysis.delta or {}
            if name != "stored" and changes["existing"] != FINDINGS:
                raise SystemExit(f"{name}: findings were lost: {changes}")
        with transaction.atomic():
            taken["floor"].append(_by_hand(analysis.result_set_id or 0))
            transaction.set_rollback(True)
    return taken


def _said(folder: str, version: str) -> list[dict[str, Any]]:
    """The messages of an engine that reports twenty different lines in each of 500 files."""
    from commandcenter.analysis.tests.factories import file_row, finding, messages
    from commandcenter.engine.fingerprint import digest

    rows = []
    for number in range(FINDINGS):
        file, line = divmod(number, FINDINGS // FILES)
        path, snippet = f"{folder}/file{file}.py", f"password_{file}_{line} = 'x'"
        mark = digest("ruff", "S105", path, snippet, 0)
        place = {"path": path, "start_line": line + 1, "end_line": line + 1}
        rows.append(finding(str(number), snippet=snippet, fingerprint=mark, **place))
    files = [file_row(f"{folder}/file{n}.py", blob=f"{version}{n:039x}") for n in range(FILES)]
    return messages(rows, files=files)


def _by_hand(result_set: int) -> float:
    """Store the same rows with one COPY and two statements, as little as could be done; return the seconds."""
    from django.db import connection

    columns = (
        "rule_id, fingerprint, severity, message, path, start_line, end_line, inline_suppressed, content"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM analysis_occurrence WHERE result_set_id = %s",
            [result_set],
        )
        rows = cursor.fetchall()
        cursor.execute(
            "CREATE TEMPORARY TABLE seen (LIKE analysis_occurrence INCLUDING INDEXES) ON COMMIT DROP"
        )
        cursor.execute("ALTER TABLE seen ALTER id SET DEFAULT 0, ALTER result_set_id SET DEFAULT 0")
        cursor.execute("ALTER TABLE seen DROP CONSTRAINT seen_pkey")
        cursor.execute(
            "CREATE TEMPORARY TABLE known (fingerprint text PRIMARY KEY, severity int, path text, line int)"
        )
        begun = time.perf_counter()
        with cursor.copy(f"COPY seen ({columns}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute("INSERT INTO known SELECT fingerprint, severity, path, start_line FROM seen")
        cursor.execute(
            "UPDATE known k SET line = s.start_line + 1 FROM seen s WHERE s.fingerprint = k.fingerprint"
        )
        return time.perf_counter() - begun


if __name__ == "__main__":
    django.setup()
    print(json.dumps(seconds_of_each()))
