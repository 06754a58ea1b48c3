"""The same tools as the engines use, run by hand over a checkout, one after another: the floor of an analysis.

`python -m bench.byhand STEP FOLDER` runs one step in a process of its own.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from commandcenter.engine.contract.files import Entry

STEPS = (
    "clone", "language", "lines", "functions", "manifests", "secrets", "ruff", "astgrep", "zizmor", "hadolint", "shellcheck", "history",
)  # fmt: skip


def files(folder: Path) -> list[Path]:
    """Return the tracked files."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=folder, check=True, capture_output=True, timeout=60
    )
    return [folder / name.decode() for name in listed.stdout.split(b"\0") if name]


def clone(folder: Path) -> None:
    """Get the repository as somebody would who wants to run the tools: its history and a checkout."""
    with tempfile.TemporaryDirectory() as made:
        argv = ["git", "clone", "--quiet", "--no-local", str(folder), f"{made}/clone"]
        subprocess.run(argv, check=True, capture_output=True, timeout=300)


def language(folder: Path) -> None:
    """Ask enry for each file."""
    import enry

    for path in files(folder):
        data = path.read_bytes()
        enry.get_language(path.name, data)
        enry.is_vendor(str(path.relative_to(folder)))
        enry.is_generated(path.name, data)


def lines(folder: Path) -> None:
    """Let pytokei count the files."""
    import pytokei

    languages = pytokei.Languages()
    languages.get_statistics([str(path) for path in files(folder)], [], pytokei.Config())


def functions(folder: Path) -> None:
    """Parse each file whose language is known, and ask the query that counting functions needs."""
    import tree_sitter

    from commandcenter.engine.engines.grammars import grammar_for
    from commandcenter.engine.engines.syntax import language, query

    for path in files(folder):
        data = path.read_bytes()
        entry = Entry(path=str(path.relative_to(folder)), blob="", size=len(data))
        grammar = grammar_for(entry, data)
        if grammar is not None:
            tree = tree_sitter.Parser(language(grammar)).parse(data)
            tree_sitter.QueryCursor(query(grammar, grammar.query)).captures(tree.root_node)


def manifests(folder: Path) -> None:
    """Read the manifests with the standard parsers."""
    import json
    import tomllib

    for path in files(folder):
        if path.name.endswith("package.json"):
            json.loads(path.read_bytes())
        elif path.name == "pyproject.toml":
            tomllib.loads(path.read_text())


def secrets(folder: Path) -> None:
    """Run betterleaks over the checkout."""
    from commandcenter.engine.engines.secrets_rules import binary

    argv = [str(binary()), "filesystem", "--redact=100", "--log-level=fatal", "--no-banner", "--exit-code=0"]
    subprocess.run(
        [*argv, "--jsonl", "--output=-", "."], cwd=folder, check=True, capture_output=True, timeout=300
    )


def ruff(folder: Path) -> None:
    """Run ruff over the checkout with the engine's rules."""
    from commandcenter.engine.engines.ruff import binary
    from commandcenter.engine.engines.ruff_rules import SEVERITY
    from commandcenter.engine.engines.ruff_run import OPTIONS

    argv = [str(binary()), *OPTIONS, f"--select={','.join(SEVERITY)}", str(folder)]
    subprocess.run(argv, check=True, capture_output=True, timeout=300)


def astgrep(folder: Path) -> None:
    """Run ast-grep over the checkout with our rules, once for each language."""
    from commandcenter.engine.engines.astgrep import LANGUAGES, OPTIONS, rule_file
    from commandcenter.engine.engines.programs import beside_interpreter

    program = beside_interpreter("ast-grep")
    for name in dict.fromkeys(LANGUAGES.values()):
        wanted = [str(path) for path in files(folder) if LANGUAGES.get(path.suffix.lower()) == name]
        if program and wanted:
            with tempfile.NamedTemporaryFile(suffix=".yml") as rules:
                rules.write(rule_file(name, tests=False))
                rules.flush()
                argv = [program, "scan", *OPTIONS, f"--rule={rules.name}", *wanted]
                subprocess.run(argv, check=True, capture_output=True, timeout=300)


def zizmor(folder: Path) -> None:
    """Run zizmor over the workflows with the engine's options."""
    _tool("zizmor", folder)


def hadolint(folder: Path) -> None:
    """Run hadolint over the Dockerfiles with the engine's options."""
    _tool("hadolint", folder)


def shellcheck(folder: Path) -> None:
    """Run shellcheck over the scripts with the engine's options."""
    _tool("shellcheck", folder)


def _tool(name: str, folder: Path) -> None:
    """Run an engine's program once over the files that the engine selects; nothing where there are none."""
    import importlib

    from commandcenter.engine.engines.programs import beside_interpreter

    module = importlib.import_module(f"commandcenter.engine.engines.{name}")
    program = beside_interpreter(name)
    wanted = [
        str(path)
        for path in files(folder)
        if module.ENGINE.select(Entry(str(path.relative_to(folder)), "", path.stat().st_size))
    ]
    if name == "shellcheck":  # the engine selects by name and looks for an interpreter afterwards
        wanted = [path for path in wanted if path.endswith(".sh")]
    if program and wanted:
        # Findings are an exit status of these tools, not a failure.
        subprocess.run([program, *module.OPTIONS, *wanted], capture_output=True, timeout=300, check=False)


def history(folder: Path) -> None:
    """Read a year of history."""
    subprocess.run(["git", "log", "--numstat", "-z", "--no-merges", "--since=365 days", "--format=%H %aN <%aE> %ct"],
                   cwd=folder, check=True, capture_output=True, timeout=300)  # fmt: skip


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
