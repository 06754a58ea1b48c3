"""Lets long work outlive a restart of the database, which ends connections that nobody uses at that moment."""

from __future__ import annotations

from django.db import connection


def reconnect_if_lost() -> None:
    """Close a connection that the server has ended, so that the next query opens another.

    Costs a round trip. Does nothing inside a transaction, which is lost with its connection.
    """
    if connection.in_atomic_block or connection.connection is None:
        return
    if not connection.is_usable():
        connection.close()
