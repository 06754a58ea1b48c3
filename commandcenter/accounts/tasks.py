"""Housekeeping of tokens."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.db.models import Q
from django.utils import timezone

from commandcenter.accounts.models import ApiToken

KEPT = timedelta(days=30)


@shared_task(name="commandcenter.accounts.tasks.prune_tokens", ignore_result=True)
def prune_tokens() -> None:
    """Forget tokens a month after they expired or were revoked; events keep their trace."""
    before = timezone.now() - KEPT
    ApiToken.objects.filter(Q(expires_at__lt=before) | Q(revoked_at__lt=before)).delete()
