"""Makes the deliveries that are due: claimed one by one, tried, and tried again later where that may help."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from commandcenter.analysis.models import Analysis
from commandcenter.core.encryption import DecryptionFailed
from exports.delivery import webhook
from exports.delivery.actions import act
from exports.delivery.github import GitHub, repository_of
from exports.delivery.models import Action, DeliveryStatus, DeliveryTarget, ExportDelivery, TargetKind
from exports.delivery.outcomes import DeliveryError, Later, LeaseLost, Refused, StillWorking
from exports.delivery.recording import MOST_FAILURES, end, hold, later, postpone
from exports.delivery.subject import Step, Subject
from exports.models import Export, Outcome

MOST_COLLISIONS = 5
LEASE = timedelta(minutes=6)  # longer than a try may take, and than the task lives

log = structlog.get_logger(__name__)


def deliver_due(*, seconds: float) -> int:
    """Make what is due for about so many seconds, one try each; return how many tries were made.

    A target that fails is left alone for the rest of the run, so that a slow one does not use up the time of all.
    """
    until, made = time.monotonic() + seconds, 0
    failed: set[int] = set()
    while time.monotonic() < until:
        delivery = claim(leave=failed)
        if delivery is None:
            break
        made += 1
        if not deliver(delivery):
            failed.add(delivery.target_id)
    return made


def claim(*, leave: set[int] | None = None) -> ExportDelivery | None:
    """Take the delivery that is due longest, for as long as a lease; None when nothing is due.

    A lease that ran out counts as a failure: a delivery that kills its workers comes to an end.
    """
    for _ in range(MOST_COLLISIONS):
        try:
            taken = _take(leave or set())
        except IntegrityError:
            continue  # another worker took one of the same target at this moment, so that it is busy by now
        if taken is None:
            return None
        claimed = ExportDelivery.objects.select_related("export", "target").defer("target__token")
        return claimed.filter(pk=taken).first()  # it may be deleted by now
    return None


@transaction.atomic
def _take(leave: set[int]) -> int | None:
    due = ExportDelivery.objects.due().exclude(target__in=leave)
    row = due.select_for_update(skip_locked=True, of=("self",)).order_by("not_before", "pk").first()
    if row is None:
        return None
    lost = row.status == DeliveryStatus.SENDING
    ExportDelivery.objects.filter(pk=row.pk).update(
        status=DeliveryStatus.SENDING,
        attempts=F("attempts") + 1,
        failures=F("failures") + int(lost),
        not_before=Now() + LEASE,
    )
    return row.pk


def deliver(delivery: ExportDelivery) -> bool:
    """Try once and record how it went; return False when the target did not take it."""
    try:
        _try(delivery)
    except LeaseLost:
        log.warning("lease lost", action="deliver", delivery=delivery.pk)
        return False
    except StillWorking as error:
        postpone(delivery, error, delivery.failures)
        return True
    except Later as error:
        later(delivery, error)
        return False
    except Refused as error:
        end(delivery, DeliveryStatus.FAILED, error)
        return False
    except FileNotFoundError:
        end(
            delivery,
            DeliveryStatus.FAILED,
            Refused("file_missing", "The file is gone from the storage; export again."),
        )
        return True
    except OSError as error:
        why = error.strerror or type(error).__name__
        later(delivery, Later("storage_unavailable", f"The artifact storage cannot be read ({why})."))
        return True
    except Exception:  # it must not take other deliveries with it, nor keep its target for a whole lease
        log.exception("delivery broke", action="deliver", delivery=delivery.pk, target=delivery.target_id)
        later(delivery, Later("internal_error", "An unexpected error; the log of the worker says more."))
        return False
    end(delivery, DeliveryStatus.SUCCEEDED, None)
    return True


def _try(delivery: ExportDelivery) -> None:
    export = delivery.export
    if delivery.failures >= MOST_FAILURES:
        raise Refused("gave_up", "The workers that made this delivery were lost each time.")
    if export.outcome != Outcome.COMPLETED:
        raise Refused("no_file", f"The export ended as {export.outcome}, so there is nothing to deliver.")
    if export.expires_at is not None and export.expires_at <= timezone.now():
        raise Refused("expired", "The export's file has expired; export again.")
    target = _target(delivery)
    if target.kind == TargetKind.WEBHOOK:
        webhook.post(delivery, export, target)
    else:
        _tell_github(delivery, export, target)


def _target(delivery: ExportDelivery) -> DeliveryTarget:
    try:
        target = DeliveryTarget.objects.filter(pk=delivery.target_id).first()
    except DecryptionFailed as error:
        raise Refused("secret_unreadable", f"The target's secret cannot be read: {error}") from None
    if target is None:
        raise LeaseLost
    if not target.enabled:
        raise Refused("disabled", "The target is switched off.")
    return target


def _tell_github(delivery: ExportDelivery, export: Export, target: DeliveryTarget) -> None:
    """Do the target's actions, each by itself: one that fails does not keep the others from being done.

    What is done is kept after each, so that another try goes on from there.
    """
    subject = Subject(export, analysis := _analysis(export), _github(target, analysis))
    failures: list[DeliveryError] = []
    for action in Action:
        step = Step(delivery.steps.get(action.value, {}))
        if action not in target.actions or step.done:
            continue
        if step.refusal:
            failures.append(step.refusal)
            continue
        try:
            act(action, subject, step)
        except DeliveryError as error:
            failures.append(error)
            step.failed(error)
        else:
            step.forget_failure()
        delivery.steps[action.value] = step.facts
        hold(delivery, steps=delivery.steps, external_url=_address(delivery.steps))
    if failures:
        raise _worst(failures)


def _worst(failures: list[DeliveryError]) -> DeliveryError:
    """Return what decides: another try while one may help, else the first refusal."""
    waiting = [each for each in failures if isinstance(each, Later)]
    troubled = [each for each in waiting if not isinstance(each, StillWorking)]
    return max(troubled or waiting, key=lambda each: each.seconds, default=None) or failures[0]


def _analysis(export: Export) -> Analysis:
    found = (
        Analysis.objects.with_results()
        .select_related("repository", "project", "job")
        .defer("repository__credential_secret")
        .filter(pk=export.analyses[0], project=export.project_id)
        .first()
    )
    if found is None:
        raise Refused("analysis_deleted", f"Analysis {export.analyses[0]} has been deleted.")
    return found


def _github(target: DeliveryTarget, analysis: Analysis) -> GitHub:
    name = target.repository or repository_of(analysis.repository.source, target.url)
    if not name:
        raise Refused(
            "no_repository",
            f"The source of {analysis.repository.name} does not lie on the target's server: enter owner/name there.",
        )
    return GitHub(target.url, name, str(target.token))


def _address(steps: dict[str, Any]) -> str:
    """Return where a person sees what was delivered: the comment, else the status."""
    found = (steps.get(action, {}).get("url") for action in (Action.COMMENT, Action.STATUS))
    return next((str(url) for url in found if url), "")
