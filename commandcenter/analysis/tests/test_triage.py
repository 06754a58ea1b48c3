"""What people decide about findings: it holds, it is on record, it expires, and two at once make one truth."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from rest_framework.test import APIClient

from commandcenter.analysis.api.finding_shapes import (
    FindingDetailSerializer,
    FindingSerializer,
    HistorySerializer,
    SuppressionSerializer,
)
from commandcenter.analysis.models import Analysis, Finding, FindingAction, FindingTransition
from commandcenter.analysis.tasks import expire_suppressions
from commandcenter.analysis.tests.factories import (
    analyse,
    end,
    finding,
    make_project,
    make_repository,
    make_user,
    messages,
    start,
    tree_ref,
)
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.events.models import Event
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db


def client(user: Any) -> APIClient:
    made = APIClient()
    made.force_authenticate(user)
    return made


@pytest.fixture
def project() -> Any:
    return make_project()


@pytest.fixture
def repository(project: Any) -> Any:
    made = make_repository(project)
    analyse(made, messages([finding("a"), finding("b", severity="low")]))
    return made


@pytest.fixture
def operator(project: Any) -> Any:
    return make_user(project, Role.OPERATOR)


@pytest.fixture
def api(operator: Any) -> APIClient:
    return client(operator)


def of(repository: Any, name: str, branch: str = "main") -> Finding:
    return Finding.objects.get(repository=repository, fingerprint=f"v1:{name}", branch_line__name=branch)


def post(api: APIClient, finding_: Finding, action: str, **body: Any) -> Any:
    return api.post(f"/api/v1/findings/{finding_.pk}/{action}", body, format="json")


def expire_now(*findings: Finding) -> None:
    """Move the end of suppressions into the past, as time does."""
    ids = [each.pk for each in findings]
    Finding.objects.filter(pk__in=ids).update(suppressed_until=Now() - timedelta(seconds=1))


def test_a_suppressed_finding_is_shown_with_its_reason_and_counted_apart(
    api: APIClient, operator: Any, repository: Any
) -> None:
    until = timezone.now() + timedelta(days=7)
    answer = post(
        api, of(repository, "a"), "suppress", reason="A test key.", kind="false_positive", expires_at=until
    )
    assert answer.status_code == 200, answer.content
    shown = answer.json()["suppression"]
    assert (shown["kind"], shown["reason"], shown["by"], shown["inherited"]) == (
        "false_positive", "A test key.", operator.pk, False,
    )  # fmt: skip
    assert shown["expires_at"].startswith(f"{until:%Y-%m-%d}")
    assert answer.json()["state"] == "new", "a decision is no state"
    suppressed = api.get("/api/v1/findings?suppressed=true").json()["results"]
    assert [row["path"] for row in suppressed] == ["src/a.py"]
    others = api.get("/api/v1/findings?suppressed=false").json()["results"]
    assert [row["path"] for row in others] == ["src/b.py"]
    analysis = Analysis.objects.get()
    counts = api.get(f"/api/v1/analyses/{analysis.pk}").json()["summary"]["findings"]
    assert (counts["total"], counts["suppressed"]) == (2, 1)
    rows = api.get(f"/api/v1/analyses/{analysis.pk}/findings").json()["results"]
    assert [(row["path"], bool(row["suppression"])) for row in rows] == [
        ("src/a.py", True),
        ("src/b.py", False),
    ]


def test_a_suppression_lasts_through_fix_and_return(api: APIClient, repository: Any) -> None:
    post(api, of(repository, "a"), "suppress", reason="Accepted.")
    analyse(repository, messages([finding("b")]))
    last = analyse(repository, messages([finding("a"), finding("b")]))
    back = of(repository, "a")
    assert (back.state, back.suppression_kind) == ("reopened", "accepted_risk")
    assert last.delta is not None
    assert last.delta["suppressed"] == 1


def test_who_names_the_assignee_by_another_word_is_told_the_right_one(
    api: APIClient, operator: Any, repository: Any
) -> None:
    answer = post(api, of(repository, "a"), "assign", assignee=operator.pk)
    assert answer.status_code == 400
    said = {error["field"]: error["message"] for error in answer.json()["errors"]}
    assert "id of the user" in said["user"]
    assert of(repository, "a").assignee_id is None


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("suppress", {}, "reason"),
        ("suppress", {"reason": "  "}, "reason"),
        ("suppress", {"reason": "x" * 4001}, "reason"),
        ("suppress", {"reason": "x", "kind": "tired"}, "kind"),
        ("suppress", {"reason": "x", "expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ("suppress", {"reason": "x", "expires_at": "soon"}, "expires_at"),
        ("suppress", {"reason": "x", "until": "2099-01-01T00:00:00Z"}, "until"),
        ("assign", {}, "user"),
        ("assign", {"user": "me"}, "user"),
        ("assign", {"user": 2**40}, "user"),
        ("comment", {"comment": ""}, "comment"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_changes_nothing(
    api: APIClient, repository: Any, action: str, body: Any, field: str
) -> None:
    before = Finding.objects.values().get(pk=of(repository, "a").pk)
    answer = post(api, of(repository, "a"), action, **body)
    assert answer.status_code == 400, answer.content
    assert answer.json()["errors"][0]["field"] == field
    assert Finding.objects.values().get(pk=before["id"]) == before
    assert not FindingAction.objects.exists()


def test_a_decision_that_does_not_fit_is_a_conflict(api: APIClient, repository: Any) -> None:
    one = of(repository, "a")
    assert post(api, one, "reopen").json()["code"] == "not_suppressed"
    post(api, one, "suppress", reason="Accepted.")
    again = post(api, one, "suppress", reason="Twice.")
    assert (again.status_code, again.json()["code"]) == (409, "already_suppressed")
    analyse(repository, messages([finding("a")]))
    assert post(api, of(repository, "b"), "suppress", reason="Gone.").json()["code"] == "fixed"


def test_reopening_takes_the_suppression_back(api: APIClient, repository: Any) -> None:
    one = of(repository, "a")
    post(api, one, "suppress", reason="Accepted.")
    answer = post(api, one, "reopen", comment="Not any more.")
    assert answer.status_code == 200
    assert answer.json()["suppression"] is None
    delta = Analysis.objects.get().delta
    assert delta is not None
    assert delta["suppressed"] == 0


def test_only_who_may_see_and_operate_may_decide(project: Any, repository: Any) -> None:
    one = of(repository, "a")
    assert post(client(make_user()), one, "suppress", reason="x").status_code == 404
    assert post(client(make_user(project)), one, "suppress", reason="x").status_code == 403
    assert post(APIClient(), one, "suppress", reason="x").status_code == 401
    assert post(client(make_user(staff=True)), one, "suppress", reason="x").status_code == 200


def test_a_finding_is_given_to_someone_who_sees_the_project(
    api: APIClient, project: Any, operator: Any, repository: Any
) -> None:
    one = of(repository, "a")
    stranger = make_user()
    refused = post(api, one, "assign", user=stranger.pk)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "assignee_cannot_see")
    viewer = make_user(project)
    assert post(api, one, "assign", user=viewer.pk).json()["assignee"] == viewer.pk
    post(api, of(repository, "b"), "assign", user=operator.pk)
    mine = api.get("/api/v1/findings?assignee=me").json()["results"]
    assert [row["path"] for row in mine] == ["src/b.py"]
    theirs = api.get(f"/api/v1/findings?assignee={viewer.pk}").json()["results"]
    assert [row["path"] for row in theirs] == ["src/a.py"]
    assert post(api, one, "assign", user=None).json()["assignee"] is None
    nobody = api.get("/api/v1/findings?assignee=none").json()["results"]
    assert [row["path"] for row in nobody] == ["src/a.py"]


def test_every_decision_is_on_record_in_order(api: APIClient, operator: Any, repository: Any) -> None:
    one = of(repository, "a")
    post(api, one, "comment", comment="Seen.")
    post(api, one, "assign", user=operator.pk)
    post(api, one, "assign", user=operator.pk)  # changes nothing, so says nothing
    post(api, one, "suppress", reason="Accepted.")
    post(api, one, "reopen")
    actions = list(FindingAction.objects.filter(finding=one).order_by("pk"))
    assert [action.kind for action in actions] == ["commented", "assigned", "suppressed", "reopened"]
    assert {action.actor_name for action in actions} == {operator.username}
    assert (actions[1].before, actions[1].after) == ({"assignee": None}, {"assignee": operator.pk})
    assert actions[3].before is not None
    assert (actions[3].before["reason"], actions[3].after) == ("Accepted.", None)
    types = list(Event.objects.filter(subject_kind="finding").order_by("pk").values_list("type", flat=True))
    assert types == ["finding.commented", "finding.assigned", "finding.suppressed", "finding.unsuppressed"]
    history = api.get(f"/api/v1/findings/{one.pk}").json()["history"]
    assert [entry.get("action", entry.get("to")) for entry in history] == [
        "reopened", "suppressed", "assigned", "commented", "new",
    ]  # fmt: skip


def test_what_is_described_is_what_is_shown(api: APIClient, operator: Any, repository: Any) -> None:
    one = of(repository, "a")
    post(api, one, "suppress", reason="Accepted.")
    shown = api.get(f"/api/v1/findings/{one.pk}").json()
    assert set(shown) == set(FindingDetailSerializer().fields)
    assert set(shown["suppression"]) == set(SuppressionSerializer().fields)
    for entry in shown["history"]:
        assert set(entry) <= set(HistorySerializer().fields)
    listed = api.get("/api/v1/findings").json()["results"][0]
    assert set(listed) == set(FindingSerializer().fields)


def test_an_expired_suppression_is_over_before_anything_ran(api: APIClient, repository: Any) -> None:
    one = of(repository, "a")
    until = timezone.now() + timedelta(days=1)
    post(api, one, "suppress", reason="For a day.", expires_at=until)
    expire_now(one)
    assert api.get(f"/api/v1/findings/{one.pk}").json()["suppression"] is None
    assert api.get("/api/v1/findings?suppressed=true").json()["results"] == []
    assert not FindingAction.objects.filter(kind="expired").exists()
    expire_suppressions()
    expire_suppressions()  # a second beat finds nothing to do
    over = FindingAction.objects.get(kind="expired")
    assert over.actor_id is None
    assert over.before is not None
    assert over.before["reason"] == "For a day."
    event = Event.objects.get(type="finding.suppression_expired")
    assert event.data["findings"] == [one.pk]
    delta = Analysis.objects.get().delta
    assert delta is not None
    assert delta["suppressed"] == 0


def test_deciding_anew_after_expiry_needs_no_sweep(api: APIClient, repository: Any) -> None:
    one = of(repository, "a")
    post(api, one, "suppress", reason="First.", expires_at=timezone.now() + timedelta(days=1))
    expire_now(one)
    assert post(api, one, "suppress", reason="Second.").status_code == 200
    kinds = FindingAction.objects.filter(finding=one).order_by("pk").values_list("kind", flat=True)
    assert list(kinds) == ["suppressed", "expired", "suppressed"]


def test_the_few_that_are_suppressed_are_found_among_many_by_an_index(
    api: APIClient, project: Any, operator: Any
) -> None:
    many = make_repository(project)
    analyse(many, messages([finding(f"n{number}") for number in range(3000)]))
    chosen = list(Finding.objects.filter(repository=many).order_by("pk").values_list("pk", flat=True)[:3])
    suppress(chosen, by=operator, reason="x")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE analysis_finding")
    listed = Finding.objects.visible_to(operator).on_default_branches().suppressed().order_by("-pk")[:101]
    assert "finding_silenced" in listed.explain()
    mine = Finding.objects.visible_to(operator).filter(assignee=operator).order_by("-pk")[:101]
    assert "finding_assignee" in mine.explain()


# --- branches ---------------------------------------------------------------------------------------------------------


def branch(repository: Any, *names: str) -> Analysis:
    return analyse(repository, messages([finding(name) for name in names]), ref="topic", asked_for="topic")


def test_decisions_of_the_default_branch_hold_on_others_and_none_leaks_back(
    api: APIClient, operator: Any, repository: Any
) -> None:
    post(api, of(repository, "a"), "suppress", reason="Accepted.")
    branch(repository, "a", "b")
    here = api.get(f"/api/v1/findings/{of(repository, 'a', 'topic').pk}").json()
    assert here["suppression"]["inherited"]
    post(api, of(repository, "b"), "suppress", reason="Later.")
    post(api, of(repository, "b"), "assign", user=operator.pk)
    later = of(repository, "b", "topic")
    assert (later.suppression_reason, later.assignee_id) == ("Later.", operator.pk)
    post(api, of(repository, "a", "topic"), "reopen")
    assert of(repository, "a", "topic").suppression_kind == ""
    assert of(repository, "a").suppression_kind == "accepted_risk"
    post(api, of(repository, "a"), "reopen")
    post(api, of(repository, "a", "topic"), "suppress", reason="Here alone.")
    assert of(repository, "a").suppression_kind == ""


def test_what_a_branch_met_first_follows_the_default_branch_once_it_is_there(
    api: APIClient, repository: Any
) -> None:
    branch(repository, "a", "b", "early")
    analyse(repository, messages([finding("a"), finding("b"), finding("early")]))
    post(api, of(repository, "early"), "suppress", reason="Accepted.")
    assert of(repository, "early", "topic").suppression_reason == "Accepted."


def test_expiry_on_the_default_branch_ends_it_on_others(api: APIClient, repository: Any) -> None:
    branch(repository, "a")
    post(api, of(repository, "a"), "suppress", reason="x", expires_at=timezone.now() + timedelta(days=1))
    expire_now(of(repository, "a"), of(repository, "a", "topic"))
    expire_suppressions()
    assert of(repository, "a", "topic").suppression_kind == ""
    assert FindingAction.objects.filter(kind="expired").count() == 1, "the branch decided nothing"


# --- in bulk ----------------------------------------------------------------------------------------------------------


def bulk(api: APIClient, **body: Any) -> Any:
    return api.post("/api/v1/findings/bulk", body, format="json")


def test_a_bulk_does_what_it_can_and_says_what_it_skipped(
    api: APIClient, operator: Any, repository: Any
) -> None:
    hidden = make_repository()
    analyse(hidden, messages([finding("a")]))
    seen = make_repository()
    seen.project.memberships.create(user=operator, role=Role.VIEWER)
    analyse(seen, messages([finding("a")]))
    one, two, secret, read_only = (
        of(repository, "a"), of(repository, "b"), of(hidden, "a"), of(seen, "a"),
    )  # fmt: skip
    post(api, two, "suppress", reason="Before.")
    answer = bulk(
        api, ids=[one.pk, one.pk, two.pk, secret.pk, read_only.pk, 10**12], action="suppress", reason="All."
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["done"] == [one.pk]
    assert {each["id"]: each["code"] for each in answer.json()["skipped"]} == {
        two.pk: "already_suppressed",
        secret.pk: "not_found",
        read_only.pk: "forbidden",
        10**12: "not_found",
    }
    assert of(hidden, "a").suppression_kind == ""


def test_a_bulk_of_a_thousand_takes_as_many_statements_as_one_of_ten(
    api: APIClient, project: Any, django_assert_max_num_queries: Any
) -> None:
    repository = make_repository(project)
    analyse(repository, messages([finding(f"n{number}") for number in range(1000)]))
    ids = list(Finding.objects.filter(repository=repository).values_list("pk", flat=True))
    with django_assert_max_num_queries(30):
        answer = bulk(api, ids=ids, action="suppress", reason="All of them.")
    assert len(answer.json()["done"]) == 1000
    assert Event.objects.filter(type="finding.suppressed").count() == 1
    assert bulk(api, ids=[*ids, 1], action="reopen").status_code == 400


def test_a_bulk_by_filter_takes_what_the_list_shows(api: APIClient, repository: Any) -> None:
    answer = bulk(
        api, filter={"repository": repository.pk, "severity": ["low"]}, action="comment", comment="Low."
    )
    assert answer.json() == {"done": [of(repository, "b").pk], "skipped": []}
    assert bulk(api, filter={"sevrity": "low"}, action="reopen").json()["errors"][0]["code"] == "unknown"
    assert bulk(api, filter={"severity": "awful"}, action="reopen").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": [], "action": "reopen"},
        {"ids": [1]},
        {"ids": [1], "action": "dance"},
        {"ids": ["a"], "action": "reopen"},
        {"ids": [1], "filter": {}, "action": "reopen"},
        {"ids": [1], "action": "suppress"},
        {"ids": [1], "action": "reopen", "reason": "x"},
        {"ids": {"a": 1}, "action": "reopen"},
        {"filter": [1], "action": "reopen"},
        {"filter": {"severity": {"a": 1}}, "action": "reopen"},
        {"filter": {"state": None}, "action": "reopen"},
    ],
)
def test_a_bulk_that_cannot_be_meant_is_refused(api: APIClient, body: Any) -> None:
    assert bulk(api, **body).status_code == 400


def test_a_repeated_request_with_its_key_does_nothing_again(api: APIClient, repository: Any) -> None:
    one = of(repository, "a")
    for replayed in (False, True):
        answer = api.post(
            f"/api/v1/findings/{one.pk}/suppress",
            {"reason": "Once."},
            format="json",
            HTTP_IDEMPOTENCY_KEY="triage-1",
        )
        assert answer.status_code == 200
        assert ("Idempotent-Replayed" in answer.headers) is replayed
    assert FindingAction.objects.count() == 1


# --- races ------------------------------------------------------------------------------------------------------------


def together(*works: Any) -> list[Any]:
    """Run the works at once, each in a thread with a connection of its own; return what they gave."""
    results: list[Any] = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def run(place: int) -> None:
        try:
            barrier.wait(10)
            results[place] = works[place]()
        except Exception as error:  # noqa: BLE001 (given to the test)
            results[place] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_make_one_decision(project: Any, repository: Any) -> None:
    one = of(repository, "a")
    people = [make_user(project, Role.OPERATOR) for _ in range(4)]
    outcomes = together(
        *(lambda user=user: suppress([one.pk], by=user, reason=user.username) for user in people)
    )
    done = [user for user, outcome in zip(people, outcomes, strict=True) if outcome.done]
    assert len(done) == 1, outcomes
    assert of(repository, "a").suppression_reason == done[0].username
    assert FindingAction.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_decision_against_an_analysis_that_fixes_it_leaves_one_truth(project: Any, repository: Any) -> None:
    """Whoever is first: a suppression of what was open still, or a refusal because it is fixed. Never both or neither."""
    user = make_user(project, Role.OPERATOR)
    one = of(repository, "a")
    running = start(repository, tree_ref())
    outcome, ended = together(
        lambda: suppress([one.pk], by=user, reason="x"),
        lambda: end(running, messages([finding("b")])),
    )
    assert isinstance(ended, Analysis), ended
    now = of(repository, "a")
    assert now.state == "fixed"
    assert bool(now.suppression_kind) == bool(outcome.done)
    assert [each.code for each in outcome.skipped] == ([] if outcome.done else ["fixed"])
    assert FindingTransition.objects.filter(analysis=ended, to_state="fixed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_decisions_on_two_branches_and_their_analyses_never_lock_each_other_out(
    project: Any, repository: Any
) -> None:
    user = make_user(project, Role.OPERATOR)
    branch(repository, "a", "b")
    first = start(repository, tree_ref())
    second = start(repository, tree_ref(ref="topic"), asked_for="topic")
    said = messages([finding("a"), finding("b"), finding("c")])
    results = together(
        lambda: suppress([of(repository, "a").pk, of(repository, "b").pk], by=user, reason="x"),
        lambda: suppress([of(repository, "b", "topic").pk], by=user, reason="y"),
        lambda: end(first, said),
        lambda: end(second, said),
    )
    assert not [result for result in results if isinstance(result, Exception)], results
    assert of(repository, "a", "topic").suppression_reason == "x"
