"""Inbound sources over HTTP: made, changed, rotated, removed; what is refused, who may, and that no secret is shown."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.tests.factories import api, make_token
from commandcenter.core.signing import key_of
from commandcenter.events.models import Event
from commandcenter.inventory.tests.factories import make_repository
from jobs.tests.factories import make_project, make_user
from webhooks.inbound import retention
from webhooks.models import InboundDelivery, InboundSource
from webhooks.tests.factories import make_source

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks/inbound"


@pytest.fixture
def admin() -> Any:
    return make_user()


@pytest.fixture
def repository(admin: Any) -> Any:
    return make_repository(make_project(admin=admin))


@pytest.fixture
def client(admin: Any) -> Any:
    return api(admin)


def post(client: Any, path: str, sent: Any = None) -> Any:
    return client.post(path, sent, format="json")


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


def received(source: InboundSource, number: int = 1, **values: Any) -> InboundDelivery:
    given = {"event": "push", "outcome": "ignored", "received_at": timezone.now()} | values
    return InboundDelivery.objects.create(source=source, delivery=f"id-{number}", **given)


def test_a_source_is_made_and_its_secret_shown_once(
    repository: Any, client: Any, admin: Any, settings: Any
) -> None:
    settings.PUBLIC_URL = "https://cc.example"
    made = post(client, URL, {"repository": repository.pk, "kind": "github", "branches": ["main", "main"]})
    assert made.status_code == 201, made.content
    shown = made.json()
    assert len(key_of(shown["secret"])) == 32
    assert shown["address"] == f"https://cc.example/webhooks/github/{repository.pk}"
    assert (shown["project"], shown["branches"], shown["enabled"]) == (
        repository.project_id,
        ["main"],
        True,
    )
    assert (shown["created_by"], shown["last_received_at"]) == (admin.pk, None)
    read = client.get(f"{URL}/{shown['id']}")
    assert read.json() == {name: value for name, value in shown.items() if name != "secret"}
    assert InboundSource.objects.get().secret == shown["secret"]
    event = Event.objects.get(type="inbound.created")
    assert event.project_id == repository.project_id
    assert event.data == {"source": shown["id"], "repository": repository.pk, "kind": "github"}
    assert shown["secret"] not in str([event.data, event.after])
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM webhooks_inboundsource")
        assert shown["secret"].encode() not in bytes(cursor.fetchone()[0])


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({"repository": 10**12}, ("repository", "does_not_exist")),
        ({"repository": "x"}, ("repository", "invalid")),
        ({"repository": None}, ("repository", "null")),
        ({"kind": "bitbucket"}, ("kind", "invalid_choice")),
        ({"kind": ["github"]}, ("kind", "invalid_choice")),
        ({"branches": "main"}, ("branches", "not_a_list")),
        ({"branches": [[]]}, ("branches.0", "invalid")),
        ({"branches": [""]}, ("branches.0", "blank")),
        ({"branches": ["a..b"]}, ("branches", "invalid")),
        ({"branches": ["main?"]}, ("branches", "invalid")),
        ({"branches": ["[a]"]}, ("branches", "invalid")),
        ({"branches": ["**"]}, ("branches", "invalid")),
        ({"branches": ["-x"]}, ("branches", "invalid")),
        ({"branches": ["x" * 251]}, ("branches.0", "max_length")),
        ({"branches": [f"b{number}" for number in range(51)]}, ("branches", "max_length")),
        ({"enabled": "perhaps"}, ("enabled", "invalid")),
        ({"name": "x"}, ("name", "unknown")),
    ],
)
def test_what_cannot_be_is_refused_by_field(
    repository: Any, client: Any, values: dict[str, Any], error: tuple[str, str]
) -> None:
    given = {"repository": repository.pk, "kind": "github"} | values
    assert errors(post(client, URL, given)) == [error]
    assert not InboundSource.objects.exists()


def test_a_repository_has_one_source_of_each_kind(repository: Any, client: Any) -> None:
    for kind in ("github", "gitlab"):
        assert post(client, URL, {"repository": repository.pk, "kind": kind}).status_code == 201
        assert errors(post(client, URL, {"repository": repository.pk, "kind": kind})) == [("kind", "exists")]


def test_it_is_changed_and_the_audit_trail_has_what_was_before(repository: Any, client: Any) -> None:
    source = make_source(repository)
    changed = client.patch(f"{URL}/{source.pk}", {"branches": ["release/*"], "enabled": False}, format="json")
    assert changed.status_code == 200, changed.content
    assert (changed.json()["branches"], changed.json()["enabled"]) == (["release/*"], False)
    event = Event.objects.get(type="inbound.updated")
    assert event.before == {"branches": [], "enabled": True}
    assert event.after == {"branches": ["release/*"], "enabled": False}
    client.patch(f"{URL}/{source.pk}", {"enabled": False}, format="json")
    assert Event.objects.filter(type="inbound.updated").count() == 1
    other = make_repository(repository.project)
    for values, field in (({"repository": other.pk}, "repository"), ({"kind": "gitlab"}, "kind")):
        assert errors(client.patch(f"{URL}/{source.pk}", values, format="json")) == [(field, "fixed")]


def test_a_new_secret_leaves_the_one_before_for_a_while(repository: Any, client: Any) -> None:
    source = make_source(repository)
    answer = post(client, f"{URL}/{source.pk}/rotate-secret", {"overlap_hours": 2})
    assert answer.status_code == 200, answer.content
    now = InboundSource.objects.get()
    assert now.secret == answer.json()["secret"] != source.secret
    assert now.previous_secret == source.secret
    assert now.previous_until is not None
    assert timedelta(hours=1) < now.previous_until - timezone.now() < timedelta(hours=3)
    at_once = post(client, f"{URL}/{source.pk}/rotate-secret", {"overlap_hours": 0}).json()
    assert at_once["previous_secret_until"] is None
    assert InboundSource.objects.get().previous_secret is None
    assert errors(post(client, f"{URL}/{source.pk}/rotate-secret", {"overlap_hours": 169}))
    assert Event.objects.filter(type="inbound.secret_rotated").count() == 2


def test_a_secret_that_no_key_fits_any_more_is_replaced(repository: Any, client: Any) -> None:
    source = make_source(repository)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_inboundsource SET secret = 'x'")
    answer = post(client, f"{URL}/{source.pk}/rotate-secret", {"overlap_hours": 2})
    assert answer.status_code == 200, answer.content
    assert answer.json()["previous_secret_until"] is None
    assert InboundSource.objects.get().secret == answer.json()["secret"]


def test_it_goes_with_what_it_told_and_with_its_repository(repository: Any, client: Any) -> None:
    first, second = make_source(repository), make_source(repository, kind="gitlab")
    received(first)
    received(second)
    assert client.delete(f"{URL}/{first.pk}").status_code == 204
    assert InboundDelivery.objects.get().source == second
    assert Event.objects.filter(type="inbound.deleted").count() == 1
    assert client.delete(f"/api/v1/repositories/{repository.pk}").status_code == 204
    assert not InboundSource.objects.exists()
    assert not InboundDelivery.objects.exists()


def test_what_it_told_is_listed_latest_first_by_pages(repository: Any, client: Any) -> None:
    source, other = make_source(repository), make_source(repository, kind="gitlab")
    received(other)
    rows = [received(source, number, outcome="started", job_id=number, branch="main") for number in range(3)]
    ignored = received(source, 9, event="issues", reason="event", detail="Nothing is done.")
    path = f"{URL}/{source.pk}/received"
    page = client.get(f"{path}?limit=2").json()
    assert [each["id"] for each in page["results"]] == [ignored.pk, rows[2].pk]
    assert page["results"][0] == {
        "id": ignored.pk,
        "delivery": "id-9",
        "event": "issues",
        "branch": None,
        "commit": None,
        "outcome": "ignored",
        "reason": "event",
        "detail": "Nothing is done.",
        "job": None,
        "received_at": page["results"][0]["received_at"],
    }
    rest = client.get(page["next"]).json()["results"]
    assert [each["job"] for each in rest] == [1, 0]
    started = client.get(f"{path}?outcome=started").json()["results"]
    assert [each["id"] for each in started] == [row.pk for row in reversed(rows)]
    assert client.get(f"{path}?outcome=eaten").status_code == 400
    assert client.get(f"{URL}/{10**12}/received").status_code == 404


def test_a_list_costs_the_same_for_many(repository: Any, client: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(f"{URL}?project={repository.project_id}&kind=github&enabled=true")
            assert answer.status_code == 200
        return len(asked)

    make_source(repository)
    client.get(URL)
    few = queries()
    for _ in range(4):
        make_source(make_repository(repository.project))
    assert len(client.get(URL).json()["results"]) == 5
    assert queries() == few


ROLES = ["viewer", "operator", "admin", "staff", "foreign", "anonymous"]
MATRIX: dict[str, list[int]] = {
    "GET ": [200, 200, 200, 200, 200, 401],
    "POST ": [403, 403, 201, 201, 400, 401],
    "GET /{source}": [200, 200, 200, 200, 404, 401],
    "GET /{source}/received": [200, 200, 200, 200, 404, 401],
    "PATCH /{source}": [403, 403, 200, 200, 404, 401],
    "PUT /{source}": [403, 403, 200, 200, 404, 401],
    "POST /{source}/rotate-secret": [403, 403, 200, 200, 404, 401],
    "DELETE /{source}": [403, 403, 204, 204, 404, 401],
}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_the_matrix_says(role: str) -> None:
    user = None if role == "anonymous" else make_user(staff=role == "staff")
    members = {role: user} if user is not None and role in {"viewer", "operator", "admin"} else {}
    source = make_source(make_repository(make_project(**members)))
    client: Any = api(user)
    for call, codes in MATRIX.items():
        method, path = call.split(" ")
        sent = {"repository": source.repository_id, "kind": "gitlab" if method == "POST" else "github"}
        sent = {} if "rotate" in path else sent
        path = path.format(source=source.pk)
        answer = getattr(client, method.lower())(
            f"{URL}{path}", None if method == "GET" else sent, format="json"
        )
        assert answer.status_code == codes[ROLES.index(role)], (call, role, answer.content)


def test_a_token_reaches_as_far_as_its_projects_and_scope() -> None:
    user = make_user()
    inside, outside = (make_source(make_repository(make_project(admin=user))) for _ in range(2))
    _limited, text = make_token(user, scope="admin", project_ids=[inside.repository.project_id])
    limited = api(token=text)
    assert [each["id"] for each in limited.get(URL).json()["results"]] == [inside.pk]
    assert limited.get(f"{URL}/{outside.pk}/received").status_code == 404
    given = {"repository": outside.repository_id, "kind": "gitlab"}
    assert errors(post(limited, URL, given)) == [("repository", "does_not_exist")]
    assert post(limited, f"{URL}/{inside.pk}/rotate-secret").status_code == 200
    _writing, text = make_token(user, scope="write")
    writing = api(token=text)
    assert post(writing, f"{URL}/{inside.pk}/rotate-secret").status_code == 403
    assert writing.patch(f"{URL}/{inside.pk}", {"enabled": False}, format="json").status_code == 403


@pytest.mark.parametrize("step", [1, 1000])
def test_what_arrived_long_ago_is_forgotten(settings: Any, monkeypatch: Any, step: int) -> None:
    monkeypatch.setattr(retention, "STEP", step)
    settings.WEBHOOK_RETENTION_DAYS = 10
    source = make_source()
    stays = received(source, 1, received_at=timezone.now() - timedelta(days=9))
    for number in (2, 3):
        received(source, number, received_at=timezone.now() - timedelta(days=11))
    assert retention.prune() == 2
    assert list(InboundDelivery.objects.all()) == [stays]
