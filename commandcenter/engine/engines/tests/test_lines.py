"""The lines engine: code, comments and blanks, also where tokei alone is wrong."""

from __future__ import annotations

import sysconfig
from pathlib import Path

import pytest

from commandcenter.engine.contract.facts import LineCount
from commandcenter.engine.engines import syntax
from commandcenter.engine.engines.docstrings import docstring_lines
from commandcenter.engine.engines.grammars import PYTHON
from commandcenter.engine.engines.lines import ENGINE
from commandcenter.engine.engines.tests.lending import run


def count(tmp_path: Path, path: str, content: str | bytes) -> tuple[int, int, int]:
    (result,) = run(ENGINE, {path: content}, tmp_path)
    assert isinstance(result, LineCount)
    return result.code, result.comments, result.blanks


def test_python_docstrings_are_comments_and_other_strings_are_code(tmp_path: Path) -> None:
    source = (
        '"""Module."""\n\n# comment\nX = 1\n"""About X."""\n\ndef f():\n    """Doc\n\n    more.\n    """\n'
        '    y = """\n    text\n"""\n    return g(\n        """argument""",\n    )\n'
    )
    # code: X, def, y (3), return (3); comments: module, #, about, doc (3); blanks: 2 and 1 inside the docstring
    assert count(tmp_path, "a.py", source) == (8, 6, 3)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('x = \'"""\'\n"""\ndoc\n"""\n', (3, 0)),
        ("# it's \"\"\" here\n'''doc'''\n", (1, 0)),
        ('def f():  # a comment\n    r"""doc"""\n', (1, 0)),
        ('x = (\n    """not"""\n)\n', (0, 0)),
        ('x = \\\n"""not"""\n', (0, 0)),
        ('"""a""".strip()\n', (0, 0)),
        ('usage = """\nOptions:\n"""\ny = 1\n', (0, 0)),
        ('"""quoted \\""" still\n\nend"""\n', (3, 1)),
        ('"""never closed\n', (2, 1)),
        ("", (0, 0)),
    ],
)
def test_docstrings_are_told_from_other_strings(source: str, expected: tuple[int, int]) -> None:
    assert docstring_lines(source.encode()) == expected


def test_the_docstring_scanner_agrees_with_the_parser_on_the_standard_library() -> None:
    library = Path(sysconfig.get_path("stdlib"))
    scanned = parsed = 0
    for path in sorted(library.glob("*.py")):
        data = path.read_bytes()
        scanned += docstring_lines(data)[0]
        nodes = syntax.captures(PYTHON, data, "(expression_statement . (string) @doc .)").get("doc", [])
        parsed += sum(
            node.end_point.row - node.start_point.row + 1
            for node in nodes
            if data[node.start_byte : node.end_byte].lstrip(b"rRuU")[:3] in {b'"""', b"'''"}
        )
    assert parsed > 10_000
    assert abs(scanned - parsed) / parsed < 0.005


def test_examples_in_rust_doc_comments_are_comments(tmp_path: Path) -> None:
    source = "//! Doc\n//!\n//! ```rust\n//! let x = 1;\n//! ```\n\nfn main() {\n    /* a */ let x = 1;\n}\n"
    assert count(tmp_path, "a.rs", source) == (3, 5, 1)


def test_code_before_a_rust_doc_comment_is_code(tmp_path: Path) -> None:
    source = 'tokens! {\n    "&" pub struct And/1 /// `&`\n    /// A comment.\n    pub struct B\n}\n\nuse a; // plain\n'
    assert count(tmp_path, "a.rs", source) == (5, 1, 1)


def test_a_regular_expression_with_a_quote_does_not_swallow_the_file(tmp_path: Path) -> None:
    source = "const quote = /`/;\n" + "// comment\n\nlet x = 1;\n" * 30
    assert count(tmp_path, "a.ts", source) == (31, 30, 30)


def test_embedded_code_counts_for_the_file_that_holds_it(tmp_path: Path) -> None:
    source = "<html>\n<script>\nlet a = 1;\n\n// c\n</script>\n<style>\na{}\n</style>\n</html>\n"
    assert count(tmp_path, "a.html", source) == (8, 1, 1)


def test_unknown_text_is_code_and_binaries_are_left_out(tmp_path: Path) -> None:
    assert count(tmp_path, "a.unheard", "x\n\ny") == (2, 0, 1)
    assert run(ENGINE, {"a.c": b"int a;\0\n"}, tmp_path) == []


@pytest.mark.parametrize(
    ("path", "content", "lines"),
    [
        ("empty.c", b"", 0),
        ("bom.py", b"\xef\xbb\xbfx = 1\n", 1),
        ("crlf.c", b"int a;\r\n\r\nint b;\r\n", 3),
        ("invalid.js", b"let a = '\xff\xfe';\n", 1),
        ("long.js", b"x = '" + b"a" * 1_000_000 + b"'\n", 1),
        ("nested.js", b"[" * 50_000 + b"\n", 1),
        ("nested.py", b"(" * 50_000 + b")" * 50_000 + b"\n" * 20, 20),
        ("unended.py", b'x = """\n\n\n', 3),
        ("[id]*?.tsx", b"let a = 1;\n", 1),
        (".hidden.py", b"x = 1\n", 1),
    ],
)
def test_hostile_files_have_as_many_lines_as_they_have(
    tmp_path: Path, path: str, content: bytes, lines: int
) -> None:
    assert sum(count(tmp_path, path, content)) == lines


def test_ignore_files_and_settings_of_the_repository_silence_nothing(tmp_path: Path) -> None:
    files = {
        ".ignore": "*\n",
        ".gitignore": "*\n",
        ".tokeignore": "*\n",
        "tokei.toml": 'types = ["Rust"]\n',
        "a.py": "x = 1\n",
    }
    results = run(ENGINE, files, tmp_path)
    assert {r.path for r in results if isinstance(r, LineCount)} == set(files)


def test_equal_files_in_two_folders_are_both_counted(tmp_path: Path) -> None:
    results = run(ENGINE, {"a/x.py": "x = 1\n", "b/x.py": "x = 1\n"}, tmp_path)
    assert [(r.path, r.code) for r in results if isinstance(r, LineCount)] == [("a/x.py", 1), ("b/x.py", 1)]


@pytest.mark.parametrize("name", ["a.podspec", "config.ru", "binding.gyp"])
def test_names_that_tokei_does_not_know_are_counted_from_their_syntax(tmp_path: Path, name: str) -> None:
    assert count(tmp_path, name, "# a comment\n\nx = 1\n") == (1, 1, 1)


@pytest.mark.parametrize(
    "name", ["requirements.txt", "dev-requirements.txt", "requirements_test.txt", "constraints.txt"]
)
def test_requirement_files_ask_for_packages_and_are_no_comment_as_a_whole(tmp_path: Path, name: str) -> None:
    assert count(
        tmp_path, name, "# pinned\nflask==3.0 \\\n    --hash=sha256:00\n\n  # via flask\njinja2\n"
    ) == (3, 2, 1)


def test_other_plain_text_is_prose(tmp_path: Path) -> None:
    assert count(tmp_path, "notes.txt", "one\n\n# two\n") == (0, 2, 1)
