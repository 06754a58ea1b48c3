"""What people decide about findings is judged at once: the last verdict of each branch that it concerns."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.core.cache import caches
from django.db.models.functions import Now

from commandcenter.analysis import tasks
from commandcenter.analysis.models import Analysis, Finding, PolicyVerdict, Standing
from commandcenter.analysis.policy import decided, flows, overtaken
from commandcenter.analysis.policy.again import CannotSend
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, make_user, messages
from commandcenter.analysis.triage.reopen import expire, reopen
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.events.models import Event
from commandcenter.events.relay import relay

pytestmark = pytest.mark.django_db

NO_HIGH = {"metric": "findings", "severity_at_least": "high", "at_most": 0}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[Any]]]:
    """What would be sent to workers."""
    made: list[tuple[str, list[Any]]] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args=(), **_: made.append((name, list(args))))
    return made


@pytest.fixture
def happen(sent: list[tuple[str, list[Any]]]) -> Callable[[], int]:
    """Relay the events and do what they ask of workers; returns how many times they judged."""

    def all_of_it() -> int:
        while relay():
            pass
        asked = [args for name, args in sent if name == tasks.judge_decided.name]
        sent.clear()
        for args in asked:
            tasks.judge_decided(*args)
        return len(asked)

    return all_of_it


@pytest.fixture
def repository() -> Any:
    made = make_repository()
    flows.create_policy(by=None, project=made.project, name="default", conditions=[NO_HIGH])
    analyse(made, messages([finding("a")]))
    analyse(made, messages([finding("a")]), ref="topic", asked_for="topic")
    analyse(made, messages([finding("b")]), ref="other", asked_for="other")
    return made


def standing(branch: str = "main") -> str:
    return PolicyVerdict.objects.get(analysis=Analysis.objects.get(ref=branch)).status


def test_a_verdict_follows_a_suppression_its_end_and_its_expiry(
    repository: Any, happen: Callable[[], int]
) -> None:
    happen()
    one = Finding.objects.get(branch_line__name="main")
    user = make_user(staff=True)
    suppress([one.pk], by=user, reason="It is a test key.")
    assert happen() == 1
    assert [standing(branch) for branch in ("main", "topic", "other")] == ["passed", "passed", "failed"]
    assert Standing.objects.get().policy == "passed"
    told = Event.objects.filter(type="policy.violated").count()
    reopen([one.pk], by=user)
    happen()
    assert [standing(branch) for branch in ("main", "topic")] == ["failed", "failed"]
    assert Event.objects.filter(type="policy.violated").count() == told + 2
    suppress([one.pk], by=user, reason="For a while.")
    happen()
    assert standing() == "passed"
    Finding.objects.exclude(suppressed_until=None, suppression_kind="").update(
        suppressed_until=Now() - timedelta(seconds=1)
    )
    expire()
    happen()
    assert standing() == "failed"


def test_a_decision_where_nothing_was_judged_asks_nothing(happen: Callable[[], int]) -> None:
    repository = make_repository()
    analyse(repository, messages([finding("a")]))
    suppress([Finding.objects.get().pk], by=make_user(staff=True), reason="Accepted.")
    assert happen() == 0


def test_many_decisions_go_on_where_the_time_ended(repository: Any) -> None:
    other = make_repository(repository.project)
    analyse(other, messages([finding(f"n{number}") for number in range(101)]))
    mine = list(Finding.objects.filter(repository=other).values_list("pk", flat=True))
    suppress(mine, by=make_user(staff=True), reason="Accepted.")
    after: int | None = 0
    rounds = 0
    while after is not None:
        after = decided.judge_decided([repository.pk, other.pk], [], after, seconds=0.0)
        rounds += 1
        assert rounds < 10
    assert PolicyVerdict.objects.get(analysis__repository=other).status == "passed"


def test_a_decision_whose_request_was_lost_is_judged_within_the_hour(
    repository: Any, sent: list[tuple[str, list[Any]]]
) -> None:
    caches["default"].delete(overtaken.MARK)
    PolicyVerdict.objects.update(evaluated_at=Now() - timedelta(hours=1))
    assert overtaken.judge_overtaken() == set(), "nobody has decided anything"
    suppress(
        [Finding.objects.get(branch_line__name="main").pk],
        by=make_user(staff=True),
        reason="It is a test key.",
    )
    while relay():
        pass
    assert [name for name, _ in sent].count(tasks.judge_decided.name) == 1
    sent.clear()  # as a broker loses it
    assert [standing(branch) for branch in ("main", "topic", "other")] == ["failed"] * 3
    tasks.judge_overtaken()
    assert [standing(branch) for branch in ("main", "topic", "other")] == ["passed", "passed", "failed"]
    assert Standing.objects.get().policy == "passed"
    PolicyVerdict.objects.update(evaluated_at=Now() + timedelta(hours=1))
    assert overtaken.judge_overtaken() == set(), "a verdict younger than the decision stands"


def test_without_a_broker_the_event_is_given_again(repository: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise ConnectionError("no broker")

    suppress([Finding.objects.get(branch_line__name="main").pk], by=make_user(staff=True), reason="Accepted.")
    monkeypatch.setattr(current_app, "send_task", refuse)
    with pytest.raises(CannotSend):
        decided.on_event(Event.objects.get(type="finding.suppressed"))
