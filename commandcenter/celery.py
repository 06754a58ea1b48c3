"""The Celery application. Tasks live in each app's `tasks.py`; messages are hints, PostgreSQL is the truth."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun
from django.db import close_old_connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.production")

app = Celery("commandcenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
if os.environ.get("CC_PROCESS") != "beat":  # it sends by name: without the tasks' modules it is 25 MB smaller
    app.autodiscover_tasks()
# Celery closes the database connection around each task unless it is told after how many; a new one costs as much as
# the whole claim of a job. Its fixup reads this name from the configuration as it is written.
app.conf["CELERY_DB_REUSE_MAX"] = 1_000


@task_prerun.connect(dispatch_uid="commandcenter.connections")
def _check_connections(sender: Any, **_: Any) -> None:
    """Let a connection that has lasted be looked at before its next use, as Django does at the start of a request."""
    if not sender.request.is_eager:  # within somebody's transaction
        close_old_connections()
