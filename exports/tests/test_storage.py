"""What goes wrong with the storage or the attempt, and what is left of it: nothing."""

from __future__ import annotations

import errno
import random
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from commandcenter.analysis.tests.factories import make_project, make_repository
from commandcenter.events.models import Event
from exports import artifacts
from exports.handlers import ExportHandler
from exports.models import Export
from exports.settle import on_event, settle
from exports.tasks import settle_exports
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, export_of, make_job, run_export, run_queued
from exports.zipped import Member, zipped
from jobs.cancellation import cancel
from jobs.dispatch import dispatch
from jobs.models import Job
from jobs.running.attempt import Attempt
from jobs.running.lease import claim

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]

Stored = Callable[[], list[Path]]


def use(settings: Any, backend: str) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}


FULL = "exports.tests.storages.FullDisk"
BROKEN = "exports.tests.storages.BrokenDisk"
SOUND = "django.core.files.storage.FileSystemStorage"


class LosesTheAnswer:
    """An attempt whose connection breaks after the COMMIT was done and before its answer came."""

    def __init__(self, attempt: Attempt) -> None:
        self._attempt = attempt

    def __getattr__(self, name: str) -> Any:
        return getattr(self._attempt, name)

    @contextmanager
    def commit(self, result: dict[str, Any]) -> Iterator[None]:
        with self._attempt.commit(result):
            yield
        raise OperationalError("server closed the connection unexpectedly")


def test_a_full_disk_fails_the_job_at_once_with_what_to_do(stored: Stored, settings: Any) -> None:
    use(settings, FULL)
    job = make_job(analysis_of(make_repository(), 1000))
    run_queued(job)
    settle()
    export = export_of(job)
    assert (export.status, export.error_code) == ("failed", "storage_full")
    assert "Make room, then retry the job." in export.error_message
    assert stored() == []
    assert Job.objects.get(pk=job.pk).failures == 1


def test_a_full_disk_in_the_middle_of_a_zip_leaves_nothing(stored: Stored, settings: Any) -> None:
    use(settings, "exports.tests.storages.TinyDisk")
    project = make_project()
    export = run_export(*(analysis_of(make_repository(project), 1500) for _ in range(2)))
    assert (export.job.status, export.job.error_code) == ("failed", "storage_full")
    assert stored() == []


def test_a_full_folder_of_temporary_files_is_not_a_full_storage(stored: Stored, monkeypatch: Any) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)  # as the workbook is put together
    export = run_export(analysis_of(make_repository()), name="excel")
    assert (export.job.status, export.job.error_code) == ("failed", "no_temporary_file")
    assert "folder of temporary files of the worker (No space left on device)" in export.job.error_message
    assert stored() == []


def test_a_storage_that_is_away_at_the_second_attempt_is_named_as_such(media: Path, settings: Any) -> None:
    """Although what the first one left cannot be removed then."""
    use(settings, BROKEN)
    job = make_job(analysis_of(make_repository(), 1000))
    Job.objects.filter(pk=job.pk).update(max_attempts=2)
    run_queued(job)
    media.rename(media.with_name("elsewhere"))
    media.write_text("a file where the folder should be")
    use(settings, SOUND)
    run_queued(job)
    ended = Job.objects.get(pk=job.pk)
    assert (ended.status, ended.error_code) == ("failed", "storage_unavailable")


def test_a_file_that_fits_is_kept_on_the_same_disk(stored: Stored, settings: Any) -> None:
    use(settings, FULL)
    assert run_export(analysis_of(make_repository())).status == "completed"
    assert len(stored()) == 1


def test_nobody_else_on_the_machine_can_read_the_file(stored: Stored) -> None:
    run_export(analysis_of(make_repository()))
    (file,) = stored()
    assert [oct(path.stat().st_mode & 0o777) for path in (file, file.parent)] == ["0o600", "0o700"]


