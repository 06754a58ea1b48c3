"""Old jobs move to files; nothing is deleted that was not written and read back, whatever fails and whenever."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connection, connections, transaction
from pytest_django import Settings

from commandcenter.inventory.models import Project
from jobs import tasks
from jobs.exceptions import ArchiveBusy, ArchiveFailed
from jobs.models import ArchiveFile, ArchiveState, Job, JobEvent, JobRun
from jobs.retention.archive import archive, waiting
from jobs.statistics.stats import statistics
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project, make_user
from jobs.tests.history import ago, ended
from jobs.tests.test_api import client

pytestmark = COMMITTED
STORAGES = "jobs.tests.storages."


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    """Give each test a storage of its own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def lines() -> list[dict[str, Any]]:
    """Return what all recorded files hold."""
    found = []
    for file in ArchiveFile.objects.order_by("pk"):
        with default_storage.open(file.key) as stored:
            data = stored.read()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.bytes, file.sha256)
        found += [orjson.loads(line) for line in gzip.decompress(data).splitlines()]
    return found


def archived() -> list[int]:
    """Return the ids in all recorded files."""
    return [line["job"]["id"] for line in lines()]


def use(settings: Settings, name: str) -> None:
    """Let artifacts go to a storage of jobs.tests.storages."""
    settings.STORAGES = {**django_settings.STORAGES, "default": {"BACKEND": STORAGES + name}}


