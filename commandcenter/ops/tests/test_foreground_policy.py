"""A command that reports at once judges by what it has just found out about packages."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.tests.corpus import HIGH, affected, record, since, write_zip
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.packages.registering import match_now
from commandcenter.analysis.policy.flows import create_policy
from commandcenter.analysis.tests.factories import analyse, dependency_row, make_repository, messages
from commandcenter.ops.foreground import judge_what_is_known, policy_violations

pytestmark = pytest.mark.django_db
PEN = record("GHSA-pen", affected("PyPI", "pen", *since("0", "1.2")), severity=[HIGH])


def judged(tmp_path: Path, *, with_policy: bool) -> list[str]:
    import_dump(write_zip(tmp_path / "all.zip", [PEN]))
    repository = make_repository()
    if with_policy:
        conditions = [{"metric": "vulnerabilities", "at_most": 0}]
        create_policy(by=None, project=repository.project, name="Gate", conditions=conditions)
    done = analyse(repository, messages(dependencies=[dependency_row("pen", "1.0")]))
    analysis = Analysis.objects.with_results().get(pk=done.pk)
    assert policy_violations(analysis) == []
    match_now(analysis)
    judge_what_is_known(analysis)
    return policy_violations(analysis)


def test_a_vulnerability_fails_the_gate_although_nobody_had_met_the_package_before(tmp_path: Path) -> None:
    assert judged(tmp_path, with_policy=True) == ["Known vulnerabilities: at most 0; it is 1."]


def test_without_a_policy_there_is_nothing_to_judge(tmp_path: Path) -> None:
    assert judged(tmp_path, with_policy=False) == []
