"""Which texts a search means. The rows are kept by triggers; what no job holds any more is pruned here."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.core.cache import caches
from django.db import OperationalError, connection, transaction
from django.db.models import BooleanField, Exists, OuterRef, Q
from django.db.models.expressions import RawSQL

from commandcenter.core.fields import MAX_ID
from jobs.models import JobTerm, JobType, Term, TermKind

MAX_TERMS = 2_500  # texts that a list reads one by one; a search that meets more of them is met by most jobs
TRIGRAM = 3
PRUNED = 1_000  # texts in one transaction
LOCK_MS = 200
MARK = "jobs.lists.terms.pruned"

_ESCAPED = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
# ILIKE and not Django's icontains, which compares UPPER(body): the trigrams are of the text as it is.
SEARCH = """
    SELECT hash FROM jobs_term
    WHERE body ILIKE ANY(%(texts)s::text[]) AND (%(projects)s::bigint[] IS NULL OR project_id = ANY(%(projects)s::bigint[]))
    LIMIT %(limit)s
"""
# The jobs' rows are locked before the texts are looked at, and a trigger writes them before it asks whether a text is
# known: so none is taken away from under a job that is being made.
_PRUNE = """
    DELETE FROM jobs_term t WHERE t.id = ANY(%s)
        AND NOT EXISTS (SELECT 1 FROM jobs_jobterm held WHERE held.term = t.hash)
"""


def tagged(key: str, value: str, projects: Sequence[int] | None) -> list[int]:
    """Return the hashes of a tag: one for each project that uses it, of these projects or of all."""
    found = Term.objects.filter(body=f"{key}:{value}", kind=TermKind.TAG)
    if projects is not None:
        found = found.filter(project__in=projects)
    return list(found.values_list("hash", flat=True).distinct())


def searched(text: str, projects: Sequence[int] | None) -> list[int] | None:
    """Return the hashes of the texts that hold this one, whatever its case; None for more than MAX_TERMS."""
    with connection.cursor() as cursor:
        among = None if projects is None else list(projects)
        cursor.execute(SEARCH, {"texts": patterns(text), "projects": among, "limit": MAX_TERMS + 1})
        hashes = {row[0] for row in cursor.fetchall()}
    return None if len(hashes) > MAX_TERMS else sorted(hashes)


def pattern(text: str) -> str:
    """Return the pattern of LIKE that finds this text anywhere."""
    return f"%{text.translate(_ESCAPED)}%"


def patterns(text: str) -> list[str]:
    """Return the patterns of LIKE that find a text: anywhere, but one or two characters where a text or value begins.

    Trigrams need three characters, or a beginning.
    """
    if len(text) >= TRIGRAM:
        return [pattern(text)]
    begun = pattern(text)[1:]
    return [begun, f"%:{begun}"]


def number_in(text: str) -> int | None:
    """Return the id that a search may mean, as in 12 or #12."""
    number = text.removeprefix("#")
    fits = number.isascii() and number.isdigit() and len(number) <= 19 and int(number) <= MAX_ID
    return int(number) if fits else None


def types_in(text: str) -> list[str]:
    """Return the job types whose name holds the text."""
    return [job_type for job_type in JobType.values if text.casefold() in job_type]


def meaning(text: str) -> Q:
    """Return the condition on jobs that a search means: their id, type, error or tags."""
    held = Term.objects.annotate(
        found=RawSQL("body ILIKE ANY(%s::text[])", [patterns(text)], output_field=BooleanField())
    ).filter(found=True)
    # By correlation, not as a set: the texts that hold it may be many, and the jobs asked about are few.
    holds = JobTerm.objects.filter(job=OuterRef("pk"), term__in=held.values("hash"))
    found = Q(job_type__in=types_in(text)) | Q(Exists(holds))
    number = number_in(text)
    return found if number is None else found | Q(pk=number)


def prune(seconds: float = 1.0) -> int:
    """Delete texts that no job holds any more, for about so long; the next call goes on. Return how many."""
    end = time.monotonic() + seconds
    after = caches["default"].get(MARK, 0)  # one that was evicted begins anew
    removed = 0
    while time.monotonic() < end:
        try:
            step, after = prune_after(after)
        except (
            OperationalError
        ):  # jobs are being made in long transactions; the next call finds the lock free
            break
        removed += step
        if not after:
            break
    caches["default"].set(MARK, after, timeout=None)
    return removed


def prune_after(after: int) -> tuple[int, int]:
    """Look at a step of texts beyond this id; return how many were deleted, and where to go on (0: at the end)."""
    looked = list(Term.objects.filter(pk__gt=after).order_by("pk").values_list("pk", "hash")[:PRUNED])
    if not looked:
        return 0, 0
    hashes = [hash_ for _pk, hash_ in looked]
    held = set(JobTerm.objects.filter(term__in=hashes).values_list("term", flat=True).distinct())
    unheld = [pk for pk, hash_ in looked if hash_ not in held]
    if not unheld:
        return 0, looked[-1][0]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{LOCK_MS}ms"])
        cursor.execute("LOCK TABLE jobs_jobterm IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute(_PRUNE, [unheld])
        return cursor.rowcount, looked[-1][0]
