"""Pages by key neither lose nor repeat a row, in both directions."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from commandcenter.dashboard.keyset import paginate
from commandcenter.inventory.models import Project
from commandcenter.inventory.tests.factories import make_project


@pytest.mark.django_db
@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("count", [0, 1, 3, 7])
def test_walking_there_and_back_meets_every_row_once(count: int, ascending: bool) -> None:
    made = [make_project().pk for _ in range(count)]
    expected = sorted(made, reverse=not ascending)

    def page(query: str):
        request = RequestFactory().get(f"/{query}")
        return paginate(request, Project.objects.all(), size=3, ascending=ascending)

    seen, pages = [], [page("")]
    while pages[-1].next:
        pages.append(page(pages[-1].next))
    for each in pages:
        seen += [row.pk for row in each.rows]
    assert seen == expected
    back = pages[-1]
    for earlier in reversed(pages[:-1]):
        assert back.previous
        back = page(back.previous)
        assert [row.pk for row in back.rows] == [row.pk for row in earlier.rows]
    assert back.previous is None


@pytest.mark.django_db
def test_links_keep_the_filters() -> None:
    for _ in range(4):
        make_project()
    request = RequestFactory().get("/?q=a%26b&before=999999")
    page = paginate(request, Project.objects.all(), size=3)
    assert page.next
    assert page.next.startswith("?q=a%26b&before=")
