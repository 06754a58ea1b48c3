"""What an analysis has for itself while it runs: one ref of one repository."""

from __future__ import annotations

import pytest

from commandcenter.analysis.running.requests import request_analysis
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.inventory.models import Repository

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
