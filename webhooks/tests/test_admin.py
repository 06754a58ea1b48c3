"""Webhooks in the admin: endpoints are changed only through the flows, what is sent is read, and no secret is shown."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.accounts.models import User
from commandcenter.events.models import Event
from jobs.tests.factories import make_project, make_user
from webhooks.headers import MASK
from webhooks.models import Attempt, Delivery, Endpoint, EndpointRun, Message
from webhooks.tasks import notice_failing
from webhooks.tests.factories import URL, make_delivery, make_endpoint

pytestmark = pytest.mark.django_db
ENDPOINTS, DELIVERIES = "/admin/webhooks/endpoint/", "/admin/webhooks/delivery/"


@pytest.fixture
def client() -> Client:
    """Return the browser of someone who may do everything."""
    return signed_in(User.objects.create_superuser("root", password="secret"))


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


def form(**values: Any) -> dict[str, Any]:
    """Return what a browser posts."""
    return {
        "url": URL,
        "description": "On-call bot",
        "events": "analysis.*,finding.new",
        "conditions": "{}",
        "extra_headers": "{}",
        "timeout_seconds": 15,
        "run-TOTAL_FORMS": 0,
        "run-INITIAL_FORMS": 0,
        **values,
    }


def said(response: Any) -> dict[str, list[str]]:
    """Return what the page says of each field."""
    assert response.status_code == 200
    return {name: list(errors) for name, errors in response.context["adminform"].form.errors.items()}


def act(client: Client, path: str, action: str, *rows: Any, **more: Any) -> list[str]:
    """Do it, and return what the next page says."""
    response = client.post(path, {"action": action, "_selected_action": [each.pk for each in rows], **more})
    assert response.status_code == 302
    return [str(each) for each in client.get(path).context["messages"]]


def attempt_of(delivery: Delivery, number: int = 1, **values: Any) -> Attempt:
    given: dict[str, Any] = {"started_at": timezone.now(), "duration_ms": 12, "status": 500} | values
    return Attempt.objects.create(delivery=delivery, number=number, **given)


def test_an_endpoint_is_made_changed_and_removed_with_its_events(client: Client) -> None:
    project = make_project()
    made = client.post(
        f"{ENDPOINTS}add/", form(project=project.pk, extra_headers='{"X-Key": "hidden"}'), follow=True
    )
    assert "Rotate its secret" in made.content.decode()
    endpoint = Endpoint.objects.get()
    assert (endpoint.events, endpoint.header_names) == (["analysis.*", "finding.new"], ["X-Key"])
    assert endpoint.created_by is not None
    assert endpoint.created_by.username == "root"
    page = f"{ENDPOINTS}{endpoint.pk}/change/"
    changed = form(url=f"{URL}/2", extra_headers=json.dumps({"X-Key": MASK}), ordered="on", rate_limit="60")
    assert client.post(page, changed).status_code == 302
    after = Endpoint.objects.get()
    assert (after.url, after.ordered, after.rate_limit) == (f"{URL}/2", True, 60)
    assert (after.headers, after.secret) == (endpoint.headers, endpoint.secret)
    make_delivery(after)
    asked = client.post(f"{ENDPOINTS}{endpoint.pk}/delete/")
    assert "and all its deliveries" in asked.content.decode()
    assert client.post(f"{ENDPOINTS}{endpoint.pk}/delete/", {"post": "yes"}).status_code == 302
    assert not Delivery.objects.exists()
    events = Event.objects.filter(subject_kind="endpoint").order_by("pk")
    assert [each.type for each in events] == ["endpoint.created", "endpoint.updated", "endpoint.deleted"]
    assert {each.actor_name for each in events} == {"root"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "file:///etc/passwd"}, "url"),
        ({"url": "http://127.0.0.1/"}, "url"),
        ({"url": "https://nowhere.invalid/"}, "url"),
        ({"events": "nothing.ever"}, "events"),
        ({"events": ""}, "events"),
        ({"conditions": '{"min_severity": "worst"}'}, "conditions"),
        ({"conditions": "[1]"}, "conditions"),
        ({"conditions": '{"repository_tags": ["\\u0000"]}'}, "conditions"),
        ({"conditions": '{"repositories": [1' + "0" * 30 + "]}"}, "conditions"),
        ({"conditions": '{"nothing": 1' + "0" * 30 + "}"}, "conditions"),
        ({"extra_headers": '{"Host": "x"}'}, "extra_headers"),
        ({"extra_headers": "[]x"}, "extra_headers"),
        ({"extra_headers": json.dumps({"X-New": MASK})}, "extra_headers"),
        ({"rate_limit": "0"}, "rate_limit"),
        ({"timeout_seconds": "31"}, "timeout_seconds"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, values: dict[str, str], field: str) -> None:
    endpoint = make_endpoint()
    assert field in said(client.post(f"{ENDPOINTS}add/", form(project=endpoint.project_id, **values)))
    assert field in said(client.post(f"{ENDPOINTS}{endpoint.pk}/change/", form(**values)))
    assert Endpoint.objects.count() == 1
    assert not Event.objects.filter(type="endpoint.updated").exists()


def test_headers_do_not_follow_to_another_host_by_themselves(client: Client) -> None:
    endpoint = make_endpoint(headers={"X-Key": "hidden"})
    page = f"{ENDPOINTS}{endpoint.pk}/change/"
    masked = json.dumps({"X-Key": MASK})
    moved = form(url="https://9.9.9.9/", extra_headers=masked)
    assert "extra_headers" in said(client.post(page, moved))
    assert client.post(page, moved | {"extra_headers": '{"X-Key": "again"}'}).status_code == 302


def test_no_page_shows_a_secret_and_none_needs_one_to_be_readable(client: Client) -> None:
    endpoint = make_endpoint(headers={"X-Key": "the-value"})
    secret = Endpoint.objects.get().secret
    for path in (ENDPOINTS, f"{ENDPOINTS}{endpoint.pk}/change/", f"{ENDPOINTS}add/"):
        page = client.get(path).content.decode()
        assert secret not in page
        assert "the-value" not in page
        assert 'name="secret"' not in page
    with connection.cursor() as cursor:  # as after the loss of a key
        cursor.execute("UPDATE webhooks_endpoint SET secret = 'x', headers = 'x'")
    assert client.get(f"{ENDPOINTS}{endpoint.pk}/change/").status_code == 200
    assert act(client, ENDPOINTS, "disable_selected", endpoint) == ["1 endpoints are disabled."]


def test_how_an_endpoint_fares_and_what_people_were_told_is_shown(client: Client) -> None:
    endpoint = make_endpoint()
    EndpointRun.objects.update(failing_since=Now() - timedelta(days=1.5), last_sequence=4711)
    notice_failing()
    page = client.get(f"{ENDPOINTS}{endpoint.pk}/change/").content.decode()
    assert "4711" in page
    assert "It only fails: not mailed" in page


def test_actions_go_through_the_flows_and_say_what_stands_against_them(client: Client) -> None:
    first, second = make_endpoint(), make_endpoint(enabled=False)
    assert act(client, ENDPOINTS, "test_selected", first, second) == [
        f"{second}: The endpoint is disabled; enable it first.",
        "1 tests are on their way.",
    ]
    assert Delivery.objects.get().type == "endpoint.test"
    act(client, ENDPOINTS, "enable_selected", first, second)
    assert Endpoint.objects.filter(enabled=True).count() == 2
    act(client, ENDPOINTS, "disable_selected", first, second)
    assert Endpoint.objects.filter(enabled=False, disabled_reason="Disabled in the admin.").count() == 2
    assert Event.objects.filter(type="endpoint.disabled", actor_name="root").count() == 2
    act(client, ENDPOINTS, "delete_selected", first, second, post="yes")
    assert not Endpoint.objects.exists()
    assert Event.objects.filter(type="endpoint.deleted").count() == 2


def test_deliveries_are_sent_again_and_given_up(client: Client) -> None:
    endpoint = make_endpoint()
    ended = make_delivery(endpoint, status="exhausted", ended_at=timezone.now())
    waits = make_delivery(endpoint)
    assert act(client, DELIVERIES, "retry_selected", ended) == ["1 deliveries are due now."]
    assert act(client, DELIVERIES, "cancel_selected", waits) == ["1 deliveries are cancelled."]
    refused, count = act(client, DELIVERIES, "cancel_selected", waits)
    assert "is over" in refused
    assert count == "0 deliveries are cancelled."
    assert dict(Delivery.objects.values_list("pk", "status")) == {ended.pk: "pending", waits.pk: "cancelled"}


def test_whoever_may_only_look_cannot_act() -> None:
    user = make_user(staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_endpoint", "view_delivery"]))
    delivery, client = make_delivery(), signed_in(user)
    for path, action, row in (
        (ENDPOINTS, "disable_selected", delivery.endpoint),
        (DELIVERIES, "cancel_selected", delivery),
    ):
        assert client.get(f"{path}{row.pk}/change/").status_code == 200
        client.post(path, {"action": action, "_selected_action": [row.pk]})
    delivery.refresh_from_db()
    assert (delivery.status, delivery.endpoint.enabled) == ("pending", True)
    assert client.get("/admin/webhooks/attempt/").status_code == 403


def test_what_was_sent_and_what_came_back_is_read_and_not_changed(client: Client) -> None:
    delivery = make_delivery()
    answer = b'{"answer": "<script>\xff"}'
    attempt = attempt_of(
        delivery, body=answer, headers={"server": "<i>x"}, detail="The receiver answered 500."
    )
    attempt_page = f"/admin/webhooks/attempt/{attempt.pk}/change/"
    pages = {
        f"{DELIVERIES}{delivery.pk}/change/": (attempt_page, "The receiver answered 500."),
        f"/admin/webhooks/message/{delivery.message_id}/change/": ("repository.created",),
        attempt_page: ("&lt;script&gt;\ufffd", "&lt;i&gt;x", f"{DELIVERIES}{delivery.pk}/change/"),
    }
    for page, shown in pages.items():
        text = client.get(page).content.decode()
        assert all(each in text for each in shown)
        assert client.post(page, {"type": "job.failed"}).status_code == 403
        assert client.post(page.replace("change", "delete"), {"post": "yes"}).status_code == 403
    for of in ("delivery", "attempt", "message"):
        assert client.get(f"/admin/webhooks/{of}/add/").status_code == 403


def test_rows_are_found_by_the_number_of_what_they_belong_to(client: Client) -> None:
    one, other = make_delivery(), make_delivery()
    attempt = attempt_of(one)
    attempt_of(other)
    of: tuple[tuple[str, int, Any], ...] = (
        (DELIVERIES, one.endpoint_id, one),
        ("/admin/webhooks/attempt/", one.pk, attempt),
        ("/admin/webhooks/message/", one.message_id, Message.objects.get(pk=one.message_id)),
    )
    for path, number, row in of:
        assert list(client.get(path, {"q": number}).context["cl"].queryset) == [row]
        for term in ("x", "99999999999999999999", "0", "-1"):
            assert list(client.get(path, {"q": term}).context["cl"].queryset) == []


def test_what_is_over_is_filtered_within_an_endpoint_alone(client: Client) -> None:
    """Its index begins with the endpoint: without one all rows would be read."""
    endpoint = make_endpoint()
    waits, over = (
        make_delivery(endpoint),
        make_delivery(endpoint, status="cancelled", ended_at=timezone.now()),
    )
    assert list(client.get(DELIVERIES, {"status": "pending"}).context["cl"].queryset) == [waits]
    found = client.get(DELIVERIES, {"status": "cancelled", "q": str(endpoint.pk)}).context["cl"].queryset
    assert list(found) == [over]
    assert list(client.get(DELIVERIES, {"status": "cancelled"}).context["cl"].queryset) == [over, waits]


@pytest.mark.parametrize("of", ["endpoint", "delivery", "attempt", "message"])
def test_lists_ask_no_more_for_more_rows_and_read_no_body(client: Client, of: str) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            attempt_of(make_delivery())
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/admin/webhooks/{of}/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert not any('"body"' in each["sql"] or '"secret"' in each["sql"] for each in queries)
