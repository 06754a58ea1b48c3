"""Settings of the worker processes that tests start: a slow storage, quick leases, the test database."""

from __future__ import annotations

import os
from pathlib import Path

from commandcenter.settings.test import *  # noqa: F403
from commandcenter.settings.test import DATABASES, STORAGES

DATABASES["default"]["NAME"] = os.environ["CC_TEST_DATABASE"]
MEDIA_ROOT = Path(os.environ["CC_TEST_MEDIA"])
STORAGES = {**STORAGES, "default": {"BACKEND": "exports.tests.storages.Dripping"}}
JOB_LEASE_SECONDS = 4
JOB_HEARTBEAT_SECONDS = 1
JOB_RETRY_DELAY_SECONDS = 0
