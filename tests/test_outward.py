"""Every way of the product to the outside: no spelling of an address inside, and no name that comes to mean one, is dialled."""

from __future__ import annotations

import ast
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from commandcenter.advisories import online
from commandcenter.advisories.tests import servers
from commandcenter.advisories.tests.corpus import use
from commandcenter.core.fetching import FetchError, fetch
from commandcenter.core.signing import key_of, new_secret
from commandcenter.embedded.processes import CHECKOUT
from commandcenter.engine.errors import SourceError
from commandcenter.engine.source import SourcePolicy, check_source
from commandcenter.engine.source.tests.conftest import Desk
from commandcenter.engine.source.tests.servers import Repo, http_server
from commandcenter.outbound import parse_networks
from commandcenter.tests.addresses import HOSTS, in_url
from tests.names import Names, name_server
from webhooks.addresses import require_reachable
from webhooks.exceptions import InvalidEndpoint
from webhooks.sending.attempt import attempt
from webhooks.sending.dialing import lines
from webhooks.sending.letter import Letter
from webhooks.tests.receiver import Receiver, receiving

OUTSIDE, INSIDE = "127.0.0.1", "127.0.0.2"  # what may be dialled, and what may not
ALLOWED = parse_networks(f"{OUTSIDE}/32")
NAME = "target.rebinding.example"


@dataclass
class Inside:
    """A server that nobody may reach."""

    reached: int = 0


@contextmanager
def inside(port: int) -> Iterator[Inside]:
    """Listen on the address inside and count who comes."""
    found = Inside()
    with socket.create_server((INSIDE, port)) as listener:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    found.reached += 1
                    connection.close()

        threading.Thread(target=accept, daemon=True).start()
        yield found
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    with name_server(monkeypatch) as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest_asyncio.fixture
async def guarded() -> AsyncIterator[aiohttp.ClientSession]:
    async with lines(()) as one:
        yield one


def letter(url: str) -> Letter:
    return Letter(url, "0192-id", 1, b"{}", [key_of(new_secret())], seconds=5)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2].partition("/")[0])


# --- spellings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_no_endpoint_source_or_call_has_a_host_inside(host: str, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ()
    with pytest.raises(InvalidEndpoint):
        require_reachable(f"https://{in_url(host)}/hook")
    for scheme in ("https", "git", "ssh"):
        with pytest.raises(SourceError):
            check_source(f"{scheme}://{in_url(host)}/project.git", SourcePolicy())
    with pytest.raises((FetchError, ValueError)):
        fetch(f"https://{in_url(host)}/v1/query", seconds=2)


async def test_the_sender_dials_no_host_inside(receiver: Receiver, guarded: aiohttp.ClientSession) -> None:
    port = port_of(receiver.url)
    said = {
        host: (await attempt(guarded, letter(f"http://{in_url(host)}:{port}/hook"))).error for host in HOSTS
    }
    assert set(said.values()) <= {"forbidden_address", "url"}, said
    assert receiver.connections == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://public.invalid@127.0.0.1/",
        "http://127.0.0.1:80@public.invalid/",
        "http://public.invalid\\@127.0.0.1/",
        "http://127.0.0.1\\@public.invalid/",
        "http://127.0.0.1#@public.invalid/",
        "http://public.invalid:80#@127.0.0.1/",
        "http://%31%32%37.0.0.1/",
        "http://127%2e0%2e0%2e1/",
        "http://127.0.0.1%2f.example.com/",
        "http://127.0.0.1%00.example.com/",
        "http://[::ffff:7f00:1%25]/",
        "http://[::1]x/",
        "http:///127.0.0.1/",
        "http://127.0.0.1 /",
        "http://\t127.0.0.1/",
        "http://127.0.0.1\n.example.com/",
    ],
)
async def test_an_address_that_two_readers_read_differently_leads_nowhere(
    url: str, receiver: Receiver, guarded: aiohttp.ClientSession, settings: Any
) -> None:
    settings.OUTBOUND_ALLOW = ()
    with pytest.raises(InvalidEndpoint):
        require_reachable(url)
    with pytest.raises(SourceError):
        check_source(url.replace("http:", "https:", 1), SourcePolicy())
    with_port = url.replace("127.0.0.1", f"127.0.0.1:{port_of(receiver.url)}")
    outcome = await attempt(guarded, letter(with_port))
    assert outcome.status is None
    assert receiver.connections == 0


# --- names that come to mean something else --------------------------------------------------------------------------


async def test_rebinding_at_the_sender(names: Names, receiver: Receiver, settings: Any) -> None:
    """It is public when the endpoint is entered and at the first dial, and inside at the next."""
    settings.OUTBOUND_ALLOW = ALLOWED
    port = port_of(receiver.url)
    names.plan[NAME] = [[OUTSIDE], [OUTSIDE], [INSIDE]]
    url = f"http://{NAME}:{port}/hook"
    require_reachable(url)
    with inside(port) as forbidden:
        async with lines(ALLOWED) as session:
            first = await attempt(session, letter(url))
        assert (first.status, first.address) == (204, OUTSIDE)
        async with lines(ALLOWED) as session:
            second = await attempt(session, letter(url))
        assert (second.status, second.error) == (None, "forbidden_address")
        with pytest.raises(InvalidEndpoint):
            require_reachable(url)
        assert forbidden.reached == 0
    assert len(names.asked) == 4
    assert len(receiver.got) == 1


