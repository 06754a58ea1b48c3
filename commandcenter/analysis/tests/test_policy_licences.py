"""How policies judge licences: expressions, families, what is not known, and lists with slips in them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.analysis.policy.conditions import InvalidConditions, read
from commandcenter.analysis.tests.factories import analyse, license_row, make_repository, messages
from commandcenter.analysis.tests.test_policy_verdicts import demand, verdict

RAN = {"licenses": "ok"}


def judged(denied: list[str], *rows: dict[str, Any], engines: dict[str, str] = RAN) -> dict[str, Any]:
    """Give the one result of a policy that denies these licences."""
    repository = make_repository()
    demand(repository, {"metric": "denied_licences", "licences": denied, "at_most": 0})
    (result,) = verdict(analyse(repository, messages(licenses=rows, engines=engines))).results
    found: dict[str, Any] = result
    return found


@pytest.mark.parametrize(
    ("denied", "seen", "status"),
    [
        # one licence, however it is spelled
        (["GPL-3.0-only"], "GPL-3.0-only", "failed"),
        (["gpl-3.0-ONLY"], "GPL-3.0-only", "failed"),
        (["GPL-3.0-only"], "LGPL-3.0-only", "passed"),
        (["GPL-2.0-only"], "GPL-3.0-only", "passed"),
        # a family
        (["GPL-3.0"], "GPL-3.0-only", "failed"),
        (["GPL-3.0"], "GPL-3.0-or-later", "failed"),
        (["GPL-3.0-only"], "GPL-3.0", "failed"),
        (["GPL-3.0-only"], "GPL-3.0-or-later", "passed"),
        (["GPL-3.0-or-later"], "GPL-3.0-only", "passed"),
        (["GPL-2.0-or-later"], "GPL-2.0+", "failed"),
        (["Apache-2.0"], "Apache-2.0+", "failed"),
        # OR can be met by the other part, AND cannot
        (["GPL-2.0"], "MIT OR GPL-2.0-only", "passed"),
        (["GPL-2.0", "MIT"], "MIT OR GPL-2.0-only", "failed"),
        (["GPL-2.0"], "MIT AND GPL-2.0-only", "failed"),
        (["GPL-2.0"], "MIT AND (GPL-2.0-only OR ISC)", "passed"),
        (["GPL-2.0"], "MIT OR ISC AND GPL-2.0-only", "passed"),
        # with an exception it is a licence of its own
        (["GPL-2.0"], "GPL-2.0-only WITH Classpath-exception-2.0", "passed"),
        (["GPL-2.0 WITH Classpath-exception-2.0"], "GPL-2.0-only WITH Classpath-exception-2.0", "failed"),
        (["LicenseRef-Ours"], "LicenseRef-Ours", "failed"),
        (["LicenseRef-Ours"], "LicenseRef-Theirs", "passed"),
    ],
)
@pytest.mark.django_db
def test_an_expression_is_denied_when_it_cannot_be_met_without_the_list(
    denied: list[str], seen: str, status: str
) -> None:
    assert judged(denied, license_row(seen))["status"] == status


@pytest.mark.django_db
def test_different_licences_count_once_each_with_their_places() -> None:
    result = judged(
        ["GPL-3.0", "AGPL-3.0"],
        license_row("MIT"),
        license_row("GPL-3.0", "vendor/b/COPYING", place="vendored"),
        license_row("GPL-3.0", "vendor/a/COPYING", place="vendored"),
        license_row("AGPL-3.0-or-later", "lib/x/package.json", place="package", source="metadata"),
        license_row("AGPL-3.0-only", "src/a.c", source="header", files=9),
    )
    assert (result["status"], result["value"]) == ("failed", 3)
    assert "GPL-3.0 in vendor/a/COPYING and 1 more" in result["detail"]
    assert result["evidence"].endswith("/licenses/")


@pytest.mark.django_db
def test_what_is_not_known_leaves_it_unknown_only_where_nothing_denied_was_found() -> None:
    unknown = license_row(None, "vendor/x/LICENSE", place="vendored")
    left = judged(["GPL-3.0"], license_row("MIT"), unknown)
    assert (left["status"], left["value"]) == ("unknown", 0)
    assert "1 texts or names are of no known licence." in left["detail"]
    assert judged(["GPL-3.0"], license_row("GPL-3.0"), unknown)["status"] == "failed"


@pytest.mark.django_db
def test_an_engine_that_did_not_run_or_end_well_proves_nothing() -> None:
    absent = judged(["GPL-3.0"], license_row("MIT"), engines={"ruff": "ok"})
    assert (absent["status"], absent["value"]) == ("unknown", None)
    assert judged(["GPL-3.0"], license_row("MIT"), engines={"licenses": "failed"})["status"] == "unknown"
    assert judged(["GPL-3.0"], license_row("GPL-3.0"), engines={"licenses": "partial"})["status"] == "failed"
    assert judged(["GPL-3.0"])["status"] == "passed"


@pytest.mark.django_db
def test_unknown_licences_are_counted_by_a_metric_of_their_own() -> None:
    repository = make_repository()
    demand(repository, {"metric": "unknown_licences", "at_most": 0})
    known = verdict(analyse(repository, messages(licenses=[license_row("MIT")], engines=RAN)))
    assert known.status == "passed"
    rows = [license_row("MIT"), license_row(None, "b/LICENSE"), license_row(None, "a/LICENSE")]
    (result,) = verdict(analyse(repository, messages(licenses=rows, engines=RAN))).results
    assert (result["status"], result["value"]) == ("failed", 2)
    assert "a/LICENSE" in result["detail"]


@pytest.mark.parametrize(
    "item", ["GPLv3", "GPL", "MIT OR ISC", "MIT AND ISC", "(", "MIT WITH", "not a licence"]
)
def test_a_list_that_could_match_nothing_is_refused(item: str) -> None:
    with pytest.raises(InvalidConditions) as refused:
        read([{"metric": "denied_licences", "licences": ["MIT", item], "at_most": 0}])
    (error,) = refused.value.errors
    assert (error.field, error.code) == ("0.licences", "invalid_choice")
    assert item in error.message


@pytest.mark.django_db
def test_all_conditions_on_licences_cost_one_query() -> None:
    def cost(*conditions: dict[str, Any]) -> int:
        repository = make_repository()
        demand(repository, *conditions)
        said = messages(licenses=[license_row("MIT"), license_row("GPL-3.0", "b/COPYING")], engines=RAN)
        with CaptureQueriesContext(connection) as queries:
            analyse(repository, said)
        return sum("licenseuse" in query["sql"] and "SELECT" in query["sql"] for query in queries)

    denied = {"metric": "denied_licences", "licences": ["GPL-2.0"], "at_most": 0}
    assert cost({"metric": "findings", "at_most": 0}) == 0
    assert cost(denied, {**denied, "licences": ["MIT"]}, {"metric": "unknown_licences", "at_most": 0}) == 1
