"""Takes what a code host tells: finds who may tell it, writes it down once, and starts the analysis that it asks for."""

from __future__ import annotations

from functools import cache

import structlog
from django.db import transaction
from django.utils import timezone

from commandcenter.core.encryption import DecryptionFailed, decrypt, encrypt
from commandcenter.core.signing import new_secret
from jobs.creation import create_job
from jobs.exceptions import InvalidParameters
from jobs.models import JobType, OriginKind
from webhooks.inbound.branches import watches
from webhooks.inbound.keeping import locked
from webhooks.inbound.pushes import GITHUB_PING, Told
from webhooks.models import InboundDelivery, InboundKind, InboundOutcome, InboundSource

LONGEST_BRANCH, LONGEST_DETAIL = 255, 500

log = structlog.get_logger(__name__)


def find(kind: str, repository_id: int) -> tuple[InboundSource | None, tuple[str, str]]:
    """Return the source that a request is for, and two secrets of which one must have been used.

    What is missing is replaced by secrets that nobody knows, so that whoever asks has no way of telling, and as much
    is decrypted whatever there is.
    """
    source = None
    try:
        source = InboundSource.objects.filter(repository=repository_id, kind=kind).order_by().first()
    except DecryptionFailed as error:
        log.warning("inbound secret unreadable", action="receive", repository=repository_id, error=str(error))
    secret = source.secret if source else _unknown()
    previous = source.previous_secret if source else None
    if previous is None or source is None or source.previous_until is None:
        return source, (secret, _unknown())
    return source, (secret, previous if timezone.now() < source.previous_until else _unknown())


def receive(source: InboundSource, delivery: str, told: Told) -> tuple[InboundDelivery, bool]:
    """Write a delivery down with what came of it, and tell whether it came before; then it is what came of it then.

    Raises InboundSource.DoesNotExist when the source has just been removed.
    """
    with transaction.atomic():
        source = locked(source)  # its deliveries take turns, so that of two alike the second finds the first
        there = source.received.filter(delivery=delivery).first()
        if there is not None:
            return there, True
        now = timezone.now()
        received = InboundDelivery(
            source=source,
            delivery=delivery,
            event=told.event,
            branch=_shown(told.branch),
            commit=told.commit,
            received_at=now,
        )
        _answer(received, source, told)
        received.save(force_insert=True)
        InboundSource.objects.filter(pk=source.pk).update(last_received_at=now)
    return received, False


def _answer(received: InboundDelivery, source: InboundSource, told: Told) -> None:
    """Start what is asked for, or say why nothing is."""
    if source.kind == InboundKind.GITHUB and told.event == GITHUB_PING:
        received.outcome = InboundOutcome.PING
        received.detail = "The address and the secret are right."
        return
    own = source.repository.default_branch or told.own_branch
    reason, detail = _hindrance(source, told, own)
    if not reason:
        try:
            # A running job may have read the branch before this push, and so is not joined.
            job = create_job(
                project=source.repository.project,
                job_type=JobType.ANALYSIS,
                parameters={
                    "repository": source.repository_id,
                    "ref": "" if told.branch == own else told.branch,
                },
                origin_kind=OriginKind.WEBHOOK,
                origin_id=source.pk,
                fresh=True,
            )
        except InvalidParameters as error:
            reason, detail = "refused", str(error)
        else:
            received.job_id = job.pk
            received.outcome = InboundOutcome.JOINED if job.joined else InboundOutcome.STARTED
            return
    received.outcome, received.reason = InboundOutcome.IGNORED, reason
    received.detail = detail[:LONGEST_DETAIL]


def _hindrance(source: InboundSource, told: Told, own: str) -> tuple[str, str]:
    """Return why nothing is started, as a code and a sentence; empty: something is."""
    if told.reason:
        return told.reason, told.detail
    if not source.enabled:
        return "disabled", "The source is disabled; enable it to have pushes analysed."
    if len(told.branch) > LONGEST_BRANCH:
        return "refused", f"The name of a branch has at most {LONGEST_BRANCH} characters here."
    if not source.branches and not own:
        return (
            "own_branch_unknown",
            "Nobody says which branch is the repository's own; name branches to watch.",
        )
    watched = source.branches or [own]
    if not watches(watched, told.branch):
        return "branch", f"Watched are {', '.join(watched)}."
    return "", ""


def _shown(branch: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in branch[:LONGEST_BRANCH])


def _unknown() -> str:
    return decrypt(_sealed())


@cache
def _sealed() -> bytes:
    return encrypt(new_secret())
