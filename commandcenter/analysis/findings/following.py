"""Follow findings whose fingerprint changed: reads what went and what came, and writes who continues whom.

Everything is read before anything is written. At most 100,000 findings a side are compared; what goes beyond that is
fixed, and new.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection

from commandcenter.analysis.copying import copy_rows
from commandcenter.analysis.findings.matching import Anchors, File, Match, Place, Trees, match
from commandcenter.analysis.models import BranchLine, FindingMove, ResultSet, Rule
from commandcenter.analysis.rules.releases import Memory

MAX_COMPARED = 100_000
PATHS = 5000  # asked for in one statement


def follow(line: BranchLine, results: ResultSet, memory: Memory) -> list[Match]:
    """Return which open findings of the line continue as which occurrences whose fingerprint it does not know as open."""
    gone = _places(_GONE, {"line": line.pk, "results": results.pk, "limit": MAX_COMPARED})
    if not gone:
        return []
    seen = _places(_CAME, {"line": line.pk, "results": results.pk, "limit": MAX_COMPARED})
    rules = {place.rule for place in gone.values()} & {place.rule for place in seen.values()}
    if not rules:
        return []
    return _matched(
        [place for place in gone.values() if place.rule in rules],
        [place for place in seen.values() if place.rule in rules],
        line,
        results,
        memory,
    )


def _matched(
    gone: list[Place], seen: list[Place], line: BranchLine, results: ResultSet, memory: Memory
) -> list[Match]:
    """Match engine by engine what was last seen in one tree: an engine may have missed the analyses between."""
    trees: dict[int | None, set[int]] = defaultdict(set)
    engines = dict(Rule.objects.filter(pk__in={place.rule for place in gone}).values_list("pk", "engine"))
    for rule, engine in engines.items():
        trees[memory[engine][2] if engine in memory else None].add(rule)
    matches: list[Match] = []
    for before, rules in sorted(trees.items(), key=lambda item: item[0] or 0):
        went = [place for place in gone if place.rule in rules]
        came = [place for place in seen if place.rule in rules]
        paths = sorted({place.path for place in (*went, *came)})
        known = Trees(_files(before, paths) if before else {}, _files(results.pk, paths))
        matches += match(went, came, known, _anchors(line, results, went, came))
    return matches


def move(line: BranchLine, analysis: int, ticket: int, matches: Sequence[Match]) -> None:
    """Let the matched findings move on to the fingerprints of their occurrences, and note where they were.

    A fixed finding that holds such a fingerprint gives it up: the open one has its place now.
    """
    if not matches:
        return
    values: dict[str, Any] = {
        "line": line.pk,
        "old": [found.old for found in matches],
        "new": [found.new for found in matches],
    }
    with connection.cursor() as cursor:
        cursor.execute(_HOLDERS, values)
        replaced = [(*row, FindingMove.Kind.REPLACED.value) for row in cursor.fetchall()]
        kinds = {found.old: found.kind for found in matches}
        cursor.execute(_BEFORE, values)
        moved = [(*row, kinds[row[0]]) for row in cursor.fetchall()]
        copy_rows(
            FindingMove,
            ("branch_line", "finding", "analysis", "ticket", "kind", "fingerprint", "path", "start_line"),
            (
                (line.pk, pk, analysis, ticket, kind, fingerprint, path, start)
                for pk, fingerprint, path, start, kind in (*replaced, *moved)
            ),
        )
        if replaced:
            cursor.execute(_GIVE_UP, {"ids": [row[0] for row in replaced]})
        cursor.execute(_MOVE, values)


def _places(statement: str, values: dict[str, Any]) -> dict[int, Place]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {row[0]: Place(*row) for row in cursor.fetchall()}


def _files(result_set: int, paths: Sequence[str]) -> dict[str, File]:
    found: dict[str, File] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(paths), PATHS):
            digests = [
                hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()
                for path in paths[start : start + PATHS]
            ]
            cursor.execute(_FILES, {"results": result_set, "digests": digests})
            found.update((path, File(blob, lines)) for path, blob, lines in cursor.fetchall())
    return found


def _anchors(line: BranchLine, results: ResultSet, gone: Iterable[Place], seen: Iterable[Place]) -> Anchors:
    """Return where the findings that stayed stood and stand, in the files that have both kinds of change."""
    paths = sorted({place.path for place in gone} & {place.path for place in seen})
    made: dict[str, list[tuple[int, int]]] = defaultdict(list)
    if paths:
        with connection.cursor() as cursor:
            cursor.execute(_STAYED, {"line": line.pk, "results": results.pk, "paths": paths})
            for path, before, now in cursor.fetchall():
                made[path].append((before, now))
    return made


_GONE = """
SELECT f.id, f.rule_id, f.path, f.start_line, f.content FROM analysis_finding f
 WHERE f.branch_line_id = %(line)s AND f.state <> 'fixed'
   AND NOT EXISTS (SELECT 1 FROM analysis_occurrence o
                    WHERE o.result_set_id = %(results)s AND o.fingerprint = f.fingerprint)
 ORDER BY f.severity DESC, f.id LIMIT %(limit)s
"""

_CAME = """
SELECT o.id, o.rule_id, o.path, o.start_line, o.content FROM analysis_occurrence o
 WHERE o.result_set_id = %(results)s
   AND NOT EXISTS (SELECT 1 FROM analysis_finding f
                    WHERE f.branch_line_id = %(line)s AND f.fingerprint = o.fingerprint AND f.state <> 'fixed')
 ORDER BY o.severity DESC, o.id LIMIT %(limit)s
"""

_STAYED = """
SELECT f.path, f.start_line, o.start_line FROM analysis_finding f
  JOIN analysis_occurrence o ON o.result_set_id = %(results)s AND o.fingerprint = f.fingerprint
 WHERE f.branch_line_id = %(line)s AND f.state <> 'fixed' AND f.path = ANY(%(paths)s)
"""

_FILES = """
SELECT path, blob, code + comments + blanks FROM analysis_analysedfile
 WHERE result_set_id = %(results)s AND MD5(path) = ANY(%(digests)s)
"""

_HOLDERS = """
SELECT f.id, f.fingerprint, f.path, f.start_line FROM analysis_finding f
  JOIN analysis_occurrence o ON o.id = ANY(%(new)s) AND o.fingerprint = f.fingerprint
 WHERE f.branch_line_id = %(line)s AND f.state = 'fixed'
"""

_BEFORE = "SELECT id, fingerprint, path, start_line FROM analysis_finding WHERE id = ANY(%(old)s) ORDER BY id"

# Unlike any fingerprint of an engine, and of this finding alone.
_GIVE_UP = (
    "UPDATE analysis_finding SET fingerprint = left(fingerprint, 56) || '~' || id WHERE id = ANY(%(ids)s)"
)

_MOVE = """
UPDATE analysis_finding f SET fingerprint = o.fingerprint
  FROM unnest(%(old)s::bigint[], %(new)s::bigint[]) AS pair (old, new)
  JOIN analysis_occurrence o ON o.id = pair.new
 WHERE f.id = pair.old
"""
