"""Tells those who asked for it that packages were matched with advisories."""

from __future__ import annotations

import structlog
from celery import current_app
from django.conf import settings
from kombu.exceptions import OperationalError

EXPIRES = 600  # seconds; who was not told looks every hour

log = structlog.get_logger(__name__)


def tell_matched() -> None:
    """Send the tasks that settings.PACKAGES_MATCHED_TASKS names; without a broker they are sent within the hour."""
    for task in settings.PACKAGES_MATCHED_TASKS:
        try:
            current_app.send_task(task, queue="default", retry=False, ignore_result=True, expires=EXPIRES)
        except OperationalError as error:
            log.warning("not told of matched packages", action="match", task=task, error=str(error))
