"""The statement that finds a page of jobs: as many index entries are read as the page has rows, at any depth.

An index in list order serves one value of each of its columns. What a request asks for is therefore taken apart into
arms, one for each combination of values (each status of each type, each project that one may see, each text that a
search meets); the page is merged from the first rows of each. PostgreSQL's own plans for `IN` and OR read every match.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from jobs.lists import terms
from jobs.models import JobStatus, JobType

Key = tuple[datetime, int]  # (created_at, id), the order of lists
FEW_ARMS = 8  # up to so many are read in full; of more, those that cannot reach the page are left out first


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is asked for; None is "any". `projects` are those that one may see and asks for."""

    projects: Sequence[int] | None = None
    statuses: Sequence[str] | None = None
    job_types: Sequence[str] | None = None
    parent: int | None = None
    retry_of: int | None = None
    repository: int | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    tag: tuple[str, str] | None = None
    search: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins: beyond this key (None: at the end), towards newer jobs when `reverse`."""

    limit: int
    beyond: Key | None = None
    reverse: bool = False


@dataclass(slots=True)
class _Source:
    """Arms over one index: the rows `table` gives for each combination of `values`, with `where` on each."""

    values: dict[str, tuple[str, Sequence[Any]]] = field(default_factory=dict)  # column -> (its type, values)
    where: list[str] = field(default_factory=list)
    table: str = "jobs_job r"
    at: str = "r.created_at"
    id: str = "r.id"
    many: bool = False  # several rows may be of one job

    @property
    def arms(self) -> int:
        """How many combinations there are."""
        product = 1
        for _type, values in self.values.values():
            product *= len(set(values))
        return product


def query(wanted: Wanted, place: Place) -> tuple[str, dict[str, Any]]:
    """Return the statement that gives the rows (created_at, id) of a page, and its arguments.

    Asks the database for the texts that a tag or a search means.
    """
    arguments: dict[str, Any] = {"limit": place.limit}
    parts = [
        _select(source, f"s{number}_", wanted, place, arguments)
        for number, source in enumerate(_sources(wanted, arguments))
        if source.arms
    ]
    if not parts:
        return "SELECT NULL::timestamptz AS created_at, NULL::bigint AS id WHERE false", {}
    if len(parts) == 1:
        return parts[0], arguments
    both = " UNION ".join(f"({part})" for part in parts)
    merged = f"SELECT created_at, id FROM ({both}) u ORDER BY {_order(place)} LIMIT %(limit)s"  # noqa: S608  (ours)
    return merged, arguments


def _sources(wanted: Wanted, arguments: dict[str, Any]) -> list[_Source]:
    if wanted.tag is not None:
        return [_by_terms(terms.tagged(*wanted.tag, wanted.projects))]
    if not wanted.search:
        return [_by_columns(wanted, arguments)]
    sources = []
    if (number := terms.number_in(wanted.search)) is not None:
        source = _by_columns(wanted, arguments, spread=False)
        source.values = {"id": ("bigint", [number])}
        sources.append(source)
    if types := terms.types_in(wanted.search):
        sources.append(_by_columns(replace(wanted, job_types=types), arguments))
    hashes = terms.searched(wanted.search, wanted.projects)
    if hashes is not None:
        return [*sources, _by_terms(hashes)]
    # So many different texts hold it that many jobs will: read them in list order until the page is full.
    source = _by_terms([])
    source.values = {}
    arguments["searched"] = terms.patterns(wanted.search)
    held = "SELECT 1 FROM jobs_term t WHERE t.hash = r.term AND t.body ILIKE ANY(%(searched)s::text[])"
    if wanted.projects is not None:
        arguments["only_project_id"] = list(wanted.projects)
        held += " AND t.project_id = ANY(%(only_project_id)s::bigint[])"
    source.where.append(f"EXISTS ({held})")
    return [*sources, source]


def _by_terms(hashes: Sequence[int]) -> _Source:
    """Return the jobs that hold one of the texts."""
    values = {"term": ("bigint", hashes)}
    return _Source(values, table="jobs_jobterm r", at="r.created_at", id="r.job_id", many=True)


def _by_columns(wanted: Wanted, arguments: dict[str, Any], *, spread: bool = True) -> _Source:
    """Return the source over the table's own indexes; not `spread` makes every filter a condition."""
    source = _Source()
    named = _equalities(wanted)
    rest: dict[str, tuple[str, Sequence[Any]]] = {}
    if wanted.projects is not None:
        rest["project_id"] = ("bigint", wanted.projects)
    if wanted.statuses is not None:
        rest["status"] = ("varchar", wanted.statuses)
    if wanted.job_types is not None:
        rest["job_type"] = ("varchar", wanted.job_types)
    if not spread:
        source.where += _filters("r", named | rest, arguments)
    elif named:
        # One parent, repository or origin has few jobs: its index gives their order, the rest are conditions.
        first = next(iter(named))
        source.values[first] = named.pop(first)
        source.where += _filters("r", named | rest, arguments)
    else:
        if "status" in rest or "job_type" in rest:  # the indexes hold both, or neither
            rest.setdefault("status", ("varchar", JobStatus.values))
            rest.setdefault("job_type", ("varchar", JobType.values))
        source.values = rest
    return source


