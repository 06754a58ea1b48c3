"""Options of formats: defaults, spellings of switches, and errors that name what is wrong."""

from __future__ import annotations

import pytest

from exports.options import InvalidOptions, Option, read, switch

KNOWN = (Option("profile", ("full", "github"), "What is left out."), switch("pretty", "Indent."))


def test_what_is_not_said_is_the_first_value() -> None:
    assert read(KNOWN, {}) == {"profile": "full", "pretty": "false"}
    assert read((switch("bom", "", on=True),), {}) == {"bom": "true"}


@pytest.mark.parametrize("value", [True, "true", "TRUE", "1", "yes", "on", ""])
def test_a_switch_is_on_however_it_is_said(value: object) -> None:
    assert read(KNOWN, {"pretty": value})["pretty"] == "true"


@pytest.mark.parametrize("value", [False, "false", "0", "no", "off"])
def test_a_switch_is_off_however_it_is_said(value: object) -> None:
    assert read(KNOWN, {"pretty": value})["pretty"] == "false"


@pytest.mark.parametrize("value", ["", "gitlab", None, 1, True, ["github"], {"a": 1}])
def test_a_value_that_is_none_of_its_own_is_refused(value: object) -> None:
    with pytest.raises(InvalidOptions) as raised:
        read(KNOWN, {"profile": value})
    assert [(each.name, each.code) for each in raised.value.errors] == [("profile", "invalid")]
    assert "full, github" in raised.value.errors[0].message


def test_every_wrong_option_is_named() -> None:
    with pytest.raises(InvalidOptions) as raised:
        read(KNOWN, {"prety": "1", "profile": "x"})
    assert [(each.name, each.code) for each in raised.value.errors] == [
        ("prety", "unknown"),
        ("profile", "invalid"),
    ]
    assert "It has profile, pretty." in raised.value.errors[0].message
