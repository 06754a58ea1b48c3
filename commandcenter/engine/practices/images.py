"""The check of container images: what is pulled by a tag is another image tomorrow."""

from __future__ import annotations

import re

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.practices.model import Outcome, Repository, example

_MOVING = frozenset(["latest", "stable", "edge", "main", "master", "nightly", "dev", "current", "lts"])
_DIGEST = re.compile(r"@sha(?:256|512):[0-9a-f]{64,128}")


def pinned_images(repository: Repository) -> Outcome:
    """Judge each image that Dockerfiles, compose and bake files, CI files and Kubernetes manifests pull."""
    outcome = Outcome(
        "pinned-images", why="No Dockerfile, compose file, CI file or Kubernetes manifest pulls an image."
    )
    for row in repository.inventory.dependencies:
        if row.ecosystem != "docker" or example(row.path):
            continue
        written = row.requirement or row.name
        if "$" in written:
            continue  # what it becomes is known where it runs
        outcome.looked_at += 1
        outcome.why = "Every image is pinned by its digest."
        if _DIGEST.search(written):
            continue
        tag = row.version or ""
        moving = not tag or tag.lower() in _MOVING or tag.lower().endswith("-latest")
        subject = f"{row.name}:{tag}" if tag else row.name
        said = f"the tag {tag}" if tag else "no tag, which means latest"
        outcome.add(
            subject,
            f"The image {row.name} is pulled by {said}, without a digest: "
            + (
                "every build may get another release."
                if moving
                else "its owner can move the tag to another image."
            ),
            [Evidence(row.path, row.line)],
            severity="medium" if moving else "low",
            remedy=f"Write {row.name}:{'<version>' if moving else tag}@sha256:<digest>; dependabot and renovate keep it up to date.",
        )
    return outcome
