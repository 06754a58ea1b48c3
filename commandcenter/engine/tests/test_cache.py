"""The result cache: what it keeps, what it forgets, and that it never ends a run."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from pathlib import Path
from typing import Any

from commandcenter.engine.cache import EVICT_TO, TOUCH_SECONDS, Cache, KeyMaker

MIB = 1024 * 1024


def _key(number: int) -> bytes:
    return number.to_bytes(16, "big")


def _open(
    tmp_path: Path, *, maximum: int = 64 * MIB, clock: list[float] | None = None, log: list[str] | None = None
) -> Cache:
    now = clock if clock is not None else [1000.0]
    return Cache(
        tmp_path / "cache.sqlite",
        maximum_bytes=maximum,
        clock=lambda: now[0],
        log=(log if log is not None else []).append,
    )


def test_what_was_put_is_found_again_after_reopening(tmp_path: Path) -> None:
    with _open(tmp_path) as cache:
        cache.put_many([(_key(n), f"payload {n}".encode()) for n in range(1200)])
    with _open(tmp_path) as cache:
        found = cache.get_many([_key(n) for n in range(1300)])
    assert found == {_key(n): f"payload {n}".encode() for n in range(1200)}


def test_keys_differ_by_engine_version_configuration_and_parts() -> None:
    keys = {
        KeyMaker("a", "1", "x").key("blob", ".py"),
        KeyMaker("b", "1", "x").key("blob", ".py"),
        KeyMaker("a", "2", "x").key("blob", ".py"),
        KeyMaker("a", "1", "y").key("blob", ".py"),
        KeyMaker("a", "1", "x").key("other", ".py"),
        KeyMaker("a", "1", "x").key("blob", ".js"),
    }
    assert len(keys) == 6
    assert KeyMaker("a", "1", "x").key("blob", ".py") in keys


def test_the_least_recently_used_go_first_and_the_bound_holds(tmp_path: Path) -> None:
    clock = [1000.0]
    maximum = 4 * MIB
    with _open(tmp_path, maximum=maximum, clock=clock) as cache:
        cache.put_many([(_key(n), os.urandom(1000)) for n in range(1000)])
        clock[0] += TOUCH_SECONDS + 1
        kept = [_key(n) for n in range(100)]
        assert len(cache.get_many(kept)) == 100  # used now
        for start in range(10_000, 18_000, 500):
            clock[0] += 1
            cache.put_many([(_key(n), os.urandom(1000)) for n in range(start, start + 500)])
            if start == 11_500:
                assert len(cache.get_many(kept)) == 100
                assert len(cache.get_many([_key(n) for n in range(100, 1000)])) < 900
        assert cache.off is None
        assert len(cache.get_many([_key(n) for n in range(17_500, 18_000)])) == 500
    assert (tmp_path / "cache.sqlite").stat().st_size <= maximum * 1.5
    with sqlite3.connect(tmp_path / "cache.sqlite") as db:
        (stored,) = db.execute("SELECT sum(length(payload)) FROM result").fetchone()
    assert maximum * 0.1 < stored < maximum / EVICT_TO


def test_a_read_writes_the_last_use_only_when_it_is_stale(tmp_path: Path) -> None:
    clock = [1000.0]
    with _open(tmp_path, clock=clock) as cache:
        cache.put_many([(_key(1), b"x")])
        clock[0] += TOUCH_SECONDS - 10
        cache.get_many([_key(1)])
        assert _used(tmp_path) == 1000
        clock[0] += 20
        cache.get_many([_key(1)])
        assert _used(tmp_path) == 1000 + TOUCH_SECONDS + 10


def _used(tmp_path: Path) -> int:
    with sqlite3.connect(tmp_path / "cache.sqlite") as db:
        (used,) = db.execute("SELECT used FROM result").fetchone()
    return int(used)


def test_a_file_that_is_no_database_is_set_aside_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    path.write_bytes(b"this is not a database" * 1000)
    log: list[str] = []
    with _open(tmp_path, log=log) as cache:
        assert cache.get_many([_key(1)]) == {}
        cache.put_many([(_key(1), b"fresh")])
        assert cache.get_many([_key(1)]) == {_key(1): b"fresh"}
        assert cache.off is None
    assert (tmp_path / "cache.sqlite.corrupt").read_bytes().startswith(b"this is not")
    assert len(log) == 1
    assert "set aside" in log[0]


def test_a_database_damaged_in_the_middle_is_set_aside_while_in_use(tmp_path: Path) -> None:
    path = tmp_path / "cache.sqlite"
    with _open(tmp_path) as cache:
        cache.put_many([(_key(n), os.urandom(900)) for n in range(3000)])
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 8192))
    with _open(tmp_path) as cache:
        cache.get_many([_key(n) for n in range(3000)])
        cache.put_many([(_key(1), b"fresh")])
        assert cache.get_many([_key(1)]) == {_key(1): b"fresh"}
    assert (tmp_path / "cache.sqlite.corrupt").exists()


def test_a_place_that_cannot_be_written_switches_the_cache_off(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    log: list[str] = []
    cache = Cache(tmp_path / "file" / "cache.sqlite", maximum_bytes=MIB, log=log.append)
    assert cache.off
    cache.put_many([(_key(1), b"x")])
    assert cache.get_many([_key(1)]) == {}
    assert "is off for this run" in log[0]


def _fill(path: str, results: multiprocessing.Queue[Any]) -> None:
    """In a process that may write no file over 2 MiB, which a full disk looks like from here."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, 2 * MIB))
    log: list[str] = []
    cache = Cache(Path(path), maximum_bytes=64 * MIB, log=log.append)
    for start in range(0, 8000, 200):
        cache.put_many([(_key(n), os.urandom(1000)) for n in range(start, start + 200)])
    results.put((cache.off, cache.get_many([_key(1)]), log))


