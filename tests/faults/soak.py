"""Two thousand small real jobs with a random kill each second: `python -m tests.faults.soak --jobs 2000 --seed 1`.

With `--deliveries 50000` webhooks instead of jobs, to a receiver with a process of its own.

Prints what was killed and how long everything took; exits 1 when a job was lost, ended twice or left something behind.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.stage import WORKERS, Stage, alive, send

if TYPE_CHECKING:
    from jobs.models import Job

# What is killed, and how often of a hundred kills. Beat and the worker that sweeps are part of what must survive.
TARGETS = {
    "worker child": 60,
    "worker parent": 12,
    "worker group": 10,
    "broker": 6,
    "beat": 5,
    "system worker": 7,
}
DATABASE = {"database": 4}
EVERY_SECONDS = 1.0
KILOBYTES = 12_000  # that a job hashes in each of its ten parts
QUEUED_AHEAD = 200  # jobs are made as they are used up, so that making them meets the kills as well
HOOK_ENDPOINTS = 50
STALL_SECONDS = 120.0  # without the end of any job


def out(line: str = "") -> None:
    """Print at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def kill_one(stage: Stage, chance: random.Random, targets: dict[str, int]) -> str:
    """Kill something and return what; a server is started again at once, a process when the stage next looks."""
    target = chance.choices(list(targets), list(targets.values()))[0]
    name = chance.choice(WORKERS)
    match target:
        case "worker child":
            pool = [pid for worker in WORKERS for pid in stage.pool(worker)]
            if not pool:
                return "nothing: both pools were just starting"
            send(chance.choice(pool), signal.SIGKILL)
        case "worker parent":
            send(stage.leader(name), signal.SIGKILL)
        case "worker group":
            if alive(stage.leader(name)):
                os.killpg(stage.leader(name), signal.SIGKILL)
        case "broker":
            stage.end_server("broker", signal.SIGKILL)
            stage.start_server("broker")
        case "database":
            stage.end_server("postgres", signal.SIGQUIT)
            stage.start_server("postgres")
        case _:
            send(stage.leader(target.split()[0]), signal.SIGKILL)
    return target


class Soak:
    """One run: makes the jobs, kills, waits for the end, checks."""

    def __init__(self, stage: Stage, count: int, seed: int, artifacts: Path, *, database: bool) -> None:
        self.stage = stage
        self.count = count
        self.artifacts = artifacts
        self.chance = random.Random(seed)  # to be repeatable, not secret
        self.targets = TARGETS | (DATABASE if database else {})
        self.killed: Counter[str] = Counter()
        self.made: list[int] = []
        self.seconds = 0.0

    def run(self) -> None:
        """Make the jobs while killing, then let them end: the last ones with nothing being killed any more."""
        from django.db import connection

        from jobs.models import Job

        begun = shown = ended_at = time.monotonic()
        next_kill, ended = begun + EVERY_SECONDS, 0
        while ended < self.count:
            now = time.monotonic()
            if now >= next_kill:
                next_kill = now + EVERY_SECONDS
                target = kill_one(self.stage, self.chance, self.targets)
                self.killed[target] += 1
                if target == "database":
                    connection.close()
            self.stage.keep()
            done = len(self.made) - (active := Job.objects.active().count())
            self._make(min(self.count - len(self.made), QUEUED_AHEAD - active, 20))
            if done > ended:
                ended, ended_at = done, now
            assert now - ended_at < STALL_SECONDS, f"no job has ended for {STALL_SECONDS:.0f} s"
            if now - shown > 10:
                shown = now
                out(f"  {now - begun:5.0f} s  {ended:5d} ended  {sum(self.killed.values()):4d} kills")
            time.sleep(0.05)
        self.seconds = time.monotonic() - begun

    def _make(self, number: int) -> None:
        from commandcenter.inventory.models import Project
        from jobs.tests.factories import make_job

        project = Project.objects.get()
        for _ in range(max(0, number)):
            job = make_job(project, {"hash": KILOBYTES}, {"commit_artifact": str(self.artifacts)})
            self.made.append(job.pk)

    def report(self, jobs: list[Job]) -> list[str]:
        """Print the table and return what is wrong."""
        from tests.faults.sound import violations

        wrong = violations(jobs)
        if sorted(job.pk for job in jobs) != sorted(self.made):
            wrong.append(f"{len(self.made)} jobs were made, {len(jobs)} are there.")
        files = len(list(self.artifacts.glob("*.json")))
        completed = [job for job in jobs if job.status == "completed"]
        if files != len(completed) or len(completed) != self.count:
            wrong.append(f"{len(completed)} of {self.count} jobs completed, with {files} artifacts.")
        out("\nkilled                times")
        for target, times in self.killed.most_common():
            out(f"  {target:<18} {times:6d}")
        waits = sorted(
            (job.completed_at - job.created_at).total_seconds() for job in jobs if job.completed_at
        )
        attempts = Counter(job.attempt for job in jobs)
        out(f"\njobs                {len(jobs):7d}   completed {len(completed)}, artifacts {files}")
        out(f"attempts            {sum(job.attempt for job in jobs):7d}   " + _counts(attempts))
        out(f"workers lost        {sum(job.losses for job in jobs):7d}")
        out(f"duplicates dropped  {sum(job.run.duplicates for job in jobs):7d}")
        out(f"creation to end     {statistics.median(waits):7.2f} s median, {waits[-1]:.2f} s longest")
        out(f"took                {self.seconds:7.1f} s, {len(jobs) / self.seconds:.1f} jobs a second")
        return wrong


