"""Which network addresses this installation may dial: the one guard against requests forged through user input.

Pure: no Django, no I/O but name resolution. Callers must dial exactly the addresses that `resolve` returned;
resolving a name twice gives its owner a second answer (DNS rebinding).
"""

from __future__ import annotations

import re
import socket
import threading
import unicodedata
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's special-purpose registry, multicast and reserved space. `ipaddress.is_global` follows the registry of the
# Python release and passes some of these, so the list is ours.
_FORBIDDEN_V4 = tuple(
    IPv4Network(n)
    for n in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
# Everything outside of 2000::/3 is loopback, mapped, compatible, NAT64, local, multicast or not assigned.
_GLOBAL_V6 = IPv6Network("2000::/3")
_FORBIDDEN_V6 = tuple(
    IPv6Network(n)
    for n in (
        "2001::/23",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
    )  # Teredo is in the first
)
# The middle of an interface identifier that stands for an IPv4 address in whatever network (RFC 5214).
_ISATAP = frozenset({0x00005EFE, 0x02005EFE})

_HOST_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*"
)
_NUMBER = re.compile(r"(?:0[xX][0-9A-Fa-f]*|[0-9]+)")
_MAX_ADDRESSES = 16
LONGEST_URL = 2000
ASK_TO_ALLOW = "If it is meant, ask whoever runs this installation to name its network in CC_OUTBOUND_ALLOW."

# getaddrinfo cannot be interrupted: a lookup that is given up keeps its thread until the resolver's own time-out.
_LOOKUPS = threading.BoundedSemaphore(32)


class ForbiddenAddress(Exception):
    """The host is, or stands for, an address that must not be dialled from here."""


class MalformedHost(ForbiddenAddress):
    """The host is no name, and no address in its one spelling: no network that is allowed makes it one."""


def parse_networks(text: str) -> tuple[Network, ...]:
    """Read CIDRs or single addresses separated by commas or white space. Raises ValueError that names the bad one."""
    networks: list[Network] = []
    for item in re.split(r"[\s,]+", text.strip()):
        if not item:
            continue
        try:
            networks.append(ip_network(item))
        except ValueError as error:
            raise ValueError(f"{item!r} is not a network such as 10.0.0.0/8 or fd00::/8: {error}") from None
    return tuple(networks)


def is_allowed(address: str | Address, allow: Iterable[Network]) -> bool:
    """Tell whether an address is public unicast or inside one of the allowed networks. Text that is no address: no.

    An address that embeds another (mapped, 6to4, Teredo, NAT64, ISATAP) is never public, and only allowed by a network of
    its own family that holds it as it stands.
    """
    if isinstance(address, str):
        try:
            address = ip_address(address)
        except ValueError:
            return False
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if any(address.version == network.version and address in network for network in allow):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _FORBIDDEN_V4)
    return (
        address in _GLOBAL_V6
        and not any(address in network for network in _FORBIDDEN_V6)
        and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
    )


def literal(host: str) -> Address | None:
    """Read a host as an IP address in its one canonical spelling; None when it is a name.

    Raises ForbiddenAddress for every other spelling that a resolver could take for an address (decimal, octal,
    hexadecimal, shortened, full-width, with a trailing dot or a zone) and for text that is no host name at all.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if ":" in bare:
        try:
            address = IPv6Address(bare)
        except ValueError:
            raise MalformedHost(f"{_shown(host)} is not an IPv6 address") from None
        if address.scope_id is not None:
            raise MalformedHost(f"{_shown(host)}: an address with a zone cannot be used")
        return address
    if bare != host:
        raise MalformedHost(f"{_shown(host)} is not a host name")
    folded = unicodedata.normalize("NFKC", host).replace("\u3002", ".").rstrip(".")
    if _NUMBER.fullmatch(folded.rpartition(".")[2]):
        try:
            address_v4 = IPv4Address(host)
        except ValueError:
            raise MalformedHost(f"{_shown(host)} is an unusual spelling of an IP address") from None
        return address_v4
    return None


def url_fault(url: str, allow: Iterable[Network]) -> str:
    """Say what keeps an http or https URL from being dialled, as far as its text tells; the empty text: nothing."""
    if not url.isascii() or not url.isprintable() or " " in url or len(url) > LONGEST_URL:
        return (
            f"Give an address of at most {LONGEST_URL:,} characters, without blanks and in ASCII (xn--, %20)."
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        address = literal(host) if host else None
    except (ValueError, ForbiddenAddress) as error:
        return f"This address cannot be used: {error}."
    if parts.scheme not in {"http", "https"} or not host:
        return "Give an http or https address with a host."
    if port == 0:
        return "Port 0 cannot be dialled."
    if parts.username is not None or parts.password is not None:
        return "Give it without user name and password."
    if parts.fragment:
        return "Give it without the part after '#', which is never sent."
    if address is not None and not is_allowed(address, allow):
        return f"{host} is not a public address. {ASK_TO_ALLOW}"
    return ""


def resolve(
    host: str,
    port: int,
    allow: Iterable[Network],
    *,
    seconds: float = 5,
    lookups: threading.BoundedSemaphore = _LOOKUPS,
) -> list[str]:
    """Look a host up and return those of its addresses that may be dialled, at most 16, in the resolver's order.

    `lookups` has a place for each lookup that may be under way, whether somebody still waits for it or not.

    Raises ForbiddenAddress when none may be, TimeoutError after `seconds`, and OSError when the name is unknown.
    """
    allow = tuple(allow)
    address = literal(host)
    found = [str(address)] if address is not None else _lookup(_ascii(host), port, seconds, lookups)
    allowed = [item for item in found if is_allowed(item, allow)]
    if not allowed:
        raise ForbiddenAddress(f"{_shown(host)} is not a public address")
    return allowed[:_MAX_ADDRESSES]


def _ascii(host: str) -> str:
    try:
        name = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise MalformedHost(f"{_shown(host)} is not a host name") from None
    if not _HOST_NAME.fullmatch(name.removesuffix(".")):
        raise MalformedHost(f"{_shown(host)} is not a host name")
    if literal(name) is not None:
        raise MalformedHost(f"{_shown(host)} is an unusual spelling of an IP address")
    return name


def _lookup(host: str, port: int, seconds: float, lookups: threading.BoundedSemaphore) -> list[str]:
    if not lookups.acquire(timeout=seconds):
        raise TimeoutError("too many name lookups are under way")
    answer: list[list[str] | OSError] = []
    done = threading.Event()

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.append(list(dict.fromkeys(str(info[4][0]) for info in infos)))
        except UnicodeError:
            answer.append(OSError(f"{_shown(host)} is not a host name"))
        except OSError as error:
            answer.append(error)
        finally:
            lookups.release()
            done.set()

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    if not done.wait(seconds):
        raise TimeoutError(f"looking up {_shown(host)} took longer than {seconds:g} s")
    if isinstance(answer[0], OSError):
        raise answer[0]
    return answer[0]


def _shown(host: str) -> str:
    return ascii(host[:80]).strip("'\"")
