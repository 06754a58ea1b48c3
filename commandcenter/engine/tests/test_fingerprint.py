"""Fingerprints name a finding by what it is, not by where its line has moved to."""

from __future__ import annotations

from dataclasses import replace

from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.fingerprint import merge, with_fingerprints

ONE = Finding("a.py", 3, 3, "F401", "ruff", "low", "Unused import.", "import  os")


def _mark(finding: Finding) -> str:
    return with_fingerprints([finding])[0].fingerprint


def test_it_has_a_version_and_32_hexadecimal_characters() -> None:
    version, _, digest = _mark(ONE).partition(":")
    assert version == "v1"
    assert len(digest) == 32
    assert int(digest, 16) >= 0


def test_moving_or_indenting_the_line_changes_nothing() -> None:
    assert _mark(replace(ONE, start_line=90, end_line=91, snippet="\timport os\n")) == _mark(ONE)


def test_another_rule_engine_path_or_text_is_another_finding() -> None:
    others = [
        replace(ONE, rule_id="F402"),
        replace(ONE, engine="other"),
        replace(ONE, path="b.py"),
        replace(ONE, snippet="import sys"),
    ]
    assert len({_mark(finding) for finding in [ONE, *others]}) == 5


def test_equal_lines_are_told_apart_by_their_order_in_the_file() -> None:
    first, second = with_fingerprints(merge([replace(ONE, start_line=9, end_line=9), ONE]))
    assert (first.start_line, second.start_line) == (3, 9)
    assert first.fingerprint == _mark(ONE)
    assert second.fingerprint != first.fingerprint


def test_repetitions_are_merged() -> None:
    assert merge([ONE, replace(ONE, snippet="something else"), ONE]) == [ONE]
    assert len(merge([ONE, replace(ONE, message="Another message.")])) == 2
