"""Finds functions in twelve languages with tree-sitter and counts the paths through each of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import FunctionMetric
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines import grammars, syntax
from commandcenter.engine.engines.grammars import BY_SUFFIX, GRAMMARS, Grammar
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.syntax import ParseGivenUp

if TYPE_CHECKING:
    from tree_sitter import Node

REVISION = "1"
ANONYMOUS = "(anonymous)"
MAX_NAME = 200
_CAPTURES = ("container", "binding", "function", "decision")
# What a function without a name of its own is called by its kind of node.
_NAMED_BY_KIND = {
    "getter": "get",
    "setter": "set",
    "secondary_constructor": "constructor",
    "operator_declaration": "operator",
    "conversion_operator_declaration": "operator",
}
_ACCESSORS = frozenset({"get", "set", "init", "add", "remove"})
_NOT_PARAMETERS = frozenset({"positional_separator", "keyword_separator", "this"})
_DECLARATORS = 12  # pointers and parentheses around a C function's name; more is not code that people write


@dataclass(slots=True)
class _Frame:
    """An open function or container while its file is walked."""

    end: int
    name: str
    node: Node | None
    """None for containers."""
    complexity: int = 1


class FunctionsEngine:
    """McCabe's complexity: 1, and 1 more for each decision.

    Decisions are if, elif, loops, case arms, catch, the ternary operator, `&&`, `||`, `and`, `or`, `??` and the
    clauses of comprehensions. A nested function is counted on its own; a lambda that is a mere argument belongs to
    its surroundings, except in JavaScript, TypeScript, Go and PHP, where such functions carry most of the code.
    """

    id = "functions"
    scope = Scope.BLOB

    @property
    def version(self) -> str:
        try:
            return f"{REVISION}+tree-sitter-{metadata.version('tree-sitter')}"
        except metadata.PackageNotFoundError:
            return REVISION

    @property
    def config_digest(self) -> str:
        parts = [(g.name, g.query, g.parameters, _version(g.module)) for g in GRAMMARS]
        table = sorted((suffix, grammar.name) for suffix, grammar in BY_SUFFIX.items())
        return hashlib.sha256(repr((parts, table)).encode()).hexdigest()[:16]

    def unavailable(self) -> str | None:
        names = syntax.missing()
        return f"Packages are missing: {', '.join(names)}. Install the requirements again." if names else None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return grammars.may_have_grammar(entry)

    def path_class(self, entry: Entry) -> str:
        return entry.suffix

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            grammar = grammars.grammar_for(blob.entry, blob.data)
            if grammar is None or looks_binary(blob.data):
                continue
            try:
                yield from functions_of(grammar, blob.entry.path, blob.data)
            except ParseGivenUp as error:
                message = f"Functions were not counted. {error}"
                yield Failure(message, blob.entry.path)


def functions_of(grammar: Grammar, path: str, data: bytes) -> list[FunctionMetric]:
    """Return the functions of one file in the order of their beginnings. Raises ParseGivenUp."""
    found = syntax.captures(grammar, data, grammar.query)
    events = _events(found)
    done: list[tuple[int, FunctionMetric]] = []
    open_frames: list[_Frame] = []
    functions: list[_Frame] = []
    bound_name = ""

    def finish(frame: _Frame) -> None:
        node = frame.node
        if node is None:
            return
        functions.pop()
        metric = FunctionMetric(
            path=path,
            name=frame.name,
            start_line=node.start_point.row + 1,
            end_line=node.end_point.row + 1,
            complexity=frame.complexity,
            parameters=_count_parameters(node, grammar, data),
        )
        done.append((node.start_byte, metric))

    for start, end, kind, node in events:
        while open_frames and open_frames[-1].end <= start:
            finish(open_frames.pop())
        if kind == "decision":
            if functions:
                functions[-1].complexity += 1
        elif kind == "binding":
            bound_name = _text(node, data)
            continue
        else:
            own = _name(node, kind, data) or (bound_name if kind == "function" else "") or ANONYMOUS
            outer = open_frames[-1].name if open_frames else ""
            name = f"{outer}.{own}"[-MAX_NAME:] if outer else own[-MAX_NAME:]
            frame = _Frame(end, name, node if kind == "function" else None)
            open_frames.append(frame)
            if kind == "function":
                functions.append(frame)
        bound_name = ""
    while open_frames:
        finish(open_frames.pop())
    return [metric for _, metric in sorted(done, key=lambda pair: pair[0])]


def _events(found: dict[str, list[Node]]) -> Iterator[tuple[int, int, str, Node]]:
    """Give the captured nodes in the order of the file, outer ones first, each once."""
    not_decisions = {node.id for node in found.get("never", ())}
    events = {
        (node.start_byte, -node.end_byte, rank, node.id): (kind, node)
        for rank, kind in enumerate(_CAPTURES)
        for node in found.get(kind, ())
        if kind != "decision" or node.id not in not_decisions
    }
    for (start, end, _, _), (kind, node) in sorted(events.items(), key=lambda item: item[0]):
        yield start, -end, kind, node


def _name(node: Node, kind: str, data: bytes) -> str:
    """Return a node's own name, with a receiver's type before it where the language writes methods so."""
    named = node.child_by_field_name("name")
    if named is not None:
        receiver = node.child_by_field_name("receiver")
        own = _text(named, data)
        return f"{_receiver_type(receiver, data)}.{own}" if receiver is not None else own
    if kind == "container":  # an impl block is known by its type, a Kotlin companion by nothing
        typed = node.child_by_field_name("type")
        return _text(typed, data).partition("<")[0] if typed is not None else ""
    if node.type in _NAMED_BY_KIND:
        return _NAMED_BY_KIND[node.type]
    if node.type == "accessor_declaration":
        return next((child.type for child in node.children if child.type in _ACCESSORS), "")
    declarator = _function_declarator(node)
    inner = declarator.child_by_field_name("declarator") if declarator is not None else None
    return _text(inner, data).replace("::", ".") if inner is not None else ""


def _function_declarator(node: Node) -> Node | None:
    """Return the declarator of a C or C++ function, under the pointers and references of its result."""
    current: Node | None = node
    for _ in range(_DECLARATORS):
        if current is None or current.type == "function_declarator":
            break
        current = current.child_by_field_name("declarator") or next(
            (child for child in current.named_children if child.type.endswith("declarator")), None
        )
    return current if current is not None and current.type == "function_declarator" else None


def _receiver_type(receiver: Node, data: bytes) -> str:
    """Return `T` for `(t *T[K])`."""
    declaration = receiver.named_child(0) if receiver.named_child_count else None
    typed = declaration.child_by_field_name("type") if declaration is not None else None
    return _text(typed, data).lstrip("*").partition("[")[0] if typed is not None else ""


def _count_parameters(node: Node, grammar: Grammar, data: bytes) -> int:
    listed = node.child_by_field_name("parameters")
    if listed is None and node.child_by_field_name("parameter") is not None:
        return 1  # x => x
    if listed is None:
        declarator = _function_declarator(node)
        listed = declarator.child_by_field_name("parameters") if declarator is not None else None
    if listed is None:
        listed = next(
            (child for child in node.named_children if child.type == "function_value_parameters"), None
        )
    if listed is None:
        return 0
    count = 0
    for child in listed.named_children:
        if child.type in grammar.comments or child.type in _NOT_PARAMETERS:
            continue
        if grammar.parameters and child.type not in grammar.parameters:
            continue
        if child.type == "parameter_declaration" and _text(child, data) == "void":
            continue
        count += max(1, len(child.children_by_field_name("name")))  # Go: a, b int
    return count


def _text(node: Node, data: bytes) -> str:
    end = min(node.end_byte, node.start_byte + 2 * MAX_NAME)
    return " ".join(data[node.start_byte : end].decode("utf-8", "replace").split())


def _version(module: str) -> str:
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        return ""


ENGINE = FunctionsEngine()
