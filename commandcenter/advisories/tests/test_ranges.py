"""Which versions a record affects: OSV's kinds of ranges, and how each ecosystem orders its versions."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.advisories.ranges import affects, as_vers, fixes
from commandcenter.advisories.tests.corpus import since
from commandcenter.advisories.versions import UnreadableVersion, used_key, version_key

ASCENDING = {
    "npm": "1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.2.0 1.10.0",
    "golang": (
        "v0.0.0-20180101000000-abcdefabcdef v0.0.0-20191109021931-daa7c04131f5 v0.1.0 v1.0.0-rc.1 "
        "v1.0.1-0.20200101000000-aaaaaaaaaaaa v1.0.1 v2.0.0+incompatible v2.0.1"
    ),
    "pypi": "1.0.dev1 1.0a1.dev1 1.0a1 1.0b1 1.0rc1 1.0 1.0+local 1.0.post1 1.1.dev1 1.1 2020.1 1!0.1",
    "maven": "1.0-alpha-1 1.0-beta-1 1.0-milestone-1 1.0-rc-1 1.0-SNAPSHOT 1.0 1.0-sp 1.0-1 1.1-alpha-1 1.1 1.10",
    "gem": "1.0.0.a 1.0.0.beta2 1.0.0.beta10 1.0.0.pre1 1.0.0.rc1 1.0.0 1.0.0.1 1.0.1",
    "nuget": "1.0.0-alpha 1.0.0-beta 1.0.0 1.0.0.1-beta 1.0.0.1 1.0.0.2 1.0.0.10 1.0.1 1.1",
    "composer": "1.0.0-dev 1.0.0-alpha1 1.0.0-beta1 1.0.0-beta1.2 1.0.0-beta.10 1.0.0-RC1 1.0.0 1.0.0-p1 1.0.0.9 1.0.0.10 1.0.1",
    "pub": "1.0.0-dev.1 1.0.0 1.0.0+1 1.0.0+2 1.0.0+10 1.0.1",
    "hex": "1.0.0-rc.1 1.0.0 1.0.1",
    "cargo": "0.1.0-alpha.1 0.1.0 0.1.1 0.10.0",
    "githubactions": "v1.0.0 v1.2.0 v3 v3.0.1",
    "swift": "1.0.0-beta.1 1.0.0 1.2.0 v1.10.0",
}
EQUAL = [
    ("npm", "1.0.0+a", "v1.0.0+b"),
    ("pypi", "1.0", "1.0.0"),
    ("pypi", "1.0-RC1", "1.0rc1"),
    ("maven", "1.0", "1.0.0"),
    ("maven", "1.0-ga", "1.0.RELEASE"),
    ("maven", "1.0-cr1", "1.0-rc1"),
    ("gem", "1.0", "1.0.0"),
    ("nuget", "1.0", "1.0.0.0"),
    ("nuget", "1.0.0-Beta", "01.0.0-beta+x"),
    ("composer", "v1.0", "1.0.0.0"),
]
UNREADABLE = [
    ("pypi", "not a version"),
    ("composer", "dev-master"),
    ("composer", "1-a" + "1" * 190 + "x"),  # which must not take for ever
    ("npm", "latest"),
    ("npm", "1.2.3.4"),
    ("gem", "x y"),
    ("nuget", "abc"),
    ("nuget", "v"),
    ("maven", ""),
    ("golang", "abc123"),
    ("npm", "1." + "0" * 300),
    ("docker", "1.0"),
]


@pytest.mark.parametrize("ecosystem", ASCENDING)
def test_versions_are_ordered_as_their_ecosystem_orders_them(ecosystem: str) -> None:
    keys = [version_key(ecosystem, text) for text in ASCENDING[ecosystem].split()]
    for place, key in enumerate(keys):
        assert not key < key  # noqa: PLR0124  (what is compared is equal to itself)
        assert all(key < later and not later < key for later in keys[place + 1 :])


@pytest.mark.parametrize(("ecosystem", "one", "other"), EQUAL)
def test_equal_versions_are_equal(ecosystem: str, one: str, other: str) -> None:
    assert version_key(ecosystem, one) == version_key(ecosystem, other)


@pytest.mark.parametrize(("ecosystem", "text"), UNREADABLE)
def test_what_is_no_version_of_its_ecosystem_is_unreadable(ecosystem: str, text: str) -> None:
    with pytest.raises(UnreadableVersion):
        version_key(ecosystem, text)


@pytest.mark.parametrize("text", ["v4", "v4.1", "main", "8f4b7f84864484a7bf31766abe9204da3cbe65b3"])
def test_a_tag_of_an_action_that_moves_stands_for_no_version(text: str) -> None:
    with pytest.raises(UnreadableVersion):
        used_key("githubactions", text)
    assert affects("githubactions", text, [since("1.0.0", "5.0.0")], []) is None


@pytest.mark.parametrize(
    ("events", "version", "answer"),
    [
        (since("1.0.0", "1.2.3"), "1.0.0", True),
        (since("1.0.0", "1.2.3"), "0.9.9", False),
        (since("1.0.0", "1.2.3"), "1.2.3", False),
        (since("1.0.0", "1.2.3"), "1.2.3-rc.1", True),  # a release candidate of the fix does not have it
        (since("0", "1.0.0"), "0.0.1-alpha", True),
        (since("0"), "99.0.0", True),
        (since("1.0.0", last_affected="1.5.0"), "1.5.0", True),
        (since("1.0.0", last_affected="1.5.0"), "1.5.1", False),
        (since("1.0.0", last_affected="1.0.0"), "1.0.0", True),
        (since("0", last_affected="0"), "0.0.0", True),
        (since("0", last_affected="0"), "0.0.1", False),
        (since("0", limit="2.0.0"), "1.9.9", True),
        (since("0", limit="2.0.0"), "2.0.0", False),
        (since("0", "3.0.0", limit="*"), "2.0.0", True),
        ([*since("0", "1.0.0"), *since("1.0.0", "2.0.0")], "1.5.0", True),
        ([*since("0", "1.0.0"), *since("1.0.0", "2.0.0")], "1.0.0", True),
        ([*since("1.0.0", "1.0.0")], "1.0.0", False),
        ([*since("1.0.0", "1.0.0")], "2.0.0", False),
        ([{"fixed": "2.0.0"}, {"introduced": "1.0.0"}, {"fixed": "4.0.0"}, {"introduced": "3.0.0"}], "3.1.0", True),
        ([{"fixed": "2.0.0"}, {"introduced": "1.0.0"}, {"fixed": "4.0.0"}, {"introduced": "3.0.0"}], "2.1.0", False),
    ],
)  # fmt: skip
def test_a_range_is_evaluated_as_osv_says_whatever_the_order_of_its_events(
    events: list[dict[str, str]], version: str, answer: bool
) -> None:
    assert affects("npm", version, [events], []) is answer
    assert affects("npm", version, [events[::-1]], []) is answer


@pytest.mark.parametrize(
    ("ecosystem", "version", "listed"),
    [
        ("npm", "1.0.0", ["1.0.0"]),
        ("pypi", "1.0.0", ["1.0"]),
        ("golang", "v1.2.3", ["1.2.3"]),
        ("npm", "odd", ["odd"]),
    ],
)
def test_versions_that_are_named_are_affected(ecosystem: str, version: str, listed: list[str]) -> None:
    assert affects(ecosystem, version, [], listed) is True
    assert affects(ecosystem, version, [], ["9.9.9"]) is False


def test_what_cannot_be_compared_is_unknown_and_not_unaffected() -> None:
    assert affects("pypi", "not a version", [since("1.0")], ["1.0"]) is None
    assert affects("pypi", "1.0", [since("not a version")], []) is None
    assert affects("pypi", "1.0", [since("not a version"), since("0")], []) is True


def test_fixes_come_nearest_first_and_only_later_ones() -> None:
    ranges: list[Any] = [since("3.0.0", "3.1.0"), since("1.0.0", "1.10.0"), since("1.0.0", "1.9.0")]
    assert fixes("npm", "1.5.0", ranges) == ["1.9.0", "1.10.0", "3.1.0"]
    assert fixes("npm", "3.0.5", ranges) == ["3.1.0"]
    assert fixes("npm", "odd", ranges) == []


def test_a_range_is_written_in_the_vers_notation() -> None:
    assert as_vers("npm", since("1.0.0", "1.2.3")) == "vers:npm/>=1.0.0|<1.2.3"
    assert as_vers("pypi", since("0", last_affected="2.0")) == "vers:pypi/<=2.0"
    assert as_vers("pypi", since("0")) == "vers:pypi/*"
    disordered = [{"fixed": "10.0.0"}, {"introduced": "9.0.0"}, {"fixed": "2.0.0"}, {"introduced": "0"}]
    assert as_vers("npm", disordered) == "vers:npm/<2.0.0|>=9.0.0|<10.0.0"
    assert as_vers("npm", since("odd", "2.0.0")) == "vers:npm/>=odd|<2.0.0"
    assert as_vers("npm", since("0")) == "vers:npm/*"
