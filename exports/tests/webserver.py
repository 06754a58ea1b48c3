"""The web server as `up` starts it, with one database connection, for tests of what ends in the middle of an answer."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import connection

NAME = "commandcenter-disconnect"
START_SECONDS = 60


class Web:
    """A running server on a port of its own, whose artifacts lie in a folder."""

    def __init__(self, port: int, folder: Path, environ: dict[str, str]) -> None:
        self.port = port
        self.media = folder / "media"
        full = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "exports.tests.websettings",
            "CC_PROCESS": "web",
            "CC_DB_POOL": "1",
            "CC_TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "CC_TEST_NAME": NAME,
            "CC_TEST_MEDIA": str(self.media),
            **environ,
        }
        argv = [
            sys.executable, "-m", "granian", "--interface", "asgi", "exports.tests.endless:application",
            "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-access-log", "--log-level", "warning",
        ]  # fmt: skip
        with (folder / "web.log").open("wb") as log:
            self.process = subprocess.Popen(
                argv, env=full, cwd=settings.BASE_DIR, stdout=log, stderr=log, start_new_session=True
            )

    def send(self, request: str) -> socket.socket:
        """Send a request, or the beginning of one, over a connection that takes little at a time."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        client.settimeout(20)
        client.connect(("127.0.0.1", self.port))
        client.sendall(request.encode())
        return client

    def open(self, path: str, token: str, version: str = "1.1") -> socket.socket:
        """Ask for an address."""
        return self.send(
            f"GET {path} HTTP/{version}\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
        )

    def status(self, path: str, token: str) -> str:
        """Return the status of an answer, nothing while the server does not listen."""
        try:
            with self.open(path, token) as client:
                return client.recv(4096).decode("latin1").split(" ")[1]
        except ConnectionError:
            return ""

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)


@contextmanager
def serving(port: int, folder: Path, **environ: str) -> Iterator[Web]:
    """Run a server while the block lasts."""
    server = Web(port, folder, environ)
    try:
        until = time.monotonic() + START_SECONDS
        while not server.status("/api/v1/projects", "none") and time.monotonic() < until:
            time.sleep(0.1)
        yield server
    finally:
        server.end()


def rest_of(client: socket.socket) -> bytes:
    """Return what still comes over a connection until its end."""
    answer = b""
    try:
        while piece := client.recv(65_536):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def states() -> list[str]:
    """Return what the server's database connections do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE application_name = %s", [NAME])
        return [row[0] for row in cursor.fetchall()]
