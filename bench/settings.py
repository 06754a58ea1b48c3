"""Settings of the platform that is measured: those of production, and a job type that does nothing on a queue of its own."""

from __future__ import annotations

from commandcenter.settings.production import *  # noqa: F403
from commandcenter.settings.production import JOB_HANDLERS as REAL_HANDLERS
from commandcenter.settings.production import QUEUES as REAL_QUEUES

QUEUE = "bench"  # no worker of the platform takes from it: jobs wait there until the benchmark starts one
QUEUES = (*REAL_QUEUES, QUEUE)  # type: ignore[assignment]
JOB_HANDLERS = {**REAL_HANDLERS, "import": "bench.tasks.Empty"}
CELERY_IMPORTS = ("bench.tasks",)
