"""An empty installation starts with one project, one repository and its analysis."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from commandcenter.inventory.models import Project, Repository
from commandcenter.ops.first_run import register

pytestmark = pytest.mark.django_db

SOURCE = "https://git.example.com/team/service.git"


def test_a_source_is_registered_once_and_analysed_each_time() -> None:
    first, second = register(SOURCE), register(SOURCE)
    assert Repository.objects.get(source=SOURCE).name == "service"
    assert first.parameters["repository"] == second.parameters["repository"]
    assert first.origin_kind == "command"


def test_another_source_of_the_same_name_gets_a_number() -> None:
    register(SOURCE)
    register("https://git.example.org/other/service.git")
    assert sorted(Repository.objects.values_list("name", flat=True)) == ["service", "service-2"]


def test_a_source_that_may_not_be_read_leaves_nothing_behind() -> None:
    with pytest.raises(ValidationError):
        register("file:///etc/passwd")
    assert not Project.objects.exists()
