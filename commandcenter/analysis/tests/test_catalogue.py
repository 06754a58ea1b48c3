"""Rules are known without an analysis, kept when they are retired, and asked for again when a release is new."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.utils import timezone

from commandcenter.analysis import engines
from commandcenter.analysis.models import EngineRelease, Rule, Severity
from commandcenter.analysis.rules import catalogue
from commandcenter.analysis.tasks import sync_rules
from commandcenter.analysis.tests.conftest import GitRepository
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, messages
from commandcenter.analysis.tests.running import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def scripted(scripted_engines: Any) -> Iterator[None]:
    yield
    engines.close_process()


def _kept(engine: str, rule_id: str, **fields: Any) -> Rule:
    return Rule.objects.create(
        engine=engine,
        rule_id=rule_id,
        name=rule_id,
        short=rule_id,
        severity=Severity.LOW,
        precision="high",
        **fields,
    )


@pytest.mark.usefixtures("folders")
def test_the_command_stores_every_rule_of_every_engine(capsys: Any) -> None:
    call_command("sync_rules")
    total = Rule.objects.count()
    assert total > 800
    assert f"{total:,} rules; {total:,} new or changed, 0 retired." in capsys.readouterr().out
    assert set(Rule.objects.values_list("engine", flat=True)) >= {
        "secrets",
        "ruff",
        "zizmor",
        "hadolint",
        "shellcheck",
    }
    assert set(EngineRelease.objects.get(engine="ruff").rule_ids) == set(
        Rule.objects.filter(engine="ruff").values_list("rule_id", flat=True)
    )
    call_command("sync_rules")
    assert "0 new or changed, 0 retired." in capsys.readouterr().out
    assert Rule.objects.count() == total


@pytest.mark.usefixtures("scripted")
def test_what_no_engine_has_is_retired_and_comes_back() -> None:
    gone, other, old = _kept("words", "gone"), _kept("vanished", "any"), _kept("words", "bad")
    done = catalogue.synchronise()
    assert (done.rules, done.retired) == (2, 2)
    assert set(Rule.objects.exclude(retired_at=None)) == {gone, other}
    old.refresh_from_db()
    assert (old.severity, old.short) == (Severity.MEDIUM, "A bad line.")
    Rule.objects.filter(pk=old.pk).update(retired_at=timezone.now())
    assert catalogue.synchronise().changed == 1
    old.refresh_from_db()
    assert old.retired_at is None


@pytest.mark.usefixtures("scripted")
def test_a_rule_that_is_retired_keeps_its_findings() -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a")]))
    sync_rules()
    kept = Rule.objects.get(engine="ruff", rule_id="S105")
    assert kept.retired_at is not None
    assert kept.findings.count() == 1


@pytest.mark.usefixtures("scripted")
def test_rules_are_asked_for_once_a_release(django_assert_num_queries: Any) -> None:
    planned = engines.planned_engines().engines
    assert catalogue.synchronise_for(planned) is not None
    with django_assert_num_queries(1):
        assert catalogue.synchronise_for(planned) is None
    EngineRelease.objects.filter(engine="links").delete()
    assert catalogue.synchronise_for(planned) is not None


@pytest.mark.usefixtures("scripted")
def test_storing_what_is_known_reads_and_little_more(django_assert_num_queries: Any) -> None:
    catalogue.synchronise()
    # a savepoint and its release, the lock, a look for each engine's rules, the retired ones, a release each
    with django_assert_num_queries(8):
        assert catalogue.synchronise().changed == 0


def test_a_start_asks_a_worker_for_the_rules(settings: Any) -> None:
    assert sync_rules.name == catalogue.TASK
    with closing(redis.Redis.from_url(settings.BROKER_URL)) as broker:
        before = _asked(broker)
        assert catalogue.request()
        assert _asked(broker) == before + 1


def _asked(broker: Any) -> int:
    return sum(catalogue.TASK.encode() in message for message in broker.lrange("default", 0, -1))


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("scripted")
def test_the_first_analysis_of_a_release_brings_its_rules(folders: Any) -> None:
    source = GitRepository(folders / "sources" / "clean")
    source.commit({"fine.py": "x = 1\n"})
    assert run(make_repository(source=str(source.folder))).status == "completed"
    assert set(Rule.objects.values_list("engine", "rule_id")) == {("words", "bad"), ("links", "bad")}
