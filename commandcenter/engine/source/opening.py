"""Opens any source: checks it, brings it into its mirror, and says which commit to analyse."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from commandcenter.engine.errors import SourceError
from commandcenter.engine.limits import Limits
from commandcenter.engine.source import local
from commandcenter.engine.source.archive import SUFFIXES, read_archive
from commandcenter.engine.source.directory import read_directory
from commandcenter.engine.source.fetch import Fetcher
from commandcenter.engine.source.git import MirrorCorrupt
from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.importer import Tally, import_files
from commandcenter.engine.source.location import Remote, parse
from commandcenter.engine.source.mirror import Mirror, locked
from commandcenter.engine.source.model import Credentials, Kind, SourcePolicy, TreeRef
from commandcenter.engine.source.refs import Wanted, check_name
from commandcenter.engine.source.remote import Route, local_route, routes
from commandcenter.engine.source.roots import Place, locate
from commandcenter.engine.source.tree import Tree

_ANYWHERE = SourcePolicy(roots=(Path("/"),))


def classify(source: str) -> Kind:
    """Tell what a source is, by its spelling and, for a path, by what is there. Raises SourceError for what is none."""
    location = parse(source, _ANYWHERE)
    return Kind.GIT_URL if isinstance(location, Remote) else _kind(locate(location, _ANYWHERE), _ANYWHERE)


def check_source(source: str, policy: SourcePolicy) -> None:
    """Check what can be checked at once: spelling, scheme, literal addresses, and that a path is there and allowed.

    Raises SourceError. Names are looked up, and hosts asked, only when the source is opened.
    """
    location = parse(source, policy)
    if not isinstance(location, Remote):
        _kind(locate(location, policy), policy)


def open_source(
    source: str,
    *,
    ref: str | None,
    mirrors: Path,
    policy: SourcePolicy,
    limits: Limits,
    credentials: Credentials | None = None,
    progress: Callable[[str], None],
    cancelled: Callable[[], bool],
) -> TreeRef:
    """Bring a source into its mirror under the folder `mirrors` and return the commit to analyse.

    `ref` is a branch, a tag or a commit; None means the default branch. `progress` gets a sentence now and then, and
    `cancelled` is asked at least twice a second; both from this thread. Raises SourceError, EngineCancelled, and
    EngineTimeout after `limits.fetch_seconds`.
    """
    guard = Guard(limits, progress, cancelled)
    location = parse(source, policy)
    if ref is not None:
        ref = ref.strip() or None
    if ref is not None:
        check_name(ref)
    place = None if isinstance(location, Remote) else locate(location, policy)
    name = source if place is None else str(place.path)
    guard.check()
    with locked(mirrors.absolute(), name, guard) as mirror:
        while True:
            mirror.prepare()
            try:
                if isinstance(location, Remote):
                    return _open_remote(
                        location, ref, mirror, policy=policy, credentials=credentials, guard=guard
                    )
                return _open_place(locate(location, policy), ref, mirror, policy, guard)
            except MirrorCorrupt as error:
                mirror.rebuild_after(error)
            except SourceError as error:
                if error.code != "source_too_large":
                    raise
                # Old commits may be what fills it: they go, and it gets one more chance.
                fresh = mirror.fresh
                mirror.wipe()
                if fresh:
                    raise
            guard.say("Building the mirror again")


def _kind(place: Place, policy: SourcePolicy) -> Kind:
    path = place.path
    try:
        if path.is_dir():
            return Kind.DIRECTORY if local.find(path, policy) is None else Kind.LOCAL_GIT
        if path.exists():
            return Kind.ARCHIVE
    except OSError:
        raise SourceError(
            "The path cannot be read: check its permissions.", code="source_forbidden"
        ) from None
    what = "archive" if path.name.lower().endswith(SUFFIXES) else "folder or archive"
    raise SourceError(f"There is no such {what} on this machine.", code="source_not_found")


def _open_remote(
    remote: Remote,
    ref: str | None,
    mirror: Mirror,
    *,
    policy: SourcePolicy,
    credentials: Credentials | None,
    guard: Guard,
) -> TreeRef:
    with routes(remote, policy, credentials, mirror.home, guard) as ways:
        return _fetched(mirror, ways, remote.host, ref, guard)


def _open_place(place: Place, ref: str | None, mirror: Mirror, policy: SourcePolicy, guard: Guard) -> TreeRef:
    kind = _kind(place, policy)
    if kind is Kind.LOCAL_GIT:
        folders = local.find(place.path, policy)
        if folders is None:
            raise SourceError("There is no git repository any more.", code="source_not_found")
        with (
            mirror.scratch() as scratch,
            local.facade(folders, scratch / "facade.git", policy, guard) as git_dir,
        ):
            return _fetched(mirror, [local_route(git_dir)], "The repository", ref, guard)
    if ref is not None:
        raise SourceError(
            "A folder or an archive has no branches: leave the ref empty.", code="ref_not_found"
        )
    tally = Tally()
    if kind is Kind.ARCHIVE:
        members = read_archive(place, tally, guard)
    else:
        members = read_directory(place, mirror.folder.parent, tally, guard)
    commit = import_files(mirror, members, tally, guard, strip_top=kind is Kind.ARCHIVE)
    newest = datetime.fromtimestamp(max(0.0, min(tally.newest, 253_402_300_799.0)), UTC)
    unnamed = Wanted("", None, commit)
    return _reference(mirror, unnamed, None, guard, committed_at=newest.strftime("%Y-%m-%dT%H:%M:%SZ"))


def _fetched(mirror: Mirror, ways: list[Route], host: str, ref: str | None, guard: Guard) -> TreeRef:
    refs, wanted = Fetcher(mirror, ways, host, guard).fetch(ref)
    return _reference(mirror, wanted, refs.default_branch, guard)


def _reference(
    mirror: Mirror,
    wanted: Wanted,
    default_branch: str | None,
    guard: Guard,
    *,
    committed_at: str | None = None,
) -> TreeRef:
    """Keep the commit and describe it. Raises MirrorCorrupt when its tree cannot be listed."""
    guard.say("Listing files")
    try:
        with Tree.open(mirror.git_dir, wanted.commit, guard.limits, check=guard.check) as tree:
            found = TreeRef(
                git_dir=mirror.git_dir,
                commit=wanted.commit,
                tree=tree.tree,
                ref=wanted.shown,
                reference=wanted.name,
                default_branch=default_branch,
                committed_at=committed_at or tree.committed_at,
                entries=len(tree.entries),
                skipped=tree.skipped,
            )
    except SourceError as error:
        if error.code == "source_too_large":
            raise
        raise MirrorCorrupt(str(error)) from error
    mirror.keep(wanted.commit)
    mirror.tidy()
    return found
