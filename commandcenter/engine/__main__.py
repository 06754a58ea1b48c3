"""Analyse a folder, archive or git repository from the command line, without Django: `python -m commandcenter.engine`.

For people who work on the engine. Users type `manage.py analyze`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson

from commandcenter.engine.client import EngineProcess
from commandcenter.engine.errors import EngineError
from commandcenter.engine.limits import Limits
from commandcenter.engine.plan import plan
from commandcenter.engine.source import SourcePolicy, open_source

IDLE_SECONDS = 600.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Analyse one source. Returns 0 when complete, 2 for bad input, 3 when partial or failed."""
    parser = argparse.ArgumentParser(prog="python -m commandcenter.engine", description=__doc__)
    parser.add_argument("source", help="git URL, local git repository, folder, .zip or .tar.gz")
    parser.add_argument("--ref", help="branch, tag or commit (the default branch)")
    parser.add_argument("--engines", help="comma-separated ids (all)")
    parser.add_argument("--force", action="store_true", help="do not read the cache")
    parser.add_argument("--json", action="store_true", help="print every message, one JSON object a line")
    parser.add_argument(
        "--data", type=Path, help="folder that keeps mirrors and the cache (a new one, removed)"
    )
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="engine-") as fresh:
        try:
            return _analyse(options, options.data.absolute() if options.data else Path(fresh))
        except EngineError as error:
            print(f"{error.code}: {error}", file=sys.stderr)  # noqa: T201 (a command line)
            return 3 if error.retryable else 2


def _analyse(options: argparse.Namespace, data: Path) -> int:
    limits = Limits()
    engines = plan(options.engines.split(",") if options.engines else None).engines
    source = options.source if "://" in options.source else str(Path(options.source).absolute())
    opened = open_source(
        source,
        ref=options.ref,
        mirrors=data / "mirrors",
        policy=SourcePolicy(roots=(Path("/"),)),
        limits=limits,
        progress=_note,
        cancelled=lambda: False,
    )
    with EngineProcess(
        scratch_root=data / "scratch", limits=limits, cache_path=data / "cache" / "results.sqlite"
    ) as process:
        messages = process.analyse(
            opened.git_dir, opened.commit, engines=engines, force=options.force, idle_seconds=IDLE_SECONDS
        )
        return _show_json(messages) if options.json else _show(messages)


def _show_json(messages: Iterator[dict[str, Any]]) -> int:
    status = ""
    for message in messages:
        sys.stdout.buffer.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))
        status = message.get("status", "")
    return 0 if status == "complete" else 3


def _show(messages: Iterator[dict[str, Any]]) -> int:
    status = ""
    for message in messages:
        match message["type"]:
            case "progress":
                _note(f"{message['done']}/{message['total']} {message['step']}")
            case "log":
                _note(f"{message['level']}: {message['source']}: {message['message']}")
            case "engine":
                _line(
                    f"{message['id']:<13} {message['status']:<12} {message['duration_ms']:>7} ms "
                    f"{message['selected']:>7} files {message['cached']:>7} cached {message['findings']:>6} findings "
                    f"{message['detail']}"
                )
            case "summary":
                _line(orjson.dumps(message, option=orjson.OPT_INDENT_2).decode())
            case "done":
                status = message["status"]
                _line(status)
    return 0 if status == "complete" else 3


def _note(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 (a command line)


def _line(text: str) -> None:
    print(text)  # noqa: T201 (a command line)


if __name__ == "__main__":
    sys.exit(main())
