"""Files that an engine cannot read any more: listed with the reason, and their findings stay open."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.analysis.models import Finding
from commandcenter.analysis.tests.factories import make_repository, make_user
from commandcenter.analysis.tests.running import analysis_of, run
from commandcenter.analysis.tests.test_api import client
from commandcenter.dashboard.tests.conftest import signed_in
from commandcenter.inventory.models import Role

LEAK = "import subprocess\n\n\ndef run(name):\n    return subprocess.call('ls ' + name, shell=True)\n"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("folders")
def test_a_syntax_error_closes_nothing_and_is_listed(git_repository: Any) -> None:
    git_repository.commit({"tool.py": LEAK, "fine.py": "x = 1\n"})
    repository = make_repository(source=str(git_repository.folder))
    run(repository)
    before = set(Finding.objects.filter(path="tool.py", rule__engine="ruff").values_list("pk", flat=True))
    assert before
    git_repository.commit({"tool.py": LEAK + "def (:\n", "big.py": "x = 1\n" * (1024 * 1024)})
    analysis = analysis_of(run(repository))
    assert analysis.delta["fixed"] == 0
    still = Finding.objects.filter(pk__in=before).exclude(state="fixed")
    assert {finding.pk for finding in still} == before

    viewer = make_user(analysis.project, Role.VIEWER)
    rows = client(viewer).get(f"/api/v1/analyses/{analysis.pk}/unread", {"engine": "ruff"}).json()["results"]
    assert [(row["engine"], row["path"]) for row in rows] == [("ruff", "big.py"), ("ruff", "tool.py")]
    assert rows[0]["reason"] == "It is larger than 5 MiB."
    (ruff,) = (each for each in analysis.result_set.engines if each["id"] == "ruff")
    assert (ruff["status"], ruff["failures"]) == ("ok", 2)

    pages = signed_in(viewer)
    summary = pages.get(f"/analyses/{analysis.pk}/").content.decode()
    assert f'href="/analyses/{analysis.pk}/unread/?engine=ruff">ruff (2 files)' in summary
    listed = pages.get(f"/analyses/{analysis.pk}/unread/?engine=ruff").content.decode()
    assert "tool.py" in listed
    assert "larger than 5 MiB" in listed
    assert client(make_user()).get(f"/api/v1/analyses/{analysis.pk}/unread").status_code == 404
