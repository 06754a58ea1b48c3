"""Markdown: short enough for a comment, true, and nothing of a repository becomes Markdown."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commandcenter.analysis.models import PolicyVerdict
from commandcenter.analysis.policy import flows
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    finding,
    make_repository,
    messages,
    rule,
)
from exports.formats.markdown import LIMIT, _within
from exports.formats.markdown_text import CUT, cell, code, length, link, row, visible
from exports.tests.rendered import Rendered
from exports.tests.small import compare, small
from exports.tests.test_formats import export

pytestmark = pytest.mark.django_db
TAGS = {"h2", "h3", "h4", "p", "a", "code", "strong", "table", "thead", "tbody", "tr", "th", "td"}
EVIL = "a|b `c` ``d`` @octocat #1 GH-2 <b>x</b> ![i](http://e.example/i.png) [l](http://e.example) $x$ \\| https://e.example"


@pytest.fixture(autouse=True)
def public_url(settings: Any) -> None:
    settings.PUBLIC_URL = "https://cc.example.com"


def written(analysis: Any) -> str:
    text: str = export(analysis, "markdown").decode()
    assert length(text) <= LIMIT
    return text


def cells(text: str, first: str) -> list[list[str]]:
    """The rows of the table whose head begins with these words, without the head."""
    names = first.split(",")
    tables = [[[cell.said for cell in line] for line in table] for table in Rendered(text).tables]
    (wanted,) = [table for table in tables if table[0][: len(names)] == names]
    return wanted[1:]


def test_a_small_analysis_is_written_as_it_was(tmp_path: Path) -> None:
    compare("markdown", "small.md", written(small(tmp_path)))


def test_it_counts_new_fixed_and_all_and_names_the_worst_new_ones(tmp_path: Path) -> None:
    text = written(small(tmp_path))
    numbers = {line[0]: line[1:] for line in cells(text, "Severity,New")}
    assert numbers["critical"] == ["1", "0", "1", "0"]
    assert numbers["low"] == ["0", "1", "0", "0"]
    assert numbers["medium"] == ["0", "0", "1", "1"]  # new, and silenced in the code
    named = cells(text, "Severity,Where,Rule")
    assert [line[:3] for line in named] == [
        ["critical", "-src/a b,c.py:3", "secrets/aws-key"],
        ["info", "src/whole.py", "ruff/S105"],
    ]
    assert re.search(r"\[`-src/a b,c.py:3`\]\(https://cc\.example\.com/findings/\d+/\)", text)
    assert "https://cc.example.com/analyses/" in text


def test_dependencies_say_the_date_of_the_database_and_what_is_not_known(tmp_path: Path) -> None:
    text = written(small(tmp_path))
    assert (
        "4 in lock files and manifests; vulnerable: 1, nothing known of 2 (vulnerability database as of 2026-03-01)."
    ) in text
    (line,) = cells(text, "Package")
    assert line == ["pen 1.0.0", "requirements.txt:1", "critical", "GHSA-nib, GHSA-pen", "1.2"]
    assert "(https://cc.example.com/advisories/GHSA-nib/)" in text


def test_without_a_database_nothing_is_said_to_be_clean() -> None:
    said = messages([], dependencies=[dependency_row("pen")])
    text = written(analyse(make_repository(), said))
    assert "vulnerable: not known, nothing known of 1 (no vulnerability database)." in text
    assert "Not known: the checks of good practice did not run." in text


def test_gaps_and_engines_that_are_absent_are_named(tmp_path: Path) -> None:
    text = written(small(tmp_path))
    assert cells(text, "Severity,What,About")[0] == ["medium", "Actions are pinned", "actions/x", "a/b.yml:3"]
    assert cells(text, "Engine") == [["secrets", "partial", "secrets did not end well."]]


def test_engines_that_could_not_read_some_files_are_named() -> None:
    unread = [("ruff", f"{n}.py", "It is larger than 5 MiB.") for n in range(2)]
    text = written(analyse(make_repository(), messages([], unread=unread)))
    assert cells(text, "Engine") == [["ruff", "ok", "2 files could not be read in full"]]


@pytest.mark.parametrize(("value", "shown"), [(1_234_567, "1234567"), (0.66667, "0.6667"), (0, "0")])
def test_measured_values_are_written_out(value: float, shown: str) -> None:
    repository = make_repository()
    conditions = [{"metric": "findings", "severity_at_least": "high", "at_most": 0}]
    flows.create_policy(by=None, project=repository.project, name="strict", conditions=conditions)
    analysis = analyse(repository, messages([finding("a")]))
    verdict = PolicyVerdict.objects.get(analysis=analysis)
    verdict.results = [{**verdict.results[0], "value": value}]
    verdict.save()
    assert cells(written(analysis), "Condition")[0][2] == shown


def test_the_verdict_is_the_heading_and_what_is_broken_is_listed() -> None:
    repository = make_repository()
    flows.create_policy(
        by=None,
        project=repository.project,
        name="strict",
        conditions=[
            {"metric": "findings", "severity_at_least": "high", "at_most": 0},
            {"metric": "vulnerabilities", "severity_at_least": "critical", "at_most": 0},
            {"metric": "findings", "severity_at_least": "critical", "at_most": 0},
        ],
    )
    text = written(analyse(repository, messages([finding("a")], dependencies=[dependency_row("pen")])))
    assert text.splitlines()[0].endswith(": policy **failed**")
    assert [line[1:3] for line in cells(text, "Condition")] == [["failed", "1"], ["unknown", "not known"]]
    fine = make_repository()
    flows.create_policy(
        by=None,
        project=fine.project,
        name="x",
        conditions=[{"metric": "findings", "severity_at_least": "high", "at_most": 0}],
    )
    passed = written(analyse(fine, messages([])))
    assert passed.splitlines()[0].endswith(": policy passed")
    assert "Condition" not in passed


def test_a_first_analysis_has_nothing_to_compare_with() -> None:
    text = written(analyse(make_repository(), messages([finding("a")])))
    assert "There is no earlier analysis to compare with" in text
    assert cells(text, "Severity,New")[-1] == ["all", "\u2013", "\u2013", "1", "0"]
    assert len(cells(text, "Severity,Where")) == 1


def test_thousands_of_hostile_findings_stay_within_a_comment() -> None:
    repository = make_repository()
    analyse(repository, messages([]))
    evil = "`|@x" * 500 + "\U0001f600" * 500
    rows = [finding(f"n{n}", message=evil + str(n), path=f"{evil[:3000]}/{n}") for n in range(2100)]
    text = written(analyse(repository, messages(rows, rules=[rule()])))
    assert "New findings that are not named here: 2075." in text
    assert cells(text, "Severity,New")[-1][:2] == ["all", "2100"]
    assert cells(text, "Severity,Where")[0][1].endswith("/0:3")


def test_what_does_not_fit_is_said_to_be_missing() -> None:
    pieces = b"".join(_within((f"line {number} \U0001f600" for number in range(1000)), 500)).decode()
    assert length(pieces) <= 500
    assert pieces.startswith("line 0 ")
    assert pieces.endswith(f"\n{CUT} The rest was left out: a comment holds no more.\n")
    assert "left out" not in b"".join(_within(["a", "b"], 500)).decode()


def test_hostile_words_stay_words() -> None:
    repository = make_repository(name=EVIL)
    analyse(repository, messages([]))
    said = messages(
        [finding("a", message=EVIL, path=EVIL, rule_id="x`|@y")],
        engines={"ruff": "ok", "secrets": "partial"},
        dependencies=[dependency_row("pen", path=EVIL)],
    )
    text = written(analyse(repository, said))
    made = Rendered(text)
    assert made.tags <= TAGS
    assert all(address.startswith("https://cc.example.com/") for address in made.links)
    assert not re.search(r"[@#<`$]|GH-|e\.example|octocat", "".join(made.plain))
    (line,) = cells(text, "Severity,Where")
    assert line[3] == EVIL
    assert text.startswith("## ```a|b ")  # a heading is no cell


HOSTILE = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60),
    st.text("`|\\ @#<>![]()\n\t*_~$a", min_size=1, max_size=60),
)


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    database=None,
)
@given(text=HOSTILE)
def test_any_text_is_code_in_a_heading_a_cell_and_a_link(text: str) -> None:
    linked = link(cell(text, 1000), "https://cc.example.com/")
    lines = [
        f"## {code(text, 1000)}: x",
        "",
        row(["x"] * 4),
        row(["---"] * 4),
        row(["1", cell(text, 1000), linked, "3"]),
    ]
    made = Rendered("\n".join(lines))
    ((_head, line),) = made.tables
    assert made.tags <= TAGS
    assert made.links == ["https://cc.example.com/"]
    shown = visible(re.sub(r"[ \t\r\n]+", " ", text).strip())
    held = [(True, shown)] if shown else [(False, "\u2013")]
    assert [cell.pieces for cell in line] == [[(False, "1")], held, held, [(False, "3")]]
    assert made.heading.pieces == ([*held, (False, ": x")] if shown else [(False, "\u2013: x")])
    assert shown.isprintable() or any(ord(each) > 127 for each in shown)
