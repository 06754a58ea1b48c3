"""What goes wrong with a bucket, said as a disk would: as an OSError with a number and a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

MISSING = frozenset({"NoSuchKey", "NoSuchUpload", "NotFound", "404"})
FULL = frozenset({"QuotaExceeded", "InsufficientStorage", "XMinioStorageFull", "EntityTooLarge"})


@contextmanager
def as_os_errors(bucket: str) -> Iterator[None]:
    """Raise OSError for what the client of S3 raises: FileNotFoundError, PermissionError, ENOSPC, else EIO or ENXIO."""
    try:
        yield
    except ClientError as error:
        raise _answered(error.response, bucket) from error
    except BotoCoreError as error:
        raise OSError(errno.EIO, f"the bucket {bucket} does not answer: {type(error).__name__}") from error


def no_bucket(bucket: str) -> OSError:
    """Return the error of a bucket that does not exist; it is no FileNotFoundError, for no object is known to be gone."""
    return OSError(errno.ENXIO, f"there is no bucket {bucket}")


def _answered(response: Any, bucket: str) -> OSError:
    code = str(response.get("Error", {}).get("Code", ""))[:60]
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code == "NoSuchBucket":
        return no_bucket(bucket)
    if code in MISSING:
        return OSError(errno.ENOENT, "the object does not exist")
    if code in FULL or status == 507:
        return OSError(errno.ENOSPC, f"the bucket {bucket} has no room ({code})")
    if status in {401, 403}:
        return OSError(errno.EACCES, f"the bucket {bucket} refuses our key ({code})")
    return OSError(errno.EIO, f"the bucket {bucket} answered {status} ({code})")
