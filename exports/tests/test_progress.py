"""Progress tells how many findings were read, whichever way a format reads them."""

from __future__ import annotations

import pytest

from commandcenter.analysis.models import Analysis
from commandcenter.analysis.tests.factories import analyse, finding, make_repository, messages
from exports import counted
from exports.options import read
from exports.registry import FORMATS, format_named

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "cyclonedx"])
def test_findings_are_counted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counted, "EVERY", 10)
    made = analyse(make_repository(), messages([finding(f"f{n}") for n in range(35)]))
    analysis = Analysis.objects.with_results().select_related("repository", "project").get(pk=made.pk)
    source, told = counted.CountedSource(analysis), []
    source.tell = lambda: told.append(source.said)
    wanted = format_named(name)
    assert b"".join(wanted.write(source, read(wanted.info.options, {})))
    assert told == [f"{number} of 35 findings, " for number in (10, 20, 30)]
    assert source.share == 1.0
