"""`manage.py analyze` inside a prepared database: what it writes, and how it ends."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.policy.flows import create_policy, update_policy
from commandcenter.analysis.tests.conftest import folders, git_repository, scripted_engines  # noqa: F401
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.inventory.models import Project, Repository
from exports.registry import FORMATS
from jobs.models import Job, JobStatus

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("scripted_engines")]


def analyze(source: Any, *options: Any) -> Any:
    """Run the command; return its exit status, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("analyze", str(source), *options, stdout=out, stderr=err)
    except SystemExit as ended:
        return ended.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


@pytest.fixture
def source(git_repository: Any, settings: Any) -> Any:  # noqa: F811
    settings.SOURCE_ROOTS = ()  # the command itself adds the folder that it was given
    git_repository.commit({"a.py": "BAD one\n"})
    return git_repository


def test_it_registers_the_source_analyses_it_and_says_what_it_found(source: Any) -> None:
    status, out, _ = analyze(source.folder)
    assert status == 0
    analysis = Analysis.objects.get()
    assert f"Analysis {analysis.pk} of example at main" in out
    assert "findings       2 (2 high)" in out
    assert analysis.repository.project.slug == "command-line"
    job = Job.objects.get(analysis=analysis)
    assert (job.origin_kind, job.queue) == ("command", "foreground")


def test_a_second_run_uses_the_same_repository(source: Any) -> None:
    analyze(source.folder)
    status, out, _ = analyze(source.folder)
    assert (status, Repository.objects.count()) == (0, 1)
    assert "0 new, 0 fixed" in out


def test_a_repository_that_another_project_has_serves_too(source: Any) -> None:
    known = make_repository(source=str(source.folder))
    analyze(source.folder)
    assert Analysis.objects.get().repository == known


def test_a_project_can_be_named(source: Any) -> None:
    make_repository(source=str(source.folder))
    assert analyze(source.folder, "--project", "billing")[0] == 0
    assert Analysis.objects.get().project == Project.objects.get(slug="billing")


def test_json_goes_to_stdout_alone(source: Any) -> None:
    status, out, _ = analyze(source.folder, "--json")
    assert status == 0
    shown = json.loads(out)
    assert (shown["status"], shown["summary"]["findings"]["total"]) == ("complete", 2)


def test_an_export_goes_to_stdout_or_into_a_file(source: Any, tmp_path: Any) -> None:
    status, out, _ = analyze(source.folder, "--export", "json")
    assert status == 0
    assert json.loads(out)["format"] == "commandcenter.analysis"
    name = "sarif"
    target = tmp_path / "out.file"
    status, out, _ = analyze(source.folder, "--export", name, "--output", str(target))
    assert status == 0
    assert json.loads(target.read_text())
    assert "findings" in out
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []


def test_a_pipe_or_a_device_is_written_to_and_not_replaced(source: Any, tmp_path: Any) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert analyze(source.folder, "--export", "markdown", "--output", str(pipe))[0] == 0
        assert pipe.is_fifo()
        assert os.read(reader, 65_536).startswith(b"#")
    finally:
        os.close(reader)


def test_an_export_that_fails_leaves_the_file_before_it_and_no_half_one(
    source: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any) -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("The database went away.")

    monkeypatch.setattr(FORMATS["json"], "write", failing)
    output = tmp_path / "result.json"
    output.write_text("before")
    with pytest.raises(RuntimeError):
        analyze(source.folder, "--export", "json", "--output", str(output))
    assert output.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".result")] == []


def test_the_gate(source: Any) -> None:
    levels = ("critical", "high", "medium", "low")
    statuses = {level: analyze(source.folder, "--fail-on", level)[0] for level in levels}
    assert statuses == {"critical": 0, "high": 1, "medium": 1, "low": 1}


def test_the_gate_of_the_policy(source: Any) -> None:
    status, out, err = analyze(source.folder, "--fail-on", "policy")
    assert (status, out) == (2, "")
    assert "no enabled policy" in err
    project = Project.objects.get(slug="command-line")
    policy = create_policy(
        by=None, project=project, name="Gate", conditions=[{"metric": "findings", "at_most": 1}]
    )
    status, out, err = analyze(source.folder, "--fail-on", "policy")
    assert (status, "policy         failed" in out) == (1, True)
    assert "Open findings: at most 1; it is 2." in err
    update_policy(policy, by=None, conditions=[{"metric": "findings", "at_most": 2}])
    assert analyze(source.folder, "--fail-on", "policy")[0] == 0
    unknown = [{"metric": "vulnerabilities", "at_most": 0}]
    update_policy(policy, by=None, conditions=unknown)
    assert analyze(source.folder, "--fail-on", "policy")[0] == 0
    update_policy(policy, by=None, unknown_fails=True)
    assert analyze(source.folder, "--fail-on", "policy")[0] == 1


