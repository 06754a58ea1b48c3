"""A portfolio that is analysed daily and mostly unchanged: how fast, and what a day of it leaves in the database."""

from __future__ import annotations

import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg

from bench import corpus
from bench.platform import TERMINAL, USER, Client
from bench.report import Figure, Report, median
from commandcenter.embedded.layout import running_environment
from tests.embedded.running import Up, data_folder, until

REPOSITORIES = 120
ROUNDS = 3
LEAST_A_MINUTE = 200.0
MOST_BYTES = 2_048.0
SECONDS = 300.0
# How many days of a year rows stay by default; in all other tables: for good. Routine events go after 30 days, jobs to
# the archive after 90, of the analyses 30 and one a month stay.
KEPT_DAYS = {
    "events_event": 30,
    "jobs_job": 90,
    "jobs_jobrun": 90,
    "jobs_jobevent": 90,
    "analysis_analysis": 42,
}
_LOGS = "DELETE FROM jobs_jobevent WHERE type IN ('log', 'progress')"
_SIZES = """
    SELECT relname, pg_total_relation_size(oid) FROM pg_class
     WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


def measure(report: Report) -> None:
    """Start a platform, analyse a portfolio once, and then again and again without a change."""
    password = secrets.token_urlsafe(16)
    with data_folder() as base:
        folders = [_repository(base / "sources", number) for number in range(REPOSITORIES)]
        up = Up(
            base / "data",
            folders[0],
            CC_ADMIN_USER=USER,
            CC_ADMIN_PASSWORD=password,
            CC_RATE_LIMITS="off",
            CC_SOURCE_ROOTS=str(base / "sources"),
        )
        try:
            up.start()
            until(up.announced, "the start", 180)
            client = Client(up.port, password)
            until(
                lambda: client.call("GET", "/analyses?status=complete")["results"], "the first analysis", 120
            )
            found = running_environment(up.data)
            if found is None:
                raise SystemExit("The platform is not running.")
            _figures(report, client, found["DATABASE_URL"], folders)
        finally:
            up.end()


def _figures(report: Report, client: Client, database: str, folders: list[Path]) -> None:
    first = client.call("GET", "/repositories")["results"][0]
    ids = [first["id"]]
    for folder in folders[1:]:
        body = {"project": first["project"], "name": folder.name, "source": str(folder)}
        ids.append(client.call("POST", "/repositories", body)["id"])
    cold = _round(client, first["project"], ids)
    report.add(
        Figure(
            "portfolio of small repositories, first analysis",
            60 * len(ids) / cold,
            "/min",
            note=f"{len(ids)} repositories",
        )
    )
    floor = _by_hand(folders)
    before = _sizes(database)
    taken = [_round(client, first["project"], ids) for _ in range(ROUNDS)]
    after = _sizes(database)
    rate = 60 * len(ids) / median(taken)
    report.add(
        Figure(
            "200 a minute / unchanged repositories analysed a minute",
            LEAST_A_MINUTE / rate,
            "x",
            1.0,
            f"`git ls-remote` of each by hand, two at a time: {60 * len(ids) / floor:.0f} a minute",
            tuple(60 * len(ids) / seconds for seconds in taken),
            f"{rate:.0f} a minute",
        )
    )
    grown = {name: (after[name] - before.get(name, 0)) / (ROUNDS * len(ids)) for name in after}
    most = sorted(grown.items(), key=lambda item: -item[1])[:8]
    report.add(
        Figure(
            "an unchanged analysis in the database, when it has just ended",
            sum(grown.values()),
            "B",
            note=", ".join(f"{name} {size:.0f}" for name, size in most if size >= 1),
        )
    )
    report.add(
        Figure(
            "an unchanged repository in the database, a day of a year",
            sum(size * KEPT_DAYS.get(name, 365) / 365 for name, size in grown.items()),
            "B",
            MOST_BYTES,
            "all tables and indexes, rewritten tightly, logs pruned; what stays on the average for how long is kept",
        )
    )


def _repository(sources: Path, number: int) -> Path:
    folder = sources / f"repository-{number:03}"
    (folder / "src").mkdir(parents=True)
    for file in range(12):
        text = "".join(f"def f{line}(a):\n    return a + {line + number}\n\n" for line in range(20))
        (folder / "src" / f"module{file}.py").write_text(text)
    (folder / "requirements.txt").write_text("django==5.2.1\ncelery>=5.5\n")
    corpus.git(folder, "init", "-q", "-b", "main")
    corpus.commit(folder, f"Begin {number}")
    return folder


def _round(client: Client, project: int, ids: list[int]) -> float:
    """Analyse all in one batch; return the seconds from its POST to its end."""
    begun = time.perf_counter()
    job = client.call("POST", "/batch/analyze", {"project": project, "repository_ids": ids})
    job_id = job.get("id") or job["job"]
    while time.perf_counter() - begun < SECONDS:
        found = client.call("GET", f"/jobs/{job_id}")
        if found["status"] in TERMINAL:
            if found["status"] != "completed" or (found["result"] or {}).get("failed"):
                raise SystemExit(f"The batch ended as {found}")
            return time.perf_counter() - begun
        time.sleep(0.1)
    raise SystemExit(f"The batch did not end within {SECONDS:.0f} s.")


def _by_hand(folders: list[Path]) -> float:
    """Ask each repository for its branches as git does, two at a time; return the seconds of all."""

    def ask(folder: Path) -> None:
        subprocess.run(
            ["git", "ls-remote", "--symref", str(folder)], check=True, capture_output=True, timeout=60
        )

    begun = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(ask, folders))
    return time.perf_counter() - begun


def _sizes(database: str) -> dict[str, int]:
    """Return the bytes of each table with its indexes, as they are when logs were pruned and rows lie tightly."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(_LOGS)
        connection.execute("VACUUM FULL")
        rows: list[Any] = connection.execute(_SIZES).fetchall()
    return dict(rows)


if __name__ == "__main__":
    measure(Report())