def _equalities(wanted: Wanted) -> dict[str, tuple[str, Sequence[Any]]]:
    named = {"parent_id": wanted.parent, "retry_of_id": wanted.retry_of, "repository_id": wanted.repository}
    return {column: ("bigint", [value]) for column, value in named.items() if value is not None}


def _filters(alias: str, named: dict[str, tuple[str, Sequence[Any]]], arguments: dict[str, Any]) -> list[str]:
    for column, (_type, values) in named.items():
        arguments[f"only_{column}"] = list(values)
    return [f"{alias}.{column} = ANY(%(only_{column})s::{type_}[])" for column, (type_, _) in named.items()]


def _select(source: _Source, prefix: str, wanted: Wanted, place: Place, arguments: dict[str, Any]) -> str:
    """Return the statement for one source: its newest rows beyond the place, no more than the page takes."""
    row = f"({source.at}, {source.id})"
    where = list(source.where)
    for side, bound in zip("<>", _bounds(wanted, place), strict=True):
        if bound is not None:
            names = ("upper_at", "upper_id") if side == "<" else ("lower_at", "lower_id")
            where.append(f"{row} {side} (%({names[0]})s::timestamptz, %({names[1]})s)")
            arguments.update(zip(names, bound, strict=True))
    for column, (_type, values) in source.values.items():
        arguments[prefix + column] = list(dict.fromkeys(values))
        where.append(f"r.{column} = arm.{column}")
    arms = " CROSS JOIN ".join(
        f"unnest(%({prefix}{column})s::{type_}[]) AS arm_{column}({column})"
        for column, (type_, _values) in source.values.items()
    )
    named = ", ".join(f"arm_{column}.{column}" for column in source.values)
    order = f"{source.at} {_way(place)}, {source.id} {_way(place)}"

    def rows(limit: str, *more: str, distinct: str = "") -> str:
        conditions = [*where, *more]
        condition = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return (
            f"SELECT {distinct}{source.at} AS created_at, {source.id} AS id FROM {source.table}{condition}"  # noqa: S608
            f" ORDER BY {order} LIMIT {limit}"
        )

    if not source.values:
        return rows("%(limit)s", distinct="DISTINCT " if source.many else "")
    distinct = "DISTINCT " if source.many else ""
    if source.arms <= FEW_ARMS:
        return (
            f"SELECT {distinct}found.created_at, found.id FROM (SELECT {named} FROM {arms}) arm"  # noqa: S608
            f" CROSS JOIN LATERAL ({rows('%(limit)s')}) found ORDER BY {_order(place, 'found.')} LIMIT %(limit)s"
        )
    # The first rows of each arm, so many that they would fill the page together; where they do, the page cannot reach
    # beyond the last of them that it would hold.
    first = place.limit // source.arms + 1
    end = "'infinity'" if place.reverse else "'-infinity'"
    side = "<=" if place.reverse else ">="
    edge = (
        f"(COALESCE((SELECT created_at FROM edge), {end}::timestamptz), COALESCE((SELECT id FROM edge), 0))"  # noqa: S608
    )
    return (
        f"WITH heads AS MATERIALIZED (SELECT arm.*, head.created_at, head.id"  # noqa: S608
        f" FROM (SELECT {named} FROM {arms}) arm CROSS JOIN LATERAL ({rows(str(first))}) head),"
        f" edge AS MATERIALIZED (SELECT DISTINCT created_at, id FROM heads ORDER BY {_order(place)}"
        f" OFFSET %(limit)s - 1 LIMIT 1)"
        f" SELECT {distinct}found.created_at, found.id"
        f" FROM (SELECT DISTINCT {', '.join(source.values)} FROM heads WHERE (created_at, id) {side} {edge}) arm"
        f" CROSS JOIN LATERAL ({rows('%(limit)s', f'{row} {side} {edge}')}) found"
        f" ORDER BY {_order(place, 'found.')} LIMIT %(limit)s"
    )


def _bounds(wanted: Wanted, place: Place) -> tuple[Key | None, Key | None]:
    """Return the keys below which and above which the rows lie, the range of created_at included (ids begin at 1)."""
    upper = [(wanted.created_before, 0)] if wanted.created_before is not None else []
    lower = [(wanted.created_after, 0)] if wanted.created_after is not None else []
    if place.beyond is not None:
        (lower if place.reverse else upper).append(place.beyond)
    return min(upper, default=None), max(lower, default=None)


def _way(place: Place) -> str:
    return "ASC" if place.reverse else "DESC"


def _order(place: Place, alias: str = "") -> str:
    return f"{alias}created_at {_way(place)}, {alias}id {_way(place)}"
