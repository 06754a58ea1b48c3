"""Markdown: what a reviewer of a pull request wants to know of an analysis, short enough for a comment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exports.formats.contract import ExportSource, Format, FormatInfo
from exports.formats.markdown_parts import SECTIONS
from exports.formats.markdown_text import CUT, length
from exports.options import Options

LIMIT = 60_000  # of a comment, GitHub takes 65,536
CLOSING = f"\n{CUT} The rest was left out: a comment holds no more.\n"


class Markdown(Format):
    """For comments on pull requests."""

    info = FormatInfo(
        id="markdown",
        name="Markdown summary",
        media_type="text/markdown; charset=utf-8",
        extension="md",
        use="Comments on pull requests and job summaries: verdict, what is new, vulnerable dependencies, gaps.",
        limits="60,000 characters; the worst 25 findings, 20 dependencies and 15 gaps are named, all are counted.",
    )

    def write(self, source: ExportSource, options: Options) -> Iterator[bytes]:
        """Yield the summary section by section."""
        said = source.summary()
        lines = (line for section in SECTIONS for line in section(source, said))
        return _within(lines, LIMIT)


def _within(lines: Iterable[str], limit: int) -> Iterator[bytes]:
    """Yield the lines, as far as they fit together with the words that some are missing."""
    left = limit - length(CLOSING)
    for line in lines:
        left -= length(line) + 1
        if left < 0:
            yield CLOSING.encode()
            return
        yield f"{line}\n".encode("utf-8", "backslashreplace")
