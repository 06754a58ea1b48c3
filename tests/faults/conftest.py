"""A stage for each process of the test run, and this process among those that work on its servers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from celery import current_app
from django.db import connection, connections
from pytest_django import DjangoDbBlocker, Settings

from commandcenter.inventory.models import Project
from commandcenter.settings.database import parse
from jobs.broker import broker
from jobs.models import Job
from jobs.tests.factories import make_project
from tests.faults.rows import empty
from tests.faults.stage import QUICK, Stage

MAX_LOSSES = 3  # of ten, so that a job that kills its workers ends after three leases
HANDLER = "tests.faults.handlers.FaultHandler"


@pytest.fixture(scope="session")
def running_stage() -> Iterator[Stage]:
    """Start servers, workers and beat once; each test finds them running, whatever the one before has killed."""
    folder = Path(tempfile.mkdtemp(prefix="commandcenter-faults-"))
    stage = Stage(folder, {**QUICK, "CC_JOB_MAX_LOSSES": str(MAX_LOSSES)})
    try:
        stage.start_servers()
        with psycopg.connect(stage.environ["DATABASE_URL"]) as database:
            # Tests of schedules tick themselves, or let beat do it.
            database.execute(
                "UPDATE django_celery_beat_periodictask SET enabled = false WHERE task LIKE 'schedules.%'"
            )
        stage.start("one", "two", "system", "beat")
        yield stage
    finally:
        stage.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stage(running_stage: Stage, settings: Settings, django_db_blocker: DjangoDbBlocker) -> Iterator[Stage]:
    """Let this process work on the stage's servers for one test, and leave the stage as it should be."""
    stage = running_stage
    environ = stage.environ
    settings.JOB_HANDLERS = {"analysis": HANDLER, "export": HANDLER}
    settings.JOB_LEASE_SECONDS = int(environ["CC_JOB_LEASE_SECONDS"])
    settings.JOB_HEARTBEAT_SECONDS = int(environ["CC_JOB_HEARTBEAT_SECONDS"])
    settings.JOB_RETRY_DELAY_SECONDS = 0
    settings.CHANNEL_LAYERS = {
        "default": {
            **settings.CHANNEL_LAYERS["default"],
            "CONFIG": {"hosts": [environ["CHANNEL_URL"]], "prefix": "cc"},
        }
    }
    database = connections.databases["default"]  # shared by the connections of all threads
    kept, kept_broker = dict(database), current_app.conf.broker_url
    try:
        with django_db_blocker.unblock():
            _point_at(database, parse(environ["DATABASE_URL"], "DATABASE_URL"), environ["BROKER_URL"])
            empty(stage)
            yield stage
    finally:
        stage.keeping = True
        with django_db_blocker.unblock():
            if not connection.in_atomic_block and Job.objects.active().exists():
                stage.kill_workers()  # a test failed; what it left must not hold up the next
            _point_at(database, kept, kept_broker)


def _point_at(database: dict, values: dict, broker_url: str) -> None:
    """Make the next connections of this process those of other servers."""
    connection.close()
    database.update(values)
    current_app.conf.update(broker_url=broker_url)
    broker._drop()
    broker._paused_until = 0.0


@pytest.fixture
def project(stage: Stage) -> Project:
    """Return a project on the stage."""
    return make_project()


@pytest.fixture
def artifacts(tmp_path: Path) -> Path:
    """Return the folder to which the jobs of a test write."""
    folder = tmp_path / "artifacts"
    folder.mkdir()
    return folder
