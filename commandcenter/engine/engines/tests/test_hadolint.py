"""The hadolint engine: what makes images unsafe or builds differ, deaf to the repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.hadolint import ENGINE
from commandcenter.engine.engines.hadolint_rules import RULES
from commandcenter.engine.engines.heredocs import closed
from commandcenter.engine.engines.tests.lending import run

BAD = "FROM debian:12\nRUN sudo true\n"


def findings(results: list[Result]) -> list[Finding]:
    return [result for result in results if isinstance(result, Finding)]


def said(results: list[Result]) -> list[tuple[str, int, str, bool]]:
    return [(f.path, f.start_line, f.rule_id, f.inline_suppressed) for f in findings(results)]


def failures(results: list[Result]) -> list[tuple[str | None, bool]]:
    return [(result.path, result.transient) for result in results if isinstance(result, Failure)]


def test_reports_risks_and_no_style(tmp_path: Path) -> None:
    text = (
        "FROM debian\nENV PASSWORD=hunter2\nRUN apt-get update && apt-get install curl\nRUN echo a | grep b\n"
        "RUN ls; cd /x; ls\nRUN ls\nRUN ls\nCMD run me\n"
    )
    results = run(ENGINE, {"deploy/Dockerfile": text}, tmp_path)
    assert {(line, rule) for _, line, rule, _ in said(results)} == {
        (1, "DL3006"),
        (2, "DL3064"),
        (3, "DL3008"),
        (4, "DL4006"),
        (5, "DL3003"),
        (5, "SC2164"),
        (8, "DL3025"),
    }
    secret = next(f for f in findings(results) if f.rule_id == "DL3064")
    assert (secret.severity, secret.cwe, secret.snippet) == ("high", ("CWE-538",), "ENV PASSWORD=[redacted]")


@pytest.mark.parametrize(
    "text",
    [
        "FROM debian:12\n# hadolint ignore=DL3004\nRUN sudo true\n",
        "# hadolint global ignore=DL3004\nFROM debian:12\n\nRUN sudo true\n",
        "FROM debian:12\n#hadolint ignore=DL3004,DL3008 # because\nRUN sudo true\n",
    ],
)
def test_a_silenced_line_is_reported_as_silenced(tmp_path: Path, text: str) -> None:
    (result,) = findings(run(ENGINE, {"Dockerfile": text}, tmp_path))
    assert (result.rule_id, result.inline_suppressed, result.snippet) == ("DL3004", True, "RUN sudo true")


def test_a_directive_of_shellcheck_within_a_heredoc_is_reported_too(tmp_path: Path) -> None:
    text = "FROM debian:12\nRUN <<EOF\n# shellcheck disable=SC2164\ncd /x\nEOF\nRUN sudo true\n"
    assert said(run(ENGINE, {"Dockerfile": text}, tmp_path)) == [
        ("Dockerfile", 2, "DL3003", False),
        ("Dockerfile", 2, "SC2164", True),
        ("Dockerfile", 6, "DL3004", False),
    ]


def test_a_comment_that_silences_another_rule_silences_nothing(tmp_path: Path) -> None:
    text = "FROM debian:12\n# hadolint ignore=DL3008\nRUN sudo true\n"
    assert said(run(ENGINE, {"Dockerfile": text}, tmp_path)) == [("Dockerfile", 3, "DL3004", False)]


def test_configuration_and_environment_silence_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HADOLINT_IGNORE", "DL3004")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".hadolint.yaml").write_text("ignored: [DL3004]\n")
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / ".hadolint.yaml").write_text("ignored: [DL3004]\n")
    files = {
        ".hadolint.yaml": "ignored: [DL3004]\n",
        ".config/hadolint.yaml": "ignored: [DL3004]\n",
        "Dockerfile": BAD,
        "b/Dockerfile": BAD,
    }
    assert [path for path, *_ in said(run(ENGINE, files, tmp_path))] == ["Dockerfile", "b/Dockerfile"]


def test_what_is_no_dockerfile_is_a_failure_of_that_file(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "Dockerfile": "FROM {{ base }}\nHELLO\n",
        "b/Dockerfile": BAD,
        "c/Dockerfile": b"\xff\xfeF\x00",
    }
    results = run(ENGINE, files, tmp_path)
    assert failures(results) == [("Dockerfile", False)]
    assert [path for path, *_ in said(results)] == ["b/Dockerfile"]


def test_a_file_that_is_too_large_is_a_failure_of_that_file(tmp_path: Path) -> None:
    results = run(ENGINE, {"Dockerfile": "FROM a:1\n" + "RUN ls\n" * 20_000, "b/Dockerfile": BAD}, tmp_path)
    assert failures(results) == [("Dockerfile", False)]
    assert [path for path, *_ in said(results)] == ["b/Dockerfile"]


def test_dockerfiles_are_known_by_their_names() -> None:
    names = {
        "Dockerfile", "a/Dockerfile.prod", "a/api.dockerfile", "Containerfile", "Containerfile.test", "dockerfile",
        "Dockerfile.dockerignore", "Dockerfile.md", "dockerfile.go", "Dockerfile.j2", "Dockerfiles", "docker-compose.yml",
    }  # fmt: skip
    assert {name for name in names if ENGINE.select(Entry(name, "0" * 40, 1))} == {
        "Dockerfile", "a/Dockerfile.prod", "a/api.dockerfile", "Containerfile", "Containerfile.test", "dockerfile",
    }  # fmt: skip


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize(
    "opened", ["RUN <<EOF", "COPY <<'EOF' /a", "RUN ls && \\\n  cat > a <<EOF && ls", "RUN bash <<-EOF"]
)
def test_here_documents_are_read_and_lines_are_those_of_the_file(
    tmp_path: Path, opened: str, end: str
) -> None:
    text = f"FROM debian:12\n{opened}\nls\nEOF\nRUN sudo true\n".replace("\n", end)
    line = text.split("\n").index(f"RUN sudo true{end[:-1]}") + 1
    assert said(run(ENGINE, {"Dockerfile": text}, tmp_path)) == [("Dockerfile", line, "DL3004", False)]


@given(
    st.lists(
        st.sampled_from(
            [
                b"RUN <<A",
                b"A",
                b"RUN a \\",
                b"",
                b"RUN <<<A",
                b"COPY <<-'B' x",
                b"\tB",
                b"USER x",
                b"RUN $((1<<A))",
                b"# c",
            ]
        ),
        max_size=30,
    )
)
def test_only_empty_lines_are_added_and_every_line_keeps_its_number(lines: list[bytes]) -> None:
    text = closed(b"\n".join(lines))
    out = text.text.split(b"\n")
    assert all(out[number - 1] == b"" for number in text.added)
    kept = [number for number in range(1, len(out) + 1) if number not in text.added]
    assert [out[number - 1] for number in kept] == (lines or [b""])
    assert [text.original(number) for number in kept] == list(range(1, len(kept) + 1))


def test_the_rules_are_described() -> None:
    assert len(RULES) > 100
    for id_, rule in RULES.items():
        assert (rule.id, rule.engine) == (id_, "hadolint")
        assert rule.short
        assert rule.help
    assert not {"DL3059", "DL3048", "DL1000"} & RULES.keys()
