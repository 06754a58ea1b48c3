"""What nothing measured is unknown in a file's row, and never 0."""

from __future__ import annotations

from commandcenter.engine.collect import Collected
from commandcenter.engine.contract.files import Entry
from commandcenter.engine.summary import Outcome, file_rows


def entry(path: str) -> Entry:
    return Entry(path=path, blob="ab" * 20, size=10)


def test_a_file_in_which_functions_were_not_looked_for_has_none_known() -> None:
    entries = [entry("empty.py"), entry("run"), entry("notes.md")]
    functions = Outcome(Collected(max_findings=1), selected={"empty.py", "run"})
    rows = {row.path: row.functions for row in file_rows(entries, {"functions": functions})}
    assert rows == {"empty.py": 0, "run": None, "notes.md": None}


def test_without_the_engine_nothing_is_known() -> None:
    (row,) = file_rows([entry("empty.py")], {})
    known = (row.functions, row.complexity, row.code, row.language, row.commits)
    assert known == (None, None, None, None, None)
