"""What must hold after every fault: each job ended once, with one artifact, an unbroken history and no process left."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

from commandcenter.events.models import Event, Outbox
from jobs.models import TERMINAL, Job, JobEvent
from tests.faults.stage import WAIT_SECONDS, WORKERS, Stage

ENDS = {f"job.{status}": str(status) for status in TERMINAL}


def assert_sound(stage: Stage, within: float = WAIT_SECONDS) -> list[Job]:
    """Wait until all jobs have ended and nothing is left to do, then check everything; return the jobs."""
    stage.until(lambda: not Job.objects.active().exists(), "the end of all jobs", within)
    stage.until(lambda: not Outbox.objects.exists(), "the delivery of all events")
    jobs = list(Job.objects.select_related("run").order_by("pk"))
    wrong = violations(jobs)
    assert wrong == [], "\n".join(wrong)
    assert_no_stray_process(stage)
    return jobs


def violations(jobs: list[Job]) -> list[str]:
    """Return a sentence for each thing that is wrong with these ended jobs."""
    ids = [job.pk for job in jobs]
    history: dict[int, list[dict[str, Any]]] = {pk: [] for pk in ids}
    numbers: dict[int, list[int]] = {pk: [] for pk in ids}
    rows = JobEvent.objects.filter(job__in=ids).order_by("job", "seq").values_list("job", "seq", "data")
    for job_id, seq, data in rows.iterator():
        numbers[job_id].append(seq)
        if "to" in data:
            history[job_id].append(data)
    told: dict[int, Counter[str]] = {pk: Counter() for pk in ids}
    for subject, kind in Event.objects.filter(
        subject_kind="job", subject_id__in=ids, type__in=ENDS
    ).values_list("subject_id", "type"):
        assert subject is not None
        told[subject][kind] += 1
    found = []
    for job in jobs:
        if not job.is_terminal:
            found.append(f"Job {job.pk} is still {job.status}.")
            continue
        if numbers[job.pk] != list(range(1, job.run.last_seq + 1)):
            found.append(f"Job {job.pk}: the numbers of its events have a gap: {numbers[job.pk]}.")
        states = history[job.pk]
        ends = [state["to"] for state in states if state["to"] in TERMINAL]
        if ends != [job.status] or states[-1]["to"] != job.status:
            found.append(f"Job {job.pk} is {job.status}, its history ends in {ends}.")
        if any(after["from"] != before["to"] for before, after in pairwise(states)):
            found.append(f"Job {job.pk}: its states do not follow each other: {states}.")
        claims = sum(state["to"] == "running" for state in states)
        if claims != job.attempt or job.losses + job.failures > job.attempt:
            found.append(
                f"Job {job.pk}: {claims} claims, {job.attempt} attempts, {job.losses} losses, {job.failures} failures."
            )
        if told[job.pk] != Counter({f"job.{job.status}": 1}):
            found.append(f"Job {job.pk} is {job.status}, told were {dict(told[job.pk])}.")
        found += _wrong_artifacts(job)
    return found


def _wrong_artifacts(job: Job) -> list[str]:
    """Check that a completed job has its one artifact, made by the attempt that completed it."""
    folders = [step["commit_artifact"] for step in job.parameters["steps"] if "commit_artifact" in step]
    if not folders or job.status != "completed":
        return []
    path = Path(folders[0]) / f"{job.pk}.json"
    if not path.exists():
        return [f"Job {job.pk} completed without its artifact."]
    if json.loads(path.read_text()) != job.result or job.result["attempt"] != job.attempt:
        return [f"Job {job.pk}: its artifact is of another attempt than its result."]
    return []


def assert_no_stray_process(stage: Stage) -> None:
    """Wait until the stage's processes and their pools run, and nothing else that any of them has ever started."""

    def stray() -> set[int]:
        return stage.ours() - stage.expected()

    stage.until(lambda: not stray(), f"the end of stray processes {stray()}")
    workers = set(WORKERS) & set(stage.parts)
    stage.until(lambda: all(len(stage.pool(name)) == 2 for name in workers), "whole pools")
