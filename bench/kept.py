"""The engine as a worker has it: a process that is kept, on a mirror that is there."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench import corpus
from bench.report import Figure, Report, median
from commandcenter.engine.client import EngineProcess
from commandcenter.engine.limits import Limits
from commandcenter.engine.plan import plan
from commandcenter.engine.source import SourcePolicy, TreeRef, open_source

RUNS = 5
SILENCE = 240.0


class Kept:
    """One engine process with its cache, and one folder of mirrors."""

    def __init__(self, process: EngineProcess, sources: Path, mirrors: Path) -> None:
        self._process = process
        self._policy = SourcePolicy(roots=(sources,))
        self._mirrors = mirrors
        self.limits = Limits()

    def open(self, folder: Path) -> tuple[TreeRef, float]:
        """Open the source; return it with the seconds that this took."""
        begun = time.perf_counter()
        found = open_source(
            str(folder),
            ref=None,
            mirrors=self._mirrors,
            policy=self._policy,
            limits=self.limits,
            progress=lambda _step: None,
            cancelled=lambda: False,
        )
        return found, time.perf_counter() - begun

    def analyse(self, folder: Path) -> tuple[float, float]:
        """Open and analyse; return the seconds, and the most memory of the engine process in MB."""
        begun = time.perf_counter()
        found, _ = self.open(folder)
        said = self._process.analyse(
            found.git_dir, found.commit, engines=plan().engines, idle_seconds=SILENCE
        )
        last: dict[str, object] = {}
        peak = 0.0
        for message in said:
            last = dict(message)
            pid = self._process.program_pid
            if pid is not None:
                peak = max(peak, psutil.Process(pid).memory_info().rss / 1e6)
        if last.get("status") != "complete":
            raise SystemExit(f"The analysis did not end as complete: {last}")
        return time.perf_counter() - begun, peak


@contextmanager
def keeping(sources: Path, data: Path) -> Iterator[Kept]:
    """Lend a kept engine for sources below a folder."""
    data.mkdir(parents=True)
    with EngineProcess(
        scratch_root=data / "scratch", limits=Limits(), cache_path=data / "cache.sqlite"
    ) as process:
        yield Kept(process, sources, data / "mirrors")


def measure(report: Report, folder: Path, data: Path) -> None:
    """Add the unchanged repository, and one of which a hundredth has changed."""
    with keeping(folder.parent, data) as kept:
        kept.analyse(folder)
        opened = [kept.open(folder)[1] for _ in range(RUNS)]
        report.add(
            Figure(
                "unchanged repository in the engine: found again in its mirror",
                median(opened),
                "s",
                0.1,
                "",
                tuple(opened),
            )
        )
        paths = sorted(folder.rglob("*.py"))
        part = max(1, len(paths) // 100)
        changed = []
        for number in range(RUNS):
            for path in paths[number * part : (number + 1) * part]:
                path.write_text(f"{path.read_text()}\n# again {number}\n")
            corpus.commit(folder, f"Revise a hundredth {number}")
            changed.append(kept.analyse(folder)[0])
        report.add(
            Figure(
                "1 % of the files changed: fetched and analysed",
                median(changed),
                "s",
                1.0,
                f"{part} files",
                tuple(changed),
            )
        )
