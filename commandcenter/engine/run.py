"""Run the planned engines over one tree and say what they found, file by file, as a stream of messages."""

from __future__ import annotations

import hashlib
import queue
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter

from commandcenter.engine import messages
from commandcenter.engine.blobs import (
    WINDOW_BYTES,
    BlobStore,
    Readable,
    SourceUnreadable,
    batches,
    windows,
    within,
)
from commandcenter.engine.cache import Cache
from commandcenter.engine.context import Level, Materials, RunContext
from commandcenter.engine.contract.engines import Scope
from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.correlation import NOBODY
from commandcenter.engine.messages import Message
from commandcenter.engine.plan import Plan
from commandcenter.engine.reporting import Reporter
from commandcenter.engine.work import Work

THREADS = 2
BATCH = (200, 8 * 1024 * 1024)  # files and bytes
EXTERNAL_BATCH = (5000, 32 * 1024 * 1024)  # each starts a process, which costs 0.1 s, and betterleaks 0.8 s
MAX_TREE_BYTES = 96 * 1024 * 1024  # read at once for an engine that wants all of its files together
MAX_LOG_LINES = 200  # per engine
PROGRESS_SECONDS = 0.2


def run(
    tree: Readable, plan: Plan, *, cache: Cache | None, scratch: Path, window_bytes: int = WINDOW_BYTES
) -> Iterator[Message]:
    """Yield the messages of one run; the last one is `done`.

    Rows, reports and the summary come in an order that depends on the tree and the plan alone, so that a cached
    run repeats a cold one. Raises EngineError when the tree cannot be read: then there is no `done`.
    `scratch` is an empty folder of this run's own; its owner removes it. At most `window_bytes` of the tree are
    in memory for the engines that read file by file.
    """
    return _Run(tree, plan, cache, scratch, window_bytes).messages()


@dataclass(frozen=True, slots=True)
class _Task:
    """A piece of one engine's work. Without entries: all of a TREE or HISTORY engine's."""

    work: Work
    entries: tuple[Entry, ...]
    last: bool


@dataclass(frozen=True, slots=True)
class _Ended:
    work: Work


class _Stopped(Exception):
    """Nobody reads the messages any more."""


