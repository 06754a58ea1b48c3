"""Webhooks on the stage: events that are told to a receiver with a process of its own, and what must hold of all of it."""

from __future__ import annotations

import base64
import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from standardwebhooks import Webhook

from commandcenter.embedded.processes import CHECKOUT
from commandcenter.events.publish import Happening, publish_many
from commandcenter.inventory.models import Project
from tests.faults.stage import Stage, job_worker, send
from webhooks import hints
from webhooks.keeping import create_endpoint
from webhooks.models import ENDED, Attempt, Delivery, Endpoint
from webhooks.sending.claim import IN_FLIGHT

WORKER = "hooks"
ALLOW = "127.0.0.0/8"
BETWEEN = (50, 450)  # deliveries that end from one kill to the next
STALL_SECONDS = 90.0  # without the end of any delivery


@dataclass(frozen=True, slots=True)
class Receipt:
    """One request as the receiver has it."""

    path: str
    status: int
    headers: dict[str, str]
    body: bytes
    at_once: int


@dataclass(frozen=True, slots=True)
class Listening:
    """A receiver that runs."""

    url: str
    log: Path

    def receipts(self) -> list[Receipt]:
        """Return all that it was sent so far."""
        lines = (json.loads(line) for line in self.log.read_text(encoding="ascii").splitlines())
        return [Receipt(**line | {"body": base64.b64decode(line["body"])}) for line in lines]


