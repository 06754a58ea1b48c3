"""The state machine: only the moves of TRANSITIONS, one winner, an unbroken history."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from commandcenter.events.models import Event
from jobs.models import ACTIVE, TERMINAL, Job, JobStatus
from jobs.state import TRANSITIONS, transition
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project

ALL = list(JobStatus)
MOVES = st.lists(st.tuples(st.sampled_from(ALL), st.sampled_from(ALL)), max_size=12)


def test_every_state_has_its_moves_and_the_terminal_ones_have_none() -> None:
    assert set(TRANSITIONS) == set(JobStatus)
    assert all(not TRANSITIONS[status] for status in TERMINAL)
    assert all(JobStatus.CANCELLED in TRANSITIONS[status] for status in ACTIVE)


@pytest.mark.django_db
@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(MOVES)
def test_any_sequence_of_moves_follows_the_table(moves: list[tuple[JobStatus, JobStatus]]) -> None:
    """Illegal moves raise, moves from another state return None, legal ones leave one event each."""
    job = make_job(dispatch=False)
    status, events = JobStatus.PENDING, 1
    for source, to in moves:
        if to not in TRANSITIONS[source]:
            with pytest.raises(ValueError, match="cannot go"):
                transition(job.pk, to, sources={source}, reason="test")
            continue
        moved = transition(job.pk, to, sources={source}, reason="test")
        assert (moved is not None) == (source == status)
        if moved is not None:
            status, events = to, events + 1
    job = Job.objects.select_related("run").get(pk=job.pk)
    assert job.status == status
    assert (job.completed_at is not None) == (status in TERMINAL)
    assert job.run.last_seq == events
    assert list(job.events.order_by("seq").values_list("seq", flat=True)) == list(range(1, events + 1))
    assert sum(event.data["to"] in TERMINAL for event in job.events.all()) == (status in TERMINAL)


@COMMITTED
def test_of_many_ends_at_once_one_wins() -> None:
    job = make_job()
    assert transition(job.pk, JobStatus.RUNNING, sources={JobStatus.QUEUED}, reason="test")
    ends = [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED] * 3
    barrier = threading.Barrier(len(ends))
    won: list[str] = []

    def end(to: JobStatus) -> None:
        try:
            barrier.wait(10)
            values = {"error_code": "x", "error_message": "x"} if to == JobStatus.FAILED else {}
            if transition(job.pk, to, sources={JobStatus.RUNNING}, reason="test", job_values=values):
                won.append(to)
        finally:
            connection.close()

    threads = [threading.Thread(target=end, args=(to,)) for to in ends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    job.refresh_from_db()
    assert won == [job.status]
    assert job.events.filter(data__to__in=TERMINAL).count() == 1
    ended = Event.objects.filter(subject_kind="job", subject_id=job.pk).exclude(type="job.queued")
    assert [event.type for event in ended] == [f"job.{job.status}"]


@COMMITTED
def test_numbers_stay_contiguous_when_many_write_at_once() -> None:
    from jobs.history import Entry, append
    from jobs.models import JobEventType

    job = make_job(make_project(), dispatch=False)

    def write() -> None:
        try:
            for _ in range(5):
                append(Job.objects.get(pk=job.pk), [Entry(JobEventType.LOG, {"message": "x"})] * 3)
        finally:
            connection.close()

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert list(job.events.order_by("seq").values_list("seq", flat=True)) == list(range(1, 62))


def test_only_state_writes_the_status_of_a_job() -> None:
    """No other module of ours assigns `.status` of a job or passes `status=` to an update of jobs."""
    found = []
    for path in sorted((Path(settings.BASE_DIR) / "jobs").rglob("*.py")):
        if "tests" in path.parts or "migrations" in path.parts or path.name == "state.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "update"
            ):
                found += [f"{path.name}:{node.lineno}" for word in node.keywords if word.arg == "status"]
            if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                found += [
                    f"{path.name}:{node.lineno}"
                    for target in targets
                    if isinstance(target, ast.Attribute) and target.attr == "status"
                ]
    assert found == []
