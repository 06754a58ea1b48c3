"""Metrics of Celery's tasks, counted by the processes that run them and shared through Prometheus' multi-process files.

Only processes with the same PROMETHEUS_MULTIPROC_DIR as the web server appear in its /metrics; `up` gives all the same.
"""

from __future__ import annotations

import time
from typing import Any

from celery import Task, current_app
from celery.signals import task_postrun, task_prerun, worker_process_init, worker_ready
from prometheus_client import Counter, Gauge, Histogram

STATES = ("success", "failure", "retry", "ignored", "rejected", "revoked")
BUCKETS = (0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300, 900)

active = Gauge("celery_worker_tasks_active", "Tasks that run now.", ["task"], multiprocess_mode="livesum")
total = Counter("celery_tasks", "Tasks that have ended, by outcome.", ["task", "status"])
runtime = Histogram(
    "celery_task_runtime_seconds", "How long tasks ran, whatever their outcome.", ["task"], buckets=BUCKETS
)
_started: dict[str, float] = {}  # task id -> when; as many as run in this process at once


def connect() -> None:
    """Count the tasks of this process when it is a worker's; in any other nothing happens."""
    worker_ready.connect(_initialise, dispatch_uid="ops.taskmetrics.ready")
    worker_process_init.connect(_initialise, dispatch_uid="ops.taskmetrics.process")
    task_prerun.connect(_begin, dispatch_uid="ops.taskmetrics.begin")
    task_postrun.connect(_end, dispatch_uid="ops.taskmetrics.end")


def _initialise(**_: Any) -> None:
    """Let each series exist from the start: one without a sample does not appear at all."""
    for name in current_app.tasks:
        if not name.startswith("celery."):
            active.labels(name).set(0)
            runtime.labels(name)
            for state in STATES[:2]:
                total.labels(name, state)


def _begin(task_id: str, task: Task[Any, Any], **_: Any) -> None:
    _started[task_id] = time.perf_counter()
    active.labels(task.name).inc()


def _end(task_id: str, task: Task[Any, Any], state: str | None = None, **_: Any) -> None:
    begun = _started.pop(task_id, None)
    if begun is None:
        return
    active.labels(task.name).dec()
    runtime.labels(task.name).observe(time.perf_counter() - begun)
    word = (state or "").lower()
    total.labels(task.name, word if word in STATES else "failure").inc()
