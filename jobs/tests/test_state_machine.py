"""The life of jobs as a state machine: any order of the public moves keeps every invariant, and stale attempts write nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from pytest_django import Settings

from commandcenter.events.models import Event
from commandcenter.inventory.models import Project
from jobs.cancellation import cancel
from jobs.dispatch import dispatch
from jobs.exceptions import IllegalState, LeaseLost
from jobs.models import TERMINAL, Job, JobEvent, JobRun, JobStatus, OriginKind
from jobs.recovery.reaper import reap
from jobs.recovery.sweeper import sweep
from jobs.retry import retry
from jobs.running import lease
from jobs.running.attempt import Attempt
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project

MAX_LOSSES = 3
MACHINE = hypothesis_settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@dataclass
class Known:
    """What the machine knows about one job."""

    pk: int
    status: str
    losses: int = 0
    attempts: int = 0
    cancel_asked: bool = False
    dispatches: list[uuid.UUID] = field(default_factory=list)
    owner: Attempt | None = None
    token: int = 0


@dataclass
class Held:
    """An attempt that some worker holds, rightly or no longer."""

    known: Known
    attempt: Attempt

    @property
    def valid(self) -> bool:
        """True while the job is this attempt's."""
        return self.known.owner is self.attempt


class Life(RuleBasedStateMachine):
    """Moves of operators, workers and the reaper in any order."""

    jobs = Bundle("jobs")
    attempts = Bundle("attempts")
    project: Project

    def __init__(self) -> None:
        super().__init__()
        self.known: list[Known] = []

    def add(self, job: Job) -> Known:
        known = Known(job.pk, job.status)
        self.known.append(known)
        self.read(known)
        return known

    def read(self, known: Known) -> Job:
        """Return the job, and remember its dispatch."""
        job = Job.objects.select_related("run").get(pk=known.pk)
        if job.dispatch_id and job.dispatch_id not in known.dispatches:
            known.dispatches.append(job.dispatch_id)
        return job

    def left(self, known: Known, status: str) -> None:
        """Note that the job went to another state, and that nobody owns it any more."""
        known.status, known.owner = status, None
        self.read(known)

    @rule(target=jobs, queued=st.booleans())
    def create(self, queued: bool) -> Known:
        return self.add(make_job(self.project, dispatch=queued))

    @rule(known=jobs)
    def dispatch(self, known: Known) -> None:
        if known.status == "pending":
            dispatch(self.read(known))
            self.left(known, "queued")
            return
        with pytest.raises(IllegalState):
            dispatch(self.read(known))

    @rule(target=attempts, known=jobs)
    def claim(self, known: Known) -> Held | MultipleResults[Held]:
        """The message of the present dispatch: the first claims, every later one is a duplicate."""
        job = self.read(known)
        taken = lease.claim(known.pk, job.dispatch_id or uuid.uuid4(), worker="machine")
        assert (taken is not None) == (known.status == "queued")
        if taken is None:
            return multiple()
        attempt = Attempt(taken)
        known.status, known.owner = "running", attempt
        known.attempts += 1
        return Held(known, attempt)

    @rule(known=jobs)
    def claim_by_an_old_message(self, known: Known) -> None:
        for dispatch_id in known.dispatches[:-1]:
            assert lease.claim(known.pk, dispatch_id, worker="late") is None

    @rule(held=attempts)
    def beat(self, held: Held) -> None:
        if held.valid:
            assert lease.renew(held.known.pk, held.attempt.token).cancel_requested == held.known.cancel_asked
            return
        with pytest.raises(LeaseLost):
            lease.renew(held.known.pk, held.attempt.token)

    @rule(held=attempts, lines=st.integers(1, 3))
    def write(self, held: Held, lines: int) -> None:
        for number in range(lines):
            held.attempt.log("info", f"line {number}")
        if held.valid:
            held.attempt.flush()
            return
        with pytest.raises(LeaseLost):
            held.attempt.flush()

    @rule(held=attempts)
    def complete(self, held: Held) -> None:
        if held.valid:
            with held.attempt.commit({"attempt": held.attempt.attempt}):
                pass
            self.left(held.known, "completed")
            return
        with pytest.raises(LeaseLost), held.attempt.commit({"stale": True}):
            pytest.fail("a stale attempt must not get so far")

    @rule(held=attempts, to=st.sampled_from([JobStatus.FAILED, JobStatus.CANCELLED]))
    def end(self, held: Held, to: JobStatus) -> None:
        values = {"error_code": "x", "error_message": "x"} if to == JobStatus.FAILED else {}

        def finish() -> Job | None:
            return held.attempt.finish(to, reason="test", job_values=values)

        self.move(held, finish, to)

    @rule(held=attempts)
    def hand_back(self, held: Held) -> None:
        to = "cancelled" if held.known.cancel_asked else "queued"
        self.move(held, lambda: held.attempt.requeue(reason="worker_stopped"), to)

    def move(self, held: Held, action: Any, to: str) -> None:
        """Do it: the owner's move counts, a stale attempt's is refused in one of two ways."""
        if held.valid:
            assert action() is not None
            self.left(held.known, to)
            return
        try:
            assert action() is None
        except LeaseLost:
            return

    @rule(known=jobs)
    def cancel(self, known: Known) -> None:
        if known.status in {"completed", "failed"}:
            with pytest.raises(IllegalState):
                cancel(Job(pk=known.pk), None)
            return
        found = cancel(Job(pk=known.pk), None)
        if known.status == "running":
            assert found.status == "running"
            known.cancel_asked = True
        else:
            assert found.status == "cancelled"
            if known.status != "cancelled":
                self.left(known, "cancelled")

    @rule(known=jobs)
    def lose_the_worker_and_reap(self, known: Known) -> None:
        JobRun.objects.filter(job=known.pk).update(lease_expires_at=Now() - timedelta(seconds=1))
        assert reap() == (known.status == "running")
        if known.status != "running":
            JobRun.objects.filter(job=known.pk).update(lease_expires_at=None)
            return
        if known.cancel_asked:
            self.left(known, "cancelled")
            return
        known.losses += 1
        self.left(known, "failed" if known.losses >= MAX_LOSSES else "queued")

    @rule()
    def housekeeping_changes_nothing_by_itself(self) -> None:
        assert reap() == 0
        sweep()

    @rule(target=jobs, known=jobs)
    def retry(self, known: Known) -> Known:
        job = self.read(known)
        if known.status in TERMINAL:
            again = retry(job, None, origin_kind=OriginKind.API)
            assert (again.retry_of_id, again.status, again.attempt) == (known.pk, "queued", 0)
            return self.add(again)
        with pytest.raises(IllegalState):
            retry(job, None)
        return known

    @invariant()
    def every_job_is_sound(self) -> None:
        ids = [known.pk for known in self.known]
        history: dict[int, list[tuple[int, dict[str, Any]]]] = {pk: [] for pk in ids}
        for pk, seq, data in (
            JobEvent.objects.filter(job__in=ids).order_by("job", "seq").values_list("job", "seq", "data")
        ):
            history[pk].append((seq, data))
        ends = Event.objects.filter(subject_kind="job", subject_id__in=ids).exclude(type="job.queued")
        told = sorted(ends.values_list("subject_id", "type"))
        jobs = Job.objects.select_related("run").in_bulk(ids)
        for known in self.known:
            job = jobs[known.pk]
            assert (job.status, job.losses, job.attempt) == (known.status, known.losses, known.attempts)
            assert (job.completed_at is not None) == (job.status in TERMINAL)
            assert (job.run.lease_expires_at is not None) == (job.status == "running")
            assert job.run.fencing_token >= known.token, "the token never falls"
            known.token = job.run.fencing_token
            if known.owner is not None:
                assert job.run.fencing_token == known.owner.token
            assert [seq for seq, _ in history[job.pk]] == list(range(1, job.run.last_seq + 1))
            states = [data for _, data in history[job.pk] if "to" in data]
            assert states[-1]["to"] == job.status
            assert sum(data["to"] in TERMINAL for data in states) == (job.status in TERMINAL)
        ended = [job for job in jobs.values() if job.is_terminal]
        assert told == sorted((job.pk, f"job.{job.status}") for job in ended)


@COMMITTED
def test_any_order_of_moves_keeps_every_invariant(settings: Settings) -> None:
    settings.JOB_MAX_LOSSES = MAX_LOSSES
    settings.JOB_LEASE_SECONDS = 600  # only the rule lets a lease run out
    settings.JOB_REPUBLISH_SECONDS = 600
    Life.project = make_project()
    run_state_machine_as_test(Life, settings=MACHINE)
