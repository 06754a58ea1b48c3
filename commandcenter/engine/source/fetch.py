"""Brings the wanted commit of a git repository into its mirror, and does nothing when it is there already."""

from __future__ import annotations

import re
from dataclasses import replace

from commandcenter.engine.errors import EngineTimeout, SourceError
from commandcenter.engine.source import refs as references
from commandcenter.engine.source.git import MirrorCorrupt, Output
from commandcenter.engine.source.guard import Guard
from commandcenter.engine.source.mirror import INCOMING, Mirror
from commandcenter.engine.source.reasons import explain
from commandcenter.engine.source.refs import Refs, Wanted
from commandcenter.engine.source.remote import Route

_FETCH = (
    "fetch",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
    "--update-shallow",
    "--force",
    "--progress",
)
_STEP = re.compile(rb"(Receiving objects|Resolving deltas|Counting objects): +(\d+)%")


class Fetcher:
    """One conversation with a repository. `host` is what errors call the other side."""

    def __init__(self, mirror: Mirror, ways: list[Route], host: str, guard: Guard) -> None:
        self._mirror = mirror
        self._ways = ways
        self._host = host
        self._guard = guard

    def fetch(self, ref: str | None) -> tuple[Refs, Wanted]:
        """Ask what there is, fetch what is wanted and missing, and return both with the commit as it was fetched.

        Raises SourceError, or MirrorCorrupt when the failure may be the mirror's own.
        """
        refs = self._list()
        wanted = refs.want(ref)
        if wanted.reference is None:
            return refs, self._commit(refs, wanted)
        if self._mirror.has(wanted.commit):
            return refs, wanted
        self._guard.say(f"Fetching {wanted.shown}")
        output = self._run([*_FETCH, "--", self._url, f"+{wanted.reference}:{INCOMING}"])
        if output.status != 0:
            if "couldn't find remote ref" in output.stderr.lower():
                raise refs.missing(wanted.shown)
            raise self._failure(output)
        commit = self._mirror.resolve(INCOMING)
        if commit is None:
            raise SourceError(f"{wanted.shown!r} does not lead to a commit.", code="ref_not_found")
        return refs, replace(wanted, commit=commit)

    @property
    def _url(self) -> str:
        return self._ways[0].url

    def _list(self) -> Refs:
        self._guard.say("Asking for branches")
        output = self._list_output()
        if output.status != 0:
            raise self._failure(output)
        refs = references.parse(output.stdout.splitlines())
        if refs.object_format != self._mirror.object_format:
            self._mirror.create(refs.object_format)
        return refs

    def _list_output(self) -> Output:
        output = self._run(["ls-remote", "--symref", "--", self._url, *references.PATTERNS])
        while output.status != 0 and len(self._ways) > 1:
            reason = explain(output.stderr, self._host)
            if reason is None or reason.code != "source_unreachable":
                break
            del self._ways[0]
            output = self._run(["ls-remote", "--symref", "--", self._url, *references.PATTERNS])
        return output

    def _commit(self, refs: Refs, wanted: Wanted) -> Wanted:
        """Find a commit by its id or the beginning of it: at hand, by name from the server, or in all of its history."""
        full = len(wanted.commit) in {40, 64}
        if full and self._mirror.has(wanted.commit):
            return wanted
        self._guard.say(f"Fetching {wanted.shown}")
        fetched = full and (self._run([*_FETCH, "--", self._url, f"+{wanted.commit}:{INCOMING}"]).status == 0)
        if not fetched:
            # Not every server hands out a commit that no reference names. Prune first, or a branch "a" that became
            # "a/b" could not be written.
            everything = ("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            output = self._run([*_FETCH, "--prune", "--", self._url, *everything])
            if output.status != 0:
                raise self._failure(output)
        commit = self._mirror.resolve(wanted.commit)
        if commit is None:
            raise refs.missing(wanted.shown)
        return replace(wanted, commit=commit)

    def _run(self, args: list[str]) -> Output:
        try:
            return self._mirror.git.run(args, variables=self._ways[0].variables, on_progress=self._progress)
        except EngineTimeout as error:
            raise SourceError(
                f"{self._host} did not deliver the repository within {self._guard.seconds:g} s.",
                code="source_unreachable",
                retryable=True,
            ) from error

    def _progress(self, chunk: bytes) -> None:
        steps = _STEP.findall(chunk)
        if steps:
            self._guard.say(f"{steps[-1][0].decode()}: {steps[-1][1].decode()} %", always=False)

    def _failure(self, output: Output) -> Exception:
        reason = explain(output.stderr, self._host)
        if output.status == -25:  # SIGXFSZ
            return SourceError(
                "The repository takes more room than there is for one.", code="source_too_large"
            )
        if reason is not None and (self._mirror.fresh or reason.code != "source_invalid"):
            return reason
        if self._mirror.fresh:
            return SourceError(
                f"{self._host} cannot be read with git.", code="source_unreachable", retryable=True
            )
        return MirrorCorrupt(f"git ended with status {output.status}")
