"""System checks: an artifact storage that cannot be made is found at start-up, not by the first export."""

from __future__ import annotations

import sys
from typing import Any

from django.core.checks import CheckMessage, Error

from exports import artifacts


def storage_usable(**_: Any) -> list[CheckMessage]:
    """Check that the storage of STORAGE_URL can be made; it is not reached, for a storage may be away at start-up."""
    try:
        artifacts.storage()
    except Exception as error:  # noqa: BLE001  (whatever a storage raises, the start must name it)
        if isinstance(error.__cause__, ImportError):
            return [
                Error(
                    f"STORAGE_URL names a bucket, and what reads buckets is not installed ({error.__cause__}).",
                    hint=f"Install it: {sys.executable} -m pip install 'django-storages[s3]>=1.14,<2'.",
                    id="exports.E001",
                )
            ]
        return [
            Error(f"The artifact storage cannot be made: {error}", hint="See STORAGE_URL.", id="exports.E002")
        ]
    return []
