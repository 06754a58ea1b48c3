"""Limits and exclusive keys: never more at once than allowed, nobody forgotten, and nothing to pay without them."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from commandcenter.inventory.models import Repository
from commandcenter.settings.limits import job_limits
from jobs import gates, lease, limits, sweeper
from jobs.attempt import Attempt
from jobs.cancellation import cancel
from jobs.checks import check_limits
from jobs.dispatch import enqueue
from jobs.execution import execute
from jobs.models import Job, JobLimit, JobRun, JobStatus
from jobs.sweeper import sweep
from jobs.tests.conftest import COMMITTED, messages, purge
from jobs.tests.factories import make_job, make_project
from jobs.tests.processes import WorkerProcess

pytestmark = COMMITTED

ALONE = {"alone": "x"}


@pytest.fixture(autouse=True)
def first_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin with a sweeper that has seen nothing."""
    monkeypatch.setattr(sweeper, "_held", limits.Sweep())


def claim(job: Job) -> Attempt | None:
    """Do what a worker does with the job's message."""
    job.refresh_from_db()
    assert job.dispatch_id
    claimed = lease.claim(job.pk, job.dispatch_id, worker="one@host:1")
    return Attempt(claimed) if claimed else None


def running(job: Job) -> Attempt:
    """Claim a job that must be free to run."""
    attempt = claim(job)
    assert attempt
    return attempt


def complete(attempt: Attempt) -> None:
    """End an attempt as a handler does."""
    with attempt.commit({}):
        pass


def at_once(calls: Iterable[Callable[[], Any]]) -> None:
    """Run these in threads that start together."""
    actions = list(calls)
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> None:
        try:
            barrier.wait(10)
            action()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def held(job: Job) -> str:
    """Return what the job waits for; one that was let go keeps its place, and has a hint on its way."""
    job.refresh_from_db()
    assert (job.held_by == "") or job.status == "queued"
    return "" if job.published_at else job.held_by


def sent() -> list[int]:
    """Return the jobs whose messages wait, in order, and take them."""
    return [job_id for job_id, _dispatch in messages()]


def test_of_one_exclusive_key_one_runs_and_the_next_follows_at_its_end() -> None:
    first, second, third, other = (make_job(None, step) for step in (ALONE, ALONE, ALONE, {"alone": "y"}))
    attempt = running(first)
    assert (claim(third), claim(second)) == (None, None)
    assert held(second) == held(third) == "exclusive:x"
    assert not JobRun.objects.filter(duplicates__gt=0).exists()
    assert running(other)
    purge()
    complete(attempt)
    assert sent() == [second.pk]
    assert (held(second), held(third)) == ("", "exclusive:x")
    assert running(second)


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
            from jobs.reaper import reap

            JobRun.objects.filter(job=first).update(lease_expires_at=Now() - timedelta(seconds=1))
            assert reap() == 1
    assert second.pk in sent()


def test_a_duplicate_of_the_running_job_is_dropped_and_counted_and_not_held() -> None:
    job = make_job(None, ALONE)
    running(job)
    assert claim(job) is None
    assert (held(job), job.status, JobRun.objects.get(job=job).duplicates) == ("", "running", 1)


def test_a_message_that_comes_too_early_or_too_late_is_not_held() -> None:
    first, delayed = make_job(None, ALONE), make_job(None, ALONE, delay_seconds=60)
    running(first)
    assert claim(delayed) is None
    assert (held(delayed), JobRun.objects.get(job=delayed).duplicates) == ("", 1)
    stale = make_job(None, ALONE)
    old = stale.dispatch_id
    assert old
    enqueue_again(stale)
    assert lease.claim(stale.pk, old, worker="w") is None
    assert held(stale) == ""


def enqueue_again(job: Job) -> None:
    """Give the job a new dispatch id."""
    Job.objects.filter(pk=job.pk).update(status="pending")
    assert enqueue(job.pk, sources={JobStatus.PENDING}, reason="test")


def test_claims_of_one_key_at_the_same_moment_let_one_through() -> None:
    jobs = [make_job(None, ALONE) for _ in range(6)]
    won: list[int] = []
    at_once(lambda job=job: won.append(job.pk) if claim(job) else None for job in jobs)  # type: ignore[misc]
    assert len(won) == 1
    assert Job.objects.filter(status="running").count() == 1
    assert Job.objects.filter(held_by="exclusive:x", published_at=None).count() == 5


def test_claims_of_a_limit_at_the_same_moment_never_exceed_it() -> None:
    project = make_project()
    JobLimit.objects.create(scope="project", limit=3)
    JobLimit.objects.create(scope="job_type", target="analysis", limit=5)
    jobs = [make_job(project) for _ in range(8)] + [make_job() for _ in range(4)]
    at_once(lambda job=job: claim(job) for job in jobs)  # type: ignore[misc]
    assert Job.objects.filter(status="running").count() == 5
    assert Job.objects.filter(status="running", project=project).count() <= 3
    assert Job.objects.filter(status="queued").exclude(held_by="").count() == 7


def test_a_row_beats_the_setting_and_a_target_beats_the_default(settings: Settings) -> None:
    settings.JOB_LIMITS = {"project": 9, "repository": 8, "job_type": 7, "export": 6}
    rows = {("project", "3"): 1, ("project", ""): 2, ("job_type", "import"): 3}
    expected: dict[str, int | None] = {
        "project:3": 1,
        "project:4": 2,
        "repository:1": 8,
        "job_type:export": 6,
    }
    expected |= {"job_type:analysis": 7, "job_type:import": 3, "exclusive:x": None, "queue:default": None}
    assert {key: gates.limit_of(key, rows) for key in expected} == expected
    settings.JOB_LIMITS = {}
    assert gates.limit_of("project:4", {}) is None


