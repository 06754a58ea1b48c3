"""Reads what workflows of GitHub's kind and compose files pull in: actions and images."""

from __future__ import annotations

import re
from typing import Any

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.docker import expand, image_requirement
from commandcenter.engine.manifests.model import Manifest, Requirement, Source, Unreadable
from commandcenter.engine.manifests.repositories import Repository, fixed, requirement
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml, string, table

_USES = re.compile(
    r"(?:https?://(?P<host>[\w.-]+)/)?(?P<action>[\w.-]+/[\w.-]+)(?:/[\w./-]+)?@(?P<ref>[^\s@]+)"
)


def _document(source: Source) -> dict[str, Any]:
    document = load_yaml(source.text)
    if document is not None and not isinstance(document, dict):
        raise Unreadable("It is valid YAML, but not a table.")
    return document or {}


def parse_actions(source: Source) -> Manifest:
    """A workflow, or the action.yml of a composite action: `uses:` of steps and jobs, containers and services."""
    document = _document(source)
    manifest = Manifest(source.path, "actions", "githubactions")
    jobs = [table(job) for job in table(document.get("jobs")).values()]
    runs = table(document.get("runs"))
    for job in (*jobs, runs):
        for value in (job.get("uses"), *(table(step).get("uses") for step in array(job.get("steps")))):
            wanted = _uses(value)
            if wanted is not None:
                manifest.requirements.append(wanted)
        containers = [job.get("container"), *table(job.get("services")).values()]
        if job is runs:
            containers = (
                [runs.get("image")] if (string(runs.get("image")) or "").startswith("docker://") else []
            )
        for container in containers:
            written = container if isinstance(container, str) else table(container).get("image")
            _add_image(manifest, written, "build")
    return manifest


def _uses(value: object) -> Requirement | None:
    """One `uses:`; None for actions of the repository itself and for what is not an action."""
    written = string(value)
    if written is None or written.startswith("./"):
        return None
    if written.startswith("docker://"):
        return image_requirement(written.removeprefix("docker://"), "build", line_of(value))
    match = _USES.fullmatch(written.strip())
    if match is None:
        return None
    host, ref = match["host"], match["ref"]
    if host and host.lower() != "github.com":  # Gitea and Forgejo take actions of any host
        where = Repository(host.lower(), match["action"])
        return requirement(where, ref, "build", line_of(value), version=fixed(ref))
    return Requirement(match["action"], ref, "build", line_of(value), version=ref)


def _add_image(manifest: Manifest, value: object, scope: DependencyScope) -> None:
    written = string(value)
    if written is None or "${{" in written:
        return
    wanted = image_requirement(written.removeprefix("docker://"), scope, line_of(value))
    if wanted is not None:
        manifest.requirements.append(wanted)


def is_compose(path: str) -> bool:
    name = path.rpartition("/")[2].lower()
    return re.fullmatch(r"(?:docker-)?compose(?:[.-][\w.-]+)?\.ya?ml", name) is not None


def parse_compose(source: Source) -> Manifest:
    document = _document(source)
    manifest = Manifest(source.path, "compose", "docker")
    for service in table(document.get("services")).values():
        body = table(service)
        # With `build` the image is the repository's own: `image` only names the result.
        if "build" in body:
            continue
        value = body.get("image")
        written = string(value)
        if written is not None:
            wanted = image_requirement(expand(written, {}), "runtime", line_of(value))
            if wanted is not None:
                manifest.requirements.append(wanted)
    return manifest
