"""Packages, vulnerabilities and licences as CycloneDX describes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from commandcenter.analysis.licensing.named import NamedLicense
from commandcenter.analysis.packages.problems import ProblemRow
from commandcenter.analysis.results.rows.package import PackageRow
from exports.addresses import http_uri, repository_uri

MAX_LICENSES = 20
_REQUIRED = frozenset({"runtime", "peer"})
_TYPES = {"docker": "container", "githubactions": "application"}  # libraries otherwise
_METHODS = {"CVSS:3.0": "CVSSv3", "CVSS:3.1": "CVSSv31", "CVSS:4.0": "CVSSv4"}
_HOSTS = {"github.com": "github", "bitbucket.org": "bitbucket"}  # that have a type of package URL


def component(package: PackageRow) -> dict[str, Any]:
    """Return a package, referred to by its URL."""
    group, name = _split_name(package)
    made: dict[str, Any] = {
        "type": _TYPES.get(package.ecosystem, "library"),
        "bom-ref": package.purl,
        **({"group": group} if group else {}),
        "name": name,
    }
    if package.version is not None:
        made["version"] = package.version
    first = package.places[0]
    made |= {
        "scope": _scope(package.scopes),
        "purl": package.purl,
        "properties": properties(
            direct=package.direct,
            scope=", ".join(package.scopes),
            requirement=first.requirement,
            manifest=first.manifest,
            line=first.line,
            uses=package.uses if package.uses > len(package.places) else None,
        ),
        "evidence": {
            "occurrences": [
                {"location": place.manifest, **({} if place.line is None else {"line": place.line})}
                for place in package.places
            ]
        },
    }
    return made


def _split_name(package: PackageRow) -> tuple[str, str]:
    """Return (group, name), as npm's scopes and Maven's groups are written."""
    name = package.name
    if package.ecosystem == "npm" and name.startswith("@"):
        group, slash, rest = name.partition("/")
    elif package.ecosystem == "maven":
        group, slash, rest = name.partition(":")
    else:
        return "", name
    return (group, rest) if slash and group and rest else ("", name)


def _scope(scopes: Iterable[str]) -> str:
    """Return the widest: what runs, what may run, what only builds and tests."""
    found = set(scopes)
    return "required" if found & _REQUIRED else "optional" if "optional" in found else "excluded"


def vulnerability(problem: ProblemRow) -> dict[str, Any]:
    """Return a vulnerability with the packages that it affects; what nobody has said is left out."""
    source: dict[str, Any] = {"name": "OSV"}
    if address := http_uri(problem.url):
        source["url"] = address
    known = [each.as_of for each in problem.affected if each.as_of is not None]
    made: dict[str, Any] = {
        "id": problem.id,
        "source": source,
        "references": [
            {"id": name, "source": {"name": name.partition("-")[0] or name}}
            for name in sorted(problem.aliases)
        ],
        "ratings": [_rating(problem, source)],
        "description": problem.summary,
        "recommendation": f"Fixed in {', '.join(problem.fixed_in)}." if problem.fixed_in else "",
        "published": problem.published_at,
        "updated": problem.modified_at,
        "affects": [
            {"ref": each.purl, "versions": [{"version": each.version, "status": "affected"}]}
            for each in problem.affected
        ],
        "properties": properties(database_as_of=min(known, default=None)),
    }
    return {name: value for name, value in made.items() if value}


def _rating(problem: ProblemRow, source: dict[str, Any]) -> dict[str, Any]:
    rating: dict[str, Any] = {"source": source, "severity": problem.severity or "unknown"}
    if problem.cvss_vector:
        rating["method"] = _METHODS.get(problem.cvss_vector[:8], "CVSSv2")
        rating["vector"] = problem.cvss_vector
    if problem.cvss_score is not None:
        rating["score"] = problem.cvss_score
    return rating


def licenses_of(named: Sequence[NamedLicense]) -> list[dict[str, Any]]:
    """Return licences as the format wants them: an expression may only stand alone."""
    made: list[dict[str, Any]] = []
    for spdx, is_id, declared in named:
        how = {"acknowledgement": "declared" if declared else "concluded"}
        if is_id:
            made.append({"license": {"id": spdx, **how}})
        elif len(named) == 1:
            made.append({"expression": spdx, **how})
        else:
            made.append({"license": {"name": spdx, **how}})
    return made


def repository_purl(source: str, commit: str | None) -> str | None:
    """Return the package URL of a repository behind a network address, None for others."""
    address = repository_uri(source)
    parts = urlsplit(address) if address else None
    path = [part for part in parts.path.split("/") if part] if parts else []
    if address is None or parts is None or not path:
        return None
    path[-1] = path[-1].removesuffix(".git") or path[-1]
    version = f"@{quote(commit, safe='')}" if commit else ""
    known = _HOSTS.get(parts.hostname or "")
    if known and len(path) == 2:
        return f"pkg:{known}/{'/'.join(path).lower()}{version}"
    return f"pkg:generic/{path[-1]}{version}?vcs_url={quote(f'git+{address}{version}', safe='')}"


def properties(**values: object) -> list[dict[str, str]]:
    """Return properties under our name, without those that are not known."""
    return [
        {"name": f"commandcenter:{name}", "value": _text(value)}
        for name, value in values.items()
        if value is not None
    ]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"
    return str(value)
