"""What a benchmark measured, as a table for people and as JSON for plots."""

from __future__ import annotations

import json
import os
import platform
import statistics
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure. `target` is what it must not exceed; ratios compare with a floor of the same run."""

    name: str
    value: float
    unit: str
    target: float | None = None
    floor: str = ""
    runs: tuple[float, ...] = ()
    note: str = ""

    @property
    def verdict(self) -> str:
        """Return met, MISSED, or nothing where there is no target."""
        if self.target is None:
            return ""
        return "met" if self.value <= self.target else "MISSED"


@dataclass(slots=True)
class Report:
    """All figures of one run on one machine."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, figure: Figure) -> None:
        """Keep a figure and print it at once, so that a long run shows what it has."""
        self.figures.append(figure)
        target = f"  target {figure.target:g}  {figure.verdict}" if figure.target is not None else ""
        print(
            f"{figure.name:<58} {figure.value:>10.3f} {figure.unit:<6}{target}  {figure.note}".rstrip(),
            flush=True,
        )

    def write(self, folder: Path) -> Path:
        """Write report.json and report.md and return the latter."""
        folder.mkdir(parents=True, exist_ok=True)
        machine = {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "python": platform.python_version(),
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
        }
        document = {
            "machine": machine,
            "figures": [asdict(figure) | {"verdict": figure.verdict} for figure in self.figures],
        }
        (folder / "report.json").write_text(json.dumps(document, indent=2) + "\n")
        lines = [
            f"Measured {machine['at']} on {machine['cores']} cores, Python {machine['python']}, load {machine['load']:.1f}.",
            "",
            "| figure | value | target | verdict | floor | runs |",
            "|---|---|---|---|---|---|",
        ]
        for each in self.figures:
            target = f"{each.target:g} {each.unit}" if each.target is not None else ""
            runs = ", ".join(f"{run:.3f}" for run in each.runs)
            lines.append(
                f"| {each.name} | {each.value:.3f} {each.unit} | {target} | {each.verdict} | {each.floor} {each.note} | {runs} |"
            )
        path = folder / "report.md"
        path.write_text("\n".join(lines) + "\n")
        return path


def p95(runs: list[float]) -> float:
    """Return the value that one run in twenty exceeds."""
    return statistics.quantiles(runs, n=20, method="inclusive")[-1]


def median(runs: list[float]) -> float:
    """Return the median."""
    return statistics.median(runs)
