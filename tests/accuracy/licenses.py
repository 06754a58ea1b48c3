"""Licences beside what packages declare, beside licensee, and on texts of the SPDX list that we do not have."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from commandcenter.engine.licenses.expressions import licenses_of, parse
from commandcenter.engine.licenses.files import holds_text
from commandcenter.engine.licenses.likeness import licenses_in
from commandcenter.engine.licenses.texts import listed
from tests.accuracy import corpora, oracles
from tests.accuracy.table import Table

# Above each text of choosealicense.com stands which one it is.
TEMPLATE = re.compile(r"---\n.*?^spdx-id: ([\w.+-]+)$.*?^---\n(.*)", re.DOTALL | re.MULTILINE)
# Words that the list has twice, under a deprecated and a present name, and notices of a licence with an exception.
SAME = frozenset({"BSD-2-Clause-FreeBSD", "BSD-2-Clause-NetBSD", "Net-SNMP", "Nunit", "eCos-2.0"})
LICENSEE = """
require "json"
require "licensee"
STDIN.each_line(chomp: true) do |path|
  text = File.binread(path).force_encoding("UTF-8").scrub
  puts JSON.generate([path, Licensee::ProjectFiles::LicenseFile.new(text, File.basename(path)).license&.spdx_id])
end
"""


def compare(table: Table, base: Path) -> None:
    """Add the rows. What an absent program would say is named as not compared."""
    installed = base / "corpora" / "licences"
    declared = dict(_installed(installed))
    _declared(table, installed, declared, base / "data" / "licences")
    if shutil.which("licensee") is not None:
        _licensee(table, [path for path in sorted((base / "corpora").rglob("*")) if _is_text(path)])
        _templates(table)
    _unlisted(table, base / "list")


def _installed(folder: Path) -> Iterator[tuple[str, str]]:
    """Copy the licence files of each installed package; give its name and the expression that it declares."""
    for package in metadata.distributions():
        name = package.metadata["Name"]
        expression = package.metadata.get("License-Expression")
        for file in package.files or ():
            parts = file.parts
            own = len(parts) == 2 or (len(parts) == 3 and parts[1] in {"licenses", "license_files"})
            if own and parts[0].endswith(".dist-info") and holds_text(file.name):
                (folder / name).mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), folder / name / file.name)
        if expression and (folder / name).is_dir():
            yield name, expression


def _declared(table: Table, folder: Path, declared: dict[str, str], data: Path) -> None:
    """Compare the texts of each package with the licences of the expression that it declares."""
    seen: dict[str, set[str]] = {}
    for message in oracles.engine(folder, data, "licenses"):
        for each in message["rows"] if message["type"] == "licenses" else ():
            if each["spdx"] is not None:
                seen.setdefault(each["path"].partition("/")[0], set()).update(_families(each["spdx"]))
    agree = [name for name, said in declared.items() if _families(said) <= seen.get(name, set())]
    table.row("licences, as packages declare them", "texts", (len(declared), len(agree), len(declared)), 0.05)
    table.details(
        f"{name}: {declared[name]}, seen {sorted(seen.get(name, ()))}"
        for name in sorted(declared.keys() - agree)
    )


def _families(expression: str) -> set[str]:
    """Give the licences of an expression, without what they say about later versions: no text says that."""
    found = parse(expression)
    names = licenses_of(found) if found is not None else ()
    return {name.id.removesuffix("-only").removesuffix("-or-later") for name in names}


def _is_text(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and holds_text(path.name)


def _licensee(table: Table, paths: list[Path]) -> None:
    """Compare with licensee where it commits itself; it knows 43 licences and one a file."""
    asked = "".join(f"{path}\n" for path in paths).encode()
    argv = ["ruby", "-e", LICENSEE]
    done = subprocess.run(argv, input=asked, capture_output=True, timeout=oracles.SECONDS, check=True)
    theirs: list[list[Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    decided = [(Path(path), spdx) for path, spdx in theirs if spdx not in {None, "NOASSERTION"}]
    same = sum(spdx in _known(path.read_text(errors="replace")) for path, spdx in decided)
    table.row("licences, beside licensee", "texts", (len(decided), same, len(decided)), 0.01)
    ours = sum(bool(_known(path.read_text(errors="replace"))) for path in paths)
    print(f"{'':<38} of {len(paths)} texts licensee knows {len(decided)}, the engine {ours}")


def _templates(table: Table) -> None:
    """Look at the texts that GitHub offers to new repositories, in which others write their own names."""
    read = [TEMPLATE.fullmatch(path.read_text()) for path in _offered()]
    named = {parts[1]: _known(parts[2]) for parts in read if parts}
    differ = [
        spdx for spdx, found in named.items() if {f for each in found for f in _families(each)} != {spdx}
    ]
    same = len(named) - len(differ)
    table.row("licences of choosealicense.com", "texts", (len(named), same, len(named)), 0.01)
    table.details(f"{spdx}: {named[spdx]}" for spdx in differ)


def _offered() -> list[Path]:
    """Give the files of choosealicense.com that licensee brings along."""
    argv = ["ruby", "-e", 'puts Gem::Specification.find_by_name("licensee").gem_dir']
    done = subprocess.run(argv, capture_output=True, text=True, timeout=oracles.SECONDS, check=True)
    return sorted(Path(done.stdout.strip()).glob("vendor/choosealicense.com/_licenses/*.txt"))


def _unlisted(table: Table, folder: Path) -> None:
    """Look at the texts of the SPDX list that we do not have: none may be taken for one that we have."""
    folder.mkdir(parents=True)
    fault = corpora.run(["npm", "pack", "--loglevel=error", "spdx-license-list@6.12.0"], folder)
    if fault:
        table.lost("licences of the SPDX list", fault)
        return
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        member = archive.extractfile("package/spdx-full.json")
        assert member is not None
        texts = {spdx: entry["licenseText"] for spdx, entry in json.load(member).items()}
    known = {" ".join(entry["text"].split()) for entry in listed().values()}
    others = {
        spdx: text
        for spdx, text in texts.items()
        if spdx.removesuffix("+") not in SAME | listed().keys() and " ".join(text.split()) not in known
    }
    taken = {spdx: found for spdx, text in others.items() if (found := _known(text))}
    table.row(
        "licences that we do not have", "texts", (len(others), len(others) - len(taken), len(others)), 0.01
    )
    table.details(f"{spdx} is taken for {', '.join(found)}" for spdx, found in sorted(taken.items()))


def _known(text: str) -> list[str]:
    return [found.spdx for found in licenses_in(text) if found.spdx is not None]
