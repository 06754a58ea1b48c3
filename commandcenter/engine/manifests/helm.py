"""Reads what Helm charts and kustomizations pull in: charts, images that are set to a tag, remote bases."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from packageurl import PackageURL

from commandcenter.engine.manifests import requirements
from commandcenter.engine.manifests.docker import image_requirement
from commandcenter.engine.manifests.model import (
    Document,
    Lock,
    Locked,
    Manifest,
    Requirement,
    Source,
    Unreadable,
)
from commandcenter.engine.manifests.repositories import archive, fixed, repository, requirement
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml, string, table

_EXACT = re.compile(r"=?\s*(v?\d+\.\d+\.\d+(?:[-+][\w.+-]*)?)")
_REMOTE = re.compile(
    r"(?:git::)?(?:https?://|ssh://|git@|(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)[/:])"
)
_HOSTED = re.compile(r"((?:[^/:]*@)?(?:www\.)?(?:github\.com|bitbucket\.org)[/:][^/]+/[^/]+)(?:/.*)?")
_REF = re.compile(r"(?:^|&)(?:ref|version)=([^&]{1,200})")


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
    return PackageURL("helm", None, str(name), version, qualifiers).to_string()


def parse_kustomization(source: Source) -> Manifest:
    document = load_yaml(source.text)
    if document is not None and not isinstance(document, dict):
        raise Unreadable("It is valid YAML, but not a table.")
    body: dict[str, Any] = document or {}
    manifest = Manifest(source.path, "kustomize", "docker")
    wanted = [_image(table(item)) for item in array(body.get("images"))]
    for key in ("resources", "bases", "components"):
        wanted += [_base(item) for item in array(body.get(key))]
    for item in array(body.get("helmCharts")):
        entry = table(item)
        name, address = string(entry.get("name")), string(entry.get("repo"))
        if name is not None and address is not None:
            wanted.append(replace(chart(name, address, string(entry.get("version"))), ecosystem="helm"))
    manifest.requirements = [found for found in wanted if found is not None]
    return manifest


def _image(entry: dict[str, Any]) -> Requirement | None:
    """An image whose tag or digest is set here; another name alone leaves the tag to the file that is changed."""
    name = string(entry.get("newName")) or string(entry.get("name"))
    tag, digest = string(entry.get("newTag")), string(entry.get("digest"))
    if name is None or not (tag or digest):
        return None
    reference = name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    return image_requirement(reference, "runtime", line_of(tag or digest))


def _base(item: object) -> Requirement | None:
    """A base in another repository, or a file behind an address; None for what lies in this one."""
    address = string(item)
    if address is None or not _REMOTE.match(address):
        return None
    base, _, query = address.removeprefix("git::").partition("?")
    if not query and re.search(r"\.(?:ya?ml|json)$", base):
        return archive(base, "runtime", line_of(item))
    scheme, double, rest = base.partition("://")
    path = (rest if double else base).partition("//")[0]
    hosted = _HOSTED.fullmatch(path)
    found = repository(
        f"{scheme}://{hosted[1] if hosted else path}" if double else hosted[1] if hosted else path
    )
    if found is None:
        return None
    asked = _REF.search(query)
    ref = asked[1] if asked else None
    return requirement(found, ref, "runtime", line_of(item), version=fixed(ref))
