"""Letting go: whoever ends a job sends the oldest that waits for its place, and the sweeper forgets nobody."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now
from pytest_django import Settings

from jobs.cancellation import cancel
from jobs.fairness import gates, limits
from jobs.models import Job, JobLimit, JobRun, JobStatus
from jobs.recovery import sweeper
from jobs.recovery.sweeper import sweep
from jobs.tests.claiming import ALONE, at_once, claim, complete, held, running, sent
from jobs.tests.conftest import COMMITTED, purge
from jobs.tests.factories import make_job, make_project
from jobs.tests.processes import WorkerProcess

pytestmark = COMMITTED


@pytest.fixture(autouse=True)
def first_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin with a sweeper that has seen nothing."""
    monkeypatch.setattr(sweeper, "_held", limits.Sweep())


@pytest.mark.parametrize("end", ["cancel", "fail", "hand_back", "lose"])
def test_however_it_leaves_running_the_next_one_follows(end: str) -> None:
    first, second = make_job(None, ALONE), make_job(None, ALONE)
    attempt = running(first)
    claim(second)
    purge()
    match end:
        case "cancel":
            attempt.finish(JobStatus.CANCELLED, reason="cancelled")
        case "fail":
            attempt.finish(JobStatus.FAILED, reason="x", job_values={"error_code": "x"})
        case "hand_back":
            attempt.requeue(reason="worker_stopped")
        case _:
            from jobs.recovery.reaper import reap

            JobRun.objects.filter(job=first).update(lease_expires_at=Now() - timedelta(seconds=1))
            assert reap() == 1
    assert second.pk in sent()


def test_the_oldest_go_first_and_as_many_as_there_is_room_for(settings: Settings) -> None:
    settings.JOB_LIMITS = {"project": 2}
    project = make_project()
    attempts = [running(make_job(project)) for _ in range(2)]
    waiting = [make_job(project) for _ in range(4)]
    for job in reversed(waiting):
        claim(job)
    purge()
    for attempt, expected in zip(attempts, waiting, strict=False):
        complete(attempt)
        assert sent() == [expected.pk]
        running(expected)


def test_a_job_let_go_for_one_gate_and_held_by_another_leaves_the_place_to_the_next(
    settings: Settings,
) -> None:
    settings.JOB_LIMITS = {"project": 2}
    project = make_project()
    same, other = running(make_job(project, ALONE)), running(make_job(project))
    twin, free = make_job(project, ALONE, {"result": {}}), make_job(project)
    Job.objects.filter(pk=twin.pk).update(held_by=f"project:{project.pk}", published_at=None)
    claim(free)
    purge()
    complete(other)
    assert sent() == [twin.pk]
    claim(twin)
    assert (held(twin), sent()) == ("exclusive:x", [free.pk])
    running(free)
    complete(same)
    assert sent() == [twin.pk]
    running(twin)


@pytest.mark.parametrize("gate", ["limit", "key"])
def test_a_job_on_its_way_keeps_its_place_against_much_younger_ones(gate: str) -> None:
    """Else one whose message lies at the end of a long queue would find its place taken again and again."""
    project = make_project()
    if gate == "limit":
        JobLimit.objects.create(scope="project", limit=1)
    step: dict[str, Any] = ALONE if gate == "key" else {"result": {}}
    first, elder, younger = (make_job(project, step, {"result": {"n": number}}) for number in range(3))
    elsewhere = make_job(project, step, {"result": {"n": 4}}, queue="export")
    attempt = running(first)
    claim(elder)
    Job.objects.filter(pk=elder.pk).update(queued_at=Now() - timedelta(minutes=2))
    purge()
    complete(attempt)
    assert sent() == [elder.pk]
    for published in (Now(), Now() - timedelta(minutes=1)):  # however long its message takes
        Job.objects.filter(pk=elder.pk).update(published_at=published)
        assert claim(younger) is None
        assert held(younger)
        assert sent() == []
    elder_attempt = running(elder)
    complete(elder_attempt)
    assert sent() == [younger.pk]
    Job.objects.filter(pk=younger.pk).update(queued_at=Now() - timedelta(seconds=30))
    complete(
        running(elsewhere)
    )  # the other has not waited that much longer, and its own queue may have no worker
    Job.objects.filter(pk=younger.pk).update(queued_at=Now() - timedelta(hours=1))
    running(make_job(project, step, {"result": {"n": 5}}, queue="export"))


def test_a_job_on_its_way_whose_message_is_lost_is_sent_again_and_blocks_nobody_for_long(
    settings: Settings,
) -> None:
    settings.JOB_REPUBLISH_SECONDS = 10
    first, lost, last = (make_job(None, ALONE) for _ in range(3))
    attempt = running(first)
    claim(lost)
    claim(last)
    complete(attempt)
    purge()
    assert (sweep().released, sweep().sent) == (0, 0)
    Job.objects.filter(pk=lost.pk).update(published_at=Now() - timedelta(seconds=11))
    swept = sweep()
    assert (swept.released, swept.sent) == (1, 1)
    assert set(sent()) == {lost.pk, last.pk}


