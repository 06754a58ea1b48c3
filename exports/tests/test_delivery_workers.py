"""Deliveries by several workers: killed at the worst moment, and at work on one target at the same time."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now

from commandcenter.accounts.tests.factories import api
from commandcenter.analysis.models import Analysis, PolicyVerdict
from commandcenter.analysis.tests.factories import make_repository, make_user
from commandcenter.core.signing import new_secret
from commandcenter.core.tests.locks import WAITING
from commandcenter.inventory.models import Role
from exports.delivery.asking import ask
from exports.delivery.commenting import marker
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.delivery.sending import claim, deliver_due
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, exported
from exports.tests.github import OWNER_REPO, TOKEN, Closes, Double, github
from jobs.tests.processes import Eventually, WorkerProcess

pytestmark = [COMMITTED, pytest.mark.process, pytest.mark.usefixtures("media")]

SHA = "c0ffee" + 34 * "0"


@pytest.fixture
def hub(settings: Any) -> Iterator[Double]:
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)
    with github() as double:
        double.open_pull(12, SHA)
        double.working = 0
        yield double


@pytest.fixture
def analysis() -> Analysis:
    made = analysis_of(make_repository())
    Analysis.objects.filter(pk=made.pk).update(commit=SHA)
    PolicyVerdict.objects.create(
        analysis=made, name="default", unknown_fails=False, status="passed", results=[]
    )
    return Analysis.objects.get(pk=made.pk)


def killed_while_delivering(hub: Double, pattern: str) -> None:
    """Deliver in a process of its own, which is killed when the server has done as it was told, before it says so."""
    children: list[int] = []
    forked = threading.Event()

    def kill(double: Double, verb: str, target: str, headers: dict[str, str], body: bytes) -> Any:
        double.answer(verb, target, headers, body)
        forked.wait(10)
        os.kill(children[0], signal.SIGKILL)
        raise Closes

    hub.fail("POST", pattern, kill)
    child = os.fork()
    if child == 0:
        try:
            connection.connection = None  # that of the parent
            deliver_due(seconds=30)
        finally:
            os._exit(1)
    children.append(child)
    forked.set()
    _pid, ended = os.waitpid(child, 0)
    assert os.WIFSIGNALED(ended), "it ended before it was killed"


@pytest.mark.parametrize(
    ("action", "pattern"),
    [
        ("comment", "/issues/12/comments"),
        ("status", "/statuses/"),
        ("code_scanning", "/sarifs"),
        ("webhook", "/hook"),
    ],
)
def test_a_worker_killed_between_the_call_and_its_record_doubles_nothing(
    hub: Double, analysis: Analysis, action: str, pattern: str
) -> None:
    values = {"kind": "webhook", "url": f"{hub.url}/hook", "token": new_secret()}
    if action != "webhook":
        values = {"kind": "github", "url": f"{hub.url}/api/v3", "token": TOKEN, "repository": OWNER_REPO}
    target = DeliveryTarget.objects.create(
        project=analysis.project, name="t", actions=[] if action == "webhook" else [action], **values
    )
    (delivery,) = ask(exported(analysis), [target.pk], by=None)
    killed_while_delivering(hub, pattern)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.steps) == ("sending", 1, {})
    assert deliver_due(seconds=5) == 0, "the lease of the killed worker still runs"
    ended = ExportDelivery.objects.filter(pk=delivery.pk)
    for _ in range(2):  # an upload is asked after once it is made
        ended.exclude(status="succeeded").update(not_before=Now() - timedelta(seconds=1))
        deliver_due(seconds=30)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error_code, delivery.failures) == ("succeeded", "", 1)
    ours = [each for each in hub.comments[12] if marker(analysis) in each["body"]]
    assert len(ours) == (1 if action == "comment" else 0)
    assert len(hub.statuses.get(SHA, [])) == (1 if action == "status" else 0)
    # What cannot be looked for is sent again, so that the receiver knows it: one category, one commit; one webhook-id.
    uploads = {
        (each["ref"], each["commit_sha"], each["document"]["runs"][0]["automationDetails"]["id"])
        for each in hub.uploads.values()
    }
    assert (len(hub.uploads), len(uploads)) == ((2, 1) if action == "code_scanning" else (0, 0))
    messages = {headers["webhook-id"] for headers, _body in hub.hooks}
    assert (len(hub.hooks), len(messages)) == ((2, 1) if action == "webhook" else (0, 0))


def test_workers_at_once_write_one_comment(hub: Double, analysis: Analysis) -> None:
    fields = {"url": f"{hub.url}/api/v3", "repository": OWNER_REPO, "token": TOKEN, "kind": "github"}
    target = DeliveryTarget.objects.create(
        project=analysis.project, name="t", actions=["status", "comment"], **fields
    )
    for _ in range(6):
        ask(exported(analysis), [target.pk], by=None)
    together = threading.Barrier(3)

    def work() -> None:
        try:
            together.wait(10)
            for _ in range(6):
                deliver_due(seconds=30)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(60)
    deliver_due(seconds=30)  # what was left because another held the target
    assert set(ExportDelivery.objects.values_list("status", "attempts")) == {("succeeded", 1)}
    assert (len(hub.comments[12]), len(hub.statuses[SHA])) == (1, 1)


def test_a_worker_that_is_beaten_to_a_target_goes_on_with_another(
    hub: Double, analysis: Analysis, eventually: Eventually
) -> None:
    fields = {"project": analysis.project, "kind": "webhook", "url": f"{hub.url}/hook", "token": new_secret()}
    wanted, other = (DeliveryTarget.objects.create(name=name, **fields) for name in ("a", "b"))
    for target in (wanted, wanted, other):  # in this order they are due
        ask(exported(analysis), [target.pk], by=None)
    found: list[ExportDelivery | None] = []

    def work() -> None:
        try:
            found.append(claim())
        finally:
            connection.close()

    second = threading.Thread(target=work)
    with transaction.atomic():
        first = claim()
        second.start()
        eventually(waits_for_a_lock, 20)
    second.join(20)
    assert [each and each.target_id for each in (first, *found)] == [wanted.pk, other.pk]


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        (waits,) = cursor.fetchone()
    return bool(waits)


def test_a_worker_delivers_what_it_has_exported_without_being_reminded(
    hub: Double, media: Path, tmp_path: Path, eventually: Eventually
) -> None:
    """Nobody plays beat here: the event of the finished export brings the delivery about."""
    analysis = analysis_of(make_repository())
    target = DeliveryTarget.objects.create(
        project=analysis.project, name="t", kind="webhook", url=f"{hub.url}/hook", token=new_secret()
    )
    (tmp_path / "gate").touch()
    environ = {
        "DJANGO_SETTINGS_MODULE": "exports.tests.workersettings",
        "CC_TEST_MEDIA": str(media),
        "CC_OUTBOUND_ALLOW": "127.0.0.0/8",
    }
    worker = WorkerProcess(tmp_path, "delivers", queues="export,default,system", environ=environ).start()
    try:
        client = api(make_user(analysis.project, Role.OPERATOR))
        body = {"analyses": [analysis.pk], "format": "json", "deliver": [target.pk]}
        assert client.post("/api/v1/exports", body).status_code == 202
        done = ExportDelivery.objects.filter(status="succeeded").select_related("export")
        delivery = eventually(done.first, 60)
    finally:
        worker.end()
    ((headers, sent),) = hub.hooks
    assert (len(sent), headers["webhook-id"]) == (delivery.export.bytes, str(delivery.message))
    assert "whsec_" not in worker.log.read_text(), "no secret is logged"
