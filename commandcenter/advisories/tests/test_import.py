"""Importing a dump: what is written, what is not, and what stands in the way."""

from __future__ import annotations

import json
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from commandcenter.advisories.dump import BadDump
from commandcenter.advisories.importing import import_dump, prune
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import (
    Advisory,
    AdvisoryImport,
    AffectedPackage,
    Database,
    ImportStatus,
    Match,
)
from commandcenter.advisories.osv import read_record
from commandcenter.advisories.storing import store
from commandcenter.advisories.tests.corpus import affected, record, since, use, write_folder, write_zip
from commandcenter.advisories.turns import write_turn
from commandcenter.inventory.models import Project
from jobs.exceptions import InvalidParameters
from jobs.handlers import handler_for

pytestmark = pytest.mark.django_db

ONE = record("GHSA-aaaa", affected("npm", "quill-pen", *since("0", "1.2.0")))
TWO = record("PYSEC-1", affected("PyPI", "Ink_Well", *since("1.0", "2.0")), modified="2026-04-01T00:00:00Z")


def counts(done: AdvisoryImport) -> tuple[int, int, int]:
    return done.added, done.changed, done.unchanged


def test_a_dump_is_imported_and_says_how_far_it_reaches(tmp_path: Path) -> None:
    done = import_dump(write_zip(tmp_path / "all.zip", [ONE, TWO]))
    assert (done.status, done.read, counts(done)) == (ImportStatus.COMPLETED, 2, (2, 0, 0))
    known = {row.ecosystem: (row.as_of.date().isoformat(), row.advisories) for row in Database.objects.all()}
    assert known == {"npm": ("2026-03-01", 1), "pypi": ("2026-04-01", 1)}
    assert AffectedPackage.objects.get(ecosystem="pypi").name == "ink-well"


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    dump = write_zip(tmp_path / "all.zip", [ONE, TWO])
    import_dump(dump)
    pen = use("npm", "quill-pen", "1.0.0")
    match_stale(seconds=10)
    before = sorted(AffectedPackage.objects.values_list("pk", flat=True))
    assert counts(import_dump(dump)) == (0, 0, 2)
    assert sorted(AffectedPackage.objects.values_list("pk", flat=True)) == before
    pen.refresh_from_db()
    assert not pen.stale


def test_a_change_is_taken_and_only_its_packages_are_matched_again(tmp_path: Path) -> None:
    import_dump(write_zip(tmp_path / "all.zip", [ONE, TWO]))
    pen, well = use("npm", "quill-pen", "1.1.0"), use("pypi", "ink-well", "1.5")
    match_stale(seconds=10)
    changed = {**ONE, "affected": [affected("npm", "quill-pen", *since("0", "1.1.0"))]}
    done = import_dump(
        write_zip(tmp_path / "new.zip", [{**changed, "modified": "2026-05-01T00:00:00Z"}, TWO])
    )
    assert counts(done) == (0, 1, 1)
    pen.refresh_from_db()
    well.refresh_from_db()
    assert (pen.stale, well.stale) == (True, False)
    assert match_stale(seconds=10) == 1
    pen.refresh_from_db()
    assert (pen.problems, well.problems) == (0, 1)


def test_an_older_record_changes_nothing(tmp_path: Path) -> None:
    import_dump(write_zip(tmp_path / "all.zip", [TWO]))
    older = {**TWO, "modified": "2025-01-01T00:00:00Z", "summary": "old"}
    done = import_dump(write_zip(tmp_path / "old.zip", [older]))
    assert (done.outdated, counts(done)) == (1, (0, 0, 0))
    assert Advisory.objects.get().summary == "What PYSEC-1 says"
    assert Database.objects.get().as_of.year == 2026


