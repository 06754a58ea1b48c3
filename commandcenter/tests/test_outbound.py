"""The address guard: what may be dialled, in every spelling that a resolver would understand."""

from __future__ import annotations

import pytest

from commandcenter.outbound import ForbiddenAddress, is_allowed, parse_networks, resolve
from commandcenter.tests.addresses import FORBIDDEN, HOSTS, ODD_SPELLINGS, PUBLIC, beside


def test_the_table_is_no_short_one() -> None:
    assert len(FORBIDDEN) >= 150
    assert len(HOSTS) >= 220


@pytest.mark.parametrize("address", FORBIDDEN)
def test_special_purpose_addresses_are_not_allowed(address: str) -> None:
    assert not is_allowed(address, ())
    with pytest.raises(ForbiddenAddress):
        resolve(address, 443, ())


@pytest.mark.parametrize("address", [*PUBLIC.split(), *beside()])
def test_public_addresses_are_allowed(address: str) -> None:
    assert is_allowed(address, ())
    assert resolve(f"[{address}]" if ":" in address else address, 443, ()) == [address]


@pytest.mark.parametrize("host", ODD_SPELLINGS.split())
def test_odd_spellings_of_addresses_are_refused_even_where_all_of_ipv4_is_allowed(host: str) -> None:
    with pytest.raises(ForbiddenAddress):
        resolve(host, 80, parse_networks("0.0.0.0/0"))


@pytest.mark.parametrize(
    "host", ["", " ", "a b", "-x", "a\n.b", "a/b", "a@b", "x" * 300, "\udc80.example", "a..b"]
)
def test_text_that_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(ForbiddenAddress):
        resolve(host, 80, ())


def test_an_allowed_network_opens_its_own_addresses_and_no_others() -> None:
    allow = parse_networks("127.0.0.0/8, fd00::/8")
    assert is_allowed("127.0.0.1", allow)
    assert is_allowed("fd12::1", allow)
    assert not is_allowed("10.0.0.1", allow)
    assert not is_allowed("::ffff:127.0.0.1", allow)
    assert not is_allowed("::1", allow)
    assert not is_allowed("not an address", allow)


def test_a_name_is_resolved_and_only_allowed_addresses_come_back() -> None:
    assert resolve("localhost", 80, parse_networks("127.0.0.0/8")) == ["127.0.0.1"]
    with pytest.raises(ForbiddenAddress, match="localhost is not a public address"):
        resolve("localhost", 80, ())


def test_an_unknown_name_is_an_os_error() -> None:
    with pytest.raises(OSError):  # noqa: PT011 - the resolver's text is the system's
        resolve("nothing-here.invalid", 80, ())


def test_networks_are_read_with_commas_and_spaces_and_a_wrong_one_is_named() -> None:
    assert [str(n) for n in parse_networks(" 10.0.0.0/8,192.0.2.1  ::1/128 ")] == [
        "10.0.0.0/8",
        "192.0.2.1/32",
        "::1/128",
    ]
    assert parse_networks("  ") == ()
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        parse_networks("10.0.0.0/8 10.0.0.1/8")
