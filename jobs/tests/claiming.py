"""What tests of limits do: claim jobs as workers do, end them, and look who waits for what."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from jobs.models import Job
from jobs.running import lease
from jobs.running.attempt import Attempt
from jobs.tests.conftest import messages

ALONE = {"alone": "x"}  # a step that needs the exclusive key `x`


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