class _Run:
    def __init__(
        self, tree: Readable, plan: Plan, cache: Cache | None, scratch: Path, window_bytes: int
    ) -> None:
        self._window_bytes = window_bytes
        self._tree = tree
        self._plan = plan
        self._cache = cache
        self._scratch = scratch
        self._store = BlobStore(tree)
        self._materials = Materials(scratch / "files")
        self._queue: queue.SimpleQueue[Message | _Ended | BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._works = [Work(engine, plan.limits, plan.correlator) for engine in plan.instances()]
        self._log_lines: dict[str, int] = {}
        self._total = 0
        self._done = 0
        self._done_lock = threading.Lock()
        self._said_progress = 0.0

    def messages(self) -> Iterator[Message]:
        try:
            yield messages.progress(0, 0, "Looking up what is known")
            history = self._history()
            for work in self._works:
                work.prepare(
                    self._tree.entries, history, self._cache, force=self._plan.force, links=self._tree.links
                )
            self._total = sum(work.units for work in self._works)
            self._done = sum(self._units_known(work) for work in self._works)
            yield messages.progress(self._done, self._total, "Reading")
            yield from self._drain()
            reporter = Reporter(self._tree, self._plan, self._works)
            yield from self._execute(reporter)
            yield from reporter.join()
        finally:
            self._stop.set()

    def _history(self) -> str | None:
        """Name what HISTORY engines read: the commit, and where a shallow mirror begins, which knows less than a full one."""
        if self._tree.imported or not any(work.scope is Scope.HISTORY for work in self._works):
            return None
        commit = self._tree.commit
        shallow = next(iter(self._tree.git(["rev-parse", "--is-shallow-repository"])), b"")
        if shallow.strip() != b"true":
            return commit
        first = sorted(self._tree.git(["rev-list", "--max-parents=0", commit, "--"]))
        return f"{commit} {hashlib.sha256(b' '.join(first)).hexdigest()}"

    @staticmethod
    def _units_known(work: Work) -> int:
        if work.out or (work.scope is not Scope.BLOB and not work.must_run_whole):
            return work.units
        return work.cached if work.scope is Scope.BLOB else 0

    # --- the engines' threads ------------------------------------------------------------------------------------

    def _execute(self, reporter: Reporter) -> Iterator[Message]:
        """Run what the cache does not know, window by window, and report engines in order as they end."""
        rounds = self._rounds()
        busy = {id(task.work) for tasks in rounds for task in tasks}
        ended = {id(work) for work in self._works if id(work) not in busy}
        yield from reporter.ready(ended)
        for tasks in rounds:
            line = deque(tasks)
            threads = [
                threading.Thread(
                    target=self._work_through, args=(line, first), name=f"engines-{n}", daemon=True
                )
                for n, first in enumerate((True, False)[:THREADS])
            ]
            for thread in threads:
                thread.start()
            alive, failed = len(threads), None
            while alive:
                message = self._queue.get()
                if message is None:
                    alive -= 1
                elif isinstance(message, _Ended):
                    ended.add(id(message.work))
                    yield from reporter.ready(ended)
                elif isinstance(message, BaseException):
                    # The other thread reads the same tree, which its owner closes behind us: let it come to its end.
                    self._stop.set()
                    failed = failed or message
                else:
                    yield from self._throttled(message)
            for thread in threads:
                thread.join()
            if failed is not None:
                raise failed
            self._store.clear()
            if tasks is not rounds[-1]:  # what the last one leaves, the owner of the scratch folder removes
                self._materials.clear()
        yield messages.progress(self._total, self._total, "Joining results")

    def _rounds(self) -> list[list[_Task]]:
        """Order the tasks: those that wait for a process of their own first, the others after them, last engine first.

        One thread takes from the front and the other from the back, so that a tool and a parser run side by side.
        """
        external = self._plan.registry.external
        order = sorted(
            (w for w in self._works if w.engine.id in external), key=lambda w: external.index(w.engine.id)
        )
        order += [w for w in reversed(self._works) if w.engine.id not in external]
        blob_works = [w for w in self._works if w.scope is Scope.BLOB]
        ends = windows((entry for work in blob_works for entry in work.missing), self._window_bytes)
        taken = dict.fromkeys(map(id, blob_works), 0)
        rounds: list[list[_Task]] = []
        for end in ends or [""]:
            tasks = []
            for work in order:
                if work.scope is Scope.BLOB:
                    start = taken[id(work)]
                    stop = bisect_right(work.missing, end, lo=start, key=lambda entry: entry.path)
                    taken[id(work)] = stop
                    if stop > start:
                        part = tuple(work.missing[start:stop])
                        tasks.append(_Task(work, part, last=stop == len(work.missing)))
                elif work.must_run_whole and not rounds:
                    tasks.append(_Task(work, (), last=True))
            rounds.append(tasks)
        return rounds

    def _work_through(self, line: deque[_Task], front: bool) -> None:
        try:
            while True:
                try:
                    task = line.popleft() if front else line.pop()
                except IndexError:
                    return
                self._run_task(task)
                if task.last or task.work.out:
                    self._queue.put(_Ended(task.work))
        except _Stopped:
            return
        except SourceUnreadable as error:
            self._queue.put(error.__cause__ or error)
        except BaseException as error:  # noqa: BLE001 (the generator raises it in the caller's thread)
            self._queue.put(error)
        finally:
            self._queue.put(None)

    def _run_task(self, task: _Task) -> None:
        work = task.work
        if work.out:
            return
        started = perf_counter()
        try:
            if work.scope is Scope.BLOB:
                self._run_blobs(work, task.entries)
            else:
                self._run_whole(work)
        except (SourceUnreadable, _Stopped):
            raise
        except Exception as error:  # noqa: BLE001 (one engine's bug must not end the others)
            work.fail(error)
        finally:
            work.seconds += perf_counter() - started

    def _run_blobs(self, work: Work, entries: tuple[Entry, ...]) -> None:
        external = work.engine.id in self._plan.registry.external
        context = self._context(work)
        for batch in batches(entries, *(EXTERNAL_BATCH if external else BATCH)):
            if self._stop.is_set():
                raise _Stopped
            blobs = self._store.get(batch)
            work.take_batch(blobs, work.engine.run(blobs, context), self._cache)
            self._advance(sum(work.entries_like(entry) for entry in batch), work.engine.id)

    def _run_whole(self, work: Work) -> None:
        entries = within(work.missing, MAX_TREE_BYTES)
        blobs = self._store.get(entries, keep=False)
        results = list(work.engine.run(blobs, self._context(work)))
        if len(entries) < len(work.missing):
            lost = len(work.missing) - len(entries)
            results.append(
                Failure(f"{lost} of the largest files were not read: together they are too large.")
            )
        work.take_whole(results, self._cache)
        self._advance(work.units, work.engine.id)

    def _context(self, work: Work) -> RunContext:
        return RunContext(
            self._tree,
            engine_id=work.engine.id,
            scope=work.scope,
            limits=self._plan.limits,
            scratch=self._scratch,
            materials=self._materials,
            log=self._log,
            kept=work.kept(self._cache, force=self._plan.force),
            correlator=self._plan.correlator if work.correlates else NOBODY,
        )

    def _advance(self, units: int, step: str) -> None:
        with self._done_lock:
            self._done = min(self._total, self._done + units)
            done = self._done
        self._queue.put(messages.progress(done, self._total, step))

    def _log(self, level: Level, source: str, text: str) -> None:
        lines = self._log_lines[source] = self._log_lines.get(source, 0) + 1
        if lines == MAX_LOG_LINES:
            text = "More lines of this engine are left out."
        if lines <= MAX_LOG_LINES:
            self._queue.put(messages.log(level, source, text))

    # --- the caller's thread -------------------------------------------------------------------------------------

    def _throttled(self, message: Message) -> Iterator[Message]:
        if message["type"] == "progress":
            now = monotonic()
            if now - self._said_progress < PROGRESS_SECONDS:
                return
            self._said_progress = now
        yield message

    def _drain(self) -> Iterator[Message]:
        while not self._queue.empty():
            message = self._queue.get()
            if isinstance(message, dict):
                yield message
