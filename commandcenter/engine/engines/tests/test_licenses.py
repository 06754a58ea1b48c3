"""The licences engine: texts, metadata and headers of small trees, whose licence each is, and hostile files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from commandcenter.engine import codec
from commandcenter.engine.contract.facts import LicenseSeen
from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.licenses import ENGINE
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.licenses.texts import listed

MIT = listed()["MIT"]["text"]
POM = "<project><licenses><license>{}</license></licenses></project>"


def seen(files: Mapping[str, str | bytes], folder: Path) -> list[LicenseSeen]:
    results = run(ENGINE, files, folder)
    assert not [result for result in results if isinstance(result, Failure)]
    return [result for result in results if isinstance(result, LicenseSeen)]


def named(path: str, content: str, folder: Path) -> list[tuple[str | None, int | None, str]]:
    """Give (licence, line, words) of each that one file of metadata names."""
    return [(s.spdx, s.line, s.name) for s in seen({path: content}, folder) if s.source == "metadata"]


@pytest.mark.parametrize(
    "path", ["LICENSE", "LICENCE.md", "license.txt", "COPYING", "COPYING.LESSER", "LICENSE-MIT", "LICENSE.MIT", "MIT-LICENSE",
             "UNLICENSE", "LICENSES/MIT.txt", "licenses/mit.txt"],
)  # fmt: skip
def test_files_of_these_names_are_read_as_texts(path: str, tmp_path: Path) -> None:
    assert seen({path: MIT}, tmp_path) == [LicenseSeen(path, 1, "MIT", "text", "repository", 1.0)]


@pytest.mark.parametrize(
    "path",
    ["license.py", "src/licenses.json", "LICENSE.html", "doc/mit.txt", "licensing.md", "docs/licenses.md"],
)
def test_other_files_are_not(path: str, tmp_path: Path) -> None:
    assert seen({path: MIT}, tmp_path) == []


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("LICENSE", "repository"),
        ("LICENSES/MIT.txt", "repository"),
        ("packages/a/LICENSE", "package"),
        ("vendor/a/LICENSE", "vendored"),
        ("web/node_modules/a/LICENSE.md", "vendored"),
        ("third_party/LICENSES/MIT.txt", "vendored"),
    ],
)
def test_the_folder_says_whose_licence_it_is(path: str, place: str, tmp_path: Path) -> None:
    (found,) = seen({path: MIT}, tmp_path)
    assert found.place == place


def test_a_text_that_is_not_known_is_its_own_words(tmp_path: Path) -> None:
    found = seen({"LICENSE": "\n\n# Example Ltd. allows you nothing.\nNothing.\n"}, tmp_path)
    assert found == [
        LicenseSeen("LICENSE", 3, None, "text", "repository", 0.0, "Example Ltd. allows you nothing.")
    ]


def test_a_file_that_only_names_a_licence_has_it(tmp_path: Path) -> None:
    assert [s.spdx for s in seen({"LICENSE": "The MIT License\n"}, tmp_path)] == ["MIT"]
    header = seen({"LICENSE": "SPDX-License-Identifier: Apache-2.0\n"}, tmp_path)
    assert [(s.spdx, s.source) for s in header] == [("Apache-2.0", "header")]


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("package.json", '{\n "license": "(MIT OR Apache-2.0)"\n}', [("MIT OR Apache-2.0", 2, "(MIT OR Apache-2.0)")]),
        ("package.json", '{"licenses": [{"type": "MIT"}, {"type": "ISC"}]}', [("MIT", 1, ""), ("ISC", 1, "")]),
        ("package.json", '{"license": {"type": "BSD"}}', [(None, 1, "BSD")]),
        ("package.json", '{"license": "UNLICENSED"}', [(None, 1, "UNLICENSED")]),
        ("package.json", '{"license": "SEE LICENSE IN LICENSE.md"}', []),
        ("package.json", '{"license": "SEE LICENSE IN TERMS.pdf"}', [(None, 1, "SEE LICENSE IN TERMS.pdf")]),
        ("package.json", '{"license": ["MIT"', []),
        ("composer.json", '{"license": ["LGPL-2.1-only", "GPL-3.0-or-later"]}',
         [("LGPL-2.1-only OR GPL-3.0-or-later", None, "")]),
        ("pyproject.toml", '[project]\nlicense = "mit and apache-2.0"', [("MIT AND Apache-2.0", 2, "mit and apache-2.0")]),
        ("pyproject.toml", '[project]\nlicense = {text = "Apache License, Version 2.0"}',
         [("Apache-2.0", 2, "Apache License, Version 2.0")]),
        ("pyproject.toml", '[project]\nlicense = {file = "LICENSE"}\nclassifiers = ["License :: OSI Approved :: MIT License"]',
         [("MIT", 3, "License :: OSI Approved :: MIT License")]),
        ("pyproject.toml", '[project]\nclassifiers = ["License :: OSI Approved", "License :: OSI Approved :: BSD License"]',
         [(None, 2, "License :: OSI Approved :: BSD License")]),
        ("pyproject.toml", '[tool.poetry]\nlicense = "MIT"', [("MIT", 2, "")]),
        ("setup.cfg", "[metadata]\nname = a\nlicense = New BSD License", [("BSD-3-Clause", 3, "New BSD License")]),
        ("setup.cfg", "[metadata]\nlicense = GPL\nclassifiers =\n  License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
         [(None, 2, "GPL"), ("MPL-2.0", 4, "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)")]),
        ("Cargo.toml", '[package]\nlicense = "MIT/Apache-2.0"', [("MIT OR Apache-2.0", 2, "MIT/Apache-2.0")]),
        ("Cargo.toml", '[package]\nlicense.workspace = true\n[workspace.package]\nlicense = "ISC"', [("ISC", 4, "")]),
        ("pom.xml", POM.format("\n<name>The Apache Software License, Version 2.0</name>\n<url>x</url>"), [("Apache-2.0", 2, "The Apache Software License, Version 2.0")]),
        ("pom.xml", POM.format("<name>See there</name>\n<url>https://opensource.org/licenses/MIT</url>"),
         [("MIT", 2, "https://opensource.org/licenses/MIT")]),
        ("a.gemspec", 'Gem::Specification.new do |s|\n  s.licenses = ["MIT", "Ruby"]\nend', [("MIT", 2, ""), ("Ruby", 2, "")]),
        ("a.nuspec", '<package><metadata><license type="expression">MIT</license></metadata></package>', [("MIT", 1, "")]),
        ("a.nuspec", "<package><metadata><licenseUrl>https://licenses.nuget.org/ISC</licenseUrl></metadata></package>",
         [("ISC", 1, "https://licenses.nuget.org/ISC")]),
        ("a.csproj", "<Project><PropertyGroup>\n<PackageLicenseExpression>MIT</PackageLicenseExpression></PropertyGroup></Project>",
         [("MIT", 2, "")]),
    ],
)  # fmt: skip
def test_metadata_names_licences(
    path: str, content: str, expected: list[tuple[str | None, int | None, str]], tmp_path: Path
) -> None:
    assert named(path, content, tmp_path) == expected


def test_metadata_of_examples_and_tests_is_left_out(tmp_path: Path) -> None:
    assert seen({"tests/fixtures/a/package.json": '{"license": "GPL-3.0-only"}'}, tmp_path) == []


@pytest.mark.parametrize(
    ("head", "spdx"),
    [
        ("# SPDX-License-Identifier: MIT\n", "MIT"),
        ("#!/bin/sh\n// SPDX-License-Identifier: Apache-2.0 OR MIT\n", "Apache-2.0 OR MIT"),
        (
            "/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */\n",
            "GPL-2.0 WITH Linux-syscall-note",
        ),
        ("<!--\nSPDX-License-Identifier: CC-BY-4.0 -->\n", "CC-BY-4.0"),
        ('"""SPDX-License-Identifier: isc"""\n', "ISC"),
        ("dnl SPDX-License-Identifier: MIT\n", "MIT"),
    ],
)
def test_a_header_names_the_licence_of_its_file(head: str, spdx: str, tmp_path: Path) -> None:
    (found,) = seen({"src/a.x": head + "code\n"}, tmp_path)
    assert (found.spdx, found.source, found.place, found.confidence) == (spdx, "header", "repository", 1.0)


@pytest.mark.parametrize(
    "head",
    [
        "Write `SPDX-License-Identifier: MIT` at the top.\n",
        "x = '# SPDX-License-Identifier: MIT'\n",
        "\n" * 100 + "# SPDX-License-Identifier: MIT\n",
        "# SPDX-License-Identifier:\n",
    ],
)
def test_words_about_headers_are_no_header(head: str, tmp_path: Path) -> None:
    assert seen({"src/a.x": head}, tmp_path) == []


def test_a_header_that_spdx_does_not_know_keeps_its_words(tmp_path: Path) -> None:
    (found,) = seen({"a.c": "// SPDX-License-Identifier: Ours\n"}, tmp_path)
    assert (found.spdx, found.name, found.confidence) == (None, "Ours", 0.0)


def test_hostile_files_cost_themselves_only(tmp_path: Path) -> None:
    deep = "(" * 5000 + "MIT" + ")" * 5000
    files: dict[str, str | bytes] = {
        "LICENSE": b"\x7fELF\0" + bytes(100_000),
        "a/LICENSE": MIT.encode("utf-16"),
        "b/LICENSE": b"\xff\xfe",
        "c/LICENSE": "wor\u202ed " * 200_000,
        "d/package.json": '{"license": "' + deep + '"}',
        "e/package.json": "[" * 100_000,
        "f/pom.xml": '<!DOCTYPE a [<!ENTITY b "MIT">]><project><licenses><license><name>&b;</name></license></licenses></project>',
        "g/pyproject.toml": "a" * 10 + ".a" * 100_000 + " = 1",
        "h/x.gemspec": "s.license = [" + "'a'," * 100_000,
        "i/setup.cfg": "[metadata]\nlicense = %(license)s\n[metadata]\n",
        "j/Cargo.toml": "[package]\nlicense = 1",
        "k/package.json": '{"licenses": [' + ",".join(f'"L{n}"' for n in range(5000)) + "]}",
        "o/package.json": '{"licenses": [' + '"a",' * 200_000 + '"b"]}',
        "p/x.gemspec": "\n" * 200_000 + "s.license = 'MIT'",
        "l.c": "// SPDX-License-Identifier: " + deep + "\n",
        "m.c": "// " * 3_000 + "SPDX-License-Identifier: MIT\n",
        "n.c": "// SPDX-License-Identifier: MIT\n" * 10_000,
    }
    results = run(ENGINE, files, tmp_path)
    by_path: dict[str, list[str | None]] = {}
    for result in results:
        if isinstance(result, LicenseSeen):
            assert len(result.name) <= 120
            by_path.setdefault(result.path, []).append(result.spdx)
    assert by_path["a/LICENSE"] == ["MIT"]
    assert by_path["c/LICENSE"] == by_path["d/package.json"] == by_path["l.c"] == [None]
    assert by_path["i/setup.cfg"] == [None]
    assert len(by_path["k/package.json"]) == 20
    assert len(by_path["n.c"]) == 5
    assert by_path["o/package.json"] == [None, None]
    assert by_path["p/x.gemspec"] == ["MIT"]
    assert set(by_path) == {
        "a/LICENSE",
        "c/LICENSE",
        "d/package.json",
        "i/setup.cfg",
        "l.c",
        "n.c",
        "k/package.json",
        "o/package.json",
        "p/x.gemspec",
    }


def test_results_survive_the_cache(tmp_path: Path) -> None:
    said = run(ENGINE, {"LICENSE": MIT}, tmp_path)
    assert codec.unpack(codec.pack(said, "LICENSE"), "COPYING") == [
        LicenseSeen("COPYING", 1, "MIT", "text", "repository", 1.0)
    ]


def test_what_changes_a_result_changes_the_key() -> None:
    def key(path: str) -> str:
        return ENGINE.path_class(Entry(path, "0" * 40, 1))

    same = [key(path) for path in ("a.py", "src/b.go", "docs/c.md")]
    assert len(set(same)) == 1
    others = [
        key(p)
        for p in ("LICENSE", "a/LICENSE", "vendor/a.py", "vendor/LICENSE", "package.json", "a/package.json")
    ]
    assert len({*same, *others}) == 7
