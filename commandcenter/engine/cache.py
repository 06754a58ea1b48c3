"""Remember what engines said of a blob, so that an unchanged file is neither read nor parsed again.

One SQLite file, shared by the engine processes of a machine. It is never needed: whatever goes wrong with it
costs time, not a run.
"""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from commandcenter.engine import codec
from commandcenter.engine.sqlite import BUSY_MS, Busy, FileLock, is_busy, is_corrupt, transaction

SCHEMA_VERSION = 1
PAGE_BYTES = 4096
TOUCH_SECONDS = 6 * 3600  # how stale a last use may get before a read writes it
EVICT_ROWS = 256
EVICT_TO = 0.9  # of the bound, so that not every write evicts
WAL_BYTES = 16 * 1024 * 1024
_KEYS_PER_QUERY = 500

_SCHEMA = """
CREATE TABLE IF NOT EXISTS result (
    id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, used INTEGER NOT NULL, payload BLOB NOT NULL
);
-- eviction: the least recently used first
CREATE INDEX IF NOT EXISTS result_used ON result (used);
"""

T = TypeVar("T")


class KeyMaker:
    """Make cache keys for one engine: 16 bytes over engine, version, configuration and what was read."""

    def __init__(self, engine: str, version: str, config_digest: str) -> None:
        self._base = hashlib.blake2b(digest_size=16)
        for part in (str(codec.VERSION), engine, version, config_digest):
            self._base.update(part.encode() + b"\0")

    def key(self, *parts: str) -> bytes:
        state = self._base.copy()
        state.update("\0".join(parts).encode("utf-8", "surrogatepass"))
        return state.digest()


class Cache:
    """Payloads by key, bounded in bytes on disk (and a write-ahead log of at most about 16 MiB beside it).

    Safe with several threads and several processes. A file that is corrupt is set aside as `NAME.corrupt` and
    begun anew. When the disk is full, or the file cannot be written, the cache switches itself off: `off` then
    holds the reason, reads find nothing and writes do nothing.
    """

    def __init__(
        self,
        path: Path,
        *,
        maximum_bytes: int,
        clock: Callable[[], float] = time.time,
        log: Callable[[str], None] = lambda _message: None,
    ) -> None:
        self._path = path
        self._maximum_pages = max(maximum_bytes // PAGE_BYTES, 64)
        self._lock_path = path.with_name(f"{path.name}.lock")
        self._clock = clock
        self.log = log
        self._lock = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._inode = 0
        self.off: str | None = None
        self._guard(self._open, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._disconnect()
            self.off = self.off or "closed"

    def get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Give the payloads that are there."""
        found: dict[bytes, bytes] = {}
        if keys and self.off is None:
            return self._guard(lambda: self._get_many(keys), found)
        return found

    def put_many(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        """Store payloads, replacing what is there, then evict when over the bound."""
        rows = list(items)
        if rows and self.off is None:
            self._guard(lambda: self._put_many(rows), None)

    # --- under the lock ------------------------------------------------------------------------------------------

    def _get_many(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        db = self._connection()
        now = int(self._clock())
        found: dict[bytes, bytes] = {}
        stale: list[tuple[int, bytes]] = []
        for start in range(0, len(keys), _KEYS_PER_QUERY):
            some = keys[start : start + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(some))
            query = f"SELECT key, payload, used FROM result WHERE key IN ({marks})"  # noqa: S608 (only question marks)
            for key, payload, used in db.execute(query, some):
                found[key] = payload
                if used < now - TOUCH_SECONDS:
                    stale.append((now, key))
        if stale:
            with suppress(Busy), transaction(db):
                db.executemany("UPDATE result SET used = ? WHERE key = ?", stale)
        return found

    def _put_many(self, rows: list[tuple[bytes, bytes]]) -> None:
        db = self._connection()
        now = int(self._clock())
        with suppress(Busy), transaction(db):
            db.executemany(
                "INSERT OR REPLACE INTO result (key, used, payload) VALUES (?, ?, ?)",
                [(key, now, payload) for key, payload in rows],
            )
            if self._pages(db) > self._maximum_pages:
                self._evict(db)

    def _pages(self, db: sqlite3.Connection) -> int:
        (total,) = db.execute("PRAGMA page_count").fetchone()
        (free,) = db.execute("PRAGMA freelist_count").fetchone()
        return int(total) - int(free)

    def _evict(self, db: sqlite3.Connection) -> None:
        target = int(self._maximum_pages * EVICT_TO)
        while self._pages(db) > target:
            gone = db.execute(
                "DELETE FROM result WHERE id IN (SELECT id FROM result ORDER BY used LIMIT ?)",
                (EVICT_ROWS,),
            ).rowcount
            if gone < 1:
                return

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._open()
        assert self._db is not None  # noqa: S101 (for the type checker; _open sets it or raises)
        return self._db

    def _open(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Two processes that switch a new file to WAL at once get SQLITE_BUSY without any waiting.
        with closing(FileLock(self._lock_path)):
            self._connect()

    def _connect(self) -> None:
        fresh = not self._path.exists()
        db = sqlite3.connect(
            self._path,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=16,
        )
        self._db = db
        if fresh:
            self._path.chmod(0o600)
        self._inode = self._path.stat().st_ino
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute(f"PRAGMA journal_size_limit = {WAL_BYTES}")
        # The last word on the size, should eviction not keep up: some room for what one transaction adds.
        db.execute(f"PRAGMA max_page_count = {self._maximum_pages + WAL_BYTES // PAGE_BYTES}")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version != SCHEMA_VERSION:
            with transaction(db):
                db.execute("DROP TABLE IF EXISTS result")
                for statement in _SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _disconnect(self) -> None:
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None

    def _guard(self, work: Callable[[], T], otherwise: T) -> T:
        """Do the work; a corrupt file is set aside and the work done once more, any other error switches off."""
        with self._lock:
            for attempt in (1, 2):
                try:
                    return work()
                except Busy:
                    return otherwise
                except (sqlite3.Error, OSError) as error:
                    if is_busy(error):
                        self._disconnect()
                        return otherwise
                    if attempt == 1 and is_corrupt(error) and self._set_aside(error):
                        continue
                    self._disconnect()
                    self.off = f"{type(error).__name__}: {error}"
                    self.log(f"The result cache {self._path.name} is off for this run: {self.off}")
                    return otherwise
        return otherwise

    def _set_aside(self, error: BaseException) -> bool:
        self._disconnect()
        name = self._path.name
        try:
            with closing(FileLock(self._lock_path)):
                # Another process may have begun a new file meanwhile: leave that one alone.
                if self._path.exists() and self._path.stat().st_ino == self._inode:
                    self._path.replace(self._path.with_name(f"{name}.corrupt"))
                    for suffix in ("-wal", "-shm"):
                        self._path.with_name(name + suffix).unlink(missing_ok=True)
        except (OSError, Busy):
            return False
        self.log(
            f"The result cache {name} was corrupt ({error}); it was set aside as {name}.corrupt and begun anew."
        )
        return True
