"""No request about exports is answered with 500: each hostile address, option, header and body has its code."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import product
from typing import Any
from urllib.parse import quote

import pytest

from commandcenter.accounts.tests.factories import api
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import make_repository, make_user
from commandcenter.inventory.models import Role
from exports.models import Export
from exports.registry import FORMATS
from exports.tests.factories import analysis_of, finished

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

ROOT = "/api/v1"
TEXTS = [
    "", " ", "0", "-1", "1e9", "9" * 18, "9" * 30, "null", "true", "é", "\u202e", "a" * 5000, "%00", "a\x00b",
    "'; DROP TABLE exports_export; --", "../../etc/passwd", "{{7*7}}", "%ff%fe", "\ud7ff", "[]", "a,b", "\r\nX: y",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, -1, 1.5, 2**62, 2**70, 1e308, "", "x", "a\x00b", "\u202e", "x" * 5000, [], {}, [[]], [None],
    [True], ["1"], [-1], [0], [2**63], [{}], {"a": 1}, {"": ""}, {"pretty": []}, {"pretty": None}, {"a\x00": 1},
    list(range(1, 200)),
]  # fmt: skip


@pytest.fixture
def export() -> Export:
    return finished(analysis_of(make_repository()))


@pytest.fixture
def operator(export: Export) -> Any:
    client = api(make_user(export.project, Role.OPERATOR))
    client.raise_request_exception = False
    return client


def addresses(analysis: int, export: int) -> Iterator[str]:
    for text in map(quote, TEXTS):
        yield f"export/{text}/json"
        yield f"export/{analysis}/{text}"
        yield f"export/{analysis}/json?pretty={text}"
        yield f"export/{analysis}/sarif?{text}={text}"
        yield f"exports/{text}"
        yield f"exports/{text}/download"
        yield f"exports/{export}/{text}"
        yield f"exports/links/{text}"
        for name in ("project", "job", "analysis", "status", "format", "cursor", "limit"):
            yield f"exports?{name}={text}"


def test_addresses_and_queries(operator: Any, export: Export) -> None:
    (analysis,) = export.analyses
    for address in addresses(analysis, export.pk):
        answer = operator.get(f"{ROOT}/{address}")
        assert answer.status_code in {200, 301, 400, 404}, (address, answer.status_code)
        answer.getvalue()


def test_headers_of_a_download(operator: Any, export: Export) -> None:
    url = f"{ROOT}/exports/{export.pk}/download"
    odd = [
        *TEXTS, "bytes=", "bytes=-", "bytes=--1", "bytes=0-0,1-1", "bytes=1-0", "bytes=99-", "bytes=-0", "bytes=٣-",
        'W/"x', '"', "*", "," * 500, "Mon, 99 Foo 2026",
    ]  # fmt: skip
    for name, text in product(("Range", "If-Range", "If-None-Match", "Accept", "Accept-Encoding"), odd):
        if "\n" in text:
            continue  # no server passes that on
        answer = operator.get(url, headers={"range": "bytes=0-0", name: text})
        assert answer.status_code in {200, 206, 304, 416}, (name, text, answer.status_code)
        answer.getvalue()


def test_bodies(operator: Any, export: Export) -> None:
    (analysis,) = export.analyses
    good = {"analyses": [analysis], "format": "json"}
    bodies: list[tuple[str, Any]] = []
    for value in VALUES:
        bodies += [
            ("exports", {**good, name: value})
            for name in ("analyses", "format", "options", "project", "deliver")
        ]
        bodies += [
            ("exports", {"format": "json", "project": value}),
            (f"exports/{export.pk}/link", {"expires_in": value}),
        ]
        bodies += [
            (
                "jobs",
                {
                    "project": export.project_id,
                    "job_type": "export",
                    "parameters": {"format": "json", **given},
                },
            )
            for given in (
                {"portfolio": value},
                {"analyses": value},
                {**good, "format": value},
                {**good, "options": value},
            )
        ]
        bodies.append(("batch/export", {"analysis_ids": value, "format": "json"}))
        bodies.append(("batch/export", {"analysis_ids": [analysis], "format": "json", "options": value}))
        bodies.append((f"exports/{export.pk}/deliver", {"targets": value}))
    for path, body in bodies:
        answer = operator.generic("POST", f"{ROOT}/{path}", json.dumps(body), "application/json")
        assert answer.status_code in {201, 202, 400, 403, 404}, (
            path,
            body,
            answer.status_code,
            answer.content[:500],
        )
        if answer.status_code == 400:
            assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", [name for name, each in FORMATS.items() if each.info.options])
def test_an_unknown_option_is_400_and_names_those_that_there_are(
    operator: Any, export: Export, name: str
) -> None:
    (analysis,) = export.analyses
    answer = operator.get(f"{ROOT}/export/{analysis}/{name}?colour=red")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"], error["code"]) == (400, "colour", "unknown")
    for option in FORMATS[name].info.options:
        assert option.name in error["message"]
        wrong = operator.get(f"{ROOT}/export/{analysis}/{name}?{option.name}=purple").json()["errors"]
        assert [each["field"] for each in wrong] == [option.name]
        assert all(value in wrong[0]["message"] for value in option.values)


@pytest.mark.parametrize(
    ("status", "todo"), [("running", "when it has ended"), ("failed", "Analyse"), ("cancelled", "Analyse")]
)
def test_without_results_it_is_409_and_says_what_to_do(
    operator: Any, export: Export, status: str, todo: str
) -> None:
    (analysis,) = export.analyses
    Analysis.objects.filter(pk=analysis).update(status=status, result_set=None)
    answer = operator.get(f"{ROOT}/export/{analysis}/json")
    assert (answer.status_code, answer.json()["code"]) == (409, f"analysis_{status}")
    assert todo in answer.json()["detail"]
