"""Analyses whose job ended without them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from commandcenter.analysis.models import Analysis, AnalysisStatus, ResultSet
from commandcenter.analysis.results.ingest import Ingest
from commandcenter.analysis.running.settle import mark_attempt, on_event, settle
from commandcenter.analysis.tasks import settle_analyses
from commandcenter.analysis.tests.factories import analyse, make_repository, messages, start, tree_ref
from commandcenter.events.models import Event
from jobs.models import Job, JobStatus

pytestmark = pytest.mark.django_db


def end_job(analysis: Any, status: Any, code: Any = "", message: Any = "") -> Any:
    Job.objects.filter(pk=analysis.job_id).update(
        status=status, completed_at=timezone.now(), error_code=code, error_message=message
    )


@pytest.fixture
def running() -> Any:
    return start(make_repository(), tree_ref())


def test_the_last_words_of_an_engine_are_stored_whatever_is_in_them(running: Any) -> None:
    """A parser that dies may have written bytes of the repository to its standard error."""
    mark_attempt(running.pk, AnalysisStatus.FAILED, "engine_crashed", "It said:\nbin\x00ary \ud800")
    running.refresh_from_db()
    assert (running.status, running.error_message) == ("failed", "It said:\nbin\ufffdary ?")


def test_the_analysis_of_a_job_that_failed_elsewhere_fails_with_its_reason(running: Any) -> None:
    end_job(running, JobStatus.FAILED, "worker_lost", "The worker was lost ten times.")
    assert settle() == 1
    running.refresh_from_db()
    assert (running.status, running.error_code) == ("failed", "worker_lost")
    assert running.completed_at is not None
    failed = Event.objects.get(type="analysis.failed")
    assert failed.data["error"] == {"code": "worker_lost", "message": "The worker was lost ten times."}


def test_it_is_told_once(running: Any) -> None:
    end_job(running, JobStatus.FAILED, "worker_lost", "Lost.")
    assert [settle(), settle(), settle(running.job_id)] == [1, 0, 0]
    assert Event.objects.filter(type="analysis.failed").count() == 1


def test_a_cancelled_job_cancels_its_analysis_and_removes_what_it_wrote(running: Any) -> None:
    Ingest(running.repository, job=running.job, attempt=1, key="k", commit="c", tree="t")
    end_job(running, JobStatus.CANCELLED)
    settle_analyses()
    running.refresh_from_db()
    assert running.status == "cancelled"
    assert ResultSet.objects.count() == 0
    assert not Event.objects.filter(type="analysis.failed").exists()


@pytest.mark.parametrize("status", [JobStatus.QUEUED, JobStatus.RUNNING])
def test_a_job_that_may_still_end_well_is_left_alone(running: Any, status: Any) -> None:
    Job.objects.filter(pk=running.job_id).update(status=status)
    mark_attempt(running.pk, AnalysisStatus.FAILED, "source_unreachable", "No answer.")
    assert settle() == 0
    assert Analysis.objects.get(pk=running.pk).status == "failed"
    assert not Event.objects.filter(type="analysis.failed").exists()


def test_an_analysis_with_results_is_final() -> None:
    done = analyse(make_repository(), messages([]))
    mark_attempt(done.pk, AnalysisStatus.FAILED, "x", "A worker that was lost says this later.")
    done.refresh_from_db()
    assert (done.status, settle()) == ("complete", 0)


def test_an_analysis_without_its_job_does_not_run_for_ever(running: Any) -> None:
    Job.objects.filter(pk=running.job_id).delete()
    settle()
    running.refresh_from_db()
    assert (running.status, running.error_code) == ("failed", "job_deleted")


def test_the_events_of_a_job_settle_its_analysis(running: Any) -> None:
    end_job(running, JobStatus.FAILED, "engine_crashed", "It crashed.")
    on_event(Event(type="job.completed", subject_kind="job", subject_id=running.job_id))
    assert not Analysis.objects.get(pk=running.pk).settled
    on_event(Event(type="job.failed", subject_kind="job", subject_id=running.job_id))
    assert Analysis.objects.get(pk=running.pk).settled