def test_a_storage_that_fails_is_tried_again(stored: Stored, settings: Any) -> None:
    use(settings, BROKEN)
    job = make_job(analysis_of(make_repository(), 1000))
    run_queued(job)
    assert (Job.objects.get(pk=job.pk).status, export_of(job).status) == ("queued", "queued")
    assert settle() == 0
    use(settings, SOUND)
    assert run_queued(job).status == "completed"
    assert len(stored()) == 1


def test_a_failure_is_told_once(settings: Any) -> None:
    use(settings, FULL)
    job = make_job(analysis_of(make_repository(), 1000))
    run_queued(job)
    (failed,) = Event.objects.filter(type="job.failed", subject_id=job.pk)
    on_event(Event(type="job.completed", subject_kind="job", subject_id=job.pk))
    assert export_of(job).outcome == ""
    on_event(failed)
    on_event(failed)
    settle_exports()
    (event,) = Event.objects.filter(type="export.failed")
    assert (event.subject_id, event.data["job"]) == (export_of(job).pk, job.pk)
    assert event.data["error"]["code"] == "storage_full"


def test_a_job_cancelled_while_it_waits_cancels_its_export() -> None:
    job = make_job(analysis_of(make_repository()))
    cancel(job, None)
    assert settle() == 1
    assert export_of(job).outcome == "cancelled"
    assert not Event.objects.filter(type="export.failed").exists()


def test_an_export_whose_job_is_deleted_does_not_wait_for_ever() -> None:
    job = make_job(analysis_of(make_repository()), dispatch=False)
    export = export_of(job)
    Job.objects.filter(pk=job.pk).delete()
    assert Export.objects.with_status().get(pk=export.pk).status == "failed"
    assert settle() == 1
    export.refresh_from_db()
    assert (export.outcome, export.error_code) == ("failed", "job_deleted")


def test_an_attempt_removes_what_earlier_ones_left_and_nothing_else(stored: Stored) -> None:
    analysis = analysis_of(make_repository())
    other = run_export(analysis)
    job = make_job(analysis)
    export = export_of(job)
    for number in (1, 2):
        key = artifacts.new_key(export, number, "json")
        artifacts.storage().save(key, artifacts.Pieces(iter([b"half"])))
    assert len(stored()) == 3
    Job.objects.filter(pk=job.pk).update(attempt=2)
    done = run_queued(job)
    assert {path.name for path in stored()} == {
        Path(other.artifact).name,
        Path(done.artifact).name,
    }


def test_a_zip_is_passed_on_while_it_is_read() -> None:
    """No member is read before its turn, and what was read has been passed on: memory does not grow with members."""
    read: list[int] = []
    incompressible = [random.Random(seed).randbytes(65536) for seed in range(2)]

    def pieces(number: int) -> Iterator[bytes]:
        for piece in incompressible * 8:
            read.append(number)
            yield piece

    written = 0
    seen = []
    for piece in zipped(Member(f"{number}.bin", None, pieces(number)) for number in range(3)):
        written += len(piece)
        seen.append((len(read), written))
    assert len(read) == 48
    first_half = [total for count, total in seen if count <= 24]
    assert first_half[-1] > written / 3


def test_a_commit_whose_answer_was_lost_keeps_its_file(stored: Stored) -> None:
    """An error in place of the answer does not say that nothing was committed."""
    job = make_job(analysis_of(make_repository()), dispatch=False)
    queued = dispatch(job)
    assert queued.dispatch_id is not None
    claimed = claim(job.pk, queued.dispatch_id, worker="test")
    assert claimed is not None
    with pytest.raises(OperationalError):
        ExportHandler().run(LosesTheAnswer(Attempt(claimed)))
    export = export_of(job)
    assert (export.status, Job.objects.get(pk=job.pk).status) == ("completed", "completed")
    (file,) = stored()
    assert (file.as_posix().endswith(export.artifact), file.stat().st_size) == (True, export.bytes)
