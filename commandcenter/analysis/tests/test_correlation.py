"""The same secret elsewhere: told by HMACs under a key of the installation, the secret itself kept nowhere."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import zstandard
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.findings import correlation
from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import CorrelationKey, Finding, Occurrence
from commandcenter.analysis.tests.conftest import GitRepository
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, make_user, messages
from commandcenter.analysis.tests.running import run
from commandcenter.core.tests.locks import WAITING
from jobs.models import JobEvent

pytestmark = pytest.mark.django_db(transaction=True)

# Put together here, so that no scanner takes this file for a leak.
SECRET = "ghp_" + "1234567890abcdefghij" + "ABCDEFGHIJ123456"
PLAIN = [SECRET[:20], SECRET[4:24], hashlib.sha256(SECRET.encode()).hexdigest()[:20]]


@pytest.fixture
def two(folders: Path) -> tuple[Any, Any]:
    """Two repositories of two projects that hold one secret."""
    made = []
    for name, file in (("one", "app/settings.py"), ("two", "deploy/run.env")):
        source = GitRepository(folders / "sources" / name)
        source.commit({file: f'github_token = "{SECRET}"\n'})
        made.append(make_repository(source=str(source.folder)))
    return made[0], made[1]


def _secrets() -> dict[int, str | None]:
    found = Finding.objects.filter(rule__engine="secrets", rule__rule_id="github-pat")
    return dict(found.values_list("repository", "correlation"))


def test_one_secret_has_one_name_everywhere_and_is_stored_nowhere(
    two: tuple[Any, Any], folders: Path, caplog: Any, capfd: Any
) -> None:
    jobs = [run(repository) for repository in two]
    assert [job.status for job in jobs] == ["completed", "completed"]
    names = _secrets()
    assert len(names) == 2
    assert len(set(names.values())) == 1
    name = names[two[0].pk]
    assert name
    assert set(Occurrence.objects.exclude(correlation=None).values_list("correlation", flat=True)) == {name}
    key = correlation.correlator().key
    told = [*PLAIN, key.hex(), key.decode("latin-1")]
    said = f"{caplog.text}{''.join(capfd.readouterr())}"
    assert not [text for text in told if text in said]
    for table, content in _tables():
        assert not [text for text in told if text in content], table
    kept = _cached(folders / "engine" / "cache.sqlite")
    assert name in kept
    assert not [text for text in told if text in kept]
    for file in folders.joinpath("engine").rglob("*"):
        content = file.read_bytes().decode("latin-1") if file.is_file() else ""
        assert not [text for text in told if text in content], file


def _cached(path: Path) -> str:
    """All that the engines keep, uncompressed."""
    with closing(sqlite3.connect(path)) as db:
        payloads = [payload for (payload,) in db.execute("SELECT payload FROM result")]
    unpacked = [zstandard.decompress(p[1:]) if p[:1] == b"\x01" else p for p in payloads]
    return b"\n".join(unpacked).decode("latin-1")


def _tables() -> Iterator[tuple[str, str]]:
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COALESCE(string_agg(t::text, ' '), '') FROM {table} t")
            yield table, cursor.fetchone()[0]


def test_another_key_gives_another_name_also_where_nothing_changed(two: tuple[Any, Any], capsys: Any) -> None:
    run(two[0])
    before = _secrets()[two[0].pk]
    call_command("rotate_correlation_key")
    assert "2 names of secrets were forgotten" in capsys.readouterr().out
    assert _secrets()[two[0].pk] is None
    run(two[0])
    after = _secrets()[two[0].pk]
    assert after not in {None, before}
    assert Finding.objects.filter(rule__rule_id="github-pat").count() == 1


@pytest.mark.parametrize("shared", [False, True])
def test_an_analysis_whose_key_was_replaced_while_it_ran_leaves_no_old_name(
    two: tuple[Any, Any], shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shared:
        run(two[0])
    known, read = [correlation.correlator()], correlation.correlator
    monkeypatch.setattr(correlation, "correlator", lambda: known.pop() if known else read())
    CorrelationKey.objects.update(key="ab" * 32)  # as a rotation has it that has yet to forget
    assert run(two[0]).status == "completed"
    assert _secrets() == {two[0].pk: None}
    assert not Occurrence.objects.exclude(correlation=None).exists()
    monkeypatch.undo()
    run(two[0])
    assert _secrets()[two[0].pk] is not None
    assert Finding.objects.filter(rule__rule_id="github-pat").count() == 1


def test_a_rotation_waits_for_an_analysis_that_is_ending_and_forgets_its_names() -> None:
    repository = make_repository()
    used = correlation.correlator()
    row = finding("a", engine="secrets", rule_id="github-pat", correlation="ab" * 16)
    forgotten: list[int] = []

    def rotate() -> None:
        forgotten.append(correlation.rotate())
        connection.close()

    other = threading.Thread(target=rotate)
    with transaction.atomic():
        analysis = analyse(repository, messages([row]))
        assert analysis.result_set is not None
        correlation.drop_outdated(used, analysis.result_set.pk)
        other.start()
        _await_a_waiting_lock()
        assert Finding.objects.get().correlation == "ab" * 16
    other.join(timeout=60)
    assert forgotten == [2]
    assert Finding.objects.get().correlation is None


def _await_a_waiting_lock() -> None:
    """Return when somebody waits for a lock of the database."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with connection.cursor() as cursor:
            cursor.execute(WAITING)
            if cursor.fetchone()[0]:
                return
    pytest.fail("nobody waits")


