"""What git is started with, seen from inside: a program in its place says what it was given."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from commandcenter.engine.limits import MIB, Limits
from commandcenter.engine.source.git import Git
from commandcenter.engine.source.guard import Guard

_PROBE = """#!{python}
import json, os, resource, sys
limits = {{name: resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1] for name in ("FSIZE", "CORE", "NOFILE", "CPU")}}
print(json.dumps({{"argv": sys.argv[1:], "environment": dict(os.environ), "group": os.getpgrp(), "session": os.getsid(0), "limits": limits}}))
"""


def test_git_runs_in_a_session_of_its_own_with_limits_and_nothing_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(_PROBE.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SECRET_KEY", "do-not-tell")
    limits = Limits(max_repository_bytes=64 * MIB, fetch_seconds=30)
    guard = Guard(limits, lambda _step: None, lambda: False)
    home = tmp_path / "home"
    home.mkdir()
    output = Git(tmp_path / "repo.git", home, guard).run(["fetch", "--", "; touch x"])
    seen = json.loads(output.stdout)
    assert seen["argv"] == ["fetch", "--", "; touch x"]
    assert seen["group"] == seen["session"] != os.getsid(0)
    assert seen["limits"] == {"FSIZE": 64 * MIB, "CORE": 0, "NOFILE": 1024, "CPU": 61}
    environment = seen["environment"]
    assert "SECRET_KEY" not in environment
    assert environment["HOME"] == str(home)
    allowed = ("GIT_", "LC_", "HOME", "XDG_CONFIG_HOME", "PATH", "LANG", "PWD", "__CF")
    assert [name for name in environment if not name.startswith(allowed)] == []
