"""Finds the products whose support ends some day, in the versions that manifests, images and tool files name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from commandcenter.engine.contract.facts import Platform
from commandcenter.engine.manifests.lines import LineIndex
from commandcenter.engine.manifests.model import Unreadable
from commandcenter.engine.manifests.syntax import load_json, string, table
from commandcenter.engine.practices.model import Repository, example
from commandcenter.engine.textlines import lines_of

MAX_PLATFORMS = 200
MAX_VERSION = 40

# image -> product, where its tag is the product's version
_IMAGES = {
    "alpine": "alpine", "almalinux": "almalinux", "amazoncorretto": "java", "centos": "centos", "debian": "debian",
    "docker.elastic.co/elasticsearch/elasticsearch": "elasticsearch", "eclipse-temurin": "java",
    "elasticsearch": "elasticsearch", "golang": "go", "hashicorp/terraform": "terraform", "mariadb": "mariadb",
    "mcr.microsoft.com/dotnet/aspnet": "dotnet", "mcr.microsoft.com/dotnet/runtime": "dotnet",
    "mcr.microsoft.com/dotnet/sdk": "dotnet", "mongo": "mongodb", "mysql": "mysql", "nginx": "nginx", "node": "nodejs",
    "openjdk": "java", "php": "php", "postgres": "postgresql", "python": "python", "rabbitmq": "rabbitmq",
    "redis": "redis", "rockylinux": "rocky-linux", "ruby": "ruby", "ubuntu": "ubuntu",
}  # fmt: skip
# purl type and name -> product
_PACKAGES = {
    ("pypi", "django"): "django", ("gem", "rails"): "rails", ("composer", "laravel/framework"): "laravel",
    ("maven", "org.springframework.boot:spring-boot"): "spring-boot",
    ("maven", "org.springframework.boot:spring-boot-starter-parent"): "spring-boot",
    ("maven", "org.springframework.boot:spring-boot-starter"): "spring-boot",
    ("maven", "org.springframework.boot:spring-boot-dependencies"): "spring-boot",
    ("npm", "@angular/core"): "angular", ("npm", "vue"): "vue",
}  # fmt: skip
_TAG_VERSION = re.compile(r"v?(\d+(?:\.\d+){0,3})(?:$|[-_+.a-z])")
_CODENAMES = re.compile(
    r"(?:^|[-_.])(buster|bullseye|bookworm|trixie|stretch|jessie|bionic|focal|jammy|noble|xenial|trusty)(?:$|[-_])"
)
_ALPINE_IN_TAG = re.compile(r"-alpine(\d+\.\d+)")
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{1,6}){0,3}")
_ASDF = {
    "golang": "go", "go": "go", "java": "java", "node": "nodejs", "nodejs": "nodejs", "php": "php",
    "python": "python", "ruby": "ruby", "terraform": "terraform", "dotnet": "dotnet", "dotnet-core": "dotnet",
}  # fmt: skip
_UBUNTU = {
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "noble": "24.04",
    "trusty": "14.04",
    "xenial": "16.04",
}
_DEBIAN = {"jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13"}

Found = Iterator[tuple[str, str, int | None]]
"""Product, version and line."""


def wanted(path: str) -> bool:
    """Whether a file of this name says which version of a product is used."""
    return path.rpartition("/")[2] in _FILES


def platforms(repository: Repository) -> list[Platform]:
    """List products and versions, each once a file and line, at most 200, in order of paths."""
    found: dict[tuple[str, str, str], Platform] = {}
    for row in repository.inventory.dependencies:
        if example(row.path):
            continue
        if (row.ecosystem, row.name) == ("generic", "terraform"):
            _keep(found, row.path, row.line, "terraform", _oldest(row.requirement or "") or "")
        if row.version is None:
            continue
        seen: Iterator[tuple[str, str]]
        if row.ecosystem == "docker":
            seen = _of_image(row.name, row.version)
        elif row.direct is False:
            continue
        else:
            name = row.name.replace("/", ":") if row.ecosystem == "maven" else row.name
            product = _PACKAGES.get((row.ecosystem, name))
            seen = iter([(product, row.version)] if product else [])
        for product, version in seen:
            _keep(found, row.path, row.line, product, version)
    for path, text in sorted(repository.texts.items()):
        reader = _FILES.get(path.rpartition("/")[2]) or (
            _project if path.endswith((".csproj", ".fsproj", ".vbproj")) else None
        )
        if reader is None or example(path):
            continue
        for product, version, line in reader(text):
            _keep(found, path, line, product, version)
    ordered = sorted(found.values(), key=lambda p: (p.path, p.line or 0, p.product, p.version))
    return ordered[:MAX_PLATFORMS]


def _keep(
    found: dict[tuple[str, str, str], Platform], path: str, line: int | None, product: str, version: str
) -> None:
    number = _NUMBER.match(version.removeprefix("v"))
    if number is not None:
        found.setdefault((path, product, number[0]), Platform(path, line, product, number[0][:MAX_VERSION]))


def _of_image(name: str, tag: str) -> Iterator[tuple[str, str]]:
    product = _IMAGES.get(name)
    version = _TAG_VERSION.match(tag)
    if product is not None and version is not None:
        yield product, version[1]
    code = _CODENAMES.search(tag)
    if code is not None:
        word = code[1]
        # Official images name the Debian or Ubuntu release that they stand on.
        yield ("debian", _DEBIAN[word]) if word in _DEBIAN else ("ubuntu", _UBUNTU[word])
    alpine = _ALPINE_IN_TAG.search(tag)
    if alpine is not None:
        yield "alpine", alpine[1]


def _line(product: str) -> Callable[[str], Found]:
    def read(text: str) -> Found:
        for number, line in enumerate(lines_of(text)[:20], 1):
            word = (
                line.split("#")[0]
                .strip()
                .lower()
                .removeprefix("ruby-")
                .removeprefix("python-")
                .removeprefix("v")
            )
            if _NUMBER.match(word):
                yield product, word, number
                return

    return read


def _tool_versions(text: str) -> Found:
    for number, line in enumerate(lines_of(text)[:200], 1):
        words = line.split("#")[0].split()
        product = _ASDF.get(words[0].lower()) if len(words) >= 2 else None
        if product is not None:
            version = re.sub(r"^[a-z]+-", "", words[1].lower())
            yield product, version, number


def _go_mod(text: str) -> Found:
    for number, line in enumerate(lines_of(text), 1):
        match = re.match(r"\s*(?:go|toolchain\s+go)\s*(\d+\.\d+(?:\.\d+)?)\s*(?://.*)?$", line)
        if match is not None:
            yield "go", match[1], number


def _global_json(text: str) -> Found:
    version = string(table(_json(text).get("sdk")).get("version"))
    if version is not None:
        yield "dotnet", version, LineIndex(text).of(f'"{version}"')


def _json(text: str) -> dict[str, object]:
    try:
        return load_json(text.encode("utf-8", "replace"))
    except Unreadable:
        return {}


def _lowest(pattern: str, product: str) -> Callable[[str], Found]:
    """Read a requirement on the version of a language: the oldest one that it admits is one that is supported here."""
    compiled = re.compile(pattern, re.MULTILINE)

    def read(text: str) -> Found:
        match = compiled.search(text[:200_000])
        if match is not None:
            version = _oldest(match["value"])
            if version is not None:
                yield product, version, text.count("\n", 0, match.start("value")) + 1

    return read


def _oldest(written: str) -> str | None:
    """The lowest version that a requirement admits, where it says so: >=3.9, ^3.9, ~3.9, 3.9.x, 18 || 20."""
    numbers: list[tuple[tuple[int, ...], str]] = []
    for part in re.split(r"\|\|?|,|\s+", re.sub(r"([<>=~^!])\s+", r"\1", written.strip())):
        match = re.fullmatch(r"(>=|\^|~>?|~=|==?|v)?\s*v?(\d{1,4}(?:\.\d{1,4}){0,2})(?:\.[x*])?", part)
        if match is not None:
            numbers.append((tuple(map(int, match[2].split("."))), match[2]))
    return min(numbers)[1] if numbers else None


def _package_json(text: str) -> Found:
    asked = string(table(_json(text).get("engines")).get("node"))
    version = _oldest(asked) if asked else None
    if version is not None:
        yield "nodejs", version, LineIndex(text).of('"engines"')


def _composer_json(text: str) -> Found:
    asked = string(table(_json(text).get("require")).get("php"))
    version = _oldest(asked) if asked else None
    if version is not None:
        yield "php", version, LineIndex(text).of('"php"')


def _java(pattern: str) -> Callable[[str], Found]:
    compiled = re.compile(pattern)

    def read(text: str) -> Found:
        for match in compiled.finditer(text[:500_000]):
            version = match["value"].removeprefix("1.").removeprefix("1_")
            yield "java", version, text.count("\n", 0, match.start()) + 1
            return

    return read


def _project(text: str) -> Found:
    match = re.search(r"<TargetFrameworks?>(?P<value>[^<]{1,300})</TargetFrameworks?>", text[:200_000])
    if match is None:
        return
    line = text.count("\n", 0, match.start()) + 1
    for target in match["value"].split(";")[:20]:
        framework = re.match(r"net(?:coreapp)?(\d+\.\d+)", target.strip())
        if framework is not None and framework[1].partition(".")[0] != "4":
            yield "dotnet", framework[1], line


_FILES: dict[str, Callable[[str], Found]] = {
    ".python-version": _line("python"),
    "runtime.txt": _line("python"),
    ".nvmrc": _line("nodejs"),
    ".node-version": _line("nodejs"),
    ".ruby-version": _line("ruby"),
    ".go-version": _line("go"),
    ".java-version": _line("java"),
    ".terraform-version": _line("terraform"),
    ".tool-versions": _tool_versions,
    "go.mod": _go_mod,
    "global.json": _global_json,
    "package.json": _package_json,
    "composer.json": _composer_json,
    "pyproject.toml": _lowest(
        r"^(?:requires-python|python)[ \t]*=[ \t]*[\"'](?P<value>[^\"'\n]{1,100})[\"']", "python"
    ),
    "setup.cfg": _lowest(r"^python_requires[ \t]{0,40}=[ \t]{0,40}(?P<value>[^\n]{1,100})$", "python"),
    "setup.py": _lowest(r"python_requires[ \t]*=[ \t]*[\"'](?P<value>[^\"'\n]{1,100})[\"']", "python"),
    "pom.xml": _java(
        r"<(?:java\.version|maven\.compiler\.(?:release|source))>\s{0,40}(?P<value>[\d.]{1,8})\s{0,40}<"
    ),
    "build.gradle": _java(
        r"(?:sourceCompatibility\s{0,40}=?\s{0,40}[\"']?(?:JavaVersion\.VERSION_)?|JavaLanguageVersion\.of\(\s{0,40}[\"']?)(?P<value>[\d._]{1,6})"
    ),
    "build.gradle.kts": _java(
        r"(?:sourceCompatibility\s{0,40}=\s{0,40}[\"']?(?:JavaVersion\.VERSION_)?|JavaLanguageVersion\.of\(\s{0,40}[\"']?|jvmToolchain\()(?P<value>[\d._]{1,6})"
    ),
}
