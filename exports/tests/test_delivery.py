"""Exports pushed to GitHub and to webhooks: done once, tried again where that helps, given up where it does not."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.analysis.models import Analysis, Finding, PolicyVerdict, SuppressionKind
from commandcenter.analysis.tests.factories import make_project, make_repository, make_user
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.core.signing import new_secret, signature
from exports.delivery import actions, commenting, line, scanning
from exports.delivery.asking import ask
from exports.delivery.github import repository_of
from exports.delivery.models import DeliveryTarget, ExportDelivery
from exports.delivery.recording import MOST_FAILURES
from exports.delivery.sending import claim, deliver, deliver_due
from exports.models import Export
from exports.tests.factories import analysis_of, exported, finished
from exports.tests.github import ME, OWNER_REPO, TOKEN, Closes, Double, Slow, github, in_an_hour
from jobs.models import Job

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media")]

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


def read_as(analysis: Analysis, ref: str, reference: str | None, commit: str = SHA) -> None:
    """Let the analysis be of this name, as the fetch resolved it; None: nobody knows any more."""
    Analysis.objects.filter(pk=analysis.pk).update(ref=ref, commit=commit)
    Job.objects.filter(analysis=analysis).update(result={"ref": ref, "reference": reference})


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
    export = exported(analysis, name="sarif", options={"profile": "github"})
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
    ("ref", "reference", "full"),
    [
        ("v1", "refs/tags/v1", "refs/tags/v1"),
        ("c0ffee", "refs/heads/c0ffee", "refs/heads/c0ffee"),
        ("feature/x", "refs/heads/feature/x", "refs/heads/feature/x"),
        ("feature/x", None, "refs/heads/feature/x"),
        ("refs/tags/v1", None, "refs/tags/v1"),
    ],
)
def test_a_ref_is_given_in_full(
    hub: Double, analysis: Analysis, ref: str, reference: str | None, full: str
) -> None:
    read_as(analysis, ref, reference)
    go(delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning")))
    assert [upload["ref"] for upload in hub.uploads.values()] == [full]


@pytest.mark.parametrize(
    ("ref", "reference"),
    [(SHA, ""), ("c0ffee0", ""), ("C0FFEE0", None), ("HEAD", ""), ("HEAD", None), ("", "")],
)
def test_a_commit_that_no_branch_led_to_is_not_uploaded(
    hub: Double, analysis: Analysis, ref: str, reference: str | None
) -> None:
    read_as(analysis, ref, reference)
    failed = go(delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning")))
    assert (failed.status, failed.error_code) == ("failed", "no_branch")
    assert "by its name" in failed.error_message
    assert not hub.uploads


def test_code_scanning_gets_what_github_takes_whatever_was_exported(hub: Double, analysis: Analysis) -> None:
    """The full profile holds suppressed findings, for which GitHub would open alerts."""
    user = make_user(analysis.project)
    chosen = [Finding.objects.get(fingerprint="v1:f1").pk]
    suppress(chosen, by=user, reason="Not ours.", kind=SuppressionKind.ACCEPTED_RISK, expires_at=None)
    go(delivery_of(exported(analysis, name="sarif"), target_for(hub, analysis, "code_scanning")))
    (upload,) = hub.uploads.values()
    results = [result for run in upload["document"]["runs"] for result in run["results"]]
    assert len(results) == 2
    assert all("primaryLocationLineHash" in result["partialFingerprints"] for result in results)


def test_what_github_cannot_process_fails_with_its_reasons(hub: Double, analysis: Analysis) -> None:
    hub.working, hub.sarif_errors = 0, ["rejecting SARIF, as there are more runs than allowed"]
    delivery = delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning"))
    go(delivery)
    failed = go(delivery)
    assert (failed.status, failed.error_code) == ("failed", "processing_failed")
    assert "more runs than allowed" in failed.error_message


def test_processing_is_not_followed_for_ever(hub: Double, analysis: Analysis) -> None:
    hub.working = 1000
    delivery = delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning"))
    for _ in range(scanning.POLLS):
        assert go(delivery).status == "pending"
    assert go(delivery).error_code == "processing_timeout"


def test_a_file_above_githubs_limit_is_not_sent(
    hub: Double, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "MAX_GZIP", 100)
    failed = go(delivery_of(exported(analysis, name="sarif"), target_for(hub, analysis, "code_scanning")))
    assert failed.error_code == "too_large"
    assert not hub.uploads


@pytest.mark.parametrize(
    ("verdict", "state"), [("passed", "success"), ("failed", "failure"), ("unknown", "pending")]
)
def test_a_commit_gets_the_verdict_as_its_status(
    hub: Double, analysis: Analysis, settings: Any, verdict: str, state: str
) -> None:
    judged(analysis, verdict)
    done = go(delivery_of(finished(analysis), target_for(hub, analysis, "status")))
    assert done.status == "succeeded"
    (row,) = hub.statuses[SHA]
    assert row["state"] == state
    assert row["target_url"] == f"{settings.PUBLIC_URL}/analyses/{analysis.pk}/"
    assert row["context"] == f"command-center/{analysis.project.slug}"
    assert done.external_url == f"{hub.url}/{OWNER_REPO}/commit/{SHA}", "where a person sees it"


def test_no_status_claims_a_verdict_that_nobody_gave(hub: Double, analysis: Analysis) -> None:
    done = go(delivery_of(finished(analysis), target_for(hub, analysis, "status")))
    assert done.status == "succeeded"
    assert "No policy" in done.steps["status"]["skipped"]
    assert not hub.statuses


def test_a_status_that_is_there_is_not_added_again(hub: Double, analysis: Analysis) -> None:
    judged(analysis, "passed")
    export, target = finished(analysis), target_for(hub, analysis, "status")
    go(delivery_of(export, target))
    assert go(delivery_of(export, target)).status == "succeeded"
    assert len(hub.statuses[SHA]) == 1


def test_a_pull_request_keeps_one_comment(hub: Double, analysis: Analysis) -> None:
    hub.open_pull(12, SHA)
    hub.open_pull(11, SHA, state="closed")
    hub.comments[12] += [{"id": n, "body": "talk", "user": {"id": 1, "type": "User"}} for n in range(150)]
    target = target_for(hub, analysis, "comment")
    export = finished(analysis)
    first = go(delivery_of(export, target))
    assert (first.status, first.error_message) == ("succeeded", "")
    ours = hub.comments[12][-1]
    assert ours["body"].startswith(commenting.marker(analysis))
    assert len(ours["body"]) > 100
    assert first.external_url == ours["html_url"]
    go(delivery_of(export, target))
    assert (len(hub.comments[12]), len(hub.comments[11])) == (151, 0)
    assert hub.posted("PATCH", f"/comments/{ours['id']}") == 1


def test_a_comment_of_somebody_else_with_our_marker_is_left_alone(hub: Double, analysis: Analysis) -> None:
    hub.open_pull(12, SHA)
    theirs: dict[str, Any] = {
        "id": 5,
        "body": f"{commenting.marker(analysis)} mine!",
        "user": {"id": ME + 1, "type": "User"},
    }
    hub.comments[12].append(theirs)
    assert go(delivery_of(finished(analysis), target_for(hub, analysis, "comment"))).status == "succeeded"
    assert theirs["body"].endswith("mine!")
    assert len(hub.comments[12]) == 2


def test_long_talk_under_a_pull_request_does_not_hide_our_comment(hub: Double, analysis: Analysis) -> None:
    hub.open_pull(12, SHA)
    theirs = {"user": {"id": 1, "type": "User"}}
    hub.comments[12] += [{"id": n, "body": "\N{ROBOT FACE}" * 65_000, **theirs} for n in range(40)]
    export, target = finished(analysis), target_for(hub, analysis, "comment")
    go(delivery_of(export, target))
    assert go(delivery_of(export, target)).status == "succeeded"
    assert len(hub.comments[12]) == 41


def test_an_app_knows_its_comment_by_its_kind(hub: Double, analysis: Analysis) -> None:
    hub.app = True
    hub.open_pull(12, SHA)
    export, target = finished(analysis), target_for(hub, analysis, "comment")
    go(delivery_of(export, target))
    assert go(delivery_of(export, target)).status == "succeeded"
    assert len(hub.comments[12]) == 1


def test_without_a_pull_request_there_is_no_comment(hub: Double, analysis: Analysis) -> None:
    done = go(delivery_of(finished(analysis), target_for(hub, analysis, "comment")))
    assert done.status == "succeeded"
    assert "No open pull request" in done.steps["comment"]["skipped"]


def test_a_comment_that_was_deleted_meanwhile_is_written_anew(hub: Double, analysis: Analysis) -> None:
    hub.open_pull(12, SHA)
    export, target = finished(analysis), target_for(hub, analysis, "comment")
    go(delivery_of(export, target))

    def deleted(double: Double, *_request: Any) -> Any:
        double.comments[12].clear()
        return 404, {"message": "Not Found"}

    hub.fail("PATCH", "/comments/", deleted)
    assert go(delivery_of(export, target)).status == "succeeded"
    assert len(hub.comments[12]) == 1


def test_a_server_that_repeats_the_token_does_not_make_us_show_it(hub: Double, analysis: Analysis) -> None:
    hub.fail("POST", "sarifs", (422, {"message": f"Bearer {TOKEN} may not"}))
    failed = go(delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning")))
    assert "may not" in failed.error_message
    assert TOKEN not in failed.error_message + json.dumps(failed.steps)


@pytest.mark.parametrize("status", [401, 403, 404, 413, 422])
def test_what_github_refuses_is_not_sent_again(hub: Double, analysis: Analysis, status: int) -> None:
    hub.fail("POST", "sarifs", (status, {"message": "No,\nyou may not."}))
    failed = go(delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning")))
    assert (failed.status, failed.error_code) == ("failed", f"http_{status}")
    assert "No, you may not" in failed.error_message
    assert deliver_due(seconds=5) == 0


@pytest.mark.parametrize(
    ("answer", "code", "wait"),
    [
        ((500, b"<html>"), "http_500", 10),
        ((503, {"message": "x"}, {"Retry-After": "120"}), "http_503", 120),
        ((503, {"message": "x"}, {"Retry-After": f"Mon, 01 Jan {'9' * 20} 00:00:00 GMT"}), "http_503", 10),
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
    delivery = go(delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning")))
    assert (delivery.status, delivery.error_code, delivery.failures) == ("pending", code, 1)
    assert delivery.not_before - before >= timedelta(seconds=wait)
    assert delivery.not_before - timezone.now() <= timedelta(seconds=1.4 * wait)
    hub.working = 0
    go(delivery)
    done = go(delivery)
    assert (done.status, done.error_code, done.error_message) == ("succeeded", "", "")


def test_tries_come_to_an_end(hub: Double, analysis: Analysis) -> None:
    hub.fail("POST", "sarifs", (502, b""), times=MOST_FAILURES)
    delivery = delivery_of(finished(analysis), target_for(hub, analysis, "code_scanning"))
    for _ in range(MOST_FAILURES - 1):
        assert go(delivery).status == "pending"
    assert (go(delivery).status, delivery.attempts) == ("failed", MOST_FAILURES)


def test_a_server_that_drips_is_cut_off(
    hub: Double, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "TRY_SECONDS", 1.5)
    monkeypatch.setattr(line.Line.__init__, "__kwdefaults__", {"seconds": 1.5})
    hub.fail("GET", "/pulls", Slow)
    delivery = go(delivery_of(finished(analysis), target_for(hub, analysis, "comment")))
    assert (delivery.status, delivery.error_code) == ("pending", "unreachable")


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("POST", "sarifs", (422, {"message": "no\x00t\u202ethis"})),
        ("GET", "sarifs/", (200, {"processing_status": "failed", "errors": "text"})),
        ("GET", "sarifs/", (200, {"processing_status": "failed", "errors": [None, {"a": "\x00"}, 7]})),
        ("GET", "sarifs/", (200, ["failed"])),
        ("GET", "/pulls", (200, {"number": 1})),
        ("GET", "/pulls", (200, [7, {"number": "12"}, {"number": 12, "state": "open", "head": 5}])),
        ("GET", "/comments", (200, [None, {"id": 1}, {"id": "x", "body": ["a"], "user": 5}])),
        ("POST", "/comments", (201, {"html_url": "https://github.example/\x00", "id": 1})),
        ("POST", "/comments", (201, {"html_url": "javascript:alert(1)"})),
        ("GET", "/status", (200, {"statuses": {"state": "success"}})),
        ("POST", "/statuses", (201, b"")),
    ],
)
def test_no_answer_of_a_server_breaks_the_worker(
    hub: Double, analysis: Analysis, method: str, path: str, answer: Any
) -> None:
    judged(analysis, "passed")
    hub.open_pull(12, SHA)
    hub.working = 0
    hub.fail(method, path, answer)
    target = target_for(hub, analysis, "code_scanning", "status", "comment")
    delivery = delivery_of(finished(analysis), target)
    go(delivery)
    if delivery.status == "pending":
        go(delivery)
    assert delivery.error_code != "internal_error"
    assert all(c.isprintable() for c in delivery.error_message)
    assert "javascript" not in delivery.external_url


def test_what_we_did_not_foresee_holds_up_no_other_delivery(
    hub: Double, analysis: Analysis, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = target_for(hub, analysis, "status"), target_for(hub, analysis, "comment")
    export = finished(analysis)
    first, second = delivery_of(export, broken), delivery_of(export, sound)
    monkeypatch.setattr(actions, "verdict_of", lambda _analysis: 1 / 0)
    assert deliver_due(seconds=30) == 2
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.error_code, first.failures) == ("pending", "internal_error", 1)
    assert second.status == "succeeded"


def test_what_was_refused_is_not_asked_for_again_while_the_rest_is_tried(
    hub: Double, analysis: Analysis
) -> None:
    judged(analysis, "passed")
    hub.fail("POST", "sarifs", (403, {"message": "Code scanning is not enabled"}))
    hub.fail("POST", "statuses", (502, b""))
    export, target = finished(analysis), target_for(hub, analysis, "code_scanning", "status")
    delivery = go(delivery_of(export, target))
    assert (delivery.status, delivery.error_code) == ("pending", "http_502")
    failed = go(delivery)
    assert (failed.status, failed.error_code) == ("failed", "http_403")
    assert (hub.posted("POST", "sarifs"), len(hub.statuses[SHA])) == (1, 1)
    assert go(delivery_of(export, target)).steps["code_scanning"]["upload"], "asked for again, all is tried"


def test_a_redirect_is_not_followed(hub: Double, analysis: Analysis) -> None:
    hub.fail("GET", "/pulls", (301, {"message": "Moved"}, {"Location": "http://169.254.169.254/"}))
    failed = go(delivery_of(finished(analysis), target_for(hub, analysis, "comment")))
    assert (failed.status, failed.error_code) == ("failed", "redirected")


def test_an_address_inside_is_not_dialled(hub: Double, analysis: Analysis, settings: Any) -> None:
    settings.OUTBOUND_ALLOW = ()
    delivery = go(delivery_of(finished(analysis), target_for(hub, analysis, "comment")))
    assert "CC_OUTBOUND_ALLOW" in delivery.error_message
    assert not hub.asked


def test_one_action_that_fails_does_not_keep_the_others_from_being_done(
    hub: Double, analysis: Analysis
) -> None:
    judged(analysis, "passed")
    hub.open_pull(12, SHA)
    hub.fail("POST", "sarifs", (403, {"message": "Code scanning is not enabled"}))
    target = target_for(hub, analysis, "code_scanning", "status", "comment")
    failed = go(delivery_of(finished(analysis), target))
    assert (failed.status, failed.error_code) == ("failed", "http_403")
    assert (len(hub.statuses[SHA]), len(hub.comments[12])) == (1, 1)
    assert failed.steps["code_scanning"]["error"]["code"] == "http_403"


def test_the_repository_is_read_from_the_source_where_none_is_named(hub: Double, analysis: Analysis) -> None:
    target = target_for(hub, analysis, "status", repository="")
    judged(analysis, "passed")
    delivery = delivery_of(finished(analysis), target)
    assert go(delivery).error_code == "no_repository", "the source lies on another server"
    analysis.repository.source = f"http://127.0.0.1/{OWNER_REPO}.git"
    analysis.repository.save()
    assert go(delivery_of(delivery.export, target)).status == "succeeded"


@pytest.mark.parametrize(
    ("source", "api", "name"),
    [
        ("https://github.com/octo/billing.git", "https://api.github.com", "octo/billing"),
        ("git@github.com:octo/billing.git", "https://api.github.com", "octo/billing"),
        ("ssh://git@github.com:22/octo/billing", "https://api.github.com", "octo/billing"),
        ("https://acme.ghe.com/octo/billing", "https://api.acme.ghe.com", "octo/billing"),
        ("https://ghe.example/octo/billing", "https://ghe.example/api/v3", "octo/billing"),
        ("https://github.com.evil.example/octo/billing", "https://api.github.com", None),
        ("https://github.com@evil.example/octo/billing", "https://api.github.com", None),
        ("https://evil.example/github.com/octo", "https://api.github.com", None),
        ("https://github.com/octo/..", "https://api.github.com", None),
    ],
)
def test_a_repository_is_that_of_its_own_server_only(source: str, api: str, name: str | None) -> None:
    assert repository_of(source, api) == name


def test_a_webhook_gets_the_file_with_a_signature(hub: Double, analysis: Analysis) -> None:
    secret = new_secret()
    target = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook?x=1", token=secret, repository="")
    export = exported(analysis)
    delivery = delivery_of(export, target)
    hub.fail("POST", "/hook", (503, b""))
    assert go(delivery).status == "pending"
    assert go(delivery).status == "succeeded"
    (headers, body) = hub.hooks[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), signed, "sha256")
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert json.loads(body)["analysis"]["id"] == analysis.pk
    assert (headers["content-type"], len(body)) == ("application/json", export.bytes)
    assert {each["webhook-id"] for each in hub.headers} == {str(delivery.message)}
    assert export.file_name in headers["content-disposition"]
    assert "authorization" not in headers


@pytest.mark.parametrize(
    ("status", "end", "words"),
    [
        (413, "failed", "too large"),
        (401, "pending", "secret"),
        (404, "pending", "address"),
        (418, "pending", "418"),
    ],
)
def test_a_webhook_that_does_not_take_the_file_is_quoted_with_what_to_do(
    hub: Double, analysis: Analysis, status: int, end: str, words: str
) -> None:
    target = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook", token=new_secret())
    hub.fail("POST", "/hook", (status, b""))
    tried = go(delivery_of(finished(analysis), target))
    assert (tried.status, tried.error_code) == (end, f"http_{status}")
    assert words in tried.error_message


def test_a_signature_is_that_of_a_published_example() -> None:
    key = base64.b64decode("plJ3nmyCDGBKInavdOK15jsl")
    body = b'{"event_type":"ping","data":{"success":true}}'
    made = signature(key, "msg_loFOjxBNrRLzqYUf", 1731705121, body)
    assert made == "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="


def test_a_webhook_that_is_gone_is_told_nothing_more(hub: Double, analysis: Analysis) -> None:
    target = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook", token=new_secret())
    hub.fail("POST", "/hook", (410, b""))
    assert go(delivery_of(finished(analysis), target)).error_code == "http_410"


def test_a_file_that_is_gone_is_not_delivered(hub: Double, analysis: Analysis, media: Any) -> None:
    target = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook", token=new_secret())
    export = finished(analysis)
    (media / export.artifact).unlink()
    assert go(delivery_of(export, target)).error_code == "file_missing"
    assert not hub.hooks


@pytest.mark.parametrize(
    "damaged", [lambda data: data[:-1], lambda data: data + b" ", lambda data: data.swapcase()]
)
def test_half_a_file_is_not_delivered_for_the_whole(
    hub: Double, analysis: Analysis, media: Any, damaged: Any
) -> None:
    export = exported(analysis, name="sarif", options={"profile": "github"})
    file = media / export.artifact
    file.write_bytes(damaged(file.read_bytes()))
    hook = target_for(hub, analysis, kind="webhook", url=f"{hub.url}/hook", token=new_secret())
    for target in (hook, target_for(hub, analysis, "code_scanning")):
        failed = go(delivery_of(export, target))
        assert (failed.status, failed.error_code) == ("failed", "file_damaged")
    assert not hub.asked


def test_a_lost_lease_says_nothing_and_the_next_worker_goes_on(hub: Double, analysis: Analysis) -> None:
    judged(analysis, "passed")
    delivery = delivery_of(finished(analysis), target_for(hub, analysis, "status"))
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
    delivery = delivery_of(finished(analysis), target_for(hub, analysis, "status"))
    for _ in range(MOST_FAILURES):
        assert claim() is not None
        ExportDelivery.objects.update(not_before=Now() - timedelta(seconds=1))
    assert go(delivery).error_code == "gave_up"
    assert not hub.asked


def test_two_deliveries_of_one_target_take_turns(hub: Double, analysis: Analysis) -> None:
    target = target_for(hub, analysis, "status")
    other = target_for(hub, analysis, "status")
    first, second = finished(analysis), finished(analysis)
    delivery_of(first, target), delivery_of(second, target), delivery_of(second, other)
    held = [claim(), claim(), claim()]
    assert [each and each.target_id for each in held] == [target.pk, other.pk, None]


def test_deliveries_go_with_their_export(hub: Double, analysis: Analysis) -> None:
    export = finished(analysis)
    delivery_of(export, target_for(hub, analysis, "status"))
    export.delete()
    assert not ExportDelivery.objects.exists()


def test_the_markers_of_two_repositories_differ(analysis: Analysis) -> None:
    other = analysis_of(make_repository(make_project()))
    assert commenting.marker(analysis) != commenting.marker(other)
