"""From `git push` to the analysis of what was pushed, with a real repository, a real signature and a real job."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.accounts.tests.factories import api, make_staff
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.conftest import (  # noqa: F401
    FILES,
    GitRepository,
    folders,
    scripted_engines,
)
from commandcenter.inventory.tests.factories import make_repository
from jobs.models import Job
from jobs.running.execution import execute
from webhooks.models import InboundDelivery
from webhooks.tests.conftest import COMMITTED_WITH_JOBS
from webhooks.tests.factories import make_source
from webhooks.tests.hooks import github, push

pytestmark = COMMITTED_WITH_JOBS


def run(job_id: int) -> Analysis:
    """Run the queued job as a worker would."""
    job = Job.objects.get(pk=job_id)
    assert job.dispatch_id is not None
    assert execute(job.pk, job.dispatch_id) is not None
    return Analysis.objects.get(job=job_id)


@pytest.mark.usefixtures("scripted_engines")
def test_what_is_pushed_is_analysed(folders: Any) -> None:  # noqa: F811
    work, bare = GitRepository(folders / "sources" / "work"), folders / "sources" / "app.git"
    first = work.commit(FILES)
    work.git("clone", "-q", "--bare", ".", str(bare))
    work.git("remote", "add", "origin", str(bare))
    source = make_source(make_repository(source=str(bare)), watched=["main", "release/*"])

    analysis = run(github(source, push(after=first)).json()["job"])
    assert (analysis.status, analysis.ref, analysis.commit) == ("complete", "main", first)

    work.git("checkout", "-q", "-b", "release/1")
    second = work.commit({"README.md": "# Changed\n"})
    work.git("push", "-q", "origin", "release/1")
    answer = github(source, push("refs/heads/release/1", after=second)).json()
    analysis = run(answer["job"])
    assert (analysis.status, analysis.ref, analysis.commit) == ("complete", "release/1", second)
    assert InboundDelivery.objects.get(pk=answer["received"]).commit == analysis.commit
    shown = api(make_staff()).get(f"/api/v1/jobs/{answer['job']}").json()
    assert (shown["origin"], shown["status"]) == ({"kind": "webhook", "id": source.pk}, "completed")
