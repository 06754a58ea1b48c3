"""Tests are told from other code by their names and folders."""

from __future__ import annotations

import pytest

from commandcenter.engine.tests_by_name import is_test


@pytest.mark.parametrize(
    "path",
    [
        "test_a.py",
        "a/conftest.py",
        "a/b_test.go",
        "src/test/java/A.java",
        "Tests/a.py",
        "a.spec.tsx",
        "a/__tests__/b.js",
        "src/AuditTest.java",
        "src/AuditIT.java",
        "a.bats",
    ],
)
def test_what_test_tools_look_for_is_a_test(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize(
    "path",
    [
        "testing.py",
        "contest.py",
        "a/latest.go",
        "Latest.java",
        "src/Audit.java",
        "Edit.kt",
        "attest/a.py",
        "tests",
    ],
)
def test_names_that_only_sound_alike_are_not(path: str) -> None:
    assert not is_test(path)