def test_a_gate_that_opens_while_a_claim_is_refused_is_noticed() -> None:
    """The end that nobody saw because the other was not yet held must not cost a sweep."""
    first, second = make_job(None, ALONE), make_job(None, ALONE)
    attempt = running(first)
    assert second.dispatch_id
    ahead = gates.outlook(second.pk)
    assert ahead
    assert ahead.closed == "exclusive:x"
    complete(attempt)
    purge()
    assert limits.hold(second.pk, second.dispatch_id, ahead.closed, ahead)
    assert (held(second), sent()) == ("", [second.pk])


def test_two_ends_at_once_send_two_jobs_and_none_twice(settings: Settings) -> None:
    settings.JOB_LIMITS = {"project": 4}
    project = make_project()
    attempts = [running(make_job(project)) for _ in range(4)]
    waiting = [make_job(project) for _ in range(12)]
    for job in waiting:
        claim(job)
    purge()
    at_once(lambda attempt=attempt: complete(attempt) for attempt in attempts)  # type: ignore[misc]
    found = sent()
    assert len(found) == len(set(found)) >= 4
    assert set(found) >= {job.pk for job in waiting[:4]}


@pytest.mark.parametrize("change", ["raised", "deleted"])
def test_a_limit_that_is_raised_or_deleted_takes_effect_with_the_next_sweep(change: str) -> None:
    project = make_project()
    limit = JobLimit.objects.create(scope="project", target=str(project.pk), limit=1)
    running(make_job(project))
    waiting = [make_job(project) for _ in range(4)]
    for job in waiting:
        claim(job)
    purge()
    assert sweep().released == 0
    if change == "raised":
        JobLimit.objects.update(limit=3)
    else:
        limit.delete()
    assert sweep().released == (2 if change == "raised" else 4)
    assert sent() == [job.pk for job in waiting[: 2 if change == "raised" else 4]]


def test_the_sweeper_is_the_net_for_every_gate_and_sends_nothing_else_that_is_held() -> None:
    jobs = [make_job(None, {"alone": f"key {number}"}) for number in range(3)]
    busy, waiting = make_job(None, ALONE), make_job(None, ALONE)
    running(busy)
    claim(waiting)
    for job in jobs:
        Job.objects.filter(pk=job.pk).update(held_by=f"exclusive:{job.exclusive_key}", published_at=None)
    purge()
    swept = sweep()
    assert (swept.released, swept.sent) == (3, 0)
    assert sorted(sent()) == [job.pk for job in jobs]
    Job.objects.filter(pk=waiting.pk).update(queued_at=Now() - timedelta(days=1))
    assert (sweep().released, sent(), held(waiting)) == (0, [], "exclusive:x")


def test_a_cancelled_job_that_was_held_keeps_nobody_waiting() -> None:
    first, second, third = (make_job(None, ALONE) for _ in range(3))
    attempt = running(first)
    claim(second)
    claim(third)
    cancel(second, None)
    purge()
    complete(attempt)
    assert sent() == [third.pk]
    cancel(third, None)  # let go, and cancelled before its claim
    fourth = make_job(None, ALONE)
    assert running(fourth)


def test_many_gates_are_swept_in_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SWEPT", 8)
    monkeypatch.setattr(limits, "SWEPT_GATES", 10)
    project = make_project()
    first = make_job(project)
    Job.objects.bulk_create(
        Job(
            project=project,
            job_type="analysis",
            queue="default",
            status="queued",
            dispatch_id=first.dispatch_id,
            queued_at=first.queued_at,
            exclusive_key=f"{number:03d}",
            held_by=f"exclusive:{number:03d}",
        )
        for number in range(25)
    )
    Job.objects.filter(exclusive_key__lt="012", held_by__gt="").update(dispatch_id=None)  # these cannot go
    released = [sweep().released for _ in range(4)]
    assert sum(released) == 13
    assert max(released) <= 8


@pytest.mark.process
def test_six_jobs_of_one_key_on_two_processes_never_overlap_and_follow_each_other_without_a_sweeper(
    tmp_path: Path, eventually: Callable[..., Any]
) -> None:
    project = make_project()
    jobs = [make_job(project, ALONE, {"work": 0.1}, {"result": {"n": number}}) for number in range(6)]
    worker = WorkerProcess(tmp_path, "limits", pool=("-c", "2")).start()
    try:
        eventually(lambda: Job.objects.filter(status="completed").count() == len(jobs), 60)
    finally:
        worker.end()
    times: list[Any] = list(Job.objects.order_by("started_at").values_list("started_at", "completed_at"))
    gaps = [(later[0] - earlier[1]).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= 0
    assert max(gaps) < 1.5
    assert set(Job.objects.values_list("attempt", "losses", "failures")) == {(1, 0, 0)}
