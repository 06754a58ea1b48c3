"""Whether a request is a webhook of ours: its signatures, its time, and its place in the sequence. It knows no database."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from commandcenter.core.signing import signature

TOLERANCE_SECONDS = 300  # a request of another time may be an old one, sent again by somebody else
MOST_SIGNATURES = 10
MOST_IDS = 10_000
MOST_PATHS = 100
LONGEST_NUMBER = 15


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is genuine, and why or why not."""

    verified: bool
    why: str


def verify(headers: Mapping[str, str], body: bytes, keys: Sequence[bytes], now: float) -> Verdict:
    """Look at the headers of Standard Webhooks; names of `headers` are in lower case, or heed no case."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if missing := [name for name in names if not headers.get(name)]:
        return Verdict(False, f"{', '.join(missing)} missing")
    stamp = headers["webhook-timestamp"]
    if not _is_number(stamp):
        return Verdict(False, "webhook-timestamp is no number of seconds")
    given = headers["webhook-signature"].split()[:MOST_SIGNATURES]
    wanted = [signature(key, headers["webhook-id"], int(stamp), body) for key in keys]
    fitting = sum(any(hmac.compare_digest(one.encode(), each.encode()) for one in wanted) for each in given)
    if not wanted:
        return Verdict(False, "no secret is known")
    if not fitting:
        return Verdict(False, "no signature fits: another secret, or the body was changed on its way")
    if abs(now - int(stamp)) > TOLERANCE_SECONDS:
        return Verdict(
            False, f"signed {abs(now - int(stamp)):,.0f} s {'ago' if now > int(stamp) else 'ahead'}"
        )
    return Verdict(True, "" if len(given) == 1 else f"{fitting} of {len(given)} signatures fit")


class Heard:
    """What was heard so far, by path, for each endpoint has a sequence of its own."""

    def __init__(self) -> None:
        self._ids: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._highest: OrderedDict[str, int] = OrderedDict()

    def note(self, path: str, message: str, sequence: str) -> str:
        """Take note of one and say what is odd about its place: that it came before, that some are missing, or nothing."""
        again = (path, message) in self._ids
        self._ids[path, message] = None
        if len(self._ids) > MOST_IDS:
            self._ids.popitem(last=False)
        if again:
            return "again"
        if not _is_number(sequence):
            return "without a number"
        return self._place(path, int(sequence))

    def _place(self, path: str, number: int) -> str:
        highest = self._highest.get(path)
        self._highest[path] = max(number, highest or 0)
        self._highest.move_to_end(path)
        if len(self._highest) > MOST_PATHS:
            self._highest.popitem(last=False)
        if highest is None or number == highest + 1:
            return ""
        if number <= highest:
            return "late"
        missing = number - highest - 1
        return (
            f"gap: {highest + 1} is missing"
            if missing == 1
            else f"gap: {highest + 1} to {number - 1} are missing"
        )


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
