"""Lets imports and matching take turns: nothing is matched against half a batch.

Without it a package that is matched for the first time while a batch with an advisory for it is being written could be
counted as clean for ever: neither transaction would see the other's row.
"""

from __future__ import annotations

from django.db import connection

_LOCK = (0x41A2, 1)  # of our advisory locks: what is known of packages


def write_turn() -> None:
    """Wait until nobody matches or imports; until the transaction ends nobody does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)


def read_turn() -> None:
    """Wait until nobody imports; until the transaction ends nobody does. Others may match as well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", _LOCK)
