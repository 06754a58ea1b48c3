"""Schedules in the console: the list with its filters, its refresh and its actions, and who may do what."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.dashboard.tests.conftest import World, signed_in
from jobs.models import Job
from schedules.clock import database_time
from schedules.executing import execute
from schedules.keeping import create_schedule, disable
from schedules.models import Firing, FiringStatus, Schedule

ACTIONS = ("enable", "disable", "execute", "delete")


def schedule_of(world: World, name: str = "Nightly", **values: Any) -> Schedule:
    """Return a new schedule that analyses the repository every night."""
    given: dict[str, Any] = {
        "name": name,
        "job_type": "analysis",
        "repository": world.repository,
        "frequency": "daily",
        "time": database_time().replace(hour=2, minute=30, second=0, microsecond=0).time(),
        "timezone": "Europe/Berlin",
    }
    return create_schedule(project=world.project, values=given | values, by=world.operator)


def run_of(schedule: Schedule, status: FiringStatus, **values: Any) -> Firing:
    """Return a run of a schedule that stands so."""
    now = database_time()
    given = {"scheduled_for": now, "due_at": now, "decided_at": now, "status": status}
    return Firing.objects.create(schedule=schedule, **(given | values))


def shown(client: Any, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200, path
    content: str = response.content.decode()
    return content


def test_the_list_says_what_runs_when_and_how_it_fares(world: World) -> None:
    schedule = schedule_of(world, tags=["nightly"])
    run_of(schedule, FiringStatus.SUCCEEDED, seconds=75.0)
    run_of(schedule, FiringStatus.FAILED, detail="The source does not answer.")
    content = shown(signed_in(world.viewer), "/schedules/")
    for words in (
        f'href="/schedules/{schedule.pk}/"', "Nightly", "Analysis of ledger", "Payments",
        "Every day at 02:30 (Europe/Berlin).", "02:30 Europe/Berlin", f'data-viewer-zone="{schedule.timezone}"',
        "Last 2 runs: 1 succeeded, 1 failed", "took 1 min 15 s", "The source does not answer.",
        'href="/schedules/?tag=nightly"',
    ):  # fmt: skip
        assert words in content, words


@pytest.mark.parametrize(
    ("job_type", "parameters", "words"),
    [
        ("analysis", {"ref": "release-2"}, "Analysis of ledger at release-2"),
        ("batch_analysis", {"all": True}, "Analysis of all repositories"),
        ("export", {"portfolio": True, "format": "sarif"}, "SARIF 2.1.0 export of the whole project"),
        ("import", {"kind": "advisories"}, "Import of advisories"),
    ],
)
def test_what_each_type_does_is_said_in_words(
    world: World, job_type: str, parameters: dict[str, Any], words: str
) -> None:
    schedule = schedule_of(world)
    Schedule.objects.filter(pk=schedule.pk).update(job_type=job_type, parameters=parameters)
    assert words in shown(signed_in(world.viewer), "/schedules/")


@pytest.mark.parametrize(
    "parameters",
    [{}, {"ref": 7}, {"repository_ids": "x"}, {"format": ["a"]}, {"tag": {"a": 1}}, {"kind": None}],
)
@pytest.mark.parametrize("job_type", ["analysis", "batch_analysis", "export", "batch_export", "import"])
def test_odd_parameters_do_no_harm(world: World, job_type: str, parameters: dict[str, Any]) -> None:
    schedule = schedule_of(world)
    Schedule.objects.filter(pk=schedule.pk).update(job_type=job_type, parameters=parameters, repository=None)
    for path in ("/schedules/", f"/schedules/{schedule.pk}/"):
        assert "Nightly" in shown(signed_in(world.viewer), path)


def test_the_list_is_narrowed_by_project_health_type_tag_and_words(world: World) -> None:
    nightly = schedule_of(world, tags=["night"])
    weekly = schedule_of(world, "Weekly", description="Before the release")
    disable(weekly, by=world.operator, reason="Moving house")
    client = signed_in(world.viewer)

    def found(**query: Any) -> list[int]:
        return [row.pk for row in client.get("/schedules/", query).context["page"].rows]

    assert found() == [weekly.pk, nightly.pk]
    assert found(health="paused") == found(q="RELEASE") == [weekly.pk]
    assert found(health="never_run") == found(tag="night") == found(q="nightl") == [nightly.pk]
    assert found(repository=world.repository.pk, type="analysis") == [weekly.pk, nightly.pk]
    assert found(project=world.project.pk + 1) == found(type="export") == found(tag="nigh") == []
    assert "Choose another filter" in shown(client, "/schedules/", health="failing")
    assert "Moving house" in shown(client, "/schedules/", health="paused")


@pytest.mark.parametrize("query", ["before=x", "project=%00", "health=no", "type=no", "tag=%00", "q=%00"])
def test_filters_that_make_no_sense_do_no_harm(world: World, query: str) -> None:
    assert signed_in(world.viewer).get(f"/schedules/?{query}").status_code == 200


def test_a_page_of_fifty_asks_as_often_as_a_page_of_one(world: World) -> None:
    client = signed_in(world.operator)

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            shown(client, "/schedules/")
        return len(captured)

    run_of(schedule_of(world, "First"), FiringStatus.SUCCEEDED)
    alone = asked()
    for number in range(49):
        schedule = schedule_of(world, f"Schedule {number}")
        run_of(schedule, FiringStatus.FAILED)
        if number % 2:
            disable(schedule, by=world.operator)
    assert asked() <= alone + 1  # who paused them
    assert alone <= 12


def test_a_refresh_gets_the_rows_alone(world: World) -> None:
    content = signed_in(world.viewer).get("/schedules/", HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in content
    assert "Nothing runs by itself yet" in content


def test_schedules_of_other_projects_do_not_exist(world: World) -> None:
    schedule = schedule_of(world)
    client = signed_in(world.stranger)
    assert "Nightly" not in shown(client, "/schedules/")
    for page in ("", "live/"):
        assert client.get(f"/schedules/{schedule.pk}/{page}").status_code == 404
    for action in ACTIONS:
        assert client.post(f"/schedules/{schedule.pk}/{action}/").status_code == 404
    assert Schedule.objects.get().enabled


def test_viewers_read_and_do_nothing_else(world: World) -> None:
    schedule = schedule_of(world)
    client = signed_in(world.viewer)
    for path in ("/schedules/", f"/schedules/{schedule.pk}/"):
        assert not any(f"/{action}/" in shown(client, path) for action in ACTIONS)
    for action in ACTIONS:
        assert client.post(f"/schedules/{schedule.pk}/{action}/").status_code == 403
    assert Schedule.objects.get().enabled
    assert not Firing.objects.exists()


def test_operators_pause_and_enable_from_the_list_and_come_back_to_it(world: World) -> None:
    schedule = schedule_of(world)
    client = signed_in(world.operator)
    here = "/schedules/?q=night"
    assert 'aria-checked="true"' in shown(client, "/schedules/")
    response = client.post(f"/schedules/{schedule.pk}/disable/", {"next": here, "reason": "Moving\0 house"})
    assert response.headers["Location"] == here
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.pause_reason, schedule.paused_by) == (
        False,
        "Moving house",
        world.operator,
    )
    assert 'aria-checked="false"' in shown(client, "/schedules/")
    response = client.post(f"/schedules/{schedule.pk}/enable/", {"next": "https://elsewhere.example/"})
    assert response.headers["Location"] == f"/schedules/{schedule.pk}/"
    schedule.refresh_from_db()
    assert schedule.enabled


def test_a_schedule_whose_repository_is_gone_is_not_enabled(world: World) -> None:
    schedule = disable(schedule_of(world), by=world.operator)
    Schedule.objects.filter(pk=schedule.pk).update(repository=None, parameters={"repository": 2**40})
    response = signed_in(world.operator).post(f"/schedules/{schedule.pk}/enable/", follow=True)
    assert "The project has no repository with this id." in response.content.decode()
    assert not Schedule.objects.get().enabled


def test_run_now_leads_to_the_job_and_keeps_to_the_overlap_policy(world: World) -> None:
    schedule = schedule_of(world)
    client = signed_in(world.operator)
    content = client.post(f"/schedules/{schedule.pk}/execute/", follow=True).content.decode()
    job = Job.objects.latest("pk")
    assert f'<a href="/jobs/{job.pk}/">job #{job.pk}</a>' in content
    assert (job.origin_kind, job.origin_id) == ("schedule", schedule.pk)
    content = client.post(f"/schedules/{schedule.pk}/execute/", follow=True).content.decode()
    assert "The run before has not ended." in content
    assert Firing.objects.count() == 1


def test_deleting_leaves_the_jobs(world: World) -> None:
    schedule = schedule_of(world)
    firing = execute(schedule, by=world.operator)
    response = signed_in(world.operator).post(f"/schedules/{schedule.pk}/delete/")
    assert response.headers["Location"] == "/schedules/"
    assert not Schedule.objects.exists()
    assert Job.objects.filter(pk=firing.job_id or 0).exists()
