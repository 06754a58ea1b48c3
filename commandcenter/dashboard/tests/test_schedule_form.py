"""The form of a schedule: what it makes, what it keeps, what it shows beside its fields, and the preview."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.dashboard.tests.test_schedules_pages import schedule_of, shown
from commandcenter.inventory.tests.factories import make_member, make_project, make_repository
from schedules.clock import database_time
from schedules.models import Blackout, Schedule


def filled(world: World, **values: Any) -> dict[str, Any]:
    """Return a form that is filled in well, with these fields otherwise."""
    given = {
        "project": world.project.pk, "name": "Nightly", "work": "analysis", "repository": "ledger",
        "frequency": "daily", "time": "02:30", "timezone": "Europe/Berlin", "dst_gap": "run", "dst_overlap": "first",
        "overlap_policy": "skip", "misfire_policy": "fire_once", "grace_number": "5", "grace_unit": "minutes",
        "jitter_number": "0", "jitter_unit": "minutes", "interval_number": "", "interval_unit": "hours", "weekday": "1",
        "month_day": "1", "scope": "all", "format": "sarif", "job_type": "analysis", "parameters": "{}",
    }  # fmt: skip
    return given | values


def errors_of(response: Any) -> dict[str, str]:
    return {name: " ".join(said) for name, said in response.context["form"].errors.items()}


def test_the_empty_form_offers_what_there_is(world: World) -> None:
    content = signed_in(world.operator).get("/schedules/new/").content.decode()
    for words in (
        "Analyse a repository",
        "Once",
        "Cron",
        '<option value="Europe/Berlin">',
        "Run both at once",
    ):
        assert words in content
    content = (
        signed_in(world.operator).get(f"/schedules/new/?repository={world.repository.pk}").content.decode()
    )
    assert 'value="ledger"' in content
    assert "Make a project first" in signed_in(world.viewer).get("/schedules/new/").content.decode()


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({}, {"frequency": "daily", "time": time(2, 30), "timezone": "Europe/Berlin", "job_type": "analysis"}),
        ({"frequency": "interval", "interval_number": "6"}, {"interval_seconds": 21_600, "time": None}),
        ({"frequency": "hourly", "minute": "7"}, {"time": time(0, 7)}),
        ({"frequency": "weekly", "weekday": "5"}, {"weekday": 5}),
        ({"frequency": "monthly", "month_day": "last"}, {"month_day": 0}),
        ({"frequency": "cron", "cron": "30 2 * * MON-FRI"}, {"cron": "30 2 * * MON-FRI", "time": None}),
        (
            {"frequency": "once", "run_at": "2996-12-24T18:00", "window_start": "10:00"},
            {"run_at": datetime(2996, 12, 24, 17, tzinfo=UTC), "window_start": None},
        ),
        (
            {"window_start": "22:00", "window_end": "06:00", "ends_at": "2990-07-01T00:00"},
            {"window_start": time(22), "window_end": time(6), "ends_at": datetime(2990, 6, 30, 22, tzinfo=UTC)},
        ),
        (
            {"jitter_number": "90", "jitter_unit": "seconds", "grace_number": "1", "grace_unit": "days"},
            {"jitter_seconds": 90, "misfire_grace_seconds": 86_400},
        ),
        (
            {"overlap_policy": "queue", "misfire_policy": "skip", "pause_after_failures": "3", "tags": "a, b,a,"},
            {"overlap_policy": "queue", "misfire_policy": "skip", "pause_after_failures": 3, "tags": ["a", "b"]},
        ),
        (
            {"work": "batch_analysis", "scope": "all", "force": "on"},
            {"job_type": "batch_analysis", "parameters": {"all": True, "ref": "", "force": True}, "repository": None},
        ),
        (
            {"work": "export", "format": "csv"},
            {"job_type": "export", "parameters": {"portfolio": True, "format": "csv", "options": {}}},
        ),
        (
            {"work": "other", "job_type": "batch_analysis", "parameters": '{"all": true, "ref": "next"}'},
            {"job_type": "batch_analysis", "parameters": {"all": True, "ref": "next", "force": False}},
        ),
    ],
)  # fmt: skip
def test_what_is_filled_in_is_kept(world: World, given: dict[str, Any], kept: dict[str, Any]) -> None:
    response = signed_in(world.operator).post("/schedules/new/", filled(world, **given))
    schedule = Schedule.objects.get()
    assert response.headers["Location"] == f"/schedules/{schedule.pk}/"
    assert {name: getattr(schedule, name) for name in kept} == kept
    assert schedule.created_by == world.operator
    assert schedule.next_run_at is not None


def test_an_analysis_names_its_repository(world: World) -> None:
    signed_in(world.operator).post("/schedules/new/", filled(world, ref="next", force="on"))
    schedule = Schedule.objects.get()
    assert schedule.repository == world.repository
    assert schedule.parameters == {"repository": world.repository.pk, "ref": "next", "force": True}


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"name": " "}, "name", "required"),
        ({"name": "a\0b"}, "name", "Null"),
        ({"repository": "nowhere"}, "repository", "no repository of this name"),
        ({"ref": "-x"}, "ref", "cannot be the name"),
        ({"time": "25:00"}, "time", "wrong format"),
        ({"time": ""}, "time", "at which time"),
        ({"timezone": "Mars/Base"}, "timezone", "no time zone"),
        ({"frequency": "sometimes"}, "frequency", "sometimes"),
        ({"frequency": "interval"}, "interval_number", "how many seconds"),
        ({"frequency": "interval", "interval_number": "1.5"}, "interval_number", "whole number"),
        ({"frequency": "interval", "interval_number": "999999999"}, "interval_number", "less than or equal"),
        (
            {"frequency": "interval", "interval_number": "1", "jitter_number": "60"},
            "jitter_number",
            "shorter",
        ),
        ({"frequency": "hourly", "minute": "75"}, "minute", "wrong format"),
        ({"frequency": "weekly", "weekday": "9"}, "weekday", "9"),
        ({"frequency": "cron", "cron": "61 * * * *"}, "cron", ""),
        ({"frequency": "once", "run_at": "soon"}, "run_at", "wrong format"),
        ({"frequency": "once", "run_at": "2020-01-01T00:00"}, "run_at", "over"),
        ({"frequency": "once", "run_at": "0001-01-01T00:00"}, "run_at", ""),
        ({"window_start": "10:00"}, "window_end", "start and an end"),
        ({"window_start": "10:00", "window_end": "11:00"}, "window_start", "never run"),
        ({"starts_at": "2990-01-02T00:00", "ends_at": "2990-01-01T00:00"}, "ends_at", "before it starts"),
        ({"grace_number": "999999999", "grace_unit": "days"}, "grace_number", "seconds"),
        ({"pause_after_failures": "x"}, "pause_after_failures", "whole number"),
        ({"pause_after_failures": "0"}, "pause_after_failures", "or nothing"),
        ({"overlap_policy": "hope"}, "overlap_policy", "hope"),
        ({"tags": "x" * 51}, "tags", "50 characters"),
        ({"work": "batch_analysis", "scope": "tag", "tag": ""}, "tag", "A tag has"),
        ({"work": "export", "format": "pdf"}, "format", "pdf"),
        ({"work": "other", "parameters": "{"}, "parameters", "not JSON"),
        ({"work": "other", "parameters": "[]"}, "parameters", "object"),
        ({"work": "other", "parameters": '{"x": 1}'}, "parameters", "takes"),
        ({"work": "other", "job_type": "import"}, "parameters", ""),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    world: World, given: dict[str, Any], field: str, words: str
) -> None:
    response = signed_in(world.operator).post("/schedules/new/", filled(world, **given))
    assert response.status_code == 400
    assert words in errors_of(response)[field]
    assert not Schedule.objects.exists()


def test_a_name_that_is_taken_is_said_at_the_name(world: World) -> None:
    schedule_of(world)
    response = signed_in(world.operator).post("/schedules/new/", filled(world))
    assert "already" in errors_of(response)["name"]


@pytest.mark.parametrize(
    "values",
    [
        {"time": time(2, 30)},
        {"frequency": "once", "run_at": datetime(2990, 10, 27, 1, 30, 15, tzinfo=UTC)},
        {
            "frequency": "interval",
            "interval_seconds": 5400,
            "window_start": time(22, 0, 30),
            "window_end": time(6),
        },
        {"frequency": "monthly", "month_day": 0, "tags": ["one, two"], "jitter_seconds": 90},
        {"frequency": "hourly", "time": time(0, 7), "pause_after_failures": 3, "parameters": {"ref": "next"}},
        {"job_type": "batch_analysis", "repository": None, "parameters": {"all": True}},
        {"job_type": "export", "repository": None, "parameters": {"portfolio": True, "format": "csv"}},
    ],
)
def test_saving_what_is_shown_changes_nothing(world: World, values: dict[str, Any]) -> None:
    schedule = schedule_of(world, **values)
    client = signed_in(world.operator)
    form = client.get(f"/schedules/{schedule.pk}/edit/").context["form"]
    sent = {name: form[name].value() for name in form.fields}
    before = Schedule.objects.values().get()
    sent = {name: value for name, value in sent.items() if value not in (None, False)}
    response = client.post(
        f"/schedules/{schedule.pk}/edit/", sent | {"parameters": sent["parameters"].replace("\n", "\r\n")}
    )
    assert response.status_code == 302, errors_of(response)
    assert Schedule.objects.values().get() == before


def test_a_schedule_that_cannot_do_its_work_any_more_is_still_renamed(world: World) -> None:
    schedule = schedule_of(world)
    Schedule.objects.filter(pk=schedule.pk).update(repository=None, parameters={"repository": 2**40})
    client = signed_in(world.operator)
    form = client.get(f"/schedules/{schedule.pk}/edit/").context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    assert client.post(f"/schedules/{schedule.pk}/edit/", sent | {"name": "Renamed"}).status_code == 302
    assert Schedule.objects.get().name == "Renamed"


def test_only_operators_make_and_change(world: World) -> None:
    schedule = schedule_of(world)
    edit = f"/schedules/{schedule.pk}/edit/"
    for user, code in ((world.viewer, 403), (world.stranger, 404)):
        client = signed_in(user)
        assert client.get(edit).status_code == code
        assert client.post(edit, filled(world, name="Mine")).status_code == code
    assert signed_in(world.viewer).post("/schedules/new/", filled(world, name="Mine")).status_code == 403
    assert signed_in(world.stranger).post("/schedules/new/", filled(world, name="Mine")).status_code == 400
    assert Schedule.objects.get().name == "Nightly"


def test_a_repository_of_another_project_is_not_found(world: World) -> None:
    other = make_project("Other")
    make_member(other, "operator", world.operator)
    make_repository(other, name="theirs")
    client = signed_in(world.operator)
    assert "repository" in errors_of(client.post("/schedules/new/", filled(world, repository="theirs")))
    asked: dict[str, Any] = {"project": world.project.pk, "repository": ""}
    offered = shown(client, "/schedules/repositories/", **asked)
    assert 'value="ledger"' in offered
    assert "theirs" not in offered
    assert "ledger" not in shown(signed_in(world.stranger), "/schedules/repositories/", **asked)


def test_the_preview_says_the_times_in_words_and_marks_what_stands_against_them(world: World) -> None:
    now = database_time()
    Blackout.objects.create(
        project=world.project, starts_at=now, ends_at=now + timedelta(days=3), reason="Moving house"
    )
    client = signed_in(world.operator)
    content = client.post("/schedules/preview/", filled(world, jitter_number="20")).content.decode()
    assert "Every day at 02:30 (Europe/Berlin)." in content
    assert len(re.findall(r"<li", content)) == 10
    assert content.count("Moving house") == 3
    assert "up to 20 minutes later" in content
    content = client.post(
        "/schedules/preview/", filled(world, frequency="cron", cron="30 2 29 3 *")
    ).content.decode()
    assert "Moving house" not in content
    assert not Schedule.objects.exists()


def test_the_preview_fills_in_what_is_wrong_with_the_times_and_nothing_else(world: World) -> None:
    client = signed_in(world.operator)
    wrong = filled(world, timezone="Mars/Base", name="")
    content = client.post("/schedules/preview/", wrong).content.decode()
    assert re.search(r'id="errors-timezone"[^>]*hx-swap-oob="true"><span class="error"', content)
    assert re.search(r'id="errors-time"[^>]*hx-swap-oob="true"></span>', content)
    assert "errors-name" not in content
    assert client.post("/schedules/preview/").status_code == 200


def test_without_a_script_the_button_previews_and_saves_nothing(world: World) -> None:
    response = signed_in(world.operator).post("/schedules/new/", filled(world, name="", do="preview"))
    assert response.status_code == 200
    assert "Every day at 02:30 (Europe/Berlin)." in response.content.decode()
    assert errors_of(response) == {}
    assert not Schedule.objects.exists()


def test_the_preview_shows_nothing_of_other_projects(world: World) -> None:
    now = database_time()
    Blackout.objects.create(
        project=world.project, starts_at=now, ends_at=now + timedelta(days=3), reason="Moving house"
    )
    schedule = schedule_of(world)
    content = signed_in(world.stranger).post(
        "/schedules/preview/", filled(world, schedule=schedule.pk)
    ).content.decode()  # fmt: skip
    assert "Every day" in content
    assert "Moving house" not in content
