"""An operator's own periodic task starts a job: beat sends, a worker starts it once, and what cannot be is one warning."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from celery import current_app
from celery.worker.request import Request
from django.db import connection
from django_celery_beat.models import IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from commandcenter.events.models import Event
from jobs import periodic, tasks
from jobs.exceptions import InvalidParameters
from jobs.models import Job
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project

Run = Callable[[Any], dict[str, Any]]


def entry(kwargs: Any, **values: Any) -> PeriodicTask:
    """Return a periodic task as an operator makes it in the admin; beat needs no more of it than this."""
    interval = IntervalSchedule(every=1, period="hours")
    return PeriodicTask(
        name="Nightly", task="jobs.dispatch", interval=interval, kwargs=json.dumps(kwargs), **values
    )


def sent(*entries: PeriodicTask, queue: str = "system") -> list[Any]:
    """Let beat send these, and return the messages as a worker gets them."""
    beat = DatabaseScheduler(app=current_app, lazy=True)
    for each in entries:
        beat.apply_async(ModelEntry(each, app=current_app), advance=False)
    found = []
    with current_app.connection_for_write() as broker, cast("Any", broker.channel()) as channel:
        while (message := channel.basic_get(queue, no_ack=True)) is not None:
            found += [message] if message.headers["task"] == "jobs.dispatch" else []
    return found


@pytest.fixture
def run(caplog: Any) -> Run:
    """Return a function that runs a message as a worker does, and returns the one line that this logs."""

    def execute(message: Any) -> dict[str, Any]:
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="jobs.tasks"):
            Request(message, app=current_app, task=tasks.dispatch).execute()
        (line,) = [record for record in caplog.records if record.name == "jobs.tasks"]
        return {**line.msg, "level": line.levelname}

    return execute


@COMMITTED
@pytest.mark.parametrize("by", ["pk", "slug"])
def test_beats_message_starts_the_job_through_the_normal_path(run: Run, by: str) -> None:
    project = make_project()
    given = {
        "project": getattr(project, by),
        "job_type": "analysis",
        "parameters": {"steps": []},
        "tags": {"a": "b"},
    }
    (message,) = sent(entry(given))
    line = run(message)
    job = Job.objects.get(pk=line["job_id"])
    assert (line["event"], line["periodic_task"]) == ("job started", "Nightly")
    assert (job.project, job.job_type, job.tags, job.status) == (project, "analysis", {"a": "b"}, "queued")
    assert (job.origin_kind, job.origin_id, job.created_by) == ("schedule", None, None)
    assert Event.objects.get(subject_id=job.pk, type="job.queued").actor_name == "periodic task Nightly"


@COMMITTED
def test_a_message_that_comes_twice_makes_one_job_and_two_messages_make_two(run: Run) -> None:
    first, second = sent(*[entry({"project": make_project().pk, "job_type": "analysis"})] * 2)
    one, again, other = run(first), run(first), run(second)
    assert (one["event"], again["event"], other["event"]) == (
        "job started",
        "job stands already",
        "job started",
    )
    assert one["job_id"] == again["job_id"] != other["job_id"]
    assert Job.objects.count() == 2


@COMMITTED
def test_the_same_message_at_two_workers_at_once_makes_one_job() -> None:
    project = make_project()
    barrier, found, failures = threading.Barrier(2), [], []

    def work() -> None:
        try:
            barrier.wait()
            found.append(periodic.start("one", {"project": project.pk, "job_type": "analysis"}))
        except BaseException as error:  # noqa: BLE001  (told by the test)
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len({job.pk for job, _new in found}) == Job.objects.count() == 1
    assert sorted(new for _job, new in found) == [False, True]


@COMMITTED
def test_a_second_message_for_work_that_is_done_one_at_a_time_joins_the_job_that_waits(run: Run) -> None:
    project = make_project()
    standing = make_job(project, {"alone": "repository 1"})
    (message,) = sent(
        entry({"project": project.pk, "job_type": "analysis", "parameters": standing.parameters})
    )
    line = run(message)
    assert (line["event"], line["job_id"]) == ("job stands already", standing.pk)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"job_type": "analysis"}, "project: Give the id or the slug"),
        ({"project": 2**70, "job_type": "analysis"}, "project: Give the id or the slug"),
        ({"project": "no\0where\ud800", "job_type": "analysis"}, "project: Give the id or the slug"),
        ({"project": True, "job_type": "analysis"}, "project: Give the id or the slug"),
        ({"project": "HERE"}, "job_type: Name a type of job"),
        ({"project": "HERE", "job_type": ["analysis"]}, "job_type: Name a type of job"),
        ({"project": "HERE", "job_type": "dance"}, "No job of type 'dance' can run here"),
        ({"project": "HERE", "job_type": "analysis", "parameters": [1]}, "parameters: Give an object"),
        ({"project": "HERE", "job_type": "analysis", "parameters": {"wrong": 1}}, "wrong"),
        ({"project": "HERE", "job_type": "analysis", "tags": "blue"}, "tags: Give an object"),
        ({"project": "HERE", "job_type": "analysis", "tags": {"a": 1}}, "must have a text as its value"),
        ({"project": "HERE", "job_type": "analysis", "params": {}}, "params: There is no such argument"),
    ],
)
def test_what_cannot_be_started_is_said_with_what_to_do(given: dict[str, Any], said: str) -> None:
    if given.get("project") == "HERE":
        given = {**given, "project": make_project().pk}
    with pytest.raises(InvalidParameters) as refused:
        periodic.start("one", given)
    assert said in str(refused.value)
    assert not Job.objects.exists()


@COMMITTED
@pytest.mark.parametrize(
    ("made", "said"),
    [
        (entry({"job_type": "analysis"}), "Mend the keyword arguments of the periodic task, or disable it."),
        (entry({}, args="[1]"), "Give what to start as keyword arguments"),
    ],
)
def test_a_message_that_starts_nothing_is_one_warning_and_is_not_sent_again(
    run: Run, made: PeriodicTask, said: str
) -> None:
    (message,) = sent(made)
    line = run(message)
    assert (line["level"], line["event"], line["periodic_task"]) == ("WARNING", "job not started", "Nightly")
    assert said in line["error"]
    assert sent() == []
    assert not Job.objects.exists()


@COMMITTED
def test_a_message_that_has_expired_starts_nothing() -> None:
    (message,) = sent(entry({"project": make_project().pk, "job_type": "analysis"}, expire_seconds=60))
    assert message.headers["expires"]
    message.headers["expires"] = "2020-01-01T00:00:00+00:00"
    Request(message, app=current_app, task=tasks.dispatch).execute()
    assert not Job.objects.exists()


@COMMITTED
def test_a_database_that_does_not_answer_is_asked_again() -> None:
    project = make_project()
    locked, free, done = threading.Event(), threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM inventory_project WHERE id = %s FOR UPDATE", [project.pk])
            locked.set()
            free.wait(60)
            cursor.execute("COMMIT")
        connection.close()
        done.set()

    attempts: list[str] = []

    def follow(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("SELECT") and 'FROM "inventory_project"' in sql:
            attempts.append(sql)
            if len(attempts) == 2:
                free.set()
                assert done.wait(60)
        return execute(sql, params, many, context)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(60)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '100ms'")
        with connection.execute_wrapper(follow):
            tasks.dispatch.apply(kwargs={"project": project.pk, "job_type": "analysis"})
    finally:
        free.set()
        holder.join()
        connection.close()
    assert len(attempts) == 2
    assert Job.objects.filter(project=project).count() == 1
