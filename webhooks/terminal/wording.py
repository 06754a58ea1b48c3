"""How a terminal shows what arrived: one line, and the payload below it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from django.utils.termcolors import make_style

from jobs.terminal.wording import plain
from webhooks.terminal.tally import Tally
from webhooks.terminal.verifying import Verdict

MOST_LINES = 200  # of a payload
LONGEST_LINE = 2_000
_NAME = re.compile(r'^( *)("(?:[^"\\]|\\.)*")(?=: )')

Style = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours, or none."""

    good: Style = str
    bad: Style = str
    odd: Style = str
    strong: Style = str
    name: Style = str

    @classmethod
    def coloured(cls) -> Palette:
        """Return the colours of a terminal that has some."""
        return cls(
            good=make_style(fg="green"),
            bad=make_style(fg="red", opts=("bold",)),
            odd=make_style(fg="yellow"),
            strong=make_style(opts=("bold",)),
            name=make_style(fg="cyan"),
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request as it is shown."""

    at: datetime
    path: str
    message: str
    sequence: str
    body: bytes
    verdict: Verdict
    place: str
    status: int


def shown(arrival: Arrival, palette: Palette) -> Iterator[str]:
    """Yield the lines of one request, without anything that could move a cursor."""
    document, is_json = _read(arrival.body)
    kind = document.get("type") if isinstance(document, dict) else None
    verdict = arrival.verdict
    said = palette.good("verified") if verdict.verified else palette.bad("NOT VERIFIED")
    parts = [
        f"{arrival.at:%H:%M:%S}",
        palette.strong(_cut(kind) if isinstance(kind, str) else "(no type)"),
        f"#{_cut(arrival.sequence) or '?'}",
        said + (f" ({verdict.why})" if verdict.why else ""),
        palette.odd(arrival.place) if arrival.place else "",
        f"-> {arrival.status}",
    ]
    yield "  ".join(part for part in parts if part)
    yield f"  {_cut(arrival.message) or 'no id'}  {_cut(arrival.path)}"
    text = json.dumps(document, indent=2, ensure_ascii=False) if is_json else document
    lines = str(text).split("\n")
    for line in lines[:MOST_LINES]:
        yield "  " + _NAME.sub(lambda found: found[1] + palette.name(found[2]), _cut(line, LONGEST_LINE))
    if len(lines) > MOST_LINES:
        yield f"  ... {len(lines) - MOST_LINES:,} lines more"


def summary(tally: Tally) -> str:
    """Say in one line what was heard."""
    parts = [f"{tally.verified:,} of {tally.requests:,} verified"]
    if tally.again:
        parts.append(f"{tally.again:,} came again")
    if tally.gaps:
        parts.append(f"{tally.gaps:,} gaps")
    return ", ".join(parts) + "."


def _read(body: bytes) -> tuple[object, bool]:
    text = body.decode("utf-8", "replace")
    try:
        return json.loads(text), True
    except (ValueError, RecursionError):
        return text, False


def _cut(text: object, longest: int = 200) -> str:
    line = plain(text)
    return line if len(line) <= longest else line[:longest] + "\u2026"
