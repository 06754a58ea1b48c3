"""Finds known licences inside a text by likeness, one or several, and says what else the text holds."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from commandcenter.engine.licenses.texts import Template, library, pairs_of
from commandcenter.engine.licenses.words import Words, words_of

LIKE = 0.9
"""Dice's coefficient over pairs of words from which a passage is taken for a licence."""
HELD = 0.8
"""The share of a licence's pairs that a text must hold for it to be looked for there."""
MAX_PASSAGES = 500
REST_WORDS = 25
"""So many words in a row beside the known licences may be terms of their own, a rider of fewer where it restricts."""
RIDER_WORDS = 6
_RUN = 4
"""Words in a row by which a passage is aligned with a licence."""
_LEAST_RUNS = 3
"""Runs that must stand at one distance from the beginning."""
_LEAST_SHARE = 0.4
"""Of the runs of a licence that must be there, in its order."""
_DRIFT = 0.15
"""How far, in lengths of the licence, words may have moved inside a passage."""
_MAX_HITS = 500
"""Places of one run of words that are looked at."""
# A text that has one of these where the licence has not is another licence, however alike they are.
RESTRICTING = frozenset(
    [
        "academic",
        "commercial",
        "commercially",
        "educational",
        "evaluation",
        "evil",
        "forbidden",
        "internal",
        "military",
        "noncommercial",
        "nonprofit",
        "personal",
        "prohibited",
    ]
)
# Two of these make words terms.
_TERMS = frozenset(
    [
        "disclaim",
        "disclaimed",
        "disclaims",
        "excluded",
        "grant",
        "granted",
        "grants",
        "liability",
        "permission",
        "permissions",
        "permitted",
        "redistribute",
        "redistribution",
        "redistributions",
        "restricted",
        "restriction",
        "restrictions",
        "sell",
        "sublicense",
        "warranties",
        "warranty",
    ]
)


@dataclass(frozen=True, slots=True)
class Found:
    """A licence in a text, or with `spdx` None terms that are no known one, from this line on."""

    spdx: str | None
    line: int
    likeness: float


@dataclass(frozen=True, slots=True)
class _Passage:
    template: Template
    start: int
    end: int
    likeness: float
    worth: int
    """Pairs in common less those of one side only: what decides between two that overlap."""


def licenses_in(text: str) -> list[Found]:
    """Give the licences of a text in order, each once, and the first terms beside them that are none of the list.

    A text without any licence of the list is one row that knows none; one without words gives nothing.
    """
    words = words_of(text)
    if not words.words:
        return []
    passages = _passages(words.words)
    first: dict[str, Found] = {}
    for passage in passages:
        spdx = passage.template.spdx
        if spdx is not None:
            first.setdefault(spdx, Found(spdx, words.lines[passage.start], passage.likeness))
    rest = _rest(words, passages) if first else 0
    unknown = [] if rest is None else [Found(None, words.lines[rest], 0.0)]
    return sorted([*first.values(), *unknown], key=lambda found: found.line)


@lru_cache(maxsize=16)
def _passages(words: tuple[str, ...]) -> tuple[_Passage, ...]:
    """Choose the passages that are licences, the worthier one where two overlap, in order."""
    chosen: list[_Passage] = []
    for place in sorted(_likely(words), key=lambda p: (-p.worth, p.start)):
        if len(chosen) < MAX_PASSAGES and all(place.end <= c.start or c.end <= place.start for c in chosen):
            chosen.append(place)
    return tuple(sorted(chosen, key=lambda p: p.start))


def _likely(words: Sequence[str]) -> Iterator[_Passage]:
    numbers = library().encode(words)
    pairs = pairs_of(numbers)
    places: dict[tuple[int, ...], list[int]] | None = None
    for template in library().templates:
        least = HELD * template.pairs.total()
        if len(words) <= least or sum(min(n, pairs[p]) for p, n in template.pairs.items()) < least:
            continue
        places = _places(numbers) if places is None else places
        for start, end in _aligned(places, template):
            passage = _compared(numbers, start, end, template)
            if passage.likeness >= LIKE and not _restricts(words[start:end], template):
                yield passage


def _places(numbers: Sequence[int]) -> dict[tuple[int, ...], list[int]]:
    """Say where each run of words begins."""
    places: dict[tuple[int, ...], list[int]] = {}
    for i in range(len(numbers) - _RUN + 1):
        found = places.setdefault(tuple(numbers[i : i + _RUN]), [])
        if len(found) < _MAX_HITS:
            found.append(i)
    return places


def _aligned(places: dict[tuple[int, ...], list[int]], template: Template) -> Iterator[tuple[int, int]]:
    """Give the stretches in which enough runs of the template stand in its order."""
    size = len(template.words) - _RUN + 1
    hits = sorted((i - at, i) for at in range(size) for i in places.get(template.words[at : at + _RUN], ()))
    drift = max(12, int(_DRIFT * size))
    centres: list[int] = []
    for centre, count in Counter(begin for begin, _ in hits).most_common(MAX_PASSAGES):
        if count < _LEAST_RUNS or any(abs(centre - other) <= drift for other in centres):
            continue
        centres.append(centre)
        near = hits[bisect_left(hits, (centre - drift, 0)) : bisect_left(hits, (centre + drift + 1, 0))]
        group = sorted({i for _, i in near})
        if len(group) >= _LEAST_SHARE * size:
            yield _densest(group)


def _densest(hits: Sequence[int]) -> tuple[int, int]:
    """Give the stretch with the most hits, each word without one counting half against it."""
    best, sum_, begin, last = 0.0, 0.0, hits[0], hits[0]
    stretch = (hits[0], hits[0])
    for i in hits:
        sum_ -= (i - last - 1) / 2 if i > last else 0
        if sum_ < 0:
            sum_, begin = 0.0, i
        sum_, last = sum_ + 1, i
        if sum_ > best:
            best, stretch = sum_, (begin, i)
    return stretch[0], stretch[1] + _RUN


def _compared(numbers: Sequence[int], start: int, end: int, template: Template) -> _Passage:
    here = pairs_of(numbers[start:end])
    common = sum(min(count, here[pair]) for pair, count in template.pairs.items())
    both = template.pairs.total() + here.total()
    return _Passage(template, start, end, 2 * common / both, 3 * common - both)


def _restricts(words: Sequence[str], template: Template) -> bool:
    known = library().numbers
    own = {known.get(word) for word in RESTRICTING} & set(template.words)
    return any(word in RESTRICTING and known.get(word) not in own for word in words)


def _rest(words: Words, passages: Sequence[_Passage]) -> int | None:
    """Give the place of the first words beside the passages that read like terms."""
    start = 0
    for stop, after in [*((p.start, p.end) for p in passages), (len(words.words), 0)]:
        held = frozenset(words.words[start:stop])
        long = stop - start >= REST_WORDS and len(held & _TERMS) >= 2
        if long or (stop - start >= RIDER_WORDS and held & RESTRICTING):
            return start
        start = after
    return None
