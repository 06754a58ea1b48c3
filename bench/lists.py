"""Pages of 100 jobs among a million, by every filter, at the beginning and in the depth."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from bench import million
from bench.report import Figure, Report, p95

if TYPE_CHECKING:
    from bench.jobs import Platform

READS = 20
JUMPS = 5  # pages of a thousand that lead into the depth


def measure(report: Report, platform: Platform) -> None:
    """Fill the database and add the slowest filter, the first page and the deep ones."""
    begun = time.perf_counter()
    with psycopg.connect(platform.environ["DATABASE_URL"], autocommit=True) as connection:
        million.write(connection)
        asked = filters(connection)
    made = time.perf_counter() - begun
    found: dict[str, list[float]] = {}
    for name, query in asked.items():
        found[name] = _pages(platform, query)
    worst = sorted(found, key=lambda name: p95(found[name]), reverse=True)
    words = ", ".join(f"{name} {p95(found[name]):.1f}" for name in worst[:4])
    empty = platform.client.timed("GET", "/jobs?tag=no:such", None, READS)
    floor = f"an empty page: {p95(empty):.1f} ms"
    report.add(
        Figure(
            f"100 of {million.JOBS:,} jobs, slowest of {len(asked)} filters, p95",
            p95(found[worst[0]]),
            "ms",
            20.0,
            floor,
            (),
            f"over HTTP, first and deep pages; {floor}; slowest: {words}; rows made in {made:.0f} s",
        )
    )
    every = [taken for runs in found.values() for taken in runs]
    report.add(Figure(f"100 of {million.JOBS:,} jobs, all filters, p95", p95(every), "ms", 20.0, floor))


def filters(connection: Any) -> dict[str, str]:
    """Return the query string of each filter, by name."""

    def one(statement: str) -> Any:
        return connection.execute(statement).fetchone()[0]

    project = one("SELECT project_id FROM jobs_job GROUP BY 1 ORDER BY count(*) DESC LIMIT 1")
    at = [
        quote(
            one(
                f"SELECT created_at FROM jobs_job ORDER BY created_at DESC OFFSET {skipped} LIMIT 1"
            ).isoformat()
        )
        for skipped in (million.JOBS // 2, million.JOBS // 4)
    ]
    return {
        "none": "",
        "project": f"project={project}",
        "status of most": "status=completed",
        "status of few": "status=failed",
        "status of the oldest": "status=cancelled",
        "status queued": "status=queued",
        "two states": "status=failed&status=cancelled",
        "job_type of most": "job_type=analysis",
        "job_type of few": "job_type=import",
        "tag of many": "tag=team:team2",
        "tag of the oldest": "tag=legacy:yes",
        "tag of one": "tag=build:700001",
        "search in tags": "search=team2",
        "search in errors": "search=unreachable",
        "search in types": "search=analysis",
        "search two characters": "search=77",
        "search nothing": "search=nowhere",
        "search an id": "search=%23700001",
        "created_before": f"created_before={at[0]}",
        "created_after": f"created_after={at[0]}",
        "created between": f"created_after={at[0]}&created_before={at[1]}",
        "parent": f"parent={one('SELECT max(parent_id) FROM jobs_job')}",
        "retry_of": f"retry_of={one('SELECT max(retry_of_id) FROM jobs_job')}",
        "repository": f"repository={one('SELECT min(repository_id) + 3 FROM jobs_job')}",
        "project and status": f"project={project}&status=cancelled",
        "project and job_type": f"project={project}&job_type=import",
        "project and created between": f"project={project}&created_after={at[0]}&created_before={at[1]}",
    }


def _pages(platform: Platform, query: str) -> list[float]:
    """Return the milliseconds of first pages and of pages in the depth, each twice as warm as a second look is."""
    client = platform.client
    client.call("GET", f"/jobs?{query}")
    taken = client.timed("GET", f"/jobs?{query}", None, READS)
    page = client.call("GET", f"/jobs?{query}&limit=1000")
    for _ in range(JUMPS):
        if page["next"] is None:
            return taken
        page = client.call("GET", page["next"].partition("/api/v1")[2])
    if page["next"] is not None:
        deep = page["next"].partition("/api/v1")[2].replace("limit=1000", "limit=100")
        taken += client.timed("GET", deep, None, READS)
    return taken
