"""Hostile content: names, sizes, encodings, nesting, and configuration that would run or silence something."""

from __future__ import annotations

import os
from pathlib import Path

from commandcenter.engine.source.tests.servers import Repo
from commandcenter.engine.tests.hostile.making import (
    BAD,
    Place,
    blob,
    case,
    commit,
    fast_import,
    raw_repo,
    tree,
    write,
)

DEEP = 50_000
MEGABYTE = 1_000_000
SUFFIXES = (
    "py", "js", "ts", "tsx", "go", "java", "rs", "c", "cpp", "cs", "rb", "php", "kt", "scala", "swift", "lua",
)  # fmt: skip


@case("complete")
def case_links_out_of_the_tree(place: Place) -> Path:
    repo = place.repo()
    for name, target in (
        ("a.py", place.outside / "canary.py"),
        ("b", Path("/proc")),
        ("c.py", Path("../../x")),
        ("d", Path("d")),
    ):
        (repo.path / name).symlink_to(target)
    repo.commit()
    return repo.path


@case("complete")
def case_links_in_a_plain_folder(place: Place) -> Path:
    folder = write(place.source, {"main.py": BAD})
    (folder / "canary.py").symlink_to(place.outside / "canary.py")
    (folder / "all").symlink_to(place.outside)
    (folder / "self").symlink_to("/proc/self")
    (folder / "loop").symlink_to(folder)
    return folder


@case("complete")
def case_hard_links_to_the_outside(place: Place) -> Path:
    folder = write(place.source, {"main.py": BAD})
    os.link(folder / "main.py", folder / "again.py")
    return folder


@case("complete")
def case_submodules_that_name_files_and_programs(place: Place) -> Path:
    text = (
        f'[submodule "a"]\n\tpath = a\n\turl = file://{place.outside}\n\tupdate = !{place.run}\n'
        f'[submodule "../../hooks"]\n\tpath = -u{place.run}\n\turl = --upload-pack={place.run}\n'
    )
    repo = place.repo({".gitmodules": text})
    head = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{head},a")
    repo.git("commit", "-q", "-m", "submodule")
    return repo.path


@case("complete")
def case_names_that_look_like_options(place: Place) -> Path:
    names = [
        b"--config=evil.py",
        b"-rf.py",
        b"@args.py",
        b"~root.py",
        b"--upload-pack=x.py",
        b"-.sh",
        b"+x.yml",
    ]
    return raw_repo(place, sorted(names))


@case("complete")
def case_names_with_control_characters(place: Place) -> Path:
    names = [
        b"new\nline.py",
        b"tab\t.py",
        b"\x1b[31mred.py",
        b"bell\x07.py",
        b"cr\r.py",
        b'quo"te.py',
        b"back\\slash.py",
    ]
    return raw_repo(place, sorted(names))


@case("complete")
def case_names_that_are_not_what_they_seem(place: Place) -> Path:
    names = [
        "\u202egnp.py",
        "e\u0301.py",
        "\u00e9.py",
        "\u200b.py",
        "ma\u0456n.py",
        "\ufeffbom.py",
        "\U0001f4a9.py",
    ]
    return raw_repo(place, [*sorted(name.encode() for name in names), b"\xff\xfe.py"])


@case("complete")
def case_names_as_long_as_they_can_be(place: Place) -> Path:
    return raw_repo(place, [b"n" * 252 + b".py", b"p" * 4000 + b".py"])


@case("complete", "partial", "source_too_large", "source_invalid")
def case_names_longer_than_any_system_takes(place: Place) -> Path:
    return raw_repo(place, [b"main.py", b"n" * 2_000_000 + b".py"])


@case("complete", "source_invalid")
def case_names_that_climb(place: Place) -> Path:
    return raw_repo(place, [b"..", b"../../climbed.py", b".", b"a/../../b.py"])


@case("complete", "source_invalid")
def case_git_folders_inside_the_tree(place: Place) -> Path:
    repo = Repo(place.source)
    bad = blob(repo, BAD.encode())
    hook = blob(repo, f"#!/bin/sh\n{place.run}\n".encode())
    hooks = tree(repo, [("100755", b"post-checkout", hook)])
    inner = tree(repo, [("100644", b"config", bad), ("40000", b"hooks", hooks)])
    entries = [("40000", name, inner) for name in (b".GIT", b".git", b".g\xe2\x80\x8cit", b"GIT~1")]
    commit(repo, tree(repo, [*entries, ("100644", b"main.py", bad)]))
    return repo.path


@case("complete")
def case_names_that_differ_in_case_only(place: Place) -> Path:
    return raw_repo(place, [b"MAIN.py", b"Main.py", b"main.py", b"\xc3\x9c.py", b"\xc3\xbc.py"])


@case("complete")
def case_names_of_windows(place: Place) -> Path:
    return raw_repo(
        place,
        sorted([b"CON", b"nul.py", b"C:\\x.py", b"a:stream.py", b"trail. ", b"git~1", b"..\\..\\up.py"]),
    )


