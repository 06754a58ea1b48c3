"""Reads gradle.lockfile, version catalogs and the plain notations of build.gradle(.kts)."""

from __future__ import annotations

import re

from commandcenter.engine.contract import DependencyScope
from commandcenter.engine.manifests.lines import toml_key_lines
from commandcenter.engine.manifests.model import Lock, Locked, Manifest, Requirement, Source
from commandcenter.engine.manifests.syntax import load_toml, string, table

_LOCKED = re.compile(r"([^:\s=]+):([^:\s=]+):([^:\s=]+)=(\S+)")
_NOTATION = re.compile(
    r"^\s*(?P<configuration>\w+)[\s(]+(?:platform\(|enforcedPlatform\()?\s*[\"'](?P<group>[\w.-]+):(?P<name>[\w.-]+)"
    r"(?::(?P<version>[^\"'@:$]*))?[^\"']*[\"']"
)
_PLUGIN = re.compile(r"^\s*id[\s(]+[\"']([\w.-]+)[\"']\)?\s+version\s*\(?[\"']([^\"'$]+)[\"']")
CONFIGURATIONS = re.compile(
    r"(?:\w*(?:implementation|api|compileOnly|runtimeOnly|annotationProcessor|compile|runtime|kapt|ksp|classpath|"
    r"Implementation|Api|CompileOnly|RuntimeOnly|AnnotationProcessor))"
)


def _scope(configuration: str) -> DependencyScope:
    lower = configuration.lower()
    if "test" in lower or lower == "developmentonly":
        return "development"
    build = ("compileonly", "annotationprocessor", "kapt", "ksp", "classpath")
    return "build" if lower.startswith(build) or lower.endswith(build) else "runtime"


def parse_lock(source: Source) -> Lock:
    lock = Lock(source.path, "gradle", "maven", graph=False)
    for number, raw in enumerate(source.text.splitlines(), 1):
        match = _LOCKED.fullmatch(raw.strip())
        if match is None or raw.startswith("#"):
            continue
        configurations = match[4].split(",")
        scopes = {_locked_scope(configuration) for configuration in configurations}
        scope: DependencyScope = (
            "runtime" if "runtime" in scopes else "build" if "build" in scopes else "development"
        )
        lock.packages[f"{number}"] = Locked(f"{match[1]}:{match[2]}", match[3], number, scope=scope)
    return lock


def _locked_scope(configuration: str) -> DependencyScope:
    lower = configuration.lower()
    if "test" in lower:
        return "development"
    return "runtime" if lower.endswith(("runtimeclasspath", "compileclasspath")) else "build"


def parse_catalog(source: Source) -> Manifest:
    document = load_toml(source.text)
    lines = toml_key_lines(source.text)
    versions = table(document.get("versions"))
    manifest = Manifest(source.path, "gradle-catalog", "maven")
    for section, scope in (("libraries", "runtime"), ("plugins", "build")):
        kind: DependencyScope = "build" if scope == "build" else "runtime"
        for alias, value in table(document.get(section)).items():
            name, version = _catalog_entry(section, value, versions)
            if name is None:
                continue
            fixed = version if version and re.fullmatch(r"[\w.-]+", version) and version[-1] != "+" else None
            manifest.requirements.append(
                Requirement(name, version, kind, lines.get((section, alias)), version=fixed)
            )
    return manifest


def _catalog_entry(section: str, value: object, versions: dict[str, object]) -> tuple[str | None, str | None]:
    if isinstance(value, str):
        parts = value.split(":")
        if section == "plugins":
            return f"{parts[0]}:{parts[0]}.gradle.plugin", parts[1] if len(parts) > 1 else None
        return (":".join(parts[:2]) if len(parts) > 1 else None), parts[2] if len(parts) > 2 else None
    entry = table(value)
    version = entry.get("version")
    if isinstance(version, dict) and "ref" in version:
        version = versions.get(str(version["ref"]))
    if isinstance(version, dict):
        version = version.get("strictly") or version.get("require") or version.get("prefer")
    written = string(version)
    if section == "plugins":
        plugin = string(entry.get("id"))
        return (f"{plugin}:{plugin}.gradle.plugin" if plugin else None), written
    module = string(entry.get("module"))
    if module is None and string(entry.get("group")) and string(entry.get("name")):
        module = f"{entry['group']}:{entry['name']}"
    return module, written


def parse_build(source: Source) -> Manifest:
    manifest = Manifest(source.path, "gradle", "maven")
    for number, line in enumerate(source.text.splitlines(), 1):
        if len(line) > 1_000 or line.lstrip().startswith(("//", "*")):
            continue
        plugin = _PLUGIN.match(line)
        if plugin is not None:
            name = f"{plugin[1]}:{plugin[1]}.gradle.plugin"
            manifest.requirements.append(Requirement(name, plugin[2], "build", number, version=plugin[2]))
            continue
        match = _NOTATION.match(line)
        if match is None or not CONFIGURATIONS.fullmatch(match["configuration"]):
            continue
        version = match["version"] or None
        fixed = version if version and re.fullmatch(r"\d[\w.-]*", version) else None
        manifest.requirements.append(
            Requirement(
                f"{match['group']}:{match['name']}",
                version,
                _scope(match["configuration"]),
                number,
                version=fixed,
            )
        )
    return manifest
