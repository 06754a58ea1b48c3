"""Reads the images of Kubernetes workloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from commandcenter.engine.manifests.docker import image_requirement
from commandcenter.engine.manifests.model import Manifest, Source, Unreadable
from commandcenter.engine.manifests.syntax import array, line_of, load_yaml_documents, string, table

MAX_CHARACTERS = 250_000
"""Of the workloads of one file."""

MAX_DOCUMENTS = 200
MAX_ITEMS = 1_000

_FOLDER = re.compile(
    r"(?:^|/)(?:k8s|kubernetes|kube|kustomize|manifests|deploy|deployments?)/(?:.+/)?[^/]+\.ya?ml$"
)
_BEFORE = re.compile(r"^(?=---\s)", re.MULTILINE)
_WORKLOAD = re.compile(
    r"^kind:[ \t]*[\"']?(?:Pod|Deployment|StatefulSet|DaemonSet|ReplicaSet|Job|CronJob|List)[\"']?[ \t\r]*$",
    re.MULTILINE,
)


def matches(path: str) -> bool:
    """Whether a file lies where workloads usually lie."""
    return _FOLDER.search(path) is not None


def parse(source: Source) -> Manifest:
    """Every container of every workload. Templates are left out: what they become is not known here."""
    manifest = Manifest(source.path, "kubernetes", "docker")
    text = _workloads(source.text)
    if not text or len(text) > MAX_CHARACTERS:
        return manifest
    try:
        documents = load_yaml_documents(text, MAX_DOCUMENTS)
    except Unreadable:
        return manifest  # its folder is no promise that it is what it looks like
    for document in documents:
        for value in _images(table(document)):
            written = string(value)
            wanted = image_requirement(written, "runtime", line_of(value)) if written else None
            if wanted is not None:
                manifest.requirements.append(wanted)
    return manifest


def _workloads(text: str) -> str:
    """The documents of workloads on their own lines; definitions of resources, which are long, are blank."""
    if "{{" in text or "image:" not in text or not _WORKLOAD.search(text):
        return ""
    # What is blank is no document of its own: it would count among those that are read.
    return "".join(
        part if _WORKLOAD.search(part) else "\n" * part.count("\n") for part in _BEFORE.split(text)
    )


def _images(workload: dict[str, Any]) -> Iterator[object]:
    if "apiVersion" not in workload:
        return
    items = array(workload.get("items"))[:MAX_ITEMS] if workload.get("kind") == "List" else [workload]
    for item in items:
        body = table(item)
        for key in ("spec", "jobTemplate", "spec", "template", "spec"):
            body = table(body.get(key)) if key in body else body
        for group in ("initContainers", "containers", "ephemeralContainers"):
            yield from (table(container).get("image") for container in array(body.get(group)))
