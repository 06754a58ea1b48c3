"""Every rule of every engine that can run; an engine that cannot tell its rules is left out, which retires nothing."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.correlation import NOBODY, Correlator, correlator
from commandcenter.engine.engines import Registry
from commandcenter.engine.reporting import catalogues
from commandcenter.engine.tests.making import CountingEngine, MarkerEngine


class Away(MarkerEngine):
    id = "away"

    def unavailable(self) -> str | None:
        return "It is not installed."


class Broken(MarkerEngine):
    id = "broken"

    def rules(self) -> Iterable[Rule]:
        raise RuntimeError("its data is broken")


def test_engines_that_run_tell_their_rules_and_the_others_nothing() -> None:
    registry = Registry({}, instances=[Broken(), CountingEngine(), Away(), MarkerEngine()])
    said = list(catalogues(registry))
    assert [(m["engine"], m["rules"]) for m in said if m["type"] == "catalogue"] == [
        ("lines", []),
        ("marks", ["mark"]),
    ]
    assert [row["id"] for m in said if m["type"] == "rules" for row in m["rows"]] == ["mark"]


@pytest.mark.parametrize("given", ["", "zz", "ab" * 31, "ab" * 33, 7, ["ab" * 32]])
def test_a_key_of_another_shape_is_refused_and_not_repeated(given: object) -> None:
    with pytest.raises(ValueError, match="32 bytes") as refused:
        correlator(given)
    assert "abab" not in str(refused.value)


def test_a_key_shows_in_no_representation_and_has_an_id_of_its_own() -> None:
    one, other = (correlator(byte * 32) for byte in ("ab", "cd"))
    assert one.key_id != other.key_id
    assert "ab" * 4 not in repr(one)
    assert "\\xab" not in repr(one)
    assert correlator(None) is NOBODY
    assert NOBODY.name("secret") is None
    assert Correlator(b"k" * 32).name("  ") is None
