"""Every lock file's own count of third-party packages is met: counted here in the raw text, by other means."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable

import pytest

from commandcenter.engine.manifests.inventory import Inventory

Tree = Callable[[dict[str, str]], Inventory]
PACKAGES = [(f"pkg-{n % 350}", f"{1 + n // 350}.{n}.0") for n in range(500)]
"""500 versions of 350 packages: many stand in several versions."""


def npm() -> tuple[str, str, int]:
    chance = random.Random(1)
    packages: dict[str, object] = {"": {"name": "root"}, "packages/m": {"name": "m", "version": "1.0.0"}}
    packages["node_modules/m"] = {"resolved": "packages/m", "link": True}
    for name, version in PACKAGES:
        place = f"node_modules/{name}"
        while place in packages:
            place = f"node_modules/pkg-{chance.randrange(350)}/{place}"
        packages[place] = {"version": version, "resolved": f"https://example.org/{name}-{version}.tgz"}
        if chance.random() < 0.2:
            packages[f"node_modules/deep/{place}"] = {
                "version": version,
                "resolved": "https://example.org/x.tgz",
            }
    text = json.dumps({"lockfileVersion": 3, "packages": packages}, indent=2)
    entries = re.findall(r'"(?:[^"]*/)?node_modules/(pkg-\d+)": \{\s+"version": "([^"]+)"', text)
    return "package-lock.json", text, len(set(entries))


def yarn() -> tuple[str, str, int]:
    body = "".join(
        f'{name}@^{version}, {name}@~{version}:\n  version "{version}"\n\n' for name, version in PACKAGES
    )
    text = "# yarn lockfile v1\n\n\n" + body
    return "yarn.lock", text, len(re.findall(r'^  version "', text, re.MULTILINE))


def pnpm() -> tuple[str, str, int]:
    keys = "".join(
        f"\n  {name}@{version}:\n    resolution: {{integrity: sha512-aa}}\n" for name, version in PACKAGES
    )
    shots = "".join(
        f"\n  {name}@{version}(peer@{n}.0.0): {{}}\n" for n, (name, version) in enumerate(PACKAGES)
    )
    text = f"lockfileVersion: '9.0'\n\nimporters:\n\n  .: {{}}\n\npackages:\n{keys}\nsnapshots:\n{shots}"
    return "pnpm-lock.yaml", text, text.count("resolution:")


def toml(path: str, head: str, source: str, local: str) -> tuple[str, str, int]:
    entries = "".join(f'[[package]]\nname = "{n}"\nversion = "{v}"\n{source}\n\n' for n, v in PACKAGES)
    text = f'{head}\n{entries}[[package]]\nname = "own"\nversion = "0.1.0"\n{local}\n'
    return path, text, text.count("[[package]]") - 1


def uv() -> tuple[str, str, int]:
    return toml(
        "uv.lock",
        "version = 1\n",
        'source = { registry = "https://example.org" }',
        'source = { virtual = "." }',
    )


def cargo() -> tuple[str, str, int]:
    return toml("Cargo.lock", "version = 4\n", 'source = "registry+https://example.org"', "")


def poetry() -> tuple[str, str, int]:
    local = '[package.source]\ntype = "directory"\nurl = "../own"'
    return toml("poetry.lock", "", "optional = false", local)


def pylock() -> tuple[str, str, int]:
    entries = "".join(f'[[packages]]\nname = "{n}"\nversion = "{v}"\nwheels = []\n\n' for n, v in PACKAGES)
    text = f'lock-version = "1.0"\n\n{entries}[[packages]]\nname = "own"\ndirectory = {{ path = "." }}\n'
    return "pylock.toml", text, text.count("wheels = ")


def bun() -> tuple[str, str, int]:
    chance = random.Random(2)
    packages: dict[str, tuple[str, str]] = {}
    for name, version in PACKAGES:
        place = name
        while place in packages:
            place = f"pkg-{chance.randrange(350)}/{place}"
        packages[place] = (name, version)
    entries = "".join(f'    "{k}": ["{n}@{v}", "", {{}}, "sha512-a"],\n\n' for k, (n, v) in packages.items())
    head = '{\n  "lockfileVersion": 1,\n  "workspaces": {\n    "": {\n      "name": "root",\n    },\n  },\n'
    text = f'{head}  "packages": {{\n    "m": ["m@workspace:m"],\n\n{entries}  }}\n}}\n'
    return "bun.lock", text, text.count("sha512-")


def conda_lock() -> tuple[str, str, int]:
    entries = "".join(
        f"- name: {n}\n  version: {v}\n  manager: conda\n  platform: linux-64\n" for n, v in PACKAGES
    )
    text = f"version: 1\nmetadata: {{}}\npackage:\n{entries}"
    return "conda-lock.yml", text, text.count("manager:")


def pixi() -> tuple[str, str, int]:
    entries = "".join(f"- conda: https://example.org/noarch/{n}-{v}-h_0.conda\n" for n, v in PACKAGES)
    text = f"version: 6\nenvironments: {{}}\npackages:\n{entries}- pypi: ./\n  name: own\n"
    return "pixi.lock", text, text.count("- conda:")


def composer() -> tuple[str, str, int]:
    items = [{"name": f"acme/{name}", "version": version} for name, version in PACKAGES]
    text = json.dumps({"packages": items[:400], "packages-dev": items[400:]}, indent=4)
    return "composer.lock", text, text.count('"version":')


def bundler() -> tuple[str, str, int]:
    specs = "".join(f"    {name} ({version})\n      leaf (>= 1)\n" for name, version in PACKAGES)
    text = f"GEM\n  remote: https://example.org/\n  specs:\n{specs}\nDEPENDENCIES\n  pkg-1\n"
    return "Gemfile.lock", text, len(re.findall(r"^ {4}\S", text, re.MULTILINE))


def gradle() -> tuple[str, str, int]:
    lines = "".join(f"org.example:{n}:{v}=runtimeClasspath\n" for n, v in PACKAGES)
    text = f"# This is a Gradle generated file\n{lines}empty=kapt\n"
    return "gradle.lockfile", text, text.count("runtimeClasspath")


def nuget() -> tuple[str, str, int]:
    frameworks: dict[str, dict[str, object]] = {}
    for name, version in PACKAGES:  # a framework holds one version of a package
        entries = frameworks.setdefault(f"net{version}", {"own": {"type": "Project"}})
        entries[name] = {"type": "Transitive", "resolved": version}
    text = json.dumps({"version": 2, "dependencies": frameworks}, indent=2)
    return "packages.lock.json", text, text.count('"resolved"')


def pipfile() -> tuple[str, str, int]:
    first, second = ({n: {"version": f"=={v}"} for n, v in part} for part in (PACKAGES[:350], PACKAGES[350:]))
    text = json.dumps({"_meta": {}, "default": first, "develop": second}, indent=4)
    return "Pipfile.lock", text, text.count('"version"')


def pub() -> tuple[str, str, int]:
    entries = "".join(
        f'  {n}_{v[0]}:\n    dependency: transitive\n    source: hosted\n    version: "{v}"\n'
        for n, v in PACKAGES
    )
    text = f"packages:\n{entries}  own:\n    source: path\n    version: '1'\n"
    return "pubspec.lock", text, text.count("source: hosted")


def mix() -> tuple[str, str, int]:
    entries = "".join(
        f'  "{n}_{v[0]}": {{:hex, :"{n}_{v[0]}", "{v}", "aa", [:mix], [], "hexpm", "bb"}},\n'
        for n, v in PACKAGES
    )
    text = f"%{{\n{entries}}}\n"
    return "mix.lock", text, text.count(":hex,")


def go() -> tuple[str, str, int]:
    lines = "".join(f"\texample.org/{name}/v{n} v{version}\n" for n, (name, version) in enumerate(PACKAGES))
    text = f"module example.org/own\n\nrequire (\n{lines})\n"
    return "go.mod", text, text.count("\texample.org/")


@pytest.mark.parametrize(
    "make",
    [
        npm,
        yarn,
        pnpm,
        bun,
        uv,
        cargo,
        poetry,
        pylock,
        conda_lock,
        pixi,
        composer,
        bundler,
        gradle,
        nuget,
        pipfile,
        pub,
        mix,
        go,
    ],
)
def test_there_is_one_row_per_package_of_the_lock_file(
    tree: Tree, make: Callable[[], tuple[str, str, int]]
) -> None:
    path, text, count = make()
    found = tree({path: text})
    assert found.failures == ()
    assert len(found.dependencies) == count == 500
    assert len({d.purl for d in found.dependencies}) == count
    lines = text.splitlines()
    for dependency in found.dependencies:
        assert dependency.line is not None
        assert dependency.name.rpartition(":")[2] in lines[dependency.line - 1]
