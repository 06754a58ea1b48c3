"""The calendar of schedules: the picture says what the table says, on the clock of the viewer's zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from typing import Any

import pytest

from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.inventory.models import Project
from commandcenter.inventory.tests.factories import make_member, make_project, make_repository
from schedules.clock import database_time
from schedules.keeping import create_schedule
from schedules.models import Blackout, Firing, FiringStatus, Schedule

pytestmark = pytest.mark.django_db
URL = "/schedules/calendar/"


def schedule_of(world: World, name: str, *, project: Project | None = None, **values: Any) -> Schedule:
    """Return a new schedule that analyses a repository every day at two."""
    repository = make_repository(project) if project else world.repository
    given = {
        "name": name,
        "job_type": "analysis",
        "repository": repository,
        "frequency": "daily",
        "time": time(2),
    }
    return create_schedule(project=project or world.project, values=given | values, by=world.operator)


def monday() -> date:
    """The Monday of next week: nothing of it is over."""
    today = database_time().astimezone(UTC).date()
    return today + timedelta(days=7 - today.weekday())


def shown(world: World, **query: Any) -> str:
    response = signed_in(world.viewer).get(URL, {"date": monday(), **query})
    assert response.status_code == 200
    return unescape(response.content.decode())


def titles(content: str, kind: str) -> list[str]:
    return re.findall(rf'<(?:line|rect) class="{kind} ?"[^>]*><title>([^<]+)</title>', content)


def named(day: date, hour: str) -> str:
    return f"{day:%a %d} {hour}"


def test_the_picture_and_the_table_have_each_run_of_a_week(world: World) -> None:
    schedule_of(world, "Nightly", timezone="Europe/Berlin", time=time(2, 30))
    content = shown(world, zone="Europe/Berlin")
    days = [named(monday() + timedelta(days=number), "02:30") for number in range(7)]
    assert titles(content, "run") == days
    assert [
        words for words in re.findall(r'<span class="when">([^<]+)</span>', content) if words in days
    ] == days
    assert "Every day at 02:30 (Europe/Berlin)." in content
    assert "No more than three runs take place at once." in content
    assert " style=" not in content


def test_a_day_is_that_of_the_zone(world: World) -> None:
    schedule_of(world, "Nightly", time=time(2))
    content = shown(world, view="day", zone="Asia/Kolkata")
    assert titles(content, "run") == ["07:30"]
    assert re.findall(r'<text x="[\d.]+%" y="14" dx="3">([\d:]+)</text>', content)[:2] == ["00:00", "03:00"]


def test_a_day_with_a_change_of_clocks_is_as_long_as_it_is(world: World) -> None:
    schedule_of(world, "Nightly", time=time(2, 30), timezone="Europe/Berlin")
    year = monday().year + 1
    last = date(year, 3, 31)
    sunday = last - timedelta(days=last.isoweekday() % 7)
    content = shown(world, view="day", zone="Europe/Berlin", date=sunday)
    [title] = titles(content, "run")
    assert title.startswith("03:00 (The clocks go forward to 03:00")
    places = re.findall(r'<text x="([\d.]+)%" y="14"', content)
    assert float(places[1]) == pytest.approx(100 * 2 / 23, abs=0.01)


def test_frequent_runs_are_a_band(world: World) -> None:
    schedule_of(
        world, "Often", frequency="cron", cron="*/10 * * * *", window_start=time(9), window_end=time(17)
    )
    bands = titles(shown(world), "band")
    assert bands[0] == f"{named(monday(), '09:00')} to 16:50, every 10 minutes"
    assert len(bands) == 7


def test_collisions_say_how_many_and_which_and_quiet_hours_are_named(world: World) -> None:
    for number in range(5):
        schedule_of(world, f"Nightly {number}")
    content = shown(world, view="day")
    assert titles(content, "crowd") == ["02:00 to 02:01: 5 runs at once"]
    assert '<text class="many" x="8.33%" dx="5" y="14">5</text>' in content
    assert "Nothing starts from 02:00 to 00:00 (22 h); from 00:00 to 02:00 (2 h)." in content
    listed = re.search(r'<ul class="crowds">(.*?)</ul>', content, re.DOTALL)
    assert listed is not None
    assert [f"Nightly {number}" in listed[1] for number in range(5)] == [True] * 5


def test_blackouts_are_shaded_and_skip_runs(world: World) -> None:
    schedule_of(world, "Nightly")
    begin = datetime.combine(monday(), time(1), UTC)
    Blackout.objects.create(
        project=world.project, starts_at=begin, ends_at=begin + timedelta(hours=4), reason="Moving & mending"
    )
    content = shown(world)
    assert titles(content, "closed") == [f"Blackout {named(monday(), '01:00')} to 05:00: Moving & mending"]
    assert titles(content, "run skipped") == [f"{named(monday(), '02:00')}, skipped by a blackout"]
    assert len(titles(content, "run")) == 6


def test_what_is_over_is_drawn_as_it_was(world: World) -> None:
    schedule = schedule_of(world, "Nightly")
    day = monday() - timedelta(days=14)
    Schedule.objects.filter(pk=schedule.pk).update(last_run_at=database_time())
    for number, status in enumerate((FiringStatus.SUCCEEDED, FiringStatus.FAILED, FiringStatus.MISSED)):
        when = datetime.combine(day + timedelta(days=number), time(2), UTC)
        Firing.objects.create(
            schedule=schedule, scheduled_for=when, due_at=when, decided_at=when, status=status
        )
    content = shown(world, date=day)
    assert titles(content, "past ran") == [f"{named(day, '02:00')}, succeeded"]
    assert titles(content, "past failed") == [f"{named(day + timedelta(days=1), '02:00')}, failed"]
    assert titles(content, "past unrun") == [f"{named(day + timedelta(days=2), '02:00')}, did not run"]
    assert "1 succeeded, 1 failed, 1 did not run" in content
    assert titles(content, "run") == []


def test_neighbours_with_the_same_end_are_one_mark_where_there_are_many(world: World) -> None:
    schedule = schedule_of(world, "Often")
    day = monday() - timedelta(days=14)
    Schedule.objects.filter(pk=schedule.pk).update(last_run_at=database_time())
    begin = datetime.combine(day, time(2), UTC)
    moments = [begin + timedelta(minutes=50 * number) for number in range(80)]
    Firing.objects.bulk_create(
        Firing(
            schedule=schedule,
            scheduled_for=when,
            due_at=when,
            decided_at=when,
            status="failed" if number in {40, 41} else "succeeded",
        )
        for number, when in enumerate(moments)
    )
    content = shown(world, date=day)
    assert [title.split(", ", 1)[1] for title in titles(content, "past (?:ran|failed)")] == [
        "40 runs: 40 succeeded",
        "2 runs: 2 failed",
        "38 runs: 38 succeeded",
    ]


def test_now_is_marked_in_the_week_that_has_it_and_nowhere_else(world: World) -> None:
    schedule_of(world, "Often", frequency="interval", interval_seconds=3600)
    assert 'class="now"' not in shown(world)
    assert 'class="now"' in signed_in(world.viewer).get(URL).content.decode()


def test_schedules_of_others_are_not_there_and_projects_filter(world: World) -> None:
    schedule_of(world, "Mine")
    other = make_project("Shipping")
    theirs = schedule_of(world, "Theirs", project=other)
    content = shown(world)
    assert "Mine" in content
    assert "Theirs" not in content
    assert signed_in(world.viewer).get(URL, {"project": other.pk}).status_code == 404
    make_member(other, user=world.viewer)
    content = shown(world, project=other.pk)
    assert f'href="/schedules/{theirs.pk}/"' in content
    assert ">Mine<" not in content


def test_nothing_to_show_says_so(world: World) -> None:
    schedule = schedule_of(world, "Paused")
    Schedule.objects.filter(pk=schedule.pk).update(enabled=False)
    assert "Nothing runs in this range" in shown(world)


def test_many_schedules_come_in_pages_of_few_queries(
    world: World, django_assert_max_num_queries: Any
) -> None:
    first = schedule_of(world, "Nightly 0")
    Firing.objects.create(
        schedule=first,
        scheduled_for=database_time(),
        due_at=database_time(),
        decided_at=database_time(),
        status="failed",
    )
    Schedule.objects.bulk_create(
        Schedule(
            **{
                field.attname: getattr(first, field.attname)
                for field in Schedule._meta.concrete_fields
                if field.attname not in {"id", "name"}
            },
            name=f"Nightly {number}",
        )
        for number in range(1, 45)
    )
    client = signed_in(world.viewer)
    with django_assert_max_num_queries(10):
        content = client.get(URL).content.decode()
    assert content.count('<div class="lane"><a') == 40
    assert "those of the schedules on this page" in content
    onward = re.search(r'href="([^"]+)" rel="next">More', content)
    assert onward is not None
    assert client.get(URL + unescape(onward[1])).content.decode().count('<div class="lane"><a') == 5


def test_a_zone_that_does_not_exist_is_said_and_utc_is_shown(world: World) -> None:
    schedule_of(world, "Nightly")
    content = shown(world, zone="Europe/Atlantis", view="day")
    assert "'Europe/Atlantis' is no time zone of the IANA database" in content
    assert titles(content, "run") == ["02:00"]


def test_a_schedule_whose_zone_is_gone_is_named(world: World) -> None:
    lost = schedule_of(world, "Lost")
    Schedule.objects.filter(pk=lost.pk).update(timezone="Europe/Atlantis")
    assert "Its time zone is not known any more" in shown(world)


@pytest.mark.parametrize(
    "text", ["2011-12-30", "9999-12-31", "0001-01-01", "2026-02-30", "x", "2026-W01-1", "a\0b"]
)
def test_any_date_is_borne(world: World, text: str) -> None:
    """On 30 December 2011 Samoa had no day at all."""
    client = signed_in(world.viewer)
    for view in ("day", "week", "month"):
        assert client.get(URL, {"date": text, "view": view, "zone": "Pacific/Apia"}).status_code == 200
