"""Keeps local sources inside the folders that an operator allowed, also when links move while we read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commandcenter.engine.errors import SourceError
from commandcenter.engine.source.model import SourcePolicy


@dataclass(frozen=True, slots=True)
class Place:
    """A path without symlinks: an allowed root and the names that lead from it to the source."""

    root: Path
    names: tuple[str, ...]

    @property
    def path(self) -> Path:
        return self.root.joinpath(*self.names)

    @contextmanager
    def open(self, flags: int) -> Iterator[int]:
        """Open the place by walking from its root without following any link. Raises OSError."""
        handle = os.open(self.root, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            for index, name in enumerate(self.names):
                last = index == len(self.names) - 1
                step = (
                    flags | os.O_NOFOLLOW | os.O_CLOEXEC
                    if last
                    else os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW
                )
                below = os.open(name, step, dir_fd=handle)
                os.close(handle)
                handle = below
            if not self.names:
                below = os.open(".", flags | os.O_CLOEXEC, dir_fd=handle)
                os.close(handle)
                handle = below
            yield handle
        finally:
            os.close(handle)


def locate(path: Path | str, policy: SourcePolicy) -> Place:
    """Resolve a path and find the root that it lies under. Raises SourceError `source_forbidden` when there is none.

    Nothing is said about whether a path outside of the roots exists.
    """
    try:
        real = Path(path).resolve()
    except (OSError, RuntimeError, ValueError):
        raise SourceError("The path cannot be read: check its spelling.", code="source_not_found") from None
    for root in policy.roots:
        try:
            base = root.resolve()
            names = real.relative_to(base).parts
            if not names and base.is_file():  # an archive that is itself allowed, and nothing beside it
                return Place(base.parent, (base.name,))
            return Place(base, names)
        except (OSError, RuntimeError, ValueError):
            continue
    if not policy.roots:
        raise SourceError(
            "Local sources are not allowed here: an operator must name their folder in CC_SOURCE_ROOTS.",
            code="source_forbidden",
        )
    raise SourceError(
        "The path is outside of the folders that may be read: an operator can add its folder to CC_SOURCE_ROOTS.",
        code="source_forbidden",
    )
