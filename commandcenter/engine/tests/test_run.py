"""A run over a real tree: what is joined, what is cached, and what one bad engine may cost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from commandcenter.engine.cache import Cache
from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import Dependency, Evidence, FunctionMetric, LineCount, Technology
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines import Registry
from commandcenter.engine.errors import EngineError, SourceError
from commandcenter.engine.limits import Limits
from commandcenter.engine.plan import available_engines, plan
from commandcenter.engine.run import run
from commandcenter.engine.source.tree import Tree
from commandcenter.engine.tests.making import (
    NOW,
    CountingEngine,
    Made,
    MarkerEngine,
    git,
    only,
    report,
    results,
    rows,
)


class ComplexEngine(CountingEngine):
    """One function per line; its complexity is the number on the line."""

    id = "functions"

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            for number, line in enumerate(blob.data.decode().split("\n"), 1):
                if line.strip().isdigit():
                    yield FunctionMetric(blob.entry.path, f"f{number}", number, number, int(line), 0)


class TreeEngine(CountingEngine):
    """Reads all files at once and says which technology and dependencies they name."""

    id = "technologies"
    scope = Scope.TREE

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        self.read += [blob.entry.path for blob in batch]
        yield Technology("Text", "data", None, 0.9, tuple(Evidence(blob.entry.path) for blob in batch[:20]))
        for blob in batch:
            yield Dependency(blob.entry.path, 1, "pkg:pypi/x@1", "pypi", "x", "1", None, "runtime", True)


class RaisingEngine(CountingEngine):
    id = "raising"

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        yield LineCount(batch[0].entry.path, 1, 1, 1)
        raise RuntimeError("the parser gave up")


class MissingToolEngine(CountingEngine):
    id = "missing"

    def unavailable(self) -> str | None:
        return "The tool is not installed."


class PickyEngine(CountingEngine):
    """Cannot read files that hold BAD; the reason passes when they hold LATER."""

    id = "picky"

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            self.read.append(blob.entry.path)
            if b"BAD" in blob.data:
                yield Failure("It cannot be parsed.", blob.entry.path)
            elif b"LATER" in blob.data:
                yield Failure("It took too long.", blob.entry.path, transient=True)
            else:
                yield LineCount(blob.entry.path, 1, 0, 0)


def working() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("engines-")]


class LastEngine(CountingEngine):
    """Works as long as there is another thread at work."""

    id = "last"

    def select(self, entry: Entry) -> bool:
        return entry.name == "slow.md"

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        deadline = time.monotonic() + 20
        while len(working()) > 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        return ()


class Bench:
    """Runs engines over commits of one repository, with one cache."""

    def __init__(self, tmp_path: Path) -> None:
        self.tmp_path = tmp_path
        self.made = Made(tmp_path)
        self.cache = Cache(tmp_path / "cache.sqlite", maximum_bytes=64 << 20)
        self._runs = 0

    def run(
        self,
        commit: str,
        *engines: Any,
        force: bool = False,
        limits: Limits | None = None,
        cached: bool = True,
        **options: int,
    ) -> list[dict[str, Any]]:
        registry = Registry({}, instances=engines)
        self._runs += 1
        scratch = self.tmp_path / f"scratch-{self._runs}"
        scratch.mkdir()
        limits = limits or Limits()
        with Tree.open(self.made.git_dir, commit, limits) as tree:
            planned = plan(None, force=force, limits=limits, registry=registry)
            return list(run(tree, planned, cache=self.cache if cached else None, scratch=scratch, **options))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_files_are_joined_with_what_every_engine_said(bench: Bench) -> None:
    commit = bench.made.commit({"a.txt": "3\n9\n", "b/c.txt": "x\n", "d.bin": b"\0\1"})
    said = bench.run(commit, CountingEngine(), ComplexEngine())
    files = {row["path"]: row for row in rows(said, "files")}
    assert list(files) == ["a.txt", "b/c.txt", "d.bin"]
    assert (files["a.txt"]["code"], files["a.txt"]["functions"]) == (2, 2)
    assert (files["a.txt"]["complexity"], files["a.txt"]["max_complexity"]) == (12, 9)
    assert files["b/c.txt"]["functions"] == 0
    assert files["d.bin"]["code"] is None
    assert files["d.bin"]["functions"] is None
    assert files["d.bin"]["size"] == 2
    assert only(said, "done")["status"] == "complete"
    assert said[-1]["type"] == "done"


def test_the_summary_totals_what_ran_and_leaves_the_rest_unknown(bench: Bench) -> None:
    numbers = "\n".join(str(n) for n in range(1, 21))
    commit = bench.made.commit({"a.txt": numbers + "\n", "b.txt": "MARK\nMARK!\n"})
    summary = only(bench.run(commit, CountingEngine(), ComplexEngine(), MarkerEngine()), "summary")
    assert summary["files"] == 2
    assert summary["lines_of_code"] == 22
    assert summary["functions"] == 20
    assert summary["complexity"] == {"mean": 10.5, "p95": 19, "max": 20}
    assert summary["findings"]["total"] == 2
    assert summary["findings"]["by_severity"]["critical"] == 1
    assert summary["dependencies"] is None
    assert summary["technologies"] is None
    assert summary["contributors"] is None


def test_a_cached_run_repeats_the_cold_one_exactly(bench: Bench) -> None:
    """Order included, also for one content at several paths, failures and findings."""
    files = {f"d{n % 7}/f{n}.txt": f"{n % 11}\nMARK {n % 5}\nMARK! {n}\n" for n in range(450)}
    commit = bench.made.commit({**files, "x/copy.txt": files["d0/f0.txt"], "x/bad.txt": "BAD"})

    def engines() -> list[Any]:
        return [CountingEngine(), ComplexEngine(), MarkerEngine(), PickyEngine(), TreeEngine()]

    cold, warm_engines = bench.run(commit, *engines()), engines()
    warm = bench.run(commit, *warm_engines)
    uncached = bench.run(commit, *engines(), cached=False)
    assert results(warm) == results(cold) == results(uncached)
    assert [engine.read for engine in warm_engines] == [[], [], [], [], []]
    assert report(warm, "marks")["cached"] == 452
    assert report(cold, "marks")["cached"] == 0
    assert len(rows(cold, "findings")) == 902


def test_a_tree_larger_than_memory_allows_is_read_in_windows_with_the_same_result(bench: Bench) -> None:
    files = {f"d{n % 3}/f{n}.txt": f"{n % 9}\nMARK {n}\n" * 40 for n in range(120)}
    commit = bench.made.commit(files)

    class Small(MarkerEngine):
        id = "small"

        def select(self, entry: Entry) -> bool:
            return entry.path.endswith("0.txt")

    def engines() -> list[Any]:
        return [CountingEngine(), ComplexEngine(), MarkerEngine(), Small(), TreeEngine()]

    small = engines()
    windowed = bench.run(commit, *small, cached=False, window_bytes=3000)
    assert results(windowed) == results(bench.run(commit, *engines(), cached=False))
    assert [len(engine.read) for engine in small[:4]] == [120, 0, 120, 12]


def test_one_content_at_two_paths_is_read_once_and_reported_twice(bench: Bench) -> None:
    commit = bench.made.commit({"a.txt": "MARK\n", "b.txt": "MARK\n"})
    engine = MarkerEngine()
    said = bench.run(commit, engine)
    assert engine.read == ["a.txt"]
    assert [row["path"] for row in rows(said, "findings")] == ["a.txt", "b.txt"]
    assert len({row["fingerprint"] for row in rows(said, "findings")}) == 2


def test_only_the_changed_file_is_read_again(bench: Bench) -> None:
    first = bench.made.commit({f"f{n}.txt": f"{n}\n" for n in range(30)})
    second = bench.made.commit({"f7.txt": "changed\n"})
    bench.run(first, CountingEngine(), TreeEngine())
    blob_engine, tree_engine = CountingEngine(), TreeEngine()
    said = bench.run(second, blob_engine, tree_engine)
    assert blob_engine.read == ["f7.txt"]
    assert len(tree_engine.read) == 30
    assert report(said, "lines")["cached"] == 29


def test_another_commit_with_the_same_tree_reads_nothing(bench: Bench) -> None:
    """A revert, an empty commit, a force push to a tree that was seen: only the history is another one."""
    first = bench.made.commit({f"f{n}.txt": f"{n}\n" for n in range(30)})
    bench.made.commit({"f7.txt": "changed\n"})
    reverted = bench.made.commit({"f7.txt": "7\n"}, when=NOW + 100)
    cold = bench.run(first, CountingEngine(), TreeEngine())
    blob_engine, tree_engine = CountingEngine(), TreeEngine()
    said = bench.run(reverted, blob_engine, tree_engine)
    assert (blob_engine.read, tree_engine.read) == ([], [])
    assert rows(said, "files") == rows(cold, "files")


def test_force_reads_everything_again(bench: Bench) -> None:
    commit = bench.made.commit({"a.txt": "1\n"})
    bench.run(commit, CountingEngine())
    engine = CountingEngine()
    bench.run(commit, engine, force=True)
    assert engine.read == ["a.txt"]


def test_an_engine_that_raises_fails_alone_and_the_run_is_partial(bench: Bench) -> None:
    commit = bench.made.commit({"a.txt": "1\n"})
    said = bench.run(commit, RaisingEngine(), CountingEngine())
    assert report(said, "raising")["status"] == "failed"
    assert "the parser gave up" in report(said, "raising")["detail"]
    assert report(said, "lines")["status"] == "ok"
    assert rows(said, "files")[0]["code"] == 1
    assert only(said, "done")["status"] == "partial"


def test_a_missing_tool_is_reported_and_the_run_is_never_clean(bench: Bench) -> None:
    commit = bench.made.commit({"a.txt": "1\n"})
    said = bench.run(commit, MissingToolEngine(), CountingEngine())
    assert report(said, "missing")["status"] == "unavailable"
    assert report(said, "missing")["detail"] == "The tool is not installed."
    assert only(said, "done")["status"] == "partial"


def test_an_engine_that_cannot_be_imported_is_unavailable(bench: Bench, tmp_path: Path) -> None:
    commit = bench.made.commit({"a.txt": "1\n"})
    registry = Registry(
        {"broken": "commandcenter.engine.engines.no_such_module"}, instances=[CountingEngine()]
    )
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Tree.open(bench.made.git_dir, commit, Limits()) as tree:
        said = list(run(tree, plan(registry=registry), cache=None, scratch=scratch))
    assert report(said, "broken")["status"] == "unavailable"
    assert report(said, "lines")["status"] == "ok"


def test_an_engine_with_broken_rules_is_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_engine.py").write_text(
        "class E:\n"
        "    id = 'broken'\n"
        "    version = '1'\n"
        "    @property\n"
        "    def config_digest(self):\n"
        "        raise ValueError('a rule has no name')\n"
        "ENGINE = E()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry({"broken": "broken_engine"})
    (row,) = available_engines(registry)
    assert "a rule has no name" in (row["unavailable"] or "")


def test_a_tree_engine_that_looks_at_names_is_asked_again_when_they_change(bench: Bench) -> None:
    class Naming(TreeEngine):
        def tree_key(self, entries: Sequence[Entry]) -> str:
            return ",".join(entry.path for entry in entries if entry.suffix == ".cfg")

    first = bench.made.commit({"a.txt": "1\n"})
    other = bench.made.commit({"b.bin": "1\n"})
    third = bench.made.commit({"c.cfg": "1\n"})
    link = bench.made.work / "link"
    link.symlink_to("a.txt")
    linked = bench.made.commit({})
    link.unlink()
    link.symlink_to("b.bin")
    moved = bench.made.commit({})
    reads = []
    for commit in (first, other, third, linked, moved, linked):
        engine = Naming()
        bench.run(commit, engine)
        reads.append(len(engine.read))
    assert reads == [1, 0, 1, 1, 1, 0]


def test_a_file_that_cannot_be_parsed_is_counted_and_remembered(bench: Bench) -> None:
    commit = bench.made.commit({"good.txt": "fine\n", "bad.txt": "BAD\n"})
    cold = bench.run(commit, PickyEngine())
    engine = PickyEngine()
    warm = bench.run(commit, engine)
    assert engine.read == []
    for said in (cold, warm):
        assert report(said, "picky")["failures"] == 1
        assert report(said, "picky")["status"] == "ok"
        assert any("bad.txt" in m["message"] for m in said if m["type"] == "log")
        assert only(said, "done")["status"] == "complete"


def test_a_passing_failure_makes_the_run_partial_and_is_tried_again(bench: Bench) -> None:
    commit = bench.made.commit({"a.txt": "LATER\n", "b.txt": "LATER\n", "c.txt": "fine\n"})
    said = bench.run(commit, PickyEngine())
    assert report(said, "picky")["status"] == "partial"
    assert report(said, "picky")["failures"] == 2
    assert "too long" in report(said, "picky")["detail"]
    assert only(said, "done")["status"] == "partial"
    engine = PickyEngine()
    bench.run(commit, engine)
    assert engine.read == ["a.txt"]


def test_the_most_severe_findings_are_kept_at_the_limit(bench: Bench) -> None:
    text = "".join(f"MARK {n}\n" for n in range(30)) + "".join(f"MARK! {n}\n" for n in range(5))
    commit = bench.made.commit({"a.txt": text, "b.txt": "MARK!\n"})
    said = bench.run(commit, MarkerEngine(), limits=Limits(max_findings=10))
    found = rows(said, "findings")
    assert len(found) == 10
    assert [row["severity"] for row in found].count("critical") == 6
    assert "26 less severe findings are left out" in report(said, "marks")["detail"]
    assert only(said, "done")["status"] == "partial"


def test_a_file_over_the_size_limit_is_listed_and_not_read(bench: Bench) -> None:
    commit = bench.made.commit({"big.txt": "x" * 5000, "small.txt": "x\n"})
    engine = CountingEngine()
    said = bench.run(commit, engine, limits=Limits(max_blob_bytes=1000))
    assert engine.read == ["small.txt"]
    assert [row["path"] for row in rows(said, "files")] == ["big.txt", "small.txt"]
    assert rows(said, "files")[0]["size"] == 5000


def test_rows_come_in_batches_of_at_most_a_thousand(bench: Bench) -> None:
    commit = bench.made.commit({f"f{n:04}.txt": f"{n}\nMARK\n" for n in range(1100)})
    said = bench.run(commit, CountingEngine(), MarkerEngine())
    assert [len(m["rows"]) for m in said if m["type"] == "files"] == [1000, 100]
    assert [len(m["rows"]) for m in said if m["type"] == "findings"] == [1000, 100]
    assert [rule["id"] for rule in rows(said, "rules")] == ["mark"]


def test_only_the_most_complex_functions_are_listed(bench: Bench) -> None:
    commit = bench.made.commit(
        {f"f{n}.txt": "\n".join(str(n * 10 + k) for k in range(10)) for n in range(200)}
    )
    listed = rows(bench.run(commit, ComplexEngine()), "functions")
    assert [row["complexity"] for row in listed] == list(range(1999, 1799, -1))


def test_progress_only_grows_and_ends_at_its_total(bench: Bench) -> None:
    commit = bench.made.commit({f"f{n}.txt": f"{n}\n" for n in range(500)})
    said = [m for m in bench.run(commit, CountingEngine(), MarkerEngine()) if m["type"] == "progress"]
    done = [m["done"] for m in said]
    assert done == sorted(done)
    assert (said[-1]["done"], said[-1]["total"]) == (1000, 1000)


def test_an_engine_may_not_report_on_a_file_that_it_was_not_given(bench: Bench) -> None:
    class Astray(CountingEngine):
        def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
            yield LineCount("elsewhere.txt", 1, 1, 1)

    commit = bench.made.commit({"a.txt": "1\n"})
    said = bench.run(commit, Astray())
    assert report(said, "lines")["status"] == "failed"
    assert "elsewhere.txt" in report(said, "lines")["detail"]


def test_git_is_lent_to_history_engines_only(bench: Bench) -> None:
    class Curious(CountingEngine):
        def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
            list(context.git(["log"]))
            return []

    commit = bench.made.commit({"a.txt": "1\n"})
    assert "not lent" in report(bench.run(commit, Curious()), "lines")["detail"]


def test_a_tool_reads_the_lent_files_and_one_that_hangs_fails_its_engine(bench: Bench) -> None:
    class Tool(CountingEngine):
        def __init__(self, engine_id: str, seconds: float, *argv: str) -> None:
            super().__init__()
            self.id = engine_id
            self.seconds = seconds
            self.argv = argv

        def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
            for path, entry in context.materialise(batch).items():
                said = context.run_tool([*self.argv, str(path)], cwd=context.scratch(), seconds=self.seconds)
                yield LineCount(entry.path, int(said.stdout), 0, 0)

    commit = bench.made.commit({"a.txt": "1\n2\n3\n", "sub/b.txt": "1\n"})
    said = bench.run(commit, Tool("lines", 60, "grep", "-c", ""), Tool("hanging", 1, "tail", "-f"))
    assert [row["code"] for row in rows(said, "files")] == [3, 1]
    assert report(said, "hanging")["status"] == "failed"
    assert "longer than 1 s" in report(said, "hanging")["detail"]
    assert only(said, "done")["status"] == "partial"


def test_an_unknown_engine_is_refused_by_name() -> None:
    with pytest.raises(EngineError, match="Unknown engine nonsense") as caught:
        plan(["lines", "nonsense"])
    assert caught.value.code == "unknown_engine"
    assert "secrets" in str(caught.value)


def test_a_plan_holds_only_what_was_requested_and_its_digest_says_which() -> None:
    one, two = CountingEngine(), MarkerEngine()
    registry = Registry({}, instances=[one, two])
    assert plan(["marks"], registry=registry).engines == ("marks",)
    assert plan(["marks", "lines", "marks"], registry=registry).engines == ("lines", "marks")
    whole = plan(registry=registry).digest
    assert whole == plan(["marks", "lines"], force=True, registry=registry).digest
    assert whole != plan(["marks"], registry=registry).digest
    two.config_digest = "other"
    assert whole != plan(registry=registry).digest


def test_files_are_lent_once_a_run_under_harmless_names(bench: Bench) -> None:
    seen: dict[str, str] = {}

    class Looking(CountingEngine):
        id = "looking"

        def select(self, entry: Entry) -> bool:
            return True

        def path_class(self, entry: Entry) -> str:
            return entry.path

        def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
            files = context.materialise(batch)
            assert files == context.materialise(batch)
            for path, entry in files.items():
                assert path.is_file()
                assert not path.is_symlink()
                assert path.stat().st_mode & 0o777 == 0o600
                seen[entry.path] = path.name
            return []

    long = "n" * 200 + ".py"
    names = ["ruff.toml", ".gitleaks.toml", "sub/PyProject.TOML", "-rf.py", long, "same/x.py", "other/x.py"]
    commit = bench.made.commit({name: "x" if name.endswith("x.py") else name for name in names})
    said = bench.run(commit, Looking())
    assert report(said, "looking")["detail"] == ""
    assert seen["ruff.toml"] == "_ruff.toml"
    assert seen[".gitleaks.toml"] == "_.gitleaks.toml"
    assert seen["sub/PyProject.TOML"] == "_PyProject.TOML"
    assert seen["-rf.py"] == "_-rf.py"
    assert seen["same/x.py"] == seen["other/x.py"] == "x.py"
    assert len(seen[long]) <= 120
    assert seen[long].endswith(".py")
    assert len(seen) == len(names)


def test_files_lent_to_tools_stand_in_few_folders_and_packages_alone(bench: Bench) -> None:
    places: dict[str, Path] = {}

    class Looking(CountingEngine):
        id = "looking"

        def select(self, entry: Entry) -> bool:
            return True

        def path_class(self, entry: Entry) -> str:
            return entry.path

        def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
            places.update({entry.path: path for path, entry in context.materialise(batch).items()})
            assert all(places[blob.entry.path].read_bytes() == blob.data for blob in batch)
            return []

    names = [*(f"m{number}.py" for number in range(50)), "a/__init__.py", "b/__init__.py", "b/__init__.pyi"]
    names += ["a/X.py", "a/x.py", "b/x.py"]
    said = bench.run(bench.made.commit({name: name for name in names}), Looking())
    assert report(said, "looking")["detail"] == ""
    assert len(set(places.values())) == len(names)
    folders = Counter(path.parent for path in places.values())
    assert len(folders) == 6, "three for the packages, three for the files named x.py"
    assert [folders[places[name].parent] for name in names if "__init__" in name] == [1, 1, 1]


def test_a_full_disk_is_told_in_a_sentence(bench: Bench) -> None:
    class Writing(CountingEngine):
        id = "writing"

        def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
            with Path("/dev/full").open("wb") as full:
                full.write(b"x")
            return []

    said = bench.run(bench.made.commit({"a.txt": "x"}), Writing())
    assert report(said, "writing")["status"] == "failed"
    assert "no room left" in report(said, "writing")["detail"]
    assert only(said, "done")["status"] == "partial"


def test_files_lent_to_tools_take_the_room_of_one_window_and_of_different_contents(bench: Bench) -> None:
    sizes: list[int] = []

    class Looking(CountingEngine):
        id = "looking"

        def path_class(self, entry: Entry) -> str:
            return entry.path

        def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
            root = next(iter(context.materialise(batch))).parent.parent
            found = {file.stat().st_ino: file.stat().st_size for file in root.rglob("*.txt")}
            sizes.append(sum(found.values()))
            return []

    one, other = "1\n" * 50_000, "2\n" * 50_000
    files = {f"a{number}.txt": one for number in range(50)} | {
        f"b{number}.txt": other for number in range(50)
    }
    said = bench.run(bench.made.commit(files), Looking(), window_bytes=150_000)
    assert report(said, "looking")["selected"] == 100
    assert report(said, "looking")["detail"] == ""
    assert max(sizes) == 100_000


def test_a_mirror_that_loses_a_file_ends_the_run_and_both_of_its_threads(bench: Bench) -> None:
    commit = bench.made.commit({"slow.md": "x\n", "lost.txt": "y\n"})
    blob = git(bench.made.work, "rev-parse", "HEAD:lost.txt")
    (bench.made.git_dir / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceError, match="mirror cannot be read"):
        bench.run(commit, LastEngine(), CountingEngine())
    assert working() == []
