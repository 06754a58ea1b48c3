"""One engine inside one run: what it selects, what the cache knows, what is left to read, and what came of it."""

from __future__ import annotations

import errno
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice
from time import perf_counter

from commandcenter.engine import codec
from commandcenter.engine.cache import Cache, KeyMaker
from commandcenter.engine.collect import Collected
from commandcenter.engine.contract.engines import Engine, Scope, TreeKeyed
from commandcenter.engine.contract.facts import Technology
from commandcenter.engine.contract.files import Blob, Entry, Links
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.gaps import Check, Gap
from commandcenter.engine.contract.history import Contributor, HistorySummary
from commandcenter.engine.contract.reports import EngineReport, EngineStatus, UnreadFile
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.correlation import NOBODY, Correlating, Correlator
from commandcenter.engine.errors import EngineError, EngineUnavailable
from commandcenter.engine.kept import Kept
from commandcenter.engine.limits import MIB, Limits
from commandcenter.engine.summary import Outcome

HISTORY_UNITS = 200  # of progress: about what reading a year of commits costs, counted in files
MAX_DETAIL_CHARS = 1000
LOOK_UP_KEYS = 5000
NO_LINKS = Links()


class Work:
    """The state of one engine in one run. Used by one thread at a time."""

    def __init__(self, engine: Engine, limits: Limits, correlator: Correlator = NOBODY) -> None:
        self.engine = engine
        self.limits = limits
        self.scope = Scope(engine.scope)
        self.collected = Collected(limits.max_findings)
        self.selected: list[Entry] = []
        self.too_large: list[Entry] = []
        self.missing: list[Entry] = []
        """What must be run: for BLOB one entry per key, otherwise all selected ones, or none when cached."""
        self.units = 0
        self.cached = 0
        self.seconds = 0.0
        self.status: EngineStatus = "ok"
        self.detail = ""
        self.must_run_whole = False
        """True when a TREE or HISTORY engine has no answer in the cache."""
        self.correlates = isinstance(engine, Correlating) and engine.correlates
        key = f" {correlator.key_id}" if self.correlates else ""
        self._maker = KeyMaker(engine.id, engine.version, f"{engine.config_digest}{key}")
        self._others: dict[str, list[Entry]] = {}  # by the path of the entry that is read for all of them
        self._whole_key = b""

    def kept(self, cache: Cache | None, *, force: bool) -> Kept:
        """What this engine keeps for later runs."""
        return Kept(cache, self._maker, read=not force)

    @property
    def out(self) -> bool:
        """True when there is nothing to believe or to run: failed, unavailable or skipped."""
        return self.status in {"failed", "unavailable", "skipped"}

    def skip(self, why: str) -> None:
        """Leave this engine out: it has nothing to read here, which is no failure."""
        self.status = "skipped"
        self.detail = why

    def fail(self, error: BaseException) -> None:
        """Take an error as the end of this engine, and only of this one."""
        self.status = "unavailable" if isinstance(error, EngineUnavailable) else "failed"
        text = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
        if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
            text = "There is no room left for its temporary files: free some below the data folder."
        self.detail = text[:MAX_DETAIL_CHARS]
        self.missing = []

    # --- before: select and look up ------------------------------------------------------------------------------

    def prepare(
        self,
        entries: Sequence[Entry],
        history: str | None,
        cache: Cache | None,
        *,
        force: bool,
        links: Links = NO_LINKS,
    ) -> None:
        """Select the entries and take from the cache what it has. An error in the engine's code fails the engine.

        `history` names what a HISTORY engine reads: the commit, and where a shallow mirror begins; None without one.
        """
        started = perf_counter()
        try:
            reason = self.engine.unavailable()
            if reason is not None:
                self.fail(EngineUnavailable(reason))
            elif self.scope is Scope.HISTORY and history is None:
                self.skip("A folder or an archive has no history.")
            else:
                self._prepare(entries, history or "", None if force else cache, links)
        except Exception as error:  # noqa: BLE001 (one engine's bug must not end the others)
            self.fail(error)
        self.seconds += perf_counter() - started

    def _prepare(self, entries: Sequence[Entry], history: str, cache: Cache | None, links: Links) -> None:
        engine, largest = self.engine, self.limits.max_blob_bytes
        if self.scope is not Scope.HISTORY:
            wanted = [e for e in entries if engine.select(e)]
            self.selected = [e for e in wanted if e.size <= largest]
            self.too_large = [e for e in wanted if e.size > largest]
        if self.scope is Scope.BLOB:
            self._prepare_blobs(cache)
        else:
            names = ""
            if isinstance(self.engine, TreeKeyed):
                names = self.engine.tree_key(entries)
                names += repr(links) if links != NO_LINKS else ""
            self._prepare_whole(history, names, cache)

    def _prepare_blobs(self, cache: Cache | None) -> None:
        self.units = len(self.selected)
        same: dict[bytes, list[Entry]] = {}
        for entry in self.selected:
            same.setdefault(self._blob_key(entry), []).append(entry)
        groups = iter(same.items())
        while some := list(islice(groups, LOOK_UP_KEYS)):
            found = cache.get_many([key for key, _ in some]) if cache is not None else {}
            for key, group in some:
                payload = found.get(key)
                if payload is not None and self._replay(payload, group):
                    self.cached += len(group)
                    continue
                self.missing.append(group[0])
                if len(group) > 1:
                    self._others[group[0].path] = group[1:]

    def _blob_key(self, entry: Entry) -> bytes:
        return self._maker.key(entry.blob, self.engine.path_class(entry))

    def _replay(self, payload: bytes, group: Sequence[Entry]) -> bool:
        try:
            unpacked = [codec.unpack(payload, entry.path) for entry in group]
        except codec.Unreadable:
            return False
        for results in unpacked:
            self.collected.add(results)
        return True

    def _prepare_whole(self, history: str, names: str, cache: Cache | None) -> None:
        if self.scope is Scope.HISTORY:
            self.units = HISTORY_UNITS
            limits = self.limits
            bounds = (limits.max_history_commits, limits.history_days, limits.bus_factor_percent)
            self._whole_key = self._maker.key("history", history, *map(str, bounds))
        else:
            self.units = max(1, len(self.selected))
            state = hashlib.sha256()
            for entry in sorted(self.selected, key=lambda e: e.path):
                state.update(f"{entry.path}\0{entry.blob}\n".encode("utf-8", "surrogatepass"))
            self._whole_key = self._maker.key("tree", state.hexdigest(), names)
        payload = cache.get_many([self._whole_key]).get(self._whole_key) if cache is not None else None
        if payload is not None:
            try:
                self.collected.add(codec.unpack(payload, None))
            except codec.Unreadable:
                payload = None
        if payload is not None:
            self.cached = len(self.selected)
        else:
            self.missing = list(self.selected)
        self.must_run_whole = payload is None

    # --- during: take the results --------------------------------------------------------------------------------

    def take_batch(self, batch: Sequence[Blob], results: Iterable[Result], cache: Cache | None) -> None:
        """Take what a BLOB engine said of a batch, for every entry with the same key, and store it."""
        by_path: dict[str, list[Result]] = {blob.entry.path: [] for blob in batch}
        whole: list[Failure] = []
        for result in results:
            path = _path_of(result)
            if path is None and isinstance(result, Failure):
                whole.append(result)
            elif path is None or path not in by_path:
                raise EngineError(f"It reported on {path!r}, which it was not given.")
            else:
                by_path[path].append(result)
        stored: list[tuple[bytes, bytes]] = []
        for blob in batch:
            path = blob.entry.path
            said = by_path[path]
            self.collected.add(said)
            lasting = not whole and not any(isinstance(r, Failure) and r.transient for r in said)
            others = self._others.get(path, [])
            if others or (lasting and cache is not None):
                payload = codec.pack(said, path)
                if lasting:
                    stored.append((self._blob_key(blob.entry), payload))
                for entry in others:
                    self.collected.add(_transient_kept(codec.unpack(payload, entry.path), said))
        self.collected.add(whole)
        if cache is not None:
            cache.put_many(stored)

    def entries_like(self, entry: Entry) -> int:
        """Count the entries that share the result of this one, itself included."""
        return 1 + len(self._others.get(entry.path, ()))

    def take_whole(self, results: Iterable[Result], cache: Cache | None) -> None:
        """Take what a TREE or HISTORY engine said, and store it when it is complete."""
        said = list(results)
        self.collected.add(said)
        incomplete = any(isinstance(r, Failure) and (r.path is None or r.transient) for r in said)
        if cache is not None and not incomplete:
            cache.put_many([(self._whole_key, codec.pack(said, None))])

    # --- after: report -------------------------------------------------------------------------------------------

    def outcome(self, findings: Sequence[Finding], technologies: int, *, reports_findings: bool) -> Outcome:
        return Outcome(
            collected=self.collected,
            selected=frozenset(entry.path for entry in self.selected),
            findings=Counter(finding.severity for finding in findings),
            reports_findings=reports_findings,
            technologies=technologies,
        )

    def unread(self) -> list[UnreadFile]:
        """Return the files that it was to read and could not, by path, each with the first reason given."""
        limit = f"It is larger than {self.limits.max_blob_bytes / MIB:g} MiB."
        reasons = {entry.path: limit for entry in self.too_large}
        for failure in self.collected.failures:
            if failure.path is not None:
                reasons.setdefault(failure.path, failure.message)
        return [UnreadFile(self.engine.id, path, reason) for path, reason in sorted(reasons.items())]

    def report(self, findings: int, left_out: int) -> EngineReport:
        """Say how it went. What is not complete is partial: a lost file, a failure of the whole, findings left out."""
        failures = self.collected.failures
        lost = [f for f in failures if f.path is None or f.transient]
        notes = [self.detail] if self.detail else []
        if left_out:
            notes.append(
                f"{left_out} less severe findings are left out: the limit is {self.limits.max_findings}."
            )
        notes += dict.fromkeys(f.message for f in lost)
        unread = self.unread()
        lost_paths = {f.path for f in lost}
        unreadable = sum(1 for file in unread if file.path not in lost_paths)
        if unreadable:
            notes.append(f"{unreadable} {'file' if unreadable == 1 else 'files'} could not be read in full.")
        if self.status == "ok" and (lost or left_out):
            self.status = "partial"
        return EngineReport(
            id=self.engine.id,
            version=self.engine.version,
            status=self.status,
            duration_ms=round(self.seconds * 1000),
            selected=len(self.selected),
            cached=self.cached,
            findings=findings,
            failures=len(unread) + sum(1 for f in failures if f.path is None),
            detail=" ".join(notes)[:MAX_DETAIL_CHARS],
            config=self.engine.config_digest[:16],
        )


def _path_of(result: Result) -> str | None:
    if isinstance(result, Technology | Gap):
        return result.evidence[0].path if result.evidence else None
    if isinstance(result, HistorySummary | Contributor | Check):
        return None
    return result.path


def _transient_kept(copies: Sequence[Result], originals: Sequence[Result]) -> list[Result]:
    """The packed form does not carry `transient`; give it back to the copies."""
    return [
        Failure(copy.message, copy.path, transient=original.transient)
        if isinstance(copy, Failure) and isinstance(original, Failure)
        else copy
        for copy, original in zip(copies, originals, strict=True)
    ]