def _counts(attempts: Counter[int]) -> str:
    return ", ".join(f"{count} in {number}" for number, count in sorted(attempts.items()))


def deliver(stage: Stage, number: int, seed: int, folder: Path) -> list[str]:
    """Send about so many webhooks under kills, print the table and return what is wrong."""
    from commandcenter.inventory.models import Project
    from tests.faults import hooks

    events = max(1, number // HOOK_ENDPOINTS)
    begun = time.monotonic()
    with hooks.listening(folder) as receiver:
        urls = [f"{receiver.url}/flaky/{n}" for n in range(HOOK_ENDPOINTS)]
        secrets = hooks.make_endpoints(Project.objects.get(), urls)
        hooks.start_sender(stage)
        hooks.publish_events(Project.objects.get(), events)
        seen = hooks.survive(stage, events * HOOK_ENDPOINTS, random.Random(seed))
        receipts = receiver.receipts()
    twice, most = hooks.taken_twice(receipts), hooks.most_duplicates(seen.kills, HOOK_ENDPOINTS)
    out(f"\nkilled              {dict(seen.killed)}")
    out(f"deliveries          {events * HOOK_ENDPOINTS:7d}   requests {len(receipts)}, taken twice {twice}")
    out(f"took                {time.monotonic() - begun:7.1f} s")
    wrong = hooks.violations(receipts, secrets)
    if twice > most:
        wrong.append(f"{twice} were taken twice; {seen.kills} kills explain {most}.")
    return wrong


def main() -> int:
    """Run the soak and return its exit code."""
    parser = argparse.ArgumentParser(description="Many jobs under random kills: zero lost, zero doubled.")
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--deliveries", type=int, default=0, help="so many webhooks instead of jobs")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--database", action="store_true", help="kill PostgreSQL now and then as well")
    options = parser.parse_args()
    what = f"{options.deliveries} deliveries" if options.deliveries else f"{options.jobs} jobs"
    out(f"Soak: {what} under kills, seed {options.seed}")
    folder = Path(tempfile.mkdtemp(prefix="commandcenter-soak-"))
    stage = Stage(folder)
    try:
        stage.start_servers()
        os.environ.update({**stage.environ, "CC_PROCESS": "command", "CC_OUTBOUND_ALLOW": "127.0.0.0/8"})
        os.environ.pop("CC_STAGE")  # this process is not one of those that may be found stray
        import django

        django.setup()
        from jobs.tests.factories import make_project
        from tests.faults.sound import assert_sound

        make_project()
        artifacts = folder / "artifacts"
        artifacts.mkdir()
        stage.start(*WORKERS, "system", "beat")
        soak = Soak(stage, options.jobs, options.seed, artifacts, database=options.database)
        try:
            if options.deliveries:
                wrong = deliver(stage, options.deliveries, options.seed, folder)
            else:
                soak.run()
                wrong = soak.report(assert_sound(stage))
        except AssertionError as error:
            wrong = str(error).splitlines()
    finally:
        stage.stop()
        shutil.rmtree(folder, ignore_errors=True)
    for line in wrong[:50]:
        out(f"VIOLATION  {line}")
    sound = "None lost." if options.deliveries else "Zero lost, zero doubled."
    out(f"\n{sound}" if not wrong else f"\n{len(wrong)} violations (seed {options.seed}).")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
