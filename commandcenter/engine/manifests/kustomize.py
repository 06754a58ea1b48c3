"""Reads kustomizations: images that are set to a tag, bases in other repositories, charts."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from commandcenter.engine.manifests import helm
from commandcenter.engine.manifests.docker import image_requirement
from commandcenter.engine.manifests.model import Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.repositories import archive, fixed, repository, requirement
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml, string, table

_REMOTE = re.compile(
    r"(?:git::)?(?:https?://|ssh://|git@|(?:www\.)?(?:github\.com|gitlab\.com|bitbucket\.org)[/:])"
)
_HOSTED = re.compile(r"((?:[^/:]*@)?(?:www\.)?(?:github\.com|bitbucket\.org)[/:][^/]+/[^/]+)(?:/.*)?")
_REF = re.compile(r"(?:^|&)(?:ref|version)=([^&]{1,200})")


def parse(source: Source) -> Manifest:
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
            wanted.append(replace(helm.chart(name, address, string(entry.get("version"))), ecosystem="helm"))
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
