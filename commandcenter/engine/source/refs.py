"""What a repository offers: its branches, its tags and its default branch, and which of them was asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from commandcenter.engine.errors import SourceError

PATTERNS = ("HEAD", "refs/heads/*", "refs/tags/*")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_BAD_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|^\.|^-|^/|/$|\.$|\.lock(/|$)")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to fetch: a full reference name with the commit that it led to, or (without) a commit id."""

    shown: str
    reference: str | None
    commit: str

    @property
    def name(self) -> str:
        """The full name of the branch or tag; empty for a commit, and for a HEAD that is none of a branch."""
        return "" if self.reference in {None, "HEAD"} else str(self.reference)


@dataclass(slots=True)
class Refs:
    """Full reference names and the commits that they lead to, tags peeled."""

    default_branch: str | None = None
    head: str | None = None
    commits: dict[str, str] = field(default_factory=dict)

    @property
    def object_format(self) -> str:
        """How the repository names its objects, as far as it has any."""
        commit = self.head or next(iter(self.commits.values()), "")
        return "sha256" if len(commit) == 64 else "sha1"

    def want(self, ref: str | None) -> Wanted:
        """Choose what was asked for; without a name, the default branch. Raises SourceError."""
        if not self.commits and self.head is None:
            raise SourceError(
                "The repository has no commits yet, or there is none at this address.", code="source_empty"
            )
        if ref is None or ref == "HEAD":
            return self._default()
        check_name(ref)
        for full in (f"refs/heads/{ref}", f"refs/tags/{ref}", ref, f"refs/{ref}"):
            if full in self.commits:
                return Wanted(ref, full, self.commits[full])
        if _COMMIT.fullmatch(ref):
            return Wanted(ref, None, ref.lower())
        raise self.missing(ref)

    def missing(self, ref: str) -> SourceError:
        """Build the error for a name that is not there, with the first of those that are."""
        branches = self._names("refs/heads/")
        tags = self._names("refs/tags/")
        there = "; ".join(
            f"{kind}: {', '.join(names[:_SHOWN])}{' ...' if len(names) > _SHOWN else ''}"
            for kind, names in (("branches", branches), ("tags", tags))
            if names
        )
        return SourceError(
            f"There is no branch, tag or commit {ref!r} in the repository. It has {there or 'none to choose from'}.",
            code="ref_not_found",
        )

    def _default(self) -> Wanted:
        full = f"refs/heads/{self.default_branch}"
        if self.default_branch is not None and full in self.commits:
            return Wanted(self.default_branch, full, self.commits[full])
        if self.head is not None:
            return Wanted("HEAD", "HEAD", self.head)
        branches = self._names("refs/heads/")
        for name in ("main", "master", *(branches if len(branches) == 1 else ())):
            if name in branches:
                return Wanted(name, f"refs/heads/{name}", self.commits[f"refs/heads/{name}"])
        error = self.missing("HEAD")
        raise SourceError(f"{error} Its default branch does not exist: name one.", code="ref_not_found")

    def _names(self, prefix: str) -> list[str]:
        return sorted(name.removeprefix(prefix) for name in self.commits if name.startswith(prefix))


def check_name(ref: str) -> None:
    """Refuse what cannot be the name of a branch, a tag or a commit, before git sees it. Raises SourceError."""
    if not ref or len(ref) > 250 or not ref.isprintable() or _BAD_NAME.search(ref):
        raise SourceError(
            f"{ref[:80]!a} cannot be the name of a branch, tag or commit.", code="ref_not_found"
        )


def parse(lines: Iterable[bytes]) -> Refs:
    """Read the output of `git ls-remote --symref`. Names that git would refuse, or that are not UTF-8, are left out."""
    refs = Refs()
    for line in lines:
        left, tab, right = line.decode("utf-8", "surrogateescape").partition("\t")
        if not tab or not right.isprintable():
            continue
        if left.startswith("ref: ") and right == "HEAD":
            if left.startswith("ref: refs/heads/"):
                refs.default_branch = left.removeprefix("ref: refs/heads/")
        elif right == "HEAD":
            refs.head = left
        elif right.startswith(("refs/heads/", "refs/tags/")):
            # A peeled tag follows its tag, and is the one that counts.
            refs.commits[right.removesuffix("^{}")] = left
    return refs