def test_each_scope_limits_its_own_jobs(settings: Settings) -> None:
    settings.JOB_LIMITS = {"export": 1, "repository": 1}
    project = make_project()
    one, two = (
        Repository.objects.create(project=project, name=name, source=f"https://git.example/{name}.git")
        for name in ("one", "two")
    )
    running(make_job(project, job_type="export"))
    second = make_job(job_type="export")
    claim(second)
    assert held(second) == "job_type:export"
    analyses = [make_job(project) for _ in range(3)]
    for job, repository in zip(analyses, (one, one, two), strict=True):
        Job.objects.filter(pk=job.pk).update(repository=repository)
    running(analyses[0])
    claim(analyses[1])
    assert held(analyses[1]) == f"repository:{one.pk}"
    running(analyses[2])


def test_batches_that_await_their_children_and_foreground_jobs_take_no_place(settings: Settings) -> None:
    settings.JOB_LIMITS = {"project": 1}
    project = make_project()
    parent = make_job(project)
    running(parent)
    Job.objects.filter(pk=parent.pk).update(awaits_children=True)
    by_hand = make_job(project, queue="foreground")
    running(by_hand)
    child = make_job(project)
    attempt = running(child)
    again = make_job(project, queue="foreground")
    running(again)  # a person waits for it
    complete(attempt)


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
    monkeypatch.setattr(limits, "SWEPT", 10)
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
    assert max(released) <= 10


def test_what_a_claim_and_an_end_cost() -> None:
    """Without limits as much as before there were any; an exclusive key costs nothing; limits a lock and a count."""

    def cost(action: Callable[[], Any]) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            action()
        return [query["sql"] for query in captured if query["sql"] not in {"BEGIN", "COMMIT"}]

    def of_claim(job: Job) -> int:
        job.refresh_from_db()
        assert job.dispatch_id
        dispatch_id = job.dispatch_id
        statements = cost(lambda: lease.claim(job.pk, dispatch_id, worker="w"))
        job.refresh_from_db()
        assert job.status == "running"
        return len(statements)

    plain = of_claim(make_job())
    assert plain <= 4
    job = make_job(None, ALONE)
    assert of_claim(job) == plain
    assert len(cost(lambda: limits.let_go(job))) == 1
    assert len(cost(sweeper._held.run)) == 1
    JobLimit.objects.create(scope="project", limit=5)
    assert of_claim(make_job(None, {"alone": "y"})) == plain + 2


def test_no_statement_of_these_reads_the_whole_table() -> None:
    """Among many jobs that have ended and many that are held."""
    first = make_job(None, ALONE)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO jobs_job (project_id, job_type, status, parameters, error_code, error_message, tags, queue,
                   attempt, max_attempts, failures, losses, celery_task_id, exclusive_key, join_key, held_by, child_key,
                   awaits_children, origin_kind, created_at, queued_at, completed_at)
               SELECT project_id, job_type, CASE WHEN n % 10 = 0 THEN 'queued' ELSE 'completed' END, '{}', '', '', '{}',
                   queue, 1, 3, 0, 0, '', 'key ' || n %% 500, '',
                   CASE WHEN n % 10 = 0 THEN 'exclusive:key ' || n %% 500 ELSE '' END, '', false, 'api', now(), now(),
                   CASE WHEN n % 10 = 0 THEN NULL ELSE now() END
               FROM jobs_job, generate_series(1, 20000) n WHERE id = %s""".replace("n % 10", "n %% 10"),
            [first.pk],
        )
        cursor.execute("ANALYZE jobs_job")
        statements: list[tuple[str, list[Any]]] = [
            (gates._OUTLOOK, [first.pk]),
            (
                f"SELECT project_id, repository_id, job_type, count(*) FROM jobs_job WHERE {gates.COUNTED} GROUP BY 1, 2, 3",
                [],
            ),
            (limits._LET_GO, ["exclusive:key 10", None, 1, True]),
            (gates._COMING, [["exclusive:key 10"], 100, 10]),
            (limits._WAITED_FOR, [["exclusive:x", "project:1", "job_type:analysis"]]),
            (limits._GATES, ["", 1000]),
        ]
        for statement, arguments in statements:
            cursor.execute("EXPLAIN " + statement, arguments)
            plan = "\n".join(row[0] for row in cursor.fetchall())
            assert "Seq Scan on jobs_job" not in plan, plan


def test_settings_name_scopes_and_types_with_whole_numbers() -> None:
    assert job_limits(None) == {}
    assert job_limits(" project=8, repository=2,export=2,") == {"project": 8, "repository": 2, "export": 2}
    for raw in (
        "project",
        "project=0",
        "project=x",
        "=3",
        "project=-1",
        "Pro ject=3",
        "project=²",
        "export=99999999999",
    ):
        with pytest.raises(ImproperlyConfigured):
            job_limits(raw)


def test_a_limit_for_what_does_not_exist_is_found_at_start_up(settings: Settings) -> None:
    settings.JOB_LIMITS = {"project": 8, "job_type": 3, "export": 2}
    assert check_limits() == []
    settings.JOB_LIMITS = {"projects": 8}
    assert [found.id for found in check_limits()] == ["jobs.E006"]


def test_a_job_runs_to_its_end_under_its_limits(settings: Settings) -> None:
    settings.JOB_LIMITS = {"project": 1, "analysis": 1}
    job = make_job(None, ALONE)
    assert job.dispatch_id
    assert execute(job.pk, job.dispatch_id)
    job.refresh_from_db()
    assert job.status == "completed"


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
