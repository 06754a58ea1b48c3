"""Who a commit is by: one person under several spellings, and which authors are programs."""

from __future__ import annotations

import hashlib
import re

DIGEST_CHARS = 16

# A bot's commits are its programmers' pace, not the team's.
BOT_NAMES = re.compile(
    r"\[bot\]$|^(dependabot|renovate|greenkeeper|github-actions|pre-commit-ci|pyup-bot|snyk-bot|"
    r"allcontributors|mergify|semantic-release-bot|weblate|web-flow)\b",
    re.IGNORECASE,
)
BOT_ADDRESSES = re.compile(
    r"\[bot\]@|^(noreply|bot|action)@(github|gitlab|renovateapp|dependabot)\.com$", re.IGNORECASE
)
_NUMBERED = re.compile(r"^\d+\+(?=.*@users\.noreply\.)")

RULES_DIGEST = hashlib.sha256(
    f"{BOT_NAMES.pattern}|{BOT_ADDRESSES.pattern}|{_NUMBERED.pattern}".encode()
).hexdigest()


def is_bot(address: str, name: str) -> bool:
    """Tell whether the author is a program."""
    return bool(BOT_NAMES.search(name.strip()) or BOT_ADDRESSES.search(address))


def person(address: str, name: str) -> str:
    """Return what makes two authors one person: the address, or the name where there is none."""
    return _NUMBERED.sub("", address.strip().lower()) or name.strip().lower()


def digest(key: str) -> str:
    """Return a pseudonym of a person, the same in every repository: addresses themselves leave the engine never."""
    return hashlib.sha256(b"commandcenter contributor\0" + key.encode("utf-8", "replace")).hexdigest()[
        :DIGEST_CHARS
    ]
