"""Limits and exclusive keys: never more at once than allowed, and nothing to pay without them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from commandcenter.inventory.models import Repository
from commandcenter.settings.limits import job_limits
from jobs.checks import check_limits
from jobs.dispatch import enqueue
from jobs.fairness import gates, limits
from jobs.models import Job, JobLimit, JobRun, JobStatus
from jobs.recovery import sweeper
from jobs.running import lease
from jobs.running.execution import execute
from jobs.tests.claiming import ALONE, at_once, claim, complete, held, running, sent
from jobs.tests.conftest import COMMITTED, purge
from jobs.tests.factories import make_job, make_project

pytestmark = COMMITTED


@pytest.fixture(autouse=True)
def first_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each test begin with a sweeper that has seen nothing."""
    monkeypatch.setattr(sweeper, "_held", limits.Sweep())


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
        "=",
        "project=1,project=2",
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