def test_a_withdrawn_record_is_kept_and_matches_nothing(tmp_path: Path) -> None:
    import_dump(write_zip(tmp_path / "all.zip", [ONE]))
    pen = use("npm", "quill-pen", "1.0.0")
    match_stale(seconds=10)
    pen.refresh_from_db()
    assert pen.problems == 1
    gone = {**ONE, "modified": "2026-05-01T00:00:00Z", "withdrawn": "2026-05-01T00:00:00Z"}
    done = import_dump(write_zip(tmp_path / "new.zip", [gone]))
    assert done.withdrawn == 1
    match_stale(seconds=10)
    pen.refresh_from_db()
    assert (pen.problems, Match.objects.count(), Advisory.objects.count()) == (0, 0, 1)


def test_zips_in_a_zip_and_folders_are_read(tmp_path: Path) -> None:
    inner = write_zip(tmp_path / "npm.zip", [ONE])
    with zipfile.ZipFile(tmp_path / "several.zip", "w") as archive:
        archive.write(inner, "npm/all.zip")
        archive.writestr("PYSEC-1.json", json.dumps(TWO))
        archive.writestr("README.txt", "not a record")
    assert import_dump(tmp_path / "several.zip").added == 2
    three = record("GHSA-bbbb", affected("Go", "example.com/nib", *since("0", "1.0.0")))
    folder = write_folder(tmp_path / "folder" / "go", [three]).parent
    write_zip(folder / "all.zip", [ONE, TWO])
    assert counts(import_dump(folder)) == (1, 0, 2)


def test_one_ecosystem_can_be_chosen(tmp_path: Path) -> None:
    dump = write_zip(tmp_path / "all.zip", [ONE, TWO])
    done = import_dump(dump, ecosystem="pypi")
    assert (done.added, done.skipped) == (1, 1)
    assert list(Database.objects.values_list("ecosystem", flat=True)) == ["pypi"]


def test_a_dump_of_one_ecosystem_claims_no_other(tmp_path: Path) -> None:
    """A dump of npm holds records that name packages of others as well: those others are not known by that."""
    both = record("GHSA-both", affected("npm", "nib", *since("0")), affected("NuGet", "Nib", *since("0")))
    distribution = record(
        "A-1", affected("Debian:12", "nib", *since("0")), affected("PyPI", "nib", *since("0"))
    )
    done = import_dump(write_zip(tmp_path / "all.zip", [ONE, both, distribution]))
    assert (done.added, list(Database.objects.values_list("ecosystem", flat=True))) == (3, ["npm"])
    import_dump(write_zip(tmp_path / "all.zip", [both]), ecosystem="nuget")
    assert list(Database.objects.values_list("ecosystem", flat=True)) == ["npm"]


def test_a_database_reaches_no_further_than_today(tmp_path: Path) -> None:
    import_dump(write_zip(tmp_path / "all.zip", [{**ONE, "modified": "2999-01-01T00:00:00Z"}]))
    assert Database.objects.get().as_of <= timezone.now()


def test_records_of_other_ecosystems_and_commits_are_skipped(tmp_path: Path) -> None:
    debian = record("DSA-1", affected("Debian:12", "quill", *since("0", "1.0-1")))
    commits = record("OSV-1", {"ranges": [{"type": "GIT", "repo": "x", "events": [{"introduced": "0"}]}]})
    done = import_dump(write_zip(tmp_path / "all.zip", [ONE, debian, commits]))
    assert (done.added, done.skipped, done.bad) == (1, 2, 0)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b'{"id": "../../etc"}', "no id"),
        (b'{"id": "A-1"}', "modified"),
        (b'{"id": "A-1", "modified": "yesterday"}', "modified is not a time"),
        (b'{"id": "A-1", "modified": "2026-13-99T00:00:00Z"}', "modified is not a time"),
        (b'{"id": "A-1", "modified": "2026-01-01T00:00:00Z", "affected": {}}', "not a list of objects"),
        (b'{"id": "A-1", "modified": "2026-01-01T00:00:00Z", "affected": [{"package": {"name": "x"}}]}', "without"),
        (
            json.dumps(record("A-1", affected("npm", "x", {"fixed": "1.0.0"}))).encode(),
            "does not say where it begins",
        ),
        (json.dumps(record("A-1", affected("npm", "x", versions=["1" * 500]))).encode(), "not a text"),
        (json.dumps(record("A-1", affected("npm", "x", versions=["1\0"]))).encode(), "not a text"),
        (b'{"id": "A-1", "pad": "' + b"x" * (9 << 20) + b'"}', "more than 8 MiB"),
        (json.dumps({**ONE, "id": "A-1", "more": 0}).replace("0}", '{"a":' * 300 + "0" + "}" * 301).encode(), "nested"),
    ],
)  # fmt: skip
def test_a_bad_record_is_named_and_stops_nothing(tmp_path: Path, data: bytes, reason: str) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bad.json", data)
        archive.writestr("good.json", json.dumps(ONE))
    done = import_dump(tmp_path / "all.zip")
    assert (done.bad, done.added) == (1, 1)
    assert done.bad_records[0]["name"] == "bad.json"
    assert reason in done.bad_records[0]["reason"]


