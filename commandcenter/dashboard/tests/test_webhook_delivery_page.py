"""A delivery in the console: what is sent, what came back, and who may send it again."""

from __future__ import annotations

import subprocess
import uuid
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from commandcenter.dashboard.tests.conftest import World, signed_in
from commandcenter.dashboard.webhook_attempts import CLASSES
from webhooks.keeping import disable
from webhooks.models import Attempt, Delivery, Endpoint, Message
from webhooks.tallies import LOST, OUTCOMES, SUCCEEDED
from webhooks.tests.factories import make_delivery, make_endpoint

# Prints each of its arguments, and what it is given, with a NUL after each.
FAKE = 'curl() { printf "%s\\0" "$@"; case "$*" in *@-*) cat; printf "\\0";; esac; }\n'


def shown(client: Any, path: str) -> str:
    response = client.get(path)
    assert response.status_code == 200, path
    content: str = response.content.decode()
    return content


def delivery_of(world: World, **values: Any) -> Delivery:
    endpoint = make_endpoint(world.project, headers={"Authorization": "Bearer hush"})
    return make_delivery(endpoint, **values)


def attempt_of(delivery: Delivery, number: int = 1, **values: Any) -> Attempt:
    given: dict[str, Any] = {"started_at": timezone.now(), "duration_ms": 1500, "address": "8.8.8.8:443"}
    return Attempt.objects.create(delivery=delivery, number=number, **(given | values))


def test_each_class_of_failures_has_words_of_its_own() -> None:
    assert {*CLASSES, SUCCEEDED, LOST} == set(OUTCOMES)
    assert len(set(CLASSES.values())) == len(CLASSES)


def test_it_says_what_is_sent_and_every_attempt_in_words(world: World) -> None:
    delivery = delivery_of(world, attempts=3, sequence=7)
    attempt_of(delivery, 1, error="timeout", detail="No answer within 15 s.")
    attempt_of(delivery, 2, error="http", status=503, detail="The receiver answered 503.")
    attempt_of(delivery, 3, status=200, tls_peer="CN=hooks.example.com", body=b"fine")
    content = shown(signed_in(world.viewer), f"/webhooks/deliveries/{delivery.pk}/")
    for words in (
        "repository.created", str(delivery.message.uid), "&quot;source&quot;: &quot;https://git.example.com/x&quot;",
        "No answer in time", "No answer within 15 s.", "It answered, but not with 2xx", "503", "It arrived",
        "1.5 s", "8.8.8.8:443", "certificate of CN=hooks.example.com", "Authorization", "********", "no. 7",
    ):  # fmt: skip
        assert words in content, words
    assert "hush" not in content
    assert "Send now" not in content


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<script>alert(1)</script>\nnext", "&lt;script&gt;alert(1)&lt;/script&gt;\nnext"),
        ("right\u202eleft".encode(), "right\\u202eleft"),
        (b"\x1b[31mred", "\\u001b[31mred"),
        (b"\xff\xfe\x00<b>", "000000  ff fe 00 3c 62 3e"),
        (b"a\x00b", "000000  61 00 62"),
        (b"", "Its body was empty."),
    ],
)
def test_what_came_back_is_shown_safely_whatever_it_is(world: World, body: bytes, words: str) -> None:
    delivery = delivery_of(world, attempts=1)
    attempt_of(delivery, status=500, body=body, body_cut=True, headers={"x-odd": "\u202e<i>"})
    client, path = signed_in(world.viewer), f"/webhooks/deliveries/{delivery.pk}/attempts/1/"
    for content in (shown(client, path), client.get(path, headers={"hx-request": "true"}).content.decode()):
        assert words in content
        assert "\\u202e&lt;i&gt;" in content
        assert "then cut off" in content
    assert client.get(f"/webhooks/deliveries/{delivery.pk}/attempts/2/").status_code == 404


def test_a_page_is_fetched_again_as_often_as_something_may_happen(world: World) -> None:
    client, now = signed_in(world.viewer), timezone.now()
    for seconds, values in (
        ("2", {}),
        ("2", {"status": "leased", "lease_token": uuid.uuid4(), "lease_expires_at": now}),
        ("10", {"scheduled_for": now + timedelta(hours=1)}),
        ("", {"status": "succeeded", "ended_at": now}),
    ):
        content = shown(client, f"/webhooks/deliveries/{delivery_of(world, **values).pk}/live/")
        assert (f'data-live-every="{seconds}"' in content) is bool(seconds), values
        assert ("data-live-every" in content) is bool(seconds), values


