"""Says of each file what it is: its language and kind, and whether it is binary, vendored or generated."""

from __future__ import annotations

import hashlib
import importlib.util
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from typing import Literal

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import FileClass
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Result

Kind = Literal["programming", "markup", "data", "prose", "unknown"]

REVISION = "3"
# Heuristics and classifiers look at the beginning of a file only: reading 5 MB of brackets takes a second.
HEAD_BYTES = 128 * 1024
BINARY_BYTES = 8000

# Names that linguist leaves without a language.
NAMES = ((re.compile(r"^(docker|container)file(\..+)?$|.\.dockerfile$", re.IGNORECASE), "Dockerfile"),)
# suffix -> (what enry guesses of a file that is empty or has comments only, what marks a real one, what it is without)
GUESSED = {".rs": ("XML", b"<?xml", "Rust"), ".php": ("Hack", b"<?hh", "PHP")}
# Linguist hides these from its statistics as "vendored", but they are a team's own work.
OWN_FOLDERS = re.compile(r"^(\.github|\.gitlab|\.vscode|\.circleci|\.devcontainer|debian)/")
_KINDS: dict[str, Kind] = {
    "programming": "programming",
    "markup": "markup",
    "data": "data",
    "prose": "prose",
}


def looks_binary(data: bytes) -> bool:
    """Tell whether the bytes are not text, as git does: a NUL near the beginning."""
    return b"\0" in data[:BINARY_BYTES]


# linguist counts these in the language that they belong to, and so do line counters.
GROUPS = {"TSX": "TypeScript"}


class LanguageEngine:
    """Linguist's answers by enry: from the name, the shebang, and for doubtful suffixes the content.

    The whole path is part of the cache key, because the rules for vendored and generated files read folders.
    """

    id = "language"
    scope = Scope.BLOB
    config_digest = hashlib.sha256(
        repr(
            (HEAD_BYTES, BINARY_BYTES, [(p.pattern, n) for p, n in NAMES], GUESSED, OWN_FOLDERS.pattern)
        ).encode()
    ).hexdigest()[:16]

    @property
    def version(self) -> str:
        try:
            return f"{REVISION}+enry-{metadata.version('enry-python')}"
        except metadata.PackageNotFoundError:
            return REVISION

    def unavailable(self) -> str | None:
        if importlib.util.find_spec("enry") is None:
            return "The package enry-python is not installed: install the requirements again."
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return True

    def path_class(self, entry: Entry) -> str:
        return entry.path

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            yield from self._classify(blob)

    def _classify(self, blob: Blob) -> Iterator[FileClass]:
        import enry

        path, head = blob.entry.path, blob.data[:HEAD_BYTES]
        binary = looks_binary(head)
        language: str | None = None
        kind: Kind = "unknown"
        if not binary:
            language = enry.get_language(blob.entry.name, head) or _by_name(blob.entry.name)
            language = _doubted(blob.entry, head, language)
            language = GROUPS.get(language, language) if language else None
            kind = _KINDS.get(enry.get_language_type(language), "unknown") if language else "unknown"
        yield FileClass(
            path=path,
            language=language,
            kind=kind,
            binary=binary,
            vendored=vendored(path, enry.is_vendor),
            generated=not binary and bool(enry.is_generated(path, head)),
        )


def vendored(path: str, is_vendor: Callable[[str], bool]) -> bool:
    """Tell whether a file is other people's work, by its path; `is_vendor` is enry's answer."""
    if OWN_FOLDERS.match(path) or not is_vendor(path):
        return False
    folder, _, name = path.rpartition("/")
    # A dot file (.gitignore, .editorconfig) is as vendored as its neighbours.
    return not name.startswith(".") or (bool(folder) and is_vendor(f"{folder}/neighbour"))


def _doubted(entry: Entry, head: bytes, language: str | None) -> str | None:
    """Give the language of the suffix where another was guessed and nothing in the file speaks for it."""
    guess, mark, usual = GUESSED.get(entry.suffix, (None, b"", None))
    return usual if guess is not None and language == guess and mark not in head else language


def _by_name(name: str) -> str | None:
    return next((language for pattern, language in NAMES if pattern.search(name)), None)


ENGINE = LanguageEngine()
