"""What came of a decision about some findings, and the words for what was refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

WORDS = {
    "not_found": "There is no such finding, or you may not see it.",
    "forbidden": "This needs the role operator in the finding's project.",
    "fixed": "The finding is fixed: there is nothing to suppress.",
    "already_suppressed": "The finding is suppressed already. Reopen it first to decide anew.",
    "not_suppressed": "The finding is not suppressed, so it cannot be reopened.",
    "assignee_cannot_see": "There is no such user, or they may not see the finding's project.",
}


class Skipped(NamedTuple):
    """A finding that was left as it is; `code` is one of WORDS."""

    id: int
    code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Ids of the findings that are as was asked, and those that were skipped, both in ascending order."""

    done: list[int]
    skipped: list[Skipped] = field(default_factory=list)

    def together(self, others: list[Skipped]) -> Outcome:
        """Return the outcome with what had been left out before."""
        return Outcome(self.done, sorted([*self.skipped, *others]))
