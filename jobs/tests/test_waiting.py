"""Why is it not running? Each answer names what stands in the way, and a page of jobs costs no more than one."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from jobs.fairness import queues
from jobs.fairness.waiting import MAX_POSITION, waiting_reason, waiting_reasons
from jobs.models import Job, JobLimit
from jobs.running import lease
from jobs.tests.factories import make_job, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db

ALONE = {"alone": "x"}


@pytest.fixture(autouse=True)
def worker() -> None:
    """Let somebody work on the queue `default`."""
    make_worker("default")


def why(job: Job) -> tuple[str, str, int | None]:
    """Return the reason why the job waits as it stands in the database."""
    reason = waiting_reason(Job.objects.get(pk=job.pk))
    assert reason
    return reason["code"], reason["detail"], reason["position"]


def claim(job: Job) -> Job | None:
    """Do what a worker does with the job's message."""
    job.refresh_from_db()
    assert job.dispatch_id
    return lease.claim(job.pk, job.dispatch_id, worker="one@host:1")


def test_what_runs_or_has_ended_does_not_wait() -> None:
    job = make_job()
    claim(job)
    assert waiting_reason(Job.objects.get(pk=job.pk)) is None


def test_a_job_that_was_taken_since_it_was_read_does_not_wait_for_itself() -> None:
    JobLimit.objects.create(scope="job_type", target="analysis", limit=1)
    alone = make_job(None, ALONE)
    claim(Job.objects.get(pk=alone.pk))
    assert Job.objects.get(pk=alone.pk).status == "running"
    alone.status, alone.held_by, alone.published_at = "queued", "job_type:analysis", None
    reason = waiting_reason(alone)
    assert reason
    assert reason["code"] == "in_queue"


def test_pending_foreground_and_delayed_jobs_say_so() -> None:
    assert why(make_job(dispatch=False))[0] == "not_dispatched"
    assert why(make_job(queue="foreground"))[0] == "foreground"
    code, detail, position = why(make_job(delay_seconds=60))
    assert (code, position) == ("delayed", None)
    assert f"Delayed until {timezone.now():%Y-%m-%d}"[:20] in detail


def test_its_place_in_the_queue_leaves_out_what_is_held_or_delayed() -> None:
    first, held, delayed, last = make_job(), make_job(), make_job(), make_job()
    Job.objects.filter(pk=held.pk).update(held_by="project:0", published_at=None)
    Job.objects.filter(pk=delayed.pk).update(not_before=Now() + timedelta(hours=1))
    assert why(first) == ("in_queue", "Next in the queue default.", 1)
    assert why(last) == ("in_queue", "Number 2 in the queue default.", 2)


def test_a_place_far_back_is_not_counted_to_the_end() -> None:
    first = make_job()
    held = {"status": "queued", "queue": "default", "job_type": "analysis", "project": first.project}

    def more(count: int, **values: Any) -> None:
        Job.objects.bulk_create(Job(**held, queued_at=first.queued_at, **values) for _ in range(count))

    more(MAX_POSITION - 1)
    last = make_job()
    assert why(last)[1:] == (f"More than {MAX_POSITION:,} jobs of the queue default come first.", 1001)
    Job.objects.exclude(pk=last.pk).update(held_by="project:0", published_at=None)
    assert why(last)[1:] == ("Waits in the queue default.", None)


def test_a_queue_without_a_live_worker_is_named() -> None:
    job = make_job(queue="export")
    expected = "No worker takes jobs of the queue export now: start one, or resume one that is drained."
    assert why(job) == ("no_worker", expected, 1)
    make_worker("export", name="drained@host", draining=True)
    make_worker("export", name="gone@host", heartbeat_at=timezone.now() - timedelta(seconds=31))
    assert why(job)[0] == "no_worker"
    make_worker("analysis", "export", name="two@host")
    assert why(job)[0] == "in_queue"


