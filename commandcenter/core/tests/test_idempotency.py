"""Idempotency-Key: done once, answered the same, refused for another request, safe in a race."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from commandcenter.accounts.tests.factories import api, make_token, make_user
from commandcenter.core.idempotency import prune, without_secrets
from commandcenter.core.models import IdempotencyKey
from commandcenter.inventory.models import Project

URL = "/api/v1/projects"


@pytest.mark.django_db
def test_repeated_request_gets_the_first_answer_and_does_nothing() -> None:
    client = api(make_user())
    first = client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1")
    again = client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    assert Project.objects.filter(name="Alpha").count() == 1


@pytest.mark.django_db
def test_member_order_and_spaces_do_not_matter() -> None:
    client = api(make_user())
    one = client.generic(
        "POST", URL, '{"name": "A", "slug": "a"}', "application/json", HTTP_IDEMPOTENCY_KEY="k"
    )
    two = client.generic(
        "POST", URL, '{"slug":"a",  "name":"A"}', "application/json", HTTP_IDEMPOTENCY_KEY="k"
    )
    assert one.json() == two.json()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "body"),
    [(URL, {"name": "Beta"}), ("/api/v1/tokens", {"name": "Alpha"}), (URL, {"name": "Alpha", "x": 1})],
)
def test_key_used_for_another_request_is_409(url: str, body: dict[str, Any]) -> None:
    client = api(make_user())
    client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1")
    response = client.post(url, body, HTTP_IDEMPOTENCY_KEY="k1")
    assert response.status_code == 409
    assert response.json()["code"] == "idempotency_key_reused"


@pytest.mark.django_db
def test_key_belongs_to_one_user() -> None:
    api(make_user()).post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1")
    response = api(make_user()).post(URL, {"name": "Beta"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert response.status_code == 201


@pytest.mark.django_db
def test_refused_request_keeps_nothing_so_that_the_key_can_be_used_again() -> None:
    client = api(make_user())
    assert client.post(URL, {"name": ""}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 400
    assert not IdempotencyKey.objects.exists()
    assert client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201


@pytest.mark.django_db
def test_secret_is_in_the_first_answer_and_never_stored() -> None:
    client = api(make_user())
    first = client.post("/api/v1/tokens", {"name": "ci"}, HTTP_IDEMPOTENCY_KEY="k1").json()
    again = client.post("/api/v1/tokens", {"name": "ci"}, HTTP_IDEMPOTENCY_KEY="k1").json()
    assert first["token"].startswith("cc_")
    assert "token" not in again
    assert again["id"] == first["id"]
    assert first["token"] not in str(IdempotencyKey.objects.values_list("response"))


def test_secrets_are_found_at_every_depth() -> None:
    assert without_secrets({"a": [{"secret": 1, "b": 2}], "token": 3}) == {"a": [{"b": 2}]}


@pytest.mark.django_db
def test_answer_is_forgotten_after_a_day() -> None:
    client = api(make_user())
    client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=25))
    assert client.post(URL, {"name": "Beta"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201
    client.post(URL, {"name": "Gamma"}, HTTP_IDEMPOTENCY_KEY="k2")
    IdempotencyKey.objects.filter(key="k1").update(created_at=timezone.now() - timedelta(hours=25))
    assert prune() == 1
    assert IdempotencyKey.objects.get().key == "k2"


@pytest.mark.django_db
def test_first_request_that_died_frees_the_key_after_a_while() -> None:
    user = make_user()
    client = api(user)
    client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1")
    IdempotencyKey.objects.update(status=None, response=None)
    running = client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1")
    assert (running.status_code, running.json()["code"]) == (409, "idempotency_in_progress")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    assert client.post(URL, {"name": "Alpha"}, HTTP_IDEMPOTENCY_KEY="k1").status_code == 201


@pytest.mark.django_db(transaction=True)
def test_of_concurrent_requests_one_creates_and_all_get_its_answer() -> None:
    _, text = make_token(scope="write")
    barrier = threading.Barrier(6)
    answers: list[tuple[int, int]] = []

    def post() -> None:
        barrier.wait(timeout=20)
        response = api(token=text).post(URL, {"name": "Raced"}, HTTP_IDEMPOTENCY_KEY="race")
        answers.append((response.status_code, response.json()["id"]))
        connection.close()

    threads = [threading.Thread(target=post) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    project = Project.objects.get(name="Raced")
    assert answers == [(201, project.pk)] * 6
