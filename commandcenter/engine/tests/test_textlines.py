"""Line numbers are those of git and editors, whatever separators stand inside of a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandcenter.engine.contract.facts import Platform
from commandcenter.engine.engines.gaps import ENGINE as GAPS
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.licenses.headers import headers_in
from commandcenter.engine.licenses.likeness import licenses_in
from commandcenter.engine.licenses.texts import listed
from commandcenter.engine.manifests.tests.conftest import read_tree
from commandcenter.engine.textlines import lines_of, numbered_pieces

SEPARATORS = "\f\v\x1c\x1d\x1e\x85\u2028\u2029"


def test_lines_end_with_lf_or_cr_lf_alone() -> None:
    assert lines_of("") == []
    assert lines_of("a\r\n\nb\n") == ["a", "", "b"]
    assert lines_of(f"a{SEPARATORS}b\rc\nd") == [f"a{SEPARATORS}b\rc", "d"]


def test_pieces_have_the_number_of_their_line() -> None:
    assert list(numbered_pieces("")) == []
    assert list(numbered_pieces("a\fb\n\nc\rd\r\n")) == [(1, "a"), (1, "b"), (2, ""), (3, "c"), (3, "d")]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("go.mod", "module m // {}\n\nrequire example.org/a v1.0.0\n"),
        ("Dockerfile", "# {}\n\nFROM alpine:3.20\n"),
        ("requirements.txt", "# {}\n\nrequests==2.0\n"),
        ("Gemfile", "# {}\n\ngem 'rake', '1.0'\n"),
        ("gradle.lockfile", "# {}\n\na.b:c:1.0=compileClasspath\n"),
        ("yarn.lock", '# {}\n\nlodash@^4:\n  version "4.17.21"\n'),
    ],
)
def test_dependencies_stand_where_an_editor_shows_them(path: str, text: str) -> None:
    (found,) = read_tree({path: text.format(SEPARATORS)}).dependencies
    assert found.line == 3


def test_what_a_comment_hides_behind_a_separator_is_no_instruction() -> None:
    """Docker and Go read such a line as one."""
    assert read_tree({"Dockerfile": "# \u2028FROM evil:1\n"}).dependencies == ()
    assert read_tree({"go.mod": "module m // \u2028require evil.example/a v1.0.0\n"}).dependencies == ()


def test_licences_stand_where_an_editor_shows_them() -> None:
    text = listed()["MIT"]["text"]
    assert [found.line for found in licenses_in(f"{SEPARATORS}\n\n{text}")] == [3]
    header = f"# {SEPARATORS}\n# SPDX-License-Identifier: MIT\n"
    assert list(headers_in(header.encode())) == [(2, "MIT")]


def test_texts_with_the_line_ends_of_old_machines_are_read() -> None:
    text = listed()["MIT"]["text"]
    assert [found.spdx for found in licenses_in(text.replace("\n", "\r"))] == ["MIT"]


def test_versions_stand_where_an_editor_shows_them(tmp_path: Path) -> None:
    said = run(GAPS, {".tool-versions": f"# {SEPARATORS}\nnodejs 20.1.0\n"}, tmp_path)
    assert [one.line for one in said if isinstance(one, Platform)] == [2]
