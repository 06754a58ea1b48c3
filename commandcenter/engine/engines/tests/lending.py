"""What the engines' tests share: a real context with the real sandbox, over files made in the test."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from commandcenter.engine.context import Materials, RunContext
from commandcenter.engine.contract.engines import Engine
from commandcenter.engine.contract.files import Blob, Entry, Links
from commandcenter.engine.contract.results import Result
from commandcenter.engine.correlation import NOBODY, Correlator
from commandcenter.engine.limits import Limits


class Files:
    """A tree that is only its list of entries."""

    def __init__(self, entries: tuple[Entry, ...], links: Links) -> None:
        self.entries = entries
        self.links = links
        self.commit = "0" * 40

    def git(self, args: Sequence[str]) -> Iterator[bytes]:
        raise AssertionError(f"no engine of files asks git: {args}")


def run(
    engine: Engine,
    files: Mapping[str, str | bytes],
    folder: Path,
    *,
    limits: Limits | None = None,
    log: list[str] | None = None,
    correlator: Correlator = NOBODY,
    links: Links = Links(),  # noqa: B008  (it is immutable)
) -> list[Result]:
    """Run an engine over files as the run does: select, materialise, tools in the sandbox."""
    blobs = []
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        name = hashlib.sha1(data, usedforsecurity=False).hexdigest()
        blobs.append(Blob(Entry(path, name, len(data)), data))
    scratch = folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    lines = [] if log is None else log
    context = RunContext(
        Files(tuple(blob.entry for blob in blobs), links),
        engine_id=engine.id,
        scope=engine.scope,
        limits=limits or replace(Limits(), tool_seconds=60.0),
        scratch=scratch,
        materials=Materials(scratch / "files"),
        log=lambda level, source, message: lines.append(f"{level} {source} {message}"),
        correlator=correlator,
    )
    return list(engine.run([blob for blob in blobs if engine.select(blob.entry)], context))
