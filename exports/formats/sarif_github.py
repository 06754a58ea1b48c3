"""SARIF within what GitHub's code scanning takes: the worst findings first, and a word on what was left out.

GitHub refuses a file beyond these limits. It reads neither `baselineState` nor `suppressions`: a finding that is fixed or
suppressed would open an alert. So those are left out, and GitHub closes the alerts that no longer come.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from commandcenter.analysis.models import Analysis, FindingState, FindingTransition, Occurrence
from commandcenter.core.renderers import to_json
from exports.formats.contract import ExportSource
from exports.formats.sarif_results import result
from exports.formats.sarif_runs import Run, compared, notification, runs_of


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken; of the results of a run only the first `shown` are stored."""

    runs: int = 20
    results: int = 25_000
    shown: int = 5_000
    bytes: int = 10_000_000  # after gzip


GITHUB = Limits()
MORE_BYTES = 2_000  # at most, of what a run says was left out, after gzip
PORTION = 100  # results that are compressed at once
MAY_TELL = ("results-left-out", "results-not-shown", "runs-left-out")


class Held:
    """The results of one run, compressed: so many bytes will they have in the file that GitHub receives."""

    def __init__(self, run: Run) -> None:
        self.run = run
        beside = to_json([run.head(*MAY_TELL), run.tail()])
        self.bytes = len(zlib.compress(beside)) + MORE_BYTES
        self.written = 0
        self.waiting: list[dict[str, Any]] = []
        self._compressor = zlib.compressobj()
        self._pieces: list[bytes] = []

    def press(self, room: int) -> bool:
        """Compress what waits, and keep it when it fits into so many bytes; tell whether it did."""
        text = (b"," if self.written else b"") + to_json(self.waiting)[1:-1]
        piece = self._compressor.compress(text) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        fits = len(piece) <= room
        if fits:
            self._pieces.append(piece)
            self.bytes += len(piece)
            self.written += len(self.waiting)
        self.waiting = []
        return fits

    def results(self) -> Iterator[bytes]:
        """Yield the results as JSON, without the brackets of the array."""
        unpack = zlib.decompressobj()
        yield from map(unpack.decompress, self._pieces)


class Selection:
    """The results that are written, taken worst first over all runs until the file is full."""

    def __init__(self, source: ExportSource, runs: list[Run], limits: Limits) -> None:
        self.held = {run.engine: Held(run) for run in runs}
        self.limit: Counter[str] = Counter()  # engine -> left out for the limits
        self.suppressed: Counter[str] = Counter()
        self._source, self._limits = source, limits
        self._full = False

    def take(self) -> None:
        """Read the findings once and hold those that fit."""
        told = compared(self._source)
        engine_of = {rule: engine for engine, held in self.held.items() for rule in held.run.places}
        severity = None
        for seen in self._source.sightings(engine_of):
            if seen.severity != severity:  # nothing less severe takes the place of what still waits
                self._press(*self.held.values())
                severity = seen.severity
            engine = engine_of[seen.rule]
            held = self.held[engine]
            if seen.decision is not None:
                self.suppressed[engine] += 1
            elif self._full or held.written + len(held.waiting) >= self._limits.results:
                self.limit[engine] += 1
            else:
                places = held.run.places
                held.waiting.append(result(seen, places, compared=told, github=True))
                if len(held.waiting) >= PORTION:
                    self._press(held)
        self._press(*self.held.values())

    def _press(self, *those: Held) -> None:
        for held in those:
            if not held.waiting:
                continue
            waiting = len(held.waiting)
            room = self._limits.bytes - sum(each.bytes for each in self.held.values())
            if self._full or not held.press(room):
                self._full = True
                held.waiting = []
                self.limit[held.run.engine] += waiting


def runs(source: ExportSource) -> Iterator[bytes]:
    """Yield the runs, within `GITHUB`."""
    limits = GITHUB
    chosen, omitted = _chosen(source, limits)
    selection = Selection(source, chosen, limits)
    fixed = _fixed(source.analysis) if compared(source) else Counter()
    separator = b""
    for run in chosen:
        yield separator + to_json(run.head(*MAY_TELL))[:-1] + b',"results":['
        if not separator:
            selection.take()  # only now, so that a client sees a start at once
        held = selection.held[run.engine]
        yield from held.results()
        left_out = {
            "limits": selection.limit[run.engine],
            "suppressed": selection.suppressed[run.engine],
            "fixed": fixed[run.engine],
        }
        told = _told(held.written, left_out, limits)
        if omitted and not separator:
            told.append(notification("runs-left-out", "warning", _omitted(omitted, limits)))
        tail = run.tail(*told, profile="github", written=held.written, leftOut=left_out)
        yield b"]," + to_json(tail)[1:]
        separator = b","


def _told(written: int, left_out: dict[str, int], limits: Limits) -> list[dict[str, Any]]:
    told = []
    if left_out["limits"]:
        text = (
            f"{left_out['limits']:,} of {written + left_out['limits']:,} findings were left out, the least severe: "
            f"GitHub takes {limits.results:,} results a run and {limits.bytes / 1e6:g} MB after gzip a file."
        )
        told.append(notification("results-left-out", "warning", text))
    if left_out["suppressed"]:
        text = f"Suppressed findings were left out, for GitHub would open alerts: {left_out['suppressed']:,}."
        told.append(notification("results-left-out", "note", text))
    if written > limits.shown:
        text = f"GitHub stores the first {limits.shown:,} of these {written:,} results; the worst come first."
        told.append(notification("results-not-shown", "warning", text))
    return told


def _chosen(source: ExportSource, limits: Limits) -> tuple[list[Run], list[Run]]:
    """Return the runs that are written and those that are not: when there are too many, those with the worst stay."""
    every = runs_of(source)
    if len(every) <= limits.runs:
        return every, []
    engine_of = {rule.id: rule.engine for rule in source.rules}
    seen = Occurrence.objects.filter(result_set=source.analysis.result_set_id)
    counts: Counter[tuple[str, int]] = Counter()
    for rule, severity, count in seen.values_list("rule", "severity").annotate(count=Count("pk")):
        counts[engine_of[rule], severity] += count
    worst = sorted(
        every, key=lambda run: [counts[run.engine, severity] for severity in (4, 3, 2, 1, 0)], reverse=True
    )
    kept = {run.engine for run in worst[: limits.runs]}
    return [run for run in every if run.engine in kept], [run for run in every if run.engine not in kept]


def _omitted(omitted: list[Run], limits: Limits) -> str:
    names = ", ".join(run.engine for run in omitted)
    return f"Runs were left out, those with the least severe findings, for GitHub takes {limits.runs} a file: {names}."


def _fixed(analysis: Analysis) -> Counter[str]:
    """Return engine -> how many of its findings the analysis found fixed."""
    gone = FindingTransition.objects.filter(analysis=analysis, to_state=FindingState.FIXED)
    return Counter(dict(gone.values_list("finding__rule__engine").annotate(count=Count("pk"))))
