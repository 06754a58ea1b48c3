"""A document that could not be told from half of one is made whole first, and one whose analysis goes is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext

from commandcenter.accounts.tests.factories import api, make_token
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import make_repository, make_user
from commandcenter.core.problems import Problem
from commandcenter.wsgi import application
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.options import Options
from exports.registry import FORMATS
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of
from exports.tests.test_formats import export as streamed

pytestmark = COMMITTED


class Vanishing(Format):
    """Yields the beginning of a document; then somebody deletes the analysis."""

    info = FormatInfo("vanishing", "Vanishing", "text/plain", "txt", "Tests.", "None.")

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        yield b"beginning"
        Analysis.objects.filter(pk=source.analysis.pk).delete()
        for row in source.findings():
            yield str(row.id).encode()


@pytest.fixture
def vanishing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, "vanishing", Vanishing())


@pytest.fixture
def analysis() -> Analysis:
    return analysis_of(make_repository(), 100)


@pytest.fixture
def viewer(analysis: Analysis) -> Any:
    return api(make_user(analysis.project))


def test_an_analysis_deleted_while_it_is_streamed_breaks_the_answer(
    vanishing: None, analysis: Analysis, viewer: Any
) -> None:
    answer = viewer.get(f"/api/v1/export/{analysis.pk}/vanishing")
    assert answer.status_code == 200
    with pytest.raises(Problem, match="deleted while it was exported"):
        answer.getvalue()


def test_over_http_1_0_it_is_404(vanishing: None, analysis: Analysis, viewer: Any) -> None:
    answer = viewer.get(f"/api/v1/export/{analysis.pk}/vanishing", SERVER_PROTOCOL="HTTP/1.0")
    assert (answer.status_code, answer.json()["code"]) == (404, "analysis_deleted")


def test_over_http_1_0_a_document_comes_with_its_length(analysis: Analysis, viewer: Any) -> None:
    for protocol in ("HTTP/1.0", "HTTP/1"):  # the latter is how granian writes it
        answer = viewer.get(
            f"/api/v1/export/{analysis.pk}/sarif",
            SERVER_PROTOCOL=protocol,
            headers={"accept-encoding": "gzip"},
        )
        content = answer.getvalue()
        assert content == streamed(analysis, "sarif")
        assert answer["Content-Length"] == str(len(content))
        assert "Content-Encoding" not in answer
    assert "Content-Length" not in viewer.get(f"/api/v1/export/{analysis.pk}/sarif")


def test_over_wsgi_it_does_too(vanishing: None, analysis: Analysis) -> None:
    """Whatever the server does with an answer that fails on the way."""
    token = make_token(make_user(analysis.project))[1]
    begun: list[Any] = []

    def get(name: str) -> tuple[str, dict[str, str], bytes]:
        environ = (
            RequestFactory()
            .get(f"/api/v1/export/{analysis.pk}/{name}", headers={"authorization": f"Bearer {token}"})
            .environ
        )
        answer: Any = application(environ, lambda *said: begun.append(said))
        content = b"".join(answer)
        answer.close()
        status, headers = begun.pop()[:2]
        return status, dict(headers), content

    status, headers, content = get("sarif")
    assert (status, headers["Content-Length"]) == ("200 OK", str(len(content)))
    assert content == streamed(analysis, "sarif")
    assert get("vanishing")[0].startswith("404 ")


def test_head_says_what_a_get_would_and_reads_no_results(analysis: Analysis, viewer: Any) -> None:
    url = f"/api/v1/export/{analysis.pk}/json"
    whole = viewer.get(url)
    with CaptureQueriesContext(connection) as asked:
        answer = viewer.head(url)
        assert answer.getvalue() == b""
    assert (answer.status_code, answer["Content-Type"]) == (200, whole["Content-Type"])
    assert answer["Content-Disposition"] == whole["Content-Disposition"]
    assert "Content-Length" not in answer
    assert not [each["sql"] for each in asked if "occurrence" in each["sql"].lower()]
    assert viewer.head(f"/api/v1/export/{analysis.pk}/json?prety=1").status_code == 400
