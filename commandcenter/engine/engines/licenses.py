"""The engine that says which licences a tree holds or names: texts by likeness, metadata and headers by SPDX."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import LicenseSeen
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.licenses.aliases import spdx_of
from commandcenter.engine.licenses.expressions import canonical
from commandcenter.engine.licenses.files import holds_text, place_of
from commandcenter.engine.licenses.headers import headers_in
from commandcenter.engine.licenses.likeness import licenses_in
from commandcenter.engine.licenses.metadata import kind_of, named_in, reads
from commandcenter.engine.licenses.texts import digest
from commandcenter.engine.manifests.model import Source, Unreadable
from commandcenter.engine.manifests.syntax import decode
from commandcenter.engine.practices.model import example
from commandcenter.engine.textlines import lines_of

REVISION = "3"
MAX_METADATA_BYTES = 1024 * 1024
MAX_WORDS = 120
"""Characters of what is not known that are kept."""
_SHORT = 200
_NO_TEXT = re.compile(
    r"\.(?:7z|bmp|bz2|class|db|dll|docx?|dylib|eot|exe|gif|gz|ico|jar|jpe?g|mo|mov|mp[34]|o|otf|pack|pdf|png|pyc|so|tar|tgz"
    r"|tiff?|ttf|wasm|webm|webp|whl|woff2?|xlsx?|xz|zip)"
)
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class LicensesEngine:
    """Yields one `LicenseSeen` per licence of a file. What is not known has its words and no SPDX id."""

    id = "licenses"
    version = REVISION
    scope = Scope.BLOB

    @property
    def config_digest(self) -> str:
        return digest()

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return entry.size > 0 and _NO_TEXT.fullmatch(entry.suffix) is None

    def path_class(self, entry: Entry) -> str:
        """How the file is read, and whose licence it would be."""
        path = entry.path
        text = "text" if holds_text(path) else ""
        metadata = kind_of(path) if _names_license(path) else ""
        place = place_of(path) if text or metadata else ""
        return f"{text} {metadata} {place} {place_of(path, header=True)}"

    def run(self, batch: Sequence[Blob], context: Context) -> Iterator[LicenseSeen | Failure]:
        for blob in batch:
            try:
                yield from _seen_in(blob)
            except Exception as error:  # noqa: BLE001 - a hostile file costs itself only, whatever it provokes
                words = f"Its licence cannot be read: {type(error).__name__}."
                yield Failure(words, blob.entry.path)


def _names_license(path: str) -> bool:
    return reads(path) and not example(path)


def _seen_in(blob: Blob) -> Iterator[LicenseSeen]:
    path = blob.entry.path
    headers = list(_headers(blob))
    yield from headers
    if holds_text(path):
        yield from _texts(blob, named=bool(headers))
    elif _names_license(path) and len(blob.data) <= MAX_METADATA_BYTES:
        yield from _metadata(blob)


def _headers(blob: Blob) -> Iterator[LicenseSeen]:
    path = blob.entry.path
    place = place_of(path, header=True)
    for line, words in headers_in(blob.data):
        spdx = canonical(words)
        yield LicenseSeen(
            path, line, spdx, "header", place, 1.0 if spdx else 0.0, "" if spdx else words[:MAX_WORDS]
        )


def _texts(blob: Blob, *, named: bool) -> Iterator[LicenseSeen]:
    """Give the licences of a text. One that only says a name is taken by it; `named`: a header has said it already."""
    if looks_binary(blob.data) and not blob.data.startswith(_WIDE):
        return
    path, text = blob.entry.path, decode(blob.data)[1]
    place, found = place_of(path), licenses_in(text)
    if not any(one.spdx for one in found):
        if named:
            return
        spdx = spdx_of(text.strip()) if len(text) <= _SHORT else None
        if spdx is not None:
            yield LicenseSeen(path, 1, spdx, "text", place, 1.0)
            return
    for one in found:
        words = "" if one.spdx else _line(text, one.line)
        yield LicenseSeen(path, one.line, one.spdx, "text", place, round(one.likeness, 3), words)


def _line(text: str, number: int) -> str:
    """Give the beginning of a line."""
    lines = lines_of(text)
    return lines[number - 1].strip(" \t#*/-=")[:MAX_WORDS] if number <= len(lines) else ""


def _metadata(blob: Blob) -> Iterator[LicenseSeen]:
    """Give what metadata names. A file that is not what its name says is the failure of the engine `manifests`."""
    path = blob.entry.path
    data, text = decode(blob.data)
    try:
        named = named_in(Source(path, data, text))
    except Unreadable:
        return
    for one in named:
        words = "" if one.words == one.spdx else one.words[:MAX_WORDS]
        confidence = 1.0 if one.spdx else 0.0
        yield LicenseSeen(path, one.line, one.spdx, "metadata", place_of(path), confidence, words)


ENGINE = LicensesEngine()
