"""The public JSON of advisories and of the databases that they came in."""

from __future__ import annotations

from typing import Any

from commandcenter.advisories.ecosystems import OSV_NAMES
from commandcenter.advisories.lookup import severity_word
from commandcenter.advisories.models import Advisory, AffectedPackage, Database
from commandcenter.advisories.ranges import as_vers

LISTED_VERSIONS = 1000


def advisory_row(advisory: Advisory) -> dict[str, Any]:
    """Return an advisory as lists show it; what nobody has said is None."""
    return {
        "id": advisory.osv_id,
        "aliases": advisory.aliases,
        "severity": severity_word(advisory.severity),
        "cvss_score": advisory.cvss_score,
        "cvss_vector": advisory.cvss_vector or None,
        "summary": advisory.summary,
        "url": advisory.url,
        "published_at": advisory.published_at,
        "modified_at": advisory.modified_at,
        "withdrawn_at": advisory.withdrawn_at,
    }


def advisory_shape(advisory: Advisory) -> dict[str, Any]:
    """Return an advisory with its text, references and the packages that it names. One query."""
    return {
        **advisory_row(advisory),
        "details": advisory.details,
        "references": advisory.references,
        "affected": [package_shape(package) for package in advisory.affected.order_by("pk")],
    }


def package_shape(package: AffectedPackage) -> dict[str, Any]:
    """Return what a record says of one package; `ranges` are in the `vers` notation."""
    return {
        "ecosystem": package.ecosystem,
        "name": package.name,
        "ranges": [as_vers(package.ecosystem, events) for events in package.ranges],
        "versions": package.versions[:LISTED_VERSIONS],
        "fixed_in": list(
            dict.fromkeys(event["fixed"] for events in package.ranges for event in events if "fixed" in event)
        ),
    }


def database_shape(database: Database) -> dict[str, Any]:
    """Return how far what is known of an ecosystem reaches."""
    return {
        "ecosystem": database.ecosystem,
        "name": OSV_NAMES.get(database.ecosystem, database.ecosystem),
        "as_of": database.as_of,
        "imported_at": database.imported_at,
        "advisories": database.advisories,
    }
