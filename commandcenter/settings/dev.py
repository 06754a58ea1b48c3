"""Settings for working on Command Center itself: debug pages, files served as they lie."""

from __future__ import annotations

from commandcenter.settings.base import *  # noqa: F403
from commandcenter.settings.base import STORAGES

DEBUG = True
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
