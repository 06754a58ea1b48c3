"""Repositories behind real git servers: what is fetched, how little, and how every failure is told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from commandcenter.engine.errors import EngineCancelled
from commandcenter.engine.source import Credentials
from commandcenter.engine.source.tests.conftest import Desk
from commandcenter.engine.source.tests.servers import Repo, free_port, git_daemon, http_server, silent_server

MIB = 1024 * 1024


def test_the_default_branch_is_found_and_its_files_read(desk: Desk, repo: Repo) -> None:
    repo.git("branch", "-m", "trunk")
    with git_daemon(desk.root) as url:
        opened = desk.open(f"{url}/project")
    assert (opened.ref, opened.default_branch, opened.commit) == (
        "trunk",
        "trunk",
        repo.git("rev-parse", "HEAD"),
    )
    assert opened.tree == repo.git("rev-parse", "HEAD^{tree}")
    assert opened.committed_at == "2024-05-01T08:00:00Z"
    assert (opened.entries, opened.skipped) == (2, {})
    assert desk.files(opened) == {"README.md": b"hello\n", "src/app.py": b"print(1)\n"}


def test_smart_http_works_and_a_name_is_pinned_to_its_checked_address(desk: Desk, repo: Repo) -> None:
    with http_server(desk.root) as url:
        for base in (url, url.replace("127.0.0.1", "localhost")):
            assert desk.open(f"{base}/project/.git").commit == repo.git("rev-parse", "HEAD")


def test_an_unchanged_repository_is_not_fetched_again_and_a_changed_one_is(desk: Desk, repo: Repo) -> None:
    with git_daemon(desk.root) as url:
        first = desk.open(f"{url}/project")
        assert any(step.startswith("Fetching") for step in desk.steps)
        assert desk.open(f"{url}/project") == first
        assert not any(step.startswith("Fetching") for step in desk.steps)
        second = repo.commit({"new.txt": "new"})
        assert desk.open(f"{url}/project").commit == second


def test_a_commit_survives_a_force_push_and_the_new_one_is_read(desk: Desk, repo: Repo) -> None:
    with git_daemon(desk.root) as url:
        old = desk.open(f"{url}/project")
        repo.git("commit", "--quiet", "--amend", "-m", "Rewritten")
        (repo.path / "README.md").write_text("rewritten")
        new = repo.commit()
        repo.git("reflog", "expire", "--expire=now", "--all")
        repo.git("gc", "--quiet", "--prune=now")
        assert desk.open(f"{url}/project").commit == new
        assert desk.files(old)["README.md"] == b"hello\n"


def test_branches_tags_and_commits_can_be_asked_for(desk: Desk, repo: Repo) -> None:
    first = repo.git("rev-parse", "HEAD")
    repo.git("tag", "-a", "v1", "-m", "One")
    repo.git("checkout", "--quiet", "-b", "feature/one")
    feature = repo.commit({"feature.py": "pass"})
    repo.git("checkout", "--quiet", "main")
    second = repo.commit({"more.py": "pass"})
    with git_daemon(desk.root) as url:
        for ref, (commit, reference) in {
            "feature/one": (feature, "refs/heads/feature/one"),
            "refs/heads/feature/one": (feature, "refs/heads/feature/one"),
            "v1": (first, "refs/tags/v1"),
            first: (first, ""),
            first[:10]: (first, ""),
            second: (second, ""),
            "HEAD": (second, "refs/heads/main"),
        }.items():
            opened = desk.open(f"{url}/project", ref)
            assert (opened.commit, opened.reference) == (commit, reference), ref


def test_a_branch_that_became_a_folder_of_branches_is_read(desk: Desk, repo: Repo) -> None:
    old = repo.git("rev-parse", "HEAD")
    repo.git("branch", "a")
    with git_daemon(desk.root) as url:
        desk.open(f"{url}/project", old[:12])
        repo.git("branch", "-D", "a")
        new = repo.commit({"b": "b"})
        repo.git("branch", "a/b")
        assert desk.open(f"{url}/project", "a/b").commit == new
        assert desk.open(f"{url}/project", new[:12]).commit == new


@pytest.mark.parametrize("ref", ["nothing", "deadbeef", "0" * 40])
def test_a_missing_ref_names_what_exists(desk: Desk, repo: Repo, ref: str) -> None:
    repo.git("tag", "v1")
    with git_daemon(desk.root) as url:
        error = desk.refuse(f"{url}/project", ref)
    assert error.code == "ref_not_found"
    assert ref in str(error)
    assert "branches: main" in str(error)
    assert "tags: v1" in str(error)


@pytest.mark.parametrize(
    "ref", ["--upload-pack=id", "a b", "a..b", "a\x1b[2J", "@{-1}", "x" * 300, "a:b", "+a"]
)
def test_a_ref_that_git_could_misread_never_reaches_it(desk: Desk, repo: Repo, ref: str) -> None:
    assert desk.refuse(repo.path, ref).code == "ref_not_found"


def test_an_empty_repository_is_said_to_be_empty(desk: Desk) -> None:
    Repo(desk.root / "empty")
    with git_daemon(desk.root) as url:
        for source in (f"{url}/empty", str(desk.root / "empty")):
            assert desk.refuse(source).code == "source_empty"


def test_a_default_branch_that_does_not_exist_asks_for_another(desk: Desk, repo: Repo) -> None:
    repo.git("branch", "one")
    repo.git("branch", "-m", "main", "two")
    repo.git("symbolic-ref", "HEAD", "refs/heads/gone")
    with git_daemon(desk.root) as url:
        error = desk.refuse(f"{url}/project")
    assert error.code == "ref_not_found"
    assert "one, two" in str(error)


def test_unreachable_servers_are_told_apart_from_missing_repositories(desk: Desk, repo: Repo) -> None:
    for scheme in ("git", "http", "https", "ssh"):
        error = desk.refuse(f"{scheme}://127.0.0.1:{free_port()}/project")
        assert (error.code, error.retryable) == ("source_unreachable", True), scheme
    error = desk.refuse("https://nothing-here.invalid/project")
    assert (error.code, error.retryable) == ("source_unreachable", True)
    with git_daemon(desk.root) as url:
        assert desk.refuse(f"{url}/nothing").code == "source_not_found"
    with http_server(desk.root) as url:
        assert desk.refuse(f"{url}/nothing").code == "source_not_found"


def test_a_web_page_is_no_repository(desk: Desk) -> None:
    page = b"<!doctype html>\n<html>\n<p>hello\n</html>\n"
    answer = (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        % len(page)
    )
    with silent_server(answer + page) as (port, _):
        assert desk.refuse(f"http://127.0.0.1:{port}/page").code == "source_not_found"


def test_private_addresses_are_not_contacted(desk: Desk, repo: Repo) -> None:
    desk.allow = ""
    with silent_server() as (port, asked):
        for host in ("127.0.0.1", "localhost"):
            for scheme in ("http", "git", "ssh"):
                error = desk.refuse(f"{scheme}://{host}:{port}/project")
                assert error.code == "source_forbidden"
                assert "CC_OUTBOUND_ALLOW" in str(error)
        assert not asked.is_set()


def test_redirects_are_not_followed(desk: Desk, repo: Repo) -> None:
    with http_server(desk.root) as target, http_server(desk.root, moved=target) as url:
        error = desk.refuse(f"{url}/project/.git")
    assert error.code == "source_unreachable"
    assert "redirects" in str(error)


def test_credentials_open_a_private_repository_and_wrong_ones_do_not(desk: Desk, repo: Repo) -> None:
    secret = "s3cret 'quoted' $HOME `id`"
    with http_server(desk.root, password=secret) as url:
        source = f"{url}/project/.git"
        assert desk.refuse(source).code == "source_forbidden"
        wrong = desk.refuse(source, credentials=Credentials("ada", "wr0ng"))
        assert wrong.code == "source_forbidden"
        assert "wr0ng" not in str(wrong)
        credentials = Credentials("ada", secret)
        assert desk.open(source, credentials=credentials).commit == repo.git("rev-parse", "HEAD")
        # The commit is at hand now, and still nobody gets it without credentials.
        assert desk.refuse(source).code == "source_forbidden"
    stored = subprocess.run(
        ["grep", "-rl", "s3cret", str(desk.mirrors)], capture_output=True, check=False
    ).stdout
    assert stored == b""
    assert "s3cret" not in repr(credentials)


@pytest.mark.parametrize("secret", ["", "two\nlines", "nul\x00"])
def test_credentials_that_could_forge_an_answer_are_refused(desk: Desk, secret: str) -> None:
    error = desk.refuse("http://127.0.0.1:9/project", credentials=Credentials("ada", secret))
    assert error.code == "source_invalid"


def test_an_ssh_secret_must_be_a_key(desk: Desk) -> None:
    error = desk.refuse("ssh://git@127.0.0.1:9/project", credentials=Credentials(None, "not-a-key"))
    assert "private key" in str(error)
    assert "not-a-key" not in str(error)


def process_tables() -> str:
    text = []
    for folder in Path("/proc").glob("[0-9]*"):
        for name in ("cmdline", "environ"):
            try:
                text.append((folder / name).read_bytes().decode("utf-8", "replace"))
            except OSError:
                continue
    return "\n".join(text)


def test_credentials_are_in_no_process_table_while_a_fetch_hangs_and_cancelling_ends_it(desk: Desk) -> None:
    unauthorised = b'HTTP/1.1 401 X\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n'
    with silent_server(unauthorised) as (port, asked):
        cancel = threading.Event()
        desk.cancelled = cancel.is_set
        failures: list[Exception] = []

        def work() -> None:
            try:
                desk.open(
                    f"http://127.0.0.1:{port}/project", credentials=Credentials("ada", "hidden-token-4711")
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, the test looks at it
                failures.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        assert asked.wait(10)
        url = f"127.0.0.1:{port}/project"
        tables = process_tables()
        assert url in tables, "the fetch does not run"
        assert "hidden-token-4711" not in tables
        start = time.monotonic()
        cancel.set()
        thread.join(10)
        assert time.monotonic() - start < 1.5
        assert isinstance(failures[0], EngineCancelled)
        receipt = failures[0].receipt
        assert receipt is not None, "nothing says what was ended"
        assert receipt.pids
        assert url not in process_tables()


def test_a_server_that_never_answers_runs_into_the_deadline(desk: Desk) -> None:
    desk.limits = replace(desk.limits, fetch_seconds=0.6)
    with silent_server() as (port, _):
        start = time.monotonic()
        error = desk.refuse(f"git://127.0.0.1:{port}/project")
        assert time.monotonic() - start < 4
    assert (error.code, error.retryable) == ("source_unreachable", True)


def test_a_repository_over_the_disk_limit_is_refused_and_leaves_nothing(desk: Desk, repo: Repo) -> None:
    repo.commit({"noise.bin": os.urandom(3 * MIB)})
    desk.limits = replace(desk.limits, max_repository_bytes=MIB)
    with git_daemon(desk.root) as url:
        assert desk.refuse(f"{url}/project").code == "source_too_large"
    assert sum(f.stat().st_size for f in desk.mirrors.rglob("*") if f.is_file()) < MIB // 4


def lose_packs(git_dir: Path) -> None:
    for file in (git_dir / "objects" / "pack").glob("*.pack"):
        file.unlink()


def spoil_indexes(git_dir: Path) -> None:
    for file in (git_dir / "objects" / "pack").glob("*.idx"):
        file.chmod(0o600)
        file.write_bytes(b"x")


def cut_packs(git_dir: Path) -> None:
    for file in (git_dir / "objects" / "pack").glob("*.pack"):
        file.chmod(0o600)
        os.truncate(file, file.stat().st_size // 2)


def lose_head(git_dir: Path) -> None:
    (git_dir / "HEAD").unlink()


def spoil_config(git_dir: Path) -> None:
    (git_dir / "config").write_text("[broken")


def leave_locks(git_dir: Path) -> None:
    (git_dir / "refs" / "incoming" / "wanted.lock").touch()
    (git_dir / "config.lock").touch()


@pytest.mark.parametrize(
    "damage", [lose_packs, spoil_indexes, cut_packs, lose_head, spoil_config, leave_locks]
)
def test_a_damaged_mirror_is_built_again(desk: Desk, repo: Repo, damage: Callable[[Path], None]) -> None:
    first = desk.open(repo.path)
    damage(first.git_dir)
    assert desk.open(repo.path) == first
    assert desk.files(first)["README.md"] == b"hello\n"
    damage(first.git_dir)
    new = repo.commit({"more.txt": "more"})
    assert desk.open(repo.path).commit == new


def test_two_processes_share_a_mirror(desk: Desk, repo: Repo) -> None:
    script = (
        "import sys; from pathlib import Path\n"
        "from commandcenter.engine.limits import Limits\n"
        "from commandcenter.engine.source import *\n"
        "r = open_source(sys.argv[1], ref=None, mirrors=Path(sys.argv[2]), policy=SourcePolicy((Path(sys.argv[1]),)),\n"
        "    limits=Limits(), progress=lambda s: None, cancelled=lambda: False)\n"
        "print(r.commit)"
    )
    command = [sys.executable, "-c", script, str(repo.path), str(desk.mirrors)]
    workers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[4]) for _ in range(3)
    ]
    commits = {worker.communicate(timeout=60)[0].decode().strip() for worker in workers}
    assert commits == {repo.git("rev-parse", "HEAD")}


def test_submodules_and_links_are_counted_and_never_fetched(desk: Desk, repo: Repo) -> None:
    with silent_server() as (port, asked):
        (repo.path / ".gitmodules").write_text(
            f'[submodule "x"]\n\tpath = x\n\turl = git://127.0.0.1:{port}/x\n[submodule "y"]\n\tpath = y\n\turl = -u./x\n'
        )
        (repo.path / "link").symlink_to("/etc/passwd")
        repo.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},x")
        repo.git("add", ".gitmodules", "link")
        repo.git("commit", "--quiet", "-m", "Links")
        with git_daemon(desk.root) as url:
            opened = desk.open(f"{url}/project")
        assert opened.skipped == {"submodule": 1, "symlink": 1}
        assert set(desk.files(opened)) == {".gitmodules", "README.md", "src/app.py"}
        assert not asked.is_set()


def test_a_sha256_repository_is_read(desk: Desk) -> None:
    repo = Repo(desk.root / "modern", object_format="sha256")
    commit = repo.commit({"a": "a"})
    assert len(commit) == 64
    with git_daemon(desk.root) as url:
        for source in (f"{url}/modern", str(repo.path)):
            assert desk.open(source).commit == commit
            assert desk.open(source, commit[:12]).commit == commit
