"""Making jobs: what is checked, what is written, what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import transaction

from commandcenter.events.models import Event
from jobs.creation import create_job
from jobs.dispatch import dispatch
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.models import Job, JobEvent
from jobs.tests.conftest import COMMITTED, messages
from jobs.tests.factories import make_job, make_project

pytestmark = COMMITTED


def test_a_new_job_is_queued_with_its_first_events_and_one_message() -> None:
    job = make_job(tags={"team": "core"})
    job.refresh_from_db()
    assert (job.status, job.queue, job.tags) == ("queued", "default", {"team": "core"})
    assert [event.data["to"] for event in job.events.order_by("seq")] == ["pending", "queued"]
    assert messages() == [[job.pk, str(job.dispatch_id)]]
    assert job.celery_task_id == str(job.dispatch_id)
    assert list(Event.objects.filter(subject_id=job.pk).values_list("type", flat=True)) == ["job.queued"]


def test_nothing_is_sent_before_the_commit() -> None:
    with transaction.atomic():
        make_job()
        assert messages() == []
    assert len(messages()) == 1


def test_a_rolled_back_job_leaves_nothing() -> None:
    project = make_project()
    with transaction.atomic():
        make_job(project)
        transaction.set_rollback(True)
    assert not Job.objects.filter(project=project).exists()
    assert messages() == []


def test_undispatched_jobs_wait_until_they_are_dispatched_once() -> None:
    job = make_job(dispatch=False)
    assert (job.status, messages()) == ("pending", [])
    assert dispatch(job).status == "queued"
    with pytest.raises(IllegalState):
        dispatch(job)
    assert len(messages()) == 1


def test_a_delayed_job_gets_no_message_yet() -> None:
    job = make_job(delay_seconds=60)
    assert job.not_before
    assert messages() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"job_type": "import"}, "job_type"),
        ({"job_type": "no_such_type"}, "job_type"),
        ({"parameters": {"colour": 1}}, "parameters.colour"),
        ({"parameters": {"steps": 7}}, "parameters.steps"),
        ({"tags": {"a:b": "c"}}, "tags"),
        ({"tags": {"": "c"}}, "tags"),
        ({"tags": {"a": 7}}, "tags"),
        ({"tags": {"a": "x" * 201}}, "tags"),
        ({"tags": {str(number): "x" for number in range(21)}}, "tags"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(values: dict[str, Any], field: str) -> None:
    given = {"job_type": "analysis", "parameters": {}, "origin_kind": "api"} | values
    with pytest.raises(InvalidParameters) as caught:
        create_job(project=make_project(), **given)
    assert {error["field"] for error in caught.value.errors} == {field}
    assert not Job.objects.exists()
    assert not JobEvent.objects.exists()
