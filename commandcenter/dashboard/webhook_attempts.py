"""What came back from a receiver, shown safely, and why an attempt failed, in words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from commandcenter.dashboard.templatetags.found_text import spelt_out
from webhooks.models import Attempt, Delivery

SHOWN = 20  # attempts of a delivery, the last ones
LONGEST_PAYLOAD = 100_000  # characters
HEX_LINES, HEX_WIDTH = 256, 16
CLASSES = {
    "http": "It answered, but not with 2xx",
    "redirect": "It points elsewhere, which is not followed",
    "gone": "It is gone for good",
    "timeout": "No answer in time",
    "refused": "Nobody listens there, or the way is closed",
    "closed": "It hung up without an answer",
    "name": "Its name is unknown",
    "tls": "Its certificate does not fit",
    "protocol": "Its answer is no HTTP",
    "url": "The address cannot be used",
    "forbidden_address": "The address is one that must not be dialled",
    "secret": "Our secret for it cannot be read",
    "internal": "An error of ours; the log of the worker says more",
}


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes as a page shows them: as text, else as a table of their numbers."""

    text: str
    size: int
    is_text: bool
    partly: bool  # more of them are kept than are shown

    @classmethod
    def of(cls, raw: bytes) -> Body:
        """Take what came back."""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return cls(_dumped(raw), len(raw), is_text=False, partly=len(raw) > HEX_LINES * HEX_WIDTH)
        if "\0" in text:
            return cls(_dumped(raw), len(raw), is_text=False, partly=len(raw) > HEX_LINES * HEX_WIDTH)
        return cls(spelt_out(text), len(raw), is_text=True, partly=False)


def error_words(error: str) -> str:
    """Return what a class of failures means; an unknown one is its own word."""
    return CLASSES.get(error, error.replace("_", " ").capitalize())


def last_attempts(delivery: Delivery) -> list[Attempt]:
    """Return the last attempts, latest first, without what came back."""
    return list(delivery.tries.defer("body", "headers").order_by("-number")[:SHOWN])


def payload_of(delivery: Delivery) -> tuple[str, bool]:
    """Return what is sent, indented for the eye, and whether it was cut for that."""
    said: Any = json.loads(bytes(delivery.message.body))
    text = json.dumps(said, indent=2, ensure_ascii=False)
    return spelt_out(text[:LONGEST_PAYLOAD]), len(text) > LONGEST_PAYLOAD


def _dumped(raw: bytes) -> str:
    lines = []
    for start in range(0, min(len(raw), HEX_LINES * HEX_WIDTH), HEX_WIDTH):
        piece = raw[start : start + HEX_WIDTH]
        shown = "".join(chr(each) if 32 <= each < 127 else "." for each in piece)
        lines.append(f"{start:06x}  {piece.hex(' '):<{HEX_WIDTH * 3}} {shown}")
    return "\n".join(lines)
