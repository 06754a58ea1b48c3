"""Optional engines through the job, the API and the checks: what is missing makes an analysis partial and says why."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.checks import run_checks

from commandcenter.analysis import engines
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.engine.engines import ENGINES
from commandcenter.engine.optional import OptionalEngines


@pytest.mark.django_db(transaction=True)
def test_a_named_engine_that_is_missing_makes_the_analysis_partial(
    folders: Any, git_repository: Any, settings: Any, client: Any, django_user_model: Any
) -> None:
    settings.ENGINES_OPTIONAL = OptionalEngines(("jscpd",), jscpd=str(folders / "none"))
    job = run(make_repository(source=str(git_repository.folder)))
    analysis = analysis_of(job)
    assert analysis.status == "partial"
    assert job.result["incomplete_engines"] == ["jscpd"]
    client.force_login(django_user_model.objects.create_superuser("root", password="a long pass phrase"))
    shown = client.get(f"/api/v1/analyses/{analysis.pk}").json()
    (report,) = [engine for engine in shown["engines"] if engine["id"] == "jscpd"]
    assert (report["status"], report["findings"]) == ("unavailable", 0)
    assert report["detail"] == f"There is no program at {folders / 'none'}."


@pytest.mark.usefixtures("folders")
def test_what_is_not_named_is_not_planned() -> None:
    assert engines.planned_engines().ids == list(ENGINES)


def _found(settings: Any, **chosen: Any) -> list[str | None]:
    settings.ENGINES_OPTIONAL = OptionalEngines(**chosen)
    return [problem.id for problem in run_checks() if (problem.id or "").startswith("analysis.")]


def test_semgrep_without_rules_is_a_warning(settings: Any) -> None:
    assert _found(settings) == []
    assert _found(settings, names=("semgrep",)) == ["analysis.W001"]
    assert _found(settings, names=("jscpd",)) == []


def test_rules_where_repositories_are_read_from_are_refused(settings: Any, tmp_path: Any) -> None:
    settings.SOURCE_ROOTS, settings.MIRRORS_DIR = (tmp_path / "sources",), tmp_path / "mirrors"
    (tmp_path / "link").symlink_to(tmp_path / "sources")
    for place, problems in (
        ("rules", []),
        ("sources/rules", ["analysis.E001"]),
        ("mirrors", ["analysis.E001"]),
        ("link/rules", ["analysis.E001"]),
        ("sources-of-rules", []),
    ):
        assert _found(settings, names=("semgrep",), semgrep_rules=str(tmp_path / place)) == problems
