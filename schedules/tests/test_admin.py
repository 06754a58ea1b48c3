"""Schedules in the admin: changed only through the flows, with what is wrong said at its field."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commandcenter.accounts.models import User
from commandcenter.core.admin import CappedPaginator
from commandcenter.events.models import Event
from jobs.models import Job
from jobs.tests.factories import make_project, make_user
from schedules.clock import database_time
from schedules.executing import execute
from schedules.models import Blackout, Firing, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db
LIST = "/admin/schedules/schedule/"


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
        "name": "Nightly",
        "job_type": "analysis",
        "parameters": '{"steps": []}',
        "tags": "[]",
        "frequency": "daily",
        "timezone": "Europe/Berlin",
        "time": "02:30",
        "dst_gap": "run",
        "dst_overlap": "first",
        "jitter_seconds": 0,
        "overlap_policy": "skip",
        "misfire_policy": "fire_once",
        "misfire_grace_seconds": 300,
        **values,
    }


def said(response: Any) -> dict[str, list[str]]:
    """Return what the page says of each field."""
    assert response.status_code == 200
    return {name: list(errors) for name, errors in response.context["adminform"].form.errors.items()}


def act(client: Client, action: str, *schedules: Schedule, **more: Any) -> None:
    chosen = [each.pk for each in schedules]
    response = client.post(LIST, {"action": action, "_selected_action": chosen, **more})
    assert response.status_code == 302


def test_a_schedule_is_made_changed_and_removed_with_its_events(client: Client) -> None:
    project = make_project()
    assert client.post(f"{LIST}add/", form(project=project.pk)).status_code == 302
    schedule = Schedule.objects.get()
    assert schedule.created_by is not None
    assert schedule.created_by.username == "root"
    assert schedule.next_run_at is not None
    page = f"{LIST}{schedule.pk}/change/"
    assert client.get(page).status_code == 200
    assert client.post(page, form(time="03:30", enabled="")).status_code == 302
    changed = Schedule.objects.get()
    assert changed.enabled
    assert changed.next_run_at != schedule.next_run_at
    execute(changed, by=None)
    confirmed = client.post(f"{LIST}{schedule.pk}/delete/", {"post": "yes"})
    assert confirmed.status_code == 302
    assert not Schedule.objects.exists()
    types = Event.objects.filter(subject_kind="schedule").order_by("pk").values_list("type", flat=True)
    assert list(types) == ["schedule.created", "schedule.updated", "schedule.fired", "schedule.deleted"]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"time": ""}, "time"),
        ({"frequency": "cron", "cron": "61 * * * *"}, "cron"),
        ({"frequency": "monthly", "month_day": "40"}, "month_day"),
        ({"parameters": '{"nonsense": 1}'}, "parameters"),
        ({"parameters": "[1]"}, "parameters"),
        ({"tags": '[""]'}, "tags"),
        ({"window_start": "10:00", "window_end": "11:00"}, "window_start"),
        ({"name": "Taken"}, "name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(client: Client, values: dict[str, str], field: str) -> None:
    project = make_project()
    taken = make_schedule(project, name="Taken")
    other = make_schedule(project, frequency="daily", time=time(2, 30))
    assert field in said(client.post(f"{LIST}add/", form(project=project.pk, **values)))
    assert field in said(client.post(f"{LIST}{other.pk}/change/", form(**values)))
    assert set(Schedule.objects.all()) == {taken, other}
    assert not Event.objects.filter(type="schedule.updated").exists()


def test_actions_go_through_the_flows_and_say_what_stands_against_them(client: Client) -> None:
    first, second = make_schedule(), make_schedule()
    act(client, "disable_selected", first, second)
    assert not Schedule.objects.filter(enabled=True).exists()
    assert Event.objects.filter(type="schedule.disabled").count() == 2
    Schedule.objects.filter(pk=second.pk).update(timezone="Mars/Olympus")
    act(client, "enable_selected", first, second)
    assert list(Schedule.objects.filter(enabled=True)) == [first]
    act(client, "execute_selected", first)
    act(client, "execute_selected", first)
    assert Job.objects.get().origin_id == first.pk
    page = client.get(LIST)
    assert any("The run before has not ended." in str(each) for each in page.context["messages"])
    act(client, "delete_selected", first, second, post="yes")
    assert not Schedule.objects.exists()
    assert Event.objects.filter(type="schedule.deleted").count() == 2


def test_staff_who_may_only_look_cannot_act() -> None:
    user = make_user(staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_schedule"))
    schedule = make_schedule()
    client = signed_in(user)
    assert client.get(LIST).status_code == 200
    client.post(LIST, {"action": "disable_selected", "_selected_action": [schedule.pk]})
    schedule.refresh_from_db()
    assert schedule.enabled


def test_runs_are_read_by_their_schedule_and_not_changed(client: Client) -> None:
    schedule, other = make_schedule(), make_schedule()
    for each in (schedule, other):
        make_due(each)
    tick()
    firing = schedule.firings.get()
    runs = "/admin/schedules/firing/"
    found = client.get(f"{runs}?q={schedule.pk}").context["cl"].queryset
    assert list(found) == [firing]
    for term in ("x", "99999999999999999999", "0"):
        assert list(client.get(runs, {"q": term}).context["cl"].queryset) == []
    page = f"{runs}{firing.pk}/change/"
    assert client.get(page).status_code == 200
    assert client.post(page, {"status": "succeeded"}).status_code == 403
    assert client.get(f"{runs}add/").status_code == 403


@pytest.mark.parametrize("of", ["schedule", "firing"])
def test_lists_ask_no_more_for_more_rows(client: Client, of: str) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            make_due(make_schedule(make_project()))
        tick()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/admin/schedules/{of}/").status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_no_more_rows_are_counted_than_can_be_paged_through(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CappedPaginator, "most", 2)
    for _ in range(3):
        make_schedule()
    with CaptureQueriesContext(connection) as queries:
        pages = CappedPaginator(Schedule.objects.order_by("pk"), 1)
        assert (pages.count, pages.num_pages) == (2, 2)
    assert "LIMIT 2" in queries[0]["sql"]


def test_a_blackout_is_of_the_project_or_of_a_schedule_of_it(client: Client) -> None:
    schedule, stranger = make_schedule(), make_schedule()
    now = database_time()
    begin, end = now.date(), (now + timedelta(days=1)).date()
    values = {
        "project": schedule.project_id,
        "schedule": schedule.pk,
        "starts_at_0": begin,
        "starts_at_1": "00:00",
        "ends_at_0": end,
        "ends_at_1": "00:00",
        "reason": "Release week",
    }
    add = "/admin/schedules/blackout/add/"
    assert "schedule" in said(client.post(add, {**values, "schedule": stranger.pk}))
    assert "ends_at" in said(client.post(add, {**values, "ends_at_0": begin}))
    assert client.post(add, values).status_code == 302
    blackout = Blackout.objects.get()
    assert (blackout.schedule, blackout.reason) == (schedule, "Release week")
    assert blackout.created_by is not None
    assert client.get("/admin/schedules/blackout/").status_code == 200
    make_due(schedule)
    tick()
    assert Firing.objects.get().reason == "blackout"
    page = f"/admin/schedules/blackout/{blackout.pk}/"
    assert "ends_at" in said(client.post(f"{page}change/", {**values, "ends_at_0": begin}))
    assert client.post(f"{page}change/", {**values, "reason": "Longer week"}).status_code == 302
    assert Blackout.objects.get().reason == "Longer week"
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 302
    types = Event.objects.filter(subject_kind="blackout").order_by("pk").values_list("type", flat=True)
    assert list(types) == ["blackout.created", "blackout.updated", "blackout.deleted"]
