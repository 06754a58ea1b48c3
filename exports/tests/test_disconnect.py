"""What ends in the middle of an answer, at the real web server with one database connection."""

from __future__ import annotations

import http.client
import select
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from commandcenter.accounts.tests.factories import make_token
from commandcenter.analysis.tests.factories import make_repository, make_user
from commandcenter.asgi import HTTP_THREADS
from exports.models import Export
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, finished
from exports.tests.webserver import Web, rest_of, serving, states
from jobs.tests.processes import Eventually

pytestmark = [COMMITTED, pytest.mark.process]

LARGE = b"x" * 20_000_000  # more than lies in the buffers of a connection


@pytest.fixture(scope="module")
def web(
    tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Any, django_db_setup: None
) -> Iterator[Web]:
    with serving(unused_tcp_port_factory(), tmp_path_factory.mktemp("web")) as server:
        yield server


def large_export(web: Web, settings: Any) -> Export:
    settings.MEDIA_ROOT = web.media
    with transaction.atomic():
        return finished(analysis_of(make_repository()), content=LARGE)


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
    with web.open(f"/api/v1/export/{analysis.pk}/failing", token) as client:
        answer = rest_of(client)
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"transfer-encoding: chunked" in answer.lower()
    assert not answer.endswith(b"0\r\n\r\n")
    assert web.status(f"/api/v1/analyses/{analysis.pk}", token) == "200"


def test_over_http_1_0_a_document_has_its_length_and_one_that_fails_is_an_error(web: Web) -> None:
    """There the end of the connection would be the end of the document, whatever happened; proxies ask by it."""
    analysis = analysis_of(make_repository(), 100)
    token = make_token(make_user(analysis.project))[1]
    with web.open(f"/api/v1/export/{analysis.pk}/failing", token, "1.0") as client:
        assert b" 500 " in rest_of(client).partition(b"\r\n")[0]
    with web.open(f"/api/v1/export/{analysis.pk}/json", token, "1.0") as client:
        head, _, body = rest_of(client).partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}" in head.decode().lower()
    assert body.endswith(b"}")


def test_clients_that_do_not_read_keep_nobody_else_waiting(
    web: Web, settings: Any, eventually: Eventually
) -> None:
    """More downloads than there are threads for them, and they hold no database connection."""
    export = large_export(web, settings)
    token = make_token(make_user(export.project))[1]
    clients = [web.open(f"/api/v1/exports/{export.pk}/download", token) for _ in range(HTTP_THREADS + 1)]
    try:
        eventually(lambda: len(select.select(clients, [], [], 1)[0]) == HTTP_THREADS, 30)
        assert web.status(f"/api/v1/exports/{export.pk}", token) == "200"
    finally:
        for client in clients:
            client.close()


def test_a_file_that_becomes_shorter_while_it_is_sent_is_not_taken_for_whole(web: Web, settings: Any) -> None:
    export = large_export(web, settings)
    client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
    token = make_token(make_user(export.project))[1]
    client.request(
        "GET", f"/api/v1/exports/{export.pk}/download", headers={"Authorization": f"Bearer {token}"}
    )
    answer = client.getresponse()
    assert (answer.status, answer.getheader("Content-Length")) == (200, str(len(LARGE)))
    with Path(web.media / export.artifact).open("r+b") as file:
        file.truncate(len(LARGE) - 100)
    with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
        answer.read()
    client.close()
