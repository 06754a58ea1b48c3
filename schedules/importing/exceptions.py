"""What can go wrong with an import."""

from __future__ import annotations


class NotImportable(Exception):
    """Raised for a periodic task that no schedule can stand for; the message says why, and what to do."""
