"""Parses hostile source code: within bounds of time and memory, and around the parser's own faults."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import time
from typing import TYPE_CHECKING

import psutil

from commandcenter.engine.engines.grammars import GRAMMARS, Grammar
from commandcenter.engine.limits import MIB

if TYPE_CHECKING:
    from tree_sitter import Language, Node, Query

PARSE_SECONDS = 5.0
"""A file that takes more of the processor is given up; real files of the size limit take less than two seconds.

Not time on the clock: what is counted of a file must not depend on what else the machine does."""
LOOK_EVERY = 16  # calls of the parser, which come every few microseconds
PARSE_BYTES = 150 * MIB
"""What one syntax tree may add to the process; a real file of the size limit stays below."""
MAX_RUBBLE = 20_000**2
MAX_DEPTH = 10_000
"""Levels of the tree that are looked at. Beyond 65,535 the library's own counters overflow, and it crawls."""
CHUNK_BYTES = 256 * 1024


class ParseGivenUp(Exception):
    """A file takes too much time or memory to parse."""


def missing() -> list[str]:
    """Name the grammar packages that are not installed."""
    names = {"tree_sitter", *(grammar.module for grammar in GRAMMARS)}
    return sorted(name for name in names if importlib.util.find_spec(name) is None)


@functools.cache
def language(grammar: Grammar) -> Language:
    """Load a grammar, once a process."""
    import tree_sitter

    loader = getattr(importlib.import_module(grammar.module), grammar.loader)
    return tree_sitter.Language(loader())


@functools.cache
def query(grammar: Grammar, source: str) -> Query:
    """Compile a query, once a process."""
    import tree_sitter

    return tree_sitter.Query(language(grammar), source)


class _Bound:
    """Stops a parser that takes too long or too much memory, which hostile input can make it do."""

    def __init__(self, seconds: float) -> None:
        self._deadline = time.thread_time() + seconds  # the parser calls back in this thread
        self._calls = 0
        self._process = psutil.Process()
        self._ceiling = self._process.memory_info().rss + PARSE_BYTES
        self.exceeded = ""

    def stop(self, *_progress: object) -> bool:
        self._calls += 1
        if self._calls % LOOK_EVERY:
            return False
        if time.thread_time() >= self._deadline:
            self.exceeded = "time"
        elif self._calls % (8 * LOOK_EVERY) == 0 and self._process.memory_info().rss > self._ceiling:
            self.exceeded = "memory"
        return bool(self.exceeded)


def captures(
    grammar: Grammar, data: bytes, source: str, *, seconds: float = PARSE_SECONDS
) -> dict[str, list[Node]]:
    """Parse bytes and run a query over the tree: capture name -> nodes. Raises ParseGivenUp at the bounds."""
    import tree_sitter

    bound = _Bound(seconds)
    parser = tree_sitter.Parser(language(grammar))

    def read(offset: int, _point: object) -> bytes:
        return data[
            offset : offset + CHUNK_BYTES
        ]  # bytes: node.text of a memoryview crashes tree-sitter 0.26.1

    try:
        tree = parser.parse(read, progress_callback=bound.stop)
    except ValueError as error:  # "Parsing failed": only a stopped parse ends so
        raise _given_up(bound, seconds) from error
    _refuse_rubble(tree.root_node)
    cursor = tree_sitter.QueryCursor(query(grammar, source))
    cursor.set_max_start_depth(MAX_DEPTH)
    return cursor.captures(tree.root_node)


def _refuse_rubble(root: Node) -> None:
    """Raise ParseGivenUp where broken syntax left one node with masses of children.

    A query compares siblings in quadratic time (100,000 of them: 30 s), and its own progress callback crashes the
    interpreter in tree-sitter 0.26.1. Only error nodes are that wide; elsewhere repetitions are balanced trees.
    """
    cost = 0
    broken = [root] if root.has_error else []
    while broken:
        node = broken.pop()
        cost += node.child_count**2
        if cost > MAX_RUBBLE:
            raise ParseGivenUp("Too much of it is not valid syntax.")
        broken.extend(child for child in node.children if child.has_error)


def _given_up(bound: _Bound, seconds: float) -> ParseGivenUp:
    if bound.exceeded == "memory":
        return ParseGivenUp(f"Its syntax tree takes more than {PARSE_BYTES // MIB} MiB.")
    return ParseGivenUp(f"It takes longer than {seconds:g} s of the processor to parse.")
