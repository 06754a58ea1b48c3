"""What tests of real analyses use: folders of their own, a git repository, and an engine process that is ended."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from commandcenter.analysis import engines
from commandcenter.analysis.tests.scripted import BOOTSTRAP
from commandcenter.engine.client import EngineProcess

# Tests whose threads or processes must see each other's rows. Named apps are emptied afterwards, which is much quicker
# than all; tables of others that refer to theirs are emptied with them.
COMMITTED = pytest.mark.django_db(
    transaction=True,
    available_apps=[
        "commandcenter.core",
        "commandcenter.events",
        "commandcenter.accounts",
        "commandcenter.inventory",
        "jobs",
        "commandcenter.advisories",
        "commandcenter.analysis",
        "exports",
    ],
)

FILES = {
    "app/main.py": (
        '"""A program."""\n\nimport subprocess\n\n\n'
        "def run(command):\n    if command:\n        subprocess.call(command, shell=True)\n\n\n"
        "def unsafe(text):\n    return eval(text)\n"
    ),
    "requirements.txt": "django==5.2.1\nrequests>=2\n",
    "README.md": "# Example\n\nText.\n",
}


class GitRepository:
    """A small real repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.email", "ada@example.com")
        self.git("config", "user.name", "Ada")

    def git(self, *arguments: str) -> str:
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(self.folder), "LC_ALL": "C"}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None], message: str = "change") -> str:
        """Write the files (None removes one) and commit; return the commit."""
        for name, content in files.items():
            path = self.folder / name
            if content is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(content)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def git_repository(tmp_path: Any) -> Any:
    made = GitRepository(tmp_path / "sources" / "example")
    made.commit(FILES, "first")
    return made


@pytest.fixture
def folders(tmp_path: Any, settings: Any) -> Any:
    """Give this test mirrors, scratch and cache of its own, and let it read below tmp_path/sources."""
    (tmp_path / "sources").mkdir(exist_ok=True)
    settings.MIRRORS_DIR = tmp_path / "mirrors"
    settings.ENGINE_DIR = tmp_path / "engine"
    settings.SOURCE_ROOTS = (tmp_path / "sources",)
    engines.close_process()
    yield tmp_path
    engines.close_process()


@pytest.fixture
def scripted_engines(folders: Any, settings: Any) -> Any:
    """Let analyses run the engines of `scripted`, in a real process."""
    process = EngineProcess(
        scratch_root=folders / "scratch",
        limits=settings.ENGINE_LIMITS,
        cache_path=folders / "cache.sqlite",
        bootstrap=BOOTSTRAP,
    )
    engines.use_process(process)
    return process