def command(*arguments: str) -> tuple[int, str, str]:
    """Return exit status, output and messages of `manage.py archive_jobs`."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("archive_jobs", *arguments, stdout=out, stderr=err)
    except SystemExit as ending:
        return int(ending.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_old_jobs_move_whole_and_the_others_stay() -> None:
    project = make_project()
    old = ended(project, 3, at=ago(days=40))
    recent = ended(project, 2, at=ago(days=20))
    active = make_job(project)
    Job.objects.filter(pk=active.pk).update(created_at=ago(days=60))
    before = statistics(Project.objects.all())
    done = archive(30)
    assert (done.files, done.written, done.deleted, done.finished) == (1, 3, 3, True)
    assert set(Job.objects.values_list("pk", flat=True)) == {active.pk, *(job.pk for job in recent)}
    assert not JobEvent.objects.filter(job_id__in=[job.pk for job in old]).exists()
    assert not JobRun.objects.filter(job_id__in=[job.pk for job in old]).exists()
    first = lines()[0]
    assert archived() == [job.pk for job in old]
    assert (first["schema"], first["job"]["project_slug"]) == (1, project.slug)
    assert first["job"]["parameters"] == {"steps": [], "number": 0}
    assert first["run"]["last_seq"] == 3
    assert [event["seq"] for event in first["events"]] == [1, 2, 3]
    assert first["events"][1]["data"]["message"] == f"line of {old[0].pk}"
    file = ArchiveFile.objects.get()
    assert (file.state, file.jobs, file.deleted) == (ArchiveState.DONE, 3, 3)
    assert file.key.startswith(f"archive/jobs/{file.first_completed_at:%Y/%m}/")
    after = statistics(Project.objects.all())
    assert after == before
    assert archive(30).files == 0


def test_a_file_is_read_by_ordinary_tools(media: Path) -> None:
    job = ended(make_project(), 1, at=ago(days=40))[0]
    archive(30)
    shown = subprocess.run(
        ["gzip", "-dc", media / ArchiveFile.objects.get().key], capture_output=True, check=True, timeout=30
    )
    assert orjson.loads(shown.stdout)["job"]["id"] == job.pk


def test_each_file_holds_so_many_jobs() -> None:
    old = ended(make_project(), 7, at=ago(days=40))
    done = archive(30, batch=3)
    assert (done.files, [file.jobs for file in ArchiveFile.objects.order_by("pk")]) == (3, [3, 3, 1])
    assert archived() == [job.pk for job in old]


def test_a_batch_goes_after_its_children_and_with_them() -> None:
    project = make_project()
    parent = ended(project, 1, at=ago(days=40), job_type="batch_analysis")[0]
    children = ended(project, 3, at=ago(days=41), parent=parent)
    assert waiting(30) == 4
    done = archive(30)
    assert (done.written, Job.objects.count()) == (4, 0)
    assert archived() == [*(child.pk for child in children), parent.pk]
    assert lines()[0]["job"]["parent"] == parent.pk


def test_children_wait_for_a_batch_that_ended_lately_and_a_batch_for_its_children() -> None:
    project = make_project()
    recent = ended(project, 1, at=ago(days=10), job_type="batch_analysis")[0]
    ended(project, 2, at=ago(days=40), parent=recent)
    old = ended(project, 1, at=ago(days=40), job_type="batch_analysis")[0]
    ended(project, 1, at=ago(days=10), parent=old)
    assert waiting(30) == 0
    assert archive(30).files == 0
    assert Job.objects.count() == 5


@pytest.mark.parametrize(
    ("storage", "said"),
    [
        ("FullDisk", "No space left"),
        ("Corrupting", "other bytes than were written"),
        ("CuttingShort", "bytes, not the"),
        ("Forgetful", "not in the storage"),
    ],
)
def test_a_storage_that_does_not_keep_it_deletes_nothing(
    settings: Settings, media: Path, storage: str, said: str
) -> None:
    ended(make_project(), 3, at=ago(days=40))
    use(settings, storage)
    with pytest.raises(ArchiveFailed, match=said):
        archive(30)
    assert (Job.objects.count(), JobEvent.objects.count(), ArchiveFile.objects.count()) == (3, 9, 0)
    assert [path for path in media.rglob("*") if path.is_file()] == []
    status, out, err = command("--days", "30")
    assert (status, out) == (1, "")
    assert "still in the database" in err
    settings.STORAGES = {
        **django_settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    }
    assert archive(30).deleted == 3


@pytest.fixture
def archiver(settings: Settings, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Return a function that starts `manage.py archive_jobs` with a storage of ours, as a process of its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(storage: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "jobs.tests.archivesettings",
            "CC_TEST_DATABASE": connection.settings_dict["NAME"],
            "CC_TEST_STORAGE": storage,
            "CC_TEST_MEDIA": str(settings.MEDIA_ROOT),
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "archive_jobs", "--days", "30"],
            cwd=django_settings.BASE_DIR,
            env=environment,
            stderr=(tmp_path / "stderr").open("wb"),
            stdout=subprocess.DEVNULL,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait(10)


@pytest.mark.process
@pytest.mark.parametrize("storage", ["DyingMidWrite", "DyingBeforeRead"])
def test_a_crash_before_the_file_was_verified_loses_nothing(
    archiver: Any, eventually: Any, storage: str
) -> None:
    old = ended(make_project(), 3, at=ago(days=40))
    process = archiver(STORAGES + storage)
    assert process.wait(60) == -signal.SIGKILL
    assert (Job.objects.count(), JobEvent.objects.count(), ArchiveFile.objects.count()) == (3, 9, 0)
    eventually(_nobody_archives)
    assert archive(30).deleted == 3
    assert archived() == [job.pk for job in old]


@pytest.mark.process
@pytest.mark.parametrize(("blocked", "left"), [(20, 250), (120, 150)])
def test_a_crash_between_verifying_and_deleting_is_made_up_for(
    archiver: Any, eventually: Any, blocked: int, left: int
) -> None:
    """The process is killed while it waits for a row that somebody holds: in the first step, or after one."""
    old = ended(make_project(), 250, at=ago(days=40))
    holding, release = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Job.objects.select_for_update().get(pk=old[blocked].pk)
                holding.set()
                assert release.wait(60)
        finally:
            connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        assert holding.wait(10)
        process = archiver("django.core.files.storage.FileSystemStorage")
        eventually(lambda: _waits_for_a_row() and Job.objects.count() == left, 60)
        process.kill()
        process.wait(10)
    finally:
        release.set()
        thread.join(30)
    file = ArchiveFile.objects.get()
    assert (file.state, file.jobs, file.deleted) == (ArchiveState.VERIFIED, 250, 250 - left)
    eventually(_nobody_archives)
    done = archive(30)
    assert (done.files, done.deleted, Job.objects.count()) == (0, left, 0)
    assert archived() == [job.pk for job in old]
    file.refresh_from_db()
    assert (file.state, file.deleted) == (ArchiveState.DONE, 250)


def _nobody_archives() -> bool:
    """Tell whether the database has noticed that the killed process is gone; its session holds the lock until then."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
        return not cursor.fetchone()[0]


