"""Keeps one bare repository per source on disk, shared by all workers of this machine."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from commandcenter.engine.errors import EngineTimeout, SourceError
from commandcenter.engine.source.git import Git, MirrorCorrupt
from commandcenter.engine.source.guard import Guard

INCOMING = "refs/incoming/wanted"
_ANALYSED = "refs/analysed"
_KEPT_COMMITS = 200
_KEPT_SECONDS = 86_400.0
_MAX_PACKS = 40


class Mirror:
    """A mirror that this process has locked. Every commit that was analysed keeps a reference of its own.

    That is what makes a commit survive a force push, and what a fetch tells the server that we have.
    """

    def __init__(self, folder: Path, home: Path, guard: Guard) -> None:
        self.folder = folder
        self.git_dir = folder / "repo.git"
        self.home = home
        self._guard = guard
        self.fresh = False
        self.git = Git(self.git_dir, home, guard)

    def prepare(self) -> None:
        """Create the repository where it is missing and clear away what a killed command left."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not all((self.git_dir / name).exists() for name in ("HEAD", "config", "objects/pack", "refs")):
            self.create("sha1")
            return
        self.fresh = False
        for lock in (*self.git_dir.glob("*.lock"), *(self.git_dir / "refs").rglob("*.lock")):
            lock.unlink(missing_ok=True)
        for draft in (self.git_dir / "objects" / "pack").glob("tmp_*"):
            draft.unlink(missing_ok=True)

    @property
    def object_format(self) -> str:
        """How this repository names its objects."""
        return "sha256" if "sha256" in (self.git_dir / "config").read_text(errors="replace") else "sha1"

    def create(self, object_format: str) -> None:
        """Make an empty repository in the place of whatever is there."""
        self.wipe()
        self.folder.mkdir(mode=0o700, exist_ok=True)
        args = ["init", "--quiet", "--bare", "--template=", f"--object-format={object_format}"]
        output = self.git.run(args)
        if output.status != 0:
            raise SourceError(
                "The folder for mirrors cannot be written: see its owner and free space.", retryable=True
            )
        self.fresh = True

    def wipe(self) -> None:
        """Remove the repository. It vanishes at once, so that a crash midway leaves no half of it."""
        trash = self.folder.with_name(f"{self.folder.name}.trash")
        shutil.rmtree(trash, ignore_errors=True)
        with suppress(FileNotFoundError):
            self.folder.rename(trash)
        shutil.rmtree(trash, ignore_errors=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield an empty folder beside the mirror, removed afterwards, or by the next one after a crash."""
        folder = self.folder.with_name(f"{self.folder.name}.scratch")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def has(self, commit: str) -> bool:
        """Tell whether a commit was kept here before, with all that belongs to it."""
        return (self.git_dir / _ANALYSED / commit).is_file()

    def keep(self, commit: str) -> None:
        """Hold on to a commit, and let go of those that were not read for long."""
        kept = self.git_dir / _ANALYSED / commit
        if kept.is_file():
            os.utime(kept)
            return
        self.git.local(["update-ref", f"{_ANALYSED}/{commit}", commit])
        refs = []
        for entry in kept.parent.iterdir():
            with suppress(FileNotFoundError):
                refs.append((entry.stat().st_mtime, entry))
        limit = time.time() - _KEPT_SECONDS  # another worker may still read a younger one
        for changed, entry in sorted(refs, reverse=True)[_KEPT_COMMITS:]:
            if changed < limit:
                entry.unlink(missing_ok=True)

    def resolve(self, name: str) -> str | None:
        """Return the commit that a name stands for; None where there is none, or more than one."""
        output = self.git.run(["rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"])
        commit = output.stdout.decode("ascii", "replace").strip()
        return commit if output.status == 0 and commit else None

    def tidy(self) -> None:
        """Join the packs that many fetches have left behind. What hinders it must not fail the analysis."""
        if sum(1 for _ in (self.git_dir / "objects" / "pack").glob("*.pack")) > _MAX_PACKS:
            with suppress(MirrorCorrupt, EngineTimeout, SourceError):
                self.git.local(["repack", "-a", "-d", "-q"])

    def rebuild_after(self, error: MirrorCorrupt) -> None:
        """Start anew after a failure that may be the mirror's own. Raises SourceError when it was new already."""
        if self.fresh:
            raise SourceError("The source cannot be read: git finds it broken.") from error
        self.wipe()


def folder_of(mirrors: Path, source: str) -> Path:
    """Return where the mirror of a source lies: an address as it is written, or a path without symlinks."""
    return mirrors / hashlib.sha256(source.encode("utf-8", "surrogateescape")).hexdigest()[:40]


@contextmanager
def locked(mirrors: Path, source: str, guard: Guard) -> Iterator[Mirror]:
    """Yield the source's mirror while no other process works on it. Waits as long as the guard allows."""
    mirrors.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = mirrors / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    folder = folder_of(mirrors, source)
    handle = os.open(folder.with_name(f"{folder.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        waiting = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    guard.say("Waiting for another analysis of this source")
                waiting = True
                guard.check()
                time.sleep(0.1)
        os.utime(handle)
        yield Mirror(folder, home, guard)
    finally:
        os.close(handle)
