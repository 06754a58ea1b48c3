"""WSGI entry point, for development servers and by hand; what is deployed is `commandcenter.asgi` (docs/adr/0010)."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.production")

_application = get_wsgi_application()

from exports.streaming import ENDS_QUIETLY  # noqa: E402  (needs the apps)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer a request; WSGI does not say how a server ends an answer that fails on the way, so exports come whole."""
    environ[ENDS_QUIETLY] = True
    return _application(environ, start_response)
