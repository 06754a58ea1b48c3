"""The engine that says which technologies a repository uses, by rules that are data, with evidence."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import Dependency, Evidence, Technology
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.manifests.inventory import REVISION, read, vendored, wanted
from commandcenter.engine.manifests.syntax import decode
from commandcenter.engine.rules.globs import GlobIndex
from commandcenter.engine.rules.technology_rules import ContentMatcher, RuleSet, TechnologyRule, load
from commandcenter.engine.textlines import numbered_pieces

MAX_EVIDENCE = 20
MAX_CONTENT_BYTES = 256 * 1024
"""Only small files are searched by pattern: configuration is small."""
MAX_LINE = 400
MIN_CONFIDENCE = 0.3

_VERSION_TAG = re.compile(r"v?(\d+(?:\.\d+){0,3})(?:$|[-_+.])")


@dataclass(slots=True)
class _Case:
    """What speaks for one technology. Matchers count once each: a hundred files of one name are one argument."""

    evidence: dict[Evidence, None] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    versions: list[str] = field(default_factory=list)

    def add(self, matcher: str, weight: float, evidence: Evidence, version: str | None = None) -> None:
        if len(self.evidence) < MAX_EVIDENCE:
            self.evidence.setdefault(evidence)
        self.weights[matcher] = max(weight, self.weights.get(matcher, 0.0))
        if version:
            self.versions.append(version)

    @property
    def confidence(self) -> float:
        """1 - product of (1 - weight), rounded down so that it never claims certainty."""
        doubt = 1.0
        for weight in self.weights.values():
            doubt *= 1.0 - weight
        return min(round(1.0 - doubt, 4), 0.9999)


class _Matchers:
    """The rules, indexed by what they look at."""

    def __init__(self, rules: Sequence[TechnologyRule]) -> None:
        self.rules = rules
        paths = [(m.glob, (n, m.glob, m.weight)) for n, rule in enumerate(rules) for m in rule.paths]
        suffixes = [
            (f"*{suffix}", (n, f"*{suffix}", rule.weights["suffixes"]))
            for n, rule in enumerate(rules)
            for suffix in rule.suffixes
        ]
        self.paths: GlobIndex[tuple[int, str, float]] = GlobIndex(paths + suffixes)
        self.content: GlobIndex[tuple[int, ContentMatcher]] = GlobIndex(
            (matcher.glob, (n, matcher)) for n, rule in enumerate(rules) for matcher in rule.content
        )
        self._exact: dict[str, list[tuple[int, str, float]]] = defaultdict(list)
        self._prefixes: dict[str, list[tuple[str, int, float]]] = defaultdict(list)
        for n, rule in enumerate(rules):
            for name in rule.dependencies:
                self._add(name, n, rule.weights["dependencies"])
            for image in rule.images:
                self._add(f"docker/{image}", n, rule.weights["images"])

    def _add(self, name: str, rule: int, weight: float) -> None:
        if name.endswith("*"):
            self._prefixes[name.partition("/")[0]].append((name[:-1], rule, weight))
        else:
            self._exact[name].append((rule, name, weight))

    def dependency(self, name: str) -> Iterator[tuple[int, str, float]]:
        """(rule, matcher, weight) of each rule that knows the dependency `ecosystem/name`."""
        yield from self._exact.get(name, ())
        for prefix, rule, weight in self._prefixes.get(name.partition("/")[0], ()):
            if name.startswith(prefix):
                yield rule, f"{prefix}*", weight


class TechnologiesEngine:
    """Yields one `Technology` per rule that something in the tree speaks for.

    It looks at names over the whole tree, at direct dependencies and images, and at the text of small configuration
    files. Folders of vendored code are left out.
    """

    id = "technologies"
    version = f"2+manifests-{REVISION}"
    scope = Scope.TREE

    @cached_property
    def _set(self) -> RuleSet:
        return load()

    @cached_property
    def _matchers(self) -> _Matchers:
        return _Matchers(self._set.rules)

    @property
    def config_digest(self) -> str:
        return self._set.digest

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return wanted(entry.path) or self._searched(entry)

    def _searched(self, entry: Entry) -> bool:
        if entry.size > MAX_CONTENT_BYTES or vendored(entry.path):
            return False
        return next(self._matchers.content.matches(entry.path), None) is not None

    def path_class(self, entry: Entry) -> str:
        return entry.path

    def tree_key(self, entries: Sequence[Entry]) -> str:
        """A digest of every name that speaks for a technology, as far as it can become evidence."""
        cases: dict[int, _Case] = defaultdict(_Case)
        self._names(entries, cases)
        digest = hashlib.sha256()
        for rule, case in sorted(cases.items()):
            digest.update(f"{rule}:{sorted(case.weights)}\0".encode())
            digest.update("\0".join(evidence.path for evidence in case.evidence).encode())
        return digest.hexdigest()

    def run(self, batch: Sequence[Blob], context: Context) -> Iterator[Technology | Failure]:
        cases: dict[int, _Case] = defaultdict(_Case)
        # Unreadable manifests are the failures of the engine that lists dependencies; here they only say nothing.
        self._dependencies(read(batch).dependencies, cases)
        for blob in sorted(batch, key=lambda b: b.entry.path):
            if self._searched(blob.entry):
                self._content(blob, cases)
        self._names(context.entries, cases)
        found = [self._technology(n, case) for n, case in sorted(cases.items())]
        yield from sorted(
            (t for t in found if t.confidence >= MIN_CONFIDENCE), key=lambda t: (t.domain, t.name.lower())
        )

    def _dependencies(self, dependencies: Iterable[Dependency], cases: dict[int, _Case]) -> None:
        for dependency in dependencies:
            # What only came along with something else is not a choice of this repository.
            if dependency.direct is False:
                continue
            name = f"{dependency.ecosystem}/{dependency.name}".lower()
            for rule, matcher, weight in self._matchers.dependency(name):
                version = None
                if dependency.ecosystem == "docker":
                    tag = _VERSION_TAG.match(dependency.version or "")
                    version = tag[1] if tag and not matcher.endswith("/*") else None
                elif self._set.rules[rule].versions_from_dependencies:
                    version = dependency.version
                cases[rule].add(matcher, weight, Evidence(dependency.path, dependency.line), version)

    def _content(self, blob: Blob, cases: dict[int, _Case]) -> None:
        lines: list[tuple[int, str]] | None = None
        for rule, matcher in self._matchers.content.matches(blob.entry.path):
            if lines is None:
                lines = [(n, line[:MAX_LINE]) for n, line in numbered_pieces(decode(blob.data)[1])]
            for number, line in lines:
                match = matcher.pattern.search(line)
                if match is not None:
                    version = match.groupdict().get("version")
                    key = f"content {matcher.pattern.pattern}"
                    cases[rule].add(key, matcher.weight, Evidence(blob.entry.path, number), version)
                    break

    def _names(self, entries: Iterable[Entry], cases: dict[int, _Case]) -> None:
        for entry in entries:
            for rule, matcher, weight in self._matchers.paths.matches(entry.path):
                if vendored(entry.path):
                    break
                cases[rule].add(f"path {matcher}", weight, Evidence(entry.path))

    def _technology(self, number: int, case: _Case) -> Technology:
        rule = self._set.rules[number]
        return Technology(
            name=rule.name,
            domain=rule.domain,
            version=case.versions[0] if case.versions else None,
            confidence=case.confidence,
            evidence=tuple(case.evidence),
        )


ENGINE = TechnologiesEngine()
