"""What ends in the middle of a streamed export, at the real web server with one database connection."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from commandcenter.accounts.tests.factories import make_token
from commandcenter.analysis.tests.factories import make_repository, make_user
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of
from jobs.tests.processes import Eventually

pytestmark = [COMMITTED, pytest.mark.process]

NAME = "commandcenter-disconnect"


class Web:
    """The web server as `up` starts it, on a port of its own."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port = port
        environ = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "exports.tests.websettings",
            "CC_PROCESS": "web",
            "CC_DB_POOL": "1",
            "CC_TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "CC_TEST_NAME": NAME,
        }
        argv = [
            sys.executable, "-m", "granian", "--interface", "asgi", "exports.tests.endless:application",
            "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--no-access-log", "--log-level", "warning",
        ]  # fmt: skip
        with (folder / "web.log").open("wb") as log:
            self.process = subprocess.Popen(
                argv, env=environ, cwd=settings.BASE_DIR, stdout=log, stderr=log, start_new_session=True
            )

    def open(self, path: str, token: str) -> socket.socket:
        """Send a request over a connection that takes little at a time."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        client.settimeout(20)
        client.connect(("127.0.0.1", self.port))
        client.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        return client

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


@pytest.fixture
def web(tmp_path: Path, unused_tcp_port: int, eventually: Eventually) -> Iterator[Web]:
    server = Web(unused_tcp_port, tmp_path)
    try:
        eventually(lambda: server.status("/api/v1/projects", "none"), 60)
        yield server
    finally:
        server.end()


def states() -> list[str]:
    """Return what the server's connections do."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM pg_stat_activity WHERE application_name = %s", [NAME])
        return [row[0] for row in cursor.fetchall()]


def test_a_client_that_goes_away_frees_the_connection(web: Web, eventually: Eventually) -> None:
    """Also where the export would never end by itself."""
    analysis = analysis_of(make_repository(), 100)
    token = make_token(make_user(analysis.project))[1]
    export, short = f"/api/v1/export/{analysis.pk}/endless", f"/api/v1/analyses/{analysis.pk}"
    assert web.status(short, token) == "200"
    client = web.open(export, token)
    assert client.recv(1000).startswith(b"HTTP/1.1 200")
    assert web.status(short, token) == "503"  # the stream holds the only connection
    eventually(
        lambda: states() == ["idle"], 30
    )  # no query and no transaction stays open while the client is slow
    client.close()
    eventually(lambda: web.status(short, token) == "200", 30)
    eventually(lambda: states() == ["idle"])


def test_an_export_that_fails_on_the_way_is_not_taken_for_whole(web: Web) -> None:
    """The last chunk, which would say that this is all, is never sent; the connection serves the next request."""
    analysis = analysis_of(make_repository(), 100)
    token = make_token(make_user(analysis.project))[1]
    answer = b""
    with web.open(f"/api/v1/export/{analysis.pk}/failing", token) as client:
        while piece := client.recv(4096):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding: chunked" in answer.lower()
    assert not answer.endswith(b"0\r\n\r\n")
    assert web.status(f"/api/v1/analyses/{analysis.pk}", token) == "200"
