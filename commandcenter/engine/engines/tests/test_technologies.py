"""The technologies engine: every rule's examples, confidence, versions, evidence, names that are not read."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from commandcenter.engine.contract.engines import Context, Scope, TreeKeyed
from commandcenter.engine.contract.facts import Technology
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.engines.technologies import ENGINE
from commandcenter.engine.rules.patterns import objection
from commandcenter.engine.rules.technology_rules import DOMAINS, Example, RuleError, load, parse


@dataclass
class Run:
    """The part of a run that this engine looks at."""

    entries: Sequence[Entry]
    messages: list[str] = field(default_factory=list)

    def log(self, level: str, message: str) -> None:
        self.messages.append(message)


def detect(files: dict[str, str]) -> dict[str, Technology]:
    """Run the engine as a run does: the whole tree's names, and the blobs that it selects."""
    entries = [
        Entry(path, f"{number:040x}", len(text)) for number, (path, text) in enumerate(sorted(files.items()))
    ]
    blobs = [Blob(entry, files[entry.path].encode()) for entry in entries if ENGINE.select(entry)]
    return {
        found.name: found
        for found in ENGINE.run(blobs, cast("Context", Run(entries)))
        if isinstance(found, Technology)
    }


EXAMPLES = [
    pytest.param(rule.name, example, id=f"{rule.id}-{number}")
    for rule in load().rules
    for number, example in enumerate(rule.examples)
]


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_each_example_of_a_rule_shows_its_technology(name: str, example: Example) -> None:
    found = detect({example.path: example.text})
    assert name in found
    assert example.path in {evidence.path for evidence in found[name].evidence}


def test_the_rules_are_many_distinct_and_cover_every_domain() -> None:
    rules = load().rules
    assert len(rules) >= 250
    assert len({rule.id for rule in rules}) == len({rule.name for rule in rules}) == len(rules)
    assert {rule.domain for rule in rules} == set(DOMAINS)


def test_every_kind_of_matcher_of_a_rule_has_an_example() -> None:
    for rule in load().rules:
        kinds = sum(bool(kind) for kind in (rule.dependencies, rule.images, rule.suffixes, rule.paths))
        assert len(rule.examples) >= kinds + len(rule.content), rule.id


@pytest.mark.parametrize("filler", ["a", "1", " ", "=", "<", ".", "1.", "\t", "cpython-"])
def test_every_pattern_is_quick_on_hostile_lines(filler: str) -> None:
    for rule in load().rules:
        for matcher in rule.content:
            started = time.process_time()
            for _ in range(10):
                matcher.pattern.search(filler * (400 // len(filler)))
            assert time.process_time() - started < 0.05, matcher.pattern.pattern


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|b+)*c", r"(\w+\s?)*$", "a*b*", r"(a)\1", "(?=a)b", "(?<!a)b", "(", "(a{1,9}){2,9}"],
)
def test_a_pattern_that_can_backtrack_without_bound_is_refused(pattern: str) -> None:
    assert objection(pattern)


@pytest.mark.parametrize(
    "pattern", [r"^go\s++(?P<v>\d{1,4})", "a+", "(?:abc)*x", r"[(+*]{1,3}", r"\(a+\)", "(a{1,4})?"]
)
def test_a_plain_pattern_is_taken(pattern: str) -> None:
    assert objection(pattern) is None
    assert re.compile(pattern)


RULE = "- {id: a, name: A, domain: other, paths: [{glob: a}], examples: [{path: a, text: ''}]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (", colour: red}", "unknown fields"),
        (", weights: {paths: 2}}", "between 0 and 1"),
        (", weights: {moon: 0.5}}", "weights are for"),
        (", suffixes: [TXT]}", "suffixes"),
        (", dependencies: [react]}", "ecosystem/name"),
        (", content: [{glob: a, pattern: '(a+)+'}]}", "repeats"),
        (", content: [{pattern: 'a'}]}", "glob"),
    ],
)
def test_a_rule_that_breaks_the_schema_is_named(change: str, message: str) -> None:
    with pytest.raises(RuleError, match=rf"^x\.yaml: rule a: .*{message}"):
        list(parse(RULE + change, "x.yaml"))