def test_text_that_cannot_be_stored_is_cleaned(tmp_path: Path) -> None:
    odd = {**ONE, "summary": "a\0b\ud800", "details": "x" * 100_000}
    dump = tmp_path / "all.zip"
    with zipfile.ZipFile(dump, "w") as archive:
        archive.writestr("a.json", json.dumps({**odd, "summary": "a\0b"}))
    assert import_dump(dump).added == 1
    found = Advisory.objects.get()
    assert (found.summary, len(found.details)) == ("a\ufffdb", 50_000)


def _bomb(path: Path, size: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(size):
            archive.writestr(f"{number}.json", b" " * (7 << 20))
    return path


def _forged(path: Path) -> Path:
    """A zip whose directory says that the same file is there a thousand times."""
    body = zlib.compress(b" " * (7 << 20), 9)[2:-4]
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, 0, len(body), 7 << 20, 1, 0) + b"a"
    entry = (
        struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, 0, len(body), 7 << 20, 6, 0, 0, 0, 0, 0, 0)
        + b"a.json"
    )
    directory = entry * 1000
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), len(local + body), 0)
    path.write_bytes(local + body + directory + end)
    return path


@pytest.mark.parametrize("make", [lambda path: _bomb(path, 40), _forged])
def test_a_bomb_does_not_go_off(tmp_path: Path, make: Any) -> None:
    with pytest.raises(BadDump, match="unpacks to far more"):
        import_dump(make(tmp_path / "bomb.zip"))
    assert AdvisoryImport.objects.get().status == ImportStatus.FAILED
    assert not Database.objects.exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no zip"), (b"PK\5\6", "no zip"), (b"x" * 5000, "no zip"), (b"PK\5\6" + b"\xff" * 18, "damaged")],
)
def test_what_is_no_zip_is_refused_with_a_reason(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(content)
    with pytest.raises(BadDump, match=words):
        import_dump(path)


def test_a_truncated_zip_is_refused(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "all.zip", [ONE, TWO]).read_bytes()
    for cut in range(1, len(whole), 37):
        path = tmp_path / "cut.zip"
        path.write_bytes(whole[:-cut])
        with pytest.raises(BadDump):
            import_dump(path)
    assert not Advisory.objects.exists()


def test_a_damaged_member_costs_only_itself(tmp_path: Path) -> None:
    data = bytearray(write_zip(tmp_path / "all.zip", [ONE, TWO]).read_bytes())
    data[60:70] = b"\xff" * 10
    (tmp_path / "all.zip").write_bytes(bytes(data))
    done = import_dump(tmp_path / "all.zip")
    assert (done.bad, done.added) == (1, 1)


def test_a_member_with_other_bytes_than_were_packed_is_damaged(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("one.json", json.dumps(ONE))
        archive.writestr("two.json", json.dumps(TWO))
    data = (tmp_path / "all.zip").read_bytes()
    (tmp_path / "all.zip").write_bytes(data.replace(b'"fixed": "1.2.0"', b'"fixed": "0.2.0"'))
    done = import_dump(tmp_path / "all.zip")
    assert [(bad["name"], bad["reason"]) for bad in done.bad_records] == [("one.json", "It is damaged.")]
    assert done.added == 1


def test_a_directory_that_names_more_than_it_counts_is_not_taken_for_whole(tmp_path: Path) -> None:
    data = bytearray(write_zip(tmp_path / "all.zip", [ONE, TWO]).read_bytes())
    at = data.rfind(b"PK\5\6")
    data[at + 8 : at + 12] = struct.pack("<HH", 1, 1)
    (tmp_path / "all.zip").write_bytes(bytes(data))
    with pytest.raises(BadDump, match="damaged"):
        import_dump(tmp_path / "all.zip")
    assert not Database.objects.exists()


def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "folder", [ONE])
    os.mkfifo(folder / "pipe.json")
    done = import_dump(folder)
    assert (done.added, done.bad) == (1, 1)


def test_links_of_a_folder_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.json"
    secret.write_text(json.dumps(TWO))
    folder = write_folder(tmp_path / "folder", [ONE])
    (folder / "link.json").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    done = import_dump(folder)
    assert (done.added, done.bad) == (1, 1)


def test_an_interrupted_import_keeps_its_batches_and_claims_nothing(tmp_path: Path) -> None:
    many = [record(f"GHSA-{n}", affected("npm", f"p{n}", *since("0"))) for n in range(1200)]
    dump = write_zip(tmp_path / "all.zip", many)

    class Stop(Exception):
        pass

    def stop(_share: float, row: AdvisoryImport) -> None:
        if row.read >= 1000:
            raise Stop

    with pytest.raises(Stop):
        import_dump(dump, progress=stop)
    assert (Advisory.objects.count(), Database.objects.count()) == (1000, 0)
    done = import_dump(dump)
    assert counts(done) == (200, 0, 1000)
    assert Database.objects.get().advisories == 1200


def test_old_imports_are_forgotten_and_what_they_brought_stays(tmp_path: Path) -> None:
    dump = write_zip(tmp_path / "all.zip", [ONE])
    for _ in range(4):
        import_dump(dump)
    assert prune(2) == 2
    assert (AdvisoryImport.objects.count(), Advisory.objects.count(), Database.objects.count()) == (2, 1, 1)


def test_an_import_that_was_killed_is_not_running_for_ever(tmp_path: Path) -> None:
    began = timezone.now() - timedelta(days=2)
    killed = AdvisoryImport.objects.create(source="killed.zip", started_at=began)
    going_on = AdvisoryImport.objects.create(source="other.zip")
    import_dump(write_zip(tmp_path / "all.zip", [ONE]))
    killed.refresh_from_db()
    going_on.refresh_from_db()
    assert (killed.status, going_on.status) == (ImportStatus.FAILED, ImportStatus.RUNNING)


def test_the_command_imports_matches_and_reports(tmp_path: Path, capsys: Any) -> None:
    pen = use("npm", "quill-pen", "1.0.0")
    call_command("import_advisories", str(write_zip(tmp_path / "all.zip", [ONE, TWO])), "--ecosystem", "npm")
    said = capsys.readouterr().out
    assert "2 records read: 1 new" in said
    assert "1 package version matched" in said
    assert "1 advisory as of 2026-03-01" in said
    pen.refresh_from_db()
    assert pen.problems == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["nowhere.zip"], "no file and no folder"), (["."], "holds no OSV record"), ([".", "--ecosystem", "Debian"], "is not matched")],
)  # fmt: skip
def test_the_command_says_what_is_wrong(tmp_path: Path, arguments: list[str], words: str) -> None:
    path = tmp_path / arguments[0]
    with pytest.raises(CommandError, match=words) as caught:
        call_command("import_advisories", str(path), *arguments[1:])
    assert caught.value.returncode == 2


