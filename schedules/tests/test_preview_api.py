"""POST /schedules/preview over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api, make_token, make_user

pytestmark = pytest.mark.django_db

URL = "/api/v1/schedules/preview"
DAILY = {"frequency": "daily", "time": "02:30", "timezone": "Europe/Berlin"}


def preview(**body: Any) -> Any:
    return api(make_user()).post(URL, body, format="json")


def test_the_next_runs_with_what_clocks_do_to_them() -> None:
    answer = preview(**DAILY, after="2026-03-28T12:00:00Z", count=2)
    assert answer.status_code == 200
    assert answer.json() == {
        "description": "Every day at 02:30 (Europe/Berlin).",
        "results": [
            {
                "at": "2026-03-29T01:00:00Z",
                "local": "2026-03-29T03:00:00+02:00",
                "notes": [
                    "The clocks go forward to 03:00, over the time of this run; it runs when they have."
                ],
            },
            {"at": "2026-03-30T00:30:00Z", "local": "2026-03-30T02:30:00+02:00", "notes": []},
        ],
    }


def test_what_comes_twice_runs_at_the_first_or_at_both() -> None:
    for overlap, hours in (("first", ["00", "01"]), ("both", ["00", "01"])):
        answer = preview(**DAILY, dst_overlap=overlap, after="2026-10-24T12:00:00Z", count=2).json()
        assert [run["at"][11:13] for run in answer["results"]] == hours
        days = [run["local"][8:10] for run in answer["results"]]
        assert days == (["25", "26"] if overlap == "first" else ["25", "25"])
        assert ["first" in run["notes"][0] for run in answer["results"][:1]] == [True]


@pytest.mark.parametrize(
    ("body", "local"),
    [
        ({"frequency": "weekly", "time": "08:00", "weekday": "monday"}, "2026-05-11T08:00:00+00:00"),
        ({"frequency": "weekly", "time": "08:00", "weekday": 7}, "2026-05-10T08:00:00+00:00"),
        ({"frequency": "monthly", "time": "08:00", "month_day": "last"}, "2026-05-31T08:00:00+00:00"),
        ({"frequency": "monthly", "time": "08:00", "month_day": 30}, "2026-05-30T08:00:00+00:00"),
        ({"frequency": "cron", "cron": "0 9 * * MON#1"}, "2026-06-01T09:00:00+00:00"),
        ({"frequency": "interval", "interval_seconds": 3600}, "2026-05-05T14:00:00+00:00"),
        ({"frequency": "once", "run_at": "2026-07-01T10:00:00+02:00"}, "2026-07-01T08:00:00+00:00"),
    ],
)
def test_each_frequency_and_other_fields_of_a_schedule_are_passed_over(body: Any, local: str) -> None:
    answer = preview(**body, after="2026-05-05T13:07:00Z", count=1, name="Nightly", project=7)
    assert [run["local"] for run in answer.json()["results"]] == [local]


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"frequency": "fortnightly"}, "frequency", "invalid_choice"),
        ({"timezone": "Mars/Olympus"}, "timezone", "unknown"),
        ({"time": "25:00"}, "time", "invalid"),
        ({"time": None}, "time", "required"),
        ({"frequency": "weekly", "weekday": 0}, "weekday", "invalid"),
        ({"frequency": "weekly", "weekday": "someday"}, "weekday", "invalid"),
        ({"frequency": "weekly", "weekday": [1]}, "weekday", "invalid"),
        ({"frequency": "monthly", "month_day": "32"}, "month_day", "invalid"),
        ({"frequency": "monthly", "month_day": {}}, "month_day", "invalid"),
        ({"frequency": "cron", "cron": "0 0 30 2 *"}, "cron", "invalid"),
        ({"frequency": "cron", "cron": "x" * 201}, "cron", "max_length"),
        ({"frequency": "interval", "interval_seconds": 0}, "interval_seconds", "min_value"),
        ({"frequency": "once", "run_at": "2020-01-01T00:00:00Z"}, "run_at", "past"),
        ({"window_start": "22:00", "window_end": "02:00"}, "window_start", "never"),
        ({"count": 101}, "count", "max_value"),
        ({"after": "yesterday"}, "after", "invalid"),
        ({"after": "9999-12-31T23:59:59Z"}, "after", "out_of_range"),
    ],
)
def test_what_cannot_be_is_refused_by_field(changes: Any, field: str, code: str) -> None:
    answer = preview(**DAILY | changes)
    assert answer.status_code == 400
    assert [(error["field"], error["code"]) for error in answer.json()["errors"]] == [(field, code)]


def test_a_token_that_reads_is_enough_and_nobody_is_not() -> None:
    _token, text = make_token(scope="read")
    assert api(token=text).post(URL, DAILY, format="json").status_code == 200
    assert api().post(URL, DAILY, format="json").status_code == 401


def test_runs_in_real_time_tell_when_the_clocks_changed_before_them() -> None:
    body = {"frequency": "interval", "interval_seconds": 86_400, "timezone": "Europe/Berlin", "count": 3}
    spring = preview(**body, after="2026-03-28T12:00:00Z").json()["results"]
    assert [run["notes"] for run in spring] == [[], ["The clocks go forward by 1 hour before this run."], []]
    autumn = preview(**body, after="2026-10-24T12:00:00Z").json()["results"]
    assert [run["notes"] for run in autumn] == [[], ["The clocks go back by 1 hour before this run."], []]


def test_a_time_that_comes_twice_is_told_once() -> None:
    for overlap in ("first", "both"):
        answer = preview(**DAILY, dst_overlap=overlap, after="2026-10-23T12:00:00Z", count=4).json()
        told = [run["notes"] for run in answer["results"]]
        assert [len(notes) for notes in told] == ([0, 1, 0, 0] if overlap == "first" else [0, 1, 1, 0])


@pytest.mark.parametrize("after", ["2026-03-27T12:00:00Z", "2026-03-28T12:00:00Z"])
def test_a_run_that_a_gap_leaves_out_is_named_at_the_next_one(after: str) -> None:
    runs = preview(**DAILY, dst_gap="skip", after=after, count=3).json()["results"]
    named = [run for run in runs if any("no run" in note for note in run["notes"])]
    assert [run["local"] for run in named] == ["2026-03-30T02:30:00+02:00"]
    assert named[0]["notes"][-1] == "There is no run on 2026-03-29: the clocks go forward over its time."
