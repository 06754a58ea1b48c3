"""An object of a bucket read as a file: from any place, and with no more of it in memory than a buffer."""

from __future__ import annotations

import errno
import io
from contextlib import suppress
from typing import Any

from commandcenter.core.objects.errors import as_os_errors


class ObjectReader(io.RawIOBase):
    """One version of an object. A seek costs a request, and so does what was written over the object since."""

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        """Ask for size and version. Raises OSError."""
        super().__init__()
        self._client, self._bucket, self._key = client, bucket, key
        self._place = 0
        self._body: Any = None
        with as_os_errors(bucket):
            head = client.head_object(Bucket=bucket, Key=key)
        self.size = int(head["ContentLength"])
        self._etag = str(head["ETag"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place; nothing is read yet."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        place = max(0, start + offset)
        if place != self._place:
            self._drop()
            self._place = place
        return place

    def readinto(self, buffer: Any) -> int:
        """Read what comes next. Raises OSError where the object has changed or ends early."""
        if self._place >= self.size:
            return 0
        with as_os_errors(self._bucket):
            if self._body is None:
                self._body = self._client.get_object(
                    Bucket=self._bucket, Key=self._key, Range=f"bytes={self._place}-", IfMatch=self._etag
                )["Body"]
            piece = self._body.read(len(buffer))
        if not piece:
            raise OSError(errno.EIO, "the object ended early")
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def close(self) -> None:
        """Let go of the connection."""
        self._drop()
        super().close()

    def _drop(self) -> None:
        body, self._body = self._body, None
        if body is not None:
            with suppress(Exception):  # it is not needed any more, however it ends
                body.close()
