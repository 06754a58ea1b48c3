"""Lets imports and matching take turns, so that nothing is matched against half a batch, and one process ask outside.

Without turns a package that is matched for the first time while a batch with an advisory for it is being written could be
counted as clean for ever: neither transaction would see the other's row.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.db import InterfaceError, OperationalError, connection

_SPACE = 0x41A2  # of our advisory locks: what is known of packages
_LOCK = (_SPACE, 1)
ONLINE_DATABASE, REGISTRIES = 2, 3

log = structlog.get_logger(__name__)


def write_turn() -> None:
    """Wait until nobody matches or imports; until the transaction ends nobody does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)


def read_turn() -> None:
    """Wait until nobody imports; until the transaction ends nobody does. Others may match as well."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", _LOCK)


@contextmanager
def only_asker(of: int) -> Iterator[bool]:
    """Say whether this process alone asks them outside, until the block ends: two beats must not double the questions.

    For the session, not a transaction, which would last as long as the answers. Behind PgBouncer in transaction mode, where a
    lock would be left in another session than it was taken in and stay for good, everybody asks.
    """
    if connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
        yield True
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [_SPACE, of])
        alone = bool(cursor.fetchone()[0])
    try:
        yield alone
    finally:
        if alone:
            _leave(of)


def _leave(of: int) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [_SPACE, of])
    except (InterfaceError, OperationalError):
        log.warning("asker's session ended", action="ask")  # and its lock with it
