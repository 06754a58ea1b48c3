"""Retrying an ended job makes a new one that is linked to it."""

from __future__ import annotations

import pytest

from jobs.cancellation import cancel
from jobs.exceptions import IllegalState, InvalidParameters
from jobs.retry import retry
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_user
from jobs.tests.test_execute import run

pytestmark = COMMITTED


def test_the_new_job_has_the_same_parameters_and_a_life_of_its_own() -> None:
    user = make_user()
    failed = run(make_job(None, {"fail": {"code": "x", "message": "x", "attempts": 1}}, tags={"a": "b"}))
    again = retry(failed, user)
    assert (again.retry_of, again.parameters, again.tags) == (failed, failed.parameters, {"a": "b"})
    assert (again.status, again.attempt, again.created_by) == ("queued", 0, user)
    failed.refresh_from_db()
    assert failed.status == "failed"


def test_parameters_can_be_edited_and_are_checked_again() -> None:
    job = make_job()
    cancel(job, None)
    job.refresh_from_db()
    edited = retry(job, None, parameters={"steps": [{"result": {"n": 2}}]})
    assert run(edited).result == {"n": 2, "attempt": 1}
    with pytest.raises(InvalidParameters):
        retry(job, None, parameters={"colour": "red"})


def test_a_job_that_has_not_ended_cannot_be_retried() -> None:
    with pytest.raises(IllegalState):
        retry(make_job(), None)


def test_a_job_of_the_foreground_is_retried_by_a_worker() -> None:
    job = make_job(queue="foreground", dispatch=False)
    cancel(job, None)
    job.refresh_from_db()
    assert retry(job, None).queue == "default"
