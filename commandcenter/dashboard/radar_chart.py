"""The radar drawn on the server: where each blip lies, in rings from the inside out and a quarter for each sector."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from commandcenter.analysis.radar.rings import Ring, Sector
from commandcenter.dashboard.decisions import Decision

SIZE = 200  # from the middle to each side
BLIP = 8  # its radius
GAP = 2
AXIS = 13  # how far from the axes a blip stays, for the names of the rings
NEAREST = 20  # to the middle
RADII = {Ring.ADOPT: 78, Ring.TRIAL: 122, Ring.ASSESS: 158, Ring.HOLD: 190}
INNER = {Ring.ADOPT: 0, Ring.TRIAL: 78, Ring.ASSESS: 122, Ring.HOLD: 158}
TURN = {Sector.DATA: 0, Sector.CODE: 1, Sector.TOOLS: 2, Sector.PLATFORM: 3}  # quarters against the clock


@dataclass(frozen=True, slots=True)
class Blip:
    """A decision with its place."""

    decision: Decision
    x: float
    y: float


def picture(decided: Sequence[Decision]) -> dict[str, Any]:
    """Return what technologies/_radar.html draws: rings from the outside in, their names along the axis, sectors, blips."""
    placed = blips(decided)
    return {
        "blip": BLIP,
        "rings": [(ring, RADII[ring], (RADII[ring] + INNER[ring]) / 2) for ring in reversed(Ring)],
        "sectors": [
            (
                sector,
                -SIZE if sector in {Sector.CODE, Sector.TOOLS} else SIZE,
                -SIZE - 4 if sector in {Sector.CODE, Sector.DATA} else SIZE + 12,
                "start" if sector in {Sector.CODE, Sector.TOOLS} else "end",
            )
            for sector in Sector
        ],
        "blips": placed,
        "missing": len(decided) - len(placed),
    }


def blips(decided: Sequence[Decision]) -> list[Blip]:
    """Place decisions, each in its ring and sector; what finds no room there is left to the table."""
    cells: dict[tuple[Ring, Sector], list[Decision]] = defaultdict(list)
    for decision in decided:
        cells[decision.ring, decision.sector].append(decision)
    placed = []
    for (ring, sector), held in cells.items():
        places = _spread(_places(ring), len(held))
        for decision, (radius, angle) in zip(held, places, strict=False):
            turned = angle + TURN[sector] * math.pi / 2
            placed.append(
                Blip(decision, round(radius * math.cos(turned), 1), round(-radius * math.sin(turned), 1))
            )
    return sorted(placed, key=lambda blip: blip.decision.number)


def _spread(places: Sequence[tuple[float, float]], count: int) -> Iterator[tuple[float, float]]:
    """Yield so many of the places (or all), evenly distributed over them."""
    count = min(count, len(places))
    for number in range(count):
        yield places[(2 * number + 1) * len(places) // (2 * count)]


@cache
def _places(ring: Ring) -> tuple[tuple[float, float], ...]:
    """Return the places of a ring in one quarter as (radius, angle): arcs from the outside in, without overlap."""
    room, step = BLIP + 1, 2 * BLIP + GAP
    radius = float(RADII[ring] - room)
    found: list[tuple[float, float]] = []
    while radius >= max(INNER[ring] + room, NEAREST):
        edge = math.asin(AXIS / radius)
        usable = math.pi / 2 - 2 * edge
        count = int(usable * radius / step) + 1
        gap = usable / (count - 1) if count > 1 else 0
        first = edge if count > 1 else math.pi / 4
        found.extend((radius, first + place * gap) for place in range(count))
        radius -= step
    return tuple(found)