@pytest.mark.parametrize(
    "text", ["a: [", "a: 1", "- 1", "- {id: b, name: B, domain: moon, paths: [{glob: a}]}"]
)
def test_a_file_that_is_no_list_of_rules_is_refused(text: str) -> None:
    with pytest.raises(RuleError, match=r"^x\.yaml: "):
        list(parse(text, "x.yaml"))


def test_the_version_comes_from_the_lock_file_and_points_at_its_line() -> None:
    found = detect({"requirements.txt": "# web\n\nDjango==5.2.1\n"})["Django"]
    assert found.version == "5.2.1"
    assert (found.evidence[0].path, found.evidence[0].line) == ("requirements.txt", 3)
    assert found.domain == "framework"


def test_a_driver_s_version_is_not_the_database_s_but_the_image_s_is() -> None:
    files = {"requirements.txt": "psycopg==3.3.1\n"}
    assert detect(files)["PostgreSQL"].version is None
    files["compose.yaml"] = "services:\n  db:\n    image: postgres:18.1-alpine\n"
    assert detect(files)["PostgreSQL"].version == "18.1"


def test_what_only_came_along_is_not_in_use() -> None:
    lock = (
        '{"lockfileVersion": 3, "packages": {"": {"dependencies": {"next": "^14"}},'
        '"node_modules/next": {"version": "14.0.0", "dependencies": {"react": "^18"}},'
        '"node_modules/react": {"version": "18.2.0"}}}'
    )
    found = detect({"package-lock.json": lock})
    assert "Next.js" in found
    assert "React" not in found


def test_confidence_grows_with_independent_evidence_and_stays_below_certainty() -> None:
    one = detect({"pytest.ini": ""})["pytest"].confidence
    both = detect({"pytest.ini": "", "requirements.txt": "pytest==8.0\n"})["pytest"].confidence
    many = detect({f"t{n}/conftest.py": "" for n in range(50)})["pytest"]
    assert one == pytest.approx(0.9)
    assert both == pytest.approx(0.995)
    assert many.confidence == pytest.approx(0.9)
    assert len(many.evidence) == 20


def test_vendored_folders_say_nothing() -> None:
    assert (
        detect({"node_modules/react/package.json": '{"dependencies": {"vue": "3"}}', "vendor/a/x.go": ""})
        == {}
    )


def test_hostile_files_cost_only_themselves() -> None:
    found = detect(
        {
            "package.json": '{"dependencies": ' + "[" * 100_000,
            "pom.xml": '<!DOCTYPE a [<!ENTITY b "c">]><project/>',
            "pyproject.toml": "[tool.ruff\0" + "\n" + "x" * 100_000,
            "go.mod": "go 1.22\nmodule x\n",
        }
    )
    assert found["Go"].version == "1.22"


def test_names_that_are_not_read_are_part_of_the_cache_key() -> None:
    assert isinstance(ENGINE, TreeKeyed)
    assert ENGINE.scope is Scope.TREE
    before = [Entry("src/a.py", "0" * 40, 1)]
    assert ENGINE.tree_key(before) == ENGINE.tree_key([Entry("src/a.py", "1" * 40, 9)])
    assert ENGINE.tree_key(before) == ENGINE.tree_key([*before, Entry("src/notes.unknown", "0" * 40, 1)])
    assert ENGINE.tree_key(before) != ENGINE.tree_key([*before, Entry("src/b.kt", "0" * 40, 1)])


def test_a_hundred_thousand_names_are_looked_at_in_a_second_or_two() -> None:
    entries = [Entry(f"src/module_{n % 300}/deep/file_{n}.py", "0" * 40, 10) for n in range(100_000)]
    started = time.process_time()
    ENGINE.tree_key(entries)
    assert time.process_time() - started < 3
