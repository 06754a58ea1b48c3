"""The secrets engine: finds them whatever the repository says, and never lets one out."""

from __future__ import annotations

import hmac
import time
from pathlib import Path

import orjson
import pytest

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Result
from commandcenter.engine.correlation import Correlator
from commandcenter.engine.engines.secrets import ENGINE
from commandcenter.engine.engines.secrets_rules import severity_of
from commandcenter.engine.engines.tests.lending import run

# Put together here, so that no scanner takes this file for a leak.
GITHUB = "ghp_" + "1234567890abcdefghij" + "ABCDEFGHIJ123456"
SLACK = "xoxb-" + "123456789012-1234567890123-" + "AbCdEfGhIjKlMnOpQrStUvWx"
KEY_LINE = "MIIEpAIBAAKCAQEA04up8hoqzS1" + "APIB0RhjXyObwHQnOzhAk5Bd7mhkSbPkyhP1"
KEY = (
    f"-----BEGIN RSA PRIVATE {'KEY'}-----\n{KEY_LINE}\n{KEY_LINE[::-1]}\n-----END RSA PRIVATE {'KEY'}-----\n"
)
SECRETS = (GITHUB, SLACK, KEY_LINE, KEY_LINE[::-1])


def findings(results: list[Result]) -> list[Finding]:
    assert all(isinstance(result, Finding) for result in results), results
    return [result for result in results if isinstance(result, Finding)]


def test_finds_secrets_and_their_places(tmp_path: Path) -> None:
    files = {"app/settings.py": f'\ngithub_token = "{GITHUB}"\n', "deploy/id_rsa": KEY}
    found = {f.rule_id: f for f in findings(run(ENGINE, files, tmp_path))}
    token, key = found["github-pat"], found["private-key"]
    assert (token.path, token.start_line, token.severity) == ("app/settings.py", 2, "critical")
    assert token.snippet == "github-pat: github_token = [redacted]"
    assert (key.path, key.start_line, key.end_line) == ("deploy/id_rsa", 1, 4)
    assert not token.inline_suppressed


def test_no_secret_leaves_the_engine(tmp_path: Path) -> None:
    log: list[str] = []
    files = {
        "a.env": f"TOKEN={GITHUB}\nSLACK={SLACK} {GITHUB}\n",
        f"{GITHUB}.txt": f"{SLACK}={GITHUB}\n",
        "key": KEY,
    }
    results = run(ENGINE, files, tmp_path, log=log)
    assert len(results) >= 4
    said = [f"{f.message} {f.snippet} {f.rule_id}" for f in findings(results)] + log
    assert not [text for text in said for secret in SECRETS if secret[4:20] in text]
    rules = orjson.dumps(list(ENGINE.rules())).decode()
    assert not [secret for secret in SECRETS if secret in rules]


def test_the_same_secret_has_the_same_name_under_one_key(tmp_path: Path) -> None:
    files = {
        "a.py": f'token = "{GITHUB}"\n',
        "b/c.env": f"x=1\nGH={GITHUB}\n",
        "unix.pem": KEY,
        "windows.pem": KEY.replace("\n", "\r\n"),
    }
    one, other = Correlator(b"k" * 32), Correlator(b"o" * 32)
    named = {f.path: f.correlation for f in findings(run(ENGINE, files, tmp_path, correlator=one))}
    assert named["a.py"] == named["b/c.env"]
    assert named["unix.pem"] == named["windows.pem"] != named["a.py"]
    expected = hmac.digest(one.key, GITHUB.encode(), "sha256")[:16].hex()
    assert named["a.py"] == expected
    again = {
        f.path: f.correlation for f in findings(run(ENGINE, files, tmp_path / "again", correlator=other))
    }
    assert not set(named.values()) & set(again.values())
    assert {f.correlation for f in findings(run(ENGINE, files, tmp_path / "none"))} == {None}


def test_configuration_of_the_repository_silences_nothing(tmp_path: Path) -> None:
    silent = '[extend]\nuseDefault = false\n[[allowlists]]\npaths = [".*"]\nregexes = [".*"]\n'
    files = {
        ".gitleaks.toml": silent,
        ".betterleaks.toml": silent,
        "gitleaks.toml": f'{silent}token = "{GITHUB}"\n',
        ".gitleaksignore": "a.py:github-pat:1\n",
        ".gitignore": "*\n",
        "node_modules/x/a.py": f'token = "{GITHUB}"\n',
    }
    paths = {f.path for f in findings(run(ENGINE, files, tmp_path)) if f.rule_id == "github-pat"}
    assert paths == {"gitleaks.toml", "node_modules/x/a.py"}


