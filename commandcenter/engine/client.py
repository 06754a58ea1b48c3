"""The worker's side of the engine process: start it, ask it, watch it, end it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Self

from commandcenter.engine.correlation import NOBODY, Correlator
from commandcenter.engine.errors import EngineCrashed, EngineError
from commandcenter.engine.limits import Limits
from commandcenter.engine.messages import Message
from commandcenter.engine.optional import OptionalEngines
from commandcenter.engine.plan import Availability
from commandcenter.engine.process import KillReceipt
from commandcenter.engine.scratch import scratch_folder, sweep
from commandcenter.engine.session import Session, error_of

RUNS_PER_PROCESS = 200
QUESTION_SECONDS = 30.0
ENDING_CODES = frozenset({"memory_limit", "broken_frame"})  # after these the process ends by itself

# With -I neither the working directory nor PYTHONPATH is searched for modules, so that nothing beside the engine
# can be imported by accident; the folder of our own package is put in front by hand.
_BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from commandcenter.engine.serve import main; sys.exit(main())"


class EngineProcess:
    """An engine process that is kept for many runs and started again when it is needed.

    One thread at a time may iterate over `analyse`; any other thread may `kill` meanwhile. `bootstrap` replaces the
    program text that starts the server, with the folder of the package as its first argument and the optional engines as its second. Temporary files lie in
    memory as long as there is plenty, and below `scratch_root` otherwise.
    """

    def __init__(
        self,
        *,
        scratch_root: Path,
        limits: Limits,
        cache_path: Path | None,
        bootstrap: str = _BOOTSTRAP,
        runs_per_process: int = RUNS_PER_PROCESS,
        optional: OptionalEngines = OptionalEngines(),  # noqa: B008 (it is immutable)
    ) -> None:
        self._scratch_root = scratch_root
        self._limits = limits
        self._cache_path = cache_path
        self._bootstrap = bootstrap
        self._optional = optional
        self._runs_per_process = runs_per_process
        self._lock = threading.Lock()  # over _session
        self._busy = threading.Lock()  # held while somebody iterates
        self._session: Session | None = None
        self._owner = os.getpid()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        session = self._session
        return session is not None and session.process.poll() is None

    @property
    def pid(self) -> int | None:
        """The process group that the engine and its tools live in, None when it does not run."""
        session = self._session
        return session.process.pid if session is not None and self.alive else None

    @property
    def program_pid(self) -> int | None:
        """The engine itself, below the shim that leads its group."""
        session = self._session
        return session.process.program_pid if session is not None and self.alive else None

    def engines(self) -> list[Availability]:
        """Ask which engines there are, with versions and configuration digests (plan.digest names a set of them)."""
        for message in self._ask({"op": "engines"}, idle_seconds=QUESTION_SECONDS):
            if message["type"] == "engines":
                rows: list[Availability] = message["rows"]
                return rows
        raise EngineCrashed("The engine process did not say which engines it has.")

    def rules(self) -> Iterator[Message]:
        """Yield every rule as messages `rules`, `catalogue` after each engine that told its own, and `engines` last."""
        yield from self._ask({"op": "rules"}, idle_seconds=QUESTION_SECONDS)

    def analyse(
        self,
        git_dir: Path,
        commit: str,
        *,
        engines: Sequence[str],
        force: bool = False,
        idle_seconds: float,
        correlator: Correlator = NOBODY,
    ) -> Iterator[Message]:
        """Yield the messages of one run, up to and with `done`. Secrets are named by the correlator's key.

        Raises EngineCrashed when the process ends before its answer (code `engine_killed` after `kill`), EngineTimeout
        when it is silent for `idle_seconds`, and EngineError with the code of its `error` message. After a crash, a
        timeout or an iteration that was given up the process is gone; the next use starts another.
        """
        with scratch_folder(self._scratch_root) as scratch:
            request = {
                "op": "analyse",
                "git_dir": str(git_dir),
                "commit": commit,
                "engines": list(engines),
                "force": force,
                "limits": asdict(self._limits),
                "cache": str(self._cache_path) if self._cache_path else None,
                "scratch": str(scratch),
                "correlation_key": correlator.key.hex() or None,
            }
            yield from self._ask(request, idle_seconds=idle_seconds)

    def kill(self) -> KillReceipt:
        """End the process and everything that it started, from any thread, and say what was ended."""
        with self._lock:
            session, self._session = self._session, None
        if session is None or self._owner != os.getpid():
            return KillReceipt((), "SIGKILL", 0.0)
        session.killed = True
        receipt = session.process.kill()
        if self._busy.acquire(blocking=False):  # nobody iterates, who would clean up after it
            try:
                session.end()
            finally:
                self._busy.release()
        return receipt

    def close(self) -> None:
        """End the process: politely by end of file when it is idle, with force otherwise."""
        with self._lock:
            session, self._session = self._session, None
        if session is not None and self._owner == os.getpid():
            session.end()

    # --- one exchange --------------------------------------------------------------------------------------------

    def _ask(self, request: Message, *, idle_seconds: float) -> Iterator[Message]:
        if self._owner != os.getpid():  # after a fork: the process, and who holds the locks, are the parent's
            self._lock, self._busy = threading.Lock(), threading.Lock()
            self._session, self._owner = None, os.getpid()
        if not self._busy.acquire(blocking=False):
            raise EngineError("This engine process is in the middle of another run.", code="engine_busy")
        try:
            yield from self._exchange(request, idle_seconds)
        finally:
            self._busy.release()

    def _exchange(self, request: Message, idle_seconds: float) -> Iterator[Message]:
        session = self._ready()
        finished = False
        try:
            session.send(request)
            for message in session.replies(idle_seconds, self._limits.memory_bytes):
                if message["type"] == "error":
                    finished = message.get("code") not in ENDING_CODES
                    raise error_of(message)
                finished = message["type"] in {"done", "engines"}
                yield message
                if finished:
                    return
        finally:
            # What was left in the middle, by us or by our caller, cannot be used for another request.
            if not finished or session.spent(self._runs_per_process):
                self._drop(session, wait=finished)

    def _ready(self) -> Session:
        with self._lock:
            session = self._session
            if session is not None and session.process.poll() is not None:
                session.end()
                session = None
            if session is None:
                sweep(self._scratch_root)
                session = self._session = Session(self._bootstrap, self._optional)
            return session

    def _drop(self, session: Session, *, wait: bool) -> None:
        with self._lock:
            if self._session is session:
                self._session = None
        if not wait:
            session.process.kill()
        session.end()
