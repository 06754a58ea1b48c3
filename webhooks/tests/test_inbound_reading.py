"""Whatever arrives is read or refused: no body, no member and no header makes reading it fail otherwise."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from webhooks.exceptions import UnreadableDelivery
from webhooks.inbound import branches, pushes, reading, verifying

SECRETS = ("whsec_" + "A" * 43 + "=", "whsec_" + "B" * 43 + "=")
TEXTS = st.text(max_size=40)
VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
MEMBERS = ("ref", "after", "deleted", "repository", "project", "archived", "default_branch")
REFS = st.builds(lambda start, rest: start + rest, st.sampled_from(["refs/heads/", "refs/tags/", ""]), TEXTS)
COMMITS = st.sampled_from(["0" * 40, "a" * 40, "b" * 64, "c" * 41])
PAYLOADS = st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=6) | st.fixed_dictionaries(
    {"ref": REFS, "after": COMMITS},
    optional={
        "deleted": st.booleans(),
        "repository": st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=3),
    },
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["X-Hub-Signature-256", "X-Gitlab-Token", "webhook-id", "webhook-timestamp", "webhook-signature"]
    ),
    TEXTS | st.from_regex(r"\A(v1,[A-Za-z0-9+/=]* ?){1,3}\Z") | st.integers().map(str),
)
LIGHT = settings(max_examples=60, deadline=None, database=None)


@LIGHT
@given(PAYLOADS)
def test_a_payload_is_read_or_refused(payload: dict[str, Any]) -> None:
    for read in (pushes.of_github, pushes.of_gitlab):
        with suppress(UnreadableDelivery):
            told = read("push", payload)
            assert payload["ref"] == f"refs/heads/{told.branch}" or told.reason in {"tag", "ref"}
            assert told.commit in {payload["after"], ""}
            assert bool(told.reason) == bool(told.detail)


@LIGHT
@given(
    st.binary(max_size=60) | VALUES.map(lambda each: json.dumps(each).encode()),
    TEXTS,
)
def test_a_body_is_an_object_or_refused(body: bytes, content_type: str) -> None:
    for kind in (content_type, reading.JSON, reading.FORM):
        for sent in (body, b"payload=" + body):
            with suppress(UnreadableDelivery):
                assert isinstance(reading.payload_of(sent, kind, forms=True), dict)


@LIGHT
@given(HEADERS, st.binary(max_size=20))
def test_nothing_that_is_made_up_is_taken_for_signed(headers: dict[str, str], body: bytes) -> None:
    assert not verifying.sent_by_github(headers, body, SECRETS)
    assert not verifying.sent_by_gitlab(headers, body, SECRETS, 1_800_000_000)


@LIGHT
@given(TEXTS)
def test_a_pattern_is_refused_or_stands_for_itself(pattern: str) -> None:
    if not branches.fault(pattern):
        assert branches.watches([pattern], pattern)
        assert branches.watches([f"{pattern[:10]}*"], pattern)
