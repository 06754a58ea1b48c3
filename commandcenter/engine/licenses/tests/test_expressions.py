"""SPDX expressions: what binds closest, how they are spelled, and what is no expression."""

from __future__ import annotations

import pytest

from commandcenter.engine.licenses.expressions import AllOf, AnyOf, License, canonical, licenses_of, parse


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        ("mit", "MIT"),
        (" Apache-2.0  or\tMIT ", "Apache-2.0 OR MIT"),
        ("MIT AND (apache-2.0 OR bsd-2-clause)", "MIT AND (Apache-2.0 OR BSD-2-Clause)"),
        ("(MIT)", "MIT"),
        ("((MIT OR ISC)) OR Zlib", "MIT OR ISC OR Zlib"),
        ("MIT AND MIT", "MIT"),
        ("GPL-2.0+", "GPL-2.0+"),
        ("gpl-2.0-only with classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("licenseref-Ours", "LicenseRef-Ours"),
    ],
)
def test_an_expression_is_given_in_the_spelling_of_spdx(written: str, spelled: str) -> None:
    assert canonical(written) == spelled
    assert canonical(spelled) == spelled


def test_with_binds_closest_then_and_then_or() -> None:
    found = parse("MIT OR ISC AND GPL-2.0-or-later WITH Bison-exception-2.2")
    bison = License("GPL-2.0-or-later", exception="Bison-exception-2.2")
    assert found == AnyOf((License("MIT"), AllOf((License("ISC"), bison))))
    assert licenses_of(found) == (License("MIT"), License("ISC"), bison)


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "Proprietary",
        "MIT License",
        "MIT OR",
        "OR MIT",
        "MIT ISC",
        "(MIT",
        "MIT)",
        "()",
        "MIT WITH",
        "MIT WITH ISC",
        "MIT WITH Nobody-exception-9.9",
        "(MIT OR ISC) WITH Classpath-exception-2.0",
        "MIT; rm -rf /",
        "MIT, ISC",
        "__import__('os')",
        "M\u0130T",
    ],
)
def test_what_spdx_does_not_know_is_no_expression(written: str) -> None:
    assert canonical(written) is None


@pytest.mark.parametrize(
    "bomb",
    [
        "(" * 400 + "MIT" + ")" * 400,
        "(" * 100_000,
        "MIT OR " * 200_000 + "MIT",
        "MIT AND (ISC OR " * 60 + "Zlib" + ")" * 60,
        "A" * 1_000_000,
        "MIT" + "+" * 900,
        " " * 1_000_000 + "MIT",
    ],
)
def test_an_expression_that_is_too_long_or_too_deep_is_none(bomb: str) -> None:
    assert canonical(bomb) is None
