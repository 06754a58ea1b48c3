"""What an engine keeps in the cache for its own later runs, beside its results."""

from __future__ import annotations

from collections.abc import Sequence

from commandcenter.engine.cache import Cache, KeyMaker

_FIRST = 2  # names asked for at once; twice as many each time, for the first ones are the likely ones


class Kept:
    """Bytes by name, of one engine in one version and configuration. Without a cache there are none."""

    def __init__(self, cache: Cache | None, maker: KeyMaker, *, read: bool) -> None:
        self._cache = cache
        self._maker = maker
        self._read = read

    def recall(self, names: Sequence[str]) -> tuple[str, bytes] | None:
        """Return the first of these names under which something is kept, with it."""
        if self._cache is None or not self._read:
            return None
        start, size = 0, _FIRST
        while start < len(names):
            keys = {self._key(name): name for name in names[start : start + size]}
            found = self._cache.get_many(list(keys))
            for key, name in keys.items():
                if key in found:
                    return name, found[key]
            start, size = start + size, size * 2
        return None

    def remember(self, name: str, data: bytes) -> None:
        """Keep bytes under a name, in place of what is there."""
        if self._cache is not None:
            self._cache.put_many([(self._key(name), data)])

    def _key(self, name: str) -> bytes:
        return self._maker.key("kept", name)
