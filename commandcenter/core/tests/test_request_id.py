"""X-Request-ID: taken when well formed, made otherwise, sent back, in errors, events and logs."""

from __future__ import annotations

import re

import pytest
import structlog

from commandcenter.accounts.tests.factories import api, make_token, make_user
from commandcenter.core.actor import SYSTEM, acting_as, current_actor
from commandcenter.events.models import Event

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("given", ["abc", "A-1_b.C", "x" * 64])
def test_well_formed_id_comes_back(given: str) -> None:
    assert api().get("/api/v1/nothing", HTTP_X_REQUEST_ID=given)["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\r\nb", "<x>", "é", "a/b"])
def test_other_ids_are_replaced(given: str) -> None:
    response = api().get("/api/v1/nothing", HTTP_X_REQUEST_ID=given)
    assert re.fullmatch(r"[0-9a-f]{32}", response["X-Request-ID"])
    assert response.json()["request_id"] == response["X-Request-ID"]


def test_event_knows_who_through_which_request_from_where_and_with_which_token() -> None:
    user = make_user()
    token, text = make_token(user)
    response = api(token=text).post(
        "/api/v1/projects", {"name": "Alpha"}, HTTP_X_REQUEST_ID="r-1", REMOTE_ADDR="198.51.100.9"
    )
    assert response.status_code == 201
    event = Event.objects.get(type="project.created")
    assert (event.actor_id, event.actor_name) == (user.pk, user.username)
    assert (event.request_id, event.address, event.token_id) == ("r-1", "198.51.100.9", token.pk)


def test_actor_ends_with_the_request() -> None:
    api(make_user()).get("/api/v1/projects")
    assert current_actor() == SYSTEM
    assert "request_id" not in structlog.contextvars.get_contextvars()


def test_commands_act_under_a_name() -> None:
    user = make_user()
    with acting_as(user) as actor:
        assert current_actor() == actor
        assert actor.user_id == user.pk
        with acting_as(name="sweeper"):
            assert current_actor().name == "sweeper"
    assert current_actor() == SYSTEM
