"""Reads CircleCI, Azure Pipelines and pre-commit: orbs, images, repositories, hooks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from commandcenter.engine.manifests.docker import image_requirement
from commandcenter.engine.manifests.model import Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.repositories import fixed, repository, requirement
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml, string, table

_CIRCLECI = re.compile(r"(?:^|/)\.circleci/[^/]+\.ya?ml")
_AZURE = re.compile(r"(?:^|/)(?:azure-pipelines[\w.-]*|\.azure-pipelines/.+|\.azuredevops/.+)\.ya?ml")
_ORB = re.compile(r"([\w-]+/[\w-]+)@([\w.:-]+)")
_EXACT = re.compile(r"\d+\.\d+\.\d+")
_HOSTS = {"github": "github.com", "bitbucket": "bitbucket.org"}


def is_circleci(path: str) -> bool:
    return _CIRCLECI.search(path) is not None


def is_azure(path: str) -> bool:
    return _AZURE.search(path) is not None


def parse_circleci(source: Source) -> Manifest:
    document = _table(source)
    manifest = Manifest(source.path, "circleci", "generic")
    for value in table(document.get("orbs")).values():
        match = _ORB.fullmatch(value) if isinstance(value, str) else None
        if match is not None:
            version = match[2] if _EXACT.fullmatch(match[2]) else None
            manifest.requirements.append(
                Requirement(match[1], match[2], "build", line_of(value), version=version)
            )
    for group in ("executors", "jobs"):
        for body in table(document.get(group)).values():
            for container in array(table(body).get("docker")):
                _add_image(manifest, table(container).get("image"))
    return manifest


def parse_azure(source: Source) -> Manifest:
    document = _table(source)
    manifest = Manifest(source.path, "azure-pipelines", "generic")
    resources = table(document.get("resources"))
    known: set[str] = set()
    for item in array(resources.get("containers")):
        container = table(item)
        known.add(str(container.get("container")))
        if "type" not in container:  # of a registry that only the server knows
            _add_image(manifest, container.get("image"))
    for item in array(resources.get("repositories")):
        _add_repository(manifest, table(item))
    for job in _azure_jobs(document):
        for value in (job.get("container"), *table(job.get("services")).values()):
            written = value if isinstance(value, str) else table(value).get("image")
            if str(written) not in known:
                _add_image(manifest, written)
    return manifest


def _azure_jobs(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield document
    for owner in (document, *(table(stage) for stage in array(document.get("stages")))):
        yield from (table(job) for job in array(owner.get("jobs")))


def _add_repository(manifest: Manifest, entry: dict[str, Any]) -> None:
    """A repository of templates; those of Azure itself have no address of their own here."""
    host, name = _HOSTS.get(string(entry.get("type")) or ""), string(entry.get("name"))
    found = repository(f"{host}/{name}") if host and name else None
    if found is None:
        return
    ref = string(entry.get("ref"))
    tag = ref.removeprefix("refs/tags/") if ref and ref.startswith("refs/tags/") else None
    manifest.requirements.append(
        requirement(found, str(ref) if ref else None, "build", line_of(name), version=tag)
    )


def parse_precommit(source: Source) -> Manifest:
    manifest = Manifest(source.path, "pre-commit", "generic")
    for item in array(_table(source).get("repos")):
        entry = table(item)
        address, rev = string(entry.get("repo")), string(entry.get("rev"))
        found = repository(address) if address and address not in ("local", "meta") else None
        if found is not None:
            manifest.requirements.append(
                requirement(
                    found, str(rev) if rev else None, "development", line_of(address), version=fixed(rev)
                )
            )
    return manifest


def _table(source: Source) -> dict[str, Any]:
    document = load_yaml(source.text)
    if document is not None and not isinstance(document, dict):
        raise Unreadable("It is valid YAML, but not a table.")
    return document or {}


def _add_image(manifest: Manifest, value: object) -> None:
    written = string(value)
    wanted = image_requirement(written, "build", line_of(value)) if written and "{{" not in written else None
    if wanted is not None:
        manifest.requirements.append(wanted)
