"""Endpoints that only fail: people hear of it before they are disabled, and when they are, once each."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.urls import resolve
from django.utils import timezone
from pytest_django import Settings

from commandcenter.accounts.models import User
from commandcenter.core.tests.locks import WAITING
from commandcenter.events.models import Event
from commandcenter.inventory.models import Membership, Project, Role
from jobs.tests.factories import make_project
from webhooks.keeping import disable, enable
from webhooks.models import Endpoint, EndpointRun, Notice
from webhooks.noticing.mailing import recipients
from webhooks.noticing.making import make_due
from webhooks.retention import prune_notices
from webhooks.tasks import notice_failing
from webhooks.tests.factories import make_delivery, make_endpoint
from webhooks.tests.mailbox import Mailbox, taking_mail

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(settings: Settings) -> Iterator[Mailbox]:
    with taking_mail() as box:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.port
        yield box


def project_of(*names: str, role: Role = Role.ADMIN) -> Project:
    """Return a project with these members, who have addresses."""
    project = make_project()
    for name in names:
        user = User.objects.create_user(name, email=f"{name}@example.com")
        Membership.objects.create(project=project, user=user, role=role)
    return project


def failing(days: float, project: Project | None = None, **values: Any) -> Endpoint:
    """Return an endpoint that has only failed for so long."""
    endpoint = make_endpoint(project or make_project(), **values)
    fails_for(endpoint, days)
    return endpoint


def fails_for(endpoint: Endpoint, days: float) -> None:
    EndpointRun.objects.filter(endpoint=endpoint).update(failing_since=Now() - timedelta(days=days))


def kinds(endpoint: Endpoint) -> list[str]:
    return list(Notice.objects.filter(endpoint=endpoint).order_by("pk").values_list("kind", flat=True))


def told() -> list[dict[str, Any]]:
    events = Event.objects.filter(type="endpoint.failing").order_by("pk")
    return list(events.values_list("data", flat=True))


@pytest.mark.parametrize(
    ("days", "expected"), [(0.9, []), (1.1, ["failing"]), (3.9, ["failing"]), (4.1, ["last_day"])]
)
def test_people_hear_when_the_countdown_has_begun_and_on_its_last_day(
    days: float, expected: list[str]
) -> None:
    endpoint = failing(days, url="https://8.8.8.8/hook?token=hidden")
    notice_failing()
    notice_failing()
    assert kinds(endpoint) == expected
    assert len(told()) == len(expected)
    for data in told():
        run = EndpointRun.objects.get(endpoint=endpoint)
        assert run.failing_since is not None
        assert run.given_up_at == run.failing_since + timedelta(days=5)
        assert data == {
            "endpoint": endpoint.pk,
            "url": "https://8.8.8.8/hook",
            "failing_since": run.failing_since.isoformat().replace("+00:00", "Z"),
            "disabled_at": run.given_up_at.isoformat().replace("+00:00", "Z"),
        }


def test_each_countdown_is_told_anew() -> None:
    endpoint = failing(1.1)
    notice_failing()
    for days in (4.1, 0.5, 1.2):  # its last day; it recovered and fails again; for more than a day
        fails_for(endpoint, days)
        notice_failing()
    assert kinds(endpoint) == ["failing", "last_day", "failing"]


def test_of_a_disabled_endpoint_nothing_is_told_that_is_over() -> None:
    endpoint = failing(1.1, enabled=False)
    notice_failing()
    assert kinds(endpoint) == []


def test_many_at_once_are_told_with_few_queries(django_assert_max_num_queries: Any) -> None:
    project = make_project()
    endpoints = [failing(1 + number / 10, project) for number in range(1, 13)]
    with django_assert_max_num_queries(8):
        notice_failing()
    assert Notice.objects.count() == len(told()) == len(endpoints)


@pytest.mark.django_db(
    transaction=True,
    available_apps=[
        "commandcenter.core",
        "commandcenter.events",
        "commandcenter.accounts",
        "commandcenter.inventory",
        "webhooks",
    ],
)
def test_two_that_look_at_once_tell_once() -> None:
    endpoint = failing(1.1)
    since = EndpointRun.objects.get(endpoint=endpoint).failing_since
    assert since is not None

    def work() -> None:
        try:
            make_due()
        finally:
            connections.close_all()

    other = threading.Thread(target=work)
    with transaction.atomic():
        Notice.objects.create(endpoint=endpoint, kind="failing", since=since)
        other.start()
        until = time.monotonic() + 10
        while not is_waited_for():
            assert time.monotonic() < until
    other.join(10)
    assert kinds(endpoint) == ["failing"]
    assert told() == []  # that is for whoever made the notice


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


def test_the_administrators_of_the_project_are_written_to_once(mailbox: Mailbox, settings: Settings) -> None:
    settings.PUBLIC_URL = "https://center.example"
    project = project_of("ada", "bob")
    project.name = "Payments\nBcc: all@example.com"
    project.save()
    for name, role, active in (("vic", Role.VIEWER, True), ("eve", Role.ADMIN, False)):
        user = User.objects.create_user(name, email=f"{name}@example.com", is_active=active)
        Membership.objects.create(project=project, user=user, role=role)
    endpoint = failing(1.1, project, url="https://8.8.8.8/hook?token=hidden", description="On-call bot")
    make_delivery(endpoint, last_error="The receiver answered 500.")
    notice_failing()
    notice_failing()
    (mail,) = mailbox.mails
    assert mail["To"] == "ada@example.com, bob@example.com"
    assert mail["Bcc"] is None
    subject = "[Command Center] A webhook endpoint only fails: On-call bot (Payments Bcc: all@example.com)"
    assert mail["Subject"] == subject
    text = mail.get_content().replace("\r\n", "\n")
    assert "https://8.8.8.8/hook\n" in text
    assert "hidden" not in text
    assert "The receiver answered 500." in text
    assert f"https://center.example/webhooks/{endpoint.pk}/" in text
    assert resolve(f"/webhooks/{endpoint.pk}/").url_name == "endpoint"
    notice = Notice.objects.get()
    assert (notice.tries, notice.error) == (1, "")
    assert notice.mailed_at is not None


def test_whoever_administers_nothing_is_not_written_to_but_superusers_are_where_nobody_else_is() -> None:
    project = project_of("ada", role=Role.OPERATOR)
    assert recipients(project.pk) == []
    User.objects.create_superuser("root", email="root@example.com", password="x")
    User.objects.create_superuser("mute", password="x")
    assert recipients(project.pk) == ["root@example.com"]
    Membership.objects.update(role=Role.ADMIN)
    assert recipients(project.pk) == ["ada@example.com"]


def test_the_platform_says_that_it_disabled_an_endpoint_and_why(mailbox: Mailbox) -> None:
    project = project_of("ada")
    endpoint, by_hand = make_endpoint(project), make_endpoint(project)
    disable(endpoint, by=None, reason="The receiver says that it is gone for good (410).")
    disable(by_hand, by=User.objects.get(username="ada"), reason="Not needed.")
    notice_failing()
    (mail,) = mailbox.mails
    assert "was disabled" in mail["Subject"]
    assert "gone for good (410)." in mail.get_content()
    assert kinds(by_hand) == []


def test_what_came_to_an_end_before_it_was_mailed_is_not_told(mailbox: Mailbox) -> None:
    project = project_of("ada")
    enabled, recovered, old = make_endpoint(project), failing(1.1, project), failing(1.1, project)
    disable(enabled, by=None, reason="All deliveries failed.")
    mailbox.refused.add("ada@")
    notice_failing()
    enable(enabled, by=None)
    EndpointRun.objects.filter(endpoint=recovered).update(failing_since=None)
    mailbox.refused.clear()
    Notice.objects.filter(endpoint=old).update(created_at=Now() - timedelta(hours=25))
    Notice.objects.update(not_before=Now())
    notice_failing()
    assert mailbox.mails == []


def test_a_mail_that_is_refused_is_tried_again_later_and_keeps_no_other_waiting(mailbox: Mailbox) -> None:
    first, second = failing(1.2, project_of("ada")), failing(1.1, project_of("bob"))
    mailbox.refused.add("ada@")
    notice_failing()
    notice = Notice.objects.get(endpoint=first)
    assert [mail["To"] for mail in mailbox.mails] == ["bob@example.com"]
    assert (notice.mailed_at, notice.tries) == (None, 1)
    assert "nobody of that name" in notice.error
    assert timedelta(minutes=4) < notice.not_before - timezone.now() < timedelta(minutes=6)
    mailbox.refused.clear()
    notice_failing()
    assert len(mailbox.mails) == 1  # not before its time
    Notice.objects.update(not_before=Now())
    notice_failing()
    assert [mail["To"] for mail in mailbox.mails] == ["bob@example.com", "ada@example.com"]
    assert kinds(second) == ["failing"]


def test_a_server_that_is_away_or_silent_or_full_disturbs_nothing(
    mailbox: Mailbox, settings: Settings
) -> None:
    """The events are there all the same, and one try is enough to see that the server does not answer."""
    for _ in range(3):
        failing(1.1, project_of(f"user{User.objects.count()}"))
    settings.EMAIL_TIMEOUT, mailbox.silent = 0.2, True
    notice_failing()
    assert mailbox.connections == 1
    assert len(told()) == 3
    assert sorted(Notice.objects.values_list("tries", flat=True)) == [0, 0, 1]
    mailbox.silent, mailbox.full = False, True
    notice_failing()
    assert sorted(Notice.objects.values_list("tries", flat=True)) == [1, 1, 1]
    settings.EMAIL_PORT = 1
    Notice.objects.update(not_before=Now())
    notice_failing()
    assert mailbox.mails == []
    assert Notice.objects.filter(mailed_at=None).exclude(error="").count() == 3


def test_without_a_server_no_mail_is_tried(settings: Settings) -> None:
    settings.EMAIL_HOST = ""
    endpoint = failing(1.1, project_of("ada"))
    notice_failing()
    assert kinds(endpoint) == ["failing"]
    assert Notice.objects.get().tries == 0


def test_each_mail_takes_few_queries(mailbox: Mailbox) -> None:
    project = project_of("ada")
    for _ in range(3):
        failing(1.1, project)
    with CaptureQueriesContext(connection) as queries:
        notice_failing()
    assert len(mailbox.mails) == 3
    assert mailbox.connections == 1
    assert len(queries) <= 8 + 5 * 3


def test_old_notices_are_forgotten_but_for_those_of_a_countdown_that_runs() -> None:
    runs, over = failing(1.1), failing(1.1)
    notice_failing()
    disable(over, by=None, reason="All deliveries failed.")
    fails_for(over, 0.1)
    Notice.objects.update(created_at=Now() - timedelta(days=31))
    assert prune_notices() == 2
    notice_failing()
    assert kinds(runs) == ["failing"]
    assert kinds(over) == []


def test_the_api_says_when_the_endpoint_is_given_up(client: Any) -> None:
    path = f"/api/v1/webhooks/endpoints/{failing(1.1).pk}"
    client.force_login(User.objects.create_superuser("root"), "django.contrib.auth.backends.ModelBackend")
    shown = client.get(path).json()
    assert shown["given_up_at"] > shown["failing_since"]
    EndpointRun.objects.update(failing_since=None)
    assert client.get(path).json()["given_up_at"] is None
