"""Who asks outside holds a lock of the session, where the session is its own."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from commandcenter.advisories.turns import REGISTRIES, only_asker

pytestmark = pytest.mark.django_db


def held() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        return int(cursor.fetchone()[0])


def test_the_lock_is_held_while_it_asks_and_left_afterwards() -> None:
    with only_asker(REGISTRIES) as alone:
        assert (alone, held()) == (True, 1)
    assert held() == 0


def test_behind_a_pooler_of_transactions_it_asks_without_a_lock_that_it_could_not_leave(
    monkeypatch: Any,
) -> None:
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", True)
    with only_asker(REGISTRIES) as alone:
        assert (alone, held()) == (True, 0)
