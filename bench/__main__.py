"""`make bench`: measure everything and write bench-results/report.json and report.md. `--bare` adds a bare start."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Measure; exit 1 when a target was missed, so that nobody has to read to notice."""
    from bench import bare, corpus, engine, exports, jobs, large, platform, portfolio, schedules, webhooks
    from bench.report import Report

    _compile()
    report = Report()
    with tempfile.TemporaryDirectory(prefix="commandcenter-bench-") as made:
        Path(made).chmod(0o755)
        folder = Path(made) / "sources" / "corpus"
        begun = time.perf_counter()
        files = corpus.write(folder)
        print(
            f"corpus: {files} files, made in {time.perf_counter() - begun:.1f} s; load {os.getloadavg()[0]:.1f}",
            flush=True,
        )
        engine.measure(report, folder, files, Path(made) / "scratch")
        large.measure(report, Path(made))
        platform.measure(report, folder)
        portfolio.measure(report)
        jobs.measure(report)
        schedules.measure(report)
        webhooks.measure(report)
        exports.measure(report)
        if "--bare" in sys.argv[1:]:
            bare.measure(report, Path(made))
    print(f"\n{report.write(ROOT / 'bench-results')}")
    missed = [figure.name for figure in report.figures if figure.verdict == "MISSED"]
    if missed:
        print(f"missed: {'; '.join(missed)}")
    return 1 if missed else 0


def _compile() -> None:
    """Have bytecode of everything, as after an installation and one start: in CI nobody else writes it."""
    packages = [
        sysconfig.get_path("purelib"),
        *(str(ROOT / name) for name in ("commandcenter", "jobs", "exports", "schedules", "webhooks")),
    ]
    # Some packages hold templates that are no Python; what cannot be compiled is not imported either.
    subprocess.run([sys.executable, "-m", "compileall", "-qq", *packages], check=False, timeout=600)


if __name__ == "__main__":
    sys.exit(main())
