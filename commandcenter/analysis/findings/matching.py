"""Find the findings that are the same problem as before although their fingerprint is another. Pure: no database.

A fingerprint holds path, lines and ordinal. Findings whose fingerprint is still there never come here. The others are
paired in passes from strict to loose, each old and each new one at most once, in an order that depends on the findings
alone:

1. their file was moved: the same bytes stand under another path;
2. the same rule and lines in the same file, with another ordinal;
3. their file was renamed and edited: a file that is gone and one that is new share findings, and nobody else fits as
   well; under another base name they must share half of them, and be of a like size;
4. their own lines were edited in place: the only one of its rule that went and the only one that came between the same
   neighbours, displaced as these are.

What is left over is fixed, or new. A file that was copied moves nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

COMMON = 20  # files that share one finding, beyond which it says nothing about renames
LEAST_SHARED = 0.5  # of the findings of a file that has another base name now
LIKE_SIZE = 2  # times as many lines, at most, as it had


class Place(NamedTuple):
    """One finding, old or new. `content` is the digest of its lines, None where nothing is known of them."""

    id: int
    rule: int
    path: str
    line: int
    content: int | None


class File(NamedTuple):
    """What is known of a file in one tree; `lines` is None where nobody counted them."""

    blob: str
    lines: int | None


class Match(NamedTuple):
    """An old finding and the occurrence that continues it."""

    old: int
    new: int
    kind: str


@dataclass(frozen=True, slots=True)
class Trees:
    """The files that concern us, before and now; a path that is not there was not in that tree."""

    before: Mapping[str, File] = field(default_factory=dict)
    now: Mapping[str, File] = field(default_factory=dict)


Key = Callable[[Place], Hashable | None]
Anchors = Mapping[
    str, Sequence[tuple[int, int]]
]  # path now -> (line before, line now) of findings that stayed


def match(gone: Iterable[Place], seen: Iterable[Place], trees: Trees, anchors: Anchors) -> list[Match]:
    """Pair the findings that are gone with those that are seen under fingerprints that are new."""
    work = _Work(gone, seen)
    moved = _moved(work, trees)
    for source, target in moved:
        work.pair(source, target, "renamed", lambda p: (p.rule, p.line, p.content))
        work.pair(source, target, "renamed", _what)
    for path in work.shared_paths():
        work.pair(path, path, "shifted", _what)
    edited = _edited(work, trees)
    for source, target in edited:
        work.pair(source, target, "renamed", _what)
    for source, target in [*((path, path) for path in work.shared_paths()), *moved, *edited]:
        work.pair_edits(source, target, trees, anchors.get(target, ()) if source == target else ())
    return work.matches


def _what(place: Place) -> Hashable | None:
    """What a finding is, wherever it stands; None when nothing is known of its lines."""
    return None if place.content is None else (place.rule, place.content)


class _Work:
    """The findings that are still to be paired, by path, in line order."""

    def __init__(self, gone: Iterable[Place], seen: Iterable[Place]) -> None:
        self.gone, self.seen = _by_path(gone), _by_path(seen)
        self.matches: list[Match] = []
        self._anchors: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)

    def shared_paths(self) -> list[str]:
        return sorted(self.gone.keys() & self.seen.keys())

    def pair(self, source: str, target: str, kind: str, key: Key) -> None:
        """Pair what has the same key, in line order; a key of None pairs with nothing."""
        waiting: dict[Hashable, list[Place]] = defaultdict(list)
        for place in reversed(self.seen.get(target, [])):
            waiting[key(place)].append(place)
        waiting.pop(None, None)
        pairs = []
        for place in self.gone.get(source, []):
            found = waiting.get(key(place))
            if found:
                pairs.append((place, found.pop()))
        self._take(source, target, kind, pairs)

    def pair_edits(self, source: str, target: str, trees: Trees, stayed: Sequence[tuple[int, int]]) -> None:
        """Pair what was edited in place, where its neighbours leave no doubt."""
        gone, seen = self.gone.get(source), self.seen.get(target)
        if not gone or not seen:
            return
        anchors = _rising([*stayed, *self._anchors[source, target]])
        before, now = [old for old, _ in anchors], [new for _, new in anchors]
        old_gaps = _grouped(gone, before)
        new_gaps = _grouped(seen, now)
        pairs = []
        for key, old in old_gaps.items():
            new = new_gaps.get(key, [])
            if len(old) == len(new) == 1 and _certain(old[0], new[0], anchors, key[1], trees):
                pairs.append((old[0], new[0]))
        self._take(source, target, "edited", pairs)

    def _take(self, source: str, target: str, kind: str, pairs: Sequence[tuple[Place, Place]]) -> None:
        if not pairs:
            return
        self.matches += [Match(old.id, new.id, kind) for old, new in pairs]
        self._anchors[source, target] += [(old.line, new.line) for old, new in pairs]
        _remove(self.gone, source, {old.id for old, _ in pairs})
        _remove(self.seen, target, {new.id for _, new in pairs})


def _by_path(places: Iterable[Place]) -> dict[str, list[Place]]:
    made: dict[str, list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda p: (p.path, p.line, p.id)):
        made[place.path].append(place)
    return dict(made)


def _remove(by_path: dict[str, list[Place]], path: str, ids: set[int]) -> None:
    left = [place for place in by_path[path] if place.id not in ids]
    if left:
        by_path[path] = left
    else:
        del by_path[path]


def _moved(work: _Work, trees: Trees) -> list[tuple[str, str]]:
    """Pair paths under which the same bytes stood, and stand now, and did not before: by base name, then by order."""
    sources: dict[str, list[str]] = defaultdict(list)
    targets: dict[str, list[str]] = defaultdict(list)
    for path in sorted(work.gone):
        was = trees.before.get(path)
        if was and _blob(trees.now, path) != was.blob:
            sources[was.blob].append(path)
    for path in sorted(work.seen):
        now = trees.now.get(path)
        if now and _blob(trees.before, path) != now.blob:
            targets[now.blob].append(path)
    pairs = []
    for blob, paths in sources.items():
        pairs += _named_alike(paths, targets.get(blob, []))
    return sorted(pairs)


def _named_alike(sources: Sequence[str], targets: Sequence[str]) -> list[tuple[str, str]]:
    left = list(targets)
    pairs, others = [], []
    for source in sources:
        alike = next((target for target in left if _name(target) == _name(source)), None)
        if alike is None:
            others.append(source)
        else:
            left.remove(alike)
            pairs.append((source, alike))
    return [*pairs, *zip(others, left, strict=False)]


def _edited(work: _Work, trees: Trees) -> list[tuple[str, str]]:
    """Pair files that are gone with files that are new by what they share; where two fit equally well, none."""
    sources = {path: _contents(work.gone[path]) for path in sorted(work.gone) if _left(path, trees)}
    targets = {path: _contents(work.seen[path]) for path in sorted(work.seen) if _came(path, trees)}
    holders: dict[Hashable, list[str]] = defaultdict(list)
    for path, contents in targets.items():
        for key in contents:
            holders[key].append(path)
    scores: dict[tuple[str, str], tuple[bool, float, int]] = {}
    for source, contents in sources.items():
        near = {path for key in contents if len(holders[key]) <= COMMON for path in holders[key]}
        for target in near:
            shared = (contents & targets[target]).total()
            share = shared / max(contents.total(), targets[target].total())
            same_name = _name(source) == _name(target)
            if same_name or (share >= LEAST_SHARED and _alike(trees.before[source], trees.now[target])):
                scores[source, target] = (same_name, share, shared)
    pairs: list[tuple[str, str]] = []
    used: set[tuple[str, str]] = set()
    ranked: dict[tuple[bool, float, int], list[tuple[str, str]]] = defaultdict(list)
    for pair, score in scores.items():
        ranked[score].append(pair)
    for score in sorted(ranked, reverse=True):
        free = [(s, t) for s, t in sorted(ranked[score]) if ("s", s) not in used and ("t", t) not in used]
        rivals = Counter(side for s, t in free for side in (("s", s), ("t", t)))
        for source, target in free:
            if rivals["s", source] == rivals["t", target] == 1:
                pairs.append((source, target))
        used |= rivals.keys()  # a file that fits two equally well fits a worse one no better
    return sorted(pairs)


def _alike(before: File, now: File) -> bool:
    """True when neither file is much longer than the other; where nobody counted lines, nothing speaks against it."""
    if before.lines is None or now.lines is None:
        return True
    return max(before.lines, now.lines) <= LIKE_SIZE * min(before.lines, now.lines)


def _contents(places: Iterable[Place]) -> Counter[Hashable]:
    return Counter(key for key in map(_what, places) if key is not None)


def _left(path: str, trees: Trees) -> bool:
    return path in trees.before and path not in trees.now


def _came(path: str, trees: Trees) -> bool:
    return path in trees.now and path not in trees.before


def _blob(tree: Mapping[str, File], path: str) -> str | None:
    file = tree.get(path)
    return file.blob if file else None


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _rising(anchors: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the anchors in order, without those that went past one another."""
    ordered = sorted(set(anchors))
    crossed = {pair for one, other in pairwise(ordered) if other[1] < one[1] for pair in (one, other)}
    kept: list[tuple[int, int]] = []
    for anchor in ordered:
        if anchor not in crossed and (not kept or anchor[1] >= kept[-1][1]):
            kept.append(anchor)
    return kept


def _grouped(places: Iterable[Place], lines: Sequence[int]) -> dict[tuple[int, int], list[Place]]:
    """Group findings by rule and by how many anchors stand at or before them."""
    made: dict[tuple[int, int], list[Place]] = defaultdict(list)
    for place in places:
        made[place.rule, bisect_right(lines, place.line)].append(place)
    return made


def _certain(old: Place, new: Place, anchors: Sequence[tuple[int, int]], gap: int, trees: Trees) -> bool:
    """True when a neighbour moved by as many lines, or, without any, when the file kept its lines and it its line."""
    shift = new.line - old.line
    if anchors:
        return any(now - before == shift for before, now in anchors[max(0, gap - 1) : gap + 1])
    before, now = trees.before.get(old.path), trees.now.get(new.path)
    return (
        shift == 0
        and before is not None
        and now is not None
        and before.lines is not None
        and before.lines == now.lines
    )
