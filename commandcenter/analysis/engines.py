"""The engine process of this worker process, and what it says about its engines.

One process is kept per worker process and serves its analyses one after another. What engines there are is asked once
per engine process and remembered, so that an unchanged repository is answered without it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import TypedDict

from django.conf import settings

from commandcenter.engine import sandbox
from commandcenter.engine.client import EngineProcess
from commandcenter.engine.plan import Availability, digest

ANSWER_SECONDS = 600.0  # how long an answer about the engines is believed
REST_SECONDS = (
    20.0  # an engine process that nobody used for so long is ended: it holds as much memory as a worker
)


class EngineState(TypedDict):
    """One engine as it stands here; `unavailable` is a sentence, None when it can run."""

    id: str
    version: str
    unavailable: str | None


@dataclass(frozen=True, slots=True)
class EngineSet:
    """The engines that would run, in order, and the digest that names them with their configuration."""

    engines: tuple[Availability, ...]
    digest: str

    @property
    def ids(self) -> list[str]:
        return [engine["id"] for engine in self.engines]


class _Holder:
    """The process and what it answered. Both belong to one worker process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._process: EngineProcess | None = None
        self._known: tuple[float, EngineSet] | None = None
        self._used_at = 0.0
        self._watch: threading.Timer | None = None

    @contextmanager
    def lend(self) -> Iterator[EngineProcess]:
        """Lend the process to one analysis at a time."""
        with self._lock:
            try:
                yield self._ready()
            finally:
                self._rest_later()

    def engine_set(self) -> EngineSet:
        with self._lock:
            if self._known is None or monotonic() - self._known[0] > ANSWER_SECONDS:
                rows = tuple(self._ready().engines())
                self._known = (monotonic(), EngineSet(rows, digest(rows)))
                self._rest_later()
            return self._known[1]

    def replace(self, process: EngineProcess | None) -> None:
        with self._lock:
            old, self._process, self._known = self._process, process, None
            if self._watch is not None:
                self._watch.cancel()
                self._watch = None
        if old is not None:
            old.close()

    def _rest_later(self) -> None:
        """See to it that the process ends when nobody uses it again soon. The lock is held."""
        self._used_at = monotonic()
        self._watch_for(REST_SECONDS)

    def _watch_for(self, seconds: float) -> None:
        if self._watch is None:
            self._watch = threading.Timer(seconds, self._rest)
            self._watch.daemon = True
            self._watch.start()

    def _rest(self) -> None:
        with self._lock:  # waits for an analysis that runs
            self._watch = None
            if self._process is None:
                return
            left = REST_SECONDS - (monotonic() - self._used_at)
            if left > 0:
                self._watch_for(left)
            else:
                self._process.close()  # it starts again when it is used

    def _ready(self) -> EngineProcess:
        if self._process is None:
            self._process = EngineProcess(
                scratch_root=settings.ENGINE_DIR / "scratch",
                limits=settings.ENGINE_LIMITS,
                cache_path=settings.ENGINE_DIR / "cache.sqlite",
                optional=settings.ENGINES_OPTIONAL,
            )
        return self._process


_holder = _Holder()


def lend_process() -> AbstractContextManager[EngineProcess]:
    """Lend this worker's engine process; see EngineProcess.analyse and .kill."""
    return _holder.lend()


def planned_engines() -> EngineSet:
    """Return the engines that an analysis would run now. Raises EngineError when the process does not answer."""
    return _holder.engine_set()


def engine_states() -> list[EngineState]:
    """Return every engine with its version and why it cannot run; asked of the engine process, believed for 10 minutes."""
    return [
        {"id": engine["id"], "version": engine["version"], "unavailable": engine["unavailable"]}
        for engine in planned_engines().engines
    ]


def sandbox_state() -> str:
    """Say how external tools are confined here: by bubblewrap, or by limits and an empty environment alone."""
    return sandbox.describe()


def close_process() -> None:
    """End this worker's engine process. The next use starts another."""
    _holder.replace(None)


def use_process(process: EngineProcess) -> None:
    """Use this engine process, with engines of its own, from now on; the one before it is ended."""
    _holder.replace(process)
