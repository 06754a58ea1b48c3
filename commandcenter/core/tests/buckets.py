"""Servers on loopback that speak S3's protocol: one that keeps objects, and one that refuses them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.utils.module_loading import import_string
from moto.server import ThreadedMotoServer

from commandcenter.core.objects.storage import ObjectStorage
from commandcenter.settings.artifacts import artifact_storage


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return host:port of a server with no buckets."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    try:
        yield f"{host}:{port}"
    finally:
        moto.stop()


def address_of(server: str, bucket: str = "files") -> str:
    """Return the STORAGE_URL of a bucket there."""
    return f"s3://KEY:hush@{server}/{bucket}?secure=false&prefix=team"


def bucket_at(server: str, bucket: str = "files") -> ObjectStorage:
    made = artifact_storage(address_of(server, bucket))
    storage: ObjectStorage = import_string(made["BACKEND"])(**made["OPTIONS"])
    return storage


class Refusing(BaseHTTPRequestHandler):
    """Answers each request with `answer`: (status, code)."""

    answer = (403, "AccessDenied")

    def do_PUT(self) -> None:
        status, code = self.answer
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def refusing(status: int, code: str) -> Iterator[str]:
    """Yield host:port of a server that refuses every write in this way."""
    handler = type("Handler", (Refusing,), {"answer": (status, code)})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
