"""The report: summary and tables as HTML, their rows as data, one style and two scripts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

import commandcenter
from commandcenter.analysis.results.summary import SEVERITIES
from commandcenter.inventory.models import TechnologyStatus
from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.formats.html import summary
from exports.formats.html.embedding import data_uri, json_block, policy, rows_block
from exports.formats.html.sections import STATES, Column, Section, sections
from exports.options import Options
from exports.writing import gathered

FIRST_ROWS = 50  # of a table: in the page itself, and on each page that the script shows
BADGES = (*SEVERITIES, *STATES, *TechnologyStatus.values)
_HERE = Path(__file__).parent
_CONSOLE = Path(commandcenter.__file__).parent / "static/commandcenter"


class Html(Format):
    """For people who were sent a file."""

    info = FormatInfo(
        id="html",
        name="HTML report",
        media_type="text/html; charset=utf-8",
        extension="html",
        use="Reading and sending on: one file that opens in any browser without a network, with charts, and tables "
        "that sort, filter and search.",
        limits="It holds no files and no functions. Printing shows the first 500 rows of each table as it is filtered.",
    )

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the page; a table's rows follow the table."""
        return gathered(_page(source))


def _page(source: ExportSource) -> Iterator[bytes]:
    # Asked before the first byte: a database that is away is an answer with a status, and no page that ends early.
    tables, said, addresses = sections(source), summary.context(source), _addresses(source)
    style, theme, script = _style(), _script("theme.js"), _script("report.js")
    title = escape(f"{_printable(source.repository.name)}: analysis {source.analysis.pk}")
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy(style, (theme, script))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f'<title>{title} · Command Center</title>\n<link rel="icon" href="{_icon()}">\n'
    ).encode()
    yield b"<style>" + style + b"</style>\n<script>" + theme + b"</script>\n</head>\n<body>\n"
    yield b'<a class="skip" href="#main">Skip to content</a>\n<main class="report" id="main" tabindex="-1">\n'
    top = {**said, "sections": tables, "badges": BADGES, "sprite": _sprite()}
    yield render_to_string("exports/report/summary.html", top).encode()
    for table in tables:
        yield from _table(table, source, said["summary"], addresses)
    about = {"tables": {table.id: table.described() for table in tables}, "page": FIRST_ROWS, **addresses}
    yield b"</main>\n" + json_block("report", about)
    yield b"<script>" + script + b"</script>\n</body>\n</html>\n"


def _table(
    table: Section, source: ExportSource, known: dict[str, Any], addresses: dict[str, Any]
) -> Iterator[bytes]:
    """Yield a table with its first rows, and then all of them as data."""
    rows = iter(table.rows(source))
    first = list(islice(rows, FIRST_ROWS + 1))
    shown = [
        [_cell(*pair, addresses) for pair in zip(table.columns, row, strict=True)]
        for row in first[:FIRST_ROWS]
    ]
    context = {
        "table": table,
        "rows": shown,
        "more": len(first) > FIRST_ROWS,
        "looked": table.looked(known),
        "as_of": source.database_as_of if table.id == "dependencies" else None,
    }
    yield render_to_string("exports/report/table.html", context).encode()
    yield from rows_block(f"{table.id}-rows", chain(first, rows))


def _cell(column: Column, stored: Any, addresses: dict[str, Any]) -> dict[str, Any]:
    address = ""
    if column.kind == "rule":
        address = addresses["rules"][stored]
    elif column.kind == "finding":
        address = f"{addresses['finding']}{stored}/"
    return {"column": column, "value": column.value(stored), "address": address}


def _addresses(source: ExportSource) -> dict[str, Any]:
    """Return where our pages of the rules and of findings are."""
    base = settings.PUBLIC_URL.rstrip("/")
    return {
        "rules": [
            base + reverse("dashboard:rule", args=[rule.engine, rule.rule_id]) for rule in source.rules
        ],
        "finding": base + reverse("dashboard:findings"),
    }


def _printable(name: str) -> str:
    return "".join(char if char.isprintable() else "\ufffd" for char in name)


@cache
def _style() -> bytes:
    """Return the console's style and what only a report has, without indentation."""
    sheets = (_CONSOLE / "css/console.css", _HERE / "report.css")
    lines = [line.strip() for sheet in sheets for line in sheet.read_text(encoding="utf-8").splitlines()]
    return "\n".join(line for line in lines if line).encode()


@cache
def _script(name: str) -> bytes:
    return (_HERE / name).read_bytes()


@cache
def _icon() -> str:
    return data_uri((_CONSOLE / "icons/favicon.svg").read_bytes())


@cache
def _sprite() -> SafeString:
    """Return the console's icons, each with an id that no other element of the page has."""
    icons = (_CONSOLE / "icons/sprite.svg").read_text(encoding="utf-8")
    return mark_safe(icons.replace('id="', 'id="icon-'))  # noqa: S308  # a file of ours
