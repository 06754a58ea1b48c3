"""Says whether a regular expression may be run over text of strangers: no form that backtracks without bound."""

from __future__ import annotations

import re

MAX_BOUND = 64
"""The largest repetition that counts as bounded."""

_TOKEN = re.compile(
    r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<\w+>|\(\?:|\(\?>|\(\?|\(|\)|\{\d*,?\d*\}[+?]?|[*+?][+?]?|.",
    re.DOTALL,
)
_BOUNDS = re.compile(r"\{(\d*)(,?)(\d*)\}([+?]?)")


def objection(pattern: str) -> str | None:
    """Why a pattern is refused, as a sentence; None where it is safe.

    Safe means, on lines of bounded length: it compiles; no look-around and no back-reference; nothing that repeats
    stands in a group that repeats; at most one repetition without bound that can give back what it took
    (possessive ones, as in `\\s*+`, cannot).
    """
    try:
        re.compile(pattern)
    except re.error as error:
        return f"It does not compile: {error}."
    groups = [False]
    """Per open group: whether it holds a repetition that could multiply."""
    closed = False
    greedy = 0
    for part in _TOKEN.findall(pattern):
        if re.fullmatch(r"\\[1-9]", part):
            return "It refers back to a group."
        if part == "(?":
            return "It looks around or sets flags inside."
        if part in ("(", "(?:", "(?>") or part.startswith("(?P<"):
            groups.append(False)
            continue
        if part == ")":
            inner = groups.pop()
            groups[-1] = groups[-1] or inner
            closed = inner
            continue
        kind = _repetition(part)
        if kind is not None:
            unbounded, possessive, optional = kind
            if closed and not optional:
                return "A group that repeats holds something that repeats."
            greedy += unbounded and not possessive
            groups[-1] = groups[-1] or not optional
        closed = False
    return "More than one repetition has no bound." if greedy > 1 else None


def _repetition(part: str) -> tuple[bool, bool, bool] | None:
    """(without bound, possessive, at most once) of a quantifier; None for other tokens."""
    if part[0] in "*+" and len(part) <= 2:
        return True, part.endswith("+") and len(part) == 2, False
    if part[0] == "?" and len(part) <= 2:
        return False, part.endswith("+"), True
    match = _BOUNDS.fullmatch(part)
    if match is None or not (match[1] or match[3]):
        return None
    most = match[3] if match[2] else match[1]
    return not most or int(most) > MAX_BOUND, match[4] == "+", most in ("0", "1")
