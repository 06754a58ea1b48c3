"""Judges the latest analyses of a project's default branches again, after its policy was edited."""

from __future__ import annotations

from time import monotonic
from typing import Any

import structlog
from celery import current_app
from django.db import models, transaction

from commandcenter.analysis.models import Analysis, BranchLine, Policy, PolicyVerdict
from commandcenter.analysis.policy.verdict import judge
from commandcenter.analysis.portfolio import standings
from commandcenter.core.sending import BRIEFLY

log = structlog.get_logger(__name__)

TASK = "commandcenter.analysis.tasks.judge_again"
PAGE = 100
SECONDS = 240.0  # of one task; what is left goes into the next one


class CannotSend(Exception):
    """The broker did not take the request; nothing has changed. Try again when it is back."""


def ask(policy: Policy) -> int:
    """Ask a worker to judge again and return how many analyses that will be. Raises CannotSend."""
    count = _latest(policy.project_id).count()
    if count:
        send(policy.project_id, 0)
    return count


def send(project_id: int, after: int) -> None:
    """Send the task that judges the branch lines with ids above `after`. Raises CannotSend."""
    send_task(TASK, project_id, after)


def send_task(name: str, *arguments: Any) -> None:
    """Have a worker judge. Raises CannotSend."""
    try:
        with current_app.connection_for_write(transport_options=BRIEFLY) as connection:
            current_app.send_task(
                name,
                args=list(arguments),
                queue="default",
                retry=False,
                ignore_result=True,
                connection=connection,
            )
    except Exception as error:
        log.warning("judging not sent", action="judge", task=name, arguments=arguments, error=str(error))
        raise CannotSend(CannotSend.__doc__) from error


def judge_again(project_id: int, after: int, *, seconds: float = SECONDS) -> int | None:
    """Judge the project's default branches above this id, each in a transaction of its own, and show how they stand.

    Return None when all are done, else the id after which to go on. Doing it twice changes nothing.
    """
    end = monotonic() + seconds
    while True:
        lines = list(
            _latest(project_id)
            .filter(pk__gt=after)
            .order_by("pk")
            .values_list("pk", "latest_id", "repository_id")[:PAGE]
        )
        judged = []
        for line, analysis_id, repository_id in lines:
            judge_one(analysis_id)
            judged.append(repository_id)
            after = line
            if monotonic() > end:
                break
        standings.refresh(judged)
        if len(judged) < len(lines):
            return after
        if len(lines) < PAGE:
            return None


def _latest(project_id: int) -> models.QuerySet[BranchLine]:
    return BranchLine.objects.filter(
        repository__project=project_id, is_default=True, latest__result_set__isnull=False
    )


def judge_one(analysis_id: int) -> None:
    """Judge an analysis with results by the policy as it is now; a violation is told if it is one only now."""
    with transaction.atomic():
        analysis = (
            Analysis.objects.select_for_update(of=("self",))
            .select_related("result_set")
            .filter(pk=analysis_id, result_set__isnull=False)
            .first()
        )
        if analysis is None or analysis.result_set is None:  # removed meanwhile
            return
        known = PolicyVerdict.objects.filter(analysis=analysis).values_list("status", flat=True).first()
        if judge(analysis, analysis.result_set, before=known) is None:
            PolicyVerdict.objects.filter(analysis=analysis).delete()
