"""The Celery application. Tasks live in each app's `tasks.py`; messages are hints, PostgreSQL is the truth."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.production")

app = Celery("commandcenter")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
