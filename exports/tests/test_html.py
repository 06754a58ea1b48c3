"""The HTML report: faithful, self-contained, safe with hostile texts."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    finding,
    license_row,
    make_project,
    make_repository,
    messages,
    technology_row,
)
from exports.formats.html.embedding import json_block, rows_block
from exports.tests.small import compare, small
from exports.tests.test_formats import HOSTILE, export

pytestmark = pytest.mark.django_db
VOID = {"meta", "link", "input", "br", "wbr"}


class Page(HTMLParser):
    """What a browser would make of a report: its elements, texts and data, in order."""

    def __init__(self, made: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.raw: dict[str, list[str]] = {}
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.feed(made.decode())
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"script", "style"}:
            name = self.elements[-1][1].get("id") or self.open[-1]
            self.raw.setdefault(name, []).append(data)
            if name == "script":
                self.scripts.append(data)
        else:
            self.text.append(data)

    def data(self, name: str) -> Any:
        return json.loads("".join(self.raw[name]))

    def attribute(self, name: str) -> list[str]:
        return [found for _, attributes in self.elements if (found := attributes.get(name)) is not None]


def page(analysis: Any) -> Page:
    made = Page(export(analysis, "html"))
    assert made.open == []
    return made


def said(made: Page, table: str) -> list[dict[str, Any]]:
    """The rows of a table as its script reads them."""
    columns = made.data("report")["tables"][table]["columns"]
    return [
        {
            column["name"]: column["words"][value] if column["words"] and value is not None else value
            for column, value in zip(columns, row, strict=True)
        }
        for row in made.data(f"{table}-rows")
    ]


@pytest.fixture
def repository() -> Any:
    return make_repository()


def test_a_small_analysis_is_written_as_it_was(tmp_path: Path) -> None:
    made = export(small(tmp_path), "html").decode()
    made = re.sub(r"<style>.*?</style>", "<style></style>", made, flags=re.DOTALL)
    made = re.sub(r"<script>.*?</script>", "<script></script>", made, flags=re.DOTALL)
    made = re.sub(r"'sha256-[^']*'( 'sha256-[^']*')*", "'sha256-'", made)
    made = re.sub(r"<div hidden><svg.*?</svg>\s*</div>", "<div hidden></div>", made, flags=re.DOTALL)
    compare("html", "small.html", made)


def hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_it_asks_nothing_of_the_network_and_runs_only_its_own_scripts(tmp_path: Path) -> None:
    made = page(small(tmp_path))
    assert not made.attribute("src")
    assert not made.attribute("style")
    assert not [name for _, attributes in made.elements for name in attributes if name.startswith("on")]
    fetched = [attributes["href"] for tag, attributes in made.elements if tag == "link"]
    assert fetched
    assert all(str(address).startswith("data:image/svg+xml;base64,") for address in fetched)
    assert "url(" not in "".join(made.raw["style"])
    assert "@import" not in "".join(made.raw["style"])
    (policy,) = [a["content"] for _, a in made.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert str(policy).startswith("default-src 'none'; ")
    assert "unsafe" not in str(policy)
    scripts = " ".join(hashed(script) for script in made.scripts)
    assert f"; style-src {hashed(''.join(made.raw['style']))}; script-src {scripts}; " in str(policy)
    script = "".join(made.scripts)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|Function\(|fetch\(", script
    )


def test_the_summary_names_what_is_missing(tmp_path: Path) -> None:
    text = " ".join(" ".join(page(small(tmp_path)).text).split())
    assert "Not everything was looked at." in text
    assert "secrets did not end well." in text
    assert "database as of 2026-03-01" in text
    assert "s3cret" not in text
    assert "The history is not known." in text


def test_files_that_an_engine_could_not_read_are_told_of(repository: Any) -> None:
    unread = [("ruff", "a.py", "It is larger than 5 MiB."), ("ruff", "b.py", "It is not UTF-8.")]
    text = " ".join(" ".join(page(analyse(repository, messages([], unread=unread))).text).split())
    assert "Some files could not be read in full." in text
    assert "ruff (2 files)." in text
    assert "could not be read" not in " ".join(page(analyse(repository, messages([]))).text)


def test_rows_are_data(tmp_path: Path) -> None:
    made = page(small(tmp_path))
    found = said(made, "findings")
    assert [row["severity"] for row in found] == ["critical", "high", "medium", "info", "low"]
    assert [row["state"] for row in found][-1] == "fixed"
    assert found[1]["suppressed"] == "False positive: A test key."
    assert found[2]["suppressed"] == "By a comment in the code"
    assert found[3]["line"] is None
    packages = {row["name"]: row for row in said(made, "dependencies")}
    assert (packages["pen"]["vulnerabilities"], packages["pen"]["worst_vulnerability"]) == (2, "critical")
    assert (packages["cap"]["vulnerabilities"], packages["ink"]["vulnerabilities"]) == (0, None)
    assert (packages["ink"]["direct"], packages["ink"]["line"]) == (None, None)
    assert [row["title"] for row in said(made, "gaps")] == ["Actions are pinned", "A README"]


def test_licences_say_their_conflicts(repository: Any) -> None:
    rows = [
        license_row("MIT"),
        license_row("GPL-3.0-only", "lib/COPYING", place="vendored"),
        license_row(None, "x", place="vendored"),
    ]
    spoken = said(page(analyse(repository, messages(licenses=rows))), "licenses")
    assert [row["spdx"] for row in spoken] == ["MIT", "GPL-3.0-only", None]
    assert spoken[2]["name"] == "Ask us."
    assert "the repository itself is under MIT" in spoken[1]["conflict"]


def test_what_no_engine_looked_for_is_told_from_none(repository: Any) -> None:
    text = " ".join(page(analyse(repository, messages([]))).text)
    assert "The engines that ran reported nothing" in text
    assert text.count("Not looked for in this analysis: an empty table says nothing.") == 2  # gaps, licences


def test_the_first_rows_are_readable_without_a_script(repository: Any) -> None:
    few = page(analyse(repository, messages([finding(f"f{n}") for n in range(50)])))
    assert sum(tag == "tr" for tag, _ in few.elements) == 51
    assert not any(tag == "noscript" for tag, _ in few.elements)
    many = page(analyse(repository, messages([finding(f"f{n}") for n in range(51)])))
    assert sum(tag == "tr" for tag, _ in many.elements) == 51
    assert "These are the first 50 rows." in " ".join(many.text)
    assert len(said(many, "findings")) == 51


def test_a_database_that_is_away_gives_no_beginning_of_a_page(repository: Any) -> None:
    from exports.registry import ExportSource, format_named

    analysis = analyse(repository, messages([finding("a")]))

    class Away(ExportSource):
        def summary(self) -> dict[str, Any]:
            raise OperationalError("the database is away")

    pieces = format_named("html").write(Away(analysis), {})
    with pytest.raises(OperationalError):
        next(pieces)


def test_memory_does_not_grow_with_the_rows(repository: Any) -> None:
    from exports.registry import ExportSource, format_named

    analysis = analyse(repository, messages([finding(f"f{n}") for n in range(3000)]))
    loaded = type(analysis).objects.with_results().select_related("repository", "project").get(pk=analysis.pk)
    pieces = list(format_named("html").write(ExportSource(loaded), {}))
    assert max(map(len, pieces)) < 256 * 1024
    assert len(pieces) > 3


HOSTILE_TEXTS = [
    "</script><script>alert(1)</script>", "<!--<script>", "-->", "]]>", "\u2028\u2029", "\u202egpj.exe", "\x1b[31m",
    "&lt;b&gt;", '"onmouseover="x', "{{ x }}{% y %}", "javascript:alert(1)", "\U0001f600", HOSTILE,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts_stay_texts(text: str) -> None:
    repository = make_repository(make_project(text), name=text)
    made = page(
        analyse(
            repository,
            messages(
                [finding("a", message=text, path=text)],
                dependencies=[dependency_row(text, path=text, requirement=text)],
                technologies=[technology_row(text, evidence=[{"path": text, "line": 1}])],
                licenses=[license_row(None, text, name=text)],
            ),
        )
    )
    assert [tag for tag, attributes in made.elements if tag == "script"].count("script") == 8
    assert (said(made, "findings")[0]["message"], said(made, "findings")[0]["path"]) == (text, text)
    assert said(made, "dependencies")[0]["name"] == text
    assert said(made, "technologies")[0]["name"] == text
    assert said(made, "licenses")[0]["name"] == text
    assert not re.search("[\u202e\x1b]", "".join(made.text))
    assert all(address.startswith(("#", "http", "data:")) for address in made.attribute("href"))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(st.one_of(st.text(), st.none(), st.integers(-(2**53), 2**53)), max_size=3), max_size=4)
)
def test_any_text_comes_back_from_its_element(rows: list[Any]) -> None:
    made = Page(b"".join(rows_block("rows", iter(rows))))
    assert [tag for tag, _ in made.elements] == ["script"]
    assert made.data("rows") == rows


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(alphabet="<>!-/script&\u2028\u2029\"'\\ ", max_size=40))
def test_no_text_ends_its_element(text: str) -> None:
    block = json_block("x", {text: text}).decode()
    inside = block.removeprefix('<script type="application/json" id="x">').removesuffix("</script>\n")
    assert not set(inside) & set("<>&\u2028\u2029")
    assert json.loads(inside) == {text: text}
