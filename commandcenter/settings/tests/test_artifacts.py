"""STORAGE_URL: a folder or a bucket; what cannot be meant is said without showing the key."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from commandcenter.settings.artifacts import BUCKET, FOLDER, artifact_storage


def options(raw: str | None, backend: str = BUCKET) -> dict[str, Any]:
    made = artifact_storage(raw)
    assert made["BACKEND"] == backend
    found: dict[str, Any] = made["OPTIONS"]
    return found


def test_a_folder_keeps_its_files_from_others() -> None:
    private = {"file_permissions_mode": 0o600, "directory_permissions_mode": 0o700}
    assert options(None, FOLDER) == private
    assert options("file:///srv/cc%20files", FOLDER) == {**private, "location": "/srv/cc files"}


def test_a_bucket_of_a_server_has_key_secret_and_address() -> None:
    assert options(
        "s3://AK%2FID:se%40cr%3Aet@minio.example.com:9000/files?region=eu-central-1&secure=false&prefix=/a/b/"
    ) == {
        "bucket_name": "files",
        "endpoint_url": "http://minio.example.com:9000",
        "addressing_style": "path",
        "region_name": "eu-central-1",
        "access_key": "AK/ID",
        "secret_key": "se@cr:et",
        "location": "a/b",
    }
    assert options("s3://minio.example.com/files")["endpoint_url"] == "https://minio.example.com"


def test_a_bucket_alone_leaves_the_rest_to_the_environment_of_aws() -> None:
    assert options("s3://files.example") == {"bucket_name": "files.example", "location": ""}
    assert options("s3://files?region=eu-west-1")["region_name"] == "eu-west-1"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        ("/srv/files", "must be one of"),
        ("gs://files", "must be one of"),
        ("file://srv/files", "three slashes"),
        ("file:///srv?x=1", "three slashes"),
        ("s3://", "names no bucket"),
        ("s3://Files", "names no bucket"),
        ("s3://KEY:hush@files", "must name a bucket after the host"),
        ("s3://KEY:hush@/files", "must name a host"),
        ("s3://KEY@host/files", "both a key and its secret"),
        ("s3://KEY:hush@host:port/files", "cannot be read"),
        ("s3://KEY:hush@[::1/files", "cannot be read"),
        ("s3://KEY:hush@host/a/b", "names no bucket"),
        ("s3://KEY:hush@host/files?secure=perhaps", "secure="),
        ("s3://KEY:hush@host/files?zone=1", "and not zone"),
        ("s3://KEY:hu#sh@host/files", "write / as %2F"),
        ("s3://KEY:hush@host/files?prefix=a/../b", "no plain path"),
        ("s3://KEY:hush@host/files?region=Mars!", "has a region"),
    ],
)
def test_what_cannot_be_used_is_named_without_the_secret(raw: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words) as caught:
        artifact_storage(raw)
    assert "hush" not in str(caught.value)
