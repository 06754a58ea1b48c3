"""Reads what a person typed as a source and refuses what no source may be, without touching the network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.model import SourcePolicy
from commandcenter.outbound import ForbiddenAddress, is_allowed, literal

PORTS = {"https": 443, "http": 80, "git": 9418, "ssh": 22}
CREDENTIALS = "A URL must not contain credentials: enter them as the repository's credentials instead."
_MAX_LENGTH = 2048
_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>.*)", re.DOTALL)
_SCP = re.compile(r"(?:(?P<user>[^@/:\[\]]+)@)?(?P<host>\[[^\]/]+\]|[^:/\[\]@]+):(?P<path>.*)", re.DOTALL)
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}")


@dataclass(frozen=True, slots=True)
class Remote:
    """A git repository behind a network address. `host` is ASCII, without brackets; `path` begins as it was written."""

    scheme: str
    user: str | None
    host: str
    port: int
    path: str
    scp: bool = False

    def url(self, host: str | None = None) -> str:
        """Return the URL for git, with another host where one is given."""
        name = host or self.host
        if ":" in name:
            name = f"[{name}]"
        user = f"{self.user}@" if self.user else ""
        if self.scp:
            return f"{user}{name}:{self.path}"
        port = f":{self.port}" if self.port != PORTS[self.scheme] else ""
        return f"{self.scheme}://{user}{name}{port}{self.path}"


def parse(source: str, policy: SourcePolicy) -> Remote | str:
    """Read a source as a remote repository or as a path of this machine.

    Raises SourceError: `source_invalid` for what is neither, `source_forbidden` for an address that may not be dialled.
    """
    _check_text(source)
    match = _URL.fullmatch(source)
    if match is None:
        if _HELPER.match(source):
            raise SourceError(
                "Remote helpers (transport::address) are not supported: give an https or ssh URL."
            )
        scp = _SCP.fullmatch(source)
        return source if scp is None or source.startswith((".", "/")) else _scp(scp, policy)
    scheme = match["scheme"].lower()
    if scheme == "file":
        if match["authority"] not in {"", "localhost"}:
            raise SourceError(
                "A file URL must name a path of this machine, such as file:///srv/git/project.git."
            )
        path = unquote(match["path"])
        _check_text(path)
        return path
    if scheme not in PORTS:
        raise SourceError("Only https, http, ssh and git URLs, local folders and archives can be read.")
    return _remote(scheme, match["authority"], match["path"], policy)


def _check_text(text: str) -> None:
    if not text.strip() or len(text) > _MAX_LENGTH:
        raise SourceError(f"A source must have between 1 and {_MAX_LENGTH} characters.")
    # Surrogates stand for undecodable bytes of a path and cannot be told apart from text here.
    if any(not char.isprintable() and not "\udc80" <= char <= "\udcff" for char in text):
        raise SourceError("A source must not contain control characters.")
    if text.startswith("-"):
        raise SourceError("A source must not begin with a hyphen.")


def _remote(scheme: str, authority: str, path: str, policy: SourcePolicy) -> Remote:
    userinfo, at, hostport = authority.rpartition("@")
    user: str | None = userinfo if at else None
    if user is not None and (scheme != "ssh" or ":" in user):
        raise SourceError(CREDENTIALS)
    if user is not None and not _USER.fullmatch(user):
        raise SourceError("The user name in the URL has characters that are not allowed there.")
    match = re.fullmatch(r"(\[[^\]]*\]|[^:\[\]]*)(?::([0-9]{1,5}))?", hostport)
    if match is None:
        raise SourceError("The URL's host or port cannot be read.")
    port = int(match[2]) if match[2] else PORTS[scheme]
    if not 0 < port < 65536:
        raise SourceError("The URL's port must be between 1 and 65535.")
    if len(path) < 2:
        raise SourceError("The URL names a host but no repository.")
    if re.search(r"[\s?#\\]", path):
        raise SourceError("The URL's path must not contain spaces, backslashes, a query or a fragment.")
    return Remote(scheme, user, _host(match[1], policy), port, path)


def _scp(match: re.Match[str], policy: SourcePolicy) -> Remote:
    user, path = match["user"], match["path"]
    if user is not None and not _USER.fullmatch(user):
        raise SourceError("The user name in the address has characters that are not allowed there.")
    if user is None and "@" in path.partition("/")[0]:
        raise SourceError(CREDENTIALS)  # user:password@host, read as the host "user"
    if not path or path.startswith("-") or re.search(r"[\s\\]", path):
        raise SourceError("The address must look like git@host:owner/project.git.")
    return Remote("ssh", user, _host(match["host"], policy), PORTS["ssh"], path, scp=True)


def _host(text: str, policy: SourcePolicy) -> str:
    """Return the host in ASCII after the checks that need no name resolution."""
    try:
        address = literal(text)
        if address is not None:
            if not is_allowed(address, policy.outbound_allow):
                raise SourceError(not_public(text), code="source_forbidden")
            return str(address)
        name = text.removesuffix(".").encode("idna").decode("ascii").lower()
    except ForbiddenAddress as error:
        raise SourceError(f"The host cannot be used: {error}.", code="source_forbidden") from None
    except UnicodeError:
        raise SourceError("The URL's host is not a host name.") from None
    if not re.fullmatch(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", name):
        raise SourceError("The URL's host is not a host name.")
    return name


def not_public(host: str) -> str:
    """Say that a host may not be dialled, and what an operator can do."""
    return f"{host} is not a public address, so it is not contacted. An operator can allow its network in CC_OUTBOUND_ALLOW."
