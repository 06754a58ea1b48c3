"""Clients that keep the web server waiting: its patience ends, and what they got does not look whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from commandcenter.accounts.tests.factories import make_token
from commandcenter.analysis.tests.factories import make_repository, make_user
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of
from exports.tests.webserver import Web, rest_of, serving
from jobs.tests.processes import Eventually

pytestmark = [COMMITTED, pytest.mark.process]


@pytest.fixture(scope="module")
def web(
    tmp_path_factory: pytest.TempPathFactory, unused_tcp_port_factory: Any, django_db_setup: None
) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    with serving(unused_tcp_port_factory(), folder, CC_TEST_PATIENCE="1") as server:
        yield server


def test_a_client_that_does_not_read_loses_its_answer(web: Web, eventually: Eventually) -> None:
    """Its thread and its database connection serve others, although it stays connected."""
    analysis = analysis_of(make_repository(), 100)
    token = make_token(make_user(analysis.project))[1]
    with web.open(f"/api/v1/export/{analysis.pk}/endless", token) as client:
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        eventually(lambda: web.status(f"/api/v1/analyses/{analysis.pk}", token) == "200", 30)
        assert not rest_of(client).endswith(b"0\r\n\r\n")


def test_a_body_that_does_not_come_is_408(web: Web) -> None:
    request = "POST /api/v1/auth/token HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with web.send(f'{request}Content-Length: 100\r\n\r\n{{"username"') as client:
        answer = rest_of(client)
    assert b" 408 " in answer.partition(b"\r\n")[0]
    assert b"request_timeout" in answer