@pytest.mark.parametrize("mark", ["gitleaks:allow", "betterleaks:allow"])
def test_a_line_that_is_marked_as_allowed_is_found_and_marked(tmp_path: Path, mark: str) -> None:
    (found,) = findings(run(ENGINE, {"a.py": f'token = "{GITHUB}"  # {mark}\n'}, tmp_path))
    assert found.inline_suppressed


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("invalid.py", b"\xff\xfe token = '%s'\n"),
        ("crlf.py", b"x = 1\r\ntoken = '%s'\r\n"),
        ("bom.py", b"\xef\xbb\xbftoken = '%s'\n"),
        ("long.js", b"x='" + b"a b " * 250_000 + b"';token = '%s'\n"),
        ("nested.json", b"[" * 50_000 + b"\ntoken = '%s'\n"),
        ("we ird [x]'\"$(id).py", b"token = '%s'\n"),
        ("-flag.py", b"token = '%s'\n"),
    ],
)
def test_hostile_files_are_read(tmp_path: Path, name: str, content: bytes) -> None:
    results = run(ENGINE, {name: content.replace(b"%s", GITHUB.encode())}, tmp_path)
    assert [(f.path, f.rule_id) for f in findings(results)] == [(name, "github-pat")]


def test_binaries_empty_files_and_lock_files_are_left_out(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a.bin": GITHUB.encode() + b"\0",
        "empty.py": "",
        "yarn.lock": f"x {GITHUB}\n",
    }
    assert run(ENGINE, files, tmp_path) == []
    assert run(ENGINE, {"clean.py": "x = 1\n"}, tmp_path) == []
    assert not ENGINE.select(Entry("web/package-lock.json", "0" * 40, 10))


def test_the_same_secret_in_two_files_is_two_findings(tmp_path: Path) -> None:
    text = f'token = "{GITHUB}"\n'
    assert [f.path for f in findings(run(ENGINE, {"a/x.py": text, "b/x.py": text}, tmp_path))] == [
        "a/x.py",
        "b/x.py",
    ]


def test_rules_are_described_and_rated() -> None:
    rules = {rule.id: rule for rule in ENGINE.rules()}
    assert len(rules) > 300
    assert all(rule.short and rule.engine == "secrets" for rule in rules.values())
    assert rules["aws-secret-access-key"].severity == "critical"
    assert rules["generic-api-key"].severity == "medium"
    assert severity_of("adobe-client-id", "high") == "low"
    assert severity_of("slack-bot-token", "high") == "high"
    assert ENGINE.unavailable() is None


def test_a_thousand_files_cost_one_start_of_the_tool(tmp_path: Path) -> None:
    """Given as so many arguments, they cost 30 ms each."""
    files = {f"src/m{i}.py": f"x = {i}\n" for i in range(999)} | {"src/last.py": f'token = "{GITHUB}"\n'}
    started = time.monotonic()
    assert [f.path for f in findings(run(ENGINE, files, tmp_path))] == ["src/last.py"]
    assert time.monotonic() - started < 15


@pytest.mark.parametrize(
    "before", ["", "x\n", "x\r\n", "\u00e9\u00e9\n\n", "\U0001f600 = 1; ", "a\n\u00e9\u00e8 = 1; "]
)
def test_columns_count_characters_and_end_after_the_secret(tmp_path: Path, before: str) -> None:
    text = f'{before}token = "{GITHUB}"; end = 1\n'
    found = findings(run(ENGINE, {"a.py": text}, tmp_path))
    (token,) = [f for f in found if f.rule_id == "github-pat"]
    assert token.start_column is not None
    assert token.end_column is not None
    line = text.split("\n")[token.start_line - 1]
    assert line[token.start_column - 1 : token.end_column - 1] == GITHUB


def test_a_place_of_which_the_tool_leaves_half_out_is_no_failure(tmp_path: Path) -> None:
    # It looks through escapes, and then says that this one ends before the first column of the next line.
    line = 'password = "\\u0418secret"'
    found = findings(run(ENGINE, {"a.py": f"x = 1\n{line}\nhost = 'x'\n"}, tmp_path))
    assert {f.rule_id for f in found} == {"generic-password"}
    assert {(f.start_line, f.end_line, f.start_column, f.end_column) for f in found} == {
        (2, 2, 1, len(line) + 1)
    }


def test_a_short_user_name_changes_neither_the_rule_nor_the_file(tmp_path: Path) -> None:
    files = {
        f"{user}tility.py": f"url = 'https://{user}:" + "p4ss%40word@h/x'\n"
        for user in ("u", "files", "0", "py")
    }
    found = findings(run(ENGINE, files, tmp_path))
    assert {(f.rule_id, f.path) for f in found} == {("generic-credential-uri", path) for path in files}
    assert not [f for f in found if "p4ss" in f"{f.snippet}{f.message}"]
