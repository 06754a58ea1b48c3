"""One schedule in the console: its runs, those to come, what people did, backfills, and where else it shows."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.dashboard.tests.test_schedules_pages import run_of, schedule_of, shown
from jobs.models import Job
from schedules.clock import database_time
from schedules.executing import execute
from schedules.keeping import change_schedule, disable
from schedules.models import Blackout, Firing, FiringKind, FiringStatus, Schedule

HOURLY: dict[str, Any] = {"frequency": "interval", "interval_seconds": 3600, "time": None}


def test_it_says_what_when_and_what_happens_in_between(world: World) -> None:
    schedule = schedule_of(
        world, overlap_policy="queue", misfire_policy="skip", jitter_seconds=600, pause_after_failures=3,
        description="Before work", tags=["night"],
    )  # fmt: skip
    content = shown(signed_in(world.viewer), f"/schedules/{schedule.pk}/")
    for words in (
        "Analysis of ledger", f'href="/repositories/{world.repository.pk}/"', "Every day at 02:30 (Europe/Berlin).",
        "Each run begins up to 10 minutes later", "Let the new run wait", "Run none of them", "when it is 5 minutes late",
        "Paused after 3 in a row", "Before work", "?tag=night", world.operator.username, "Schedule created",
        "It has not run yet",
    ):  # fmt: skip
        assert words in content, words
    assert len(re.findall(r"<li>\s*<time", content)) == 10


def test_runs_say_how_late_how_long_which_job_and_why(world: World) -> None:
    schedule = schedule_of(world)
    now = database_time()
    at = {"due_at": now - timedelta(minutes=10), "scheduled_for": now - timedelta(minutes=10)}
    run_of(schedule, FiringStatus.SUCCEEDED, job_id=world.job.pk, seconds=75.0, merged=4, **at)
    run_of(schedule, FiringStatus.FAILED, job_id=world.job.pk + 1000, detail="The source does not answer.")
    run_of(
        schedule,
        FiringStatus.SKIPPED,
        detail="Waits for job #7.",
        kind=FiringKind.MANUAL,
        scheduled_for=now - timedelta(1),
    )
    content = shown(signed_in(world.viewer), f"/schedules/{schedule.pk}/")
    for words in (
        f'<a href="/jobs/{world.job.pk}/">#{world.job.pk}</a>', "1 min 15 s", "10 min 0 s", "It stands for 5 runs",
        "in time", "The job is no longer kept", "The source does not answer.", "Started by hand", '<a href="/jobs/7/">#7</a>',
    ):  # fmt: skip
        assert words in content, words
    assert f'href="/jobs/{world.job.pk + 1000}/"' not in content


def test_runs_within_a_minute_are_told_apart(world: World) -> None:
    schedule = schedule_of(world, frequency="interval", interval_seconds=20, time=None, timezone="UTC")
    at = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
    for seconds in (0, 20):
        run_of(schedule, FiringStatus.SUCCEEDED, scheduled_for=at + timedelta(seconds=seconds))
    content = shown(signed_in(world.viewer), f"/schedules/{schedule.pk}/")
    assert ">2026-03-01 02:30 UTC<" in content
    assert ">2026-03-01 02:30:20 UTC<" in content


def test_runs_go_by_key_and_a_refresh_stays_on_its_page(world: World) -> None:
    schedule = schedule_of(world)
    now = database_time()
    runs = [
        run_of(schedule, FiringStatus.SUCCEEDED, scheduled_for=now - timedelta(hours=number)).pk
        for number in range(27)
    ]
    client = signed_in(world.viewer)
    response = client.get(f"/schedules/{schedule.pk}/")
    assert [row.pk for row in response.context["page"].rows] == runs[:1:-1]
    onward = client.get(f"/schedules/{schedule.pk}/{response.context['page'].next}")
    assert [row.pk for row in onward.context["page"].rows] == [runs[1], runs[0]]
    assert f'hx-get="/schedules/{schedule.pk}/live/?before={runs[2]}"' in onward.content.decode()
    partial = client.get(f"/schedules/{schedule.pk}/live/?before={runs[2]}")
    assert b"<html" not in partial.content
    assert [row.pk for row in partial.context["page"].rows] == [runs[1], runs[0]]


def test_the_page_asks_as_often_whatever_is_behind_it(world: World) -> None:
    schedule = schedule_of(world)
    client = signed_in(world.operator)

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(client, f"/schedules/{schedule.pk}/")
        return len(captured)

    run_of(schedule, FiringStatus.SUCCEEDED, job_id=world.job.pk)
    alone = asked()
    now = database_time()
    for number in range(1, 30):
        run_of(schedule, FiringStatus.SUCCEEDED, job_id=number, scheduled_for=now - timedelta(hours=number))
        change_schedule(schedule, {"description": str(number)}, by=world.operator)
    assert asked() == alone <= 15


def test_changes_name_what_was_before_and_who_did_it(world: World) -> None:
    schedule = schedule_of(world)
    client = signed_in(world.operator)
    form = client.get(f"/schedules/{schedule.pk}/edit/").context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    client.post(f"/schedules/{schedule.pk}/edit/", sent | {"time": "04:15", "name": "Early"})
    client.post(f"/schedules/{schedule.pk}/disable/", {"reason": "<b>Moving</b> house"})
    execute(schedule, by=world.operator)
    content = shown(client, f"/schedules/{schedule.pk}/")
    for words in (
        "Name: Nightly → Early", "Time: 02:30:00 → 04:15:00", "Schedule disabled: &lt;b&gt;Moving&lt;/b&gt; house",
        f"by {world.operator.username}", "none of these happens until it is enabled",
    ):  # fmt: skip
        assert words in content, words
    assert "Schedule fired" not in content


def test_runs_in_a_blackout_are_marked(world: World) -> None:
    schedule = schedule_of(world)
    now = database_time()
    Blackout.objects.create(
        project=world.project, starts_at=now, ends_at=now + timedelta(days=3), reason="Moving house"
    )
    assert shown(signed_in(world.viewer), f"/schedules/{schedule.pk}/").count("Moving house") >= 3


def test_a_zone_that_is_gone_is_said(world: World) -> None:
    schedule = schedule_of(world)
    Schedule.objects.filter(pk=schedule.pk).update(timezone="Mars/Base")
    client = signed_in(world.operator)
    assert "Mars/Base is not known any more" in shown(client, f"/schedules/{schedule.pk}/")
    for path in ("/schedules/", "/", f"/schedules/{schedule.pk}/edit/"):
        assert "Nightly" in shown(client, path)


def test_a_backfill_is_counted_run_and_cancelled(world: World) -> None:
    schedule = schedule_of(world, **HOURLY, timezone="UTC", overlap_policy="skip")
    client = signed_in(world.operator)
    day = database_time() - timedelta(days=2)
    given = {"from": f"{day:%Y-%m-%d}T00:00", "to": f"{day:%Y-%m-%d}T06:00"}
    path = f"/schedules/{schedule.pk}/backfill/"
    response = client.post(path, given | {"do": "count"}, follow=True)
    content = response.content.decode()
    assert "6 runs would be made up for" in content
    assert f'value="{given["from"]}"' in content
    assert not Firing.objects.exists()
    content = client.post(path, given, follow=True).content.decode()
    assert "6 runs are made up for. 5 runs wait for their turn." in content
    assert "Cancel what waits" in content
    assert "No run is missing" in client.post(path, given, follow=True).content.decode()
    content = client.post(f"{path}cancel/", follow=True).content.decode()
    assert "5 runs will not happen." in content
    assert "Cancel what waits" not in content


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "Say from when until when"),
        ({"from": "soon", "to": "\0"}, "Say from when until when"),
        ({"from": "2026-01-02T00:00", "to": "2026-01-01T00:00"}, "ends before it begins"),
        ({"from": "2026-01-01T00:00", "to": "2999-01-01T00:00"}, "future"),
        ({"from": "0001-01-01T00:00", "to": "9999-12-31T23:59"}, "2000"),
    ],
)
def test_a_range_that_makes_no_sense_is_refused(world: World, given: dict[str, Any], words: str) -> None:
    schedule = schedule_of(world)
    for more in ({}, {"do": "count"}):
        response = signed_in(world.operator).post(
            f"/schedules/{schedule.pk}/backfill/", given | more, follow=True
        )
        assert words in response.content.decode()
    assert not Firing.objects.exists()


def test_viewers_see_no_forms_and_may_not_backfill(world: World) -> None:
    schedule = schedule_of(world)
    content = shown(signed_in(world.viewer), f"/schedules/{schedule.pk}/")
    assert "backfill" not in content
    assert "/edit/" not in content
    for path in ("backfill/", "backfill/cancel/"):
        assert signed_in(world.viewer).post(f"/schedules/{schedule.pk}/{path}").status_code == 403
        assert signed_in(world.stranger).post(f"/schedules/{schedule.pk}/{path}").status_code == 404


def test_jobs_and_repositories_lead_to_their_schedules(world: World) -> None:
    schedule = schedule_of(world)
    firing = execute(schedule, by=world.operator)
    client = signed_in(world.viewer)
    link = f'<a href="/schedules/{schedule.pk}/">Nightly</a>'
    assert f"started by schedule {link}" in shown(client, f"/jobs/{firing.job_id}/")
    assert link in shown(client, f"/repositories/{world.repository.pk}/")
    Job.objects.filter(pk=firing.job_id or 0).update(origin_id=schedule.pk + 1)
    assert "started by schedule" not in shown(client, f"/jobs/{firing.job_id}/")


def test_the_overview_names_what_fails_and_what_comes_next(world: World) -> None:
    client = signed_in(world.viewer)
    assert "Nothing runs by itself" in shown(client, "/")
    late = schedule_of(world, "Later", time=None, frequency="cron", cron="0 3 1 1 *")
    soon = schedule_of(world, "Sooner", **HOURLY)
    disable(schedule_of(world, "Resting"), by=world.operator)
    Schedule.objects.filter(pk=late.pk).update(last_outcome="failed", last_outcome_detail="No answer")
    response = client.get("/")
    assert [row.schedule for row in response.context["failing"]] == [late]
    assert [row.schedule for row in response.context["soon"]] == [soon, late]
    assert "No answer" in response.content.decode()
    assert f'<a href="/schedules/{soon.pk}/">Sooner</a>' in response.content.decode()
    assert "Sooner" not in shown(signed_in(world.stranger), "/")


def test_blackouts_of_it_and_of_its_project_are_made_and_removed(world: World) -> None:
    schedule = schedule_of(world)
    other = schedule_of(world, "Other")
    client = signed_in(world.operator)
    path = f"/schedules/{schedule.pk}/blackouts/"
    own = {"starts_at": "2990-07-01T00:00", "ends_at": "2990-07-02T00:00", "reason": "Moving\0 house"}
    client.post(path, own)
    client.post(path, own | {"whole": "on", "reason": "Holidays"})
    mine, whole = Blackout.objects.order_by("pk")
    assert mine.starts_at == datetime(2990, 6, 30, 22, tzinfo=UTC)
    assert (mine.schedule, mine.reason, mine.created_by) == (schedule, "Moving house", world.operator)
    assert (whole.schedule, whole.project) == (None, world.project)
    content = shown(signed_in(world.viewer), f"/schedules/{schedule.pk}/")
    for words in ("2990-07-01 00:00 Europe/Berlin", "Moving house", "Holidays", "All of the project"):
        assert words in content
    assert "/blackouts/" not in content
    content = shown(client, f"/schedules/{other.pk}/")
    assert "Holidays" in content
    assert "Moving house" not in content
    assert client.post(f"/schedules/{other.pk}/blackouts/{mine.pk}/delete/").status_code == 404
    client.post(f"/schedules/{other.pk}/blackouts/{whole.pk}/delete/")
    client.post(f"{path}{mine.pk}/delete/")
    assert not Blackout.objects.exists()
    assert "It runs at all its times" in shown(client, f"/schedules/{schedule.pk}/")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"starts_at": "soon"}, "Say from when until when"),
        ({"ends_at": ""}, "Say from when until when"),
        ({"ends_at": "2990-06-01T00:00"}, "ends before it starts"),
        ({"starts_at": "2001-01-01T00:00", "ends_at": "2001-01-02T00:00"}, "over already"),
        ({"starts_at": "0001-01-01T00:00"}, "2000"),
    ],
)
def test_a_blackout_that_makes_no_sense_is_refused(world: World, given: dict[str, str], words: str) -> None:
    schedule = schedule_of(world)
    sent = {"starts_at": "2990-07-01T00:00", "ends_at": "2990-07-02T00:00"} | given
    response = signed_in(world.operator).post(f"/schedules/{schedule.pk}/blackouts/", sent, follow=True)
    assert words in response.content.decode()
    assert "Edit it first" not in response.content.decode()
    assert not Blackout.objects.exists()


def test_only_operators_shut_out(world: World) -> None:
    schedule = schedule_of(world)
    now = database_time()
    blackout = Blackout.objects.create(project=world.project, starts_at=now, ends_at=now + timedelta(days=1))
    for path in ("blackouts/", f"blackouts/{blackout.pk}/delete/"):
        assert signed_in(world.viewer).post(f"/schedules/{schedule.pk}/{path}").status_code == 403
        assert signed_in(world.stranger).post(f"/schedules/{schedule.pk}/{path}").status_code == 404
    assert Blackout.objects.count() == 1
