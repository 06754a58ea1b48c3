"""`manage.py import_periodic_tasks`: what beat runs becomes a schedule once, and is started by one of the two."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    PeriodicTasks,
    SolarSchedule,
)

from commandcenter.events.models import Event
from commandcenter.inventory.models import Project
from jobs.tests.factories import make_project
from schedules.importing.taking_over import NEVER_RUN, STILL_RUN, take_over
from schedules.keeping import enable
from schedules.models import Schedule
from schedules.tests.factories import make_schedule

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture
def project() -> Project:
    """Return a project, and leave no periodic task but the test's own."""
    PeriodicTask.objects.all().delete()
    return make_project()


def nightly(**values: Any) -> dict[str, Any]:
    fields = {"minute": "30", "hour": "2", "timezone": ZoneInfo("Europe/Berlin"), **values}
    return {"crontab": CrontabSchedule.objects.create(**fields)}


def every(number: int, period: str = "hours") -> dict[str, Any]:
    return {"interval": IntervalSchedule.objects.create(every=number, period=period)}


def entry(project: Project, **values: Any) -> PeriodicTask:
    """Return a periodic task that starts a job of the project, each night unless told otherwise."""
    times = {name for name in ("crontab", "interval", "clocked", "solar") if name in values}
    asked = {"project": project.slug, "job_type": "analysis", "parameters": {"steps": []}}
    return PeriodicTask.objects.create(
        **{
            "name": f"Entry {PeriodicTask.objects.count()}",
            "task": "jobs.dispatch",
            "kwargs": json.dumps(asked | values.pop("asked", {})),
            **({} if times else nightly()),
            **values,
        }
    )


def run(*options: str) -> tuple[int, str]:
    """Run the command; return its exit status and what it printed."""
    out = StringIO()
    try:
        call_command("import_periodic_tasks", *options, stdout=out, stderr=out)
    except SystemExit as ended:
        return int(ended.code or 0), out.getvalue()
    return 0, out.getvalue()


def test_a_crontab_becomes_a_schedule_that_runs_in_its_place(project: Project) -> None:
    until = datetime(2031, 1, 1, tzinfo=UTC)
    made = entry(
        project,
        name="Nightly",
        description="All of it.",
        expires=until,
        asked={"tags": {"team": "core"}, "parameters": {"steps": [{"result": {}}]}},
    )
    before = PeriodicTasks.last_change()
    status, said = run("--disable-originals")
    schedule = Schedule.objects.get()
    assert (status, said.splitlines()[-1]) == (0, "1 imported.")
    assert "Nightly" in said
    assert (schedule.project, schedule.name, schedule.description) == (project, "Nightly", "All of it.")
    assert (schedule.frequency, schedule.cron, schedule.timezone) == ("cron", "30 2 * * *", "Europe/Berlin")
    assert (schedule.job_type, schedule.parameters) == ("analysis", {"steps": [{"result": {}}]})
    assert (schedule.enabled, schedule.ends_at, schedule.overlap_policy) == (True, until, "allow")
    assert schedule.tags == [f"periodic-task:{made.pk}", "team:core"]
    assert schedule.next_run_at is not None
    assert schedule.next_run_at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M") == "02:30"
    made.refresh_from_db()
    assert not made.enabled
    assert PeriodicTasks.last_change() != before, "beat is told"
    assert Event.objects.get(type="schedule.created").actor_name == "command line"


def test_without_disabling_the_schedule_waits_and_takes_over_later(project: Project) -> None:
    made = entry(project)
    assert run()[0] == 0
    schedule = Schedule.objects.get()
    assert (schedule.enabled, schedule.pause_reason) == (False, STILL_RUN)
    assert run()[1].splitlines()[-1] == "1 imported before."
    assert run("--disable-originals")[1].splitlines()[-1] == "1 imported before and switched over."
    schedule.refresh_from_db()
    made.refresh_from_db()
    assert (schedule.enabled, made.enabled) == (True, False)
    assert run("--disable-originals")[1].splitlines()[-1] == "1 imported before."
    assert Schedule.objects.count() == 1


def test_what_people_have_decided_about_an_imported_schedule_stands(project: Project) -> None:
    entry(project)
    run()
    Schedule.objects.update(pause_reason="Not in December.")
    run("--disable-originals")
    schedule = Schedule.objects.get()
    assert (schedule.enabled, schedule.pause_reason) == (False, "Not in December.")
    enable(schedule, by=None)
    PeriodicTask.objects.update(enabled=True)
    assert run("--disable-originals")[1].splitlines()[-1] == "1 imported before and switched over."
    assert Schedule.objects.get().enabled
    assert not PeriodicTask.objects.get().enabled


