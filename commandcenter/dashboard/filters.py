"""Reads filters from a page's query string; what makes no sense counts as absent."""

from __future__ import annotations

from collections.abc import Collection

from django.http import HttpRequest

MAX_WORDS = 200
MAX_DIGITS = 18  # of a bigint


def words(request: HttpRequest, name: str) -> str:
    """Return a text filter, trimmed and capped; PostgreSQL takes no NUL."""
    return request.GET.get(name, "").replace("\0", "").strip()[:MAX_WORDS]


def choice(request: HttpRequest, name: str, choices: Collection[str]) -> str:
    """Return a filter that is one of these choices, else an empty string."""
    value = request.GET.get(name, "")
    return value if value in choices else ""


def key(request: HttpRequest, name: str) -> int | None:
    """Return a primary key, None when there is none or it cannot be one."""
    return as_key(request.GET.get(name, ""))


def as_key(raw: str) -> int | None:
    """Return what somebody sent as a primary key, None when it cannot be one."""
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= MAX_DIGITS else None