def test_two_who_rotate_at_once_leave_one_key() -> None:
    used = correlation.correlator()
    forgotten: list[int] = []
    waiting = threading.Barrier(2, timeout=20)

    def rotate() -> None:
        waiting.wait()
        forgotten.append(correlation.rotate())
        connection.close()

    others = [threading.Thread(target=rotate) for _ in range(2)]
    for each in others:
        each.start()
    for each in others:
        each.join(timeout=60)
    assert forgotten == [0, 0]
    assert CorrelationKey.objects.count() == 1
    assert correlation.correlator().key_id != used.key_id


def test_a_rotation_holds_nothing_that_an_ending_analysis_waits_for() -> None:
    """Whoever ends an analysis locks its repository first and looks at the key then; findings come last."""
    repository = make_repository()
    row = finding("a", engine="secrets", rule_id="github-pat", correlation="ab" * 16)
    used = correlation.correlator()
    analysis = analyse(repository, messages([row, finding("b", engine="secrets", correlation="cd" * 16)]))
    assert analysis.result_set is not None
    forgotten: list[int] = []

    def rotate() -> None:
        forgotten.append(correlation.rotate())
        connection.close()

    other = threading.Thread(target=rotate)
    with transaction.atomic():
        lock_repositories([repository.pk])
        other.start()
        _await_a_waiting_lock()
        assert Finding.objects.filter(correlation=None).count() == 0, (
            "it touches no finding before it has the lock"
        )
        correlation.drop_outdated(used, analysis.result_set.pk)
        Finding.objects.order_by("-pk").update(message="Seen again")
    other.join(timeout=60)
    assert forgotten == [2], "the occurrences were forgotten by the analysis"
    assert not Finding.objects.exclude(correlation=None).exists()
    assert not Occurrence.objects.exclude(correlation=None).exists()


def test_a_rotation_is_not_made_inside_a_transaction() -> None:
    with transaction.atomic(), pytest.raises(RuntimeError):
        correlation.rotate()


def test_a_new_encryption_key_changes_no_name(settings: Any) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    first = correlation.correlator()
    assert first.key.hex() not in bytes(_stored()).decode("latin-1")
    settings.ENCRYPTION_KEYS = [new, old]
    assert correlation.correlator() == first
    assert CorrelationKey.objects.count() == 1


def test_without_any_encryption_key_nothing_is_named_and_nothing_stored(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = []
    assert correlation.correlator().name("x") is None
    assert not CorrelationKey.objects.exists()


def _stored() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM analysis_correlationkey")
        return cursor.fetchone()[0]


def test_without_its_key_an_analysis_goes_on_and_names_nothing(two: tuple[Any, Any], settings: Any) -> None:
    correlation.correlator()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    job = run(two[0])
    assert job.status == "completed"
    assert _secrets() == {two[0].pk: None}
    lines = JobEvent.objects.filter(job=job, type="log").values_list("data", flat=True)
    assert [line for line in lines if "CC_ENCRYPTION_KEYS" in line["message"]]


def _found(path: str, correlation: str | None = "ab" * 16, **fields: Any) -> Finding:
    """A finding of a secret in a repository of its own, as the engine would have named it."""
    repository = make_repository()
    row = finding(path, engine="secrets", rule_id="github-pat", correlation=correlation, **fields)
    analyse(repository, messages([row]))
    return Finding.objects.get(repository=repository)


def test_also_in_names_what_one_may_see(client: Any, django_assert_num_queries: Any) -> None:
    mine, other, another = _found("mine"), _found("other"), _found("another", "cd" * 16)
    client.force_login(make_user(mine.repository.project))
    shown = client.get(f"/api/v1/findings/{mine.pk}").json()
    assert (shown["also_in"], shown["also_in_more"]) == ([], False)
    assert "The same secret" not in client.get(f"/findings/{mine.pk}/").content.decode()
    client.force_login(make_user(staff=True))
    shown = client.get(f"/api/v1/findings/{mine.pk}").json()
    assert [(f["id"], f["repository"], f["path"]) for f in shown["also_in"]] == [
        (other.pk, other.repository_id, "src/other.py")
    ]
    assert "ab" * 16 not in str(shown)
    page = client.get(f"/findings/{mine.pk}/").content.decode()
    assert "The same secret is also in" in page
    assert f"/findings/{other.pk}/" in page
    assert f"/findings/{another.pk}/" not in page
    with django_assert_num_queries(1):
        assert correlation.also_in(mine, Finding.objects.all()) == ([other], False)
    Finding.objects.filter(pk=other.pk).update(state="fixed")
    assert client.get(f"/api/v1/findings/{mine.pk}").json()["also_in"] == []


def test_also_in_is_bounded_and_says_so(client: Any) -> None:
    repository = make_repository()
    rows = [
        finding(f"f{n:02}", engine="secrets", rule_id="github-pat", correlation="ab" * 16) for n in range(22)
    ]
    analyse(repository, messages(rows))
    client.force_login(make_user(staff=True))
    address = f"/api/v1/findings/{Finding.objects.earliest('pk').pk}"
    shown = client.get(address).json()
    assert (len(shown["also_in"]), shown["also_in_more"]) == (20, True)
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    Finding.objects.exclude(fingerprint__in=["v1:f00", "v1:f01"]).delete()
    with CaptureQueriesContext(connection) as one:
        assert len(client.get(address).json()["also_in"]) == 1
    assert len(many) == len(one)


def test_what_is_no_secret_is_in_no_other_place(client: Any) -> None:
    client.force_login(make_user(staff=True))
    assert client.get(f"/api/v1/findings/{_found('plain', None).pk}").json()["also_in"] is None


def test_a_secret_that_is_replaced_in_its_place_has_another_name() -> None:
    repository = make_repository()
    for name in ("ab" * 16, "cd" * 16):
        row = finding("a", engine="secrets", rule_id="github-pat", correlation=name)
        analyse(repository, messages([row]))
        assert Finding.objects.get().correlation == name
