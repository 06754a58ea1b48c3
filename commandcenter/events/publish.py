"""Saying what happened, in the transaction in which it happened."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from commandcenter.core import realtime
from commandcenter.core.actor import current_actor
from commandcenter.core.addresses import UNKNOWN
from commandcenter.events import hints
from commandcenter.events.catalogue import check
from commandcenter.events.models import Event, Outbox
from commandcenter.events.representation import as_dict


class OutsideTransaction(Exception):
    """Call publish() inside transaction.atomic(): an event must not outlive a change that is rolled back."""


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

    `subject` is (kind, id), without an id for what has none; `data` is public and must fit the catalogue's schema of the type (InvalidEvent);
    `before` and `after` are for the audit trail only and must hold no secret.
    """
    if not connection.in_atomic_block:
        raise OutsideTransaction(OutsideTransaction.__doc__)
    check(type, data)
    actor = current_actor()
    event = Event(
        type=type,
        project_id=project,
        subject_kind=subject[0],
        subject_id=subject[1],
        actor_id=actor.user_id,
        actor_name=actor.name[:150],
        request_id=actor.request_id,
        address=None if actor.address in (None, UNKNOWN) else actor.address,
        token_id=actor.token_id,
        data=data,
        before=before,
        after=after,
    )
    _insert(event)
    if project is not None:
        transaction.on_commit(partial(_announce, event))
    if settings.EVENT_SUBSCRIBERS:
        transaction.on_commit(hints.relay_soon)
    return event


def _insert(event: Event) -> None:
    """Store the event and its outbox row in one statement, for one goes with nearly every change.

    The relay may take it at once, by the database's time: this process's may be wrong.
    """
    fields = [field for field in Event._meta.concrete_fields if not field.primary_key]
    sql = f"""
        WITH event AS (
            INSERT INTO {Event._meta.db_table} ({", ".join(str(field.column) for field in fields)})
            VALUES ({", ".join(["%s"] * len(fields))}) RETURNING id
        )
        INSERT INTO {Outbox._meta.db_table} (event_id, attempts, not_before, last_error)
        SELECT id, 0, statement_timestamp(), '' FROM event RETURNING event_id
    """  # noqa: S608  (names of the models)
    values = [field.get_db_prep_save(getattr(event, field.attname), connection) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        (event.pk,) = cursor.fetchone()


def _announce(event: Event) -> None:
    realtime.publish(f"project.{event.project_id}.events", {"type": "activity", "event": as_dict(event)})
