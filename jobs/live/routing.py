"""The paths of the WebSockets."""

from __future__ import annotations

from typing import Any

from django.urls import re_path

from jobs.live.consumers import JobSocket, ProjectEventsSocket, ProjectJobsSocket
from jobs.live.sockets import NOT_FOUND, Closing, Socket


class UnknownSocket(Socket):
    """Any other path: closed with a code that says so, for a router without it would end the task with an error."""

    async def open(self) -> str:
        """Refuse."""
        raise Closing(NOT_FOUND, "There is no such socket.")


# Typed for views; URLRouter calls what it finds as ASGI applications.
route: Any = re_path
websocket_urlpatterns: list[Any] = [
    route(r"^ws/jobs/(?P<job_id>[0-9]{1,18})/?$", JobSocket.as_asgi()),
    route(r"^ws/jobs/?$", ProjectJobsSocket.as_asgi()),
    route(r"^ws/events/?$", ProjectEventsSocket.as_asgi()),
    route(r"", UnknownSocket.as_asgi()),
]
