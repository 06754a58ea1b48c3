"""Reads one OSV record, strictly where a mistake would hide a problem, and within bounds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from django.utils.dateparse import parse_datetime

from commandcenter.advisories.ecosystems import ecosystem_of, normalised
from commandcenter.advisories.severity import Rating, rated

MAX_RECORD_BYTES = 8 << 20
MAX_SUMMARY, MAX_DETAILS, MAX_URL = 1000, 50_000, 2000
MAX_ALIASES, MAX_REFERENCES = 100, 50
MAX_AFFECTED, MAX_EVENTS, MAX_VERSIONS, MAX_VERSION = 5000, 5000, 20_000, 200
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:~-]{0,199}")
_KINDS = ("introduced", "fixed", "last_affected", "limit")


class BadRecord(ValueError):
    """A record that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Affected:
    """One package of a record, by its normalised name. `ranges` are lists of {kind: version}."""

    ecosystem: str
    name: str
    ranges: list[list[dict[str, str]]]
    versions: list[str]

    @property
    def undecidable(self) -> bool:
        """True when it names commits alone."""
        return not self.ranges and not self.versions


@dataclass(frozen=True, slots=True)
class Record:
    """One record as it is stored."""

    osv_id: str
    modified_at: datetime
    published_at: datetime | None
    withdrawn_at: datetime | None
    aliases: list[str]
    summary: str
    details: str
    rating: Rating
    url: str | None
    references: list[dict[str, str]]
    digest: str
    affected: list[Affected] = field(default_factory=list)
    alone: str | None = None  # the ecosystem that is matched, where it names packages of no other one


def read_record(data: bytes) -> Record:
    """Return the record in these bytes. Raises BadRecord that says what is wrong with it."""
    try:
        raw = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadRecord(f"It is not JSON: {str(error)[:120]}") from None
    if not isinstance(raw, dict):
        raise BadRecord("It is JSON, but not an object.")
    osv_id = raw.get("id")
    if not isinstance(osv_id, str) or not ID.fullmatch(osv_id):
        raise BadRecord("It has no id that can be used.")
    entries = _objects(raw, "affected", MAX_AFFECTED)
    affected = [_package(entry) for entry in entries]
    modified = _time(raw, "modified")
    if modified is None:
        raise BadRecord("It does not say when it was modified.")
    references = _references(raw)
    return Record(
        osv_id=osv_id,
        modified_at=modified,
        published_at=_time(raw, "published"),
        withdrawn_at=_time(raw, "withdrawn"),
        aliases=_aliases(raw, osv_id),
        summary=_text(raw.get("summary"), MAX_SUMMARY),
        details=_text(raw.get("details"), MAX_DETAILS),
        rating=_rating(raw),
        url=_url(references),
        references=references,
        digest=_digest(raw),
        affected=[package for package in affected if package is not None],
        alone=_alone(entries),
    )


def _digest(raw: dict[str, Any]) -> str:
    """Return what tells editions of a record apart, whatever the order and layout of their JSON."""
    try:
        return hashlib.sha256(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)).hexdigest()
    except orjson.JSONEncodeError:
        raise BadRecord("It is nested too deeply.") from None


def _alone(entries: Iterable[dict[str, Any]]) -> str | None:
    packages = [package for entry in entries if isinstance(package := entry.get("package"), dict)]
    named = {package["ecosystem"].partition(":")[0].strip().lower() for package in packages}
    return ecosystem_of(named.pop()) if len(named) == 1 else None


