"""What an analysis has for itself while it runs: one ref of one repository."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.running.handlers import AnalysisHandler
from commandcenter.analysis.running.requests import request_analysis
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.inventory.models import Repository
from jobs.exceptions import InvalidParameters

pytestmark = pytest.mark.django_db


def key(repository: Repository, ref: str) -> str:
    return request_analysis(repository, ref=ref, by=None, dispatch=False).exclusive_key


def test_the_default_branch_is_one_ref_by_its_name_or_without() -> None:
    repository = make_repository()
    Repository.objects.filter(pk=repository.pk).update(default_branch="trunk")
    assert key(repository, "") == key(repository, "trunk")
    assert len({key(repository, ref) for ref in ("", "feature", "v1.0")}) == 3


def test_repositories_do_not_wait_for_each_other() -> None:
    assert key(make_repository(), "") != key(make_repository(), "")


def test_many_are_checked_with_one_look_at_their_repositories_and_as_each_by_itself(
    django_assert_num_queries: Any,
) -> None:
    repositories = [make_repository() for _ in range(3)]
    mine, trunk, foreign = repositories
    Repository.objects.filter(pk=trunk.pk).update(project=mine.project, default_branch="trunk")
    given: list[dict[str, Any]] = [
        {"repository": mine.pk},
        {"repository": trunk.pk, "ref": "trunk"},
        {"repository": trunk.pk, "ref": "feature"},
        {"repository": foreign.pk},
        {"repository": True},
        {"repository": mine.pk, "ref": "a..b"},
        {"force": True},
    ]
    handler = AnalysisHandler()
    with django_assert_num_queries(1):
        many: list[Any] = handler.validate_many([(each, mine.project) for each in given])
    outcomes: list[Any] = []
    for each in given:
        try:
            valid = handler.validate(each, project=mine.project)
            outcomes.append((valid, handler.scope(valid)))
        except InvalidParameters as error:
            outcomes.append(str(error))
    assert [str(each) if isinstance(each, InvalidParameters) else each for each in many] == outcomes
    assert [isinstance(each, tuple) for each in many] == [True] * 3 + [False] * 4
    assert [each[1].exclusive.rsplit(":", 1)[1] == "default" for each in many[:3]] == [True, True, False]
