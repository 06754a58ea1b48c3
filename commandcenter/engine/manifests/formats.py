"""The table of formats: which file is read by which function."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from commandcenter.engine.manifests import (
    bake,
    beam_dart,
    bun,
    bundler,
    cargo,
    cocoapods,
    composer,
    conda,
    docker,
    gitlab,
    golang,
    gradle,
    gradle_catalog,
    gradle_locks,
    helm,
    kubernetes,
    kustomize,
    maven,
    node_workspaces,
    npm,
    nuget,
    nuget_locks,
    package_json,
    pep751,
    pipelines,
    pixi,
    pnpm,
    pylock,
    pyproject,
    requirements,
    setuptools,
    swift,
    terraform,
    workflows,
    yarn,
)
from commandcenter.engine.manifests.model import Document, Source


@dataclass(frozen=True, slots=True)
class Format:
    """A format by the name that people know it by."""

    name: str
    parse: Callable[[Source], Document]


_PARSERS: dict[str, Callable[[Source], Document]] = {
    "package.json": package_json.parse,
    "package-lock.json": npm.parse,
    "npm-shrinkwrap.json": npm.parse,
    "yarn.lock": yarn.parse,
    "pnpm-lock.yaml": pnpm.parse,
    "pnpm-workspace.yaml": node_workspaces.parse,
    ".yarnrc.yml": node_workspaces.parse,
    "bun.lock": bun.parse,
    "bun.lockb": bun.parse_binary,
    "pyproject.toml": pyproject.parse,
    "Pipfile": pyproject.parse_pipfile,
    "Pipfile.lock": pylock.parse_pipfile,
    "uv.lock": pylock.parse_uv,
    "poetry.lock": pylock.parse_poetry,
    "pdm.lock": pylock.parse_pdm,
    "pylock.toml": pep751.parse,
    "setup.cfg": setuptools.parse_cfg,
    "setup.py": setuptools.parse_py,
    "pixi.toml": pixi.parse,
    "pixi.lock": pixi.parse_lock,
    "go.mod": golang.parse,
    "go.work": golang.parse_work,
    "Cargo.toml": cargo.parse,
    "Cargo.lock": cargo.parse_lock,
    "pom.xml": maven.parse,
    "Gemfile": bundler.parse_gemfile,
    "gems.rb": bundler.parse_gemfile,
    "Gemfile.lock": bundler.parse_lock,
    "gems.locked": bundler.parse_lock,
    "composer.json": composer.parse,
    "composer.lock": composer.parse_lock,
    "packages.lock.json": nuget_locks.parse_lock,
    "dotnet-tools.json": nuget_locks.parse_tools,
    "global.json": nuget_locks.parse_global,
    "packages.config": nuget.parse_project,
    "Directory.Packages.props": nuget.parse_project,
    "Directory.Build.props": nuget.parse_project,
    "Directory.Build.targets": nuget.parse_project,
    "gradle.properties": gradle.parse_properties,
    "mix.exs": beam_dart.parse_mix,
    "mix.lock": beam_dart.parse_mix_lock,
    "pubspec.yaml": beam_dart.parse_pubspec,
    "pubspec.lock": beam_dart.parse_pub_lock,
    "Package.swift": swift.parse,
    "Package.resolved": swift.parse_lock,
    "Podfile": cocoapods.parse,
    "Podfile.lock": cocoapods.parse_lock,
    ".terraform.lock.hcl": terraform.parse_lock,
    "terragrunt.hcl": terraform.parse_terragrunt,
    "Chart.yaml": helm.parse,
    "Chart.lock": helm.parse_lock,
    "requirements.yaml": helm.parse,
    "requirements.lock": helm.parse_requirements_lock,
    "kustomization.yaml": kustomize.parse,
    "kustomization.yml": kustomize.parse,
    "Kustomization": kustomize.parse,
    "docker-bake.hcl": bake.parse,
    "docker-bake.json": bake.parse,
    "docker-bake.override.hcl": bake.parse,
    "docker-bake.override.json": bake.parse,
    ".pre-commit-config.yaml": pipelines.parse_precommit,
    ".pre-commit-config.yml": pipelines.parse_precommit,
    "action.yml": workflows.parse_actions,
    "action.yaml": workflows.parse_actions,
}
_NAMED = {file: Format(file, parse) for file, parse in _PARSERS.items()}
_WORKFLOW = re.compile(r"(?:^|/)\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml$")
_MATCHED: tuple[tuple[Callable[[str], bool], Format], ...] = (
    (requirements.matches, Format("a requirements file", requirements.parse)),
    (pep751.matches, Format("a lock file", pep751.parse)),
    (conda.is_environment, Format("a conda environment", conda.parse)),
    (conda.is_lock, Format("a lock file of conda-lock", conda.parse_lock)),
    (docker.matches, Format("a Dockerfile", docker.parse)),
    (lambda path: _WORKFLOW.search(path) is not None, Format("a workflow", workflows.parse_actions)),
    (workflows.is_compose, Format("a compose file", workflows.parse_compose)),
    (lambda path: path.endswith((".csproj", ".fsproj", ".vbproj")), Format("a project", nuget.parse_project)),
    (maven.is_extensions, Format("a list of Maven's extensions", maven.parse_extensions)),
    (gradle.matches, Format("a script of Gradle", gradle.parse)),
    (gradle_locks.matches, Format("a lock file of Gradle", gradle_locks.parse)),
    (gradle_catalog.matches, Format("a version catalog", gradle_catalog.parse)),
    (gitlab.matches, Format("a GitLab CI file", gitlab.parse)),
    (pipelines.is_circleci, Format("a CircleCI file", pipelines.parse_circleci)),
    (pipelines.is_azure, Format("an Azure pipeline", pipelines.parse_azure)),
    (kubernetes.matches, Format("a Kubernetes manifest", kubernetes.parse)),
    (terraform.matches, Format("a Terraform configuration", terraform.parse)),
)


_SUFFIXES = (
    *(".txt", ".in", ".yml", ".yaml", ".toml", ".csproj", ".fsproj", ".vbproj", ".TXT"),
    *(".gradle", ".gradle.kts", "extensions.xml"),
    *(".tf", ".tofu", ".tf.json", ".tofu.json"),
)


def format_of(path: str) -> Format | None:
    """The format of a path, None where it is neither a manifest nor a lock file."""
    name = path.rpartition("/")[2]
    named = _NAMED.get(name)
    if named is not None:
        return named
    # Called for every file of every tree: most names end here.
    if not name.endswith(_SUFFIXES) and "file" not in name.lower():
        return None
    return next((kind for matches, kind in _MATCHED if matches(path)), None)
