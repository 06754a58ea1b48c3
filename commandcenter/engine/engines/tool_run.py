"""Starts a checker on files of which one may stop it, and finds that one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Generic, TypeVar

from commandcenter.engine.contract.engines import Context, ToolResult
from commandcenter.engine.contract.files import Blob
from commandcenter.engine.errors import EngineError, EngineUnavailable

MAX_LOST_SECONDS = 240.0  # what runs without an answer may cost one call of an engine, all in all
MAX_RUNS = 24  # what finding the files that stop a tool may cost in one portion

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Failed:
    """Why a tool gave no answer about a file; `transient` when it may give one in another run."""

    reason: str
    transient: bool = False


class NoAnswer(Exception):
    """What the tool said is not an answer; raised by `read`."""


class ToolRun(Generic[T]):
    """One tool with its options, and how much time may still be lost with it.

    `read` turns a result into (path as the tool was given it, what it says) pairs and raises NoAnswer. A run that ends
    without an answer is done again in halves, so that one file costs only itself; a file that alone takes too much
    time or memory is taken for what it is, and those given up together may do better in another run.
    """

    def __init__(
        self,
        context: Context,
        argv: Sequence[str],
        *,
        cwd: Path,
        seconds: float,
        read: Callable[[ToolResult], Iterable[tuple[str, T]]],
        readable: Sequence[Path] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._context = context
        self._argv = list(argv)
        self._cwd = cwd
        self._seconds = seconds
        self._read = read
        self._readable = readable
        self._env = env
        self._lost = 0.0
        self.failed: dict[Path, Failed] = {}

    def answers(self, files: Sequence[Path], *options: str) -> Iterator[tuple[Path, T]]:
        """Give (file, answer). Files about which there is none go to `failed`, with the reason."""
        waiting = [list(files)] if files else []
        left = MAX_RUNS
        while waiting:
            part = waiting.pop()
            if self._lost > MAX_LOST_SECONDS:
                reason = Failed("Too much time was lost on other files.", transient=True)
                self.failed.update(dict.fromkeys(part, reason))
                continue
            left -= 1
            found, failed = self._once(part, options)
            yield from found
            if failed is None:
                continue
            if len(part) > 1 and left > 0:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
            else:
                alone = failed if len(part) == 1 else replace(failed, transient=True)
                self.failed.update(dict.fromkeys(part, alone))

    def _once(
        self, files: Sequence[Path], options: Sequence[str]
    ) -> tuple[list[tuple[Path, T]], Failed | None]:
        argv = [*self._argv, *options, "--", *map(str, files)]
        started = monotonic()
        try:
            result = self._context.run_tool(
                argv, cwd=self._cwd, seconds=self._seconds, readable=self._readable, env=self._env
            )
            return self._answer(result), None
        except EngineUnavailable:
            raise
        except (EngineError, NoAnswer) as error:
            self._lost += monotonic() - started
            # Also a sign of life: the worker ends an engine that is silent for minutes.
            self._context.log("debug", f"No answer about {len(files)} file(s): {error}")
            return [], Failed(str(error))

    def _answer(self, result: ToolResult) -> list[tuple[Path, T]]:
        if result.truncated:
            raise NoAnswer("The tool says more than is read.")
        return [(Path(name), one) for name, one in self._read(result)]


def portions(blobs: Iterable[Blob], files: int, size: int) -> Iterator[list[Blob]]:
    """Cut blobs into portions of at most `files` files and, unless one alone is larger, `size` bytes."""
    portion: list[Blob] = []
    taken = 0
    for blob in blobs:
        if portion and (len(portion) >= files or taken + len(blob.data) > size):
            yield portion
            portion, taken = [], 0
        portion.append(blob)
        taken += len(blob.data)
    if portion:
        yield portion
