"""CC_ENGINES_OPTIONAL and what belongs to it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from commandcenter.engine.optional import OptionalEngines
from commandcenter.settings.extras import optional_engines


@pytest.fixture(autouse=True)
def unset(monkeypatch) -> None:
    for name in ("CC_ENGINES_OPTIONAL", "CC_SEMGREP", "CC_SEMGREP_RULES", "CC_JSCPD"):
        monkeypatch.delenv(name, raising=False)


def test_none_is_switched_on_by_itself() -> None:
    assert optional_engines() == OptionalEngines()


def test_the_named_ones_are_switched_on_with_their_paths(monkeypatch) -> None:
    monkeypatch.setenv("CC_ENGINES_OPTIONAL", "jscpd, semgrep,")
    monkeypatch.setenv("CC_SEMGREP_RULES", "/etc/rules")
    monkeypatch.setenv("CC_JSCPD", "/opt/jscpd")
    assert optional_engines() == OptionalEngines(("semgrep", "jscpd"), "", "/etc/rules", "/opt/jscpd")


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CC_ENGINES_OPTIONAL", "semgrep,lizard", "names lizard; known are semgrep, jscpd"),
        ("CC_SEMGREP_RULES", "rules", "CC_SEMGREP_RULES must be an absolute path, and rules is not"),
        ("CC_SEMGREP", "semgrep", "CC_SEMGREP must be an absolute path"),
        ("CC_JSCPD", "./jscpd", "CC_JSCPD must be an absolute path"),
    ],
)
def test_what_cannot_be_used_is_named(monkeypatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=words):
        optional_engines()
