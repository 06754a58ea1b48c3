"""Ended jobs reach the statistics exactly once, whatever happens at the same time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, transaction

from jobs import tasks
from jobs.models import JobDay, JobRun, JobStatus, JobTotal
from jobs.state import transition
from jobs.statistics import rollups
from jobs.statistics.rollups import count_ended
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project
from jobs.tests.history import ago, ended
from jobs.tests.test_api import end

pytestmark = COMMITTED


def counted() -> int:
    """Return how many jobs the totals hold."""
    return sum(row.completed + row.failed + row.cancelled for row in JobTotal.objects.all())


def test_each_ended_job_is_counted_once() -> None:
    project = make_project()
    end(make_job(project), JobStatus.COMPLETED)
    end(make_job(project), JobStatus.FAILED, error_code="x", error_message="x", losses=2)
    transition(make_job(project).pk, JobStatus.CANCELLED, sources={JobStatus.QUEUED}, reason="test")
    make_job(project)
    assert count_ended() == 3
    assert count_ended() == 0
    total = JobTotal.objects.get()
    assert (total.completed, total.failed, total.cancelled, total.losses) == (1, 1, 1, 2)
    day = JobDay.objects.get()
    assert (day.completed, day.failed, day.cancelled) == (1, 1, 1)
    assert not JobRun.objects.filter(uncounted=True).exists()


def test_sums_are_kept_by_project_type_and_day_in_utc() -> None:
    project, other = make_project(), make_project()
    ended(project, 2, at=datetime(2026, 3, 1, 23, 59, 59, 900_000, tzinfo=UTC))
    ended(project, 3, at=datetime(2026, 3, 2, 0, 0, 0, tzinfo=UTC))
    ended(project, 1, at=datetime(2026, 3, 2, 8, tzinfo=UTC), job_type="export")
    ended(other, 4, at=datetime(2026, 3, 2, 8, tzinfo=UTC))
    count_ended()
    ended(project, 5, at=datetime(2026, 3, 2, 9, tzinfo=UTC), run_seconds=50)
    count_ended()
    found = {
        (row.project_id, row.job_type, row.day.isoformat()): row.completed for row in JobDay.objects.all()
    }
    assert found == {
        (project.pk, "analysis", "2026-03-01"): 2,
        (project.pk, "analysis", "2026-03-02"): 8,
        (project.pk, "export", "2026-03-02"): 1,
        (other.pk, "analysis", "2026-03-02"): 4,
    }
    whole = JobTotal.objects.get(project=project, job_type="analysis")
    assert whole.completed == 10
    assert whole.run_seconds == pytest.approx(5 * 2 + 5 * 50)
    assert sorted(whole.run_histogram.values()) == [5, 5]


def test_a_job_whose_transaction_commits_late_is_not_missed() -> None:
    """It ended before the others, was invisible while they were counted, and is counted afterwards."""
    project = make_project()
    late = make_job(project)
    open_now, go = threading.Event(), threading.Event()

    def slow() -> None:
        try:
            with transaction.atomic():
                end(late, JobStatus.COMPLETED)
                open_now.set()
                assert go.wait(30)
        finally:
            connection.close()

    thread = threading.Thread(target=slow)
    thread.start()
    try:
        assert open_now.wait(30)
        end(make_job(project), JobStatus.COMPLETED)
        assert count_ended() == 1
    finally:
        go.set()
        thread.join(30)
    assert count_ended() == 1
    assert counted() == 2


def test_a_count_that_is_rolled_back_counts_nothing() -> None:
    ended(make_project(), 3, at=ago(hours=1))

    def interrupted() -> None:
        with transaction.atomic():
            count_ended()
            raise ConnectionError

    with pytest.raises(ConnectionError):
        interrupted()
    assert counted() == 0
    assert count_ended() == counted() == 3


def test_two_beats_count_nothing_twice(monkeypatch: Any) -> None:
    monkeypatch.setattr(rollups, "STEP", 7)
    ended(make_project(), 100, at=ago(hours=1))
    barrier = threading.Barrier(3)
    found: list[int] = []

    def run() -> None:
        try:
            barrier.wait(10)
            found.append(count_ended(30))
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found.append(count_ended())  # one that stopped when it found little beside what the others held
    assert sum(found) == counted() == 100
    assert sum(row.completed for row in JobDay.objects.all()) == 100


def test_a_call_ends_in_time_and_the_next_goes_on(monkeypatch: Any) -> None:
    monkeypatch.setattr(rollups, "STEP", 10)
    ended(make_project(), 25, at=ago(hours=1))
    assert count_ended(seconds=0) == 10
    assert count_ended(seconds=0) == 10
    assert count_ended(seconds=0) == 5


def test_duplicates_are_counted_with_their_job() -> None:
    job = ended(make_project(), 1, at=ago(hours=1))[0]
    JobRun.objects.filter(job=job).update(duplicates=4)
    tasks.count()
    assert JobTotal.objects.get().duplicates == 4
