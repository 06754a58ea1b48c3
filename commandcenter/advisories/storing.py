"""Writes a batch of records: the new and the changed ones, and marks the packages that they touch as to be matched."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db import connection, transaction

from commandcenter.advisories.models import Advisory, AffectedPackage
from commandcenter.advisories.osv import Record
from commandcenter.advisories.turns import write_turn

Name = tuple[str, str]  # ecosystem, normalised name
_COLUMNS = (
    "modified_at", "published_at", "withdrawn_at", "aliases", "summary", "details", "severity", "cvss_score",
    "cvss_vector", "url", "references", "digest",
)  # fmt: skip


@dataclass(slots=True)
class Stored:
    """What became of a batch, in counts."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    outdated: int = 0
    skipped: int = 0
    withdrawn: int = 0
    touched: set[Name] = field(default_factory=set)


def store(records: Sequence[Record]) -> Stored:
    """Store a batch in one transaction. A record that is older than what is there changes nothing."""
    done = Stored()
    newest: dict[str, Record] = {}
    for record in records:
        known = newest.get(record.osv_id)
        if known is None or record.modified_at >= known.modified_at:
            newest[record.osv_id] = record
        if known is not None:
            done.outdated += 1
    with transaction.atomic():
        write_turn()
        there = {
            osv_id: (modified, digest)
            for osv_id, modified, digest in Advisory.objects.filter(osv_id__in=newest).values_list(
                "osv_id", "modified_at", "digest"
            )
        }
        fresh = [record for record in newest.values() if _is_news(record, there.get(record.osv_id), done)]
        if fresh:
            _write(fresh, done)
    done.withdrawn = sum(1 for record in fresh if record.withdrawn_at is not None)
    return done


def _is_news(record: Record, there: tuple[object, str] | None, done: Stored) -> bool:
    if there is None:
        if not record.affected:
            done.skipped += 1
            return False
        done.added += 1
        return True
    modified, digest = there
    if digest == record.digest:
        done.unchanged += 1
        return False
    if record.modified_at < modified:  # type: ignore[operator]
        done.outdated += 1
        return False
    done.changed += 1
    return True


def _write(records: Sequence[Record], done: Stored) -> None:
    Advisory.objects.bulk_create(
        [_row(record) for record in records],
        update_conflicts=True,
        unique_fields=["osv_id"],
        update_fields=list(_COLUMNS),
    )
    keys = dict(
        Advisory.objects.filter(osv_id__in=[record.osv_id for record in records]).values_list("osv_id", "pk")
    )
    before = AffectedPackage.objects.filter(advisory__in=keys.values())
    done.touched.update(before.values_list("ecosystem", "name"))
    before.delete()
    AffectedPackage.objects.bulk_create(
        [
            AffectedPackage(
                advisory_id=keys[record.osv_id],
                ecosystem=package.ecosystem,
                name=package.name,
                ranges=package.ranges,
                versions=package.versions,
                undecidable=package.undecidable,
            )
            for record in records
            for package in record.affected
        ],
        batch_size=1000,
    )
    done.touched.update(
        (package.ecosystem, package.name) for record in records for package in record.affected
    )
    mark_stale(done.touched)


def mark_stale(names: Iterable[Name]) -> None:
    """Let every version of these packages be matched again."""
    ordered = sorted(names)
    with connection.cursor() as cursor:
        cursor.execute(_STALE, [[name[0] for name in ordered], [name[1] for name in ordered]])


_STALE = """
UPDATE advisories_packageversion v SET stale = true
  FROM advisories_package p, unnest(%s::varchar[], %s::varchar[]) AS touched (ecosystem, name)
 WHERE p.ecosystem = touched.ecosystem AND p.name = touched.name AND v.package_id = p.id AND NOT v.stale
"""


def _row(record: Record) -> Advisory:
    return Advisory(
        osv_id=record.osv_id,
        modified_at=record.modified_at,
        published_at=record.published_at,
        withdrawn_at=record.withdrawn_at,
        aliases=record.aliases,
        summary=record.summary,
        details=record.details,
        severity=record.rating.severity,
        cvss_score=record.rating.score,
        cvss_vector=record.rating.vector,
        url=record.url,
        references=record.references,
        digest=record.digest,
    )
