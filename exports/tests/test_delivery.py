"""Exports pushed to GitHub and to webhooks: done once, tried again where that helps, given up where it does not."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.analysis.models import Analysis, PolicyVerdict
from commandcenter.analysis.tests.factories import make_project, make_repository
from exports.delivery import actions, line
from exports.delivery.asking import ask
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.delivery.sending import MOST_FAILURES, claim, deliver, deliver_due
from exports.delivery.webhook import key_of, new_secret, signature
from exports.models import Export
from exports.tests.conftest import COMMITTED
from exports.tests.factories import analysis_of, run_export
from exports.tests.github import ME, OWNER_REPO, TOKEN, Closes, Double, Slow, github, in_an_hour

pytestmark = [COMMITTED, pytest.mark.usefixtures("media")]

IN_AN_HOUR = "in an hour"
SHA = "c0ffee" + 34 * "0"


@pytest.fixture
def hub(settings: Any) -> Iterator[Double]:
    settings.OUTBOUND_ALLOW = (ip_network("127.0.0.0/8"),)
    with github() as double:
        yield double


@pytest.fixture
def analysis() -> Analysis:
    made = analysis_of(make_repository(source=f"https://github.example/{OWNER_REPO}.git"))
    Analysis.objects.filter(pk=made.pk).update(commit=SHA, ref="main")
    return Analysis.objects.get(pk=made.pk)


def target_for(hub: Double, analysis: Analysis, *actions: str, **values: Any) -> DeliveryTarget:
    fields = {"repository": OWNER_REPO, "token": TOKEN, "url": f"{hub.url}/api/v3", "kind": "github"} | values
    name = f"target {DeliveryTarget.objects.count()}"
    return DeliveryTarget.objects.create(project=analysis.project, name=name, actions=list(actions), **fields)


def delivery_of(export: Export, target: DeliveryTarget) -> ExportDelivery:
    ask(export, [target.pk], by=None)
    return ExportDelivery.objects.get(export=export, target=target)


def go(delivery: ExportDelivery) -> ExportDelivery:
    """Make one try now, whenever it was due."""
    ExportDelivery.objects.filter(pk=delivery.pk).update(not_before=Now())
    assert deliver_due(seconds=30) == 1
    delivery.refresh_from_db()
    return delivery


def judged(analysis: Analysis, status: str) -> None:
    rows = [{"status": status, "condition": {}, "description": "No high findings"}]
    PolicyVerdict.objects.create(
        analysis=analysis, name="default", unknown_fails=False, status=status, results=rows
    )


def test_a_sarif_file_is_uploaded_once_and_its_processing_is_followed(
    hub: Double, analysis: Analysis
) -> None:
    export = run_export(analysis, name="sarif", given={"options": {"profile": "github"}})
    delivery = go(delivery_of(export, target_for(hub, analysis, "code_scanning")))
    assert (delivery.status, delivery.failures) == ("pending", 0)
    (upload,) = hub.uploads.values()
    assert (upload["commit_sha"], upload["ref"]) == (SHA, "refs/heads/main")
    assert sum(len(run["results"]) for run in upload["document"]["runs"]) == 3
    assert go(delivery).status == "pending", "GitHub still works on it"
    done = go(delivery)
    assert (done.status, done.error_code) == ("succeeded", "")
    assert done.completed_at is not None
    assert len(hub.uploads) == 1


@pytest.mark.parametrize(
    ("ref", "full"),
    [
        ("pull/12/head", "refs/pull/12/head"),
        ("refs/pull/12/merge", "refs/pull/12/merge"),
        ("refs/tags/v1", "refs/tags/v1"),
        ("feature/x", "refs/heads/feature/x"),
    ],
)
def test_a_ref_is_given_in_full(hub: Double, analysis: Analysis, ref: str, full: str) -> None:
    Analysis.objects.filter(pk=analysis.pk).update(ref=ref)
    go(delivery_of(run_export(analysis), target_for(hub, analysis, "code_scanning")))
    assert [upload["ref"] for upload in hub.uploads.values()] == [full]


def test_what_github_cannot_process_fails_with_its_reasons(hub: Double, analysis: Analysis) -> None:
    hub.working, hub.sarif_errors = 0, ["rejecting SARIF, as there are more runs than allowed"]
    delivery = delivery_of(run_export(analysis), target_for(hub, analysis, "code_scanning"))
    go(delivery)
    failed = go(delivery)
    assert (failed.status, failed.error_code) == ("failed", "processing_failed")
    assert "more runs than allowed" in failed.error_message


def test_processing_is_not_followed_for_ever(hub: Double, analysis: Analysis) -> None:
    hub.working = 1000
    delivery = delivery_of(run_export(analysis), target_for(hub, analysis, "code_scanning"))
    for _ in range(actions.POLLS):
        assert go(delivery).status == "pending"
    assert go(delivery).error_code == "processing_timeout"


def test_a_file_above_githubs_limit_is_not_sent(
    hub: Double, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MAX_GZIP", 100)
    failed = go(delivery_of(run_export(analysis, name="sarif"), target_for(hub, analysis, "code_scanning")))
    assert failed.error_code == "too_large"
    assert not hub.uploads


@pytest.mark.parametrize(
    ("verdict", "state"), [("passed", "success"), ("failed", "failure"), ("unknown", "pending")]
)
def test_a_commit_gets_the_verdict_as_its_status(
    hub: Double, analysis: Analysis, settings: Any, verdict: str, state: str
) -> None:
    judged(analysis, verdict)
    done = go(delivery_of(run_export(analysis), target_for(hub, analysis, "status")))
    assert done.status == "succeeded"
    (row,) = hub.statuses[SHA]
    assert row["state"] == state
    assert row["target_url"] == f"{settings.PUBLIC_URL}/analyses/{analysis.pk}/"
    assert row["context"] == f"command-center/{analysis.project.slug}"
    assert done.external_url == row["url"]


def test_no_status_claims_a_verdict_that_nobody_gave(hub: Double, analysis: Analysis) -> None:
    done = go(delivery_of(run_export(analysis), target_for(hub, analysis, "status")))
    assert done.status == "succeeded"
    assert "No policy" in done.steps["status"]["skipped"]
    assert not hub.statuses


def test_a_status_that_is_there_is_not_added_again(hub: Double, analysis: Analysis) -> None:
    judged(analysis, "passed")
    export, target = run_export(analysis), target_for(hub, analysis, "status")
    go(delivery_of(export, target))
    assert go(delivery_of(export, target)).status == "succeeded"
    assert len(hub.statuses[SHA]) == 1


def test_a_pull_request_keeps_one_comment(hub: Double, analysis: Analysis) -> None:
    hub.open_pull(12, SHA)
    hub.open_pull(11, SHA, state="closed")
    hub.comments[12] += [{"id": n, "body": "talk", "user": {"id": 1, "type": "User"}} for n in range(150)]
    target = target_for(hub, analysis, "comment")
    export = run_export(analysis)
    first = go(delivery_of(export, target))
    assert (first.status, first.error_message) == ("succeeded", "")
    ours = hub.comments[12][-1]
    assert ours["body"].startswith(actions.marker(analysis))
    assert len(ours["body"]) > 100
    assert first.external_url == ours["html_url"]
    go(delivery_of(export, target))
    assert (len(hub.comments[12]), len(hub.comments[11])) == (151, 0)
    assert hub.posted("PATCH", f"/comments/{ours['id']}") == 1


def test_a_worker_killed_after_its_comment_does_not_write_another(hub: Double, analysis: Analysis) -> None:
    hub.open_pull(12, SHA)
    delivery = delivery_of(run_export(analysis), target_for(hub, analysis, "comment"))

    def killed(_double: Double, _method: str, target: str) -> Any:
        hub._comment(target.split("/")[-2], query={}, body={"body": f"{actions.marker(analysis)}\nfirst"})
        raise Closes

    hub.fail("POST", "/issues/12/comments", killed)
    assert go(delivery).status == "pending"
    assert go(delivery).status == "succeeded"
    assert len(hub.comments[12]) == 1
    assert hub.comments[12][0]["body"] != f"{actions.marker(analysis)}\nfirst"


def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(hub: Double, analysis: Analysis) -> None:
    hub.open_pull(12, SHA)
    theirs: dict[str, Any] = {
        "id": 5,
        "body": f"{actions.marker(analysis)} mine!",
        "user": {"id": ME + 1, "type": "User"},
    }
    hub.comments[12].append(theirs)
    assert go(delivery_of(run_export(analysis), target_for(hub, analysis, "comment"))).status == "succeeded"
    assert theirs["body"].endswith("mine!")
    assert len(hub.comments[12]) == 2


def test_an_app_knows_its_comment_by_its_kind(hub: Double, analysis: Analysis) -> None:
    hub.app = True
    hub.open_pull(12, SHA)
    export, target = run_export(analysis), target_for(hub, analysis, "comment")
    go(delivery_of(export, target))
    assert go(delivery_of(export, target)).status == "succeeded"
    assert len(hub.comments[12]) == 1


def test_without_a_pull_request_there_is_no_comment(hub: Double, analysis: Analysis) -> None:
    done = go(delivery_of(run_export(analysis), target_for(hub, analysis, "comment")))
    assert done.status == "succeeded"
    assert "No open pull request" in done.steps["comment"]["skipped"]


@pytest.mark.parametrize("status", [401, 403, 404, 413, 422])
def test_what_github_refuses_is_not_sent_again(hub: Double, analysis: Analysis, status: int) -> None:
    hub.fail("POST", "sarifs", (status, {"message": "No,\nyou may not."}))
    failed = go(delivery_of(run_export(analysis), target_for(hub, analysis, "code_scanning")))
    assert (failed.status, failed.error_code) == ("failed", f"http_{status}")
    assert "No, you may not" in failed.error_message
    assert deliver_due(seconds=5) == 0


@pytest.mark.parametrize(
    ("answer", "code", "wait"),
    [
        ((500, b"<html>"), "http_500", 10),
        ((503, {"message": "x"}, {"Retry-After": "120"}), "http_503", 120),
        ((429, {"message": "slow down"}, {"Retry-After": "90"}), "rate_limited", 90),
        ((403, {"message": "You have exceeded a secondary rate limit."}), "rate_limited", 60),
        (
            (403, {"message": "x"}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": IN_AN_HOUR}),
            "rate_limited",
            3590,
        ),
        ((202, b"{"), "bad_answer", 10),
        (Closes, "unreachable", 10),
    ],
)
def test_what_may_work_later_is_tried_again_as_asked(
    hub: Double, analysis: Analysis, answer: Any, code: str, wait: float
) -> None:
    if isinstance(answer, tuple) and IN_AN_HOUR in dict(*answer[2:]).values():  # by the clock of this test
        answer = (*answer[:2], {**answer[2], "x-ratelimit-reset": in_an_hour()})
    hub.fail("POST", "sarifs", answer)
    before = timezone.now()
    delivery = go(delivery_of(run_export(analysis), target_for(hub, analysis, "code_scanning")))
    assert (delivery.status, delivery.error_code, delivery.failures) == ("pending", code, 1)
    assert delivery.not_before - before >= timedelta(seconds=wait)
    assert delivery.not_before - timezone.now() <= timedelta(seconds=1.4 * wait)
    hub.working = 0
    go(delivery)
    done = go(delivery)
    assert (done.status, done.error_code, done.error_message) == ("succeeded", "", "")


def test_tries_come_to_an_end(hub: Double, analysis: Analysis) -> None:
    hub.fail("POST", "sarifs", (502, b""), times=MOST_FAILURES)
    delivery = delivery_of(run_export(analysis), target_for(hub, analysis, "code_scanning"))
    for _ in range(MOST_FAILURES - 1):
        assert go(delivery).status == "pending"
    assert (go(delivery).status, delivery.attempts) == ("failed", MOST_FAILURES)


def test_a_server_that_drips_is_cut_off(
    hub: Double, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "TRY_SECONDS", 1.5)
    monkeypatch.setattr(line.Line.__init__, "__kwdefaults__", {"seconds": 1.5})
    hub.fail("GET", "/pulls", Slow)
    delivery = go(delivery_of(run_export(analysis), target_for(hub, analysis, "comment")))
    assert (delivery.status, delivery.error_code) == ("pending", "unreachable")


def test_a_redirect_is_not_followed(hub: Double, analysis: Analysis) -> None:
    hub.fail("GET", "/pulls", (301, {"message": "Moved"}, {"Location": "http://169.254.169.254/"}))
    failed = go(delivery_of(run_export(analysis), target_for(hub, analysis, "comment")))
    assert (failed.status, failed.error_code) == ("failed", "redirected")


def test_an_address_inside_is_not_dialled(hub: Double, analysis: Analysis, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ()
    delivery = go(delivery_of(run_export(analysis), target_for(hub, analysis, "comment")))
    assert "CC_OUTBOUND_ALLOW" in delivery.error_message
    assert not hub.asked


def test_one_action_that_fails_does_not_keep_the_others_from_being_done(
    hub: Double, analysis: Analysis
) -> None:
    judged(analysis, "passed")
    hub.open_pull(12, SHA)
    hub.fail("POST", "sarifs", (403, {"message": "Code scanning is not enabled"}))
    target = target_for(hub, analysis, "code_scanning", "status", "comment")
    failed = go(delivery_of(run_export(analysis), target))
    assert (failed.status, failed.error_code) == ("failed", "http_403")
    assert (len(hub.statuses[SHA]), len(hub.comments[12])) == (1, 1)
    assert failed.steps["code_scanning"]["error"]["code"] == "http_403"


def test_the_repository_is_read_from_the_source_where_none_is_named(hub: Double, analysis: Analysis) -> None:
    target = target_for(hub, analysis, "status", repository="")
    judged(analysis, "passed")
    delivery = delivery_of(run_export(analysis), target)
    assert go(delivery).error_code == "no_repository", "the source lies on another server"
    analysis.repository.source = f"http://127.0.0.1/{OWNER_REPO}.git"
    analysis.repository.save()
    assert go(delivery_of(delivery.export, target)).status == "succeeded"


def test_a_webhook_gets_the_file_with_a_signature(hub: Double, analysis: Analysis) -> None:
    secret = new_secret()
    target = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook?x=1", token=secret, repository="")
    export = run_export(analysis)
    delivery = delivery_of(export, target)
    hub.fail("POST", "/hook", (503, b""))
    assert go(delivery).status == "pending"
    assert go(delivery).status == "succeeded"
    (headers, body) = hub.hooks[0]
    signed = signature(key_of(secret), headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == signed
    assert json.loads(body)["analysis"]["id"] == analysis.pk
    assert (headers["content-type"], len(body)) == ("application/json", export.bytes)
    assert {each["webhook-id"] for each in hub.headers} == {str(delivery.message)}
    assert export.file_name in headers["content-disposition"]
    assert "authorization" not in headers


def test_a_signature_is_that_of_a_published_example() -> None:
    key = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    body = b'{"event_type":"ping","data":{"success":true}}'
    made = signature(key, "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert made == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_a_webhook_that_is_gone_is_told_nothing_more(hub: Double, analysis: Analysis) -> None:
    target = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook", token=new_secret())
    hub.fail("POST", "/hook", (410, b""))
    assert go(delivery_of(run_export(analysis), target)).error_code == "http_410"


def test_a_file_that_is_gone_is_not_delivered(hub: Double, analysis: Analysis, media: Any) -> None:
    target = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook", token=new_secret())
    export = run_export(analysis)
    (media / export.artifact).unlink()
    assert go(delivery_of(export, target)).error_code == "file_missing"
    assert not hub.hooks


def test_a_lost_lease_says_nothing_and_the_next_worker_goes_on(hub: Double, analysis: Analysis) -> None:
    judged(analysis, "passed")
    delivery = delivery_of(run_export(analysis), target_for(hub, analysis, "status"))
    slow = claim()
    assert slow is not None
    assert claim() is None, "one at a time"
    ExportDelivery.objects.update(not_before=Now() - timedelta(seconds=1))
    done = go(delivery)
    assert (done.status, done.attempts, done.failures) == ("succeeded", 2, 1)
    assert deliver(slow) is False
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == ("succeeded", 2)
    assert len(hub.statuses[SHA]) == 1


def test_a_delivery_that_kills_its_workers_is_given_up(hub: Double, analysis: Analysis) -> None:
    delivery = delivery_of(run_export(analysis), target_for(hub, analysis, "status"))
    for _ in range(MOST_FAILURES):
        assert claim() is not None
        ExportDelivery.objects.update(not_before=Now() - timedelta(seconds=1))
    assert go(delivery).error_code == "gave_up"
    assert not hub.asked


def test_two_deliveries_of_one_target_take_turns(hub: Double, analysis: Analysis) -> None:
    target = target_for(hub, analysis, "status")
    other = target_for(hub, analysis, "status")
    first, second = run_export(analysis), run_export(analysis)
    delivery_of(first, target), delivery_of(second, target), delivery_of(second, other)
    held = [claim(), claim(), claim()]
    assert [each and each.target_id for each in held] == [target.pk, other.pk, None]


def test_deliveries_go_with_their_export(hub: Double, analysis: Analysis) -> None:
    export = run_export(analysis)
    delivery_of(export, target_for(hub, analysis, "status"))
    export.delete()
    assert not ExportDelivery.objects.exists()


def test_the_markers_of_two_repositories_differ(analysis: Analysis) -> None:
    other = analysis_of(make_repository(make_project()))
    assert actions.marker(analysis) != actions.marker(other)