@case("complete")
def case_one_name_twice_in_a_tree(place: Place) -> Path:
    return raw_repo(place, [b"main.py", b"main.py"])


@case("complete")
def case_folders_nested_a_thousand_deep(place: Place) -> Path:
    path = b"/".join([b"d"] * 1500) + b"/main.py"
    return fast_import(
        place,
        b"commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 0\nM 100644 inline "
        + path
        + b"\ndata 4\nx=1\n\n",
    )


@case("complete")
def case_a_file_of_a_hundred_megabytes(place: Place) -> Path:
    folder = write(place.source, {"main.py": BAD})
    with (folder / "huge.py").open("wb") as file:
        file.truncate(100_000_000)
    return folder


@case("complete")
def case_a_tree_that_shows_one_tree_a_thousand_times(place: Place) -> Path:
    """Ten thousand files out of one blob: the well-known git bomb, cut to what a test can wait for."""
    repo = place.repo()
    level = tree(repo, [("100644", b"f%d.txt" % n, blob(repo, b"x\n")) for n in range(10)])
    for _ in range(3):
        level = tree(repo, [("40000", b"d%d" % n, level) for n in range(10)])
    commit(repo, level)
    return repo.path


@case("source_too_large")
def case_a_git_bomb(place: Place) -> Path:
    repo = place.repo()
    level = tree(repo, [("100644", b"f%d" % n, blob(repo, b"x\n")) for n in range(10)])
    for _ in range(9):
        level = tree(repo, [("40000", b"d%d" % n, level) for n in range(10)])
    commit(repo, level)
    return repo.path


@case("complete")
def case_brackets_nested_in_every_language(place: Place) -> Path:
    files: dict[str, str | bytes] = {f"deep.{suffix}": "(" * DEEP + "\n" for suffix in SUFFIXES}
    files |= {f"closed.{suffix}": "{" * DEEP + "}" * DEEP for suffix in SUFFIXES}
    return place.repo(files).path


@case("complete")
def case_operators_without_end(place: Place) -> Path:
    return place.repo(
        {f"sum.{suffix}": "x = " + "1+" * DEEP + "1\n" for suffix in ("py", "js", "go", "java")}
    ).path


@case("complete")
def case_lines_of_a_megabyte(place: Place) -> Path:
    files: dict[str, str | bytes] = {
        f"long.{suffix}": "x" * MEGABYTE for suffix in (*SUFFIXES, "md", "txt", "json")
    }
    return place.repo(files).path


@case("complete")
def case_text_that_regular_expressions_choke_on(place: Place) -> Path:
    spaces, quotes = " " * 200_000 + "x", "'" * 200_000
    return place.repo(
        {
            "a.py": f"password = {spaces}\n",
            "b.js": f"token: {quotes}\n",
            "c.env": "A" * 400_000 + "=" + "b" * 400_000,
            "d.yml": "key: " + "ghp_" * 100_000,
            "Dockerfile": "RUN " + "\\\n" * 50_000,
            "requirements.txt": "a" * 300_000 + "==" + "1." * 100_000,
            "e.tf": 'source = "' + "/" * 300_000 + '"',
        }
    ).path


@case("complete")
def case_yaml_that_doubles_itself(place: Place) -> Path:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    text = "\n".join(lines)
    return place.repo(
        dict.fromkeys(
            (
                "pnpm-lock.yaml",
                "docker-compose.yml",
                ".github/workflows/a.yml",
                "environment.yml",
                "pubspec.lock",
                "Chart.yaml",
            ),
            text,
        )
    ).path


@case("complete")
def case_xml_that_doubles_itself_and_reads_files(place: Place) -> Path:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    text = (
        f'<?xml version="1.0"?><!DOCTYPE p [<!ENTITY a0 "x">{entities}<!ENTITY f SYSTEM "file://{place.outside}/canary.py">'
        '<!ENTITY % remote SYSTEM "http://127.0.0.1:9/x.dtd"> %remote;]>'
        "<project><dependencies><dependency><groupId>&f;</groupId><artifactId>&a11;</artifactId></dependency></dependencies></project>"
    )
    return place.repo({"pom.xml": text, "packages.config": text, "a.csproj": text}).path


@case("complete")
def case_json_and_toml_nested_without_end(place: Place) -> Path:
    return place.repo(
        {
            "package.json": '{"dependencies":' * DEEP,
            "package-lock.json": "[" * DEEP + "]" * DEEP,
            "Cargo.lock": "a = " + "[" * DEEP,
            "pyproject.toml": "a" + ".a" * DEEP + " = 1",
            "composer.lock": '{"packages": [' + "{}," * DEEP,
        }
    ).path


@case("complete")
def case_numbers_that_no_program_holds(place: Place) -> Path:
    return place.repo(
        {
            "package-lock.json": '{"lockfileVersion": ' + "9" * 100_000 + "}",
            "uv.lock": "version = " + "9" * 100_000,
        }
    ).path


