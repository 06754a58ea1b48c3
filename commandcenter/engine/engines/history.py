"""Who worked where, and how much, in the year before the analysed commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Result
from commandcenter.engine.history import log
from commandcenter.engine.history.commits import Commits, Unreadable, unpack
from commandcenter.engine.history.people import RULES_DIGEST
from commandcenter.engine.history.totals import Totals

REVISION = "2"
ANCESTORS = 2000  # how far back commits that were read before are looked for
DAY = 86_400


class HistoryEngine:
    """Churn per file and a summary of people, from `git log` on the mirror.

    The window ends with the analysed commit's own date, so that the same commit always gives the same numbers: those
    of all commits that lead to it and have a date in the window. Merges are left out (their changes are counted where
    they were made), and so are bots. Renames are not followed. The mailmap of the repository only says which names are
    one person.

    What was read is kept by commit. A later run goes on from the nearest ancestor that it finds, and gives what a full
    read would give: a commit that is no ancestor any more (a force-push) is not found, and another mailmap, a window
    that begins earlier, a shallow mirror or more commits than the limit make it read everything.
    """

    id = "history"
    version = REVISION
    scope = Scope.HISTORY
    config_digest = RULES_DIGEST

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return False

    def path_class(self, entry: Entry) -> str:
        return entry.path

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        newest = log.seconds_of(
            log.first_line(
                context, ["log", "-1", "--no-show-signature", "--format=%ct", context.commit, "--"]
            )
        )
        days = context.limits.history_days
        commits, truncated = _Reading(context, max(0, newest - days * DAY)).commits()
        totals = Totals(context.entries, newest=newest, days=days, percent=context.limits.bus_factor_percent)
        totals.add(commits)
        yield totals.summary(truncated=truncated)
        yield from totals.contributors()
        yield from totals.churn()


class _Reading:
    """Reads the commits of one window."""

    def __init__(self, context: Context, since: int) -> None:
        self._context = context
        self._since = since
        self._maximum = context.limits.max_history_commits
        self._deadline = log.Deadline(context.limits.tool_seconds)
        shallow = log.first_line(context, ["rev-parse", "--is-shallow-repository"])
        self._shallow = shallow == b"true"
        self._mailmap = ""
        if not self._shallow:
            self._mailmap = log.first_line(context, ["ls-tree", context.commit, "--", ".mailmap"]).decode(
                "utf-8", "replace"
            )

    def commits(self) -> tuple[Commits, bool]:
        """Return the commits, and whether some of the window are missing."""
        known = None if self._shallow else self._known()
        if known is not None:
            continued = self._continue(*known)
            if continued is not None:
                return continued, False
        chosen, more = self._heads(None)
        found = log.read(self._context, chosen, shallow=self._shallow, deadline=self._deadline)
        if self._shallow or more or not found.whole:
            return found.commits, True
        self._keep(found.commits, lines=found.lines)
        return found.commits, False

    def _heads(self, without: str | None) -> tuple[list[log.Head], bool]:
        return log.heads(
            self._context, since=self._since, without=without, maximum=self._maximum, deadline=self._deadline
        )

    def _known(self) -> tuple[str, Commits, bool] | None:
        """Return the nearest ancestor whose commits are kept and fit, the commits, and whether lines were counted."""
        asked = ["rev-list", f"--max-count={ANCESTORS}", self._context.commit, "--"]
        ancestors = [line.decode() for line in self._context.git(asked)]
        found = self._context.recall(ancestors)
        if found is None:
            return None
        try:
            commits, notes = unpack(found[1])
        except Unreadable:
            return None
        since = notes.get("since")
        if not isinstance(since, int) or since > self._since or notes.get("mailmap") != self._mailmap:
            return None
        return found[0], commits, notes.get("lines") is True

    def _continue(self, ancestor: str, known: Commits, lines: bool) -> Commits | None:
        """Return the window's commits from those known and those since; None when a full read must decide."""
        chosen, more = self._heads(ancestor)
        if more:
            return None
        found = log.read(self._context, chosen, shallow=False, deadline=self._deadline, lines=lines)
        if not found.whole or found.lines != lines:
            return None
        found.commits.take(known, since=self._since)
        if len(found.commits) > self._maximum or found.commits.room > log.MAX_ROOM:
            return None
        self._keep(found.commits, lines=lines)
        return found.commits

    def _keep(self, commits: Commits, *, lines: bool) -> None:
        packed = commits.pack(since=self._since, mailmap=self._mailmap, lines=lines)
        if packed is not None:
            self._context.remember(self._context.commit, packed)


ENGINE = HistoryEngine()