def test_a_full_disk_switches_the_cache_off_and_says_so(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    process = context.Process(target=_fill, args=(str(tmp_path / "cache.sqlite"), answers))
    process.start()
    off, found, log = answers.get(timeout=60)
    process.join(30)
    assert process.exitcode == 0
    assert off
    assert found == {}
    assert len(log) == 1


def _write_many(path: str, first: int) -> None:
    cache = Cache(Path(path), maximum_bytes=64 * MIB)
    for start in range(first, first + 2000, 100):
        cache.put_many([(_key(n), str(n).encode()) for n in range(start, start + 100)])
        cache.get_many([_key(n) for n in range(0, 6000, 7)])
    assert cache.off is None
    cache.close()


def test_several_processes_write_and_read_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path = str(tmp_path / "cache.sqlite")
    processes = [context.Process(target=_write_many, args=(path, first)) for first in (0, 2000, 4000)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with _open(tmp_path) as cache:
        assert cache.get_many([_key(n) for n in range(6000)]) == {
            _key(n): str(n).encode() for n in range(6000)
        }


def _overfill(path: str, first: int) -> None:
    """Write eight times what the bound allows, and read meanwhile."""
    now = [float(first)]
    cache = Cache(Path(path), maximum_bytes=MIB, clock=lambda: now[0])
    for start in range(first, first + 400, 10):
        now[0] += TOUCH_SECONDS + 1
        cache.put_many([(_key(n), os.urandom(20_000)) for n in range(start, start + 10)])
        cache.get_many([_key(first)])
    assert cache.off is None
    cache.close()


def test_several_processes_at_the_bound_keep_within_it(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    path = tmp_path / "cache.sqlite"
    firsts = [1000, 2000, 3000, 4000]
    processes = [context.Process(target=_overfill, args=(str(path), first)) for first in firsts]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0, 0]
    assert path.stat().st_size <= MIB + 16 * MIB  # what one transaction may add before eviction
    with sqlite3.connect(path) as db:
        ((kept,),) = db.execute("SELECT sum(length(payload)) FROM result").fetchall()
        assert 0 < kept <= MIB
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with _open(tmp_path, maximum=MIB) as cache:
        assert cache.get_many([_key(first + 399) for first in firsts])
