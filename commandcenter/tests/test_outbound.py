"""The address guard: what may be dialled, in every spelling that a resolver would understand."""

from __future__ import annotations

import pytest

from commandcenter.outbound import ForbiddenAddress, is_allowed, parse_networks, resolve

FORBIDDEN = """
0.0.0.0 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255
192.0.0.9 192.0.2.1 192.31.196.1 192.52.193.1 192.88.99.1 192.168.1.1 192.175.48.1 198.18.0.1 198.51.100.1 203.0.113.1
224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::8.8.8.8
64:ff9b:1::1 100::1 2001::1 2001:0:a9fe:a9fe::1 2001:2::1 2001:20::1 2001:db8::1 2002:7f00:1:: 2002:a9fe:a9fe::1
2620:4f:8000::1 3fff::1 4000::1 5f00::1 fc00::1 fd00::1 fe80::1 fec0::1 ff02::1 ff0e::1
"""
PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 223.255.255.254
2606:4700::1111 2001:4860:4860::8888 2a00:1450::1
"""
ODD_SPELLINGS = """
2130706433 0x7f000001 017700000001 127.1 127.0.1 0177.0.0.1 0x7f.0.0.1 127.0.0.0x1 127.0.0.1. 8.8.8.8. 0x7F.1 00.0.0.0
127.0.0.256 1.2.3.4.5 0 0x [127.0.0.1] [localhost] [::1 ::1%lo fe80::1%eth0 :: ::ffff:127.0.0.1 [::1]
\uff11\uff12\uff17.0.0.1 \u2460\u2461\u2466.0.0.1 127\u30020\u30020\u30021 \uff10x7f000001
"""


@pytest.mark.parametrize("address", FORBIDDEN.split())
def test_special_purpose_addresses_are_not_allowed(address: str) -> None:
    assert not is_allowed(address, ())


@pytest.mark.parametrize("address", PUBLIC.split())
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
