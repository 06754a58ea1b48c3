"""Reads the licences that package metadata names, without running any of it."""

from __future__ import annotations

import configparser
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from commandcenter.engine.licenses.aliases import spdx_of
from commandcenter.engine.licenses.files import holds_text
from commandcenter.engine.manifests.lines import LineIndex, literal_line
from commandcenter.engine.manifests.model import Source, Unreadable
from commandcenter.engine.manifests.syntax import array, load_json, load_toml, string, table
from commandcenter.engine.manifests.xmltree import load_xml

MAX_NAMES = 20
"""Licences that one file may name; a package has two or three."""
MAX_WORDS = 200

_SEE = re.compile(r"see license in\s+(.+)", re.IGNORECASE)
_GEM = re.compile(
    r"^[ \t]*\w+\.licenses?[ \t]*=[ \t]*(?P<value>\[[^\]\n]{0,400}\]|[\"'][^\"'\n]{1,200}[\"'])", re.MULTILINE
)
_QUOTED = re.compile(r"[\"']([^\"'\n]{1,200})[\"']|%w\[([^\]\n]{1,200})\]")
_CLASSIFIER = "License ::"


@dataclass(frozen=True, slots=True)
class Named:
    """A licence as metadata has it: SPDX where the words are or certainly mean one, and the words."""

    line: int | None
    spdx: str | None
    words: str


def reads(path: str) -> bool:
    """Whether a file is metadata that may name a licence."""
    return _reader(path) is not None


def kind_of(path: str) -> str:
    """Name what of a path decides how it is read."""
    name = path.rpartition("/")[2]
    return name if name in _BY_NAME else name.rpartition(".")[2]


def named_in(source: Source) -> list[Named]:
    """Give the licences that a file names, at most 20. Raises Unreadable where it is not what its name says."""
    reader = _reader(source.path)
    if reader is None:
        return []
    index = LineIndex(source.text)
    found: dict[str, Named] = {}
    for words in reader(source):
        if len(found) == MAX_NAMES:
            break
        if words and words not in found and not _elsewhere(words):
            found[words] = Named(
                _line(source, index, words), spdx_of(_said(source, words)), words[:MAX_WORDS]
            )
    return list(found.values())


def _line(source: Source, index: LineIndex, words: str) -> int | None:
    line = literal_line(source.text, index, words)
    return line or next((n for form in (f">{words}<", f"= {words}", words) if (n := index.of(form))), None)


def _elsewhere(words: str) -> bool:
    """Whether the words name a file that is looked at as a text."""
    named = _SEE.fullmatch(words.strip())
    return named is not None and holds_text(named[1].strip(" ./<>"))


def _said(source: Source, words: str) -> str:
    if words.startswith(_CLASSIFIER):
        return words.rpartition("::")[2].strip()
    return words.replace("/", " OR ") if source.name == "Cargo.toml" else words  # as Cargo once wrote it


def _reader(path: str) -> Callable[[Source], Iterator[str]] | None:
    name = path.rpartition("/")[2]
    return _BY_NAME.get(name) or _BY_SUFFIX.get(name.rpartition(".")[2])


def _package_json(source: Source) -> Iterator[str]:
    document = load_json(source.data)
    for value in (document.get("license"), *array(document.get("licenses")), document.get("licenses")):
        yield string(value) or string(table(value).get("type")) or ""


def _composer(source: Source) -> Iterator[str]:
    value = load_json(source.data).get("license")
    # Several licences of a list may be chosen from: so composer's schema says.
    listed = [name for name in array(value) if isinstance(name, str)]
    yield string(value) or " OR ".join(listed[:MAX_NAMES])


def _pyproject(source: Source) -> Iterator[str]:
    document = load_toml(source.text)
    project, poetry = table(document.get("project")), table(table(document.get("tool")).get("poetry"))
    value = project.get("license")
    said = string(value) or string(table(value).get("text")) or string(poetry.get("license")) or ""
    said = said.strip() if len(said) <= MAX_WORDS else ""  # a whole text: no name
    yield said
    if spdx_of(said) is None:
        listed = [*array(project.get("classifiers")), *array(poetry.get("classifiers"))]
        yield from _classifiers(item for item in listed if isinstance(item, str))


def _setup_cfg(source: Source) -> Iterator[str]:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(source.text)
    except configparser.Error as error:
        raise Unreadable("It is not a valid configuration file.") from error
    said = parser.get("metadata", "license", fallback="").strip()
    said = "" if said.startswith(("file:", "attr:")) else said
    yield said
    if spdx_of(said) is None:
        yield from _classifiers(parser.get("metadata", "classifiers", fallback="").splitlines())


def _classifiers(lines: Iterator[str] | list[str]) -> Iterator[str]:
    # "OSI Approved" alone is a shelf, no licence.
    for line in lines:
        words = line.strip()
        if words.startswith(_CLASSIFIER) and words.rpartition("::")[2].strip() != "OSI Approved":
            yield words


def _cargo(source: Source) -> Iterator[str]:
    document = load_toml(source.text)
    for package in (table(document.get("package")), table(table(document.get("workspace")).get("package"))):
        yield string(package.get("license")) or ""


def _pom(source: Source) -> Iterator[str]:
    for node in load_xml(source.data).all("licenses", "license"):
        name, address = node.value("name") or "", node.value("url") or ""
        yield address if spdx_of(name) is None and spdx_of(address) is not None else name or address


def _gemspec(source: Source) -> Iterator[str]:
    for match in _GEM.finditer(source.text):
        for quoted in _QUOTED.finditer(match["value"]):
            yield from (quoted[1],) if quoted[1] else quoted[2].split()


def _nuspec(source: Source) -> Iterator[str]:
    for node in load_xml(source.data).all("metadata"):
        license_ = node.first("license")
        if license_ is not None and license_.attributes.get("type") != "file":
            yield license_.text
        elif license_ is None:
            yield node.value("licenseUrl") or ""


def _project(source: Source) -> Iterator[str]:
    for group in load_xml(source.data).all("PropertyGroup"):
        yield group.value("PackageLicenseExpression") or ""


_BY_NAME: dict[str, Callable[[Source], Iterator[str]]] = {
    "package.json": _package_json,
    "composer.json": _composer,
    "pyproject.toml": _pyproject,
    "setup.cfg": _setup_cfg,
    "Cargo.toml": _cargo,
    "pom.xml": _pom,
    "Directory.Build.props": _project,
}
_BY_SUFFIX: dict[str, Callable[[Source], Iterator[str]]] = {
    "gemspec": _gemspec,
    "nuspec": _nuspec,
    "csproj": _project,
    "fsproj": _project,
    "vbproj": _project,
}
