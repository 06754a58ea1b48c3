"""Questions over thousands of repositories read through indexes, whatever else the tables hold."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from commandcenter.analysis.models import Finding, Standing
from commandcenter.analysis.portfolio import standings
from commandcenter.analysis.portfolio.uses import current_uses, of_package, versions
from commandcenter.analysis.tests.factories import analyse, dependency_row, finding, make_repository, messages
from commandcenter.inventory.models import Project

pytestmark = pytest.mark.django_db

REPOSITORIES = 1_500
SETS = 3  # of each, of which the last is the current one


def execute(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments or None)
        return cursor.fetchall() if cursor.description else []


def columns(table: str, *without: str) -> list[str]:
    rows = execute("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)
    return [name for (name,) in rows if name not in {"id", *without}]


def copied(table: str, source: str, fields: dict[str, str], joined: str) -> None:
    """Copy one row of a table for each row of a join, with some columns of the join's own."""
    rest = columns(table, *fields)
    execute(
        f"INSERT INTO {table} ({', '.join([*fields, *rest])}) "
        f"SELECT {', '.join([*fields.values(), *(f'o.{name}' for name in rest)])} FROM {table} o, {joined} WHERE {source}"
    )


@pytest.fixture
def portfolio(db: None) -> Project:
    """Repositories with three result sets each, a popular and many rare packages, and two findings."""
    first = make_repository(name="r0")
    said = messages([finding("a"), finding("b", severity="low")], dependencies=[dependency_row("seed")])
    analysis = analyse(first, said)
    copied(
        "inventory_repository",
        f"o.id = {first.pk}",
        {"name": "'r' || n", "source": "'https://git.example.com/r' || n"},
        f"generate_series(1, {REPOSITORIES - 1}) n",
    )
    others = f"(SELECT id AS repository FROM inventory_repository WHERE id <> {first.pk}) r"
    copied(
        "analysis_branchline",
        f"o.repository_id = {first.pk}",
        {"repository_id": "r.repository", "latest_id": "NULL", "baseline_id": "NULL"},
        others,
    )
    copied(
        "analysis_resultset",
        f"o.id = {analysis.result_set_id}",
        {"repository_id": "r.repository", "key": "'k' || n"},
        f"{others}, generate_series(1, {SETS}) n",
    )
    copied(
        "analysis_analysis",
        f"o.id = {analysis.pk} AND s.key = 'k{SETS}'",
        {
            "repository_id": "s.repository_id",
            "result_set_id": "s.id",
            "branch_line_id": "l.id",
            "job_id": "NULL",
        },
        "analysis_resultset s JOIN analysis_branchline l ON l.repository_id = s.repository_id",
    )
    execute(
        "UPDATE analysis_branchline l SET latest_id = a.id, baseline_id = a.id"
        " FROM analysis_analysis a WHERE a.branch_line_id = l.id"
    )
    copied(
        "analysis_finding",
        f"o.repository_id = {first.pk} AND l.repository_id <> {first.pk}",
        {"repository_id": "l.repository_id", "branch_line_id": "l.id"},
        "analysis_branchline l",
    )
    for name, version, share in (
        ("popular", "'1.' || s.id % 7", "true"),
        ("rare", "'2.0'", "s.id % 400 = 0"),
    ):
        copied(
            "analysis_dependency",
            f"o.name = 'seed' AND {share}",
            {
                "result_set_id": "s.id",
                "name": f"'{name}'",
                "version": version,
                "purl": f"'pkg:pypi/{name}@' || {version}",
            },
            "analysis_resultset s",
        )
    for number in range(12):  # what else there is
        copied(
            "analysis_dependency",
            "o.name = 'seed'",
            {
                "result_set_id": "s.id",
                "name": f"'other{number}-' || s.id % 50",
                "purl": f"'pkg:pypi/o{number}'",
            },
            "analysis_resultset s",
        )
    execute("ANALYZE")
    return first.project


def plan(queryset: QuerySet[Any]) -> str:
    return queryset.explain(analyze=True, buffers=True, verbose=False)


def scans(text: str) -> set[str]:
    """Return the tables that were read as a whole."""
    return set(re.findall(r"Seq Scan on (\w+)", text))


def test_who_uses_a_package_reads_its_index_and_counts_only_what_is_current(portfolio: Project) -> None:
    everything = Project.objects.all()
    popular = of_package(current_uses(everything), "popular")
    spread = versions(popular)
    assert sum(use["repositories"] for use in spread) == REPOSITORIES
    assert {use["version"] for use in spread} == {f"1.{n}" for n in range(7)}
    for package in ("rare", "pkg:pypi/rare", "pkg:pypi/rare@2.0", "popular"):
        text = plan(of_package(current_uses(everything), package).order_by("-pk")[:100])
        assert "analysis_dependency" not in scans(text), text


def test_the_portfolio_page_is_read_from_its_index(portfolio: Project) -> None:
    assert standings.refresh_all(seconds=60) == REPOSITORIES
    assert standings.refresh_all(seconds=60) == 0
    execute("ANALYZE")
    page = Standing.objects.select_related("repository").order_by("-attention", "-repository_id")[:51]
    text = plan(page)
    assert "analysis_standing" not in scans(text), text
    assert "Sort" not in text, text


def test_findings_over_the_portfolio_are_read_in_the_order_of_the_list(portfolio: Project) -> None:
    found = Finding.objects.all().on_default_branches().open().unsuppressed()
    text = plan(found.select_related("rule", "repository").order_by("-pk")[:101])
    assert "analysis_finding" not in scans(text), text
    removed = sum(int(count) for count in re.findall(r"Rows Removed by Filter: (\d+)", text))
    assert removed < 1_000, text
