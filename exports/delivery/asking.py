"""Asks for exports to be delivered: the rows from which `sending` works."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from commandcenter.accounts.models import User
from exports.delivery.models import ENDED, DeliveryStatus, DeliveryTarget, ExportDelivery, TargetKind
from exports.models import Export
from jobs.exceptions import FieldError, InvalidParameters

TASK = "exports.tasks.deliver_exports"
MAX_TARGETS = 20

log = structlog.get_logger(__name__)


def ask(export: Export, targets: Sequence[int], *, by: User | None) -> list[ExportDelivery]:
    """Have an export delivered when it is completed, now where it is; one that has ended is made again.

    Raises InvalidParameters that names the targets at fault. Asked twice, an unfinished delivery stays as it is.
    """
    found = DeliveryTarget.objects.filter(project=export.project_id).defer("token").in_bulk(list(targets))
    _check(export, targets, found)
    with transaction.atomic():
        ExportDelivery.objects.bulk_create(
            [ExportDelivery(export=export, target_id=pk, requested_by=by, not_before=Now()) for pk in found],
            ignore_conflicts=True,
        )
        rows = export.deliveries.filter(target__in=found).select_for_update().order_by("target")
        for row in rows:
            if row.status in ENDED:
                _again(row, by)
        if export.outcome:
            transaction.on_commit(send_task)
    return list(deliveries_of(export).filter(target__in=found))


def deliveries_of(export: Export) -> QuerySet[ExportDelivery]:
    """Return the deliveries of an export with the names of their targets, oldest first."""
    return export.deliveries.select_related("target").defer("target__token").order_by("pk")


def send_task() -> None:
    """Have a worker make what is due; without a broker it is made within the minute."""
    try:
        current_app.send_task(TASK, queue="default", retry=False, ignore_result=True, expires=300)
    except OperationalError as error:
        log.warning("delivery not sent for", action="deliver", error=str(error))


def on_event(event: Any) -> None:
    """Take a committed event: a completed export may have to be delivered. Named in settings.EVENT_SUBSCRIBERS."""
    if event.type not in {"export.completed", "export.failed"} or event.subject_id is None:
        return
    if ExportDelivery.objects.filter(export=event.subject_id, status=DeliveryStatus.PENDING).exists():
        transaction.on_commit(send_task)


def _again(row: ExportDelivery, by: User | None) -> None:
    row.status = DeliveryStatus.PENDING
    row.message, row.steps, row.failures = uuid.uuid4(), {}, 0
    row.error_code = row.error_message = row.external_url = ""
    row.not_before, row.completed_at, row.requested_by = Now(), None, by
    row.save()


def _check(export: Export, targets: Sequence[int], found: dict[int, DeliveryTarget]) -> None:
    errors: list[FieldError] = []

    def wrong(code: str, message: str) -> None:
        errors.append({"field": "parameters.deliver", "code": code, "message": message})

    if missing := [str(pk) for pk in dict.fromkeys(targets) if pk not in found]:
        wrong("does_not_exist", f"The project has no delivery target {', '.join(missing[:10])}.")
    for target in found.values():
        if not target.enabled:
            wrong("disabled", f"The target {target.name} is switched off.")
        elif target.kind == TargetKind.GITHUB and (export.portfolio or len(export.analyses) != 1):
            wrong("several_analyses", f"The target {target.name} takes one analysis at a time.")
    if errors:
        raise InvalidParameters(errors)
