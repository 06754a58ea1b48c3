"""Puts bytes into a bucket piece by piece: the object appears when all of them are there, or never."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

PART_BYTES = 8 * 1024 * 1024  # what is held in memory; a bucket takes 10,000 parts, so 80 GB in all


def put(client: Any, bucket: str, key: str, pieces: Iterable[bytes]) -> None:
    """Store the pieces as one object. What stops it on the way leaves nothing; raises what the pieces or the client do."""
    held = bytearray()
    upload: _Upload | None = None
    try:
        for piece in pieces:
            held += piece
            if len(held) >= PART_BYTES:
                upload = upload or _Upload(client, bucket, key)
                upload.add(bytes(held))
                held.clear()
        if upload is None:
            client.put_object(Bucket=bucket, Key=key, Body=bytes(held))
            return
        if held:
            upload.add(bytes(held))
        upload.complete()
    except BaseException:
        if upload is not None:
            upload.abort()
        raise


class _Upload:
    """An object in parts, which nobody sees before it is complete."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client = client
        made = client.create_multipart_upload(Bucket=bucket, Key=key)
        self._target = {"Bucket": bucket, "Key": key, "UploadId": made["UploadId"]}
        self._parts: list[dict[str, Any]] = []

    def add(self, part: bytes) -> None:
        number = len(self._parts) + 1
        answer = self._client.upload_part(**self._target, PartNumber=number, Body=part)
        self._parts.append({"ETag": answer["ETag"], "PartNumber": number})

    def complete(self) -> None:
        self._client.complete_multipart_upload(**self._target, MultipartUpload={"Parts": self._parts})

    def abort(self) -> None:
        with suppress(Exception):  # what matters is why it is aborted; the sweep removes what stays
            self._client.abort_multipart_upload(**self._target)
