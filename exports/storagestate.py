"""Where artifacts lie, and whether the storage takes and gives them: for `manage.py doctor`."""

from __future__ import annotations

import errno
import secrets

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from exports import artifacts

PROBE = b"command center"


def place() -> str:
    """Return the folder or the bucket, without keys."""
    storage = artifacts.storage()
    if isinstance(storage, FileSystemStorage):
        return f"folder {storage.location}"
    endpoint = getattr(storage, "endpoint_url", None)
    return f"bucket {getattr(storage, 'bucket_name', '?')} at {endpoint or 'Amazon S3'}"


def try_out() -> None:
    """Write a small file, read it and remove it. Raises OSError."""
    storage = artifacts.storage()
    key = storage.save(f"doctor/{secrets.token_hex(8)}", ContentFile(PROBE))
    try:
        with storage.open(key) as file:
            if file.read() != PROBE:
                raise OSError(errno.EIO, "what was written is not what is read")
    finally:
        storage.delete(key)
