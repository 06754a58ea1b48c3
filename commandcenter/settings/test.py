"""Settings of the tests: real PostgreSQL and Valkey, cheap password hashes, no rate limits unless a test sets them."""

from __future__ import annotations

import os

os.environ.setdefault("CC_RATE_LIMITS", "off")

from commandcenter.settings.base import *  # noqa: F403
from commandcenter.settings.base import STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = True
