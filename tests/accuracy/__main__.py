"""Compare, print a table, and end with 1 when a bound is exceeded, 2 when something could not be compared at all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.accuracy import corpora, languages, licenses, locks, oracles
from tests.accuracy.table import Table

MAIN = (
    "Python", "JavaScript", "TypeScript", "Go", "Java", "C", "C++", "C#", "Ruby", "PHP", "Rust", "Shell",
)  # fmt: skip
LINES, FUNCTIONS = 0.01, 0.02
LEAST_FILES = 5  # of one language in one corpus; fewer say nothing
LEAST_FUNCTIONS = 50
MOST_FILES = 400  # of one language that lizard, which is slow, looks at


# oracle -> how it is had; without one its part of the table is "not run".
PROGRAMS = {
    "cloc": "apt-get install cloc",
    "github-linguist": "apt-get install ruby-github-linguist",
    "licensee": "apt-get install ruby-licensee",
}


def main() -> int:
    """Return the exit status."""
    table = Table("--worst" in sys.argv[1:])
    here = {program for program in PROGRAMS if shutil.which(program)}
    for program in sorted(PROGRAMS.keys() - here):
        table.lost(program, f"it is not installed here: {PROGRAMS[program]}")
    table.head()
    with tempfile.TemporaryDirectory(prefix="commandcenter-accuracy-") as made:
        _all(table, here, Path(made))
    if table.missed:
        print(f"\nBeyond the bounds: {'; '.join(table.missed)}", file=sys.stderr)
        return 1
    if table.not_run:
        print(f"\nNot everything was compared: {'; '.join(table.not_run)}", file=sys.stderr)
        return 2
    return 0


def _all(table: Table, here: set[str], base: Path) -> None:
    (base / "corpora").mkdir()
    seen: set[str] = set()
    for corpus in corpora.make(base / "corpora"):
        if corpus.missing:
            table.lost(corpus.name, corpus.missing)
            continue
        seen |= _compare(table, here, corpus, base / "data" / corpus.folder.name)
    for language in sorted(set(MAIN) - seen):
        table.lost(f"lines of {language}", f"no corpus has {LEAST_FILES} files of it")
    licenses.compare(table, base)
    for lock in locks.make(base / "locks"):
        if lock.missing:
            table.lost(lock.name, lock.missing)
        else:
            locks.compare(table.row, lock, base / "data" / f"lock-{lock.file.parent.name}")


def _compare(table: Table, here: set[str], corpus: corpora.Corpus, data: Path) -> set[str]:
    """Compare the files of one corpus; return the languages of which it has enough."""
    messages = oracles.engine(corpus.folder, data, "language,lines,functions")
    rows = {row["path"]: row for message in messages if message["type"] == "files" for row in message["rows"]}
    rows = {path: row for path, row in rows.items() if "\\x" not in path}
    if "github-linguist" in here:
        languages.compare(table, corpus, rows)
    return _lines(table, corpus, rows) if "cloc" in here else set(MAIN)


def _lines(table: Table, corpus: corpora.Corpus, rows: dict[str, dict[str, Any]]) -> set[str]:
    wanted = [path for path, row in rows.items() if row["language"] in MAIN]
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
        _worst(table, {p: rows[p]["code"] - found[p]["code"] for p in paths})
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
    _worst(table, {p: rows[p]["functions"] - count for p, count in both.items()})


def _readable(row: dict[str, Any]) -> bool:
    """True for what people wrote and what has bodies: lizard loses its way in minified text, and counts declarations."""
    name = row["path"]
    return row["functions"] is not None and not (
        row["generated"] or ".min." in name or name.endswith(".d.ts")
    )


def _worst(table: Table, gaps: dict[str, int]) -> None:
    table.details(f"{gaps[p]:>+7} {p}" for p in sorted(gaps, key=lambda p: -abs(gaps[p])) if gaps[p])


if __name__ == "__main__":
    sys.exit(main())
