"""Ticks at once, and ticks beside whoever settles, pauses, changes or deletes: each run once, and nothing fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django import Settings

from commandcenter.accounts.models import User
from commandcenter.inventory.flows.projects import delete_project
from commandcenter.inventory.flows.repositories import delete_repository
from commandcenter.inventory.models import Project, Repository
from commandcenter.settings import base
from jobs.models import Job, JobStatus
from jobs.state import transition
from jobs.tests.claiming import at_once
from jobs.tests.factories import make_project, make_user
from schedules import keeping
from schedules.models import Firing, FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import sweep
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db(transaction=True)

MANY = 30


def together(*actions: Callable[[], Any]) -> list[Any]:
    """Do these at once; return what they returned, in their order. What one raises is raised."""
    found: list[Any] = [None] * len(actions)
    errors: list[BaseException] = []

    def kept(number: int) -> Callable[[], None]:
        def run() -> None:
            try:
                found[number] = actions[number]()
            except BaseException as error:  # noqa: BLE001  (told below, in the test's own thread)
                errors.append(error)

        return run

    at_once(kept(number) for number in range(len(actions)))
    for error in errors:
        raise error
    return found


def make_many_due(project: Project, by: User | None = None, **values: Any) -> list[Schedule]:
    made = [make_schedule(project, by=by, **values) for _ in range(MANY)]
    for schedule in made:
        make_due(schedule)
    return made


def test_ticks_at_once_decide_each_run_once() -> None:
    make_many_due(make_project())
    done = together(*[lambda: tick(batch=4)] * 4)
    assert sum(each.started for each in done) == MANY
    assert Firing.objects.count() == Job.objects.count() == MANY
    assert {each.job_id for each in Firing.objects.all()} == set(Job.objects.values_list("pk", flat=True))


def test_identical_jobs_of_many_schedules_are_joined_by_ticks_at_once() -> None:
    make_many_due(make_project(), parameters={"steps": [{"alone": "same"}]})
    done = together(*[lambda: tick(batch=4)] * 3)
    assert sum(each.started for each in done) == MANY
    assert set(Firing.objects.values_list("job_id", flat=True)) == {Job.objects.get().pk}


@pytest.mark.parametrize("policy", ["queue", "cancel_running"])
def test_ticks_beside_sweeps_lose_no_run(policy: str) -> None:
    schedules = make_many_due(make_project(), overlap_policy=policy)
    tick()
    for job in Job.objects.all()[: MANY // 2]:
        transition(job.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="claimed")
        transition(job.pk, JobStatus.COMPLETED, sources={JobStatus.RUNNING}, reason="ended")
    for schedule in schedules:
        make_due(schedule)
    together(lambda: tick(batch=4), sweep, lambda: tick(batch=4), sweep)
    sweep()
    assert Firing.objects.filter(status=FiringStatus.SUCCEEDED).count() == MANY // 2
    states = list(Firing.objects.order_by("pk").values_list("status", flat=True)[MANY:])
    waiting = MANY // 2 if policy == "queue" else 0
    assert [states.count("started"), states.count("waiting")] == [MANY - waiting, waiting]
    assert not Schedule.objects.filter(enabled=False).exists()


def test_a_tick_beside_somebody_who_pauses_starts_nothing_afterwards() -> None:
    schedules = make_many_due(make_project())

    def pause() -> None:
        for schedule in reversed(schedules):
            keeping.disable(schedule, by=None, reason="Stop.")

    together(lambda: tick(batch=2), pause, lambda: tick(batch=2))
    assert not Schedule.objects.filter(enabled=True).exists()
    assert tick().claimed == 0
    assert Firing.objects.count() == Job.objects.count() == Schedule.objects.exclude(last_run_at=None).count()


def test_an_owner_who_is_deleted_beside_ticks_leaves_only_paused_schedules() -> None:
    ada = make_user()
    make_many_due(make_project(), by=ada)
    together(lambda: tick(batch=2), ada.delete, lambda: tick(batch=2))
    assert not User.objects.exists()
    assert not Schedule.objects.filter(enabled=True).exists()
    assert Firing.objects.count() == Job.objects.count()


def test_a_repository_that_is_deleted_beside_ticks_leaves_only_paused_schedules(settings: Settings) -> None:
    settings.JOB_HANDLERS = base.JOB_HANDLERS
    project = make_project()
    repository = Repository.objects.create(
        project=project, name="billing", source="https://git.example.com/a"
    )
    make_many_due(project, repository=repository, parameters={})
    together(lambda: tick(batch=2), lambda: delete_repository(repository, by=None), lambda: tick(batch=2))
    assert not Repository.objects.exists()
    assert not Schedule.objects.filter(enabled=True).exists()


def test_a_project_that_is_deleted_beside_ticks_is_gone_with_all_that_they_made() -> None:
    project = make_project()
    make_many_due(project)
    together(lambda: tick(batch=2), lambda: delete_project(project, by=None), lambda: tick(batch=2))
    assert not Project.objects.exists()
    assert not Schedule.objects.exists()
    assert not Firing.objects.exists()
    assert not Job.objects.exists()
