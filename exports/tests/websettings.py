"""Settings of the web server that tests start: the test database, and one connection to it."""

from __future__ import annotations

import os
from pathlib import Path

from commandcenter.settings.test import *  # noqa: F403
from commandcenter.settings.test import DATABASES

DATABASES["default"]["NAME"] = os.environ["CC_TEST_DATABASE"]
DATABASES["default"]["OPTIONS"]["application_name"] = os.environ["CC_TEST_NAME"]
MEDIA_ROOT = Path(os.environ["CC_TEST_MEDIA"])
ALLOWED_HOSTS = ["127.0.0.1"]
