"""The words of the source package: what may be read, with what, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from commandcenter.outbound import Network


class Kind(StrEnum):
    """What a source is."""

    GIT_URL = "git_url"
    LOCAL_GIT = "local_git"
    DIRECTORY = "directory"
    ARCHIVE = "archive"


@dataclass(frozen=True, slots=True)
class SourcePolicy:
    """Which sources may be read: local ones under these folders, remote ones at public or these addresses."""

    roots: tuple[Path, ...] = ()
    outbound_allow: tuple[Network, ...] = ()


@dataclass(frozen=True, slots=True)
class Credentials:
    """A name and a secret: a password or token for http(s), a private key for ssh."""

    username: str | None
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TreeRef:
    """An opened source: one commit in a bare git repository of ours.

    `ref` is the branch, tag or commit that was read, as it was asked for, and `reference` its full name, empty where no
    branch or tag led to the commit. `committed_at` is RFC 3339 in UTC; for an archive or a folder,
    when its newest file was changed. `skipped` counts entries not read, by reason.
    """

    git_dir: Path
    commit: str
    tree: str
    ref: str
    reference: str
    default_branch: str | None
    committed_at: str
    entries: int
    skipped: dict[str, int]
