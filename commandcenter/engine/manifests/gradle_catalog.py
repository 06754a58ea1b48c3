"""Reads version catalogs of Gradle, and finds what an accessor such as `libs.web.core` stands for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from commandcenter.engine.manifests.lines import toml_key_lines
from commandcenter.engine.manifests.model import Manifest, Requirement, Source
from commandcenter.engine.manifests.syntax import array, load_toml, string, table

SUFFIX = ".versions.toml"
_SEPARATOR = re.compile(r"[-_.]")
_KINDS = ("plugins", "bundles")


@dataclass(slots=True)
class Catalog(Manifest):
    """A version catalog. Entries are found by kind and accessor; those that a build uses are asked for there."""

    entries: dict[tuple[str, str], Requirement] = field(default_factory=dict)
    bundles: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)


def home(folder: str) -> str:
    """The folder for whose builds, and those below, a file is there: the one that holds `gradle/`."""
    above, _, last = folder.rpartition("/")
    return above if last == "gradle" else folder


def matches(path: str) -> bool:
    return path.endswith(SUFFIX)


def plugin_name(plugin: str) -> str:
    """The artifact by which Gradle finds a plugin."""
    return f"{plugin}:{plugin}.gradle.plugin"


def fixed(version: str | None) -> str | None:
    """The version, where it can be no range and no changing one."""
    if version is None or not re.fullmatch(r"\w[\w.+-]*", version):
        return None
    return None if version.endswith("+") or version.startswith("latest.") else version


def parse(source: Source) -> Catalog:
    document = load_toml(source.text)
    lines = toml_key_lines(source.text)
    versions = table(document.get("versions"))
    catalog = Catalog(source.path, "gradle-catalog", "maven", name=source.name.removesuffix(SUFFIX))
    catalog.versions = {
        _accessor(key): written for key, value in versions.items() if (written := _version(value, versions))
    }
    for alias, value in table(document.get("libraries")).items():
        module, version = _library(value, versions)
        if module is not None:
            line = lines.get(("libraries", alias)) or lines.get((f"libraries.{alias}", ""))
            entry = Requirement(module, version, "runtime", line, version=fixed(version), direct=None)
            catalog.entries["libraries", _accessor(alias)] = entry
    for alias, value in table(document.get("plugins")).items():
        plugin, version = _plugin(value, versions)
        if plugin is not None:
            line = lines.get(("plugins", alias)) or lines.get((f"plugins.{alias}", ""))
            entry = Requirement(
                plugin_name(plugin), version, "build", line, version=fixed(version), direct=None
            )
            catalog.entries["plugins", _accessor(alias)] = entry
    for alias, items in table(document.get("bundles")).items():
        catalog.bundles[_accessor(alias)] = [_accessor(i) for i in array(items) if isinstance(i, str)]
    catalog.requirements = list(catalog.entries.values())
    return catalog


def _accessor(alias: str) -> str:
    return _SEPARATOR.sub(".", str(alias))


def _version(value: object, versions: Mapping[str, object]) -> str | None:
    """A version as text, by reference, or rich: what is strictly asked for counts before what is preferred."""
    if isinstance(value, dict) and "ref" in value:
        value = versions.get(str(value["ref"]))
    if isinstance(value, dict):
        value = value.get("strictly") or value.get("require") or value.get("prefer")
    return string(value)


def _library(value: object, versions: Mapping[str, object]) -> tuple[str | None, str | None]:
    if isinstance(value, str):
        parts = value.split(":", 3)
        return (":".join(parts[:2]) if len(parts) > 1 else None), parts[2] if len(parts) > 2 else None
    entry = table(value)
    module, group, name = (string(entry.get(key)) for key in ("module", "group", "name"))
    if module is None and group and name:
        module = f"{group}:{name}"
    return module, _version(entry.get("version"), versions)


def _plugin(value: object, versions: Mapping[str, object]) -> tuple[str | None, str | None]:
    if isinstance(value, str):
        plugin, _, version = value.partition(":")
        return plugin or None, version or None
    entry = table(value)
    return string(entry.get("id")), _version(entry.get("version"), versions)


def find(catalog: Catalog, words: list[str]) -> list[Requirement]:
    """The entries behind an accessor without the name of its catalog, noted as used; none for a version."""
    kind = words[0] if words and words[0] in _KINDS else "libraries"
    accessor = ".".join(words[1:] if kind in _KINDS else words)
    if kind == "bundles":
        keys = [("libraries", item) for item in catalog.bundles.get(accessor, [])]
    else:
        keys = [(kind, accessor)]
    known = [key for key in keys if key in catalog.entries]
    catalog.used.update(known)
    return [catalog.entries[key] for key in known]


def leave_used_to_builds(catalog: Catalog) -> None:
    """Keep those entries only that no build was seen to use: whether they are direct is not known."""
    catalog.requirements = [e for key, e in catalog.entries.items() if key not in catalog.used]
