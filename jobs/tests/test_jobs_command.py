"""`manage.py jobs`: what an operator types at a terminal, and what comes back."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

from commandcenter.embedded.identity import Identity
from jobs.cancellation import cancel
from jobs.creation import create_job
from jobs.models import Job, JobRun, JobStatus, OriginKind
from jobs.tests import handlers
from jobs.tests.conftest import COMMITTED
from jobs.tests.factories import make_job, make_project
from jobs.tests.history import ago, ended
from jobs.tests.test_execute import run
from jobs.tests.test_lease import in_thread

pytestmark = COMMITTED
Start = Callable[..., "subprocess.Popen[str]"]


def command(*arguments: Any) -> tuple[int, str, str]:
    """Return exit status, output and messages of `manage.py jobs ...`."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("jobs", *[str(argument) for argument in arguments], stdout=out, stderr=err)
    except SystemExit as ending:
        return int(ending.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def start() -> Iterator[Start]:
    """Return a function that starts the command as a process of its own; afterwards none is left."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: Any, **environ: str | None) -> subprocess.Popen[str]:
        changed = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "jobs.tests.workersettings",
            "CC_TEST_DATABASE": connection.settings_dict["NAME"],
            **environ,
        }
        process = subprocess.Popen(
            [sys.executable, "manage.py", "jobs", *[str(argument) for argument in arguments]],
            cwd=django_settings.BASE_DIR,
            env={name: value for name, value in changed.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=10)


def test_the_list_has_aligned_columns_newest_first() -> None:
    project = make_project()
    done = run(make_job(project))
    failed = run(make_job(project, {"fail": {"code": "x", "message": "no \x1b[31mred\nhere"}}))
    status, out, err = command("list")
    lines = out.splitlines()
    assert (status, err, len(lines)) == (0, "", 3)
    assert lines[0].split()[:4] == ["ID", "STATUS", "TYPE", "PROJECT"]
    assert [line.split()[0] for line in lines[1:]] == [str(failed.pk), str(done.pk)]
    assert "no ?[31mred here" in lines[1]
    column = lines[0].index("PROJECT")
    assert all(line[column:].startswith(project.slug) for line in lines[1:])


def test_the_list_is_filtered_and_bounded() -> None:
    project = make_project()
    mine = [run(make_job(project)) for _ in range(3)]
    waits = make_job(project, job_type="export")
    make_job(make_project())

    def ids(*arguments: Any) -> list[int]:
        status, out, _err = command("list", *arguments)
        assert status == 0
        return [int(line.split()[0]) for line in out.splitlines()[1:]]

    assert ids("--project", project.slug) == [waits.pk, *(job.pk for job in reversed(mine))]
    assert ids("--project", project.pk, "--status", "completed") == [job.pk for job in reversed(mine)]
    assert ids("--type", "export") == [waits.pk]
    assert ids("--project", project.slug, "--limit", 2) == [waits.pk, mine[-1].pk]
    assert command("list", "--status", "failed") == (0, "", "There are no such jobs.\n")


def test_lines_of_json_are_jobs_as_in_the_api() -> None:
    job = make_job()
    parameters: dict[str, Any] = {"children": [[]]}
    batch = create_job(
        project=job.project, job_type="batch_analysis", parameters=parameters, origin_kind=OriginKind.API
    )
    status, out, _err = command("list", "--json")
    of_batch, shown = map(json.loads, out.splitlines())
    assert (status, shown["id"], shown["waiting_reason"]["code"]) == (0, job.pk, "in_queue")
    assert shown["children"] is None
    assert (of_batch["id"], of_batch["children"]["total"]) == (batch.pk, 0)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_a_limit_that_cannot_be_meant_is_refused(limit: int) -> None:
    status, _out, err = command("list", f"--limit={limit}")
    assert (status, err) == (2, "--limit must lie between 1 and 1,000.\n")


@pytest.mark.parametrize("given", ["99999999", "x", "9" * 30, "1.5", ""])
@pytest.mark.parametrize("action", ["show", "cancel", "retry", "tail"])
def test_an_unknown_id_is_one_sentence(action: str, given: str) -> None:
    status, out, err = command(action, given)
    assert (status, out) == (2, "")
    assert err.startswith(f"There is no job {given!r}")
    assert len(err.splitlines()) == 1


def test_show_says_why_it_waits_and_what_happened() -> None:
    job = make_job(None, delay_seconds=600, tags={"team": "core"})
    status, out, _err = command("show", job.pk)
    assert (status, out.splitlines()[0]) == (0, f"Analysis job {job.pk}: queued")
    for part in ("Delayed until", "(delayed)", "team:core", "pending -> queued (dispatched)"):
        assert part in out


def test_show_says_how_it_ended_and_when_its_log_went() -> None:
    job = run(make_job(None, {"fail": {"code": "broken", "message": "The disk is full."}}))
    JobRun.objects.filter(job=job).update(events_pruned_at=ago(days=1))
    _status, out, _err = command("show", f"#{job.pk}")
    for part in ("The disk is full. (broken)", "1 of 3 failures", "running -> failed", "removed on"):
        assert part in out


def test_show_counts_the_children_of_a_batch() -> None:
    project = make_project()
    parent = ended(project, 1, at=ago(hours=1), job_type="batch_analysis")[0]
    ended(project, 2, at=ago(hours=1), parent=parent)
    ended(project, 1, at=ago(hours=1), parent=parent, status="failed")
    assert "3: 2 completed, 1 failed" in command("show", parent.pk)[1]


def test_cancel_ends_what_waits_and_refuses_what_has_ended() -> None:
    waits, done = make_job(), run(make_job())
    status, out, err = command("cancel", waits.pk, done.pk)
    assert (status, out) == (1, f"{waits.pk}: cancelled\n")
    assert err.startswith(f"{done.pk}: The job has completed already")
    assert Job.objects.get(pk=waits.pk).status == JobStatus.CANCELLED
    assert command("cancel", waits.pk)[0] == 0


def test_cancel_looks_at_all_ids_before_it_cancels_any() -> None:
    waits = make_job()
    assert command("cancel", waits.pk, "nonsense")[0] == 2
    assert Job.objects.get(pk=waits.pk).status == JobStatus.QUEUED


def test_retry_runs_it_again_with_changes() -> None:
    done = run(make_job(None, {"result": {"n": 1}}))
    status, out, _err = command("retry", done.pk, "--set", 'steps=[{"result": {"n": 2}}]')
    again = Job.objects.get(retry_of=done)
    assert (status, out) == (0, f"Job {again.pk} runs {done.pk} again.\n")
    assert (again.parameters, again.origin_kind) == ({"steps": [{"result": {"n": 2}}]}, "command")
    assert run(again).result == {"n": 2, "attempt": 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--set", "steps"), "--set takes KEY=VALUE"),
        (("--set", "=1"), "--set takes KEY=VALUE"),
        (("--set", "nonsense=1"), "nonsense"),
        (("--set", "steps=text"), "Give a list of steps."),
        (("--only-failed",), "Only a batch"),
    ],
)
def test_changes_that_do_not_fit_are_refused(arguments: tuple[str, ...], said: str) -> None:
    done = run(make_job())
    status, out, err = command("retry", done.pk, *arguments)
    assert (status, out) == (2, "")
    assert said in err


def test_a_job_that_has_not_ended_is_not_retried() -> None:
    status, _out, err = command("retry", make_job().pk)
    assert status == 1
    assert "only one that has ended can be retried" in err


@pytest.mark.process
def test_tail_follows_a_job_that_runs_and_ends_with_it(start: Start) -> None:
    """What was said before comes first, then each line as it is written, then the end; nothing twice."""
    job = make_job(
        None,
        {"log": ["info", "before", "script"]},
        {"gate": "first"},
        {"log": ["warning", "meanwhile", "script"]},
        {"gate": "second"},
        {"progress": [80, "nearly"]},
    )
    thread = in_thread(job)
    assert handlers.entered["first"].wait(20)
    tail = start("tail", job.pk)
    seen: list[str] = []

    def read_until(part: str) -> None:
        while not (seen and part in seen[-1]):
            line = tail.stdout.readline()
            assert line, (seen, tail.stderr.read())
            seen.append(line)

    read_until("script: before")
    handlers.gates["first"].set()
    read_until("script: meanwhile")
    assert Job.objects.get(pk=job.pk).status == JobStatus.RUNNING
    handlers.gates["second"].set()
    thread.join(20)
    rest, err = tail.communicate(timeout=30)
    assert (tail.returncode, err) == (0, "")
    lines = [*seen, *rest.splitlines()]
    assert sum("script: before" in line for line in lines) == 1
    assert sum("script: meanwhile" in line for line in lines) == 1
    assert "80 % nearly" in lines[-2]
    assert "running -> completed" in lines[-1]


@pytest.mark.process
def test_ctrl_c_leaves_a_tail_and_not_the_job(start: Start) -> None:
    job = make_job()
    tail = start("tail", job.pk)
    assert "pending" in tail.stdout.readline()
    tail.send_signal(signal.SIGINT)
    _out, err = tail.communicate(timeout=30)
    assert (tail.returncode, err) == (130, "")
    assert Job.objects.get(pk=job.pk).status == JobStatus.QUEUED


def test_tail_says_why_an_attempt_failed_not_only_its_code() -> None:
    job = run(
        make_job(
            None, {"fail": {"code": "broken", "message": "The disk\x1b[31m is full.", "retryable": True}}
        )
    )
    assert job.status == JobStatus.QUEUED
    _status, out, _err = command("show", job.pk)
    assert "running -> queued (attempt_failed, attempt 1): The disk?[31m is full." in out
    while not job.is_terminal:
        job = run(job)
    status, out, _err = command("tail", job.pk)
    assert (status, out.count(": The disk?[31m is full.")) == (1, 3)


def test_tail_ends_as_the_job_did() -> None:
    assert command("tail", run(make_job()).pk)[0] == 0
    status, out, _err = command("tail", run(make_job(None, {"fail": {"code": "x", "message": "x"}})).pk)
    assert (status, "running -> failed" in out) == (1, True)
    assert command("tail", cancel(make_job(), None).pk)[0] == 3


def test_tail_shows_more_than_a_page() -> None:
    job = run(make_job(None, {"many_logs": [2_500, 5]}))
    _status, out, _err = command("tail", job.pk)
    assert len(out.splitlines()) == job.run.last_seq > 2_500


def test_tail_says_that_the_log_was_removed() -> None:
    job = run(make_job())
    JobRun.objects.filter(job=job).update(events_pruned_at=ago(days=1))
    status, out, err = command("tail", job.pk)
    assert status == 0
    assert "was removed on" in err
    assert "completed" in out


@pytest.mark.process
def test_a_reader_that_goes_away_is_no_error(start: Start) -> None:
    job = run(make_job(None, {"many_logs": [2_000, 100]}))
    tail = start("tail", job.pk)
    tail.stdout.readline()
    tail.stdout.close()
    tail.wait(30)
    assert (tail.returncode, tail.stderr.read()) == (141, "")


@pytest.mark.process
def test_a_terminal_beside_a_running_platform_finds_its_database(start: Start, tmp_path: Path) -> None:
    """Without an address in its environment: by the file that `manage.py up` keeps in the data folder."""
    job = make_job()
    shared = ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "CHANNEL_URL", "SECRET_KEY", "CC_ENCRYPTION_KEYS")
    me = Identity.of(os.getpid())
    assert me is not None
    environment = {name: os.environ[name] for name in shared if name in os.environ}
    assert "DATABASE_URL" in environment
    running = {"pid": me.pid, "started": me.started, "environment": environment}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "services.json").write_text(json.dumps(running))
    without = dict.fromkeys(shared)
    listing = start("list", CC_DATA_DIR=str(tmp_path), **without)
    out, err = listing.communicate(timeout=60)
    assert (listing.returncode, err) == (0, "")
    assert out.splitlines()[1].split()[0] == str(job.pk)
    (tmp_path / "run" / "services.json").unlink()
    nothing = start("list", CC_DATA_DIR=str(tmp_path), **without)
    _out, err = nothing.communicate(timeout=60)
    assert nothing.returncode != 0
    assert "Nothing runs on the data folder" in err
    asked = start("--help", CC_DATA_DIR=str(tmp_path), **without)
    out, err = asked.communicate(timeout=60)
    assert (asked.returncode, err) == (0, "")
    assert "tail" in out, "help needs no platform"
