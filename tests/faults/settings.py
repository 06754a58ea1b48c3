"""Settings of the stage's processes: the handler of these tests. Times come from the environment, as in production."""

from __future__ import annotations

import os

from commandcenter.settings.test import *  # noqa: F403

JOB_HANDLERS = {
    "analysis": "tests.faults.handlers.FaultHandler",
    "export": "tests.faults.handlers.FaultHandler",
}
JOB_RETRY_DELAY_SECONDS = 0
if "CC_WEBHOOK_LEASE_SECONDS" not in os.environ:
    WEBHOOK_LEASE_SECONDS = 3  # of attempts that take milliseconds
