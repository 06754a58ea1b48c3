"""The table that `make accuracy` prints, and what it adds up to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.accuracy.explained import EXPLAINED

WORST = 8  # lines that --worst prints below a row


@dataclass(slots=True)
class Table:
    """The rows as they come, which of them are beyond their bounds, and what could not be compared."""

    worst: bool = False
    missed: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    def head(self) -> None:
        print(f"{'what':<42} {'of':<18} {'files':>6} {'ours':>9} {'theirs':>9} {'gap':>8}")

    def row(self, what: str, subject: str, counts: tuple[int, int, int], bound: float) -> None:
        """Add a row: `counts` are how many files, what we count in them, and what the oracle does."""
        files, ours, theirs = counts
        gap = (ours - theirs) / theirs if theirs else float(ours != theirs)
        allowed, why = EXPLAINED.get((what, subject), (bound, ""))
        verdict = "ok" if abs(gap) <= bound else ("explained" if abs(gap) <= allowed else "MISSED")
        line = f"{what:<42} {subject:<18} {files:>6} {ours:>9} {theirs:>9} {gap:>+8.2%}  {verdict}  {why}"
        print(line.rstrip(), flush=True)
        if verdict == "MISSED":
            self.missed.append(f"{what}, {subject}: {gap:+.2%}")

    def details(self, lines: Iterable[str]) -> None:
        """Print what is behind a row, when it was asked for."""
        if self.worst:
            for line, _ in zip(lines, range(WORST), strict=False):
                print(f"    {line}")

    def lost(self, what: str, why: str) -> None:
        """Say that something could not be compared."""
        print(f"{what:<42} NOT RUN: {why}", flush=True)
        self.not_run.append(what)
