"""What becomes of schedules whose repository, owner or project is deleted, whoever deletes it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from commandcenter.accounts.models import User
from commandcenter.events.models import Event
from commandcenter.inventory.flows.projects import delete_project
from commandcenter.inventory.flows.repositories import delete_repository
from commandcenter.inventory.models import Project, Repository
from commandcenter.settings import base
from jobs.models import Job
from jobs.tests.factories import make_project, make_user
from schedules import keeping
from schedules.exceptions import InvalidSchedule
from schedules.models import Blackout, Firing, FiringStatus, Schedule
from schedules.tests.factories import make_due, make_schedule
from schedules.ticking.outcomes import sweep
from schedules.ticking.tick import tick

pytestmark = pytest.mark.django_db


def make_repository(project: Project, name: str = "billing") -> Repository:
    return Repository.objects.create(project=project, name=name, source=f"https://git.example.com/{name}.git")


def through_flow(row: Any) -> None:
    delete_repository(row, by=None) if isinstance(row, Repository) else row.delete()


def through_queryset(row: Any) -> None:
    type(row).objects.filter(pk=row.pk).delete()


def through_admin(row: Any) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("operator"))
    kind = f"{row._meta.app_label}/{row._meta.model_name}"
    data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    assert client.post(f"/admin/{kind}/", data).status_code == 302


@pytest.fixture
def real_handlers(settings: Settings) -> None:
    """Let analyses be what they are: repositories are named in their parameters."""
    settings.JOB_HANDLERS = base.JOB_HANDLERS


WAYS = pytest.mark.parametrize("delete", [through_flow, through_queryset, through_admin])


def disabled_events() -> list[Event]:
    return list(Event.objects.filter(type="schedule.disabled").order_by("subject_id"))


@pytest.mark.usefixtures("real_handlers")
@WAYS
def test_a_deleted_repository_pauses_its_schedules(delete: Callable[[Any], None]) -> None:
    project = make_project()
    repository = make_repository(project)
    values: dict[str, Any] = {"repository": repository, "parameters": {}}
    schedule = make_schedule(project, **values)
    other = make_schedule(project, **(values | {"repository": make_repository(project, "shop")}))
    paused = keeping.disable(make_schedule(project, **values), by=None, reason="Quiet days.")
    delete(repository)
    schedule.refresh_from_db()
    reason = "Its repository billing was deleted; choose another one, then enable it."
    assert (schedule.enabled, schedule.pause_reason, schedule.repository_id) == (False, reason, None)
    assert len(disabled_events()) == 2  # the other by hand
    assert disabled_events()[0].data == {"schedule": schedule.pk, "name": schedule.name, "reason": reason}
    other.refresh_from_db()
    paused.refresh_from_db()
    assert (other.enabled, paused.pause_reason) == (True, "Quiet days.")
    make_due(schedule)
    assert tick().claimed == 0


@WAYS
def test_a_deleted_user_leaves_paused_schedules_that_somebody_takes_over(
    delete: Callable[[Any], None],
) -> None:
    ada, bob = make_user(), make_user()
    schedule, other = make_schedule(by=ada), make_schedule(by=bob)
    make_due(schedule)
    tick()
    name = ada.username
    delete(ada)
    schedule.refresh_from_db()
    assert not schedule.enabled
    assert schedule.pause_reason == f"Its owner {name} was deleted; enable it to take it over."
    assert schedule.created_by is None
    assert [event.subject_id for event in disabled_events()] == [schedule.pk]
    other.refresh_from_db()
    assert other.enabled
    assert keeping.enable(schedule, by=bob).created_by == bob
    assert schedule.firings.get().status == FiringStatus.STARTED  # its job goes on


def test_the_schedules_of_one_owner_are_paused_with_few_statements(
    django_assert_max_num_queries: Any,
) -> None:
    ada, project = make_user(), make_project()
    for _ in range(12):
        make_schedule(project, by=ada)
    with django_assert_max_num_queries(40):
        ada.delete()
    assert not Schedule.objects.filter(enabled=True).exists()


@pytest.mark.usefixtures("real_handlers")
@pytest.mark.parametrize("delete", [lambda row: delete_project(row, by=None), through_queryset])
def test_a_deleted_project_takes_its_schedules_along(delete: Callable[[Any], None]) -> None:
    project = make_project()
    schedule = make_schedule(
        project, repository=make_repository(project), parameters={}, overlap_policy="queue"
    )
    for _ in range(2):
        make_due(schedule)
        tick()
    now = schedule.created_at
    Blackout.objects.create(project=project, starts_at=now, ends_at=now + timedelta(hours=1))
    assert sorted(schedule.firings.values_list("status", flat=True)) == ["started", "waiting"]
    delete(project)
    assert not Schedule.objects.exists()
    assert not Firing.objects.exists()
    assert not Blackout.objects.exists()
    assert not Job.objects.exists()
    assert disabled_events() == []
    assert (tick().claimed, sweep()) == (0, 0)


@pytest.mark.usefixtures("real_handlers")
def test_one_whose_repository_is_gone_cannot_be_enabled_as_it_is() -> None:
    project = make_project()
    repository = make_repository(project)
    schedule = make_schedule(project, repository=repository, parameters={})
    repository.delete()
    with pytest.raises(InvalidSchedule, match=r"parameters\.repository"):
        keeping.enable(schedule, by=make_user())
    other = make_repository(project, "shop")
    keeping.change_schedule(schedule, {"repository": other}, by=None)
    assert keeping.enable(schedule, by=make_user()).repository == other


@pytest.mark.usefixtures("real_handlers")
def test_one_that_names_deleted_objects_in_its_parameters_is_refused_once_and_paused() -> None:
    project = make_project()
    repository = make_repository(project)
    schedule = make_schedule(
        project,
        job_type="batch_analysis",
        parameters={"repository_ids": [repository.pk]},
        overlap_policy="queue",
    )
    gone = str(repository.pk)
    repository.delete()
    make_due(schedule)
    assert tick().refused == 1
    assert (tick().claimed, sweep()) == (0, 0)
    schedule.refresh_from_db()
    firing = schedule.firings.get()
    assert (firing.status, schedule.enabled, schedule.pause_reason) == ("refused", False, firing.detail)
    assert gone in schedule.pause_reason
    assert len(disabled_events()) == 1