def test_many_attempts_ask_no_more_and_show_no_answers_unasked(world: World) -> None:
    delivery, client = delivery_of(world, attempts=30), signed_in(world.operator)
    path = f"/webhooks/deliveries/{delivery.pk}/"

    def asked() -> int:
        with CaptureQueriesContext(connection) as captured:
            content = shown(client, path)
        assert "a long answer" not in content
        return len(captured)

    attempt_of(delivery, 1, status=500, body=b"a long answer")
    client.get(path)
    one = asked()
    for number in range(2, 31):
        attempt_of(delivery, number, status=500, body=b"a long answer")
    assert asked() == one <= 8
    assert "the last 20 of 30" in shown(client, path)


def test_an_operator_sends_again_and_gives_up(world: World) -> None:
    client = signed_in(world.operator)
    delivery = delivery_of(world, status="exhausted", ended_at=timezone.now())
    path = f"/webhooks/deliveries/{delivery.pk}/"
    assert "Send again" in shown(client, path)
    client.post(f"{path}retry/")
    assert Delivery.objects.get(pk=delivery.pk).status == "pending"
    client.post(f"{path}cancel/")
    assert Delivery.objects.get(pk=delivery.pk).status == "cancelled"
    assert "The delivery is over" in client.post(f"{path}cancel/", follow=True).content.decode()


def test_what_cannot_be_sent_again_says_why(world: World) -> None:
    client = signed_in(world.operator)
    flying = delivery_of(world, status="leased", lease_token=uuid.uuid4(), lease_expires_at=timezone.now())
    held = delivery_of(world)
    disable(held.endpoint, by=None)
    for delivery, words in ((flying, "being sent at this moment"), (held, "enable it first")):
        path = f"/webhooks/deliveries/{delivery.pk}/"
        assert words in client.post(f"{path}retry/", follow=True).content.decode()
        assert "Send now" not in shown(client, path)
    assert "Its endpoint is disabled" in shown(client, f"/webhooks/deliveries/{held.pk}/")


def test_viewers_change_nothing_and_strangers_see_nothing(world: World) -> None:
    delivery = delivery_of(world, sequence=1)
    path = f"/webhooks/deliveries/{delivery.pk}/"
    viewer, stranger = signed_in(world.viewer), signed_in(world.stranger)
    for action in ("retry", "cancel"):
        assert viewer.post(f"{path}{action}/").status_code == 403
        assert stranger.post(f"{path}{action}/").status_code == 404
        assert signed_in(world.operator).get(f"{path}{action}/").status_code == 405
    assert viewer.get(f"{path}curl/").status_code == 403
    for each in ("", "live/", "curl/", "attempts/1/"):
        assert stranger.get(f"{path}{each}").status_code == 404, each
    assert viewer.get("/webhooks/deliveries/99999999999999999999/").status_code == 404


@pytest.mark.parametrize(
    "hostile",
    ["plain", 'it\'s $(touch x) `y` "z" \\ !', "\u202e€\U0001f600", "@/etc/hosts", "x" * 200_000],
    ids=["plain", "shell", "unicode", "at", "long"],
)
def test_the_command_sends_what_was_signed_to_the_byte(world: World, hostile: str) -> None:
    endpoint = make_endpoint(
        world.project, url="https://8.8.8.8/a[1-9]{b,c}?q='$(id)'", headers={"X-Key": "Bearer hush"}
    )
    delivery = make_delivery(endpoint, sequence=3)
    body = f'{{"name":"{hostile}"}}'.encode()
    Message.objects.filter(pk=delivery.message_id).update(body=body)
    response = signed_in(world.operator).get(f"/webhooks/deliveries/{delivery.pk}/curl/")
    assert "no-store" in response.headers["Cache-Control"]
    said = subprocess.run(
        ["/bin/sh"], input=(FAKE + response.context["command"]).encode(), capture_output=True, check=True
    )
    arguments = said.stdout.split(b"\0")[:-1]
    sent = dict(line.decode().split(": ", 1) for flag, line in pairwise(arguments) if flag == b"--header")
    if b"--data-binary" in arguments:
        *arguments, given = arguments
    else:
        given = arguments[arguments.index(b"--data-raw") + 1]
    assert (arguments[-1].decode(), given) == (endpoint.url, body)
    assert "--globoff" in said.stdout.decode("utf-8", "replace")
    assert (sent["X-Key"], sent["webhook-sequence"]) == ("********", "3")
    secret = Endpoint.objects.get(pk=endpoint.pk).secret
    if hostile == "plain":
        Webhook(secret).verify(given, sent)
    assert sent["webhook-signature"].startswith("v1,")
    assert secret not in response.content.decode()
    assert "hush" not in response.content.decode()


def test_what_has_no_number_yet_has_no_command(world: World) -> None:
    delivery = delivery_of(world)
    content = shown(signed_in(world.operator), f"/webhooks/deliveries/{delivery.pk}/curl/")
    assert "was not sent yet" in content
