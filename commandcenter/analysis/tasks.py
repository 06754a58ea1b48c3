"""Housekeeping of analyses."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.conf import settings

from commandcenter.advisories.telling import tell_matched
from commandcenter.analysis.packages import registering
from commandcenter.analysis.policy import again, decided, overtaken
from commandcenter.analysis.portfolio import daily, standings
from commandcenter.analysis.results import retention
from commandcenter.analysis.results.unfinished import discard_abandoned
from commandcenter.analysis.rules import catalogue
from commandcenter.analysis.running.settle import BATCH, settle
from commandcenter.analysis.triage.reopen import BATCH as EXPIRED_BATCH
from commandcenter.analysis.triage.reopen import expire
from commandcenter.engine.source import prune_mirrors

log = structlog.get_logger(__name__)

MAX_BATCHES = 50


@shared_task(
    name=again.TASK,
    ignore_result=True,
    soft_time_limit=290,
    time_limit=300,
)
def judge_again(project_id: int, after: int) -> None:
    """Judge the latest analyses of a project by its policy as it is now; what the time does not allow goes on later."""
    rest = again.judge_again(project_id, after)
    if rest is not None:
        again.send(project_id, rest)


@shared_task(
    name=decided.TASK,
    ignore_result=True,
    soft_time_limit=290,
    time_limit=300,
)
def judge_decided(repositories: list[int], findings: list[int], after: int) -> None:
    """Judge again what people decided about; what the time does not allow goes on later."""
    rest = decided.judge_decided(repositories, findings, after)
    if rest is not None:
        decided.send(repositories, findings, rest)


@shared_task(
    name="commandcenter.analysis.tasks.judge_overtaken",
    ignore_result=True,
    soft_time_limit=290,
    time_limit=300,
)
def judge_overtaken() -> None:
    """Judge again what advisories or the day may have changed. Sent when packages were matched, and every hour."""
    judged = overtaken.judge_overtaken()
    standings.refresh_some(judged)
    if judged:
        log.info("verdicts judged again", action="judge", repositories=len(judged))


@shared_task(
    name=catalogue.TASK,
    ignore_result=True,
    soft_time_limit=110,
    time_limit=120,
)
def sync_rules() -> None:
    """Store the rules of the engines as they are now. Sent when an installation starts."""
    catalogue.synchronise()


@shared_task(
    name="commandcenter.analysis.tasks.settle_analyses",
    ignore_result=True,
    soft_time_limit=50,
    time_limit=60,
)
def settle_analyses() -> None:
    """End the analyses whose job has ended without them, and remove their rows. Beat sends this every minute."""
    for _ in range(MAX_BATCHES):
        if settle() < BATCH:
            break
    discard_abandoned()


@shared_task(
    name="commandcenter.analysis.tasks.expire_suppressions",
    ignore_result=True,
    soft_time_limit=50,
    time_limit=60,
)
def expire_suppressions() -> None:
    """Put on record which suppressions have run out. Beat sends this every minute."""
    for _ in range(MAX_BATCHES):
        if expire() < EXPIRED_BATCH:
            break


@shared_task(
    name="commandcenter.analysis.tasks.prune_mirrors",
    ignore_result=True,
    soft_time_limit=540,
    time_limit=600,
)
def prune_mirror_folder() -> None:
    """Remove the mirrors that nobody used longest, until the rest fits. Beat sends this every hour."""
    freed = prune_mirrors(settings.MIRRORS_DIR, settings.MIRRORS_BYTES)
    if freed:
        log.info("mirrors pruned", action="prune", bytes=freed)


@shared_task(
    name="commandcenter.analysis.tasks.keep_portfolio",
    ignore_result=True,
    soft_time_limit=110,
    time_limit=120,
)
def keep_portfolio() -> None:
    """Refresh how repositories stand, and the figures of today, and have verdicts kept. Beat sends this every hour."""
    tell_matched()
    changed = standings.refresh_all(seconds=60.0)
    daily.record()
    if changed:
        log.info("standings changed with time", action="refresh", repositories=changed)


@shared_task(
    name="commandcenter.analysis.tasks.register_packages",
    ignore_result=True,
    soft_time_limit=540,
    time_limit=600,
)
def register_packages() -> None:
    """Register packages in use that have no row yet, and forget those out of use. Beat sends this every hour."""
    new, gone = registering.register_current(), registering.forget_unused()
    if new or gone:
        log.info("packages registered", action="register", new=new, forgotten=gone)


@shared_task(
    name="commandcenter.analysis.tasks.prune_analyses",
    ignore_result=True,
    soft_time_limit=110,
    time_limit=120,
)
def prune_analyses() -> None:
    """Forget analyses and results beyond their time, for about 30 seconds. Beat sends this every hour."""
    done = retention.prune(seconds=30.0)
    if done.analyses or done.result_sets:
        log.info(
            "analyses pruned",
            action="prune",
            analyses=done.analyses,
            result_sets=done.result_sets,
            rows=done.rows,
            finished=done.finished,
        )
