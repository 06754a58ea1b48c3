"""Reads Markdown by GitHub's own parser: its tables, and the texts inside and outside of code."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

from cmarkgfm import github_flavored_markdown_to_html
from cmarkgfm.cmark import Options

VOID = {"br", "hr", "img", "input"}


@dataclass
class Words:
    """A cell or a heading: pieces of text, each with True when it is code."""

    pieces: list[tuple[bool, str]] = field(default_factory=list)

    def add(self, code: bool, text: str) -> None:
        if self.pieces and self.pieces[-1][0] == code:
            text = self.pieces.pop()[1] + text
        self.pieces.append((code, text))

    @property
    def said(self) -> str:
        return "".join(text for _, text in self.pieces)


class Rendered(HTMLParser):
    """A document as GitHub would show it, before its filter removes what is dangerous."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.plain: list[str] = []
        self.heading = Words()
        self.tables: list[list[list[Words]]] = []
        self.open: list[str] = []
        self.feed(github_flavored_markdown_to_html(text, Options.CMARK_OPT_UNSAFE))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in {"td", "th"}:
            self.tables[-1][-1].append(Words())

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_comment(self, data: str) -> None:
        self.tags.add("comment")

    def handle_decl(self, decl: str) -> None:
        self.tags.add("declaration")

    def handle_pi(self, data: str) -> None:
        self.tags.add("instruction")

    def handle_data(self, data: str) -> None:
        code = "code" in self.open
        if not code:
            self.plain.append(data)
        if {"td", "th"} & set(self.open):
            self.tables[-1][-1][-1].add(code, data)
        elif "h2" in self.open:
            self.heading.add(code, data)