def _waits_for_a_row() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock' AND query LIKE '%%FOR UPDATE%%'"
        )
        return bool(cursor.fetchone()[0])


def test_a_recorded_file_that_was_damaged_before_its_jobs_went_is_written_again(media: Path) -> None:
    ended(make_project(), 3, at=ago(days=40))
    kept = archive(30)
    assert kept.deleted == 3
    old = ended(make_project(), 2, at=ago(days=40))
    file = ArchiveFile.objects.get()
    ArchiveFile.objects.filter(pk=file.pk).update(state=ArchiveState.VERIFIED, deleted=0)
    (media / file.key).write_bytes(b"nothing")
    assert archive(30).deleted == 2
    file.refresh_from_db()
    assert file.state == ArchiveState.DAMAGED
    (media / file.key).unlink()
    file.delete()
    assert archived() == [job.pk for job in old]


def test_a_recorded_file_that_was_damaged_after_some_of_its_jobs_went_is_reported(media: Path) -> None:
    ended(make_project(), 3, at=ago(days=40))
    archive(30)
    file = ArchiveFile.objects.get()
    ArchiveFile.objects.filter(pk=file.pk).update(state=ArchiveState.VERIFIED)
    (media / file.key).write_bytes(b"nothing")
    status, _out, err = command("--days", "30")
    assert status == 1
    assert file.key in err


def test_only_one_archiver_works_at_a_time() -> None:
    ended(make_project(), 1, at=ago(days=40))
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [0x636A5F617263])
        with pytest.raises(ArchiveBusy):
            archive(30)
        status, _out, err = command("--days", "30")
        assert (status, Job.objects.count()) == (3, 1)
        assert "Another archiver" in err
        tasks.archive_old()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
    finally:
        other.close()
    assert archive(30).deleted == 1


def test_the_command_says_what_it_did_and_would_do() -> None:
    ended(make_project(), 3, at=ago(days=40))
    status, out, err = command("--days", "30", "--dry-run")
    assert (status, out.strip(), err) == (0, "3 jobs ended more than 30 days ago and would be archived.", "")
    assert Job.objects.count() == 3
    status, out, err = command("--days", "30", "--batch", "2")
    assert status == 0
    assert out.startswith("3 jobs written to 2 files (")
    assert "3 deleted" in out
    assert [line.count("archive/jobs/") for line in err.strip().splitlines()] == [1, 1]


@pytest.mark.parametrize(
    "arguments", [("--days", "0"), ("--days=-1",), ("--days", "40000"), ("--batch", "0")]
)
def test_limits_that_cannot_be_meant_are_refused(arguments: tuple[str, ...]) -> None:
    ended(make_project(), 1, at=ago(days=100))
    status, _out, err = command(*arguments)
    assert status == 2
    assert "must lie between 1 and" in err
    assert Job.objects.count() == 1


def test_the_task_archives_by_the_setting_and_not_at_all_at_0(settings: Settings) -> None:
    ended(make_project(), 1, at=ago(days=40))
    settings.JOB_ARCHIVE_DAYS = 0
    tasks.archive_old()
    assert Job.objects.count() == 1
    settings.JOB_ARCHIVE_DAYS = 30
    tasks.archive_old()
    assert Job.objects.count() == 0


def test_the_task_outlives_a_storage_that_fails(settings: Settings) -> None:
    settings.JOB_ARCHIVE_DAYS = 30
    ended(make_project(), 1, at=ago(days=40))
    use(settings, "FullDisk")
    tasks.archive_old()
    assert Job.objects.count() == 1


def test_time_that_has_run_out_begins_no_file() -> None:
    ended(make_project(), 3, at=ago(days=40))
    done = archive(30, batch=1, seconds=0)
    assert (done.files, done.finished, Job.objects.count()) == (0, False, 3)


def test_an_archived_job_is_gone_for_the_api() -> None:
    old = ended(make_project(), 1, at=ago(days=40))[0]
    archive(30)
    assert client(make_user(staff=True)).get(f"/api/v1/jobs/{old.pk}").status_code == 404
