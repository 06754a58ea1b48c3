"""Branches: a default branch that is renamed or becomes another keeps what people know; a lost line breaks nothing."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from commandcenter.analysis.models import Analysis, BranchLine, Finding
from commandcenter.analysis.tests.factories import (
    analyse,
    file_row,
    finding,
    make_project,
    make_repository,
    make_user,
    messages,
)
from commandcenter.analysis.triage.assign import assign
from commandcenter.analysis.triage.suppress import suppress
from commandcenter.inventory.models import Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Any:
    made = make_repository(make_project())
    analyse(made, messages([finding("a"), finding("b")]))
    return made


@pytest.fixture
def user(repository: Any) -> Any:
    return make_user(repository.project, Role.OPERATOR)


def of(name: str, branch: str) -> Finding:
    return Finding.objects.get(fingerprint=f"v1:{name}", branch_line__name=branch)


def on(repository: Any, branch: str, *names: str) -> Analysis:
    return analyse(repository, messages([finding(name) for name in names]), ref=branch, asked_for=branch)


def test_an_engine_that_failed_in_the_first_analysis_of_a_branch_brings_no_news_later(
    repository: Any,
) -> None:
    failed = messages([], engines={"manifests": "ok", "ruff": "failed", "secrets": "ok"})
    analyse(repository, failed, ref="topic", asked_for="topic")
    later = on(repository, "topic", "a", "b", "here")
    assert later.delta is not None
    assert (later.delta["new"] + later.delta["new_by_rule"], later.delta["existing"]) == (1, 2)
    assert (of("a", "topic").state, of("here", "topic").state) == ("existing", "new")
    again = on(repository, "topic", "a", "b", "here")
    assert again.delta is not None
    assert again.delta["existing"] == 3


def test_a_default_branch_with_a_new_name_keeps_its_findings(repository: Any, user: Any) -> None:
    one = of("a", "main")
    suppress([one.pk], by=user, reason="Accepted.")
    after = analyse(repository, messages([finding("a"), finding("b")]), ref="trunk", default="trunk")
    assert of("a", "trunk").pk == one.pk
    assert of("a", "trunk").suppression_reason == "Accepted."
    assert after.delta is not None
    assert (after.delta["new"], after.delta["existing"]) == (0, 2)
    assert list(BranchLine.objects.values_list("name", "is_default")) == [("trunk", True)]


def test_another_branch_that_becomes_the_default_takes_over(repository: Any, user: Any) -> None:
    suppress([of("a", "main").pk], by=user, reason="Accepted.")
    assign([of("b", "main").pk], by=user, assignee=user)
    on(repository, "develop", "a", "b", "c")
    on(repository, "topic", "a", "b")
    analyse(
        repository, messages([finding("a"), finding("b"), finding("c")]), ref="develop", default="develop"
    )
    now = of("a", "develop")
    assert (now.suppression_reason, now.decided, now.counterpart_id) == ("Accepted.", True, None)
    assert (of("b", "develop").assignee_id, of("b", "develop").assigned) == (user.pk, True)
    suppress([of("b", "develop").pk], by=user, reason="Since then.")
    assert of("b", "topic").suppression_reason == "Since then."
    assert of("b", "main").suppression_reason == "Since then.", "the old default follows the new one"
    assert dict(BranchLine.objects.values_list("name", "is_default")) == {
        "main": False, "develop": True, "topic": False,
    }  # fmt: skip


def test_a_branch_knows_what_the_default_branch_has_under_another_name(repository: Any, user: Any) -> None:
    """The branch renames a file before its first analysis: its findings are no news, and decisions hold."""
    blob = {"blob": "f" * 40}
    plain = finding("old", snippet="eval(x)")
    analyse(repository, messages([plain], files=[file_row("src/old.py", **blob)]))
    suppress([of("old", "main").pk], by=user, reason="Accepted.")
    moved = finding("new", snippet="eval(x)")
    branch = analyse(
        repository, messages([moved], files=[file_row("src/new.py", **blob)]), ref="topic", asked_for="topic"
    )
    here = of("new", "topic")
    assert (here.state, here.suppression_reason) == ("existing", "Accepted.")
    assert branch.delta is not None
    assert (branch.delta["new"], branch.delta["suppressed"]) == (0, 1)
    assert of("old", "main").path == "src/old.py", "the default branch is untouched"


def test_an_analysis_whose_line_is_gone_can_still_be_read(repository: Any, user: Any) -> None:
    branch = on(repository, "topic", "a", "c")
    BranchLine.objects.get(name="topic").delete()
    client = APIClient()
    client.force_authenticate(user)
    for path in ("", "/findings", "/dependencies", "/files"):
        assert client.get(f"/api/v1/analyses/{branch.pk}{path}").status_code == 200
    again = on(repository, "topic", "a", "c")
    assert again.delta is not None
    assert (again.delta["new"], again.delta["existing"]) == (1, 1), "it starts from the default branch again"
