"""Archives of every kind: read by content, stripped of their top folder, stopped when they are bombs."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from commandcenter.engine.source.tests.conftest import Desk

MIB = 1 << 20
FILES = {"project/README.md": b"hello\n", "project/src/app.py": b"print(1)\n", "project/empty": b""}
READ = {"README.md": b"hello\n", "src/app.py": b"print(1)\n", "empty": b""}


def make_tar(files: dict[str, bytes], *extra: tarfile.TarInfo, kind: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=kind, encoding="utf-8", errors="surrogateescape"
    ) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in extra:
            archive.addfile(info)
    return buffer.getvalue()


def make_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


FORMATS: dict[str, Callable[[], bytes]] = {
    "a.zip": lambda: make_zip(FILES),
    "stored.zip": lambda: make_zip(FILES, zipfile.ZIP_STORED),
    "bzip2.zip": lambda: make_zip(FILES, zipfile.ZIP_BZIP2),
    "lzma.zip": lambda: make_zip(FILES, zipfile.ZIP_LZMA),
    "a.tar": lambda: make_tar(FILES),
    "gnu.tar": lambda: make_tar(FILES, kind=tarfile.GNU_FORMAT),
    "ustar.tar": lambda: make_tar(FILES, kind=tarfile.USTAR_FORMAT),
    "a.tar.gz": lambda: gzip.compress(make_tar(FILES)),
    "two-members.tgz": lambda: gzip.compress(make_tar(FILES)[:700]) + gzip.compress(make_tar(FILES)[700:]),
    "a.tar.bz2": lambda: bz2.compress(make_tar(FILES)),
    "a.tar.xz": lambda: lzma.compress(make_tar(FILES)),
    "a.tar.zst": lambda: zstandard.compress(make_tar(FILES)),
    "wrong-name.zip": lambda: gzip.compress(make_tar(FILES)),
    "no-name": lambda: make_zip(FILES),
}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_read_by_its_content(desk: Desk, name: str) -> None:
    (desk.root / name).write_bytes(FORMATS[name]())
    opened = desk.open(desk.root / name)
    assert desk.files(opened) == READ
    assert opened.skipped == {}


def test_the_same_content_gives_the_same_commit_in_every_format(desk: Desk) -> None:
    commits = set()
    for name in ("a.zip", "a.tar.gz", "a.tar.zst"):
        (desk.root / name).write_bytes(FORMATS[name]())
        commits.add(desk.open(desk.root / name).commit)
    assert len(commits) == 1


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def device(name: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type = kind
    return info


def test_climbing_absolute_linked_and_special_members_of_a_tar_are_skipped(desk: Desk) -> None:
    bad = {"../out.txt": b"x", "a/../../out.txt": b"x", "/etc/out.txt": b"x", "C:\\out.txt": b"x"}
    data = make_tar(
        {
            "good.txt": b"good",
            ".git/config": b"[core]",
            "sub/.GIT/hooks/x": b"x",
            **bad,
            "./also/good.txt": b"good",
        },
        link("passwd", "/etc/passwd"),
        link("hard", "/etc/passwd", tarfile.LNKTYPE),
        device("null", tarfile.CHRTYPE),
        device("pipe", tarfile.FIFOTYPE),
    )
    (desk.root / "a.tar").write_bytes(data)
    opened = desk.open(desk.root / "a.tar")
    assert set(desk.files(opened)) == {"good.txt", "also/good.txt"}
    assert opened.skipped == {"unsafe_path": 4, "symlink": 2, "special": 2}
    assert not list(desk.root.parent.rglob("out.txt"))


def test_climbing_and_linked_members_of_a_zip_are_skipped(desk: Desk) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("good.txt", "../out.txt", "/out.txt", "a/../../out.txt", ".git/config"):
            archive.writestr(name, "x")
        windows = zipfile.ZipInfo("x")
        windows.filename, windows.create_system = "win\\good.txt", 0
        archive.writestr(windows, "x")
        symlink = zipfile.ZipInfo("passwd")
        symlink.create_system, symlink.external_attr = 3, 0o120777 << 16
        archive.writestr(symlink, "/etc/passwd")
    (desk.root / "a.zip").write_bytes(buffer.getvalue())
    opened = desk.open(desk.root / "a.zip")
    assert set(desk.files(opened)) == {"good.txt", "win/good.txt"}
    assert opened.skipped == {"unsafe_path": 3, "symlink": 1}


def test_a_zip_bomb_is_stopped(desk: Desk) -> None:
    (desk.root / "one.zip").write_bytes(make_zip({"zeros": bytes(200 * MIB)}))
    (desk.root / "many.zip").write_bytes(make_zip({f"zeros{n}": bytes(4 * MIB) for n in range(50)}))
    for name in ("one.zip", "many.zip"):
        start = time.monotonic()
        assert desk.refuse(desk.root / name).code == "archive_bomb"
        assert time.monotonic() - start < 5


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress])
def test_a_compressed_tar_bomb_is_stopped_while_streaming(desk: Desk, pack: Callable[[bytes], bytes]) -> None:
    (desk.root / "a.tar").write_bytes(pack(make_tar({"zeros": bytes(64 * MIB)})))
    assert desk.refuse(desk.root / "a.tar").code == "archive_bomb"


def test_a_small_archive_may_shrink_its_text_a_lot(desk: Desk) -> None:
    (desk.root / "a.zip").write_bytes(make_zip({"log.txt": b"a" * (4 * MIB)}))
    assert desk.open(desk.root / "a.zip").entries == 1


def test_a_zip_that_lies_about_a_size_is_invalid(desk: Desk) -> None:
    data = bytearray(make_zip({"a.txt": b"a" * 100_000}))
    local, central = data.find(b"PK\x03\x04"), data.find(b"PK\x01\x02")
    data[local + 22 : local + 26] = data[central + 24 : central + 28] = struct.pack("<I", 10)
    (desk.root / "a.zip").write_bytes(data)
    assert desk.refuse(desk.root / "a.zip").code == "archive_invalid"


def test_a_zip_that_hides_its_number_of_members_is_counted(desk: Desk) -> None:
    data = bytearray(make_zip({f"{n}": b"" for n in range(500)}))
    end = data.rfind(b"PK\x05\x06")
    data[end + 8 : end + 12] = struct.pack("<HH", 1, 1)
    (desk.root / "a.zip").write_bytes(data)
    desk.limits = replace(desk.limits, max_entries=100)
    assert desk.refuse(desk.root / "a.zip").code == "source_too_large"


def test_too_many_members_and_a_too_large_archive_are_refused(desk: Desk) -> None:
    (desk.root / "a.tgz").write_bytes(gzip.compress(make_tar({f"{n}": b"" for n in range(30)})))
    limits = desk.limits
    desk.limits = replace(limits, max_entries=20)
    assert desk.refuse(desk.root / "a.tgz").code == "source_too_large"
    desk.limits = replace(limits, max_archive_bytes=50)
    assert desk.refuse(desk.root / "a.tgz").code == "source_too_large"


def encrypted() -> bytes:
    data = bytearray(make_zip({"a.txt": b"a"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    return bytes(data)


def pax_header(size: int) -> bytes:
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, size
    return info.tobuf(tarfile.USTAR_FORMAT)


BROKEN: dict[str, Callable[[], bytes]] = {
    "encrypted.zip": encrypted,
    "truncated.zip": lambda: make_zip(FILES)[:-30],
    "half.zip": lambda: make_zip({"a": os.urandom(1000)})[:500],
    "crc.zip": lambda: make_zip(FILES).replace(b"hello", b"jello"),
    "truncated.tgz": lambda: gzip.compress(make_tar({"a": os.urandom(100_000)}))[:50_000],
    "truncated.tar": lambda: make_tar({"a": os.urandom(100_000)})[:50_000],
    "truncated.tar.zst": lambda: zstandard.compress(make_tar({"a": os.urandom(300_000)}))[:200_000],
    "truncated.tar.xz": lambda: lzma.compress(make_tar({"a": os.urandom(100_000)}))[:50_000],
    "noise.tgz": lambda: b"\x1f\x8b\x08\x00" + os.urandom(5000),
    "not-a-tar.gz": lambda: gzip.compress(b"just text" * 100),
    "header.tar": lambda: pax_header(3 << 30),
    "header.tgz": lambda: gzip.compress(pax_header(3 << 30) + bytes(8 * MIB)),
    "text.zip": lambda: b"just text",
    "nothing.zip": lambda: b"",
    "directory.zip": lambda: b"PK\x03\x04" + bytes(100) + b"PK\x05\x06" + b"\xff" * 18,
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_archives_are_invalid_and_say_so_in_a_sentence(desk: Desk, name: str) -> None:
    data = BROKEN[name]()
    if name == "crc.zip":
        data = make_zip(FILES, zipfile.ZIP_STORED).replace(b"hello", b"jello", 1)
    (desk.root / name).write_bytes(data)
    error = desk.refuse(desk.root / name)
    assert error.code == "archive_invalid"
    assert "archive" in str(error)


def test_an_xz_header_cannot_ask_for_gigabytes_of_memory(desk: Desk) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 30}]
    small = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    data = bytearray(lzma.compress(make_tar(FILES), filters=small))
    block = 12
    size = (data[block] + 1) * 4
    data[block + 4] = 36  # a dictionary of 1 GiB, as `filters` says
    data[block + size - 4 : block + size] = struct.pack("<I", zlib.crc32(data[block : block + size - 4]))
    assert filters[0]["dict_size"] == 1 << 30
    (desk.root / "a.tar.xz").write_bytes(data)
    error = desk.refuse(desk.root / "a.tar.xz")
    assert error.code == "archive_invalid"
    assert "memory" in str(error)


def test_names_that_are_not_utf8_survive(desk: Desk) -> None:
    raw = b"caf\xe9.txt"
    (desk.root / "gnu.tar").write_bytes(make_tar({os.fsdecode(raw): b"x"}, kind=tarfile.GNU_FORMAT))
    data = make_zip({"cafX.txt": b"x"}).replace(b"cafX", b"caf\xe9")
    (desk.root / "a.zip").write_bytes(data)
    for name in ("gnu.tar", "a.zip"):
        assert set(desk.files(desk.open(desk.root / name))) == {r"caf\xe9.txt"}


def test_long_names_and_executables_of_a_tar_are_kept(desk: Desk) -> None:
    name = "/".join(["folder"] * 60) + "/name.txt"
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        (desk.root / "a.tar").write_bytes(make_tar({name: b"x", "b": b"y"}, kind=kind))
        assert set(desk.files(desk.open(desk.root / "a.tar"))) == {name, "b"}


def test_files_over_the_limit_are_counted_and_an_archive_of_nothing_is_empty(desk: Desk) -> None:
    (desk.root / "a.tar").write_bytes(make_tar({"big": os.urandom(6 * MIB), "small": b"x"}))
    opened = desk.open(desk.root / "a.tar")
    assert (opened.entries, opened.skipped) == (1, {"too_large": 1})
    (desk.root / "empty.zip").write_bytes(make_zip({}))
    assert desk.refuse(desk.root / "empty.zip").code == "source_empty"


def test_a_pipe_is_no_archive(desk: Desk) -> None:
    os.mkfifo(desk.root / "pipe.zip")
    assert desk.refuse(Path(desk.root / "pipe.zip")).code == "source_invalid"


def test_an_archive_may_be_allowed_by_itself(desk: Desk) -> None:
    archive = desk.root / "source.zip"
    archive.write_bytes(make_zip(FILES))
    (desk.root / "other.zip").write_bytes(make_zip(FILES))
    alone = replace(desk, root=archive)
    assert alone.files(alone.open(archive)) == READ
    assert alone.refuse(desk.root / "other.zip").code == "source_forbidden"


def test_a_plain_file_that_is_allowed_is_no_source(desk: Desk) -> None:
    plain = desk.root / "passwd"
    plain.write_text("root:x:0:0\n")
    assert replace(desk, root=plain).refuse(plain).code == "archive_invalid"
