"""The files that semgrep and jscpd were run over when their answers were recorded, and programs that repeat them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import orjson

from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Result

RECORDED = Path(__file__).parent / "recorded"

RULES = {
    "python/dangerous.yaml": """\
rules:
  - id: eval-used
    languages: [python]
    severity: ERROR
    message: "eval runs $X. Parse it instead."
    pattern: eval($X)
    metadata:
      cwe: ["CWE-95: Improper Neutralization of Directives in Dynamically Evaluated Code"]
      confidence: HIGH
      references: ["https://example.org/eval"]
  - id: only-in-tests
    languages: [python]
    severity: INFO
    message: A call in a test.
    pattern: eval(...)
    paths: {include: ["/tests/**"]}
  - id: refused
    languages: [python]
    severity: LOW
    message: A pattern that is none.
    pattern: "foo((("
""",
    "web.yml": """\
rules:
  - id: inner-html
    languages: [js]
    severity: WARNING
    message: innerHTML of $X is set.
    pattern: $X.innerHTML = $Y
    metadata: {category: correctness}
""",
}
CHECKED = {
    "tests/a.py": 'é = "é" + eval(given)\neval(other)  # nosemgrep\n',
    "src/b.py": "x = 1\n\n\ny = eval(\n    given\n)\n",
    "src/broken.py": "def f(:\n    x y (\n    eval(given)\n",
    "static/page.min.js": "a.innerHTML = b;\n",
    ".semgrepignore": "*.py\nstatic/\n",
    ".semgrep/settings.yml": "has_shown_metrics_notification: true\n",
}

SEMGREP_FINDS = [
    ("src/b.py", 4, 6, "python.eval-used", "high", False),
    ("static/page.min.js", 1, 1, "inner-html", "medium", False),
    ("tests/a.py", 1, 1, "python.eval-used", "high", False),
    ("tests/a.py", 1, 1, "python.only-in-tests", "low", False),
    ("tests/a.py", 2, 2, "python.eval-used", "high", True),
    ("tests/a.py", 2, 2, "python.only-in-tests", "low", True),
]
SEMGREP_FAILS = [
    ("src/broken.py", "Not checked in full, semgrep says: PartialParsing."),
    (None, "semgrep refuses the rule python.refused: mend or remove it."),
]

_BLOCK = "".join(
    f"    total_{n} = add(first_{n}, second_{n}) * weight_of(kind_{n}, {n})\n" for n in range(20)
)
REPEATED = {
    "src/b.py": f"import os\n\n\ndef one():\n{_BLOCK}    return total_0\n",
    "src/a.py": f"def two(given):\n{_BLOCK}    return given\n",
    "src/marked.py": f"# jscpd:ignore-start\ndef three():\n{_BLOCK}# jscpd:ignore-end\n",
    "node_modules/left-pad/index.py": f"def four():\n{_BLOCK}",
    "notes.md": _BLOCK,
    ".jscpd.json": '{"ignore": ["**"], "minLines": 1000}',
    "package.json": '{"jscpd": {"ignore": ["**"]}}',
    ".gitignore": "src/\n",
}
JSCPD_FINDS = [
    ("src/a.py", 1, 22, "22 lines are repeated in src/b.py, lines 4 to 25.", False),
    ("src/b.py", 4, 24, "21 lines are repeated in src/marked.py, lines 2 to 22.", True),
]


def semgrep_told(said: Iterable[Result]) -> list[tuple[str, int, int, str, str, bool]]:
    """Give the findings as SEMGREP_FINDS has them."""
    found = [one for one in said if isinstance(one, Finding)]
    return sorted(
        (f.path, f.start_line, f.end_line, f.rule_id, f.severity, f.inline_suppressed) for f in found
    )


def jscpd_told(said: Iterable[Result]) -> list[tuple[str, int, int, str, bool]]:
    """Give the findings as JSCPD_FINDS has them."""
    found = [one for one in said if isinstance(one, Finding)]
    return sorted((f.path, f.start_line, f.end_line, f.message, f.inline_suppressed) for f in found)


def write_rules(folder: Path) -> Path:
    """Write the rules below a folder and return it."""
    for name, text in RULES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def semgrep_that_repeats(folder: Path, version: str = "1.185.0") -> str:
    """Make an environment with a program that says what semgrep said of CHECKED; return the program."""
    package = folder / "lib" / "python3.11" / "site-packages" / f"semgrep-{version}.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text(f"Metadata-Version: 2.1\nName: semgrep\nVersion: {version}\n")
    for name in ("semgrep-loud.json", "semgrep-quiet.json"):
        shutil.copy(RECORDED / name, folder / name)
    return _program(
        folder / "bin" / "semgrep",
        f'case "$*" in *--enable-nosem*) way=quiet;; *) way=loud;; esac\nexec cat "{folder}/semgrep-$way.json"',
    )


def jscpd_that_repeats(folder: Path, version: str = "5.3.3") -> str:
    """Make an npm package with a program that reports what jscpd reported of REPEATED; return the program."""
    package = folder / "node_modules" / "jscpd"
    package.mkdir(parents=True)
    (package / "package.json").write_bytes(orjson.dumps({"name": "jscpd", "version": version}))
    shutil.copy(RECORDED / "jscpd-report.json", package)
    return _program(
        package / "run-jscpd.js",
        f'mkdir report && exec cat "{package}/jscpd-report.json" > report/jscpd-report.json',
    )


def _program(path: Path, text: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)
