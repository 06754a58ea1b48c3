"""Exports of an analysis that the real engines made: valid, the same each time, and without any secret."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest

from commandcenter.analysis.tests import hostile
from commandcenter.analysis.tests.conftest import folders, git_repository  # noqa: F401
from commandcenter.analysis.tests.factories import make_repository
from commandcenter.analysis.tests.running import analysis_of, run
from exports.tests.conftest import COMMITTED
from exports.tests.test_cyclonedx import bom
from exports.tests.test_formats import document, export, sarif

pytestmark = [COMMITTED, pytest.mark.usefixtures("folders")]

VOLATILE = frozenset({"startTimeUtc", "endTimeUtc", "guid", "baselineGuid", "id", "analysis"})


def lasting(value: Any) -> Any:
    """A document without times and without what names the run itself."""
    if isinstance(value, dict):
        return {key: lasting(inner) for key, inner in value.items() if key not in VOLATILE}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


@pytest.fixture
def repository(git_repository: Any) -> Any:  # noqa: F811
    folder = git_repository.folder
    folder.joinpath("b a#d%.py").write_text(hostile.BAD)
    git_repository.commit({"key.py": f"k\u00e9y = 1\n\u00e9 = 1; {hostile.SECRET}"})
    return make_repository(source=str(folder))


def test_sarif_of_a_real_analysis_is_valid_and_does_not_depend_on_the_run(repository: Any) -> None:
    run(repository)  # the first one has nothing to compare with
    documents = [sarif(analysis_of(run(repository, force=force))) for force in (False, True, True)]
    assert len({json.dumps(lasting(document)) for document in documents}) == 1
    runs = {one["tool"]["driver"]["name"]: one for one in documents[0]["runs"]}
    assert set(runs) == {"secrets", "ruff", "astgrep", "zizmor", "hadolint", "shellcheck"}
    assert {result["baselineState"] for one in runs.values() for result in one["results"]} == {"unchanged"}


WIDE = "\U0001f600\u00e9\t"  # two bytes or more, two UTF-16 units, and what some count as eight
MARKED = {
    "src/wide.py": f"x = '{WIDE}'; y = eval(text)\n",
    "run.sh": f"#!/bin/sh\nx='{WIDE}'; cd $y\n",
    "Dockerfile": f"FROM debian:latest\nRUN echo '{WIDE}'; sudo id\n",
    "a.js": f"var x = '{WIDE}'; eval(y);\n",
    ".github/workflows/a.yml": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
    f"      - run: echo '{WIDE.strip()}' ${{{{ github.event.head_commit.message }}}}\n",
}


def test_columns_count_characters_for_every_engine(git_repository: Any) -> None:  # noqa: F811
    git_repository.commit({"key.py": f"k\u00e9y = 1\nx = '{WIDE}'; {hostile.SECRET}", **MARKED})
    marked: dict[str, set[str]] = {}
    log = sarif(analysis_of(run(make_repository(source=str(git_repository.folder)))))
    found = [(one["tool"]["driver"]["name"], each) for one in log["runs"] for each in one["results"]]
    for engine, result in found:
        place = result["locations"][0]["physicalLocation"]
        region = place["region"]
        if "endColumn" not in region or region["startLine"] != region["endLine"]:
            continue
        text = git_repository.folder.joinpath(place["artifactLocation"]["uri"]).read_text()
        line = text.split("\n")[region["startLine"] - 1]
        words = line[region["startColumn"] - 1 : region["endColumn"] - 1]
        marked.setdefault(engine, set()).add(words)
    assert hostile.TOKEN in marked["secrets"]
    assert "eval(text)" in marked["ruff"]
    assert "eval(y)" in marked["astgrep"]
    assert "github.event.head_commit.message" in marked["zizmor"]
    assert "cd $y" in marked["shellcheck"]
    assert "hadolint" not in marked  # it gives lines only


def cells_of(analysis: Any) -> str:
    """Everything that a workbook holds, unpacked."""
    with zipfile.ZipFile(io.BytesIO(export(analysis, "excel"))) as book:
        return b"".join(map(book.read, book.namelist())).decode()


def test_no_export_holds_a_secret(repository: Any) -> None:
    analysis = analysis_of(run(repository))
    assert document(analysis)
    assert hostile.TOKEN not in cells_of(analysis)
    assert bom(analysis)["metadata"]["component"]["version"] == analysis.commit
    for name in ("sarif", "json", "csv", "cyclonedx", "markdown"):
        assert hostile.TOKEN.encode() not in export(analysis, name)


def test_a_folder_that_has_no_history_is_no_failed_run(folders: Any) -> None:  # noqa: F811
    folder = hostile.write(folders / "sources" / "plain", {"a.py": hostile.BAD})
    made = sarif(analysis_of(run(make_repository(source=str(folder)))))
    assert [one["tool"]["driver"]["name"] for one in made["runs"]] == [
        "secrets",
        "ruff",
        "astgrep",
        "zizmor",
        "hadolint",
        "shellcheck",
    ]
    assert all(one["invocations"][0]["executionSuccessful"] for one in made["runs"])
