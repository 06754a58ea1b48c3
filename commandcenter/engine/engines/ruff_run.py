"""Starts ruff on files that may crash it, and finds the ones that do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from commandcenter.engine.contract.engines import Context
from commandcenter.engine.errors import EngineError, EngineTimeout, EngineUnavailable

OPTIONS = (
    "check",
    "--isolated",
    "--no-cache",
    "--no-fix",
    "--no-preview",
    "--no-respect-gitignore",
    "--exit-zero",
    "--quiet",
    "--output-format=json-lines",
    "--extension=pyw:python",
    "--target-version=py314",  # the newest: an older one would call new syntax an error
)
MAX_RUNS = 24  # what finding files that crash ruff may cost: halving 1,000 files takes 20


@dataclass(frozen=True, slots=True)
class Failed:
    """Why ruff gave no answer about a file; `transient` when it may give one in another run."""

    reason: str
    transient: bool = False


class RuffRun:
    """ruff with one set of rules, and how often it may still be started."""

    def __init__(self, program: str, codes: Sequence[str], context: Context) -> None:
        self._head = [program, *OPTIONS, f"--select={','.join(codes)}"]
        self._context = context
        self._left = MAX_RUNS
        self.failed: dict[Path, Failed] = {}

    def diagnostics(self, files: Sequence[Path], *options: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Give (file, diagnostic). Files on which ruff ends without an answer go to `failed`, with the reason."""
        waiting = [list(files)] if files else []
        while waiting:
            part = waiting.pop()
            self._left -= 1
            found, failed = self._once(part, options)
            yield from found
            if failed is None:
                continue
            if len(part) > 1 and self._left > 0:  # deep nesting overflows its stack: find the file that does
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            else:
                # Files given up together are not all to blame: another run may do better.
                alone = failed if len(part) == 1 else replace(failed, transient=True)
                self.failed.update(dict.fromkeys(part, alone))

    def _once(
        self, files: Sequence[Path], options: Sequence[str]
    ) -> tuple[list[tuple[Path, dict[str, Any]]], Failed | None]:
        root = files[0].parent.parent  # <scratch>/<folder>/<name>
        names = [f"./{file.relative_to(root)}" for file in files]
        try:
            result = self._context.run_tool([*self._head, *options, "--", *names], cwd=root)
        except EngineUnavailable:
            raise
        except EngineError as error:
            if isinstance(error, EngineTimeout):
                self._left = 0  # halving would wait for the limit each time
            # A file that alone takes too much memory would do so each time, and must not leave every run partial.
            return [], Failed(str(error), transient=error.code != "memory_limit")
        if result.truncated:
            return [], Failed("ruff says more about it than is read.")
        if result.returncode != 0:
            return [], Failed(f"ruff ended with status {result.returncode}.")
        found = [orjson.loads(line) for line in result.stdout.split(b"\n") if line.strip()]
        return [(Path(one["filename"]), one) for one in found], None
