"""ASGI entry point: one port for everything. /ws goes to Channels; HTTP runs Django's WSGI handler in fixed pools.

Django's own ASGI handler costs about four times the CPU a request (docs/architecture.md).
"""

from __future__ import annotations

import asyncio
import os
import re
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.production")
os.environ.setdefault("CC_PROCESS", "web")

from commandcenter import loading

loading.begin()

import structlog  # noqa: E402  (after the garbage collector was stopped)
from channels.layers import get_channel_layer  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import get_resolver  # noqa: E402
from redis.exceptions import RedisError  # noqa: E402

wsgi = get_wsgi_application()

from commandcenter.accounts.sockets import SocketAuthentication  # noqa: E402  (needs the apps)
from commandcenter.core.bridge import Bridge  # noqa: E402
from jobs.live.routing import websocket_urlpatterns  # noqa: E402

HTTP_THREADS = 8
# Exports and files, which may take hours of a thread: they wait for each other, and nobody else for them.
LONG = re.compile(r"/api/v1/(export/[0-9]|exports/([0-9]+/download|links/))")
SUBSCRIBE_SECONDS = 2.0

log = structlog.get_logger(__name__)


async def lifespan(_scope: Any, receive: Any, send: Any) -> None:
    """Answer the server's start and stop messages, and keep the channel layer listening in between."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await _stay_subscribed()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _stay_subscribed() -> None:
    """Join a group that nobody writes to.

    A layer without any subscription looks for one only every 100 ms, and the first socket's news would wait for that.
    """
    layer = get_channel_layer()
    try:
        async with asyncio.timeout(SUBSCRIBE_SECONDS):
            await layer.group_add("stay-subscribed", await layer.new_channel())
    except (OSError, TimeoutError, RedisError):
        log.warning("channel layer not reached at the start", action="subscribe")


application = ProtocolTypeRouter(
    {
        "http": Bridge(wsgi, HTTP_THREADS, LONG),
        "websocket": SocketAuthentication(URLRouter(websocket_urlpatterns)),
        "lifespan": lifespan,
    }
)

get_resolver().url_patterns  # noqa: B018  (loads every view now, not in the first request)
loading.end()
