"""Settings of the archivers that tests start: the test database, and the storage that the test names."""

from __future__ import annotations

import os
from pathlib import Path

from commandcenter.settings.test import *  # noqa: F403
from commandcenter.settings.test import DATABASES, STORAGES

DATABASES["default"]["NAME"] = os.environ["CC_TEST_DATABASE"]
STORAGES = {**STORAGES, "default": {"BACKEND": os.environ["CC_TEST_STORAGE"]}}
MEDIA_ROOT = Path(os.environ["CC_TEST_MEDIA"])
