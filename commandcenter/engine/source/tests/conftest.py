"""What the tests of sources share: an allowed folder, and a short way to open something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from commandcenter.engine.errors import SourceError
from commandcenter.engine.limits import Limits
from commandcenter.engine.source import Credentials, SourcePolicy, Tree, TreeRef, open_source
from commandcenter.engine.source.tests.servers import Repo
from commandcenter.outbound import parse_networks


@dataclass
class Desk:
    """Opens sources with loopback and the folder `root` allowed, and remembers what was reported."""

    root: Path
    mirrors: Path
    limits: Limits = field(default_factory=Limits)
    allow: str = "127.0.0.0/8"
    steps: list[str] = field(default_factory=list)
    cancelled: Callable[[], bool] = lambda: False

    @property
    def policy(self) -> SourcePolicy:
        return SourcePolicy((self.root,), parse_networks(self.allow))

    def open(
        self, source: Path | str, ref: str | None = None, credentials: Credentials | None = None
    ) -> TreeRef:
        self.steps.clear()
        return open_source(
            str(source),
            ref=ref,
            mirrors=self.mirrors,
            policy=self.policy,
            limits=self.limits,
            credentials=credentials,
            progress=self.steps.append,
            cancelled=self.cancelled,
        )

    def refuse(
        self, source: Path | str, ref: str | None = None, credentials: Credentials | None = None
    ) -> SourceError:
        """Open what must be refused and return the error, which must not name a path of ours."""
        with pytest.raises(SourceError) as caught:
            self.open(source, ref, credentials)
        message = str(caught.value)
        assert str(self.mirrors) not in message
        assert message.endswith((".", "..."))
        return caught.value

    def files(self, opened: TreeRef) -> dict[str, bytes]:
        with Tree.open(opened.git_dir, opened.commit, self.limits) as tree:
            return {blob.entry.path: blob.data for blob in tree.read_many(tree.entries)}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    root = tmp_path / "srv"
    root.mkdir()
    return Desk(root, tmp_path / "private" / "mirrors")


@pytest.fixture
def repo(desk: Desk) -> Repo:
    repo = Repo(desk.root / "project")
    repo.commit({"README.md": "hello\n", "src/app.py": "print(1)\n"}, "First")
    return repo
