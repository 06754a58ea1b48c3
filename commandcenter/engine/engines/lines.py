"""Counts lines of code, comments and blanks with tokei, and mends what it is known to get wrong."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib import metadata
from typing import Any

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import LineCount
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines import grammars, syntax
from commandcenter.engine.engines.docstrings import docstring_lines
from commandcenter.engine.engines.grammars import PYTHON, Grammar
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.syntax import ParseGivenUp

REVISION = "4"
# Blank lines that tokei took for code. A few are long strings; more are a string that it believes never ends.
LOST_BLANKS = 8
_DOCSTRINGS = "(expression_statement . [(string) (concatenated_string)] .) @comment"
_TRIPLE_QUOTED = re.compile(rb"[rRuU]?(?:\"\"\"|''')")
# A line of code with a doc comment behind it, which tokei takes for a comment as a whole.
_CODE_AND_DOC = re.compile(rb"^[ \t]*[^\s/][^\n]*//[/!]", re.MULTILINE)
# To tokei they are plain text, whose every line is a comment.
_REQUIREMENTS = re.compile(r"(?:.*[-_.])?(?:requirements|constraints)(?:[-_.].*)?\.txt", re.IGNORECASE)
_NOT_NEWLINE = re.compile(rb"[^\n]")


class LinesEngine:
    """tokei over the files themselves, so that no ignore file of the repository and no setting of the host counts.

    Mended: a Python docstring is a comment; examples inside Rust's doc comments are comments; and a file in which
    tokei lost its way (a regular expression with a quote in it makes the rest of the file a string, code before a
    doc comment a comment) is counted again from its syntax tree. Requirement files of pip are code beside their comments. Code inside another language (scripts in HTML, blocks in Markdown) counts for the
    file that it is in. A file whose name tokei does not know is counted from its
    syntax tree too, and where there is no grammar for it all that is not blank is code.
    """

    id = "lines"
    scope = Scope.BLOB
    config_digest = hashlib.sha256(f"{LOST_BLANKS} {_DOCSTRINGS}".encode()).hexdigest()[:16]

    @property
    def version(self) -> str:
        try:
            return f"{REVISION}+tokei-{metadata.version('pytokei')}+tree-sitter-{metadata.version('tree-sitter')}"
        except metadata.PackageNotFoundError:
            return REVISION

    def unavailable(self) -> str | None:
        names = [*syntax.missing(), *(() if importlib.util.find_spec("pytokei") else ("pytokei",))]
        return f"Packages are missing: {', '.join(names)}. Install the requirements again." if names else None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return True

    def path_class(self, entry: Entry) -> str:
        return entry.name  # suffix, or a name such as Makefile

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        texts = {blob.entry.path: blob for blob in batch if not looks_binary(blob.data)}
        counted = _tokei(context.materialise(list(texts.values()))) if texts else {}
        for path, blob in texts.items():
            language, count = counted.get(path, ("", None))
            try:
                yield _unknown(blob) if count is None else _mended(blob, language, count)
            except ParseGivenUp as error:
                yield count or _plain(blob)
                yield Failure(f"Comments were told from code by their marks alone. {error}", path)


def _tokei(files: Mapping[Any, Entry]) -> dict[str, tuple[str, LineCount]]:
    """Count files at once: path in the repository -> (tokei's language, its count with embedded code)."""
    import pytokei

    names = {str(file): entry.path for file, entry in files.items()}
    languages = pytokei.Languages()
    languages.get_statistics(list(names), [], pytokei.Config())
    counted: dict[str, tuple[str, LineCount]] = {}
    for kind, language in languages.get_languages().items():
        name = kind.name()
        for report in language.reports:
            ((file, own),) = report.plain().items()
            path = names.get(file)
            if path is None:
                continue
            stats = report.stats.summarise().plain() if report.stats.blobs else own
            code, blanks = stats["code"], stats["blanks"]
            if name == "Rust":  # what is embedded in Rust are its doc comments
                code, blanks = own["code"], own["blanks"]
            counted[path] = (name, LineCount(path, code, stats["lines"] - code - blanks, blanks))
    return counted


def _mended(blob: Blob, language: str, count: LineCount) -> LineCount:
    data = blob.data
    if _REQUIREMENTS.fullmatch(blob.entry.name):
        return _requirements(blob)
    docstrings = blank = 0
    if language == "Rust":  # tokei forgets some lines of the examples in doc comments
        total = data.count(b"\n") + (data[-1:] not in {b"", b"\n"})
        count = replace(count, comments=max(0, total - count.code - count.blanks))
    if language == "Python" and (b'"""' in data or b"'''" in data):
        docstrings, blank = docstring_lines(data)
    seen = count.blanks + blank
    lost = max(data.count(b"\n\n"), data.count(b"\n\r\n")) > seen + LOST_BLANKS or docstrings > count.code
    if lost or (language == "Rust" and _CODE_AND_DOC.search(data)):
        grammar = grammars.grammar_for(blob.entry, data)
        if grammar is not None:
            return _from_syntax(grammar, blob)
    if docstrings == 0 or docstrings > count.code:
        return count
    comments = count.comments + docstrings - blank
    return LineCount(count.path, count.code - docstrings, comments, count.blanks + blank)


def _from_syntax(grammar: Grammar, blob: Blob) -> LineCount:
    """Count a file by blotting out its comments. Raises ParseGivenUp."""
    source = "\n".join(f"({kind}) @comment" for kind in grammar.comments)
    if grammar is PYTHON:
        source += _DOCSTRINGS
    nodes = syntax.captures(grammar, blob.data, source).get("comment", [])
    data = blob.data
    pieces, position = [], 0
    for start, end in sorted((node.start_byte, node.end_byte) for node in nodes):
        comment = data[max(start, position) : end]
        if start < position or (
            grammar is PYTHON and comment[:1] != b"#" and not _TRIPLE_QUOTED.match(comment)
        ):
            continue
        pieces += [data[position:start], _NOT_NEWLINE.sub(b" ", comment)]
        position = end
    pieces.append(data[position:])
    total, filled = _lines(data)
    _, code = _lines(b"".join(pieces))
    return LineCount(blob.entry.path, code, filled - code, total - filled)


def _unknown(blob: Blob) -> LineCount:
    """Count a file whose name tokei does not know, such as a podspec: from its syntax where its language is known."""
    grammar = grammars.grammar_for(blob.entry, blob.data)
    return _plain(blob) if grammar is None else _from_syntax(grammar, blob)


def _requirements(blob: Blob) -> LineCount:
    plain = _plain(blob)
    comments = sum(line.lstrip().startswith(b"#") for line in blob.data.split(b"\n"))
    return replace(plain, code=plain.code - comments, comments=comments)


def _plain(blob: Blob) -> LineCount:
    total, filled = _lines(blob.data)
    return LineCount(blob.entry.path, filled, 0, total - filled)


def _lines(data: bytes) -> tuple[int, int]:
    """Return the number of lines and of those that are not blank."""
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return len(lines), sum(map(bool, map(bytes.strip, lines)))


ENGINE = LinesEngine()