class Run:
    """An attempt of a job as a handler sees it, recorded."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self.steps: list[tuple[int, str]] = []
        self.lines: list[str] = []
        self.result: dict[str, Any] | None = None

    def progress(self, percent: int, step: str) -> None:
        self.steps.append((percent, step))

    def log(self, level: str, message: str, source: str = "") -> None:
        self.lines.append(message)

    @contextmanager
    def commit(self, result: dict[str, Any]) -> Iterator[None]:
        yield
        self.result = result


@pytest.fixture
def folder(tmp_path: Path, settings: Any) -> Path:
    settings.ADVISORIES_DIR = tmp_path / "dumps"
    settings.ADVISORIES_DIR.mkdir()
    return Path(settings.ADVISORIES_DIR)


def test_a_job_imports_a_dump_of_the_folder_and_matches(folder: Path) -> None:
    write_zip(folder / "all.zip", [ONE, TWO])
    (folder / "bad.json").write_text("{")
    pen = use("npm", "quill-pen", "1.0.0")
    handler = handler_for("import")
    given = handler.validate({"kind": "advisories", "path": "."}, project=Project(name="x", slug="x"))
    run = Run(given)
    handler.run(run)  # type: ignore[arg-type]
    assert run.result is not None
    assert {"added": 2, "bad": 1, "matched": 1}.items() <= run.result.items()
    assert any("bad.json" in line for line in run.lines)
    assert run.steps == sorted(run.steps, key=lambda step: step[0])
    pen.refresh_from_db()
    assert pen.problems == 1


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({}, "parameters.kind"),
        ({"kind": "nonsense"}, "parameters.kind"),
        ({"kind": ["advisories"]}, "parameters.kind"),
        ({"kind": "advisories"}, "parameters.path"),
        ({"kind": "advisories", "path": "none.zip"}, "parameters.path"),
        ({"kind": "advisories", "path": "../outside.zip"}, "parameters.path"),
        ({"kind": "advisories", "path": "link.zip"}, "parameters.path"),
        ({"kind": "advisories", "path": "/etc"}, "parameters.path"),
        ({"kind": "advisories", "path": "a\0b"}, "parameters.path"),
        ({"kind": "advisories", "path": 7}, "parameters.path"),
        ({"kind": "advisories", "path": "x" * 300}, "parameters.path"),
        ({"kind": "advisories", "path": "all.zip", "ecosystem": "Debian"}, "parameters.ecosystem"),
        ({"kind": "advisories", "path": "all.zip", "ecosystem": 3}, "parameters.ecosystem"),
        ({"kind": "advisories", "path": "all.zip", "more": 1}, "parameters.more"),
    ],
)
def test_a_job_reads_nothing_outside_of_its_folder(folder: Path, parameters: Any, field: str) -> None:
    write_zip(folder / "all.zip", [ONE])
    write_zip(folder.parent / "outside.zip", [ONE])
    (folder / "link.zip").symlink_to(folder.parent / "outside.zip")
    with pytest.raises(InvalidParameters) as caught:
        handler_for("import").validate(parameters, project=Project(name="x", slug="x"))
    assert [error["field"] for error in caught.value.errors] == [field]


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_take_turns(tmp_path: Path) -> None:
    """The second one's batch waits for the first one's transaction, and then finds its record there."""
    dump = write_zip(tmp_path / "all.zip", [ONE])
    done: list[tuple[int, int, int]] = []

    def second() -> None:
        try:
            done.append(counts(import_dump(dump)))
        finally:
            connection.close()

    thread = threading.Thread(target=second)
    with transaction.atomic():
        write_turn()
        thread.start()
        with connection.cursor() as cursor:
            for _ in range(1000):
                cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
                if cursor.fetchone()[0]:
                    break
                cursor.execute("SELECT pg_sleep(0.01)")
            else:
                pytest.fail("the second import did not wait")
        assert not done
        assert store([read_record(json.dumps(ONE).encode())]).added == 1
    thread.join(30)
    assert done == [(0, 0, 1)]
