"""What the commits that lead to a tree tell of its files and of the people who made them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Churn:
    """Commits that touched a file inside the history window."""

    path: str
    commits: int
    added: int | None
    deleted: int | None
    last_commit_at: str


@dataclass(frozen=True, slots=True)
class Contributor:
    """One person inside the history window. `digest` stands for the address, which is not shown.

    `changes` counts commits that touched a file which still exists; lines are those of such files, None when lines
    were not counted.
    """

    name: str
    digest: str
    commits: int
    changes: int
    added: int | None
    deleted: int | None
    first_commit_at: str
    last_commit_at: str


@dataclass(frozen=True, slots=True)
class HistorySummary:
    """People and pace inside the window of `days` days.

    `bus_factor` is how few people made `percent` per cent of the changes, a change being a commit that touched a file
    which still exists. `weeks` counts commits per week, the last one ending with the analysed commit.
    """

    commits: int
    contributors: int
    bus_factor: int | None
    first_commit_at: str | None
    last_commit_at: str | None
    truncated: bool = False
    days: int = 365
    percent: int = 50
    weeks: list[int] = field(default_factory=list)
