"""The check of submodules and symlinks: what is built here and lies elsewhere."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.contract.files import Link
from commandcenter.engine.contract.findings import Severity
from commandcenter.engine.practices.model import Outcome, Repository, example
from commandcenter.engine.textlines import lines_of

MAX_SUBMODULES = 2000
_SECTION = re.compile(r'\s*\[submodule\s+"(?P<name>[^"]{1,300})"\s*\]')
_SETTING = re.compile(r"\s*(?P<key>\w+)\s*=\s*(?P<value>.{0,1000})")


def submodules(repository: Repository) -> Outcome:
    """Judge the address and the path of each submodule in .gitmodules, and the target of each symlink by its text."""
    outcome = Outcome("submodules", why="There are no submodules and no symlinks.")
    _submodules(outcome, repository)
    _links(outcome, repository)
    return outcome


def _submodules(outcome: Outcome, repository: Repository) -> None:
    for number, (name, key, value, line) in enumerate(_settings(repository.texts.get(".gitmodules", ""))):
        if number >= MAX_SUBMODULES:
            break
        place = [Evidence(".gitmodules", line)]
        if key == "url":
            outcome.looked_at += 1
            outcome.why = "Every submodule is fetched from a fixed address over an encrypted connection."
            if value.startswith(("http://", "git://", "ftp://")):
                outcome.add(
                    name,
                    f"The submodule {name} is fetched over {value.partition(':')[0]}, which anybody on the way can change.",
                    place,
                    severity="medium",
                )
            elif value.startswith(("/", "file:")) or re.match(r"[A-Za-z]:[\\/]", value):
                outcome.add(
                    name,
                    f"The submodule {name} lies at {value[:120]}, a path of one machine: others cannot fetch it.",
                    place,
                    remedy="Name the address from which everybody can fetch it.",
                )
        elif key == "path" and (value.startswith("/") or ".." in value.split("/")):
            outcome.add(
                name,
                f"The path of the submodule {name} leaves the repository: {value[:120]}.",
                place,
                severity="high",
                remedy="Give it a path inside the repository.",
            )
        elif key == "update" and value.startswith("!"):
            outcome.add(
                name,
                f"The submodule {name} asks to run a command when it is updated.",
                place,
                severity="high",
                remedy="Remove the `update` setting: commands belong to nobody's submodule.",
            )


def _links(outcome: Outcome, repository: Repository) -> None:
    untold = repository.links.untold
    if untold:
        outcome.unknown = (
            f"Where {untold} symlinks point is not known: those of folders and archives are left out when they are "
            "imported, and a thousand are read."
        )
    for link in repository.links.known:
        if example(link.path):
            continue
        outcome.looked_at += 1
        outcome.why = "Every submodule is fetched safely, and every symlink stays inside the repository."
        where, severity = _leaves(link)
        if where:
            outcome.add(
                link.path,
                f"The symlink {link.path} points {where}: {link.target[:120]}.",
                [Evidence(link.path)],
                severity=severity,
                remedy="Replace it by the file that is meant, or let it point inside the repository.",
            )


def _leaves(link: Link) -> tuple[str, Severity]:
    """Say where a symlink points that leaves the repository; empty for one that stays inside."""
    if link.target.startswith("/") or re.match(r"[A-Za-z]:[\\/]", link.target):
        return "to a path of one machine", "medium"
    place = posixpath.normpath(posixpath.join(posixpath.dirname(link.path), link.target))
    if place.split("/")[0] == "..":
        return "out of the repository", "medium"
    if place.split("/")[0].lower() == ".git":
        return "into git's own folder", "high"
    return "", "low"


def _settings(text: str) -> Iterator[tuple[str, str, str, int]]:
    name = ""
    for number, line in enumerate(lines_of(text), 1):
        section = _SECTION.match(line)
        if section is not None:
            name = section["name"]
            continue
        setting = _SETTING.match(line)
        if setting is not None and name:
            yield name, setting["key"].lower(), setting["value"].strip().strip('"'), number
