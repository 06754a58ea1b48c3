"""Run the planned engines over one tree and say what they found, file by file, as a stream of messages."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, perf_counter

from commandcenter.engine import messages
from commandcenter.engine.blobs import BlobStore, Readable, SourceUnreadable, batches, windows, within
from commandcenter.engine.cache import Cache
from commandcenter.engine.context import Level, Materials, RunContext
from commandcenter.engine.contract import Entry, Failure, Finding, Rule, Scope
from commandcenter.engine.messages import Message
from commandcenter.engine.plan import Plan
from commandcenter.engine.summary import Outcome, file_rows, summarise
from commandcenter.engine.work import Work

THREADS = 2
BATCH_FILES = 200
EXTERNAL_BATCH_FILES = 1000  # each batch starts a process, which costs as much as some hundred files
MAX_TREE_BYTES = 96 * 1024 * 1024  # read at once for an engine that wants all of its files together
MAX_LOG_LINES = 200  # per engine
MAX_LOGGED_FAILURES = 20
PROGRESS_SECONDS = 0.2


def run(tree: Readable, plan: Plan, *, cache: Cache | None, scratch: Path) -> Iterator[Message]:
    """Yield the messages of one run; the last one is `done`.

    Rows, reports and the summary come in an order that depends on the tree and the plan alone, so that a cached
    run repeats a cold one. Raises EngineError when the tree cannot be read: then there is no `done`.
    `scratch` is an empty folder of this run's own; its owner removes it.
    """
    return _Run(tree, plan, cache, scratch).messages()


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
    def __init__(self, tree: Readable, plan: Plan, cache: Cache | None, scratch: Path) -> None:
        self._tree = tree
        self._plan = plan
        self._cache = cache
        self._scratch = scratch
        self._store = BlobStore(tree)
        self._materials = Materials(scratch / "files")
        self._queue: queue.SimpleQueue[Message | _Ended | BaseException | None] = queue.SimpleQueue()
        self._stop = threading.Event()
        self._works = [Work(engine, plan.limits) for engine in plan.instances()]
        self._outcomes: dict[str, Outcome] = {}
        self._log_lines: dict[str, int] = {}
        self._total = 0
        self._done = 0
        self._done_lock = threading.Lock()
        self._said_progress = 0.0
        self._partial = False

    def messages(self) -> Iterator[Message]:
        try:
            yield messages.progress(0, 0, "Looking up what is known")
            history = self._history()
            for work in self._works:
                work.prepare(self._tree.entries, history, self._cache, force=self._plan.force)
            self._total = sum(work.units for work in self._works)
            self._done = sum(self._units_known(work) for work in self._works)
            yield messages.progress(self._done, self._total, "Reading")
            yield from self._drain()
            yield from self._execute()
            yield from self._join()
        finally:
            self._stop.set()

    def _history(self) -> str | None:
        """Name what HISTORY engines read: a shallow mirror of a commit knows less than a full one."""
        if self._tree.imported or not any(work.scope is Scope.HISTORY for work in self._works):
            return None
        shallow = next(iter(self._tree.git(["rev-parse", "--is-shallow-repository"])), b"")
        return f"{self._tree.commit} {shallow.decode('ascii', 'replace').strip()}"

    @staticmethod
    def _units_known(work: Work) -> int:
        if work.out or (work.scope is not Scope.BLOB and not work.must_run_whole):
            return work.units
        return work.cached if work.scope is Scope.BLOB else 0

    # --- the engines' threads ------------------------------------------------------------------------------------

    def _execute(self) -> Iterator[Message]:
        """Run what the cache does not know, window by window, and report engines in order as they end."""
        waiting = deque(self._works)
        rounds = self._rounds()
        busy = {id(task.work) for tasks in rounds for task in tasks}
        ended = {id(work) for work in self._works if id(work) not in busy}
        yield from self._report_ready(waiting, ended)
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
            alive = len(threads)
            while alive:
                message = self._queue.get()
                if message is None:
                    alive -= 1
                elif isinstance(message, _Ended):
                    ended.add(id(message.work))
                    yield from self._report_ready(waiting, ended)
                elif isinstance(message, BaseException):
                    raise message
                else:
                    yield from self._throttled(message)
            self._store.clear()
        yield messages.progress(self._total, self._total, "Joining results")

    def _rounds(self) -> list[list[_Task]]:
        """Order the tasks: those that wait for a process of their own first, the others after them, last engine first.

        One thread takes from the front and the other from the back, so that a tool and a parser run side by side.
        """
        external = self._plan.registry.external
        order = [w for w in self._works if w.engine.id in external]
        order += [w for w in reversed(self._works) if w.engine.id not in external]
        blob_works = [w for w in self._works if w.scope is Scope.BLOB]
        cut = list(windows(entry for work in blob_works for entry in work.missing))
        rounds: list[list[_Task]] = []
        for number, window in enumerate(cut or [frozenset()]):
            tasks = []
            for work in order:
                if work.scope is Scope.BLOB:
                    entries = tuple(entry for entry in work.missing if entry.path in window)
                    if entries:
                        tasks.append(_Task(work, entries, last=entries[-1] is work.missing[-1]))
                elif work.must_run_whole and number == 0:
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
        for batch in batches(entries, EXTERNAL_BATCH_FILES if external else BATCH_FILES):
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

    def _report_ready(self, waiting: deque[Work], ended: set[int]) -> Iterator[Message]:
        while waiting and id(waiting[0]) in ended:
            yield from self._report(waiting.popleft())

    def _report(self, work: Work) -> Iterator[Message]:
        """Give an engine's rows and its report."""
        findings: list[Finding] = []
        left_out = technologies = 0
        rules: dict[str, Rule] = {}
        if not work.out:
            try:
                rules = {rule.id: rule for rule in work.engine.rules()}
                findings, left_out = work.collected.findings()
                found = work.collected.technologies()
                technologies = len(found)
            except Exception as error:  # noqa: BLE001 (as everywhere: the engine fails, the run goes on)
                work.fail(error)
        yield from self._failure_lines(work)
        if not work.out:
            yield from messages.rows("dependencies", work.collected.sorted_dependencies())
            yield from messages.rows("technologies", found)
            used = dict.fromkeys(finding.rule_id for finding in findings)
            yield from messages.rows("rules", [rules.get(id_) or _unnamed(id_, work) for id_ in sorted(used)])
            yield from messages.rows("findings", findings)
            outcome = work.outcome(findings, technologies, reports_findings=bool(rules or findings))
            self._outcomes[work.engine.id] = outcome
        report = work.report(len(findings), left_out)
        self._partial = self._partial or report.status not in {"ok", "skipped"}
        yield {"type": "engine", **messages.row(report)}

    def _failure_lines(self, work: Work) -> Iterator[Message]:
        source = work.engine.id
        if work.out:
            yield messages.log("info" if work.status == "skipped" else "error", source, work.detail)
        failures = sorted(work.collected.failures, key=lambda f: (f.path or "", f.message))
        for failure in failures[:MAX_LOGGED_FAILURES]:
            place = f"{failure.path}: " if failure.path else ""
            yield messages.log("warning", source, f"{place}{failure.message}")
        if len(failures) > MAX_LOGGED_FAILURES:
            more = len(failures) - MAX_LOGGED_FAILURES
            yield messages.log("warning", source, f"{more} more files could not be read in full.")

    def _join(self) -> Iterator[Message]:
        entries = self._tree.entries
        yield from messages.rows("files", file_rows(entries, self._outcomes))
        if "functions" in self._outcomes:
            yield from messages.rows("functions", self._outcomes["functions"].collected.most_complex())
        summary = summarise(entries, self._tree.skipped, self._outcomes)
        yield {"type": "summary", **messages.row(summary)}
        status = "partial" if self._partial else "complete"
        yield {"type": "done", "status": status, "digest": self._plan.digest}


def _unnamed(rule_id: str, work: Work) -> Rule:
    """Stand for a rule that the engine reports but does not describe, so that every finding has one."""
    return Rule(id=rule_id, engine=work.engine.id, name=rule_id, short=rule_id)