def test_a_pause_names_who_when_and_why() -> None:
    user = make_user(staff=True)
    job = make_job()
    paused = queues.pause("default", user, "the mirror is down")
    since = f"{paused.paused_at:%Y-%m-%d %H:%M:%S} UTC"
    expected = f"The queue default was paused by {user.get_username()} at {since}: the mirror is down"
    assert why(job) == ("paused", expected, None)
    claim(job)
    assert why(job)[0] == "paused"
    queues.resume("default", user)
    assert why(job)[0] == "in_queue"


def test_the_job_that_runs_on_the_same_branch_is_named_before_and_after_the_claim_was_refused() -> None:
    first, second = make_job(None, ALONE), make_job(None, ALONE)
    claim(first)
    expected = f"Waits for analysis job #{first.pk} of the same repository and branch."
    assert why(second)[:2] == ("limit_reached", expected)
    assert claim(second) is None
    assert why(second) == ("limit_reached", expected, 1)
    third = make_job(None, ALONE)
    claim(third)
    assert why(third)[2] == 2


def test_a_limit_that_is_reached_names_the_jobs_that_use_it() -> None:
    project = make_project()
    JobLimit.objects.create(scope="project", target=str(project.pk), limit=2)
    running = [make_job(project) for _ in range(2)]
    for job in running:
        assert claim(job)
    waiting = make_job(project)
    assert claim(waiting) is None
    names = ", ".join(f"#{job.pk}" for job in running)
    expected = f"The limit of 2 running jobs of this project is reached, by jobs {names}."
    assert why(waiting) == ("limit_reached", expected, 1)
    JobLimit.objects.update(limit=3)
    assert why(waiting)[0] == "in_queue"
    JobLimit.objects.all().delete()
    assert why(waiting)[0] == "in_queue"


def test_jobs_of_other_projects_are_counted_and_not_named(settings: Settings) -> None:
    settings.JOB_LIMITS = {"export": 2}
    mine, other = make_job(job_type="export"), make_job(job_type="export")
    claim(mine)
    claim(other)
    waiting = make_job(mine.project, job_type="export")
    assert claim(waiting) is None
    expected = f"The limit of 2 running jobs of the type export is reached, by job #{mine.pk} and 1 of other projects."
    assert why(waiting)[1] == expected


def test_a_hundred_jobs_of_all_kinds_cost_as_many_queries_as_one() -> None:
    project = make_project()
    JobLimit.objects.create(scope="project", target=str(project.pk), limit=1)
    claim(make_job(project, ALONE))
    held = make_job(project)
    claim(held)
    alone = make_job(project, ALONE, {"result": {"n": 1}})
    claim(alone)
    make_job(queue="export")
    queues.pause("webhooks", None)
    make_job(queue="webhooks")

    def cost(count: int, **options: bool) -> int:
        jobs = [held, *Job.objects.exclude(pk=held.pk)][:count]
        held.refresh_from_db()
        with CaptureQueriesContext(connection) as captured:
            assert len(waiting_reasons(jobs, **options)) == count
        return len(captured)

    for _ in range(95):
        make_job(project)
    assert cost(100) == cost(1) == 5
    assert cost(100, surroundings=False) == 0


def test_without_a_query_the_row_itself_says_what_it_waits_for() -> None:
    def said(held_by: str) -> tuple[str, str]:
        job = make_job()
        job.held_by, job.published_at = held_by, None if held_by else job.published_at
        reason = waiting_reasons([job], surroundings=False)[job.pk]
        assert reason
        return reason["code"], reason["detail"]

    assert said("") == ("in_queue", "Waits in the queue default.")
    assert said("queue:default") == ("paused", "The queue default is paused.")
    assert said("exclusive:analysis:1:default") == (
        "limit_reached",
        "Waits for another job of the same repository and branch.",
    )
    assert said("project:1") == ("limit_reached", "The limit of running jobs of this project is reached.")
    assert said("job_type:export") == (
        "limit_reached",
        "The limit of running jobs of the type export is reached.",
    )
