"""The engine as a process of its own: requests come as frames on its stdin, replies go out as frames.

It holds no Django and no secret but the key by which secrets are named, which comes with a request and stays in memory.
Its environment is empty; the worker that started it may kill it at any time.
Requests: `{"op": "analyse", "git_dir", "commit", "engines", "force", "limits", "cache", "scratch", "correlation_key"}` is
answered by the messages of `run`, the last one `done` or `error`; `{"op": "engines"}` by one message `engines`;
`{"op": "rules"}` by messages `rules` and `catalogue`, the last one `engines`. It ends at end of file.
"""

from __future__ import annotations

import faulthandler
import os
import resource
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from commandcenter.engine import messages, optional
from commandcenter.engine.cache import Cache
from commandcenter.engine.correlation import correlator
from commandcenter.engine.engines import ENGINES, Registry
from commandcenter.engine.errors import EngineError
from commandcenter.engine.frames import (
    MAX_REPLY_BYTES,
    MAX_REQUEST_BYTES,
    BrokenFrame,
    FrameBuffer,
    encode,
    read,
    write_all,
)
from commandcenter.engine.limits import Limits
from commandcenter.engine.memory import resident_bytes
from commandcenter.engine.messages import Message
from commandcenter.engine.plan import available_engines, plan
from commandcenter.engine.reporting import catalogues
from commandcenter.engine.run import run
from commandcenter.engine.source.tree import Tree

OPEN_FILES = 1024
WATCH_SECONDS = 0.1
EXIT_MEMORY, EXIT_BROKEN = 70, 71


class ParentGone(Exception):
    """Nobody reads the replies any more."""


class Replies:
    """The way out, used by the main thread and the memory watchdog."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        data = encode(message, maximum=MAX_REPLY_BYTES)
        with self._lock:
            try:
                write_all(self._fd, data)
            except OSError as error:
                raise ParentGone from error

    def send_last(self, message: Message) -> None:
        """Send if the main thread is not inside a frame of its own; the process ends after this in any case."""
        if self._lock.acquire(timeout=1.0):
            write_all(self._fd, encode(message, maximum=MAX_REPLY_BYTES))


class MemoryWatchdog:
    """End the process when its resident memory exceeds the limit of the current request.

    The parent looks as well (client.py): native code may hold the interpreter so long that this thread never runs.
    """

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self.limit_bytes = 0
        threading.Thread(target=self._watch, name="memory", daemon=True).start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(WATCH_SECONDS):
            limit = self.limit_bytes
            if limit and (used := resident_bytes(os.getpid())) > limit:
                self._replies.send_last(messages.error(memory_error(used, limit)))
                os._exit(EXIT_MEMORY)


def memory_error(used: int, limit: int) -> EngineError:
    """Say that the engine process went over its memory."""
    return EngineError(
        f"The analysis used {used >> 20} MiB of memory, more than its limit of {limit >> 20} MiB. "
        "Raise the memory limit of the engine or leave out the largest files.",
        code="memory_limit",
    )


class Server:
    """Answer requests one after another. The cache stays open between them."""

    def __init__(self, replies: Replies, watchdog: MemoryWatchdog, registry: Registry) -> None:
        self._replies = replies
        self._watchdog = watchdog
        self._registry = registry
        self._cache: tuple[str, int, Cache] | None = None

    def answer(self, request: Message) -> None:
        """Answer one request. Whatever goes wrong is answered by an `error` message."""
        try:
            for message in self._messages(request):
                self._replies.send(message)
        except ParentGone:
            raise
        except BaseException as error:  # noqa: BLE001 (the process stays for the next request)
            if not isinstance(error, EngineError):
                traceback.print_exc()
            self._replies.send(messages.error(error))
        finally:
            self._watchdog.limit_bytes = 0

    def _messages(self, request: Message) -> Iterator[Message]:
        match request.get("op"):
            case "engines":
                yield {"type": "engines", "rows": available_engines(self._registry)}
            case "rules":
                yield from catalogues(self._registry)
                yield {"type": "engines", "rows": available_engines(self._registry)}
            case "analyse":
                yield from self._analyse(request)
            case other:
                raise EngineError(f"Unknown operation {other!r}.", code="bad_request")

    def _analyse(self, request: Message) -> Iterator[Message]:
        limits = _limits(request.get("limits") or {})
        self._watchdog.limit_bytes = limits.memory_bytes
        try:
            git_dir, commit = Path(request["git_dir"]), str(request["commit"])
            scratch, engines = Path(request["scratch"]), request["engines"]
            correlates = correlator(request.pop("correlation_key", None))
        except (KeyError, TypeError, ValueError) as error:
            raise EngineError(f"The request lacks or misuses {error}.", code="bad_request") from error
        planned = plan(
            engines,
            force=bool(request.get("force")),
            limits=limits,
            registry=self._registry,
            correlator=correlates,
        )
        lines: list[str] = []
        cache = self._open_cache(request.get("cache"), limits, lines)
        with Tree.open(git_dir, commit, limits) as tree:
            for message in run(tree, planned, cache=cache, scratch=scratch):
                while lines:
                    yield messages.log("warning", "engine", lines.pop(0))
                yield message

    def _open_cache(self, path: str | None, limits: Limits, lines: list[str]) -> Cache | None:
        """Give the open cache; one that was switched off in the last run gets another chance."""
        if self._cache is not None:
            known, size, cache = self._cache
            if (known, size) == (path, limits.cache_bytes) and cache.off is None:
                cache.log = lines.append
                return cache
            cache.close()
            self._cache = None
        if path is None:
            return None
        cache = Cache(Path(path), maximum_bytes=limits.cache_bytes, log=lines.append)
        self._cache = (path, limits.cache_bytes, cache)
        return cache


def _limits(given: dict[str, Any]) -> Limits:
    known = {f.name for f in fields(Limits)}
    if unknown := sorted(set(given) - known):
        raise EngineError(f"Unknown limit {', '.join(unknown)}.", code="bad_request")
    for name, value in given.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
            raise EngineError(f"The limit {name} must be a positive number.", code="bad_request")
    return Limits(**{**asdict(Limits()), **given})


def _private_pipes() -> tuple[int, int]:
    """Take the pipes away from 0 and 1, so that neither a library's print nor a child's read can break the framing."""
    requests, replies = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return requests, replies


def _restrain() -> None:
    """Leave no core files and bound the open files; memory is the watchdog's, CPU time the caller's deadline."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    os.umask(0o077)


def main(registry: Registry | None = None) -> int:
    """Serve until end of file. Returns the exit status.

    The second argument names the optional engines that come after ours, unless a registry is given.
    """
    if registry is None:
        registry = optional.registry(optional.load(sys.argv[2])) if len(sys.argv) > 2 else ENGINES
    requests, out = _private_pipes()
    faulthandler.enable()  # a parser that crashes says on stderr where: the tail goes into the error
    _restrain()
    replies = Replies(out)
    server = Server(replies, MemoryWatchdog(replies), registry)
    buffer = FrameBuffer(MAX_REQUEST_BYTES)
    try:
        while (request := read(requests, buffer)) is not None:
            server.answer(request)
    except BrokenFrame as error:
        replies.send(messages.error(error))
        return EXIT_BROKEN
    except ParentGone:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
