"""Pushes that GitLab tells of: by its token or a signature of Standard Webhooks, once for each key."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from jobs.models import Job
from webhooks.inbound import keeping
from webhooks.models import InboundDelivery, InboundSource
from webhooks.tests.factories import make_source
from webhooks.tests.hooks import COMMIT, NOWHERE, gitlab, gitlab_push

pytestmark = pytest.mark.django_db


@pytest.fixture
def source() -> InboundSource:
    return make_source(kind="gitlab")


def signed(source: InboundSource, body: bytes, *, secret: str = "", age: int = 0, message: str = "m1") -> Any:
    """Return the headers that a signing token makes GitLab send."""
    at = datetime.now(UTC) - timedelta(seconds=age)
    return {
        "X-Gitlab-Token": None,
        "Idempotency-Key": message,
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret or source.secret).sign(message, at, body.decode()),
    }


BODY = json.dumps(gitlab_push()).encode()


def test_a_push_with_the_token_starts_an_analysis(source: InboundSource) -> None:
    answer = gitlab(source)
    assert answer.status_code == 202, answer.content
    job, received = Job.objects.get(), InboundDelivery.objects.get()
    assert (job.origin_kind, job.origin_id, job.repository_id) == ("webhook", source.pk, source.repository_id)
    assert (received.event, received.branch, received.commit) == ("Push Hook", "main", COMMIT)
    assert (answer.json()["job"], answer.json()["outcome"]) == (job.pk, "started")


def test_a_push_with_a_signature_starts_an_analysis(source: InboundSource) -> None:
    assert gitlab(source, BODY, **signed(source, BODY)).status_code == 202
    assert Job.objects.count() == 1


def test_old_secrets_sign_and_are_tokens_for_a_while(source: InboundSource) -> None:
    new = keeping.rotate_secret(source, by=None)
    assert gitlab(source, BODY, **signed(source, BODY)).status_code == 202
    assert gitlab(source, BODY, **signed(source, BODY, secret=new)).status_code == 202
    assert gitlab(source, BODY, **{"X-Gitlab-Token": new}).status_code == 202
    keeping.rotate_secret(source, by=None, overlap_hours=0)
    assert gitlab(source, BODY, **signed(source, BODY)).status_code == 401
    assert gitlab(source, BODY).status_code == 401


def test_whoever_does_not_know_the_secret_is_refused(source: InboundSource) -> None:
    good, other = signed(source, BODY), make_source(kind="gitlab")
    both = {**good, "X-Gitlab-Token": source.secret}
    for headers in (
        {"X-Gitlab-Token": None},
        {"X-Gitlab-Token": ""},
        {"X-Gitlab-Token": "guessed"},
        {"X-Gitlab-Token": source.secret + "x"},
        {"X-Gitlab-Token": other.secret},
        {"X-Gitlab-Token": "\u00e9"},
        signed(source, BODY, secret=other.secret),
        signed(source, BODY, age=400),
        signed(source, BODY, age=-400),
        {**good, "webhook-id": "m2"},
        {**good, "webhook-id": None},
        {**good, "webhook-timestamp": "soon"},
        {**good, "webhook-timestamp": "9" * 400},
        {**good, "webhook-timestamp": None},
        {**good, "webhook-signature": ""},
        {**good, "webhook-signature": "v1,"},
        {**both, "webhook-signature": "v1,AAAA"},
        {**good, "webhook-signature": "v2" + good["webhook-signature"][2:]},
        {**good, "webhook-signature": "x " * 20 + good["webhook-signature"]},
    ):
        answer = gitlab(source, BODY, **headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "not_verified"), headers
    assert gitlab(source, BODY + b" ", **good).status_code == 401
    assert (
        gitlab(
            source, BODY, **{**good, "webhook-signature": "v1,AA " + good["webhook-signature"]}
        ).status_code
        == 202
    )


@pytest.mark.parametrize(
    ("payload", "event", "reason"),
    [
        (gitlab_push("refs/tags/v1"), "Tag Push Hook", "event"),
        ({"object_kind": "issue"}, "Issue Hook", "event"),
        (gitlab_push("refs/heads/topic"), "Push Hook", "branch"),
        (gitlab_push(after=NOWHERE, checkout_sha=None), "Push Hook", "branch_deleted"),
        (gitlab_push(project={}), "Push Hook", "own_branch_unknown"),
    ],
)
def test_what_is_not_done_is_said_with_its_reason(
    source: InboundSource, payload: Any, event: str, reason: str
) -> None:
    answer = gitlab(source, payload, **{"X-Gitlab-Event": event})
    assert answer.status_code == 202, answer.content
    assert (answer.json()["outcome"], answer.json()["reason"]) == ("ignored", reason)
    assert not Job.objects.exists()


def test_a_repetition_has_the_same_key_or_the_same_event_and_body(source: InboundSource) -> None:
    def job(payload: Any, **headers: Any) -> tuple[bool, int]:
        answer = gitlab(source, payload, **headers)
        assert answer.status_code == 202, answer.content
        return answer.json()["repeated"], answer.json()["received"]

    first = job(BODY, **{"Idempotency-Key": "one"})
    assert job(BODY, **{"Idempotency-Key": "one"}) == (True, first[1])
    older = {"Idempotency-Key": None, "X-Gitlab-Event-UUID": "u-1"}
    second = job(BODY, **older)
    assert second[0] is False
    assert job(BODY, **older) == (True, second[1])
    assert job(BODY + b" ", **older)[0] is False
    answer = gitlab(source, BODY, **{"Idempotency-Key": None})
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable")


@pytest.mark.parametrize(
    "payload",
    [
        b"{",
        b"[]",
        gitlab_push(ref=None),
        gitlab_push(ref={}),
        gitlab_push(after=[]),
        gitlab_push(project=7),
        gitlab_push(project={"default_branch": ["main"]}),
    ],
)
def test_a_body_that_cannot_be_read_is_said_to_be(source: InboundSource, payload: Any) -> None:
    answer = gitlab(source, payload)
    assert (answer.status_code, answer.json()["code"]) == (400, "unreadable"), answer.content
    assert not InboundDelivery.objects.exists()
