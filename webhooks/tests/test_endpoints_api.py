"""Endpoints over HTTP: made, changed, switched, rotated; what is refused, and that no secret is shown."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.tests.factories import api
from commandcenter.core.signing import key_of
from commandcenter.events.models import Event
from jobs.tests.factories import make_project, make_user
from webhooks import headers, keeping
from webhooks.models import Delivery, Endpoint, EndpointRun
from webhooks.tests.factories import URL as HOOK
from webhooks.tests.factories import make_delivery, make_endpoint

pytestmark = pytest.mark.django_db

URL = "/api/v1/webhooks/endpoints"
MASK = "********"


@pytest.fixture
def admin() -> Any:
    return make_user()


@pytest.fixture
def project(admin: Any) -> Any:
    return make_project(admin=admin)


@pytest.fixture
def client(admin: Any) -> Any:
    return api(admin)


def body(project: Any, /, **values: Any) -> dict[str, Any]:
    given = {"project": project.pk, "url": HOOK, "events": ["analysis.*"]}
    return {name: value for name, value in (given | values).items() if value is not ...}


def post(client: Any, path: str, sent: Any = None) -> Any:
    return client.post(path, sent, format="json")


def errors(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 400, answer.content
    return [(error["field"], error["code"]) for error in answer.json()["errors"]]


def test_an_endpoint_is_made_and_its_secret_shown_once(project: Any, client: Any, admin: Any) -> None:
    made = post(
        client, URL, body(project, headers={"Authorization": "Bearer of-bad-news"}, description=" bot ")
    )
    assert made.status_code == 201, made.content
    shown = made.json()
    assert len(key_of(shown["secret"])) == 32
    assert (shown["description"], shown["enabled"], shown["headers"]) == (
        "bot",
        True,
        {"Authorization": MASK},
    )
    assert shown["created_by"] == admin.pk
    read = client.get(f"{URL}/{shown['id']}")
    assert read.json() == {name: value for name, value in shown.items() if name != "secret"}
    assert made["Location"].endswith(f"{URL}/{shown['id']}")
    assert Endpoint.objects.get().secret == shown["secret"]
    assert EndpointRun.objects.count() == 1
    event = Event.objects.get(type="endpoint.created")
    assert "of-bad-news" not in str([event.data, event.after])
    assert shown["secret"] not in str([event.data, event.after])


@pytest.mark.parametrize("host", ["-bad-.example.com", "a..b", "2130706433", "[::1%25eth0]"])
def test_a_host_that_no_setting_allows_is_not_said_to_need_one(project: Any, client: Any, host: str) -> None:
    response = client.post(URL, body(project, url=f"https://{host}/"), format="json")
    (error,) = response.json()["errors"]
    assert (error["field"], error["code"]) == ("url", "invalid")
    assert "cannot be used" in error["message"]
    assert "CC_OUTBOUND_ALLOW" not in error["message"]


def test_a_private_address_is_said_to_need_a_setting(project: Any, client: Any) -> None:
    for host in ("10.1.2.3", "localhost"):
        response = client.post(URL, body(project, url=f"https://{host}/"), format="json")
        assert "CC_OUTBOUND_ALLOW" in response.json()["errors"][0]["message"]


def test_secrets_and_headers_lie_encrypted(project: Any, client: Any) -> None:
    made = post(client, URL, body(project, headers={"X-Key": "of-bad-news"})).json()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret, headers FROM webhooks_endpoint")
        stored = [bytes(each) for each in cursor.fetchone()]
    assert made["secret"].encode() not in stored[0]
    assert b"of-bad-news" not in stored[1]


def test_a_repeated_request_makes_one_endpoint_and_does_not_show_the_secret_again(
    project: Any, client: Any
) -> None:
    first, again = (
        client.post(URL, body(project), format="json", HTTP_IDEMPOTENCY_KEY="once") for _ in range(2)
    )
    assert "secret" in first.json()
    assert "secret" not in again.json()
    assert first.json()["id"] == again.json()["id"]
    assert Endpoint.objects.count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "https://"}, "url"),
        ({"url": "https:///path"}, "url"),
        ({"url": "/relative"}, "url"),
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "ftp://8.8.8.8/"}, "url"),
        ({"url": "https://user:pass@8.8.8.8/"}, "url"),
        ({"url": "https://user@8.8.8.8/"}, "url"),
        ({"url": "https://8.8.8.8:0/"}, "url"),
        ({"url": "https://8.8.8.8:99999/"}, "url"),
        ({"url": "https://8.8.8.8/#part"}, "url"),
        ({"url": "https://8.8.8.8/a b"}, "url"),
        ({"url": "https://8.8.8.8/\u00e4"}, "url"),
        ({"url": "https://[::1"}, "url"),
        ({"url": "https://[::1]/"}, "url"),
        ({"url": "https://[::ffff:10.0.0.1]/"}, "url"),
        ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"),
        ({"url": "https://2130706433/"}, "url"),
        ({"url": "https://0x7f.1/"}, "url"),
        ({"url": "https://localhost/"}, "url"),
        ({"url": "https://no-such-host.invalid/"}, "url"),
        ({"url": "https://8.8.8.8/" + "x" * 2000}, "url"),
        ({"url": ...}, "url"),
        ({"events": []}, "events"),
        ({"events": ["analysis.eaten"]}, "events"),
        ({"events": ["token.*"]}, "events"),  # of the audit trail alone
        ({"events": "analysis.*"}, "events"),
        ({"events": ["*"] * 51}, "events"),
        ({"conditions": []}, "conditions"),
        ({"conditions": {"colour": "red"}}, "conditions"),
        ({"conditions": {"min_severity": "awful"}}, "conditions"),
        ({"conditions": {"repository_tags": ["x" * 20_000]}}, "conditions"),
        ({"headers": ["X"]}, "headers"),
        ({"headers": {"Connection": "close"}}, "headers"),
        ({"headers": {"transfer-encoding": "chunked"}}, "headers"),
        ({"headers": {"Proxy-Authorization": "x"}}, "headers"),
        ({"headers": {"Host": "other"}}, "headers"),
        ({"headers": {"Content-Length": "0"}}, "headers"),
        ({"headers": {"Webhook-Id": "1"}}, "headers"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers"),
        ({"headers": {"X-A": "1\r\nX-B: 2"}}, "headers"),
        ({"headers": {"X A": "1"}}, "headers"),
        ({"headers": {"X-A": 1}}, "headers"),
        ({"headers": {"X-A": MASK}}, "headers"),
        ({"headers": {f"X-{number}": "1" for number in range(21)}}, "headers"),
        ({"rate_limit": 0}, "rate_limit"),
        ({"timeout_seconds": 31}, "timeout_seconds"),
        ({"project": 2**40}, "project"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_no_endpoint_can_have_is_refused(
    project: Any, client: Any, values: dict[str, Any], field: str
) -> None:
    assert {name.partition(".")[0] for name, _ in errors(post(client, URL, body(project, **values)))} == {
        field
    }
    assert not Endpoint.objects.exists()


def test_private_receivers_are_for_networks_that_were_allowed(
    project: Any, client: Any, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)
    assert post(client, URL, body(project, url="http://127.0.0.1:8080/x?key=1")).status_code == 201
    assert "key=1" not in str(Event.objects.get(type="endpoint.created").data)


def test_a_change_is_in_the_audit_trail_with_what_was_before(project: Any, client: Any) -> None:
    path = f"{URL}/{make_endpoint(project, headers={'X-Key': 'old'}).pk}"
    sent = {"events": ["*.failed"], "rate_limit": 60, "headers": {"X-Key": "new", "X-More": "more"}}
    changed = client.patch(path, sent, format="json")
    assert changed.status_code == 200, changed.content
    assert changed.json()["headers"] == {"X-Key": MASK, "X-More": MASK}
    event = Event.objects.get(type="endpoint.updated")
    assert event.before == {"events": ["*"], "rate_limit": None, "headers": {"X-Key": "(hidden)"}}
    assert event.after == {
        "events": ["*.failed"],
        "rate_limit": 60,
        "headers": {"X-Key": "(replaced)", "X-More": "(replaced)"},
    }


def test_an_answer_sent_back_changes_nothing(project: Any, client: Any) -> None:
    path = f"{URL}/{make_endpoint(project, headers={'X-Key': 'old'}, conditions={'min_severity': 'high'}).pk}"
    shown = client.get(path)
    again = client.put(path, shown.json(), format="json", HTTP_IF_MATCH=shown["ETag"])
    assert again.status_code == 200, again.content
    assert again.json() == shown.json()
    assert not Event.objects.filter(type="endpoint.updated").exists()
    assert headers.read(Endpoint.objects.get().headers) == {"X-Key": "old"}


def test_headers_do_not_follow_to_another_host_by_themselves(project: Any, client: Any) -> None:
    path = f"{URL}/{make_endpoint(project, headers={'X-Key': 'old'}).pk}"
    moved = {"url": "https://1.1.1.1/hook"}
    assert errors(client.patch(path, moved, format="json")) == [("headers", "required")]
    kept = {"headers": {"X-Key": MASK}}
    assert errors(client.patch(path, moved | kept, format="json")) == [("headers", "required")]
    assert client.patch(path, moved | {"headers": {"X-Key": "new"}}, format="json").status_code == 200
    assert client.patch(path, {"url": "https://1.1.1.1/other"}, format="json").status_code == 200


def test_another_address_is_tried_at_once(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    now = timezone.now()
    EndpointRun.objects.filter(pk=endpoint.pk).update(
        failing_since=now, circuit_opened_at=now, probe_at=now + timedelta(hours=1), last_sequence=7
    )
    assert client.get(f"{URL}/{endpoint.pk}").json()["failing_since"] is not None
    client.patch(f"{URL}/{endpoint.pk}", {"url": f"{HOOK}?token=new"}, format="json")
    run = EndpointRun.objects.get()
    assert (run.failing_since, run.circuit_opened_at, run.probe_at, run.last_sequence) == (
        None,
        None,
        None,
        7,
    )
    event = Event.objects.get(type="endpoint.updated")
    assert "token" not in str([event.data, event.before, event.after])
    assert Endpoint.objects.get().url == f"{HOOK}?token=new"


def test_a_forbidden_address_is_refused_in_a_change_too(project: Any, client: Any) -> None:
    path = f"{URL}/{make_endpoint(project).pk}"
    for url in ("https://10.0.0.1/", "https://localhost/"):
        assert errors(client.patch(path, {"url": url}, format="json"))[0][0] == "url"
    assert errors(client.patch(path, {"project": make_project().pk}, format="json"))[0][0] == "project"


def test_it_is_disabled_with_a_reason_and_enabled_again(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    path = f"{URL}/{endpoint.pk}"
    off = client.patch(path, {"enabled": False, "disabled_reason": "Maintenance"}, format="json").json()
    assert (off["enabled"], off["disabled_reason"]) == (False, "Maintenance")
    assert off["disabled_at"] is not None
    event = Event.objects.get(type="endpoint.disabled")
    assert event.data == {"endpoint": endpoint.pk, "url": HOOK, "reason": "Maintenance"}
    assert post(client, f"{path}/test").status_code == 409
    on = client.patch(path, {"enabled": True}, format="json").json()
    assert (on["enabled"], on["disabled_reason"], on["disabled_at"]) == (True, "", None)
    keeping.enable(Endpoint.objects.get(), by=None)
    assert Event.objects.filter(type="endpoint.enabled").count() == 1


def test_it_can_be_made_disabled(project: Any, client: Any) -> None:
    made = post(client, URL, body(project, enabled=False, disabled_reason="Not yet")).json()
    assert (made["enabled"], made["disabled_reason"]) == (False, "Not yet")


def test_a_new_secret_leaves_the_one_before_for_a_while(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project)
    first = endpoint.secret
    answer = post(client, f"{URL}/{endpoint.pk}/rotate-secret")
    assert answer.status_code == 200, answer.content
    endpoint = Endpoint.objects.get()
    assert endpoint.secret == answer.json()["secret"] != first
    assert endpoint.previous_secret == first
    assert endpoint.previous_until is not None
    ahead = endpoint.previous_until - timezone.now()
    assert timedelta(hours=23) < ahead < timedelta(hours=25)
    assert client.get(f"{URL}/{endpoint.pk}").json()["previous_secret_until"] is not None
    at_once = post(client, f"{URL}/{endpoint.pk}/rotate-secret", {"overlap_hours": 0}).json()
    assert at_once["previous_secret_until"] is None
    assert Endpoint.objects.get().previous_secret is None
    assert errors(post(client, f"{URL}/{endpoint.pk}/rotate-secret", {"overlap_hours": 169}))
    assert Event.objects.filter(type="endpoint.secret_rotated").count() == 2


def lose_the_key() -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_endpoint SET secret = 'x', headers = 'x'")


def test_what_no_key_fits_any_more_is_entered_anew(project: Any, client: Any) -> None:
    """Rotating the secret and entering the headers again is the way out of a lost key."""
    endpoint = make_endpoint(project, headers={"X-Key": "lost"})
    lose_the_key()
    path = f"{URL}/{endpoint.pk}"
    masked = client.patch(path, {"headers": {"X-Key": headers.MASK}}, content_type="application/json")
    assert errors(masked) == [("headers", "unreadable")]
    entered = client.patch(path, {"headers": {"X-Key": "new"}}, content_type="application/json")
    assert entered.status_code == 200, entered.content
    rotated = post(client, f"{path}/rotate-secret")
    assert rotated.status_code == 200, rotated.content
    assert rotated.json()["previous_secret_until"] is None
    endpoint = Endpoint.objects.get()
    assert endpoint.secret == rotated.json()["secret"]
    assert headers.read(endpoint.headers) == {"X-Key": "new"}


def test_a_test_goes_to_this_endpoint_alone_whatever_it_asks_for(project: Any, client: Any) -> None:
    endpoint = make_endpoint(project, events=["job.failed"], conditions={"min_severity": "critical"})
    make_endpoint(project)
    answer = post(client, f"{URL}/{endpoint.pk}/test")
    assert answer.status_code == 202, answer.content
    delivery = Delivery.objects.get()
    assert (delivery.endpoint_id, delivery.type) == (endpoint.pk, "endpoint.test")
    assert answer.json()["id"] == delivery.pk
    assert answer.json()["status"] == "pending"


def test_it_is_deleted_with_its_deliveries(project: Any, client: Any) -> None:
    gone, stays = make_delivery(make_endpoint(project)), make_delivery(make_endpoint(project))
    assert client.delete(f"{URL}/{gone.endpoint_id}").status_code == 204
    assert list(Delivery.objects.all()) == [stays]
    assert Event.objects.filter(type="endpoint.deleted").count() == 1


def test_a_project_goes_with_its_endpoints(project: Any, client: Any) -> None:
    make_delivery(make_endpoint(project))
    assert client.delete(f"/api/v1/projects/{project.pk}").status_code == 204
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


def test_a_project_has_so_many_endpoints(project: Any, client: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(keeping, "MOST_ENDPOINTS", 1)
    assert post(client, URL, body(project)).status_code == 201
    assert errors(post(client, URL, body(project))) == [("project", "too_many")]


def test_a_list_costs_the_same_for_many(project: Any, client: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(f"{URL}?project={project.pk}&enabled=true").status_code == 200
        return len(asked)

    make_endpoint(project)
    client.get(URL)
    few = queries()
    for _ in range(5):
        make_endpoint(project)
    assert queries() == few
