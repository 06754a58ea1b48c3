"""What the address guard is asked in the tests: every special-purpose range, every way to hide an address, and what is public."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

# The registries of special-purpose addresses of IANA, with multicast, which has one of its own.
IPV4 = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29
192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
192.88.99.0/24 192.88.99.2/32 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4
240.0.0.0/4 255.255.255.255/32
"""
IPV6 = """
::1/128 ::/128 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32 2001:1::1/128
2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28 2001:30::/28 2001:db8::/32
2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
"""
# Addresses inside that others stand for: compatible, mapped, translated, 6to4, Teredo (plain and inverted), NAT64 with
# the well-known and the local-use prefix, ISATAP below prefixes that are public, and what is assigned to nobody.
STAND_FOR_OTHERS = """
::127.0.0.1 ::7f00:1 ::a9fe:a9fe ::10.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:169.254.169.254 ::ffff:10.0.0.1
::ffff:8.8.8.8 0:0:0:0:0:ffff:c0a8:101 ::ffff:0:127.0.0.1 ::ffff:0:a9fe:a9fe ::ffff:0:8.8.8.8
2002:7f00:1:: 2002:7f00:1::1 2002:a9fe:a9fe::1 2002:a00:1::1 2002:c0a8:101::1 2002:808:808::1
2001:0:7f00:1:: 2001:0:a9fe:a9fe::1 2001:0:808:808:8000:f227:80ff:fffe 2001:0:808:808::5601:5601
64:ff9b::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::a00:1 64:ff9b::8.8.8.8
64:ff9b:1::127.0.0.1 64:ff9b:1:7f00:0:100:: 64:ff9b:1::a9fe:a9fe 64:ff9b:1:fffe::a00:1
2607:f8b0::5efe:127.0.0.1 2607:f8b0::5efe:7f00:1 2607:f8b0::5efe:10.0.0.1 2a00:1450:4001:800:200:5efe:a9fe:a9fe
2a00:1450:4001:800:0:5efe:c0a8:101 2607:f8b0::200:5efe:8.8.8.8 fe80::5efe:127.0.0.1
4000::1 6000::1 8000::1 a000::1 c000::1 e000::1 f000::1 200::1 400::1 1000::1
"""
# What one resolver or another takes for an address, and text that is meant to be taken for one.
ODD_SPELLINGS = """
2130706433 2852039166 3232235777 0x7f000001 0X7F000001 0x7f.1 0x7f.0.0.1 0x7F.1 0x7f.0x0.0x0.0x1 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe
017700000001 0177.0.0.1 0177.0.0.01 00000177.0.0.1 0251.0376.0251.0376 127.0.0.0x1 127.0.0.01 127.0.0x0.1
127.1 127.0.1 127.65535 10.1 192.168.257 169.254.43518 127.0.0.256 127.0.0.1.1 1.2.3.4.5 256.256.256.256 0 0x 00.0.0.0 1
127.0.0.1. 127.0.0.1.. 8.8.8.8. 2130706433. 0x7f000001. 127.1.
[127.0.0.1] [localhost] [::1 ::1%lo ::1%25lo fe80::1%eth0 fe80::1%1 [fe80::1%25eth0] [::ffff:127.0.0.1%1] ::1%
:: ::ffff:127.0.0.1 [::1] [::] [::ffff:7f00:1] [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::127.0.0.1]
\uff11\uff12\uff17.0.0.1 \uff11\uff12\uff17\uff0e\uff10\uff0e\uff10\uff0e\uff11 \u2460\u2461\u2466.0.0.1 \u2460\u2461\u2466.\u24ea.\u24ea.\u2460
127\u30020\u30020\u30021 127\uff0e0\uff0e0\uff0e1 127\uff610\uff610\uff611 \uff10x7f000001 0\uff587f000001 \u2461\u2460\u2462\u24ea\u2466\u24ea\u2465\u2463\u2462\u2462
\u00b9\u00b2\u2077.0.0.1 \U0001d7cf\U0001d7d0\U0001d7d5.0.0.1 127.0.0.\u2460 \u0661\u0662\u0667.0.0.1 127.0.0.1\u3002
"""
PUBLIC = """
1.1.1.1 8.8.8.8 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 198.20.0.1 223.255.255.254
2606:4700::1111 2001:4860:4860::8888 2a00:1450::1 2001:200::1 2003::1 2620:4f:7fff::1 3ffe::1 2a00:1450::5eff:7f00:1
"""


def _edges(network: IPv4Network | IPv6Network) -> Iterator[str]:
    yield str(network[0])
    yield str(network[-1])
    yield str(network[network.num_addresses // 2])


NETWORKS = [ip_network(text) for text in (IPV4 + IPV6).split()]
FORBIDDEN = list(
    dict.fromkeys([*(each for network in NETWORKS for each in _edges(network)), *STAND_FOR_OTHERS.split()])
)
HOSTS = list(dict.fromkeys([*FORBIDDEN, *ODD_SPELLINGS.split()]))  # as somebody may write them


def beside() -> list[str]:
    """Return the IPv4 addresses right before and right after each range that belong to no other."""
    ranges = [each for each in NETWORKS if isinstance(each, IPv4Network)]
    ends = [end for each in ranges for end in (int(each[0]) - 1, int(each[-1]) + 1) if 0 <= end < 1 << 32]
    found = [IPv4Address(end) for end in ends]
    return [str(each) for each in found if not any(each in network for network in ranges)]


def in_url(host: str) -> str:
    """Return a host as it stands in a URL."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
