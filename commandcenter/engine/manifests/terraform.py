"""Reads configurations of Terraform and OpenTofu: required providers and versions, modules, the provider lock file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from commandcenter.engine.manifests import hcl, helm
from commandcenter.engine.manifests.lines import json_lines
from commandcenter.engine.manifests.model import Lock, Locked, Manifest, Requirement, Source
from commandcenter.engine.manifests.syntax import line_of, load_json, placed, string, table
from commandcenter.engine.manifests.terraform_addresses import (
    MODULES,
    exact_version,
    module,
    provider_name,
    registry_purl,
)

_SUFFIXES = (".tf", ".tofu", ".tf.json", ".tofu.json")
_INTERESTING = re.compile(r"\brequired_|\bmodule\b|\bhelm_release\b")
_TFR = re.compile(r"tfr://(?P<host>[^/?]*)/(?P<module>[^?]+)\?version=(?P<version>[^&]{1,100})")


def matches(path: str) -> bool:
    return path.endswith(_SUFFIXES)


def parse(source: Source) -> Manifest:
    manifest = Manifest(source.path, "terraform", "terraform", complete=False)
    if not _INTERESTING.search(source.text):
        return manifest
    in_json = source.path.endswith(".json")
    settings, modules, releases = _json(source) if in_json else _blocks(source.text)
    for body in settings:
        tool = body.get("required_version")
        if isinstance(tool, str):
            manifest.requirements.append(_tool(source.path, tool))
        providers = body.get("required_providers")
        for alias, asked in providers.items() if isinstance(providers, dict) else ():
            wanted = _provider(alias, asked)
            if wanted is not None:
                manifest.requirements.append(wanted)
    for body in modules:
        called = module(string(body.get("source")), body.get("version"))
        if called is not None:
            manifest.requirements.append(called)
    for body in releases:
        installed = _release(
            string(body.get("chart")), string(body.get("repository")), string(body.get("version"))
        )
        if installed is not None:
            manifest.requirements.append(installed)
    return manifest


Body = Mapping[str, object]


Parts = tuple[list[Body], list[Body], list[Body]]
"""Settings, modules, and the charts that a configuration installs."""


def _blocks(text: str) -> Parts:
    settings: list[Body] = []
    modules: list[Body] = []
    releases: list[Body] = []
    # Resources are most of a configuration, and only those of one kind name a package.
    resources = ("resource",) if "helm_release" in text else ()
    for block in hcl.blocks(text, ("terraform", "module", *resources)):
        if block.kind != "terraform":
            if block.kind == "module":
                modules.append(block.attributes)
            elif block.labels[:1] == ("helm_release",):
                releases.append(block.attributes)
            continue
        nested = {inner.kind: inner.attributes for inner in block.blocks}
        settings.append({**block.attributes, **nested})
    return settings, modules, releases


def _json(source: Source) -> Parts:
    """The same of the JSON syntax, charts left out, in which a block may be a table or a list of tables."""
    document = load_json(source.data)
    lines = json_lines(source.text, ("terraform", "module"), depth=3)
    settings: list[Body] = []
    for body in _tables(document.get("terraform")):
        providers: dict[str, object] = {}
        for group in _tables(body.get("required_providers")):
            for alias, asked in group.items():
                at = lines.get(("terraform", "required_providers", alias))
                providers[alias] = _all_placed(asked, at)
        tool = _all_placed(body.get("required_version"), lines.get(("terraform", "required_version")))
        settings.append({"required_version": tool, "required_providers": providers})
    modules: list[Body] = []
    for group in _tables(document.get("module")):
        for name, bodies in group.items():
            at = lines.get(("module", name, "source")) or lines.get(("module", name))
            modules.extend(table(_all_placed(body, at)) for body in _tables(bodies))
    return settings, modules, []


def _tables(value: object) -> Iterator[dict[str, object]]:
    yield from (table(item) for item in (value if isinstance(value, list) else [value]))


def _all_placed(value: object, line: int | None) -> object:
    """The strings of a value with their line, one level deep; None for a string whose place is not known."""
    if isinstance(value, dict):
        return {key: _all_placed(inner, line) for key, inner in value.items() if isinstance(inner, str)}
    if not isinstance(value, str) or line is None:
        return value
    return placed(value, line)


def _tool(path: str, constraint: str) -> Requirement:
    """The version of the tool itself, which no package registry has."""
    name = "opentofu" if path.endswith((".tofu", ".tofu.json")) else "terraform"
    version = exact_version(constraint)
    return Requirement(
        name,
        str(constraint),
        "build",
        line_of(constraint),
        version=version,
        ecosystem="generic",
        part=MODULES,
    )


def _provider(alias: str, asked: object) -> Requirement | None:
    """One required provider; a bare constraint, as old configurations write it, means a provider of HashiCorp's."""
    if not isinstance(asked, (str, dict)):
        return None
    address = string(table(asked).get("source")) or f"hashicorp/{alias}"
    constraint = asked if isinstance(asked, str) else asked.get("version")
    name = provider_name(address)
    if name is None:
        return None
    written = string(constraint)
    line = line_of(table(asked).get("source")) or line_of(constraint)
    return Requirement(
        name,
        str(written) if written else None,
        "runtime",
        line,
        version=exact_version(written),
        purl=registry_purl(name, exact_version(written)),
    )


def parse_terragrunt(source: Source) -> Manifest:
    """The module that a terragrunt.hcl takes: as Terraform writes it, or `tfr://` for one of a registry."""
    manifest = Manifest(source.path, "terragrunt", "terraform")
    for block in hcl.blocks(source.text, ("terraform",)):
        address = block.attributes.get("source")
        if not isinstance(address, str):
            continue
        match = _TFR.fullmatch(address)
        if match is None:
            called = module(address, None)
        else:
            host, name = match["host"], match["module"]
            called = module(placed(f"{host}/{name}" if host else name, line_of(address)), match["version"])
        if called is not None:
            manifest.requirements.append(called)
    return manifest


def _release(name: str | None, address: str | None, constraint: str | None) -> Requirement | None:
    """A chart of a `helm_release`, by its name in a repository or by its address; None for a folder."""
    if name is not None and name.startswith("oci://"):
        address, _, last = name.rpartition("/")
        name = placed(last, line_of(name))
    if not name or address is None or "/" in name:
        return None
    return replace(helm.chart(name, address, constraint), ecosystem="helm", part=MODULES)


def parse_lock(source: Source) -> Lock:
    """A `.terraform.lock.hcl`: providers only; modules are locked nowhere."""
    lock = Lock(source.path, "terraform", "terraform", graph=False)
    for block in hcl.blocks(source.text, ("provider",)):
        name = provider_name(_first(block.labels))
        version = block.attributes.get("version")
        if name is None:
            continue
        resolved = str(version) if isinstance(version, str) else None
        constraint = block.attributes.get("constraints")
        lock.packages[name] = Locked(
            name,
            resolved,
            block.line,
            requirement=str(constraint) if isinstance(constraint, str) else None,
            purl=registry_purl(name, resolved),
        )
    return lock


def _first(labels: Iterable[str]) -> str:
    return next(iter(labels), "")
