"""The ast-grep engine: our own rules, deaf to the repository, with failures where it cannot know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines import astgrep
from commandcenter.engine.engines.astgrep import ENGINE, MAX_FILE, MAX_LINE
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.limits import Limits
from commandcenter.engine.rules.code_rules import RuleSet, load

EVAL = "javascript.eval-of-variable"
JWT = "python.jwt-not-verified"
BAD = "eval(x)\n"


def findings(results: list[Result]) -> list[Finding]:
    return [result for result in results if isinstance(result, Finding)]


def said(results: list[Result]) -> list[tuple[str, int, str, bool]]:
    return [(f.path, f.start_line, f.rule_id, f.inline_suppressed) for f in findings(results)]


def failures(results: list[Result]) -> list[tuple[str | None, bool]]:
    return [(result.path, result.transient) for result in results if isinstance(result, Failure)]


def test_reports_dangerous_code_in_each_language(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.py": "import jwt\n\nclaims = jwt.decode(t, verify=False)\n",
        **{f"b{suffix}": BAD for suffix, language in astgrep.LANGUAGES.items() if "Script" in language},
        "c.tsx": "const a = <div onClick={() => eval(x)} />\n",
        "d.txt": BAD,
    }
    assert said(run(ENGINE, files, tmp_path)) == [
        ("b.cjs", 1, EVAL, False),
        ("b.js", 1, EVAL, False),
        ("b.jsx", 1, EVAL, False),
        ("b.mjs", 1, EVAL, False),
        ("a.py", 3, JWT, False),
        ("c.tsx", 1, EVAL, False),
        ("b.cts", 1, EVAL, False),
        ("b.mts", 1, EVAL, False),
        ("b.ts", 1, EVAL, False),
    ]


def test_a_finding_says_where_and_what(tmp_path: Path) -> None:
    text = 'x = "é😀"; y = jwt.decode(\n    token,\n    verify=False,\n)  # why\n'
    (finding,) = findings(run(ENGINE, {"a.py": text}, tmp_path))
    assert (finding.start_line, finding.start_column) == (1, 15)
    assert (finding.end_line, finding.end_column) == (4, 2)
    assert (finding.severity, finding.cwe) == ("high", ("CWE-347",))
    assert finding.message == (
        "A JWT is read without checking its signature: jwt.decode( token, verify=False, )"
    )
    assert finding.snippet == 'x = "é😀"; y = jwt.decode( token, verify=False,'


def test_tests_are_searched_for_bugs_only(tmp_path: Path) -> None:
    text = "package p\n\nvar c = &tls.Config{InsecureSkipVerify: true}\nvar never = x == math.NaN()\n"
    assert said(run(ENGINE, {"a/b.go": text, "a/b_test.go": text, "tests/b.go": text}, tmp_path)) == [
        ("a/b.go", 3, "go.tls-skip-verify", False),
        ("a/b.go", 4, "go.nan-comparison", False),
        ("a/b_test.go", 4, "go.nan-comparison", False),
        ("tests/b.go", 4, "go.nan-comparison", False),
    ]


def test_a_language_whose_rules_are_all_about_security_has_none_for_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ast-grep takes an empty rule file, and the tests of that language do not count as not checked."""
    only_security = RuleSet({EVAL: load().rules[EVAL]}, "digest")
    monkeypatch.setattr(astgrep, "load", lambda: only_security)
    assert astgrep.rule_file("JavaScript", tests=True) == b""
    results = run(ENGINE, {"a.js": BAD, "tests/a.js": BAD, "tests/large.js": "//" + "x" * MAX_FILE}, tmp_path)
    assert said(results) == [("a.js", 1, EVAL, False)]
    assert failures(results) == [("tests/large.js", False)]


@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_columns_and_lines_are_those_of_an_editor(tmp_path: Path, start: str, end: str) -> None:
    text = f"{start}é(eval(x)){end}eval({end}x){end}"
    assert [
        (f.start_line, f.start_column, f.end_line, f.end_column)
        for f in findings(run(ENGINE, {"a.js": text}, tmp_path))
    ] == [(1, 3, 1, 10), (2, 1, 3, 3)]


@pytest.mark.parametrize(
    "text",
    [
        "// ast-grep-ignore\neval(x)\n",
        f"// ast-grep-ignore: {EVAL}\neval(x)\n",
        "eval(x) // ast-grep-ignore\n",
        "// ast-grep-ignore\n\nf()\neval(x)\n",
        "/* ast-grep-ignore */\neval(x)\n",
    ],
)
@pytest.mark.parametrize("name", ["a.js", "a.ts", "a.tsx"])
def test_a_silenced_line_is_reported_as_silenced(tmp_path: Path, text: str, name: str) -> None:
    (result,) = findings(run(ENGINE, {name: text}, tmp_path))
    assert (result.rule_id, result.inline_suppressed) == (EVAL, True)
    assert result.snippet == "eval(x)", "silencing a line does not make it another finding"


