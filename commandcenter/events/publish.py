"""Saying what happened, in the transaction in which it happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from commandcenter.core import realtime
from commandcenter.core.actor import current_actor
from commandcenter.core.addresses import UNKNOWN
from commandcenter.core.inserting import insertion, new, values_of
from commandcenter.events import hints
from commandcenter.events.catalogue import check
from commandcenter.events.models import Event, Outbox
from commandcenter.events.representation import as_dict


class OutsideTransaction(Exception):
    """Call publish() inside transaction.atomic(): an event must not outlive a change that is rolled back."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What is to be published, as the arguments of `publish` say it."""

    type: str
    project: int | None
    subject: tuple[str, int | None]
    data: dict[str, Any]
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None


def publish(
    type: str,  # noqa: A002  (the word of the contract)
    *,
    project: int | None,
    subject: tuple[str, int | None],
    data: dict[str, Any],
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Event:
    """Record an event and hand it to the outbox; on commit, tell the project's live activity stream.

    `subject` is (kind, id), without an id for what has none; `data` is public and must fit the catalogue's schema of
    the type (InvalidEvent); `before` and `after` are for the audit trail only and must hold no secret.
    """
    return publish_many([Happening(type, project, subject, data, before, after)])[0]


def publish_many(happenings: Sequence[Happening]) -> list[Event]:
    """Do as `publish` does for each of these, in order, with one statement and one message to the live streams."""
    if not connection.in_atomic_block:
        raise OutsideTransaction(OutsideTransaction.__doc__)
    if not happenings:
        return []
    for each in happenings:
        check(each.type, each.data)
    actor = current_actor()
    events = [
        new(
            Event,
            type=each.type,
            project_id=each.project,
            subject_kind=each.subject[0],
            subject_id=each.subject[1],
            actor_id=actor.user_id,
            actor_name=actor.name[:150],
            request_id=actor.request_id,
            address=None if actor.address in (None, UNKNOWN) else actor.address,
            token_id=actor.token_id,
            data=each.data,
            before=each.before,
            after=each.after,
        )
        for each in happenings
    ]
    _insert(events)
    if any(event.project_id is not None for event in events):
        transaction.on_commit(partial(_announce, events))
        transaction.on_commit(hints.hurry, robust=True)
    if settings.EVENT_SUBSCRIBERS:
        transaction.on_commit(hints.relay_soon)
    return events


def _insert(events: Sequence[Event]) -> None:
    """Store the events and their outbox rows in one statement, for one goes with nearly every change.

    The relay may take them at once, by the database's time: this process's may be wrong.
    """
    sql = f"""
        WITH event AS ({insertion(Event)} RETURNING id, project_id), told AS (
            INSERT INTO {Outbox._meta.db_table} (event_id, attempts, not_before, last_error, early)
            SELECT id, 0, statement_timestamp(), '', project_id IS NOT NULL FROM event
        )
        SELECT id FROM event
    """  # noqa: S608  (names of the models)
    with connection.cursor() as cursor:
        cursor.execute(sql, [values_of(Event, events)])
        for event, (pk,) in zip(events, cursor.fetchall(), strict=True):
            event.pk = pk


def _announce(events: Sequence[Event]) -> None:
    realtime.group_send_many(
        (f"project.{event.project_id}.events", {"type": "activity", "event": as_dict(event)})
        for event in events
        if event.project_id is not None
    )
