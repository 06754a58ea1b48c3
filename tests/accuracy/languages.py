"""Languages and generated files: what enry's rules make of each file, beside GitHub's own linguist."""

from __future__ import annotations

from collections import Counter
from typing import Any

from commandcenter.engine.engines.language import GROUPS
from tests.accuracy import corpora, oracles
from tests.accuracy.table import Table

BOUND = 0.01


def compare(table: Table, corpus: corpora.Corpus, rows: dict[str, dict[str, Any]]) -> None:
    """Add two rows: of how many files both say the same language, and the same of being generated. Empty files have none."""
    theirs = oracles.linguist(
        corpus.folder, [p for p, row in rows.items() if row["size"] and not row["binary"]]
    )
    named = {p: GROUPS.get(name or "", name) for p, (name, _) in theirs.items()}
    compared = [p for p, name in named.items() if name or rows[p]["language"]]
    differ = [p for p in compared if named[p] != rows[p]["language"]]
    _row(table, f"languages, {corpus.name}", "linguist", compared, differ)
    pairs = Counter((rows[p]["language"], named[p]) for p in differ)
    examples = {(rows[p]["language"], named[p]): p for p in differ}
    table.details(f"{n:>6} {us} / {them}: {examples[us, them]}" for (us, them), n in pairs.most_common())
    differ = [p for p, (_, generated) in theirs.items() if generated != rows[p]["generated"]]
    _row(table, f"generated, {corpus.name}", "linguist", list(theirs), differ)
    table.details(f"ours {rows[p]['generated']}: {p}" for p in sorted(differ))


def _row(table: Table, what: str, subject: str, compared: list[str], differ: list[str]) -> None:
    count = len(compared)
    if count:
        table.row(what, subject, (count, count - len(differ), count), BOUND)
