"""Reads the charts that Helm charts need, of both versions of Helm, and their lock files."""

from __future__ import annotations

import re

from commandcenter.engine.manifests import requirements
from commandcenter.engine.manifests.model import (
    Document,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Source,
    Unreadable,
)
from commandcenter.engine.manifests.purls import package_url
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml, string, table

_EXACT = re.compile(r"=?\s*(v?\d+\.\d+\.\d+(?:[-+][\w.+-]*)?)")


def parse(source: Source) -> Manifest:
    """A Chart.yaml, or the requirements.yaml of a chart of Helm 2; a list is a file of Ansible under that name."""
    document = load_yaml(source.text)
    family = "helm" if source.name == "Chart.yaml" else "helm-2"
    manifest = Manifest(source.path, family, "helm")
    for item in array(table(document).get("dependencies")):
        entry = table(item)
        name, address = string(entry.get("name")), string(entry.get("repository"))
        if name is not None and not _local(address):
            manifest.requirements.append(chart(name, address, string(entry.get("version"))))
    return manifest


def parse_lock(source: Source) -> Lock:
    document = load_yaml(source.text)
    if not isinstance(document, dict) or "dependencies" not in document:
        raise Unreadable("It has no dependencies: not a lock file of Helm.")
    lock = Lock(source.path, "helm" if source.name == "Chart.lock" else "helm-2", "helm", graph=False)
    for number, item in enumerate(array(document.get("dependencies"))):
        entry = table(item)
        name, address = string(entry.get("name")), string(entry.get("repository"))
        version = string(entry.get("version"))
        if name is None:
            continue
        lock.packages[f"{number}"] = Locked(
            str(name),
            str(version) if version else None,
            line_of(name),
            local=_local(address),
            purl=None if _local(address) else _purl(name, version, address),
        )
    return lock


def parse_requirements_lock(source: Source) -> Document:
    """The lock file of a chart of Helm 2, or what Rye writes under the same name: pinned packages of Python."""
    if re.search(r"^dependencies:", source.text, re.MULTILINE):
        return parse_lock(source)
    return requirements.parse(source)


def _local(address: str | None) -> bool:
    """Without a repository a chart lies in the folder charts/ of the chart that needs it."""
    return address is None or address.startswith("file:")


def chart(name: str, address: str | None, constraint: str | None) -> Requirement:
    """A chart from a repository; its line is that of its name."""
    match = _EXACT.fullmatch(constraint.strip()) if constraint and len(constraint) < 100 else None
    version = match[1] if match else None
    return Requirement(
        str(name),
        str(constraint) if constraint else None,
        "runtime",
        line_of(name),
        version=version,
        purl=_purl(name, version, address),
    )


def _purl(name: str, version: str | None, address: str | None) -> str:
    """The repository is a qualifier; `@name` stands for an address that only one machine knows."""
    known = address is not None and address.startswith(("https://", "http://", "oci://"))
    where = re.sub(r"(://)[^/@]*@", r"\1", address).rstrip("/") if known and address else None
    qualifiers = {"repository_url": where} if where else None
    return package_url("helm", "", str(name), version, qualifiers)
