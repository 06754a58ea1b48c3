"""Reads the images that the targets of bake files build on."""

from __future__ import annotations

from commandcenter.engine.manifests import hcl
from commandcenter.engine.manifests.docker import image_requirement
from commandcenter.engine.manifests.model import Manifest, Source
from commandcenter.engine.manifests.syntax import line_of, load_json, string, table

_IMAGE = "docker-image://"


def parse(source: Source) -> Manifest:
    """Contexts that are images; the Dockerfiles of the targets speak for themselves."""
    manifest = Manifest(source.path, "bake", "docker")
    if source.name.endswith(".json"):
        targets = [table(body) for body in table(load_json(source.data).get("target")).values()]
    else:
        targets = [dict(block.attributes) for block in hcl.blocks(source.text, ("target",))]
    for target in targets:
        for value in table(target.get("contexts")).values():
            written = string(value)
            if written is None or not written.startswith(_IMAGE):
                continue
            wanted = image_requirement(written.removeprefix(_IMAGE), "build", line_of(value))
            if wanted is not None:
                manifest.requirements.append(wanted)
    return manifest
