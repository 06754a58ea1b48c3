"""Settings of the worker processes that tests start: the script handler, quick leases, the test database."""

from __future__ import annotations

import os

from commandcenter.settings.test import *  # noqa: F403
from commandcenter.settings.test import DATABASES

DATABASES["default"]["NAME"] = os.environ["CC_TEST_DATABASE"]
JOB_HANDLERS = {
    "analysis": "jobs.tests.handlers.ScriptHandler",
    "export": "jobs.tests.handlers.ScriptHandler",
    "batch_analysis": "jobs.tests.handlers.BatchScript",
}
JOB_LEASE_SECONDS = 4
JOB_HEARTBEAT_SECONDS = 1
WORKER_BEAT_SECONDS = 1
JOB_RETRY_DELAY_SECONDS = 0
JOB_TIME_LIMITS = {"export": (2, 4)}
