"""Exports in a real worker whose processes are killed, stopped and cancelled in the middle of a file."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from commandcenter.analysis.tests.factories import make_repository
from commandcenter.events.models import Event
from exports.models import Export
from exports.settle import settle
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, export_of, make_job
from exports.tests.test_formats import export as streamed
from jobs.cancellation import cancel
from jobs.models import Job
from jobs.tests.processes import Eventually, WorkerProcess, housekeep_until, status

pytestmark = [COMMITTED, pytest.mark.process]

Stored = Callable[[], list[Path]]


@pytest.fixture
def worker(media: Path, tmp_path: Path) -> Iterator[WorkerProcess]:
    """Start a worker with one process; afterwards nothing of it is left."""
    environ = {"DJANGO_SETTINGS_MODULE": "exports.tests.workersettings", "CC_TEST_MEDIA": str(media)}
    process = WorkerProcess(tmp_path, "exports", queues="export", environ=environ).start()
    try:
        yield process
    finally:
        process.end()


def writes(tmp_path: Path, number: int) -> str:
    """Return the pid of the process that is the n-th to be in the middle of a file, nothing until then."""
    file = tmp_path / f"writes.{number}"
    return file.read_text() if file.exists() else ""


def test_a_worker_killed_in_the_middle_of_a_file_leaves_one_whole_file(
    worker: WorkerProcess, tmp_path: Path, stored: Stored, eventually: Eventually
) -> None:
    """The next attempt removes what the first one left, and one completion is told."""
    analysis = analysis_of(make_repository(), 3000)
    job = make_job(analysis)
    pid = int(eventually(lambda: writes(tmp_path, 1), 60))
    half = stored()
    assert len(half) == 1
    assert export_of(job).artifact == ""
    os.kill(pid, signal.SIGKILL)
    housekeep_until(lambda: writes(tmp_path, 2), eventually)
    (tmp_path / "gate").touch()
    housekeep_until(lambda: status(job) == "completed", eventually)
    (file,) = stored()
    assert file not in half
    assert file.read_bytes() == streamed(analysis, "json")
    export = export_of(job)
    assert file.as_posix().endswith(export.artifact)
    assert Job.objects.get(pk=job.pk).losses == 1
    assert Event.objects.filter(type="export.completed", subject_id=export.pk).count() == 1
    assert Export.objects.count() == 1


def test_cancelling_in_the_middle_of_a_file_removes_it(
    worker: WorkerProcess, tmp_path: Path, stored: Stored, eventually: Eventually
) -> None:
    job = make_job(analysis_of(make_repository(), 3000))
    eventually(lambda: writes(tmp_path, 1), 60)
    assert len(stored()) == 1
    cancel(job, None)
    eventually(lambda: status(job) == "cancelled")
    eventually(lambda: not stored())
    assert settle(job.pk) == 1
    assert (export_of(job).status, export_of(job).artifact) == ("cancelled", "")
    assert not Event.objects.filter(type__startswith="export.").exists()


def test_an_attempt_that_was_stopped_past_its_lease_does_not_touch_the_file_of_the_next(
    worker: WorkerProcess, tmp_path: Path, stored: Stored, eventually: Eventually
) -> None:
    job = make_job(analysis_of(make_repository(), 3000))
    pid = int(eventually(lambda: writes(tmp_path, 1), 60))
    os.kill(pid, signal.SIGSTOP)
    try:
        housekeep_until(lambda: Job.objects.get(pk=job.pk).losses == 1, eventually)
    finally:
        os.kill(pid, signal.SIGCONT)
    eventually(lambda: not psutil.pid_exists(pid))
    housekeep_until(lambda: writes(tmp_path, 2), eventually, 60)
    (tmp_path / "gate").touch()
    housekeep_until(lambda: status(job) == "completed", eventually)
    (file,) = stored()
    assert file.as_posix().endswith(export_of(job).artifact)
    assert file.stat().st_size == export_of(job).bytes
