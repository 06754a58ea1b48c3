"""Asks an online database in OSV's protocol about packages in use that no imported dump can tell of."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import orjson
import structlog
from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from commandcenter.advisories.ecosystems import OSV_NAMES, SUPPORTED
from commandcenter.advisories.models import Advisory, Database, PackageVersion
from commandcenter.advisories.osv import ID, MAX_RECORD_BYTES, BadRecord, Record, read_record
from commandcenter.advisories.storing import store
from commandcenter.advisories.turns import ONLINE_DATABASE, only_asker
from commandcenter.core.fetching import FetchError, Pace, TooMuch, fetch

BATCH = 500  # package versions of one question
PAGES = 10  # of one answer
RECORDS = 100  # that are stored at once
MOST_LEFT = 5000  # package versions without an answer, after which something else is wrong than a record
PER_SECOND = 10.0
FAILURES = 3  # of records in a row, after which the database is left alone until the next run
GRACE_SECONDS = 60.0  # to fetch the records of the last question

log = structlog.get_logger(__name__)


class UnusableRecord(FetchError):
    """One record cannot be used: the packages that name it wait, and nobody else."""


class Overloaded(FetchError):
    """The online database asks to be left alone."""


def collect(*, seconds: float) -> int:
    """Ask about what was never asked, or too long ago, for about so many seconds; return how many were answered.

    Does nothing without CC_OSV_URL, and while another process asks. Records are stored as an import stores them, and matched in the same way. An
    ecosystem whose imported database is fresh is not asked about. What fails is asked again the next time, and so is
    every package that names a record which cannot be used. Where one answer would be too long, fewer are asked about.
    """
    if not settings.OSV_URL:
        return 0
    with only_asker(ONLINE_DATABASE) as alone:
        return _collect(seconds) if alone else 0


def _collect(seconds: float) -> int:
    until, pace, answered, size = time.monotonic() + seconds, Pace(PER_SECOND), 0, BATCH
    unusable: set[str] = set()
    left: set[int] = set()
    while time.monotonic() < until and len(left) < MOST_LEFT:
        rows = list(due().exclude(pk__in=left)[:size])
        if not rows:
            break
        try:
            named = _ask(rows, pace)
            _fetch_records({key: at for names in named for key, at in names.items()}, unusable, pace, until)
        except TooMuch as error:
            size = max(1, len(rows) // 2)
            if len(rows) == 1:
                log.warning("package left out", action="osv", package=rows[0].purl, error=str(error))
                left.add(rows[0].pk)
            continue
        except FetchError as error:
            log.warning("online database not asked", action="osv", error=str(error))
            break
        size = min(BATCH, size * 2)
        # What was asked is matched anew, after its records were stored and before it counts as known.
        told = [row.pk for row, names in zip(rows, named, strict=True) if unusable.isdisjoint(names)]
        PackageVersion.objects.filter(pk__in=told).update(
            asked_at=timezone.now(), stale=True, matched_at=None
        )
        left.update({row.pk for row in rows}.difference(told))
        answered += len(told)
    return answered


def due() -> QuerySet[PackageVersion]:
    """Return the package versions that the online database is to be asked about, those never asked about first."""
    horizon = timezone.now() - timedelta(hours=settings.OSV_HOURS)
    fresh = Database.objects.filter(imported_at__gte=horizon).values("ecosystem")
    open_ = PackageVersion.objects.filter(Q(asked_at__isnull=True) | Q(asked_at__lt=horizon))
    oldest = (F("asked_at").asc(nulls_first=True), "pk")
    return open_.filter(ecosystem__in=SUPPORTED).exclude(ecosystem__in=fresh).order_by(*oldest)


def _ask(rows: Sequence[PackageVersion], pace: Pace) -> list[dict[str, str]]:
    """Return for each row record id -> when it was modified, over all pages."""
    open_: list[tuple[dict[str, str], dict[str, Any]]] = [
        (
            {},
            {
                "package": {"ecosystem": OSV_NAMES[row.ecosystem], "name": row.spelling},
                "version": row.version,
            },
        )
        for row in rows
    ]
    named = [names for names, _ in open_]
    for _ in range(PAGES):
        pace.wait()
        answer = _json("POST", "v1/querybatch", orjson.dumps({"queries": [query for _, query in open_]}))
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(open_):
            raise FetchError("The online database answers something else than was asked.")
        following = []
        for (names, query), result in zip(open_, results, strict=True):
            found = result if isinstance(result, dict) else {}
            for vulnerability in found.get("vulns") or ():
                if isinstance(vulnerability, dict) and isinstance(vulnerability.get("id"), str):
                    names[vulnerability["id"]] = str(vulnerability.get("modified") or "")
            token = found.get("next_page_token")
            if isinstance(token, str) and token:
                following.append((names, {**query, "page_token": token}))
        if not following:
            return named
        open_ = following
    raise TooMuch(f"The online database has more than {PAGES} pages for one question.")


def _fetch_records(named: dict[str, str], unusable: set[str], pace: Pace, until: float) -> None:
    """Store the records that are not here, or not in this edition; add the ids of those that cannot be used."""
    there = {
        osv_id: modified.strftime("%Y-%m-%dT%H:%M:%S")
        for osv_id, modified in Advisory.objects.filter(osv_id__in=named).values_list("osv_id", "modified_at")
    }
    wanted = [
        osv_id
        for osv_id, modified in sorted(named.items())
        if osv_id not in unusable and there.get(osv_id) != modified[:19]
    ]
    failures = 0
    for start in range(0, len(wanted), RECORDS):
        records = []
        for osv_id in wanted[start : start + RECORDS]:
            try:
                records.append(_record(osv_id, pace, until))
                failures = 0
            except FetchError as error:
                failures += not isinstance(error, UnusableRecord)
                if failures >= FAILURES or isinstance(error, Overloaded):
                    raise
                log.warning("record left out", action="osv", record=osv_id[:100], error=str(error))
                unusable.add(osv_id)
        store(records)


def _record(osv_id: str, pace: Pace, until: float) -> Record:
    """Return one record. Without it its package could be taken for clean, so what fails leaves the question open."""
    if not ID.fullmatch(osv_id):
        raise UnusableRecord("The online database names a record with an id that cannot be used.")
    if time.monotonic() > until + GRACE_SECONDS:
        raise FetchError("Fetching the records takes too long; those that came are kept.")
    pace.wait()
    try:
        found = read_record(_body("GET", f"v1/vulns/{osv_id}", None))
    except (BadRecord, TooMuch) as error:
        raise UnusableRecord(f"The record {osv_id} cannot be used: {error}") from error
    if found.osv_id != osv_id:
        raise UnusableRecord(f"Asked for {osv_id}, the online database tells of {found.osv_id}.")
    return found


def _json(method: str, path: str, body: bytes | None) -> dict[str, Any]:
    try:
        value = orjson.loads(_body(method, path, body))
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise FetchError("The online database does not answer in JSON.")
    return value


def _body(method: str, path: str, body: bytes | None) -> bytes:
    answer = fetch(f"{settings.OSV_URL}/{path}", method=method, body=body, limit=MAX_RECORD_BYTES)
    if answer.status in {404, 410}:
        raise UnusableRecord(f"The online database has no {path}.")
    if answer.status == 429:
        raise Overloaded("The online database has had too many questions; it is asked again later.")
    if answer.status != 200:
        raise FetchError(f"The online database answers with status {answer.status}.")
    return answer.body
