"""Compare, print a table, and end with 1 when a bound is exceeded, 2 when something could not be compared at all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.accuracy import corpora, licenses, locks, oracles
from tests.accuracy.explained import EXPLAINED

MAIN = (
    "Python", "JavaScript", "TypeScript", "Go", "Java", "C", "C++", "C#", "Ruby", "PHP", "Rust", "Shell",
)  # fmt: skip
LINES, FUNCTIONS = 0.01, 0.02
LEAST_FILES = 5  # of one language in one corpus; fewer say nothing
LEAST_FUNCTIONS = 50
MOST_FILES = 400  # of one language that lizard, which is slow, looks at


@dataclass(slots=True)
class Table:
    """The rows as they come, and what they add up to."""

    missed: list[str] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)

    def row(self, what: str, language: str, counts: tuple[int, int, int], bound: float) -> None:
        """Add a row: `counts` are how many files, what we count in them, and what the oracle does."""
        files, ours, theirs = counts
        gap = (ours - theirs) / theirs if theirs else float(ours != theirs)
        allowed, why = EXPLAINED.get((what, language), (bound, ""))
        verdict = "ok" if abs(gap) <= bound else ("explained" if abs(gap) <= allowed else "MISSED")
        print(
            f"{what:<38} {language:<12} {files:>6} {ours:>9} {theirs:>9} {gap:>+8.2%}  {verdict}  {why}".rstrip()
        )
        if verdict == "MISSED":
            self.missed.append(f"{what}, {language}: {gap:+.2%}")

    def lost(self, what: str, why: str) -> None:
        print(f"{what:<38} NOT RUN: {why}")
        self.not_run.append(what)


def main() -> int:
    """Return the exit status."""
    table = Table()
    seen: set[str] = set()
    print(f"{'what':<38} {'language':<12} {'files':>6} {'ours':>9} {'theirs':>9} {'gap':>8}")
    with tempfile.TemporaryDirectory(prefix="commandcenter-accuracy-") as made:
        base = Path(made)
        (base / "corpora").mkdir()
        for corpus in corpora.make(base / "corpora"):
            if corpus.missing:
                table.lost(corpus.name, corpus.missing)
            else:
                seen |= _compare(table, corpus, base / "data" / corpus.folder.name)
        for lock in locks.make(base / "locks"):
            if lock.missing:
                table.lost(lock.name, lock.missing)
            else:
                locks.compare(table.row, lock, base / "data" / lock.name)
        licenses.compare(table.row, table.lost, base)
    for language in MAIN:
        if language not in seen:
            print(f"{'lines':<38} {language:<12} no corpus has {LEAST_FILES} files of it")
    if shutil.which("github-linguist") is None:
        print(f"{'languages':<38} not compared: github-linguist is not installed here")
    if table.missed:
        print(f"\nBeyond the bounds: {'; '.join(table.missed)}", file=sys.stderr)
        return 1
    if table.not_run:
        print(f"\nNot everything was compared: {'; '.join(table.not_run)}", file=sys.stderr)
        return 2
    return 0


def _compare(table: Table, corpus: corpora.Corpus, data: Path) -> set[str]:
    """Compare the lines and functions of one corpus; return the languages of which it has enough."""
    messages = oracles.engine(corpus.folder, data, "language,lines,functions")
    rows = {row["path"]: row for message in messages if message["type"] == "files" for row in message["rows"]}
    wanted = [path for path, row in rows.items() if row["language"] in MAIN and "\\x" not in path]
    if shutil.which("cloc") is None:
        table.lost(f"lines, {corpus.name}", "cloc is not installed here")
        return set()
    found = oracles.cloc(corpus.folder, wanted)
    by_language: dict[str, list[str]] = defaultdict(list)
    for path in wanted:
        row, theirs = rows[path], found.get(path)
        if theirs is None or row["code"] is None:
            continue
        language = oracles.CLOC_NAMES.get(theirs["language"], theirs["language"])
        if language == row["language"] or {language, row["language"]} <= {"C", "C++"}:
            by_language[row["language"]].append(path)
    enough = {name for name, paths in by_language.items() if len(paths) >= LEAST_FILES}
    for name in sorted(enough):
        paths = by_language[name]
        ours, theirs = (sum(rows[p]["code"] for p in paths), sum(found[p]["code"] for p in paths))
        table.row(f"lines, {corpus.name}", name, (len(paths), ours, theirs), LINES)
        if "--worst" in sys.argv[1:]:
            _worst(paths, {p: rows[p]["code"] - found[p]["code"] for p in paths})
    for name in sorted(enough):
        _functions(table, corpus, name, [p for p in by_language[name] if _readable(rows[p])], rows)
    return enough


def _functions(
    table: Table, corpus: corpora.Corpus, name: str, paths: list[str], rows: dict[str, dict[str, Any]]
) -> None:
    step = max(1, len(paths) // MOST_FILES)
    both = {p: count for p in paths[::step] if (count := oracles.lizard(corpus.folder / p)) is not None}
    if sum(both.values()) < LEAST_FUNCTIONS or name == "Shell":  # lizard does not read shell scripts
        return
    ours = sum(rows[p]["functions"] for p in both)
    table.row(f"functions, {corpus.name}", name, (len(both), ours, sum(both.values())), FUNCTIONS)
    if "--worst" in sys.argv[1:]:
        _worst(both, {p: rows[p]["functions"] - count for p, count in both.items()})


def _readable(row: dict[str, Any]) -> bool:
    """True for what people wrote and what has bodies: lizard loses its way in minified text, and counts declarations."""
    name = row["path"]
    return row["functions"] is not None and not (
        row["generated"] or ".min." in name or name.endswith(".d.ts")
    )


def _worst(paths: Iterable[str], gaps: dict[str, int]) -> None:
    for path in sorted(paths, key=lambda p: -abs(gaps[p]))[:6]:
        if gaps[path]:
            print(f"    {gaps[path]:>+7} {path}")


if __name__ == "__main__":
    sys.exit(main())
