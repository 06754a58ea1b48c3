"""Pushes that GitHub tells of: what is verified before anything else, what starts an analysis, and what does not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import caches
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from commandcenter.events.models import Event
from commandcenter.inventory.flows.repositories import delete_repository
from commandcenter.inventory.tests.factories import make_repository
from jobs.creation import create_job
from jobs.models import Job
from jobs.running import lease
from webhooks.inbound import keeping
from webhooks.inbound.verifying import sent_by_github
from webhooks.models import InboundDelivery, InboundSource
from webhooks.tests.conftest import COMMITTED_WITH_JOBS
from webhooks.tests.factories import make_source
from webhooks.tests.hooks import COMMIT, NOWHERE, client, github, gitlab, push

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> InboundSource:
    return make_source()


def taken(answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_the_published_example_of_a_signature_holds() -> None:
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    secret, body = "It's a Secret to Everybody", b"Hello, World!"
    assert sent_by_github({"X-Hub-Signature-256": given}, body, ["another", secret])
    assert not sent_by_github({"X-Hub-Signature-256": given}, body + b"!", ["another", secret])
    assert not sent_by_github({"X-Hub-Signature-256": given}, body, ["another", "It's a secret to everybody"])


@pytest.mark.parametrize("form", [False, True])
@pytest.mark.parametrize("root", ["", "/api/v1"])
def test_a_push_starts_an_analysis(source: InboundSource, form: bool, root: str) -> None:
    path = f"{root}/webhooks/github/{source.repository_id}"
    answer = taken(github(source, form=form, path=path, delivery="first"))
    job = Job.objects.get()
    assert (job.job_type, job.status, job.repository_id) == ("analysis", "queued", source.repository_id)
    assert job.parameters == {"repository": source.repository_id, "ref": "", "force": False}
    assert (job.origin_kind, job.origin_id, job.created_by_id) == ("webhook", source.pk, None)
    received = InboundDelivery.objects.get()
    assert answer == {
        "received": received.pk,
        "outcome": "started",
        "reason": None,
        "detail": "",
        "job": job.pk,
        "repeated": False,
    }
    assert (received.source, received.delivery, received.event) == (source, "first", "push")
    assert (received.branch, received.commit, received.job_id) == ("main", COMMIT, job.pk)
    source.refresh_from_db()
    assert source.last_received_at == received.received_at
    event = Event.objects.get(type="job.queued")
    assert event.actor_name == "GitHub"


def refusals(source: InboundSource) -> dict[str, Any]:
    other = make_source()
    lab = make_source(source.repository, kind="gitlab")
    good = github(source, delivery="kept")
    assert good.status_code == 202
    return {
        "no signature": github(source, signature=None),
        "an empty one": github(source, signature=""),
        "sha1": github(source, signature="sha1=" + "a" * 40),
        "no digest": github(source, signature="sha256=" + "z" * 64),
        "capitals": github(source, signature="SHA256=" + "A" * 64),
        "not ASCII": github(source, signature="sha256=" + "\u00e9" * 64),
        "another digest": github(source, signature="sha256=" + "a" * 64),
        "another secret": github(source, secret="guessed"),
        "another source's secret": github(source, secret=other.secret),
        "another kind's secret": github(source, secret=lab.secret),
        "no secret": github(source, secret=""),
        "no such repository": github(source, path=f"/webhooks/github/{10**9}"),
        "no possible repository": github(source, path=f"/webhooks/github/{10**19 - 1}"),
        "a repository without a source": github(source, path=f"/webhooks/github/{make_repository().pk}"),
    }


def test_whoever_does_not_know_the_secret_learns_nothing(source: InboundSource) -> None:
    answers = refusals(source)
    told = set()
    for name, answer in answers.items():
        assert answer.status_code == 401, (name, answer.content)
        assert answer["Content-Type"] == "application/problem+json", name
        told.add(
            tuple(sorted((key, str(value)) for key, value in answer.json().items() if key != "request_id"))
        )
    assert len(told) == 1
    assert "not_verified" in str(told)
    assert InboundDelivery.objects.count() == Job.objects.count() == 1


def test_an_unknown_repository_costs_the_queries_that_a_wrong_secret_costs(source: InboundSource) -> None:
    def queries(**options: Any) -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            assert github(source, **options).status_code == 401
        return [each["sql"].partition("WHERE")[0] for each in asked]

    assert queries(secret="guessed") == queries(path=f"/webhooks/github/{10**9}")


def test_what_is_wrong_with_a_body_is_told_to_those_who_know_the_secret_alone(source: InboundSource) -> None:
    assert github(source, b"Hello, World!", secret="guessed").status_code == 401
    assert github(source, b"Hello, World!").status_code == 400


def test_an_old_secret_is_taken_for_a_while(source: InboundSource) -> None:
    new = keeping.rotate_secret(source, by=None, overlap_hours=1)
    assert github(source).status_code == github(source, secret=new).status_code == 202
    InboundSource.objects.update(previous_until=timezone.now() - timedelta(seconds=1))
    assert github(source).status_code == 401
    assert github(source, secret=new).status_code == 202


def test_a_secret_that_cannot_be_read_any_more_verifies_nothing(source: InboundSource) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE webhooks_inboundsource SET secret = 'written with another key'")
    assert github(source).status_code == 401


def test_a_ping_is_answered_and_written_down(source: InboundSource) -> None:
    answer = github(source, {"zen": "Keep it logically awesome.", "hook_id": 1}, event="ping")
    assert answer.status_code == 200
    assert (answer.json()["outcome"], answer.json()["job"]) == ("ping", None)
    assert InboundDelivery.objects.get().event == "ping"
    assert not Job.objects.exists()


OWN = {"default_branch": "main"}
NOT_DONE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    # reason -> what is sent, what it is sent with
    "event": ({"action": "archived"}, {"event": "repository"}),
    "tag": (push("refs/tags/v1"), {}),
    "ref": (push("refs/notes/commits"), {}),
    "branch_deleted": (push(after=NOWHERE, deleted=True), {}),
    "archived": (push(repository={**OWN, "archived": True}), {}),
    "branch": (push("refs/heads/topic"), {}),
    "own_branch_unknown": (push(repository={}), {}),
}


@pytest.mark.parametrize("reason", NOT_DONE)
def test_what_is_not_done_is_said_with_its_reason(source: InboundSource, reason: str) -> None:
    payload, options = NOT_DONE[reason]
    answer = taken(github(source, payload, **options))
    assert (answer["outcome"], answer["reason"], answer["job"]) == ("ignored", reason, None)
    assert answer["detail"]
    received = InboundDelivery.objects.get()
    assert (received.outcome, received.reason, received.detail) == ("ignored", reason, answer["detail"])
    assert not Job.objects.exists()


def test_a_branch_without_commits_is_a_deleted_one_whatever_else_is_said(source: InboundSource) -> None:
    assert taken(github(source, push(after=NOWHERE, deleted=...)))["reason"] == "branch_deleted"


def test_a_disabled_source_says_so(source: InboundSource) -> None:
    keeping.change_source(source, {"enabled": False}, by=None)
    assert taken(github(source))["reason"] == "disabled"
    assert not Job.objects.exists()


def test_a_removed_repository_is_an_unknown_one(source: InboundSource) -> None:
    path, secret = f"/webhooks/github/{source.repository_id}", source.secret
    delete_repository(source.repository, by=None)
    assert github(source, path=path, secret=secret).status_code == 401


@pytest.mark.parametrize(
    ("watched", "branch", "outcome"),
    [
        (["release/*"], "release/1.2/fix", "started"),
        (["release/*"], "main", "ignored"),
        (["main", "topic"], "topic", "started"),
        (["*"], "anything/at/all", "started"),
        (["m*n"], "main", "started"),
        (["m*n"], "Main", "ignored"),
        (["a.c"], "abc", "ignored"),
    ],
)
def test_branches_are_watched_by_pattern(watched: list[str], branch: str, outcome: str) -> None:
    source = make_source(watched=watched)
    answer = taken(github(source, push(f"refs/heads/{branch}")))
    assert answer["outcome"] == outcome
    refs = [job.parameters["ref"] for job in Job.objects.all()]
    assert refs == ([] if outcome == "ignored" else ["" if branch == "main" else branch])


def test_the_repositorys_own_branch_is_the_one_it_names_here() -> None:
    source = make_source(make_repository(default_branch="develop"))
    assert taken(github(source))["reason"] == "branch"
    assert taken(github(source, push("refs/heads/develop")))["outcome"] == "started"


@pytest.mark.parametrize(
    "name",
    [
        "a..b",
        "-x",
        "a b",
        "a\nb",
        "a\x00b",
        "~",
        "x" * 300,
        "x" * 5000,
        "a\u202eb",
        "\U0001f600",
        "a;rm -rf",
        "$(id)",
    ],
)
def test_names_of_branches_may_be_odd(name: str) -> None:
    source = make_source(watched=["*"])
    answer = taken(github(source, push(f"refs/heads/{name}")))
    received = InboundDelivery.objects.get()
    assert (answer["outcome"] == "started") == (answer["reason"] is None)
    assert len(received.branch) <= 255
    assert received.branch.isprintable()
    for job in Job.objects.all():
        assert job.parameters["ref"] == name
    if (
        any(each in name for each in ("..", "\n", "\x00", "~", " "))
        or name.startswith("-")
        or len(name) > 255
    ):
        assert answer["reason"] == "refused"


def test_a_repetition_gets_the_first_answer(source: InboundSource) -> None:
    first = taken(github(source, delivery="same"))
    again = taken(github(source, delivery="same"))
    assert again == {**first, "repeated": True}
    assert taken(github(make_source(), delivery="same"))["outcome"] == "started"
    assert InboundDelivery.objects.count() == Job.objects.count() == 2


def at_once(*sends: Callable[[], Any]) -> list[dict[str, Any]]:
    """Send from so many threads, and return what they were answered."""
    answers: list[dict[str, Any]] = []
    ready = threading.Barrier(len(sends))

    def run(send: Callable[[], Any]) -> None:
        ready.wait()
        answers.append(taken(send()))
        connections.close_all()

    threads = [threading.Thread(target=run, args=(send,)) for send in sends]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(sends)
    return answers


@COMMITTED_WITH_JOBS
def test_two_code_hosts_that_tell_of_a_push_at_once_start_one_analysis() -> None:
    hub = make_source()
    lab = make_source(hub.repository, kind="gitlab")
    for _ in range(3):
        answers = at_once(*[lambda: github(hub), lambda: gitlab(lab)] * 2)
        assert {answer["job"] for answer in answers} == {Job.objects.get().pk}
    assert InboundDelivery.objects.filter(outcome="started").count() == 1


@COMMITTED_WITH_JOBS
def test_those_at_once_with_the_same_id_are_one() -> None:
    source = make_source()
    answers = at_once(*[lambda: github(source, delivery="same")] * 4)
    assert sorted(answer["repeated"] for answer in answers) == [False, True, True, True]
    assert {answer["job"] for answer in answers} == {Job.objects.get().pk}
    assert InboundDelivery.objects.count() == 1


def test_a_burst_of_pushes_waits_in_one_job(source: InboundSource) -> None:
    answers = [taken(github(source, push(after=f"{number:040x}"))) for number in range(1, 41)]
    assert [answer["outcome"] for answer in answers] == ["started"] + ["joined"] * 39
    assert InboundDelivery.objects.filter(job_id=Job.objects.get().pk).count() == 40


def test_a_push_during_an_analysis_makes_another_one(source: InboundSource) -> None:
    taken(github(source))
    running = Job.objects.get()
    assert running.dispatch_id is not None
    assert lease.claim(running.pk, running.dispatch_id, worker="one@host:1")
    second, third = (taken(github(source)) for _ in range(2))
    assert (second["outcome"], third["outcome"]) == ("started", "joined")
    assert second["job"] == third["job"] != running.pk


def test_a_push_joins_an_analysis_that_somebody_asked_for(source: InboundSource) -> None:
    asked = create_job(
        project=source.repository.project,
        job_type="analysis",
        parameters={"repository": source.repository_id},
        origin_kind="api",
    )
    assert taken(github(source))["job"] == asked.pk


@pytest.mark.parametrize(("event", "most"), [("issues", 7), ("push", 13)])
def test_a_delivery_costs_the_same_whatever_came_before(source: InboundSource, event: str, most: int) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            taken(github(source, event=event))
        return len(asked)

    github(source)
    first = queries()
    for _ in range(5):
        github(source, event=event)
    assert queries() == first <= most


DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
HOSTILE: dict[str, Any] = {
    "empty": b"",
    "cut off": b'{"ref": "refs/heads/main"',
    "deep": DEEP,
    "deep list": b"[" * 100_000,
    "not UTF-8": b'{"ref": "\xff"}',
    "a lone surrogate": b'{"ref": "\\ud800"}',
    "not JSON": b"ref=main",
    "NaN": b'{"ref": NaN}',
    "NUL": b"\x00",
    "a list": b"[]",
    "a text": b'"push"',
    "null": b"null",
    "ref missing": push(ref=...),
    "ref null": push(ref=None),
    "ref list": push(ref=["refs/heads/main"]),
    "ref number": push(ref=7),
    "after missing": push(after=...),
    "after number": push(after=7),
    "after short": push(after="8d9f"),
    "after a path": push(after="../../etc/passwd"),
    "after in capitals": push(after="A" * 40),
    "after with a line end": push(after=COMMIT + "\n"),
    "deleted text": push(deleted="yes"),
    "deleted null": push(deleted=None),
    "repository list": push(repository=[]),
    "repository null": push(repository=None),
    "repository text": push(repository="team/app"),
    "branch object": push(repository={"default_branch": {}}),
    "archived number": push(repository={"default_branch": "main", "archived": 1}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_cannot_be_read_is_said_to_be(source: InboundSource, name: str) -> None:
    answer = github(source, HOSTILE[name])
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "unreadable"
    assert not InboundDelivery.objects.exists()


def test_of_a_member_that_repeats_the_last_one_counts(source: InboundSource) -> None:
    body = b'{"ref": 7, "ref": "refs/heads/main", "after": "%b", "repository": {"default_branch": "main"}}'
    assert taken(github(source, body % COMMIT.encode()))["outcome"] == "started"


@pytest.mark.parametrize(
    "body",
    [b"", b"payload", b"payload=%FF", b"payload={}&payload={}", b"a=1&" * 30, b"payload=\xff", b"other={}"],
)
def test_a_form_that_cannot_be_read_is_said_to_be(source: InboundSource, body: bytes) -> None:
    answer = github(source, body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 400, answer.content


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"content_type": "text/plain"}, 415),
        ({"content_type": "multipart/form-data; boundary=x"}, 415),
        ({"content_type": "application/json; charset=utf-8"}, 202),
        ({"delivery": None}, 400),
        ({"delivery": "x" * 101}, 400),
        ({"delivery": "a b"}, 400),
        ({"event": None}, 400),
        ({"event": "x" * 101}, 400),
        ({"event": "pu\u00e9sh"}, 400),
    ],
)
def test_headers_say_what_it_is(source: InboundSource, options: dict[str, Any], status: int) -> None:
    assert github(source, **options).status_code == status


def test_a_body_is_bounded(source: InboundSource, settings: Any) -> None:
    assert github(source, b" " * (26 * 1024 * 1024)).status_code == 413
    settings.INBOUND_BODY_BYTES = 2000
    inside = b'{"ref": "refs/tags/1", "after": "%b", "x": "%b"}'
    assert github(source, inside % (COMMIT.encode(), b"y" * 100)).status_code == 202
    answer = github(source, inside % (COMMIT.encode(), b"y" * 2000))
    assert (answer.status_code, answer.json()["code"]) == (413, "payload_too_large")


@pytest.mark.parametrize("root", ["", "/api/v1"])
@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_nothing_but_post_with_a_length_is_taken(source: InboundSource, root: str, kind: str) -> None:
    path = f"{root}/webhooks/{kind}/{source.repository_id}"
    for method in ("get", "head", "put", "patch", "delete", "options"):
        answer = getattr(client(), method)(path)
        assert answer.status_code == 405, method
        assert answer["Content-Type"] == "application/problem+json"
        assert answer["Allow"] == "POST"
    chunked = client().generic("POST", path, "", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
    assert (chunked.status_code, chunked.json()["code"]) == (411, "length_required")
    assert client().post(f"{path}x").status_code == 404
    elsewhere = client().post(path, b"{}", content_type="application/json", headers={"Host": "evil.example"})
    assert (elsewhere.status_code, elsewhere["Content-Type"]) == (400, "application/problem+json")


def test_limits_hold_for_each_source_and_each_address(source: InboundSource, settings: Any) -> None:
    caches["limits"].clear()
    settings.RATE_LIMITS = {"inbound": "2/d", "inbound_address": "7/d"}
    strangers = [github(source, secret="guessed").status_code for _ in range(3)]
    assert strangers == [401] * 3  # and the source's own limit is not used up
    answers = [github(source) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [202, 202, 429]
    assert [answer["RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert int(answers[2]["Retry-After"]) >= 1
    other = make_source()
    assert [github(other).status_code for _ in range(2)] == [202, 429]
    caches["limits"].clear()