@contextmanager
def listening(folder: Path) -> Iterator[Listening]:
    """Run a receiver."""
    log = folder / "receipts.jsonl"
    log.touch()
    argv = [sys.executable, "-m", "tests.faults.listening", str(log)]
    with subprocess.Popen(argv, cwd=CHECKOUT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as child:
        try:
            assert child.stdout is not None
            yield Listening(f"http://127.0.0.1:{int(child.stdout.readline())}", log)
        finally:
            child.kill()


def start_sender(stage: Stage, *, skew: int = 0, **environ: str) -> None:
    """Start a worker that sends, with a pool of two, instead of the one that there is."""
    if WORKER in stage.parts:
        stage.drop(WORKER)
    stage.add(job_worker(WORKER, "webhooks", skew=skew), CC_OUTBOUND_ALLOW=ALLOW, **environ)


def forget_hooks() -> None:
    """Empty the tables of webhooks."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE webhooks_endpoint, webhooks_message CASCADE")


def make_endpoints(project: Project, urls: Sequence[str], **values: Any) -> dict[str, str]:
    """Return the secret of each of these new endpoints by its URL."""
    found = {}
    for url in urls:
        given = {"url": url, "events": ["repository.*"]} | values
        found[url] = create_endpoint(project=project, values=given, by=None)[1]
    return found


def publish_events(project: Project, number: int) -> None:
    """Let so many things happen in one transaction."""
    happenings = [
        Happening(
            "repository.created",
            project.pk,
            ("repository", n),
            {"repository": n, "name": f"Zo\u00eb-{n}", "source": "https://git.example.com/x"},
        )
        for n in range(1, number + 1)
    ]
    with transaction.atomic():
        publish_many(happenings)


def let_time_pass() -> None:
    """Make due what waits for its next attempt, and wake the senders as whatever makes a delivery due does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE webhooks_delivery SET scheduled_for = statement_timestamp() WHERE id IN ("
            "SELECT id FROM webhooks_delivery WHERE status = 'pending' AND scheduled_for > statement_timestamp() "
            "ORDER BY id FOR NO KEY UPDATE SKIP LOCKED)"
        )
    hints.send_soon()


def all_ended(number: int) -> bool:
    """Tell whether so many deliveries are there and all are over."""
    counts = Counter(Delivery.objects.values_list("status", flat=True))
    return sum(counts.values()) == number == sum(counts[each] for each in ENDED)


@dataclass
class Survival:
    """What a run under kills saw: what was killed, and some attempts as they stood after the first kill."""

    killed: Counter[str] = field(default_factory=Counter)
    attempts: dict[int, str] = field(default_factory=dict)

    @property
    def kills(self) -> int:
        """Return how often a process that sends was killed."""
        return self.killed["child"] + self.killed["group"]


def survive(stage: Stage, number: int, chance: random.Random) -> Survival:
    """Kill until that many deliveries are all over: whenever some more of them are, however fast the machine is."""
    seen = Survival()
    ended, next_kill, ended_at = 0, 1, time.monotonic()
    while not all_ended(number):
        over = Delivery.objects.filter(status__in=ENDED).count()
        if over > ended:
            ended, ended_at = over, time.monotonic()
        if over >= next_kill:
            seen.killed[kill_one(stage, chance)] += 1
            next_kill = over + chance.randint(*BETWEEN)
            seen.attempts = seen.attempts or attempts_so_far()
        stage.keep()
        let_time_pass()
        assert time.monotonic() - ended_at < STALL_SECONDS, f"{ended} of {number} were over, and no more are"
        time.sleep(0.05)
    return seen


def kill_one(stage: Stage, chance: random.Random) -> str:
    """Kill a process that sends or relays, and return which."""
    what = chance.choices(["child", "group", "relay"], [84, 8, 8])[0]
    if what == "child":
        pool = stage.pool(WORKER)
        if not pool:
            return "nothing: the pool was just starting"
        send(chance.choice(pool), signal.SIGKILL)
    elif what == "group":
        for pid in [stage.leader(WORKER), *stage.pool(WORKER)]:
            send(pid, signal.SIGKILL)
    else:
        send(stage.leader("system"), signal.SIGKILL)
    return what


def attempts_so_far(most: int = 2_000) -> dict[int, str]:
    """Return the first attempts by their id, each with all that its row says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, md5(a::text) FROM webhooks_attempt a ORDER BY id LIMIT %s", [most])
        return dict(cursor.fetchall())


def violations(receipts: Sequence[Receipt], secrets: dict[str, str]) -> list[str]:
    """Return a sentence for each thing that the receiver's log and the tables tell apart.

    A request that nobody wrote down any more is allowed for each attempt that was lost, and no other.
    """
    deliveries = list(Delivery.objects.select_related("endpoint", "message").order_by("pk"))
    written: dict[int, list[int | None]] = defaultdict(list)
    for delivery, status in Attempt.objects.values_list("delivery", "status"):
        written[delivery].append(status)
    got: dict[tuple[str, str], list[Receipt]] = defaultdict(list)
    for each in receipts:
        got[each.path, each.headers["webhook-id"]].append(each)
    paths = {url: "/" + url.split("/", 3)[3].partition("?")[0] for url in secrets}
    found = []
    for each in deliveries:
        own = got.pop((paths[each.endpoint.url], str(each.message.uid)), [])
        found += [
            f"Delivery {each.pk}: {fault}"
            for fault in _faults(each, own, written[each.pk], secrets[each.endpoint.url])
        ]
    found += [f"{path} got {uid}, of which no row tells." for path, uid in got]
    for endpoint in Endpoint.objects.select_related("run"):
        numbers = sorted(each.sequence or 0 for each in deliveries if each.endpoint_id == endpoint.pk)
        if numbers != list(range(1, endpoint.run.last_sequence + 1)):
            found.append(f"The numbers of endpoint {endpoint.pk} have a gap: {numbers}.")
    return found


def _faults(
    delivery: Delivery, receipts: Sequence[Receipt], written: Sequence[int | None], secret: str
) -> Iterator[str]:
    if delivery.status != "succeeded":
        yield f"it is {delivery.status} after {delivery.attempts} attempts."
    if not any(each.status == 200 for each in receipts):
        yield f"it was never taken; it is {delivery.status}."
    measured = Counter(status for status in written if status is not None)
    if measured - Counter(each.status for each in receipts):
        yield f"its attempts say {written}, which the receiver did not say."
    lost = delivery.attempts - len(written)
    if lost < 0 or len(receipts) > len(written) + lost:
        yield f"{len(receipts)} requests, {len(written)} attempts and {lost} lost."
    if sum(each.status == 200 for each in receipts) > 1 + lost:
        yield f"it was taken {len(receipts)} times with {lost} attempts lost."
    for each in receipts:
        if each.headers["webhook-sequence"] != str(delivery.sequence):
            yield f"it has the number {delivery.sequence} and was sent with {each.headers['webhook-sequence']}."
        if each.body != bytes(delivery.message.body):
            yield "its bytes were changed."
        Webhook(secret).verify(each.body, each.headers)


def most_duplicates(kills: int, endpoints: int) -> int:
    """Return how many requests may have come twice: all that were in flight at each kill."""
    return kills * endpoints * IN_FLIGHT


def taken_twice(receipts: Sequence[Receipt]) -> int:
    """Return how many requests were taken that had been taken before."""
    taken = [(each.path, each.headers["webhook-id"]) for each in receipts if each.status == 200]
    return len(taken) - len(set(taken))
