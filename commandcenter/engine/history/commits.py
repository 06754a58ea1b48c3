"""The commits of a window and what each of them touched, in flat arrays that take little room and pack well."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson
import zstandard

FORMAT = 1
UNKNOWN = -1  # lines that nobody counted
MAX_PACKED = 16 * 1024 * 1024
_MAX_UNPACKED = 256 * 1024 * 1024
_MAX_COUNT = 2**31 - 1
TOUCH_BYTES = 12
_PATH_BYTES = 150  # of an entry in the table and its index, beside the path itself

Touch = tuple[int, int, int]
"""A path's place in the table, lines added, lines deleted."""


class Unreadable(Exception):
    """Stored commits are not what this version writes; read them anew."""


@dataclass(slots=True)
class Commits:
    """Commits in any order. `authors` holds [address, name] as the mailmap gives them, `paths` as git quotes them."""

    authors: list[tuple[str, str]] = field(default_factory=list)
    paths: list[bytes] = field(default_factory=list)
    whens: array[int] = field(default_factory=lambda: array("q"))
    by: array[int] = field(default_factory=lambda: array("i"))
    counts: array[int] = field(default_factory=lambda: array("i"))
    touched: array[int] = field(default_factory=lambda: array("i"))
    added: array[int] = field(default_factory=lambda: array("i"))
    deleted: array[int] = field(default_factory=lambda: array("i"))
    _author_places: dict[tuple[str, str], int] = field(default_factory=dict)
    _path_places: dict[bytes, int] = field(default_factory=dict)

    paths_bytes: int = 0

    @property
    def room(self) -> int:
        """Return about how many bytes of memory they take."""
        return self.paths_bytes + TOUCH_BYTES * len(self.touched) + 2 * TOUCH_BYTES * len(self.whens)

    def __len__(self) -> int:
        return len(self.whens)

    def author(self, address: str, name: str) -> int:
        """Return the author's place in the table."""
        key = (address, name)
        place = self._author_places.get(key)
        if place is None:
            place = self._author_places[key] = len(self.authors)
            self.authors.append(key)
        return place

    def path(self, path: bytes) -> int:
        """Return the path's place in the table."""
        place = self._path_places.get(path)
        if place is None:
            place = self._path_places[path] = len(self.paths)
            self.paths.append(path)
            self.paths_bytes += len(path) + _PATH_BYTES
        return place

    def add(self, when: int, author: int, touches: list[Touch]) -> None:
        """Take one commit."""
        self.whens.append(when)
        self.by.append(author)
        self.counts.append(len(touches))
        for path, added, deleted in touches:
            self.touched.append(path)
            self.added.append(min(added, _MAX_COUNT))
            self.deleted.append(min(deleted, _MAX_COUNT))

    def each(self) -> Iterator[tuple[int, int, list[Touch]]]:
        """Yield (when, author, touches)."""
        start = 0
        for when, author, count in zip(self.whens, self.by, self.counts, strict=True):
            end = start + count
            yield (
                when,
                author,
                list(
                    zip(self.touched[start:end], self.added[start:end], self.deleted[start:end], strict=True)
                ),
            )
            start = end

    def take(self, other: Commits, *, since: int) -> None:
        """Add the commits of another set from this moment on."""
        authors = [self.author(*author) for author in other.authors]
        paths: dict[int, int] = {}
        for when, author, touches in other.each():
            if when < since:
                continue
            moved = []
            for path, added, deleted in touches:
                place = paths.get(path)
                if place is None:
                    place = paths[path] = self.path(other.paths[path])
                moved.append((place, added, deleted))
            self.add(when, authors[author], moved)

    def pack(self, **notes: object) -> bytes | None:
        """Return them as bytes, with notes; None for more than is worth keeping."""
        head = orjson.dumps(
            {
                "format": FORMAT,
                "authors": self.authors,
                "paths": [path.decode("latin-1") for path in self.paths],
                "commits": len(self.whens),
                "touches": len(self.touched),
                **notes,
            }
        )
        parts = (self.whens, self.by, self.counts, self.touched, self.added, self.deleted)
        body = b"".join([len(head).to_bytes(4, "big"), head, *(part.tobytes() for part in parts)])
        if len(body) > _MAX_UNPACKED:
            return None
        packed = zstandard.compress(body, 3)
        return packed if len(packed) <= MAX_PACKED else None


def unpack(packed: bytes) -> tuple[Commits, dict[str, object]]:
    """Return what `pack` packed, and its notes. Raises Unreadable."""
    try:
        body = zstandard.decompress(packed, max_output_size=_MAX_UNPACKED)
        size = int.from_bytes(body[:4], "big")
        head = orjson.loads(body[4 : 4 + size])
        if head["format"] != FORMAT:
            raise Unreadable("Another format.")
        made = Commits(
            authors=[(address, name) for address, name in head["authors"]],
            paths=[path.encode("latin-1") for path in head["paths"]],
        )
        made.paths_bytes = sum(len(path) + _PATH_BYTES for path in made.paths)
        place = 4 + size
        commits, touches = head["commits"], head["touches"]
        for part, count in (
            (made.whens, commits),
            (made.by, commits),
            (made.counts, commits),
            (made.touched, touches),
            (made.added, touches),
            (made.deleted, touches),
        ):
            end = place + count * part.itemsize
            part.frombytes(body[place:end])
            place = end
        known = (made.by, len(made.authors)), (made.touched, len(made.paths))
        if (
            place != len(body)
            or sum(made.counts) != touches
            or any(part and not 0 <= min(part) <= max(part) < count for part, count in known)
        ):
            raise Unreadable("It does not fit together.")
    except (zstandard.ZstdError, orjson.JSONDecodeError, TypeError, LookupError, ValueError) as error:
        raise Unreadable(str(error)) from error
    return made, head