def test_a_disabled_entry_becomes_a_paused_schedule(project: Project) -> None:
    entry(project, enabled=False)
    run("--disable-originals")
    schedule = Schedule.objects.get()
    assert (schedule.enabled, schedule.pause_reason) == (False, NEVER_RUN)


def test_a_dry_run_says_the_same_and_changes_nothing(project: Project) -> None:
    made = entry(project, name="Nightly")
    events = Event.objects.count()
    status, said = run("--dry-run", "--disable-originals", "--format", "json")
    assert status == 0
    row = json.loads(said)
    assert (row["name"], row["outcome"], row["project"], row["schedule"]) == (
        "Nightly",
        "imported",
        project.pk,
        None,
    )
    assert (row["enabled"], row["next_run_at"] is None) == (True, False)
    made.refresh_from_db()
    assert (made.enabled, Schedule.objects.count(), Event.objects.count()) == (True, 0, events)
    assert run("--dry-run")[1].splitlines()[-1] == "Nothing was changed. It would be: 1 imported."


@pytest.mark.parametrize(
    ("number", "period", "seconds"),
    [
        (2, "days", 172_800),
        (3, "hours", 10_800),
        (90, "minutes", 5_400),
        (45, "seconds", 45),
        (5_000_000, "microseconds", 5),
    ],
)
def test_an_interval_goes_on_from_its_last_run(
    project: Project, number: int, period: str, seconds: int
) -> None:
    made = entry(project, **every(number, period))
    last = made.date_changed.replace(microsecond=0) - timedelta(seconds=seconds // 2)
    PeriodicTask.objects.update(last_run_at=last)
    run("--disable-originals")
    schedule = Schedule.objects.get()
    assert (schedule.frequency, schedule.interval_seconds) == ("interval", seconds)
    assert schedule.next_run_at == last + timedelta(seconds=seconds)


def test_a_start_that_is_to_come_is_the_first_run_of_an_interval(project: Project) -> None:
    start = datetime(2033, 5, 1, 12, 30, tzinfo=UTC)
    entry(project, **every(1), start_time=start)
    entry(project, start_time=start)
    run("--disable-originals")
    interval, crontab = Schedule.objects.order_by("pk")
    assert interval.next_run_at == start
    assert crontab.next_run_at == datetime(2033, 5, 2, 0, 30, tzinfo=UTC)


def test_a_moment_and_what_runs_once_become_schedules_that_run_once(project: Project) -> None:
    at = datetime(2032, 3, 4, 5, 6, tzinfo=UTC)
    entry(project, clocked=ClockedSchedule.objects.create(clocked_time=at), one_off=True)
    entry(project, one_off=True)
    run("--disable-originals")
    clocked, once = Schedule.objects.order_by("pk")
    assert (clocked.frequency, clocked.run_at) == ("once", at)
    assert (once.frequency, once.cron) == ("once", "")
    assert once.run_at is not None
    assert once.run_at.astimezone(ZoneInfo("Europe/Berlin")).strftime("%H:%M") == "02:30"


def clocked(year: int) -> ClockedSchedule:
    return ClockedSchedule.objects.create(clocked_time=datetime(year, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (lambda: {"solar": SolarSchedule.objects.create(event="sunset", latitude=1, longitude=1)}, "The sun"),
        (lambda: {"asked": {"project": "nowhere"}}, "Give the id or the slug of a project that exists"),
        (lambda: {"asked": {"job_type": "dance"}}, "No job of type 'dance' can run here"),
        (lambda: {"asked": {"parameters": {"wrong": 1}}}, "There is no such parameter"),
        (lambda: {"asked": {"tags": {"a": "b" * 60}}}, "tags: A tag is a text of 1 to 50 characters"),
        (lambda: {"kwargs": "[1]"}, "Give what to start as keyword arguments"),
        (lambda: {"kwargs": "{"}, "Its arguments are no JSON"),
        (lambda: {"args": "[1]"}, "no positional ones"),
        (lambda: nightly(hour="25"), "Its crontab cannot be read"),
        (lambda: nightly(day_of_month="30", month_of_year="2"), "cron"),
        (lambda: nightly(day_of_month="1", day_of_week="mon"), "both its day of the month and its day"),
        (lambda: every(1, "microseconds"), "no whole number of seconds"),
        (lambda: every(0), "interval_seconds"),
        (lambda: every(2_000_000_000, "days"), "interval_seconds"),
        (lambda: {"expires": datetime(2020, 1, 1, tzinfo=UTC)}, "ends_at"),
        (lambda: {"clocked": clocked(2020), "one_off": True}, "This moment is over"),
        (lambda: {"clocked": clocked(2040), "one_off": True, "total_run_count": 1}, "It has run"),
        (lambda: {"one_off": True, "enabled": False}, "It is to run once and has run, or is disabled"),
    ],
)
def test_what_no_schedule_can_stand_for_is_named_with_the_reason_and_goes_on_as_it_is(
    project: Project, values: Any, said: str
) -> None:
    made = entry(project, name="Odd", **values())
    entry(project, name="Nightly")
    status, text = run("--disable-originals")
    lines = text.splitlines()
    assert (status, lines[-1]) == (1, "1 imported, 1 could not be imported.")
    assert lines[0].startswith("refused   Odd: ")
    assert said in lines[0]
    enabled = made.enabled
    made.refresh_from_db()
    assert made.enabled == enabled
    assert Schedule.objects.get().name == "Nightly"


def test_an_entry_that_is_not_whole_is_told_and_holds_up_nobody(project: Project) -> None:
    """The admin would not save them; whatever wrote to the table did."""
    entry(project, name="Timeless")
    PeriodicTask.objects.update(crontab=None)
    entry(project, name="Moment", clocked=clocked(2040), one_off=True)
    PeriodicTask.objects.filter(name="Moment").update(one_off=False)
    status, said = run("--disable-originals")
    assert (status, said.splitlines()[-1]) == (1, "1 imported, 1 could not be imported.")
    assert "refused   Timeless: It has no times" in said
    assert not PeriodicTask.objects.get(name="Moment").enabled


def test_what_does_something_else_is_named_and_left_alone(project: Project) -> None:
    foreign = PeriodicTask.objects.create(name="Canary", task="ops.canary", **every(1))
    entry(project)
    assert "foreign" not in run("--dry-run")[1]
    status, said = run("--disable-originals", "--verbosity", "2")
    last = "1 imported, 1 left alone, starting no jobs (--verbosity 2 names them)."
    assert (status, said.splitlines()[-1]) == (0, last)
    assert "foreign   Canary: It runs ops.canary; only what runs jobs.dispatch" in said
    foreign.refresh_from_db()
    assert foreign.enabled


def test_a_name_that_is_taken_is_said_and_a_person_of_another_project_is_in_nobodys_way(
    project: Project,
) -> None:
    first, second = entry(project, name="Nightly"), entry(project, name="Daily")
    make_schedule(project, name="Nightly")
    make_schedule(name="Daily", tags=[f"periodic-task:{second.pk}"])
    status, said = run("--disable-originals")
    assert status == 1
    assert f"refused   {first.name}: name: The project has a schedule named 'Nightly' already." in said
    assert Schedule.objects.filter(project=project, name="Daily").exists()
    first.refresh_from_db()
    assert first.enabled


def test_one_project_alone_by_slug_or_id(project: Project) -> None:
    entry(project)
    other = make_project()
    entry(other, asked={"project": str(other.pk)})
    PeriodicTask.objects.create(name="Canary", task="ops.canary", **every(1))
    for given in (project.slug, str(project.pk)):
        assert "foreign" not in run("--project", given)[1]
    assert list(Schedule.objects.values_list("project", flat=True)) == [project.pk]
    assert run("--project", "nowhere") == (2, "There is no project 'nowhere'.\n")


def test_a_beat_that_writes_an_entry_as_it_was_does_not_bring_it_back(project: Project) -> None:
    made = entry(project)
    working = take_over(disable_originals=True)
    next(working)
    assert not PeriodicTask.objects.get().enabled
    made.save()  # as it was read before, enabled
    assert list(working) == []
    assert not PeriodicTask.objects.get().enabled


def test_many_are_imported_with_so_many_queries_each(
    project: Project, django_assert_max_num_queries: Any
) -> None:
    for _ in range(5):
        entry(project)
    with django_assert_max_num_queries(5 * 25 + 5):
        run("--disable-originals")
    assert Schedule.objects.count() == 5
    with django_assert_max_num_queries(5 * 8 + 5):
        run("--disable-originals")
