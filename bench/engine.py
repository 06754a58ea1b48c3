"""The engine against the same tools run by hand."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import orjson

from bench import byhand, kept
from bench.report import Figure, Report, median

RUNS = 3


def measure(report: Report, folder: Path, files: int, scratch: Path) -> None:
    """Add the cold, the unchanged and the changed analysis, and lines alone."""
    floors = {
        step: [_timed([sys.executable, "-m", "bench.byhand", step, str(folder)])[:2] for _ in range(RUNS)]
        for step in byhand.STEPS
    }
    by_hand = {step: median([seconds for seconds, _cpu in runs]) for step, runs in floors.items()}
    cpu = sum(median([used for _seconds, used in runs]) for step, runs in floors.items() if step != "clone")
    tools = sum(seconds for step, seconds in by_hand.items() if step != "clone")
    words = ", ".join(f"{step} {seconds:.2f}" for step, seconds in by_hand.items())
    cold = [_analyse(folder, scratch / f"cold-{number}") for number in range(RUNS)]
    _ratio(
        report,
        "cold analysis with its fetch / clone and tools by hand",
        [run / (tools + by_hand["clone"]) for run in cold],
        f"{files} files; by hand {words}; cold {median(cold):.2f} s",
    )
    # The mirror is there and nothing is believed: what is left is the engines, and the start of the processes.
    forced = [_analyse(folder, scratch / "cold-0", "--force") for _ in range(RUNS)]
    _ratio(
        report,
        "cold analysis of a fetched repository / tools by hand",
        [run / tools for run in forced],
        f"by hand {tools:.2f} s, without the clone; forced {median(forced):.2f} s",
    )
    cores = os.cpu_count() or 1
    report.add(
        Figure(
            "cold analysis of a fetched repository / (CPU of the tools by hand / cores)",
            median(forced) / (cpu / cores),
            "x",
            1.35,
            f"CPU by hand {cpu:.2f} s on {cores} cores",
            tuple(run / (cpu / cores) for run in forced),
        )
    )
    kept.measure(report, folder, scratch / "kept")
    warm_data = scratch / "warm"
    _analyse(folder, warm_data)
    warm = [_analyse(folder, warm_data) for _ in range(RUNS)]
    report.add(
        Figure("unchanged repository, whole command with its start", median(warm), "s", None, "", tuple(warm))
    )
    engine_cpu = [_timed(_command(folder, scratch / f"lines-{number}", "lines"))[1] for number in range(RUNS)]
    empty_cpu = [_timed(_command(folder, scratch / f"none-{number}", "history"))[1] for number in range(RUNS)]
    tokei_cpu = [_timed([sys.executable, "-m", "bench.byhand", "lines", str(folder)])[1] for _ in range(RUNS)]
    bare_cpu = [_timed([sys.executable, "-c", "import pytokei"])[1] for _ in range(RUNS)]
    own = median(engine_cpu) - median(empty_cpu)
    floor = median(tokei_cpu) - median(bare_cpu)
    report.add(
        Figure(
            "lines engine / pytokei alone, CPU",
            own / floor,
            "x",
            2.0,
            "start-up of both subtracted",
            (),
            f"{own:.2f} s / {floor:.2f} s",
        )
    )


def _ratio(report: Report, name: str, ratios: list[float], note: str) -> None:
    report.add(
        Figure(name, median(ratios), "x", 1.5, "one after another, sum of medians", tuple(ratios), note)
    )


def _command(folder: Path, data: Path, engines: str | None = None) -> list[str]:
    argv = [sys.executable, "-m", "commandcenter.engine", str(folder), "--data", str(data), "--json"]
    return [*argv, "--engines", engines] if engines else argv


def _analyse(folder: Path, data: Path, *options: str) -> float:
    """Return the seconds of one run; a partial one is no figure."""
    seconds, _cpu, output = _timed([*_command(folder, data), *options])
    last = orjson.loads(output.strip().splitlines()[-1])
    if last.get("status") != "complete":
        raise SystemExit(f"The analysis did not end as complete: {last}")
    return seconds


def _timed(argv: list[str]) -> tuple[float, float, bytes]:
    """Run a command; return its wall seconds, the CPU seconds of it and its children, and its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begun = time.perf_counter()
    done = subprocess.run(
        argv,
        capture_output=True,
        timeout=600,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )
    seconds = time.perf_counter() - begun
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{' '.join(argv)} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    cpu = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return seconds, cpu, done.stdout
