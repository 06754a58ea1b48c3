"""Licences by likeness: the list's own texts, changed as people change them, mixed, and not licences at all."""

from __future__ import annotations

import pytest

from commandcenter.engine.licenses.likeness import Found, licenses_in
from commandcenter.engine.licenses.texts import listed
from commandcenter.engine.licenses.words import words_of

LISTED = listed()
MIT, APACHE = LISTED["MIT"]["text"], LISTED["Apache-2.0"]["text"]
CLAUSE = (
    "Without limiting other conditions in the License, the grant of rights under the License will not include, and the"
    " License does not grant to you, the right to Sell the Software.\n"
)


def ids(text: str) -> list[str | None]:
    return [found.spdx for found in licenses_in(text)]


def test_the_list_is_large_and_says_where_it_comes_from() -> None:
    assert len(LISTED) >= 110
    assert {"MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0", "MPL-2.0", "EPL-2.0", "Unlicense"} <= set(LISTED)


@pytest.mark.parametrize("spdx", LISTED)
def test_each_text_of_the_list_is_itself(spdx: str) -> None:
    # SPDX's text of LGPL 3 has the GPL, to which it refers, behind it.
    assert ids(LISTED[spdx]["text"]) == ([spdx, "GPL-3.0"] if spdx == "LGPL-3.0" else [spdx])


@pytest.mark.parametrize(
    "spdx", ["MIT", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Apache-2.0", "GPL-2.0", "MPL-2.0"]
)
def test_form_and_holders_do_not_matter(spdx: str) -> None:
    text = LISTED[spdx]["text"]
    words = text.split()
    lines = [" ".join(words[i : i + 7]) for i in range(0, len(words), 7)]
    commented = "/*\n" + "\n".join(f" *  {line}" for line in lines) + "\n */\n"
    holders = "Copyright (c) 1999-2024 Ada Lovelace, Charles Babbage\n© 2001 Example GmbH & Co. KG\nAll rights reserved.\n\n"
    assert ids(commented) == [spdx]
    assert ids(holders + text.upper()) == [spdx]
    assert ids(text.replace('"', "``").replace("'", "\u2019").replace("license", "licence")) == [spdx]


@pytest.mark.parametrize("holder", ["ADA LOVELACE", "THE ENGINE DEVELOPMENT GROUP"])
def test_holders_named_in_the_terms_do_not_matter(holder: str) -> None:
    text = LISTED["PostgreSQL"]["text"]
    terms = text[text.index("Permission to use") :].replace("THE UNIVERSITY OF CALIFORNIA", holder)
    assert ids(f"Copyright (c) 2024, {holder.title()}\n\n{terms}") == ["PostgreSQL"]


def test_the_explanation_behind_a_licence_may_be_missing() -> None:
    body = APACHE[: APACHE.index("END OF TERMS")]
    assert licenses_in(body) == [Found("Apache-2.0", 1, 1.0)]


def test_a_notice_of_hundreds_of_packages_is_read_to_its_end() -> None:
    notices = "\n".join(f"package-{n}\n{LISTED['MIT']['text']}\n" for n in range(220))
    assert ids(notices + LISTED["ISC"]["text"]) == ["MIT", "ISC"]


def test_a_notice_names_its_licence() -> None:
    assert ids(APACHE[APACHE.index("Licensed under the Apache License") :]) == ["Apache-2.0"]
    gpl = LISTED["GPL-2.0"]["text"]
    notice = gpl[gpl.index("This program is free software; you can") :]
    assert ids(notice[: notice.index("for more details.") + 17]) == ["GPL-2.0-or-later"]


def test_two_licences_in_one_file_are_two_with_their_lines() -> None:
    found = licenses_in(f"Choose one.\n\n{MIT}\n\n---\n\n{APACHE}\n\n{MIT}")
    assert [(f.spdx, f.likeness) for f in found] == [("MIT", 1.0), ("Apache-2.0", 1.0)]
    assert found[0].line == 3
    assert found[1].line == 3 + MIT.count("\n") + 4


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{MIT}\nThe Software may not be used for commercial purposes without a fee.\n", ["MIT", None]),
        (f"{APACHE}\n{CLAUSE}", ["Apache-2.0", None]),
        (LISTED["JSON"]["text"], ["JSON"]),
        (MIT.replace("without restriction,", "for personal and educational use,"), [None]),
    ],
)
def test_terms_that_are_added_are_not_taken_for_the_licence(text: str, expected: list[str | None]) -> None:
    assert ids(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "All rights reserved.\nThis is the property of Example Ltd. and may not be copied.",
        "MIT",
        "This software is made available under the terms of either of the licenses found in LICENSE.A or LICENSE.B.",
        " ".join(reversed(MIT.split())),
        MIT[: len(MIT) // 2],
    ],
)
def test_what_is_no_text_of_the_list_is_not_known(text: str) -> None:
    (found,) = licenses_in(text)
    assert (found.spdx, found.likeness) == (None, 0.0)


@pytest.mark.parametrize(
    "line",
    [
        "Copyright (c) 2024 Ada Lovelace",
        "Portions Copyright Example GmbH",
        "COPYRIGHT 1999 BY EXAMPLE",
        "  * \u00a9 Ada",
        "(c) 2001-2004, Ada",
        "Copyright <YEAR> <COPYRIGHT HOLDER>",
        "All rights reserved.",
    ],
)
def test_lines_that_name_the_holders_are_left_out(line: str) -> None:
    assert words_of(f"one\n{line}\ntwo").words == ("one", "two")


@pytest.mark.parametrize(
    "line",
    [
        "(c) You must retain it",
        "copyright, patent and other notices",
        "COPYRIGHT HOLDERS AND CONTRIBUTORS",
        "Copyright notice",
    ],
)
def test_lines_of_a_licence_that_look_like_it_stay(line: str) -> None:
    assert words_of(line).words[-1] == line.rsplit(maxsplit=1)[-1].lower()


@pytest.mark.parametrize("text", ["", " \n\t", "---\n***\n", "Copyright (c) 2024 Ada Lovelace\n"])
def test_a_text_without_words_says_nothing(text: str) -> None:
    assert licenses_in(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "software is provided as is " * 40_000,
        "a b " * 300_000,
        "x" * 5_000_000,
        "copyright " * 500_000,
        "(c)" * 500_000 + "!",
        "\n" * 2_000_000 + "MIT",
        " ".join(entry["text"] for entry in LISTED.values()) * 3,
        MIT * 1500,
    ],
)
def test_a_hostile_text_ends(text: str) -> None:
    assert len(licenses_in(text)) <= 100
