"""The manifests engine: what it selects, what it yields, what a broken file does to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import orjson

from commandcenter.engine.contract.engines import Context, Engine, Scope
from commandcenter.engine.contract.facts import Dependency
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.manifests import ENGINE


@dataclass
class Run:
    """The part of a run that this engine looks at."""

    messages: list[str] = field(default_factory=list)

    def log(self, level: str, message: str) -> None:
        self.messages.append(message)


def blob(path: str, text: str) -> Blob:
    return Blob(Entry(path, path.encode().hex()[:40], len(text)), text.encode())


def test_it_is_an_engine_over_the_whole_tree() -> None:
    engine: Engine = ENGINE
    assert (engine.id, engine.scope, engine.unavailable(), list(engine.rules())) == (
        "manifests",
        Scope.TREE,
        None,
        [],
    )


def test_it_selects_manifests_outside_of_vendored_folders() -> None:
    paths = [
        "go.mod",
        "a/b/Cargo.lock",
        "vendor/x/go.mod",
        "src/main.go",
        "node_modules/a/package.json",
        "README.md",
    ]
    assert [path for path in paths if ENGINE.select(Entry(path, "0" * 40, 1))] == ["go.mod", "a/b/Cargo.lock"]


def test_the_place_of_a_manifest_is_part_of_its_meaning() -> None:
    assert ENGINE.path_class(Entry("a/go.mod", "0" * 40, 1)) != ENGINE.path_class(
        Entry("b/go.mod", "0" * 40, 1)
    )


def test_it_yields_dependencies_and_failures_that_serialise() -> None:
    run = Run()
    batch = [blob("requirements.txt", "django==5.2\n"), blob("pom.xml", "<project>")]
    results = list(ENGINE.run(batch, cast("Context", run)))
    assert [type(result) for result in results] == [Dependency, Failure]
    assert orjson.loads(orjson.dumps(results[0]))["purl"] == "pkg:pypi/django@5.2"
    assert run.messages == ["1 dependencies in 2 files"]


def test_the_answer_does_not_depend_on_the_order_of_the_blobs() -> None:
    batch = [blob("requirements.txt", "b\na\n"), blob("go.mod", "module x\nrequire example.org/y v1.0.0\n")]
    assert list(ENGINE.run(batch, cast("Context", Run()))) == list(
        ENGINE.run(batch[::-1], cast("Context", Run()))
    )


def test_a_tree_without_manifests_has_no_dependencies() -> None:
    assert list(ENGINE.run([], cast("Context", Run()))) == []
