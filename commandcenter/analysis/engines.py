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

from commandcenter.engine.client import EngineProcess
from commandcenter.engine.plan import Availability, digest

ANSWER_SECONDS = 600.0  # how long an answer about the engines is believed


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

    @contextmanager
    def lend(self) -> Iterator[EngineProcess]:
        """Lend the process to one analysis at a time."""
        with self._lock:
            yield self._ready()

    def engine_set(self) -> EngineSet:
        with self._lock:
            if self._known is None or monotonic() - self._known[0] > ANSWER_SECONDS:
                rows = tuple(self._ready().engines())
                self._known = (monotonic(), EngineSet(rows, digest(rows)))
            return self._known[1]

    def replace(self, process: EngineProcess | None) -> None:
        with self._lock:
            old, self._process, self._known = self._process, process, None
        if old is not None:
            old.close()

    def _ready(self) -> EngineProcess:
        if self._process is None:
            self._process = EngineProcess(
                scratch_root=settings.ENGINE_DIR / "scratch",
                limits=settings.ENGINE_LIMITS,
                cache_path=settings.ENGINE_DIR / "cache.sqlite",
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


def close_process() -> None:
    """End this worker's engine process. The next use starts another."""
    _holder.replace(None)


def use_process(process: EngineProcess) -> None:
    """Use this engine process, with engines of its own, from now on; the one before it is ended."""
    _holder.replace(process)
