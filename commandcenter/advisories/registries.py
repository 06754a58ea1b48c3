"""Reads what the registry of an ecosystem says of a package: its latest version, and when versions were released."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import orjson
from defusedxml.ElementTree import ParseError, fromstring
from django.utils.dateparse import parse_datetime

from commandcenter.advisories.versions import MAX_LENGTH, UnreadableVersion, version_key
from commandcenter.core.fetching import Answer, FetchError, fetch

MAX_PAGES = 20  # of NuGet's index
MAX_USED = 20  # versions in use whose dates are asked for one by one
FIRST_YEAR, LAST_YEAR = 1980, 9999  # NuGet says 1900 of what is not listed any more
_LETTERS = re.compile(r"[A-Za-z]")


class NotThere(FetchError):
    """The registry does not have the package: it is private, or gone."""


@dataclass(frozen=True, slots=True)
class Releases:
    """The latest stable version, and when versions were released as far as the registry says."""

    latest: str | None
    dates: Mapping[str, datetime] = field(default_factory=dict)


def releases(ecosystem: str, base: str, name: str, used: Sequence[str]) -> Releases:
    """Ask the registry at this base address. Raises FetchError; NotThere when it does not have the package.

    `used` are the versions whose dates are wanted, for registries that tell them one by one.
    """
    try:
        return _kept(READERS[ecosystem](base, name, used[:MAX_USED]))
    except (AttributeError, LookupError, TypeError, ValueError, ParseError) as error:
        raise FetchError(f"The registry says something of {name[:100]} that cannot be read.") from error


def _kept(found: Releases) -> Releases:
    """Return an answer as it can be stored: without odd dates. A latest version that is none is a ValueError."""
    if found.latest is not None and not _is_version(found.latest):
        raise ValueError("The latest version is none.")
    dates = {
        version: at.replace(tzinfo=at.tzinfo or UTC)
        for version, at in found.dates.items()
        if _is_version(version) and FIRST_YEAR <= at.year < LAST_YEAR
    }
    return Releases(found.latest, dates)


def _is_version(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_LENGTH and "\0" not in value


def _get(url: str, *, method: str = "GET") -> Answer:
    answer = fetch(url, method=method)
    if answer.status in {404, 410}:
        raise NotThere("The registry does not have it.")
    if answer.status != 200:
        raise FetchError(f"The registry answers with status {answer.status}.")
    return answer


def _json(url: str) -> Any:
    return orjson.loads(_get(url).body)


def _moment(value: object) -> datetime | None:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment


def _dated(pairs: Iterable[tuple[str, object]]) -> dict[str, datetime]:
    return {version: moment for version, value in pairs if (moment := _moment(value)) is not None}


def _newest(ecosystem: str, versions: Iterable[str]) -> str | None:
    """Return the last of these in the ecosystem's order, a stable one where there is any."""
    readable = []
    for version in filter(_is_version, versions):
        try:
            readable.append((version_key(ecosystem, version), version))
        except UnreadableVersion:
            continue
    stable = [pair for pair in readable if not _LETTERS.search(pair[1].lstrip("vV").partition("+")[0])]
    return max(stable or readable, key=lambda pair: pair[0])[1] if readable else None


def _npm(base: str, name: str, _used: Sequence[str]) -> Releases:
    found = _json(f"{base}/{quote(name, safe='@')}")
    times = {version: at for version, at in found["time"].items() if version not in {"created", "modified"}}
    return Releases(found["dist-tags"]["latest"], _dated(times.items()))


def _pypi(base: str, name: str, _used: Sequence[str]) -> Releases:
    found = _json(f"{base}/pypi/{quote(name, safe='')}/json")
    times = (
        (version, files[0]["upload_time_iso_8601"]) for version, files in found["releases"].items() if files
    )
    return Releases(found["info"]["version"], _dated(times))


def _cargo(base: str, name: str, _used: Sequence[str]) -> Releases:
    found = _json(f"{base}/api/v1/crates/{quote(name, safe='')}")
    latest = found["crate"].get("max_stable_version") or found["crate"]["max_version"]
    return Releases(latest, _dated((each["num"], each["created_at"]) for each in found["versions"]))


def _gem(base: str, name: str, _used: Sequence[str]) -> Releases:
    found = _json(f"{base}/api/v1/versions/{quote(name, safe='')}.json")
    dates = _dated((each["number"], each["created_at"]) for each in found)
    stable = [each["number"] for each in found if not each.get("prerelease")]
    return Releases(_newest("gem", stable or dates), dates)


def _golang(base: str, name: str, used: Sequence[str]) -> Releases:
    path = re.sub(r"[A-Z]", lambda letter: f"!{letter[0].lower()}", quote(name, safe="/"))
    latest = _json(f"{base}/{path}/@latest")
    times = [(latest["Version"], latest["Time"])]
    for version in used:
        if version != latest["Version"]:
            escaped = re.sub(r"[A-Z]", lambda letter: f"!{letter[0].lower()}", quote(version, safe="+"))
            try:
                info = _json(f"{base}/{path}/@v/{escaped}.info")
            except NotThere:
                continue
            times.append((version, info["Time"]))
    return Releases(latest["Version"], _dated(times))


def _nuget(base: str, name: str, _used: Sequence[str]) -> Releases:
    index = _json(f"{base}/{quote(name.lower(), safe='')}/index.json")
    entries: list[dict[str, Any]] = []
    for page in index["items"][-MAX_PAGES:]:
        leaves = page.get("items")
        if leaves is None:
            if not str(page["@id"]).startswith(f"{base}/"):
                raise FetchError("The registry points to another address, which is not followed.")
            leaves = _json(page["@id"])["items"]
        entries += [leaf["catalogEntry"] for leaf in leaves]
    listed = [each["version"] for each in entries if each.get("listed", True)]
    dates = _dated((each["version"], each.get("published")) for each in entries)
    return Releases(_newest("nuget", listed), dates)


def _composer(base: str, name: str, _used: Sequence[str]) -> Releases:
    found = _json(f"{base}/p2/{quote(name.lower(), safe='/')}.json")["packages"][name.lower()]
    times: dict[str, object] = {}
    at = None
    for each in found:  # an entry leaves out what is as in the one before it
        at = times[each["version"]] = each.get("time", at)
    return Releases(_newest("composer", times), _dated(times.items()))


def _maven(base: str, name: str, used: Sequence[str]) -> Releases:
    group, _, artifact = name.partition(":")
    folder = f"{base}/{quote(group.replace('.', '/'), safe='/')}/{quote(artifact, safe='')}"
    root = fromstring(_get(f"{folder}/maven-metadata.xml").body)
    versions = [each.text or "" for each in root.iterfind("versioning/versions/version")]
    latest = root.findtext("versioning/release") or _newest("maven", versions)
    dates = {}
    for version in dict.fromkeys([*([latest] if latest else []), *used]):
        quoted = quote(version, safe="")
        try:
            answer = _get(f"{folder}/{quoted}/{quote(artifact, safe='')}-{quoted}.pom", method="HEAD")
        except NotThere:
            continue
        if said := answer.headers.get("last-modified"):
            dates[version] = parsedate_to_datetime(said)
    return Releases(latest, dates)


READERS: dict[str, Callable[[str, str, Sequence[str]], Releases]] = {
    "npm": _npm,
    "pypi": _pypi,
    "cargo": _cargo,
    "gem": _gem,
    "golang": _golang,
    "nuget": _nuget,
    "composer": _composer,
    "maven": _maven,
}
