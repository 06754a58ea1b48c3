"""The storage in a bucket, against a server on loopback that speaks S3's protocol."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.files.base import ContentFile, File

from commandcenter.core.objects import upload
from commandcenter.core.objects.storage import ObjectStorage
from commandcenter.core.tests.buckets import bucket_at, refusing, server

__all__ = ["server"]  # a fixture of these tests


class Chunks(File):
    """Content that comes in pieces."""

    def __init__(self, pieces: Any) -> None:
        super().__init__(None, name="")
        self._pieces = pieces

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        yield from self._pieces


@pytest.fixture
def bucket(server: str) -> Iterator[ObjectStorage]:
    """Return an empty bucket."""
    storage = bucket_at(server)
    storage.client.create_bucket(Bucket="files")
    yield storage
    found = storage.client.list_objects_v2(Bucket="files").get("Contents", ())
    for each in found:
        storage.client.delete_object(Bucket="files", Key=each["Key"])
    for each in storage.client.list_multipart_uploads(Bucket="files").get("Uploads", ()):
        storage.client.abort_multipart_upload(Bucket="files", Key=each["Key"], UploadId=each["UploadId"])
    storage.client.delete_bucket(Bucket="files")


def keys(storage: ObjectStorage) -> list[str]:
    return [each["Key"] for each in storage.client.list_objects_v2(Bucket="files").get("Contents", ())]


def uploads(storage: ObjectStorage) -> int:
    return len(storage.client.list_multipart_uploads(Bucket="files").get("Uploads", ()))


def test_what_was_saved_is_read_from_any_place(bucket: ObjectStorage) -> None:
    content = bytes(range(256)) * 4096
    assert bucket.save("a/b.bin", ContentFile(content)) == "a/b.bin"
    assert keys(bucket) == ["team/a/b.bin"]
    assert bucket.size("a/b.bin") == len(content)
    with bucket.open("a/b.bin") as file:
        assert file.size == len(content)
        assert file.read() == content
        file.seek(700_001)
        assert file.read(9) == content[700_001:700_010]
        file.seek(-3, 2)
        assert file.read() == content[-3:]
        file.seek(10**9)
        assert file.read() == b""


def test_folders_are_listed_and_what_is_deleted_is_gone(bucket: ObjectStorage) -> None:
    for name in ("a/1", "a/2", "b/3", "c"):
        bucket.save(name, ContentFile(b"x"))
    assert bucket.listdir("") == (["a", "b"], ["c"])
    assert bucket.listdir("a") == ([], ["1", "2"])
    assert bucket.listdir("none") == ([], [])
    bucket.delete("a/1")
    bucket.delete("a/1")
    assert (bucket.exists("a/1"), bucket.exists("a/2")) == (False, True)
    with pytest.raises(FileNotFoundError):
        bucket.size("a/1")
    with pytest.raises(FileNotFoundError):
        bucket.open("a/1")


def test_large_content_goes_up_in_parts(bucket: ObjectStorage, monkeypatch: Any) -> None:
    monkeypatch.setattr(upload, "PART_BYTES", 5 * 1024 * 1024)  # the least that a bucket takes
    pieces = [bytes([number]) * 1024 * 1024 for number in range(11)]
    bucket.save("large", Chunks(pieces))
    with bucket.open("large") as file:
        assert file.read() == b"".join(pieces)
    assert uploads(bucket) == 0


def test_content_that_ends_with_an_error_leaves_nothing(bucket: ObjectStorage, monkeypatch: Any) -> None:
    monkeypatch.setattr(upload, "PART_BYTES", 1024)
    seen = []

    def pieces() -> Iterator[bytes]:
        yield b"x" * 2048
        seen.append((keys(bucket), uploads(bucket)))
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        bucket.save("half", Chunks(pieces()))
    assert seen == [([], 1)]
    assert (keys(bucket), uploads(bucket)) == ([], 0)


def test_uploads_that_never_ended_are_ended(bucket: ObjectStorage) -> None:
    for key in ("team/exports/a", "team/other/b"):
        bucket.client.create_multipart_upload(Bucket="files", Key=key)
    assert bucket.abort_uploads("exports", datetime(2000, 1, 1, tzinfo=UTC)) == 0
    assert bucket.abort_uploads("exports", datetime.now(UTC)) == 1
    assert uploads(bucket) == 1


def test_what_is_written_over_an_object_is_not_mixed_into_it(bucket: ObjectStorage) -> None:
    bucket.save("a", ContentFile(b"1" * 600_000))
    with bucket.open("a") as file:
        bucket.save("a", ContentFile(b"2" * 600_000))
        with pytest.raises(OSError, match="412"):
            file.read(10)


def test_a_bucket_that_is_missing_is_no_missing_object(server: str) -> None:
    away = bucket_at(server, "nowhere")
    for act in (
        lambda: away.size("a"),
        lambda: away.open("a"),
        lambda: away.exists("a"),
        lambda: away.save("a", ContentFile(b"x")),
        lambda: away.listdir("a"),
    ):
        with pytest.raises(OSError, match="there is no bucket nowhere") as caught:
            act()
        assert not isinstance(caught.value, FileNotFoundError)


def test_a_server_that_is_away_is_an_error_of_the_storage(unused_tcp_port: int) -> None:
    away = bucket_at(f"127.0.0.1:{unused_tcp_port}")
    for act in (lambda: away.size("a"), lambda: away.delete("a"), lambda: away.save("a", ContentFile(b"x"))):
        with pytest.raises(OSError, match="does not answer") as caught:
            act()
        assert caught.value.errno == errno.EIO
        assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "number", "words"),
    [
        ((403, "AccessDenied"), errno.EACCES, "refuses our key"),
        ((403, "SignatureDoesNotMatch"), errno.EACCES, "refuses our key"),
        ((507, "XMinioStorageFull"), errno.ENOSPC, "has no room"),
        ((400, "QuotaExceeded"), errno.ENOSPC, "has no room"),
        ((400, "Strange"), errno.EIO, "answered 400"),
    ],
)
def test_refusals_and_full_buckets_are_told_apart(answer: tuple[int, str], number: int, words: str) -> None:
    with refusing(*answer) as address, pytest.raises(OSError, match=words) as caught:
        bucket_at(address).save("a", ContentFile(b"x"))
    assert caught.value.errno == number
