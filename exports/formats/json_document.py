"""Everything of one analysis as JSON, in one document or a line for each row: exports/schemas/analysis-1.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from commandcenter.analysis.results.shapes import flat
from exports.formats.contract import ExportSource, FileType, Format, FormatInfo
from exports.options import Option, Options, switch
from exports.writing import gathered, lines, object_with_arrays

FORMAT = "commandcenter.analysis"
VERSION = "1.1"  # a member more raises the second number, any other change the first
LINES = FileType("application/jsonl", "jsonl")
KINDS = {
    "rules": "rule", "findings": "finding", "dependencies": "dependency", "technologies": "technology", "gaps": "gap",
    "checks": "check", "licenses": "license", "contributors": "contributor", "files": "file", "functions": "function",
}  # fmt: skip


class Json(Format):
    """For scripts, and for keeping."""

    info = FormatInfo(
        id="json",
        name="JSON",
        media_type="application/json",
        extension="json",
        use="Scripts and archives: all that is known of the analysis, with a versioned schema.",
        limits="Of the functions the 200 most complex; of each check at most 50 gaps. Contributors without addresses.",
        options=(
            Option(
                "variant",
                ("document", "lines"),
                "One document, or JSON Lines: an object on each line, whose `kind` says what it is.",
            ),
            switch("pretty", "Indent the document for reading. Lines stay as they are."),
        ),
    )

    def file_type(self, options: Options) -> FileType:
        """Tell JSON Lines from a document."""
        return LINES if options["variant"] == "lines" else super().file_type(options)

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the document, or its lines."""
        if options["variant"] == "lines":
            return gathered(lines(_lines(source)))
        return gathered(object_with_arrays(_head(source), _rows(source), pretty=options["pretty"] == "true"))


def _head(source: ExportSource) -> dict[str, Any]:
    project, repository = source.project, source.repository
    return {
        "format": FORMAT,
        "version": VERSION,
        "project": {"id": project.pk, "name": project.name, "slug": project.slug},
        "repository": {"id": repository.pk, "name": repository.name, "source": source.address},
        "analysis": source.summary(),
    }


def _rows(source: ExportSource) -> dict[str, Iterable[dict[str, Any]]]:
    return {
        "rules": ({k: v for k, v in rule.items() if k != "id"} for rule in _read(lambda: source.rules)),
        "findings": _read(source.findings),
        "dependencies": _read(source.dependencies),
        "technologies": _read(source.technologies),
        "gaps": _read(source.gaps),
        "checks": _read(source.checks),
        "licenses": _read(source.licenses),
        "contributors": _read(source.contributors),
        "files": _read(source.files),
        "functions": source.functions(),
    }


def _read(rows: Callable[[], Iterable[object]]) -> Iterator[dict[str, Any]]:
    """Yield the rows as dicts; none is asked for before its turn, so that the head goes out at once."""
    yield from map(flat, rows())


def _lines(source: ExportSource) -> Iterator[dict[str, Any]]:
    """Yield the head, every row with its kind, and an end by which readers know that nothing is missing."""
    yield {"kind": "analysis", **_head(source)}
    count = 2
    for name, rows in _rows(source).items():
        kind = KINDS[name]
        for row in rows:
            count += 1
            if kind == "file":
                row["file_kind"] = row.pop("kind")
            yield {"kind": kind, **row}
    yield {"kind": "end", "lines": count}
