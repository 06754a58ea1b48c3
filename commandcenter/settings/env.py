"""Typed readers of the environment. A value that cannot be used ends the start with one sentence."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured


def text(name: str, default: str | None = None) -> str:
    """Return the variable, or the default; without either the start fails."""
    value = os.environ.get(name, "")
    if value:
        return value
    if default is None:
        raise ImproperlyConfigured(f"Set {name}: it has no default (see docs/configuration.md).")
    return default


def optional(name: str) -> str | None:
    """Return the variable, None when it is unset or empty."""
    return os.environ.get(name) or None


def integer(name: str, default: int, *, least: int = 0, most: int = 2**62) -> int:
    """Return a whole number within bounds."""
    raw = os.environ.get(name, "")
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}.") from None
    if not least <= value <= most:
        raise ImproperlyConfigured(f"{name} must lie between {least} and {most}, not {value}.")
    return value


def boolean(name: str, *, default: bool) -> bool:
    """Return true for 1, true, yes, on; false for 0, false, no, off."""
    raw = os.environ.get(name, "").strip().lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be true or false, not {raw!r}.")


def words(name: str, default: str = "") -> list[str]:
    """Return the parts of a comma-separated list, blanks left out."""
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def url(name: str, schemes: set[str], default: str | None = None) -> str:
    """Return a URL whose scheme is one of these and which names a host or a path."""
    raw = text(name, default)
    try:
        parts = urlsplit(raw)
        parts.port  # noqa: B018  (reading it is the check)
    except ValueError:
        raise ImproperlyConfigured(f"{name} is not a URL that can be read.") from None
    if parts.scheme not in schemes or not (parts.netloc or parts.path.strip("/")):
        known = ", ".join(f"{scheme}://" for scheme in sorted(schemes))
        raise ImproperlyConfigured(f"{name} must be a URL that starts with one of {known}.")
    return raw


def networks(name: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    """Return the CIDR ranges of a comma-separated list."""
    try:
        return tuple(ipaddress.ip_network(part) for part in words(name))
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list CIDR ranges such as 10.0.0.0/8: {error}.") from None


def folders(name: str) -> tuple[Path, ...]:
    """Return the absolute folders of a list separated by the system's path separator or commas."""
    raw = os.environ.get(name, "").replace(",", os.pathsep)
    parts = [Path(part.strip()).expanduser() for part in raw.split(os.pathsep) if part.strip()]
    for part in parts:
        if not part.is_absolute():
            raise ImproperlyConfigured(f"{name} must list absolute folders, and {part} is not.")
    return tuple(parts)
