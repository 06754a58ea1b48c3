"""Talks to one repository through git: pinned to checked addresses, with credentials that nobody else can see."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source import secret
from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.location import Remote, not_public
from commandcenter.engine.source.model import Credentials, SourcePolicy
from commandcenter.engine.source.settings import as_variables, can_pin
from commandcenter.outbound import ForbiddenAddress, resolve

_MAX_TRIES = 3


@dataclass(frozen=True, slots=True)
class Route:
    """How git reaches the repository: a URL, and the variables that pin and authorise the way there."""

    url: str
    variables: dict[str, str]


def local_route(git_dir: Path) -> Route:
    """Return the way to a repository of our own on this machine."""
    return Route(str(git_dir), {"GIT_ALLOW_PROTOCOL": "file"})


@contextmanager
def routes(
    remote: Remote, policy: SourcePolicy, credentials: Credentials | None, home: Path, guard: Guard
) -> Iterator[list[Route]]:
    """Yield the ways to a remote repository, one per address where git cannot be given several.

    Names are looked up once, here; git dials what was checked. Raises SourceError when no address may be dialled.
    """
    guard.say(f"Looking up {remote.host}")
    try:
        addresses = _resolve(remote, policy, guard)
    except ForbiddenAddress:
        raise SourceError(not_public(remote.host), code="source_forbidden") from None
    except OSError:
        raise SourceError(
            f"{remote.host} is not known to the name server: check the address.",
            code="source_unreachable",
            retryable=True,
        ) from None
    guard.check()
    with ExitStack() as stack:
        if remote.scheme in {"http", "https"}:
            yield [_http(remote, addresses, policy, credentials, stack)]
        elif remote.scheme == "git":
            if credentials is not None:
                raise SourceError("The git protocol knows no credentials: use https or ssh.")
            yield [_git(remote, address) for address in addresses[:_MAX_TRIES]]
        else:
            key = stack.enter_context(secret.lent(secret.ssh_key(credentials))) if credentials else None
            user = remote.user or (credentials.username if credentials else None)
            yield [_ssh(remote, address, user, key, home) for address in addresses[:_MAX_TRIES]]


def _resolve(remote: Remote, policy: SourcePolicy, guard: Guard) -> list[str]:
    """Look the host up in a thread, because a lookup cannot be interrupted and a cancelled analysis must not wait."""
    answer: Future[list[str]] = Future()

    def look_up() -> None:
        try:
            answer.set_result(resolve(remote.host, remote.port, policy.outbound_allow))
        except (ForbiddenAddress, OSError) as error:
            answer.set_exception(error)

    threading.Thread(target=look_up, name="resolve-source", daemon=True).start()
    while True:
        try:
            return answer.result(timeout=0.2)
        except FutureTimeout:
            # The name server's own time-out is the same class; it is an answer.
            if answer.done():
                raise
            guard.check()


def _http(
    remote: Remote,
    addresses: list[str],
    policy: SourcePolicy,
    credentials: Credentials | None,
    stack: ExitStack,
) -> Route:
    settings = []
    if addresses != [remote.host]:
        if not can_pin():
            raise SourceError("This machine's git is too old for http addresses: 2.37 or newer is needed.")
        pinned = ",".join(f"[{address}]" if ":" in address else address for address in addresses)
        settings.append(("http.curloptResolve", f"{remote.host}:{remote.port}:{pinned}"))
    if credentials is not None:
        inside = all(any(ip_address(a) in network for network in policy.outbound_allow) for a in addresses)
        if remote.scheme == "http" and not inside:
            raise SourceError("Credentials are not sent over plain http: use the https address.")
        path = stack.enter_context(secret.lent(secret.http_answer(credentials)))
        settings.append(("credential.helper", secret.http_helper(path)))
    return Route(remote.url(), {"GIT_ALLOW_PROTOCOL": remote.scheme, **as_variables(tuple(settings))})


def _git(remote: Remote, address: str) -> Route:
    port = "" if remote.port == 9418 else f":{remote.port}"
    return Route(
        remote.url(address),
        {"GIT_ALLOW_PROTOCOL": "git", "GIT_OVERRIDE_VIRTUAL_HOST": f"{remote.host}{port}"},
    )


def _ssh(remote: Remote, address: str, user: str | None, key: str | None, home: Path) -> Route:
    known = str(home / "known_hosts").replace("%", "%%")
    alias = remote.host if remote.port == 22 else f"[{remote.host}]:{remote.port}"
    options = {
        "BatchMode": "yes",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": f'"{known}"',
        "GlobalKnownHostsFile": "/dev/null",
        "HostName": address,
        "HostKeyAlias": alias,
        "CheckHostIP": "no",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "IdentityFile": key or "none",
        "ConnectTimeout": "15",
        "ServerAliveInterval": "15",
        "ServerAliveCountMax": "3",
        "ForwardAgent": "no",
        "ClearAllForwardings": "yes",
        "PermitLocalCommand": "no",
        "ProxyCommand": "none",
        "UpdateHostKeys": "no",
    }
    words = ["ssh", "-F", "/dev/null"]
    for name, value in options.items():
        words += ["-o", f"{name}={value}"]
    if user and not remote.user:
        words += ["-l", user]
    return Route(
        remote.url(),
        {"GIT_ALLOW_PROTOCOL": "ssh", "GIT_SSH_COMMAND": shlex.join(words), "GIT_SSH_VARIANT": "ssh"},
    )
