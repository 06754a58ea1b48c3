"""Files of a hostile tree are written below their folder, each once, and no tool finds its configuration among them."""

from __future__ import annotations

from pathlib import Path

from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.engines.layout import lay_out


def _blob(path: str) -> Blob:
    return Blob(Entry(path, "0" * 40, len(path.encode())), path.encode())


def test_every_file_is_there_once_with_its_own_bytes(tmp_path: Path) -> None:
    paths = [
        "src/a.py",
        ".github/workflows/ci.yml",
        ".semgrepignore",
        ".semgrep/settings.yml",
        "-/0/x.py",
        "_.a",  # in the way of the next one's folder
        ".a/b.py",
        "_.a-file/c.py",
        ".a-file/c.py",  # the same harmless path
        "/".join(["deep"] * 300) + "/a.py",
        "n" * 255 + "/a.py",
        "new\\x0aline.py",
    ]
    root = tmp_path / "tree"
    root.mkdir()
    written = lay_out(root, [_blob(path) for path in paths])
    assert [blob.entry.path for blob in written.values()] == paths
    assert all((root / path).read_bytes() == blob.data for path, blob in written.items())
    assert len([path for path in root.rglob("*") if path.is_file()]) == len(paths)
    names = {part for path in written for part in path.split("/") if part.startswith(".")}
    assert names == {".github"}
    assert {"src/a.py", ".github/workflows/ci.yml"} <= written.keys()
