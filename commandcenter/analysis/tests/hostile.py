"""Makes the worst sources that people and attackers have: as folders, repositories and archives."""

from __future__ import annotations

import io
import json
import os
import socket
import stat
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from commandcenter.engine.source.tests.servers import Repo

BAD = "x = eval('1')\n"
"""A file with one finding of ruff: S307."""
TOKEN = "ghp_" + "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2"
SECRET = f'token = "{TOKEN}"\n'
"""A file with one finding of betterleaks."""
DEPTH = 100_000

NAMES = (
    "-rf.py", "--config=evil.py", "$(id).py", "`id`;.py", "new\nline.py", "tab\t.py", " lead.py", "@argfile.py",
    "\x1b[31mred.py", "\u202egnp.py", "\u00e9e\u0301.py", "n" * 240 + ".py",
)  # fmt: skip
IGNORE_ALL = {
    ".gitignore": "*\n",
    ".ignore": "*\n",
    ".tokeignore": "*\n",
    ".gitattributes": "* linguist-vendored linguist-generated export-ignore filter=evil -diff\n",
    ".gitleaks.toml": '[allowlist]\npaths = [".*"]\n',
    ".betterleaks.toml": '[allowlist]\npaths = [".*"]\n',
    "betterleaks.toml": '[allowlist]\npaths = [".*"]\n',
    ".gitleaksignore": "a.py:S307:1\n",
    "ruff.toml": 'exclude = ["*"]\n[lint]\nselect = []\n',
    "pyproject.toml": '[tool.ruff]\nexclude = ["*"]\n[tool.ruff.lint]\nignore = ["ALL"]\n',
    "tokei.toml": "types = []\n",
    "setup.cfg": "[flake8]\nexclude = *\n",
}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder, which is made."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def odd_folder(folder: Path, outside: Path) -> Path:
    """Fill a folder with names, kinds and sizes that no program expects, and links to the folder `outside`."""
    write(folder, dict.fromkeys(NAMES, BAD))
    (folder / os.fsdecode(b"caf\xe9.py")).write_text(BAD)
    with (folder / "two-gigabytes.py").open("wb") as file:
        file.truncate(2 << 30)
    os.mkfifo(folder / "fifo.py")
    try:
        os.mknod(folder / "zeros.py", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:  # only root may make one
        os.mkfifo(folder / "zeros.py")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(folder)  # the address of a socket is short
        try:
            listening.bind("socket.py")
        finally:
            os.chdir(here)
    (folder / "link.py").symlink_to(outside / "secret.py")
    (folder / "linked").symlink_to(outside)
    (folder / "loop").symlink_to("loop")
    for number in range(3000):
        name = folder / f"empty{number // 1000}" / f"{number}.py"
        name.parent.mkdir(exist_ok=True)
        name.touch()
    return folder


def deep_folder(folder: Path) -> Path:
    """Write files whose nesting or length overflows what reads them without a bound."""

    def nested(pair: str, inner: str = "") -> str:
        return pair[0] * DEPTH + inner + pair[1] * DEPTH

    return write(
        folder,
        {
            "deep.json": nested("[]"),
            "package.json": nested("[]"),
            "package-lock.json": '{"a":' * DEPTH + "1" + "}" * DEPTH,
            "pyproject.toml": "a = " + nested("[]"),
            "pnpm-lock.yaml": "a: " + nested("[]"),
            "pom.xml": "<a>" * DEPTH + "</a>" * DEPTH,
            "deep.py": "x = " + nested("()", "1") + "\n",
            "deep.js": "x = " + nested("[]") + ";",
            "functions.js": "function f(){" * DEPTH + "}" * DEPTH,
            "deep.c": "int x = " + nested("()", "1") + ";",
            "long.js": b"a=1;" * (30 << 18),
            "long.py": b"a=1;" * (1 << 18),
            "long.json": b"[" + b"1," * (1 << 20) + b"1]",
            "good.py": BAD,
        },
    )


def utf16_folder(folder: Path) -> Path:
    """Write text in other encodings, beside one plain file."""
    return write(
        folder,
        {
            "a.py": BAD.encode("utf-16"),
            "b.js": "function f(){ return 1 }\n".encode("utf-16-le"),
            "package.json": '{"dependencies": {"left-pad": "1.0.0"}}'.encode("utf-16"),
            "requirements.txt": "django==5.2\n".encode("utf-16"),
            "mark.py": b"\xef\xbb\xbf" + BAD.encode(),
            "good.py": BAD,
        },
    )


def deaf_repository(folder: Path, witness: Path) -> Repo:
    """Make a repository that tells every tool to ignore everything, and git to run a command that makes `witness`."""
    repo = Repo(folder)
    write(folder, {**IGNORE_ALL, "a.py": BAD, "key.py": SECRET})
    repo.git("add", "--all", "--force")
    repo.commit()
    command = f"touch {witness}"
    hooks = write(
        folder / "hooks", dict.fromkeys(("post-checkout", "reference-transaction", "pre-auto-gc"), "")
    )
    for hook in hooks.iterdir():
        hook.write_text(f"#!/bin/sh\n{command}\n")
        hook.chmod(0o755)
    for key, value in {
        "core.fsmonitor": command,
        "core.hooksPath": str(hooks),
        "core.pager": command,
        "core.sshCommand": command,
        "core.alternateRefsCommand": command,
        "core.worktree": "/etc",
        "diff.external": command,
        "filter.evil.clean": command,
        "filter.evil.smudge": command,
        "uploadpack.packObjectsHook": command,
        "include.path": "/etc/passwd",
    }.items():
        repo.git("config", "--file", str(folder / ".git" / "config"), key, value)
    return repo


def odd_repository(folder: Path, other: Path, outside: Path) -> Repo:
    """Make a repository with a submodule, a link that leads out, a bare repository inside and a 60 MB file."""
    repo = Repo(folder)
    repo.git("submodule", "--quiet", "add", str(other), "module")
    repo.git("clone", "--quiet", "--bare", str(other), "inner.git")
    (folder / "link.py").symlink_to(outside / "secret.py")
    (folder / os.fsdecode(b"caf\xe9.py")).write_text(BAD)
    with (folder / "sixty-megabytes.py").open("wb") as file:
        file.truncate(60 << 20)
    repo.commit({"a.py": BAD})
    return repo


def long_history(folder: Path, commits: int) -> Repo:
    """Make a repository with so many commits, one after another over a few files."""
    repo = Repo(folder)
    stream = io.BytesIO()
    for number in range(commits):
        data = b"x = %d\n" % number
        stream.write(
            b"commit refs/heads/main\ncommitter a%d <a%d@example.org> %d +0000\ndata 1\nx\n"
            b"M 100644 inline f%d.py\ndata %d\n%s\n"
            % (number % 50, number % 50, 1_700_000_000 + number, number % 20, len(data), data)
        )
    repo.git("fast-import", "--quiet", stdin=stream.getvalue())
    return repo


def climbing_zip(file: Path) -> Path:
    """Write a zip whose members climb out, are absolute, or are fine."""
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("../../../climbed.py", BAD)
        archive.writestr("/absolute.py", BAD)
        archive.writestr("top/a.py", BAD)
    return file


def climbing_tar(file: Path, outside: Path) -> Path:
    """Write a tar whose members climb, link out, write through a link, or are devices."""
    with tarfile.open(file, "w:gz") as archive:

        def add(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> None:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            data = BAD.encode() if kind == tarfile.REGTYPE else b""
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))

        add("../../../climbed.py")
        add("top/link", tarfile.SYMTYPE, str(outside))
        add("top/link/through.py")
        add("top/secret.py", tarfile.SYMTYPE, str(outside / "secret.py"))
        add("top/hard.py", tarfile.LNKTYPE, str(outside / "secret.py"))
        add("top/device.py", tarfile.CHRTYPE)
        add("top/a.py")
    return file


def bomb_zip(file: Path) -> Path:
    """Write a small zip of some gigabytes of nothing."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("zeros.py", bytes(64 << 20))
    return file


def large_lock(folder: Path, packages: int) -> Path:
    """Write a lock file with so many packages."""
    locked = {f"node_modules/p{number}": {"version": f"1.0.{number}"} for number in range(packages)}
    lock = {"name": "x", "lockfileVersion": 3, "packages": {"": {"name": "x"}, **locked}}
    return write(folder, {"package.json": "{}", "package-lock.json": json.dumps(lock, separators=(",", ":"))})