def _package(entry: dict[str, Any]) -> Affected | None:
    """Return what the record says of one package; None for an ecosystem that is not matched."""
    package = entry.get("package")
    if not isinstance(package, dict):
        return None  # commits of a repository, without a package
    osv_ecosystem, name = package.get("ecosystem"), package.get("name")
    if not isinstance(osv_ecosystem, str) or not isinstance(name, str) or not name:
        raise BadRecord("It affects a package without ecosystem or name.")
    ecosystem = ecosystem_of(osv_ecosystem)
    if ecosystem is None:
        return None
    if len(name) > 300 or "\0" in name:
        raise BadRecord(f"It affects a package with a name of {len(name)} characters.")
    versions = entry.get("versions") or []
    if not isinstance(versions, list) or len(versions) > MAX_VERSIONS:
        raise BadRecord(f"Its versions of {name} are not a list of up to {MAX_VERSIONS}.")
    ranges = [
        _events(name, each)
        for each in _objects(entry, "ranges", MAX_EVENTS)
        if each.get("type") in {"ECOSYSTEM", "SEMVER"}
    ]
    return Affected(ecosystem, normalised(ecosystem, name), ranges, [_version(name, v) for v in versions])


def _events(name: str, entry: dict[str, Any]) -> list[dict[str, str]]:
    events: list[dict[str, str]] = []
    for event in _objects(entry, "events", MAX_EVENTS):
        events.extend({kind: _version(name, event[kind])} for kind in _KINDS if event.get(kind) is not None)
    if not any("introduced" in event for event in events):
        raise BadRecord(f"A range of {name} does not say where it begins.")
    return events


def _version(name: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > MAX_VERSION or "\0" in value:
        raise BadRecord(f"A version of {name} is not a text of 1 to {MAX_VERSION} characters.")
    return value


def _objects(raw: dict[str, Any], name: str, most: int) -> list[dict[str, Any]]:
    found = raw.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise BadRecord(f"{name} is not a list of objects.")
    if len(found) > most:
        raise BadRecord(f"{name} has {len(found)} entries; at most {most} are read.")
    return found


def _time(raw: dict[str, Any], name: str) -> datetime | None:
    value = raw.get(name)
    if value is None:
        return None
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise BadRecord(f"{name} is not a time such as 2026-01-02T03:04:05Z.")
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        raise BadRecord(f"{name} is not a time that can be stored.") from None


def _aliases(raw: dict[str, Any], osv_id: str) -> list[str]:
    found = raw.get("aliases") or []
    if not isinstance(found, list):
        raise BadRecord("aliases is not a list.")
    named = {alias for alias in found if isinstance(alias, str) and ID.fullmatch(alias)}
    if len(named) > MAX_ALIASES:
        raise BadRecord(f"It has {len(named)} aliases; at most {MAX_ALIASES} are read.")
    return sorted(named - {osv_id})


def _references(raw: dict[str, Any]) -> list[dict[str, str]]:
    found = raw.get("references")
    references = []
    for entry in found if isinstance(found, list) else ():
        url = entry.get("url") if isinstance(entry, dict) else None
        if isinstance(url, str) and len(url) <= MAX_URL and re.match(r"https?://[^\s\0]+\Z", url):
            references.append({"type": _text(entry.get("type"), 20), "url": _text(url, MAX_URL)})
    return references[:MAX_REFERENCES]


def _url(references: list[dict[str, str]]) -> str | None:
    for kind in ("ADVISORY", "WEB"):
        for reference in references:
            if reference["type"] == kind:
                return reference["url"]
    return references[0]["url"] if references else None


def _rating(raw: dict[str, Any]) -> Rating:
    """Rate by the record's own vectors, then by those of its packages, then by the words of either."""
    places = [raw, *(entry for entry in raw.get("affected") or () if isinstance(entry, dict))]
    for place in places:
        rating = rated(_dicts(place.get("severity")), ())
        if rating.severity is not None:
            return rating
    words = (
        place[part].get("severity")
        for place in places
        for part in ("database_specific", "ecosystem_specific")
        if isinstance(place.get(part), dict)
    )
    return rated((), words)


def _dicts(value: object) -> Iterable[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: object, limit: int) -> str:
    """Return a text as PostgreSQL stores it: without NUL and lone surrogates, cut to its column."""
    if not isinstance(value, str):
        return ""
    clean = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
