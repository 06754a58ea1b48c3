"""Whether the same secret is elsewhere, told by HMACs under a key of this installation; see docs/adr/0009.

The secret itself is never stored. The worker hands the key to its engine process with each analysis, which names secrets
by it; without the key a name tells nothing, not even of a secret that is easy to guess.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import structlog
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import Q

from commandcenter.analysis.locking import lock_repositories
from commandcenter.analysis.models import CorrelationKey, Finding, FindingQuerySet, Occurrence
from commandcenter.core.encryption import DecryptionFailed
from commandcenter.engine.correlation import KEY_BYTES, NOBODY, Correlator

log = structlog.get_logger(__name__)

MAX_SHOWN = 20
UNREADABLE = (
    "Secrets are not compared with those of other repositories: the key that names them cannot be read with any of "
    "CC_ENCRYPTION_KEYS. Add the key it was written with, or run manage.py rotate_correlation_key."
)


class AlsoIn(NamedTuple):
    """Other findings of one secret; `more` when there are others beside these."""

    findings: list[Finding]
    more: bool


def correlator() -> Correlator:
    """Return what names secrets here, making the key on first use; NOBODY when it cannot be read. One query."""
    try:
        kept = CorrelationKey.objects.first()
        if kept is None:
            # Another worker may make it at the same time: the first one stays.
            CorrelationKey.objects.bulk_create([_fresh()], ignore_conflicts=True)
            kept = CorrelationKey.objects.get()
    except (DecryptionFailed, ImproperlyConfigured):
        log.warning("correlation key unreadable", action="correlate")
        return NOBODY
    return Correlator(bytes.fromhex(kept.key))


def rotate() -> int:
    """Take a new key and forget what the old one named; return how many findings and occurrences that were.

    Findings are named again by the next analysis of their branch. Not inside a transaction: analyses that are ending
    hold their repository and wait for the key, so nobody may hold the key and wait for a repository.
    """
    with transaction.atomic(durable=True):
        # Over the old one, in one statement: who rotates at the same time waits, and the last key stays. It waits for
        # analyses that are ending, too, whose names are then there to be forgotten; see `drop_outdated`.
        CorrelationKey.objects.bulk_create(
            [_fresh()], update_conflicts=True, unique_fields=["id"], update_fields=["key", "created_at"]
        )
    return sum(_forget(repository) for repository in _with_names())


def drop_outdated(used: Correlator, result_set: int) -> None:
    """Forget the names in a result set when its analysis named by a key that has been replaced meanwhile.

    Must run in the transaction that ends the analysis, before findings take the names over.
    """
    if not used.key:
        return
    with connection.cursor() as cursor:
        # Shared, so that analyses do not wait for one another; a rotation waits for them all.
        cursor.execute("SELECT 1 FROM analysis_correlationkey FOR SHARE")
    if correlator().key_id != used.key_id:
        Occurrence.objects.filter(result_set=result_set, correlation__isnull=False).update(correlation=None)


def also_in(finding: Finding, visible: FindingQuerySet) -> AlsoIn | None:
    """Return up to 20 other open findings of the same secret among the visible ones, and whether there are more.

    Those of default branches and of its own branch, the newest first; None for what is not known to be a secret.
    """
    if finding.correlation is None:
        return None
    same = visible.open().filter(correlation=finding.correlation).exclude(pk=finding.pk)
    found = list(
        same.filter(Q(branch_line__is_default=True) | Q(branch_line=finding.branch_line_id))
        .select_related("rule", "repository", "branch_line")
        .defer("repository__credential_secret")
        .at_this_moment()
        .order_by("-pk")[: MAX_SHOWN + 1]
    )
    return AlsoIn(found[:MAX_SHOWN], len(found) > MAX_SHOWN)


def _fresh() -> CorrelationKey:
    return CorrelationKey(key=secrets.token_hex(KEY_BYTES))


def _with_names() -> list[int]:
    """Return the repositories in which a secret has a name."""
    named = Finding.objects.filter(correlation__isnull=False).values_list("repository", flat=True)
    seen = Occurrence.objects.filter(correlation__isnull=False).values_list(
        "result_set__repository", flat=True
    )
    return sorted(set(named.order_by().distinct()) | set(seen.order_by().distinct()))


def _forget(repository_id: int) -> int:
    """Remove the names in one repository, under the lock of whoever changes its findings."""
    with transaction.atomic(durable=True):
        lock_repositories([repository_id])
        findings = Finding.objects.filter(repository=repository_id, correlation__isnull=False)
        return findings.update(correlation=None) + _forget_occurrences(repository_id)


def _forget_occurrences(repository_id: int) -> int:
    """Remove the names in a repository's results, in the order in which retention deletes rows: neither waits in a circle."""
    with connection.cursor() as cursor:
        cursor.execute(_NAMED_OCCURRENCES, [repository_id])
        return int(cursor.rowcount)


_NAMED_OCCURRENCES = """
UPDATE analysis_occurrence SET correlation = NULL
 WHERE ctid = ANY(ARRAY(SELECT o.ctid FROM analysis_occurrence o
                          JOIN analysis_resultset s ON s.id = o.result_set_id
                         WHERE s.repository_id = %s AND o.correlation IS NOT NULL))
"""
