"""CycloneDX: strictly valid, each package once, nothing claimed that is not known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.spdx import is_supported_id
from cyclonedx.validation.json import JsonStrictValidator
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.licenses._spdx import LICENSES

from commandcenter.advisories.importing import import_dump
from commandcenter.advisories.matching import match_stale
from commandcenter.advisories.models import Advisory
from commandcenter.advisories.tests.corpus import affected, record, since, write_zip
from commandcenter.analysis.licensing.named import is_id
from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import (
    analyse,
    dependency_row,
    finding,
    license_row,
    make_repository,
    messages,
)
from exports.formats import cyclonedx
from exports.formats.cyclonedx_parts import repository_purl
from exports.registry import ExportSource
from exports.tests.small import compare, small
from exports.tests.test_formats import HOSTILE, export

pytestmark = pytest.mark.django_db
VALIDATOR = JsonStrictValidator(SchemaVersion.V1_6)


def bom(analysis: Any) -> Any:
    """The document, which the library finds valid and can read, with unique references."""
    written = export(analysis, "cyclonedx").decode()
    error = VALIDATOR.validate_str(written)
    assert error is None, str(error)
    document = json.loads(written)
    assert Bom.from_json(document) is not None  # type: ignore[attr-defined]  # made by a decorator
    refs = [each["bom-ref"] for each in document["components"]]
    assert len(set(refs)) == len(refs)
    known = {*refs, document["metadata"]["component"]["bom-ref"]}
    assert len(known) == len(refs) + 1
    (graph,) = document["dependencies"]
    assert {graph["ref"], *graph["dependsOn"]} <= known
    for problem in document["vulnerabilities"]:
        assert {each["ref"] for each in problem["affects"]} <= known
    return document


def told(thing: Any) -> dict[str, str]:
    """Our properties."""
    return {each["name"].removeprefix("commandcenter:"): each["value"] for each in thing["properties"]}


def component(document: Any, name: str) -> Any:
    (found,) = [each for each in document["components"] if each["name"] == name]
    return found


@pytest.fixture
def repository() -> Any:
    return make_repository(source="https://ada:s3cret@git.example.com/team/billing.git")


def with_dependencies(repository: Any, *rows: dict[str, Any], **fields: Any) -> Any:
    return analyse(repository, messages([], dependencies=rows, **fields))


def test_a_small_analysis_is_written_as_it_was(tmp_path: Path) -> None:
    document = bom(small(tmp_path))
    document["metadata"]["tools"]["components"][0]["version"] = document["serialNumber"] = "*"
    compare("cyclonedx", "small.cdx.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def test_it_says_what_was_analysed_by_whom_and_when(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    written = export(analysis, "cyclonedx")
    assert b"s3cret" not in written
    head = json.loads(written)["metadata"]
    assert head["timestamp"] == "2026-05-06T07:08:09.250000Z"
    assert head["tools"]["components"][0]["name"] == "Command Center"
    root = head["component"]
    assert (root["name"], root["version"]) == ("billing", analysis.commit)
    assert root["externalReferences"] == [{"type": "vcs", "url": "https://git.example.com/team/billing.git"}]
    assert told(head)["database_as_of"] == "2026-03-01T00:00:00Z"
    assert told(head)["engine:secrets"] == "partial: secrets did not end well."


def test_equal_documents_have_one_serial_number_and_others_another(repository: Any) -> None:
    first, second = (with_dependencies(repository, dependency_row("pen")) for _ in range(2))
    numbers = [bom(each)["serialNumber"] for each in (first, first, second)]
    assert numbers[0] == numbers[1] != numbers[2]


def test_what_became_known_since_makes_it_another_document(tmp_path: Path) -> None:
    """Who keeps bills of materials by their numbers must not take the later one for the earlier."""
    analysis = small(tmp_path)
    before = bom(analysis)
    import_dump(
        write_zip(tmp_path / "next.zip", [record("GHSA-cap", affected("PyPI", "cap", *since("0", "9")))])
    )
    match_stale(seconds=10)
    after = bom(analysis)
    assert len(after["vulnerabilities"]) == len(before["vulnerabilities"]) + 1
    assert after["serialNumber"] != before["serialNumber"]
    assert after["version"] == before["version"] == 1


def test_an_engine_that_gave_no_reason_has_none(repository: Any) -> None:
    analysis = with_dependencies(repository, engines={"manifests": "ok", "secrets": "failed"})
    assert analysis.result_set is not None
    for report in analysis.result_set.engines:
        report["detail"] = None
    analysis.result_set.save()
    assert told(bom(analysis)["metadata"])["engine:secrets"] == "failed"


@pytest.mark.parametrize(
    "address",
    [
        "https://a.example/%zz", "https://a.example/a[b]", "https://a.example/#a#b", "https://a.example/\ue000",
        "https://a.example:port/", "https://[::1/", "https://a^b.example/", "https://a.example/100%",
        "https://a.example/?a=%", "https://u:p@a.example/",
    ],
)  # fmt: skip
def test_an_address_that_is_none_does_not_spoil_the_document(tmp_path: Path, address: str) -> None:
    analysis = small(tmp_path)
    Advisory.objects.update(url=address)
    type(analysis.repository).objects.filter(pk=analysis.repository_id).update(source=address)
    document = bom(analysis)
    assert all(each["source"] == {"name": "OSV"} for each in document["vulnerabilities"])


def test_a_package_of_several_lock_files_is_one_component_with_its_places(repository: Any) -> None:
    analysis = with_dependencies(
        repository,
        dependency_row("pen", scope="development", direct=None, path="a/requirements.txt", line=None),
        dependency_row("pen", scope="optional", direct=True, path="b/requirements.txt", line=7),
        dependency_row("pen", "2.0.0", path="c/requirements.txt"),
    )
    document = bom(analysis)
    assert [each["bom-ref"] for each in document["components"]] == [
        "pkg:pypi/pen@1.0.0",
        "pkg:pypi/pen@2.0.0",
    ]
    once = document["components"][0]
    assert once["evidence"]["occurrences"] == [
        {"location": "a/requirements.txt"},
        {"location": "b/requirements.txt", "line": 7},
    ]
    assert once["scope"] == "optional"
    assert told(once) == {
        "direct": "true",
        "scope": "development, optional",
        "requirement": "==1.0.0",
        "manifest": "a/requirements.txt",
    }
    assert document["dependencies"][0]["dependsOn"] == ["pkg:pypi/pen@1.0.0", "pkg:pypi/pen@2.0.0"]


def test_places_beyond_a_hundred_are_counted(repository: Any) -> None:
    rows = [dependency_row("pen", path=f"{number:03}/requirements.txt") for number in range(103)]
    (once,) = bom(with_dependencies(repository, *rows))["components"]
    assert len(once["evidence"]["occurrences"]) == 100
    assert told(once)["uses"] == "103"


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("runtime", "required"),
        ("peer", "required"),
        ("optional", "optional"),
        ("development", "excluded"),
        ("build", "excluded"),
    ],
)
def test_scopes(repository: Any, scope: str, expected: str) -> None:
    (only,) = bom(with_dependencies(repository, dependency_row("pen", scope=scope)))["components"]
    assert only["scope"] == expected


def test_names_with_a_group_and_images(repository: Any) -> None:
    document = bom(
        with_dependencies(
            repository,
            dependency_row("@scope/kit", purl="pkg:npm/%40scope/kit@1.0.0", ecosystem="npm"),
            dependency_row("org.example:ink", purl="pkg:maven/org.example/ink@1.0.0", ecosystem="maven"),
            dependency_row("library/postgres", purl="pkg:docker/library/postgres@17", ecosystem="docker"),
        )
    )
    assert component(document, "kit")["group"] == "@scope"
    assert component(document, "ink")["group"] == "org.example"
    assert component(document, "library/postgres")["type"] == "container"


def test_the_composition_is_incomplete_where_something_is_unresolved(repository: Any) -> None:
    def aggregate(*rows: dict[str, Any], **fields: Any) -> str:
        (only,) = bom(with_dependencies(repository, *rows, **fields))["compositions"]
        assert only["dependencies"] == ["repository"]
        return str(only["aggregate"])

    assert aggregate(dependency_row("pen")) == "unknown"  # never complete: nobody reads every manifest
    assert aggregate(dependency_row("pen"), dependency_row("ink", None)) == "incomplete"
    assert aggregate(dependency_row("pen", direct=None)) == "incomplete"
    assert aggregate(dependency_row("pen"), engines={"manifests": "partial", "ruff": "ok"}) == "incomplete"


def test_vulnerabilities_name_the_packages_ratings_and_the_date_of_the_database(tmp_path: Path) -> None:
    document = bom(small(tmp_path))
    pen, nib = sorted(document["vulnerabilities"], key=lambda each: each["ratings"][0]["score"])
    assert (pen["id"], nib["id"]) == ("GHSA-pen", "GHSA-nib")
    assert pen["affects"] == [
        {"ref": "pkg:pypi/pen@1.0.0", "versions": [{"version": "1.0.0", "status": "affected"}]}
    ]
    rating = pen["ratings"][0]
    assert (rating["severity"], rating["score"], rating["method"]) == ("high", 7.5, "CVSSv31")
    assert rating["vector"] == "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N"
    assert pen["references"] == [{"id": "CVE-1", "source": {"name": "CVE"}}]
    assert pen["recommendation"] == "Fixed in 1.2."
    assert "recommendation" not in nib
    assert told(pen) == {"database_as_of": "2026-03-01T00:00:00Z"}


def test_vulnerabilities_are_those_of_the_other_formats(tmp_path: Path) -> None:
    analysis = small(tmp_path)
    by_json = {
        (row["purl"], known["id"], tuple(known["aliases"]), known["severity"])
        for row in json.loads(export(analysis, "json"))["dependencies"]
        for known in row["vulnerabilities"] or []
    }
    by_bom = {
        (
            hit["ref"],
            each["id"],
            tuple(name["id"] for name in each.get("references", [])),
            each["ratings"][0]["severity"],
        )
        for each in bom(analysis)["vulnerabilities"]
        for hit in each["affects"]
    }
    assert by_bom == by_json


def test_licences_are_those_of_the_repository(repository: Any) -> None:
    engines = {"licenses": "ok", "manifests": "ok"}
    header = license_row("BSD-3-Clause", "a.py", source="header")
    vendored = license_row("GPL-3.0-only", "vendor/x/LICENSE", place="vendored")
    one = with_dependencies(
        repository, licenses=[license_row("MIT"), license_row(None), header, vendored], engines=engines
    )
    assert bom(one)["metadata"]["component"]["licenses"] == [
        {"license": {"id": "MIT", "acknowledgement": "concluded"}}
    ]
    named = license_row("Apache-2.0 OR MIT", "pyproject.toml", source="metadata")
    two = with_dependencies(repository, licenses=[license_row("MIT"), named], engines=engines)
    assert bom(two)["metadata"]["component"]["licenses"] == [
        {"license": {"id": "MIT", "acknowledgement": "concluded"}},
        {"license": {"name": "Apache-2.0 OR MIT", "acknowledgement": "declared"}},
    ]
    choice = with_dependencies(repository, licenses=[named], engines=engines)
    assert bom(choice)["metadata"]["component"]["licenses"] == [
        {"expression": "Apache-2.0 OR MIT", "acknowledgement": "declared"}
    ]
    both = with_dependencies(
        repository,
        licenses=[license_row("MIT"), license_row("MIT", "pyproject.toml", source="metadata")],
        engines=engines,
    )
    assert bom(both)["metadata"]["component"]["licenses"] == [
        {"license": {"id": "MIT", "acknowledgement": "declared"}}
    ]
    odd = ["GPL-2.0+", "LicenseRef-Ours", "GPL-2.0-only WITH Classpath-exception-2.0", "Zlib"]
    several = with_dependencies(repository, licenses=[license_row(spdx) for spdx in odd], engines=engines)
    said = [each["license"] for each in bom(several)["metadata"]["component"]["licenses"]]
    assert [each.get("name") for each in said] == [*odd[:3], None]
    assert said[3]["id"] == "Zlib"


def test_every_licence_that_we_take_for_one_of_the_list_is_on_that_of_the_format() -> None:
    """The lists come with different libraries, and an id that the schema does not have makes a document invalid."""
    ours = {entry["id"] for entry in LICENSES.values()}
    assert len(ours) > 500
    assert [spdx for spdx in ours if is_id(spdx) and not is_supported_id(spdx)] == []


def test_an_analysis_without_dependencies_is_a_whole_document() -> None:
    document = bom(analyse(make_repository(source="/srv/code"), messages([finding("a")])))
    assert document["components"] == document["vulnerabilities"] == []
    assert document["dependencies"] == [{"ref": "repository", "dependsOn": []}]
    assert "purl" not in document["metadata"]["component"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://github.com/Team/Billing.git", "pkg:github/team/billing@c0ffee"),
        ("git@github.com:Team/Billing.git", "pkg:github/team/billing@c0ffee"),
        (
            "https://git.example.com/team/a%20b.git",
            "pkg:generic/a%20b@c0ffee?vcs_url=git%2Bhttps%3A%2F%2Fgit.example.com%2Fteam%2Fa%2520b.git%40c0ffee",
        ),
        ("https://git.example.com/", None),
        ("/srv/git/a.git", None),
    ],
)
def test_package_urls_of_repositories(source: str, expected: str | None) -> None:
    assert repository_purl(source, "c0ffee") == expected


def test_many_packages_are_written_in_pages_of_constant_cost(repository: Any) -> None:
    def queries(rows: list[dict[str, Any]]) -> int:
        analysis = with_dependencies(repository, *rows)
        with CaptureQueriesContext(connection) as captured:
            document = json.loads(export(analysis, "cyclonedx"))
        assert {each["purl"] for each in document["components"]} == {row["purl"] for row in rows}
        assert len(document["dependencies"][0]["dependsOn"]) == len(document["components"]) == len(rows)
        return len(captured)

    few, many = ([dependency_row(f"p{n}") for n in range(count)] for count in (3, 2500))
    assert queries(many) - queries(few) == 2  # two pages more of the packages
    analysis = Analysis.objects.with_results().select_related("repository", "project").latest("pk")
    pieces = list(cyclonedx.CycloneDx().write(ExportSource(analysis), {}))
    assert max(map(len, pieces)) < 80_000


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=40)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(name=TEXT, version=TEXT, path=TEXT, repository_name=TEXT)
def test_hostile_strings_come_back_as_they_were(
    name: str, version: str, path: str, repository_name: str
) -> None:
    repository = make_repository(source=f"https://git.example.com/{HOSTILE}/x y")
    type(repository).objects.filter(pk=repository.pk).update(name=repository_name)
    rows = [
        dependency_row(name, version, path=path, requirement=version, purl="pkg:pypi/a@1"),
        dependency_row(name, version, path=HOSTILE, purl="pkg:pypi/b@1"),
    ]
    document = bom(with_dependencies(repository, *rows))
    assert document["metadata"]["component"]["name"] == repository_name
    first, second = document["components"]
    assert (first["name"], first["version"]) == (name, version)
    assert first["evidence"]["occurrences"][0]["location"] == path
    assert second["evidence"]["occurrences"][0]["location"] == HOSTILE
