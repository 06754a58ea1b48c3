"""Exports of one analysis with 50,000 findings and 5,000 dependencies, each beside a floor from the same run.

`python -m bench.exports` prints the figures as JSON; it runs with Django, on the environment of the platform measured.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import django

from bench import corpus
from bench.platform import USER, Client
from bench.report import Figure, Report
from commandcenter.embedded.layout import running_environment
from tests.embedded.running import Up, data_folder, until

ROOT = Path(__file__).resolve().parent.parent
FINDINGS = 50_000
DEPENDENCIES = 5_000
FILES = 2_500
SECONDS = 900
# Each has figures(analysis) -> list[Figure]; a format that is to be measured gets a module and a line.
PARTS = ("bench.exports_tables", "bench.exports_sarif", "bench.exports_documents", "bench.exports_memory")


def measure(report: Report) -> None:
    """Start a platform on a fresh data folder, make the analysis in its database and add the figures of each part."""
    with data_folder() as base:
        tiny = base / "tiny"
        tiny.mkdir()
        (tiny / "hello.py").write_text("print('hello')\n")
        corpus.git(tiny, "init", "-q", "-b", "main")
        corpus.commit(tiny, "first")
        password = secrets.token_urlsafe(16)
        up = Up(base / "data", tiny, CC_ADMIN_USER=USER, CC_ADMIN_PASSWORD=password, CC_RATE_LIMITS="off")
        try:
            up.start()
            until(up.announced, "the start", 180)
            client = Client(up.port, password)
            until(
                lambda: client.call("GET", "/analyses?status=complete")["results"], "the first analysis", 120
            )
            found = running_environment(up.data)
            if found is None:
                raise SystemExit("The platform is not running.")
            own = {
                "DJANGO_SETTINGS_MODULE": "bench.settings",
                "CC_LOG_LEVEL": "ERROR",
                "CC_PROCESS": "worker",
            }
            _inside(report, {**os.environ, **found, **own, "CC_DATA_DIR": str(up.data)})
        finally:
            up.end()


def _inside(report: Report, environ: dict[str, str]) -> None:
    argv = [sys.executable, "-m", "bench.exports"]
    done = subprocess.run(
        argv, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True, check=True, timeout=SECONDS
    )
    for each in json.loads(done.stdout.splitlines()[-1]):
        report.add(Figure(**{**each, "runs": tuple(each["runs"])}))


def make_analysis() -> Any:
    """Return an analysis as exports load it, with rows such as real ones have."""
    from django.db import connection

    from commandcenter.analysis.models import Analysis
    from commandcenter.analysis.tests.factories import (
        analyse,
        dependency_row,
        file_row,
        finding,
        make_repository,
        messages,
    )

    severities = ("critical", "high", "medium", "medium", "low", "low", "low", "info")
    rows = []
    for number in range(FINDINGS):
        file, line = number % FILES, number // FILES * 7 + 3
        place = {"path": f"src/package{file % 50}/module{file}.py", "start_line": line, "end_line": line + 1}
        rows.append(
            finding(
                f"{number:064x}",
                severity=severities[number % len(severities)],
                message=f"Possible hardcoded password assigned to: 'token_{number}'",
                **place,
            )
        )
    said = messages(
        rows,
        files=[file_row(f"src/package{n % 50}/module{n}.py") for n in range(FILES)],
        dependencies=[
            dependency_row(f"package-{n}", f"1.{n % 30}.0", line=n + 1) for n in range(DEPENDENCIES)
        ],
    )
    made = analyse(make_repository(), said)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return Analysis.objects.with_results().select_related("repository", "project").get(pk=made.pk)


if __name__ == "__main__":
    django.setup()
    analysis = make_analysis()
    print(json.dumps([asdict(figure) for part in PARTS for figure in import_module(part).figures(analysis)]))
