"""Reads GitLab CI: images and services of jobs, and what is included from other projects and addresses."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from commandcenter.engine.manifests.docker import expand, image_requirement
from commandcenter.engine.manifests.model import Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.purls import package_url
from commandcenter.engine.manifests.repositories import archive, fixed
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml_documents, string, table

_PATH = re.compile(r"(?:^|/)(?:\.gitlab(?:-ci|/ci)/.+|[^/]*\.gitlab-ci)\.ya?ml")
_NO_JOBS = frozenset(["cache", "default", "include", "spec", "stages", "variables", "workflow"])
_RELEASE = re.compile(r"v?\d+(?:\.\d+)?")
"""A version of a component that is not whole: GitLab takes the newest release that begins like that."""


def matches(path: str) -> bool:
    """Whether GitLab reads a file of this path, or would read it where it is included."""
    return _PATH.search(path) is not None


def parse(source: Source) -> Manifest:
    document = _document(source)
    manifest = Manifest(source.path, "gitlab", "gitlab")
    shared = _variables(document)
    bodies = [document, table(document.get("default"))]
    bodies += [body for key, body in document.items() if key not in _NO_JOBS and isinstance(body, dict)]
    for body in bodies:
        variables = shared if body is document else {**shared, **_variables(body)}
        for value in _images(body):
            written = string(value)
            if written is None:
                continue
            wanted = image_requirement(expand(written, variables), "build", line_of(value))
            if wanted is not None:
                manifest.requirements.append(wanted)
    includes = document.get("include")
    for item in includes if isinstance(includes, list) else [includes]:
        included = _included(item, shared)
        if included is not None:
            manifest.requirements.append(included)
    return manifest


def _document(source: Source) -> dict[str, Any]:
    """The configuration; a component has a header of its inputs before it, as a document of its own."""
    documents = load_yaml_documents(source.text, 2)
    if len(documents) == 2 and "spec" in table(documents[0]):
        del documents[0]
    if documents and documents[0] is not None and not isinstance(documents[0], dict):
        raise Unreadable("It is valid YAML, but not a table.")
    return table(documents[0]) if documents else {}


def _variables(body: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, given in table(body.get("variables")).items():
        value = given.get("value") if isinstance(given, dict) else given
        if isinstance(value, (str, int)):
            found[str(name)] = str(value)
    return found


def _images(body: Mapping[str, Any]) -> Iterator[object]:
    for value in (body.get("image"), *array(body.get("services"))):
        yield value if isinstance(value, str) else table(value).get("name")


def _included(item: object, variables: dict[str, str]) -> Requirement | None:
    """One include; None for files of this repository, and for templates, which come with the GitLab that runs it."""
    entry = table(item)
    project, component = string(entry.get("project")), string(entry.get("component"))
    remote = item if isinstance(item, str) else string(entry.get("remote"))
    if project is not None:
        ref = string(entry.get("ref"))
        asked = expand(str(ref), variables) if ref else None
        return Requirement(str(project), asked, "build", line_of(project), version=fixed(asked))
    if component is not None:
        return _component(expand(str(component), variables), line_of(component))
    if remote is not None and re.match(r"https?://", remote):
        fetched = archive(expand(str(remote), variables), "build", line_of(remote))
        checksum = string(entry.get("integrity"))
        return replace(fetched, constraint=str(checksum)) if fetched and checksum else fetched
    return None


def _component(written: str, line: int | None) -> Requirement | None:
    """`host/group/project/component@version`; the host is a variable where it is that of the own GitLab."""
    address, _, ref = written.rpartition("@")
    host, _, name = address.partition("/")
    if not name or "$" in name:
        return None
    version = None if _RELEASE.fullmatch(ref) else fixed(ref)
    namespace, _, base = name.rpartition("/")
    other = host if "." in host and "$" not in host and host != "gitlab.com" else None
    qualifiers = {"repository_url": host} if other else None
    purl = package_url("gitlab", namespace, base, version, qualifiers)
    return Requirement(name, ref, "build", line, version=version, purl=purl)