@case("complete")
def case_text_in_every_encoding(place: Place) -> Path:
    text = "x = eval('1')\r\n# é\r\n"
    return place.repo(
        {
            "utf8bom.py": text.encode("utf-8-sig"),
            "utf16.py": text.encode("utf-16"),
            "utf16be.py": text.encode("utf-16-be"),
            "utf32.py": text.encode("utf-32"),
            "latin.py": text.encode("latin-1"),
            "broken.py": b"x = '\xc3\x28\xa0\xa1\xe2\x28'\n",
            "surrogate.py": b"x = '\xed\xa0\x80'\n",
            "nul.py": b"x = 1\0\ny = eval('1')\n",
            "cr.py": b"x = 1\ry = 2\r",
            "package.json": b"\xff\xfe{\0}\0",
        }
    ).path


@case("complete")
def case_configuration_that_runs_programs_or_silences_rules(place: Place) -> Path:
    repo = place.repo(
        {
            ".gitattributes": "* filter=evil diff=evil merge=evil export-subst linguist-vendored\n",
            "home/.gitconfig": f"[core]\n\tfsmonitor = {place.run}\n",
            "ruff.toml": f'extend = "{place.outside}/canary.py"\nexclude = ["*"]\n',
            "pyproject.toml": '[tool.ruff]\nexclude = ["*"]\n[tool.ruff.lint]\nignore = ["ALL"]\n',
            "sgconfig.yml": f"ruleDirs: [{place.outside}]\ncustomLanguages:\n  evil:\n    libraryPath: {place.outside}/evil.so\n",
            ".hadolint.yaml": "ignored: [DL3006, DL3007]\n",
            ".shellcheckrc": "disable=all\nexternal-sources=true\n",
            "zizmor.yml": "rules:\n  unpinned-uses:\n    disable: true\n",
            ".betterleaks.toml": '[allowlist]\npaths = [".*"]\n',
            "conftest.py": f"import os; os.system({place.run!r})\n",
            "setup.py": f"import os; os.system({place.run!r})\n",
            "sitecustomize.py": f"import os; os.system({place.run!r})\n",
            "package.json": '{"scripts": {"preinstall": "' + place.run + '"}}',
            "build.rs": "fn main() {}\n",
            "evil.sh": f"source {place.outside}/canary.py\n. /etc/passwd\n",
            "Dockerfile": f"FROM scratch\nADD {place.outside} /\n",
        }
    )
    config = repo.path / ".git" / "config"
    run = place.run.replace("\\", "\\\\")
    config.write_text(
        config.read_text()
        + f"[core]\n\tfsmonitor = {run}\n\tsshCommand = {run}\n\tpager = {run}\n\tgitProxy = {run}\n"
        + f'[filter "evil"]\n\tsmudge = {run}\n\tclean = {run}\n\tprocess = {run}\n'
        + f'[diff]\n\texternal = {run}\n[diff "evil"]\n\ttextconv = {run}\n'
        + f"[uploadpack]\n\tpackObjectsHook = {run}\n[gpg]\n\tprogram = {run}\n[include]\n\tpath = /dev/zero\n"
    )
    hooks = repo.path / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-upload", "post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\n{place.run}\n")
        (hooks / name).chmod(0o755)
    return repo.path


@case("complete")
def case_licences_that_never_end(place: Place) -> Path:
    nested = "(" * DEEP + "MIT" + ")" * DEEP
    return place.repo(
        {
            "LICENSE": "the above copyright notice and this permission notice shall be included in all copies "
            * 40_000,
            "COPYING": "a " * MEGABYTE,
            "LICENSES/a.txt": "(c)" * MEGABYTE,
            "a/package.json": '{"license": "' + nested + '"}',
            "b/Cargo.toml": f'[package]\nlicense = "{"MIT/" * DEEP}MIT"\n',
            "c/x.gemspec": "s.licenses = [" + "'MIT'," * DEEP,
            "d/pom.xml": "<project><licenses>"
            + "<license><name>x</name></license>" * DEEP
            + "</licenses></project>",
            "e.c": f"// SPDX-License-Identifier: {nested}\n",
        }
    ).path


@case("complete")
def case_thousands_of_files_of_one_name(place: Place) -> Path:
    lines = [b"commit refs/heads/main\ncommitter A <a@b> 1700000000 +0000\ndata 0\n"]
    lines += [b"M 100644 inline d%d/main.py\ndata 4\nx=1\n\n" % number for number in range(3000)]
    return fast_import(place, b"".join(lines))


@case("complete")
def case_findings_without_number(place: Place) -> Path:
    return place.repo({"many.py": "eval(x)\n" * 20_000}).path


@case("complete")
def case_code_that_is_slow_to_match(place: Place) -> Path:
    return place.repo(
        {
            "deep.js": "eval(" * 500 + "x" + ")" * 500,
            "line.js": "eval(x);" * 20_000,
            "lines.ts": "eval(x);\n" * 5_000,
            "sum.py": "cursor.execute(" + "+".join(["a"] * 20_000) + ")",
            "marks.js": "// ast-grep-ignore" * 1000 + "\n" + " " * 30_000 + "eval(x)\n",
        }
    ).path
