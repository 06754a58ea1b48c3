"""What the workers of the benchmark run: an empty job, and the bare task that it is compared with."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.db import connection

from jobs.handlers import JobRunContext, Scope


class Empty:
    """A job type whose jobs do nothing: what is left is what a job costs."""

    queue = "bench"

    def scope(self, parameters: dict[str, Any]) -> Scope:
        """Return the empty scope."""
        return Scope()

    def validate(self, parameters: dict[str, Any], *, project: Any) -> dict[str, Any]:
        """Take anything."""
        return parameters

    def run(self, run: JobRunContext) -> None:
        """End at once."""
        with run.commit({}):
            pass


@shared_task(name="bench.bare", ignore_result=True)
def bare(number: int, lasting: bool) -> None:
    """Write one row and change it, each committed: the least that a task does that keeps a record.

    Unless `lasting`, its connection ends with it, which is what Celery does with Django where nothing is set.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO bench_bare (number, status, begun) VALUES (%s, 'running', clock_timestamp()) RETURNING id",
            [number],
        )
        (pk,) = cursor.fetchone()
        cursor.execute(
            "UPDATE bench_bare SET status = 'completed', ended = clock_timestamp() WHERE id = %s", [pk]
        )
    if not lasting:
        connection.close()
