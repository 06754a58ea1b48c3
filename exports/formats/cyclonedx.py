"""CycloneDX 1.6: the packages of an analysis as a software bill of materials, with what is known to be wrong with them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from commandcenter import __version__
from commandcenter.core.renderers import to_json
from exports.addresses import repository_uri
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.formats.cyclonedx_parts import (
    MAX_LICENSES,
    component,
    licenses_of,
    properties,
    repository_purl,
    vulnerability,
)
from exports.options import Options
from exports.writing import array, gathered

ROOT = "repository"  # packages are referred to by their URLs, which begin with pkg:
_NAMESPACE = uuid.UUID("b1c3d9f0-5a0e-4c55-8f39-2e6f6a1d7c44")
READER = "manifests"  # the engine without which dependencies are missing


class CycloneDx(Format):
    """For tools that follow dependencies."""

    info = FormatInfo(
        id="cyclonedx",
        name="CycloneDX 1.6",
        media_type="application/vnd.cyclonedx+json; version=1.6",
        extension="cdx.json",
        use="Software bills of materials: dependencies with package URLs, scopes, places and known vulnerabilities.",
        limits="Of the graph only what the repository itself depends on; of one package at most 100 places. "
        "No hashes, and licences of the repository only.",
    )

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the bill of materials."""
        return gathered(_numbered(_pieces(source)))


def _numbered(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """End the document with a serial number that follows from all before it.

    What is known of vulnerabilities changes between two exports of one analysis, and readers take documents of one number
    for the same: so equal documents have one number, and others another.
    """
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
        yield piece
    serial = uuid.uuid5(_NAMESPACE, digest.hexdigest())
    yield b',"serialNumber":' + to_json(serial.urn) + b"}"


@dataclass(slots=True)
class _Seen:
    """What the components told on their way: whether all versions, and all that is direct, are known."""

    unresolved: bool = False


def _pieces(source: ExportSource) -> Iterator[bytes]:
    seen = _Seen(any(each["id"] == READER and each["status"] != "ok" for each in source.engines))
    yield to_json(_head(source))[:-1]
    yield b',"components":'
    yield from array(_components(source, seen))
    yield b',"dependencies":[{"ref":' + to_json(ROOT) + b',"dependsOn":'
    yield from array(source.direct_packages())
    yield b'}],"vulnerabilities":'
    yield from array(map(vulnerability, source.problems()))
    aggregate = "incomplete" if seen.unresolved else "unknown"  # a manifest that nobody reads may be there
    yield b',"compositions":' + to_json([{"aggregate": aggregate, "dependencies": [ROOT]}])


def _components(source: ExportSource, seen: _Seen) -> Iterator[dict[str, Any]]:
    for package in source.packages():
        seen.unresolved |= package.version is None or package.direct is None
        yield component(package)


def _head(source: ExportSource) -> dict[str, Any]:
    said = source.summary()
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": said["completed_at"],
            "lifecycles": [{"phase": "pre-build"}],
            "tools": {
                "components": [{"type": "application", "name": "Command Center", "version": __version__}]
            },
            "component": _repository(source, said),
            "properties": properties(
                project=source.project.name,
                analysis=said["id"],
                status=said["status"],
                branch=said["branch"],
                database_as_of=source.database_as_of,
            )
            + [
                {
                    "name": f"commandcenter:engine:{each['id']}",
                    "value": ": ".join(filter(None, (each["status"], each.get("detail")))),
                }
                for each in source.engines
                if each["status"] != "ok"
            ],
        },
    }


def _repository(source: ExportSource, said: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "application", "bom-ref": ROOT, "name": source.repository.name}
    if said["commit"]:
        made["version"] = said["commit"]
    if licenses := licenses_of(source.own_licenses(MAX_LICENSES)):
        made["licenses"] = licenses
    if purl := repository_purl(source.address, said["commit"]):
        made["purl"] = purl
    if address := repository_uri(source.address):
        made["externalReferences"] = [{"type": "vcs", "url": address}]
    return made
