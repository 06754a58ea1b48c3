"""Exports in a bucket: written, fetched, removed and swept as on a disk; never half, and clear when it is away."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from botocore.exceptions import ClientError
from django.core.checks.registry import registry
from django.core.files.base import ContentFile
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.accounts.tests.factories import api
from commandcenter.analysis.tests.factories import make_project, make_repository, make_user
from commandcenter.core.objects import upload
from commandcenter.core.objects.storage import ObjectStorage
from commandcenter.core.tests.buckets import address_of, refusing, server
from commandcenter.settings.artifacts import artifact_storage
from exports import artifacts, manifest, retention, storagestate
from exports.checks import storage_usable
from exports.models import Export
from exports.settle import settle
from exports.tasks import prune_exports
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, export_of, make_job, run_export, run_queued
from exports.tests.test_formats import export as streamed
from jobs.models import Job

__all__ = ["server"]  # a fixture of these tests
pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]


def use(settings: Any, address: str) -> ObjectStorage:
    settings.STORAGES = {**settings.STORAGES, "default": artifact_storage(address)}
    storage = artifacts.storage()
    assert isinstance(storage, ObjectStorage)
    return storage


@pytest.fixture
def bucket(server: str, settings: Any) -> Iterator[ObjectStorage]:
    """Make an empty bucket the storage of artifacts."""
    storage = use(settings, address_of(server))
    storage.client.create_bucket(Bucket="files")
    yield storage
    for key in keys(storage):
        storage.client.delete_object(Bucket="files", Key=key)
    for each in storage.client.list_multipart_uploads(Bucket="files").get("Uploads", ()):
        storage.client.abort_multipart_upload(Bucket="files", Key=each["Key"], UploadId=each["UploadId"])
    storage.client.delete_bucket(Bucket="files")


def keys(storage: ObjectStorage) -> list[str]:
    found = storage.client.list_objects_v2(Bucket="files").get("Contents", ())
    return [each["Key"] for each in found]


def download(export: Export, **headers: str) -> Any:
    viewer = api(make_user(export.project))
    return viewer.get(f"/api/v1/exports/{export.pk}/download", headers=headers)


def test_a_file_in_a_bucket_is_what_a_streamed_export_is(bucket: ObjectStorage) -> None:
    analysis = analysis_of(make_repository(), 300)
    export = run_export(analysis)
    assert export.status == "completed"
    assert keys(bucket) == [f"team/{export.artifact}"]
    answer = download(export)
    content = answer.getvalue()
    assert content == streamed(analysis, "json")
    assert (len(content), hashlib.sha256(content).hexdigest()) == (export.bytes, export.sha256)
    assert answer["Content-Length"] == str(export.bytes)


def test_an_archive_goes_up_in_parts(bucket: ObjectStorage, monkeypatch: Any) -> None:
    monkeypatch.setattr(upload, "PART_BYTES", 5 * 1024 * 1024)
    project = make_project()
    export = run_export(*(analysis_of(make_repository(project), 20) for _ in range(2)))
    with zipfile.ZipFile(BytesIO(download(export).getvalue())) as archive:
        assert archive.testzip() is None
        files = json.loads(archive.read("manifest.json"))["files"]
        assert archive.namelist() == [*(each["name"] for each in files), "manifest.json"]
        for each in files:
            content = archive.read(each["name"])
            assert (len(content), hashlib.sha256(content).hexdigest()) == (each["bytes"], each["sha256"])
    assert manifest.files_in(export) == files


def test_deleted_and_expired_exports_leave_the_bucket(bucket: ObjectStorage) -> None:
    analysis = analysis_of(make_repository())
    kept, deleted, expired = (run_export(analysis) for _ in range(3))
    assert api(make_user(staff=True)).delete(f"/api/v1/exports/{deleted.pk}").status_code == 204
    Export.objects.filter(pk=expired.pk).update(expires_at=Now())
    prune_exports()
    assert keys(bucket) == [f"team/{kept.artifact}"]


def test_what_killed_attempts_left_is_swept(bucket: ObjectStorage) -> None:
    """Objects that no export names, and uploads that never ended."""
    export = run_export(analysis_of(make_repository()))
    day = f"exports/{timezone.now() - timedelta(days=3):%Y-%m-%d}"
    lost = bucket.save(f"{day}/{export.pk}-2-{'b' * 16}.json", ContentFile(b"left"))
    foreign = bucket.save(f"{day}/notes.txt", ContentFile(b"mine"))
    bucket.client.create_multipart_upload(Bucket="files", Key=f"team/{day}/{export.pk}-3-{'c' * 16}.json")
    assert retention.sweep() == 2
    assert set(keys(bucket)) == {f"team/{export.artifact}", f"team/{foreign}"}
    assert not bucket.exists(lost)
    assert not bucket.client.list_multipart_uploads(Bucket="files").get("Uploads")


def test_files_are_swept_where_the_server_knows_no_unfinished_uploads(
    bucket: ObjectStorage, monkeypatch: Any
) -> None:
    day = f"exports/{timezone.now() - timedelta(days=3):%Y-%m-%d}"
    lost = bucket.save(f"{day}/7-2-{'b' * 16}.json", ContentFile(b"left"))

    def unknown(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "NotImplemented"}}, "ListMultipartUploads")

    monkeypatch.setattr(bucket.client, "list_multipart_uploads", unknown)
    prune_exports()
    assert not bucket.exists(lost)
    monkeypatch.undo()


def test_an_object_deleted_or_cut_behind_our_back_is_410(bucket: ObjectStorage) -> None:
    export = run_export(analysis_of(make_repository()))
    bucket.save(export.artifact, ContentFile(b"cut"))
    cut = download(export)
    bucket.delete(export.artifact)
    gone = download(export)
    assert [(each.status_code, each.json()["code"]) for each in (cut, gone)] == [
        (410, "file_damaged"),
        (410, "file_missing"),
    ]


def test_a_bucket_that_is_missing_or_away_is_503_and_the_job_is_tried_again(
    bucket: ObjectStorage, server: str, settings: Any, unused_tcp_port: int
) -> None:
    export = run_export(analysis_of(make_repository()))
    job = make_job(analysis_of(make_repository()))
    for address in (address_of(server, "nowhere"), address_of(f"127.0.0.1:{unused_tcp_port}")):
        use(settings, address)
        answer = download(export)
        assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
        assert "hush" not in answer.content.decode()
        assert run_queued(job).status == "queued"
    prune_exports()  # the sweep waits for the storage
    use(settings, address_of(server))
    assert run_queued(job).status == "completed"
    assert download(export).status_code == 200


def test_a_full_bucket_fails_at_once_and_a_refusing_one_says_so(settings: Any) -> None:
    with refusing(507, "XMinioStorageFull") as address:
        use(settings, address_of(address))
        export = run_export(analysis_of(make_repository()))
    assert (export.job.status, export.job.error_code) == ("failed", "storage_full")
    with refusing(403, "AccessDenied") as address:
        use(settings, address_of(address))
        job = make_job(analysis_of(make_repository()))
        Job.objects.filter(pk=job.pk).update(max_attempts=1)
        run_queued(job)
    settle()
    refused = export_of(job)
    assert (refused.status, refused.error_code) == ("failed", "storage_unavailable")
    assert "refuses our key" in refused.error_message


def test_doctor_writes_reads_and_removes(bucket: ObjectStorage) -> None:
    storagestate.try_out()
    assert keys(bucket) == []
    assert storagestate.place().startswith("bucket files at http://127.0.0.1:")


def test_without_the_extra_the_start_says_what_to_install(settings: Any) -> None:
    broken = {"BACKEND": "exports.tests.not_installed.Storage"}
    settings.STORAGES = {**settings.STORAGES, "default": broken}
    (found,) = storage_usable()
    assert storage_usable in set[object](registry.registered_checks)
    assert found.id == "exports.E001"
    assert "-m pip install 'django-storages[s3]" in (found.hint or "")