def test_a_partial_analysis_that_passes_its_policy_ends_with_3(source: Any) -> None:
    analyze(source.folder)
    project = Project.objects.get(slug="command-line")
    create_policy(by=None, project=project, name="Gate", conditions=[{"metric": "findings", "at_most": 9}])
    source.commit({"broken.py": "x\n"})
    assert analyze(source.folder, "--fail-on", "policy")[0] == 3


BAD_INPUT = [
    ("{folder}/missing", (), "no such folder"),
    ("ftp://example.com/x", (), "Only https"),
    ("http://127.0.0.1:9/x.git", (), "not a public address"),
    ("-x", (), "hyphen"),
    ("{folder}/example", ("--ref", "nowhere"), "no branch, tag or commit"),
    ("{folder}/example", ("--ref", "a..b"), "name"),
    ("{folder}/example", ("--project", "Not A Slug"), "slug"),
    ("{folder}/example", ("--output", "x"), "--export"),
    ("{folder}/example", ("--export", "sarif", "--json"), "--output"),
    ("{folder}/example", ("--export", "sarif", "--output", "/nowhere/x"), "no folder"),
]


def test_bad_input_ends_with_2_and_a_sentence(source: Any) -> None:
    for text, options, message in BAD_INPUT:
        out, err = io.StringIO(), io.StringIO()
        place = text.format(folder=source.folder.parent)
        with pytest.raises(SystemExit) as ended:
            call_command("analyze", *options, "--", place, stdout=out, stderr=err)
        assert ended.value.code == 2, (text, options, err.getvalue())
        assert message in err.getvalue(), (text, options, err.getvalue())
        assert out.getvalue() == ""


def test_a_partial_analysis_ends_with_3_and_shows_what_it_has(source: Any) -> None:
    source.commit({"broken.py": "x\n"})
    status, out, err = analyze(source.folder)
    assert status == 3
    assert "words: failed" in out
    assert "partial" in err


def test_a_failed_gate_counts_more_than_a_partial_analysis(source: Any) -> None:
    source.commit({"broken.py": "x\n"})
    assert analyze(source.folder, "--fail-on", "high")[0] == 1


def test_an_engine_that_crashes_ends_with_3(source: Any) -> None:
    source.commit({"crash.py": "x\n"})
    status, _, err = analyze(source.folder)
    assert status == 3
    assert "failed" in err
    assert Job.objects.get().status == JobStatus.FAILED
    assert Analysis.objects.get().settled


def test_an_export_takes_the_options_of_its_format(source: Any, tmp_path: Any) -> None:
    output = tmp_path / "findings.csv"
    options = ("--export-option", "export_type=findings", "--export-option", "bom")
    status, _, _ = analyze(source.folder, "--export", "csv", *options, "--output", str(output))
    assert status == 0
    rows = output.read_text(encoding="utf-8").splitlines()
    assert rows[0].startswith("\ufeffid,")
    assert len(rows) == 3


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--export", "csv", "--export-option", "export_type=all"), "Use one of: combined"),
        (("--export", "csv", "--export-option", "colour=red"), "It has export_type, bom."),
        (("--export-option", "bom"), "name a format with --export as well"),
        (("--export", "excel"), "give --output FILE.xlsx"),
    ],
)
def test_an_export_that_cannot_be_written_is_refused_before_the_work(
    source: Any, options: tuple[str, ...], said: str
) -> None:
    status, out, err = analyze(source.folder, *options)
    assert (status, out, Job.objects.count()) == (2, "", 0)
    assert said in err


def test_a_binary_export_goes_into_a_file(source: Any, tmp_path: Any) -> None:
    output = tmp_path / "result.xlsx"
    assert analyze(source.folder, "--export", "excel", "--output", str(output))[0] == 0
    assert output.read_bytes().startswith(b"PK")
