"""A real repository of at least 2,000 files with a history, made of installed packages and other languages' files."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

PACKAGES = ("django", "rest_framework", "celery", "kombu", "aiohttp", "redis", "axes", "unfold", "channels")
LEAST_FILES = 2_000
IGNORED = shutil.ignore_patterns("__pycache__", "*.so", "*.mo")


def write(folder: Path) -> int:
    """Copy the packages' sources, commit them in two steps, and return how many files there are."""
    site = Path(sysconfig.get_path("purelib"))
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    for package in PACKAGES:
        source = site / package
        if source.is_dir():
            shutil.copytree(source, folder / package, ignore=IGNORED, symlinks=False)
    (folder / "requirements.txt").write_text("django==5.2.1\ncelery>=5.5\n")
    commit(folder, "Add the packages")
    for number, path in enumerate(sorted(folder.rglob("*.py"))[:200]):
        path.write_text(f"{path.read_text()}\n# revision {number}\n")
    commit(folder, "Revise some")
    files = len(git(folder, "ls-files").splitlines())
    if files < LEAST_FILES:
        raise SystemExit(f"The corpus has {files} files only; {LEAST_FILES} are needed.")
    return files


def commit(folder: Path, message: str) -> None:
    """Commit everything."""
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-q", "-m", message)


def git(folder: Path, *arguments: str) -> str:
    """Run git in the folder and return its output."""
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=300
    )
    return done.stdout
