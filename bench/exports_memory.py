"""By how much a process grows that writes an export, each in a fresh process of its own.

`python -m bench.exports_memory ANALYSIS FORMAT [NAME=VALUE]` exports once and prints it in MB.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import Any

import django
import psutil

from bench.report import Figure, median

MEGABYTES = 60.0  # above the idle worker
RUNS = 3
WRITTEN = (
    ("SARIF", ("sarif",)),
    ("SARIF for GitHub", ("sarif", "profile=github")),
    ("CSV", ("csv",)),
    ("JSON", ("json",)),
    ("JSON Lines", ("json", "variant=lines")),
    ("CycloneDX", ("cyclonedx",)),
    ("workbook", ("excel",)),
    ("HTML", ("html",)),
)


def figures(analysis: Any) -> list[Figure]:
    """Measure every format that may be large: none shall grow with the rows."""
    made = []
    for name, asked in WRITTEN:
        grown = [_grown(str(analysis.pk), *asked) for _ in range(RUNS)]
        made.append(Figure(f"{name}, memory above idle", median(grown), "MB", MEGABYTES, runs=tuple(grown)))
    return made


def _grown(*asked: str) -> float:
    argv = [sys.executable, "-m", "bench.exports_memory", *asked]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True, check=True, timeout=120)
    return float(done.stdout.splitlines()[-1])


def main(analysis_id: str, name: str, *said: str) -> None:
    """Export once and print how far the process grew above what it had before the first piece."""
    import commandcenter.urls  # noqa: F401  # a worker has read them when it is idle
    from commandcenter.analysis.models import Analysis
    from exports.formats.contract import ExportSource
    from exports.options import read
    from exports.registry import format_named

    analysis = Analysis.objects.with_results().select_related("repository", "project").get(pk=analysis_id)
    wanted = format_named(name)
    options = read(wanted.info.options, dict(each.split("=", 1) for each in said))
    process = psutil.Process()
    idle = peak = process.memory_info().rss
    with tempfile.TemporaryFile() as file:
        for piece in wanted.write(ExportSource(analysis), options):
            file.write(piece)
            peak = max(peak, process.memory_info().rss)
    print(f"{(peak - idle) / 1e6:.1f}")


if __name__ == "__main__":
    django.setup()
    main(*sys.argv[1:])