async def test_a_name_with_an_address_inside_among_others_leads_to_the_others(
    names: Names, receiver: Receiver
) -> None:
    names.plan[NAME] = [[INSIDE, OUTSIDE, INSIDE]]
    with inside(port_of(receiver.url)) as forbidden:
        async with lines(ALLOWED) as session:
            outcome = await attempt(session, letter(f"http://{NAME}:{port_of(receiver.url)}/hook"))
        assert (outcome.status, outcome.address) == (204, OUTSIDE)
        assert forbidden.reached == 0


def test_rebinding_at_a_git_source(names: Names, tmp_path: Path) -> None:
    """What git dials is what was looked at, and the next analysis looks again."""
    root = tmp_path / "srv"
    root.mkdir()
    desk = Desk(root, tmp_path / "private" / "mirrors", allow=f"{OUTSIDE}/32")
    repo = Repo(root / "project")
    repo.commit({"README.md": "hello\n"}, "First")
    names.plan[NAME] = [[OUTSIDE], [INSIDE]]
    with http_server(root) as url, inside(port_of(url)) as forbidden:
        named = url.replace(OUTSIDE, NAME)
        assert desk.open(f"{named}/project/.git").commit == repo.git("rev-parse", "HEAD")
        assert len(names.asked) == 1, "git is told the address: it asks nobody"
        assert desk.refuse(f"{named}/project/.git").code == "source_forbidden"
        assert forbidden.reached == 0


@pytest.mark.django_db
def test_rebinding_at_the_online_database(names: Names, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ALLOWED
    names.plan[NAME] = [[OUTSIDE], [INSIDE]]
    with (
        servers.serving(lambda *_: (200, {"results": [{}]})) as server,
        inside(port_of(server.url)) as forbidden,
    ):
        settings.OSV_URL = server.url.replace(OUTSIDE, NAME)
        use("npm", "pen", "1.0.0")
        assert online.collect(seconds=5) == 1
        use("npm", "cap", "1.0.0")
        assert online.collect(seconds=5) == 0
        assert (len(server.asked), forbidden.reached) == (1, 0)
    assert len(names.asked) == 2


# --- no other way ----------------------------------------------------------------------------------------------------

GUARDED, OURS, OPERATOR = "the guard", "this machine", "the installation's environment"
# Who may open connections, and who decides where to: the guard, or nobody but this machine and whoever runs it. The
# database, the broker, the cache and the mail server are named by the environment as well, and dialled by their clients.
WAYS = {
    "commandcenter/outbound.py": GUARDED,
    "commandcenter/core/fetching.py": GUARDED,
    "commandcenter/core/objects/storage.py": OPERATOR,  # the bucket of STORAGE_URL
    "commandcenter/embedded/command.py": OURS,
    "commandcenter/embedded/ports.py": OURS,
    "commandcenter/embedded/valkey.py": OURS,
    "commandcenter/engine/process.py": OURS,  # a pair of sockets between two processes
    "webhooks/noticing/mailing.py": OPERATOR,  # the server of EMAIL_URL
    "webhooks/sending/attempt.py": GUARDED,
    "webhooks/sending/dialing.py": GUARDED,
    "webhooks/sending/in_flight.py": GUARDED,  # asks for lines of dialing.py
    "webhooks/sending/names.py": GUARDED,
}
CLIENTS = (
    "aiohttp", "asyncssh", "boto3", "botocore", "ftplib", "grpc", "http.client", "httpx", "imaplib", "paramiko",
    "poplib", "requests", "sentry_sdk", "smtplib", "socket", "storages", "telnetlib", "urllib.request", "urllib3",
    "websocket", "websockets", "xmlrpc",
)  # fmt: skip
HARMLESS = ("aiohttp.web", "botocore.exceptions", "storages.utils")
# Of the module `socket`, for those that only ask what this machine is called.
NAMES_OF_THIS_MACHINE = {"gethostname"}


def product() -> Iterator[tuple[str, ast.Module]]:
    """Yield the modules that are installed."""
    for package in ("commandcenter", "exports", "jobs", "schedules", "webhooks"):
        for path in sorted((CHECKOUT / package).rglob("*.py")):
            if "tests" not in path.parts and "migrations" not in path.parts:
                yield path.relative_to(CHECKOUT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def clients(tree: ast.Module) -> set[str]:
    """Return what a module imports that can open connections."""
    return {
        name
        for name in imported(tree)
        if f"{name}.".startswith(tuple(f"{each}." for each in CLIENTS))
        and not f"{name}.".startswith(tuple(f"{each}." for each in HARMLESS))
    }


def uses_of_socket(tree: ast.Module) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "socket"
    }


def test_nobody_else_opens_connections() -> None:
    """Whoever adds a way to the outside sends it through the guard, and says so here."""
    found = {
        name: tree
        for name, tree in product()
        if (means := clients(tree))
        and not (means == {"socket"} and uses_of_socket(tree) <= NAMES_OF_THIS_MACHINE)
    }
    assert found.keys() == WAYS.keys()
    for name, tree in found.items():
        if WAYS[name] == GUARDED and name != "commandcenter/outbound.py":
            assert any(
                each.startswith(("commandcenter.outbound", "webhooks.sending.dialing"))
                for each in imported(tree)
            ), name
