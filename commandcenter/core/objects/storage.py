"""A storage in a bucket that behaves as one on a disk: its errors are OSErrors, and files are read as they are asked for."""

from __future__ import annotations

import io
from datetime import datetime
from functools import cached_property
from typing import Any

from botocore.config import Config
from django.core.files.base import File
from storages.backends.s3 import S3Storage
from storages.utils import clean_name

from commandcenter.core.objects.errors import as_os_errors, no_bucket
from commandcenter.core.objects.reading import ObjectReader
from commandcenter.core.objects.upload import put

BUFFER_BYTES = 256 * 1024
MAX_UPLOADS = 1000  # that one call looks at
CONNECT_SECONDS, READ_SECONDS, TRIES = 3, 30, 2


class ObjectStorage(S3Storage):  # type: ignore[misc]  # the package has no types
    """The bucket that STORAGE_URL names."""

    client_config: Any

    def __init__(self, **options: Any) -> None:
        """Take the options of S3Storage; every call has a deadline."""
        super().__init__(**options)
        self.client_config = self.client_config.merge(
            Config(
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                retries={"mode": "standard", "total_max_attempts": TRIES},
                # Servers that only speak S3's protocol refuse the checksums that Amazon's own takes.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            )
        )

    @cached_property
    def client(self) -> Any:
        """The client, which threads may share."""
        with as_os_errors(self.bucket_name):
            return self._create_session().client(
                "s3",
                region_name=self.region_name,
                endpoint_url=self.endpoint_url,
                config=self.client_config,
            )

    def size(self, name: str) -> int:
        """Return the size of an object. Raises FileNotFoundError."""
        return self._reader(name).size

    def exists(self, name: str) -> bool:
        """Tell whether there is such an object."""
        try:
            self._reader(name)
        except FileNotFoundError:
            return False
        return True

    def delete(self, name: str) -> None:
        """Remove an object; that it is not there is no error."""
        with as_os_errors(self.bucket_name):
            self.client.delete_object(Bucket=self.bucket_name, Key=self._key(name))

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        """Return the names of the folders and of the objects in a folder."""
        prefix = self._key(name).rstrip("/") + "/"
        folders: list[str] = []
        files: list[str] = []
        with as_os_errors(self.bucket_name):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=prefix, Delimiter="/"
            )
            for page in pages:
                folders += [each["Prefix"][len(prefix) : -1] for each in page.get("CommonPrefixes", ())]
                files += [each["Key"][len(prefix) :] for each in page.get("Contents", ())]
        return folders, list(filter(None, files))

    def abort_uploads(self, folder: str, before: datetime) -> int:
        """End up to 1,000 uploads that began before and never ended, and return how many; their parts cost room."""
        with as_os_errors(self.bucket_name):
            found = self.client.list_multipart_uploads(
                Bucket=self.bucket_name, Prefix=f"{self._key(folder)}/", MaxUploads=MAX_UPLOADS
            )
            old = [each for each in found.get("Uploads", ()) if each["Initiated"] < before]
            for each in old:
                self.client.abort_multipart_upload(
                    Bucket=self.bucket_name, Key=each["Key"], UploadId=each["UploadId"]
                )
        return len(old)

    def _open(self, name: str, mode: str = "rb") -> File[bytes]:
        if mode != "rb":
            raise ValueError(f"Objects are read as bytes, not in mode {mode!r}; save() writes them.")
        return File(io.BufferedReader(self._reader(name), BUFFER_BYTES), name)

    def _save(self, name: str, content: File[bytes]) -> str:
        with as_os_errors(self.bucket_name):
            put(self.client, self.bucket_name, self._key(name), content.chunks())
        return str(clean_name(name))

    def _reader(self, name: str) -> ObjectReader:
        try:
            return ObjectReader(self.client, self.bucket_name, self._key(name))
        except FileNotFoundError:
            # The answer to HEAD has no body that would tell a missing object from a missing bucket.
            try:
                with as_os_errors(self.bucket_name):
                    self.client.head_bucket(Bucket=self.bucket_name)
            except FileNotFoundError:
                raise no_bucket(self.bucket_name) from None
            raise

    def _key(self, name: str) -> str:
        return str(self._normalize_name(clean_name(name)))