def test_a_comment_that_silences_another_rule_silences_nothing(tmp_path: Path) -> None:
    text = f"// ast-grep-ignore: {JWT}\neval(x)\n"
    assert said(run(ENGINE, {"a.js": text}, tmp_path)) == [("a.js", 2, EVAL, False)]


def test_configuration_of_the_repository_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in (tmp_path, tmp_path / "scratch"):
        folder.mkdir(exist_ok=True)
        (folder / "sgconfig.yml").write_text('ruleDirs: [none]\nlanguageGlobs: {html: ["*"]}\n')
        (folder / ".ignore").write_text("*\n")
    files = {"sgconfig.yml": "ruleDirs: [x]\n", ".gitignore": "*\n", "a.js": BAD, "b/a.js": BAD, "C.JS": BAD}
    assert [path for path, *_ in said(run(ENGINE, files, tmp_path))] == ["C.JS", "a.js", "b/a.js"]


def test_names_come_back_as_they_are(tmp_path: Path) -> None:
    files = dict.fromkeys(["a b#%41é😀\"'.js", "-rule.js", "x/[a]*?.js", ".hidden.js"], BAD)
    assert {path for path, *_ in said(run(ENGINE, files, tmp_path))} == set(files)


def test_what_cannot_be_read_is_a_failure_of_that_file(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "large.js": BAD * (MAX_FILE // len(BAD) + 1),
        "latin.js": "// é\neval(x)\n".encode("latin-1"),
        "minified.js": "f();" * (MAX_LINE // 4 + 1),
        "video.ts": b"G@\0\x10\0\xff" * MAX_FILE,
        "empty.js": "",
        "broken.js": "f(;\neval(x)\n",
    }
    results = run(ENGINE, files, tmp_path)
    assert failures(results) == [("large.js", False), ("latin.js", False), ("minified.js", False)]
    assert said(results) == [("broken.js", 2, EVAL, False)]


def test_what_is_nested_without_end_costs_only_itself(tmp_path: Path) -> None:
    depth = 16_000
    files = {
        "calls.js": "eval(" * 1000 + "x" + ")" * 1000,
        "lists.js": "x = " + "[" * depth + "]" * depth,
        "sums.py": "x = " + "+".join(["a"] * depth),
        "good.js": BAD,
    }
    results = run(ENGINE, files, tmp_path)
    assert ("good.js", 1, EVAL, False) in said(results)
    assert {path for path, _ in failures(results)} <= set(files) - {"good.js"}


def test_a_lack_of_memory_costs_only_the_file_that_has_it(tmp_path: Path) -> None:
    limits = replace(Limits(), tool_seconds=60.0, memory_bytes=60 * 1024 * 1024)
    results = run(ENGINE, {"many.js": "eval(x)\n" * 100_000, "good.js": BAD}, tmp_path, limits=limits)
    assert failures(results) == [("many.js", False)]
    assert said(results) == [("good.js", 1, EVAL, False)]


def test_what_looks_like_a_secret_is_not_quoted(tmp_path: Path) -> None:
    text = (
        'jwt.decode(t, "AKIAIOSFODNN7EXAMPLE2", verify=False); password = "hunter2"\n'
        'jwt.encode(claims, "correct horse", algorithm="HS256")\n'
    )
    results = findings(run(ENGINE, {"a.py": text}, tmp_path))
    assert {f.rule_id for f in results} == {JWT, "python.jwt-literal-key"}
    quoted = " ".join(f"{f.message} {f.snippet}" for f in results)
    assert not any(secret in quoted for secret in ("AKIA", "hunter2", "correct"))
    assert 'jwt.encode(claims, "[redacted]", algorithm=' in quoted


def test_the_suffix_is_all_of_the_path_that_matters() -> None:
    blob = Blob(Entry("src/a.TSX", "0" * 40, 1), b"")
    assert ENGINE.select(blob.entry)
    assert ENGINE.path_class(blob.entry) == ".tsx"
    assert not ENGINE.select(Entry("a.vue", "0" * 40, 1))


def test_the_rules_are_described() -> None:
    rules = list(ENGINE.rules())
    assert len({rule.id for rule in rules}) == len(rules) > 0
    assert all(rule.engine == "astgrep" and rule.short and rule.full and rule.help for rule in rules)
