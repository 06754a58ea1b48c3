"""Exports in the console: the list, one export, the menu on an analysis, and who may do what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from commandcenter.dashboard.tests.conftest import World, signed_in
from exports.models import Export
from exports.registry import FORMATS
from exports.tests.factories import export_of, finished, make_job, run_export
from jobs.cancellation import cancel
from jobs.models import Job

ACTIONS = ("again", "cancel", "delete")


@pytest.fixture(autouse=True)
def media(tmp_path: Path, settings: Any) -> Path:
    """A storage of the test's own."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def shown(client: Any, path: str, **query: Any) -> str:
    response = client.get(path, query)
    assert response.status_code == 200, path
    content: str = response.content.decode()
    return content


def test_the_list_shows_the_file_and_where_it_is_fetched(world: World) -> None:
    export = finished(world.analysis, name="sarif", given={"options": {"profile": "github"}})
    content = shown(signed_in(world.viewer), "/exports/")
    for words in ("SARIF 2.1.0 #", "Profile: github", "ledger", "Payments", export.sha256[:12], "Completed"):
        assert words in content
    assert f'data-copy="{export.sha256}"' in content
    assert f'href="/api/v1/exports/{export.pk}/download"' in content
    assert f"{export.expires_at:%Y-%m-%d}" in content


def test_a_waiting_export_says_why_and_a_failed_one_what_to_do(world: World) -> None:
    waiting = export_of(make_job(world.analysis))
    client = signed_in(world.operator)
    content = shown(client, "/exports/")
    assert "Queued" in content
    assert f'action="/exports/{waiting.pk}/cancel/"' in content
    assert f'action="/exports/{waiting.pk}/delete/"' not in content
    assert f'data-socket="/ws/jobs/{waiting.job_id}"' in shown(client, f"/exports/{waiting.pk}/")
    Job.objects.filter(pk=waiting.job_id or 0).delete()
    for path in ("/exports/", f"/exports/{waiting.pk}/"):
        content = shown(client, path)
        assert "Its job was deleted before it ended." in content
        assert "Export again." in content
        assert "data-socket" not in content


def test_the_list_is_narrowed_by_project_format_status_and_analysis(world: World) -> None:
    done = finished(world.analysis, name="csv")
    waiting = export_of(make_job(world.analysis))
    client = signed_in(world.viewer)

    def found(**query: Any) -> list[int]:
        return [row.pk for row in client.get("/exports/", query).context["page"].rows]

    assert found() == [waiting.pk, done.pk]
    assert found(status="completed") == found(format="csv") == [done.pk]
    assert found(project=world.project.pk, format="json") == [waiting.pk]
    assert found(project=world.project.pk + 1) == found(analysis=world.analysis.pk + 1) == []
    assert found(analysis=world.analysis.pk) == [waiting.pk, done.pk]
    counted = {value: count for value, _label, count in client.get("/exports/").context["counts"]}
    assert (counted["completed"], counted["queued"], counted["failed"]) == (1, 1, 0)
    assert "Choose another filter" in shown(client, "/exports/", status="failed")


@pytest.mark.parametrize("query", ["before=x", "project=%00", "format=no", "status=no", "analysis=-1"])
def test_filters_that_make_no_sense_do_no_harm(world: World, query: str) -> None:
    assert signed_in(world.viewer).get(f"/exports/?{query}").status_code == 200


def test_pages_go_by_key(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "commandcenter.dashboard.keyset.paginate.__kwdefaults__", {"size": 2, "ascending": False}
    )
    made = [export_of(make_job(world.analysis)).pk for _ in range(3)]
    client = signed_in(world.viewer)
    first = client.get("/exports/", {"format": "json"}).context["page"]
    assert [row.pk for row in first.rows] == made[:0:-1]
    onward = client.get(f"/exports/{first.next}").context["page"]
    assert ([row.pk for row in onward.rows], onward.next) == ([made[0]], None)


def test_without_exports_it_says_how_to_make_one(world: World) -> None:
    content = shown(signed_in(world.viewer), "/exports/")
    assert "Open an analysis, choose Export and a format" in content


def test_a_refresh_gets_the_rows_alone(world: World) -> None:
    content = signed_in(world.viewer).get("/exports/", HTTP_HX_REQUEST="true").content.decode()
    assert "<html" not in content
    assert "No exports yet" in content


def test_one_export_shows_its_analyses_options_and_file(world: World) -> None:
    export = finished(world.analysis, name="csv", given={"options": {"export_type": "findings"}})
    content = shown(signed_in(world.viewer), f"/exports/{export.pk}/")
    for words in (
        f'href="/analyses/{world.analysis.pk}/"', f'href="/jobs/{export.job_id}/"', "Export type", "findings",
        export.file_name, f"{export.bytes:,} bytes", "Download",
    ):  # fmt: skip
        assert words in content
    assert "In the zip" not in content
    assert signed_in(world.viewer).get(f"/exports/{export.pk}/members/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_zip_shows_what_its_manifest_says(world: World, media: Path) -> None:
    older = world.repository.analyses.exclude(pk=world.analysis.pk).get()
    client = signed_in(world.viewer)
    waiting = export_of(make_job(world.analysis, older))
    assert client.get(f"/exports/{waiting.pk}/members/").status_code == 204
    assert 'hx-trigger="live" data-live-every="3" hidden' in shown(client, f"/exports/{waiting.pk}/")
    cancel(Job.objects.get(export=waiting), None)
    assert client.get(f"/exports/{waiting.pk}/members/").content == b""
    export = run_export(world.analysis, older)
    assert "In the zip" in shown(client, f"/exports/{export.pk}/")
    content = shown(client, f"/exports/{export.pk}/members/")
    for analysis in (world.analysis, older):
        assert f'href="/analyses/{analysis.pk}/"' in content
    (media / export.artifact).unlink()
    assert "was removed from the storage" in shown(client, f"/exports/{export.pk}/members/")
    (media / export.artifact).write_bytes(b"PK no more")
    assert "The file is damaged" in shown(client, f"/exports/{export.pk}/members/")


def test_exports_of_other_projects_do_not_exist(world: World) -> None:
    export = finished(world.analysis)
    client = signed_in(world.stranger)
    assert "ledger" not in shown(client, "/exports/")
    for page in ("", "live/", "members/"):
        assert client.get(f"/exports/{export.pk}/{page}").status_code == 404
    for action in ACTIONS:
        assert client.post(f"/exports/{export.pk}/{action}/").status_code == 404
    assert client.post(f"/analyses/{world.analysis.pk}/export/", {"format": "json"}).status_code == 404
    assert Export.objects.count() == 1


def test_viewers_read_and_download_and_do_nothing_else(world: World) -> None:
    export = finished(world.analysis)
    client = signed_in(world.viewer)
    for path in ("/exports/", f"/exports/{export.pk}/"):
        content = shown(client, path)
        assert "/download" in content
        assert not any(f"/{action}/" in content for action in ACTIONS)
    for action in ACTIONS:
        assert client.post(f"/exports/{export.pk}/{action}/").status_code == 403
    assert "In the background" not in shown(client, f"/analyses/{world.analysis.pk}/")
    background = {"format": "json", "how": "background"}
    assert client.post(f"/analyses/{world.analysis.pk}/export/", background).status_code == 403


def test_operators_make_exports_again_cancel_and_delete_them(world: World) -> None:
    export = finished(world.analysis, name="csv", given={"options": {"bom": True}})
    client = signed_in(world.operator)
    response = client.post(f"/exports/{export.pk}/again/")
    more = export_of(Job.objects.latest("pk"))
    assert response.headers["Location"] == f"/exports/{more.pk}/"
    assert (more.format, more.options, more.created_by) == ("csv", export.options, world.operator)
    assert client.post(f"/exports/{more.pk}/delete/", follow=True).context["export"].pk == more.pk
    client.post(f"/exports/{more.pk}/cancel/")
    assert "so there is no file" in shown(client, f"/exports/{more.pk}/")
    for each in (more, export):
        assert client.post(f"/exports/{each.pk}/delete/").headers["Location"] == "/exports/"
    assert not Export.objects.exists()


def test_a_file_goes_with_its_export(
    world: World, media: Path, django_capture_on_commit_callbacks: Any
) -> None:
    export = finished(world.analysis)
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(world.operator).post(f"/exports/{export.pk}/delete/")
    assert not (media / export.artifact).exists()


def test_an_export_whose_analysis_is_gone_is_not_made_again(world: World) -> None:
    export = finished(world.analysis)
    Export.objects.filter(pk=export.pk).update(analyses=[world.analysis.pk + 1])
    client = signed_in(world.operator)
    content = client.post(f"/exports/{export.pk}/again/", follow=True).content.decode()
    assert f"The project has no analysis {world.analysis.pk + 1}." in content
    assert "a deleted analysis" in shown(client, "/exports/")


def test_the_menu_of_an_analysis_offers_every_format_with_its_options(world: World) -> None:
    content = shown(signed_in(world.operator), f"/analyses/{world.analysis.pk}/")
    for each in FORMATS.values():
        assert f'name="format" value="{each.info.id}"' in content
        assert each.info.name in content
        for option in each.info.options:
            assert f'id="{each.info.id}-{option.name}"' in content
    assert "In the background" in content


def test_the_menu_downloads_with_the_options_that_were_chosen(world: World) -> None:
    client, path = signed_in(world.viewer), f"/analyses/{world.analysis.pk}/export/"
    chosen = {"format": "csv", "how": "download", "option-export_type": "findings", "option-bom": "false"}
    address = f"/api/v1/export/{world.analysis.pk}/csv?export_type=findings"
    response = client.post(path, chosen)
    assert response.headers["Location"] == address
    assert client.get(address).headers["Content-Type"].startswith("text/csv")
    plain = client.post(path, {"format": "json", "how": "download"})
    assert plain.headers["Location"] == f"/api/v1/export/{world.analysis.pk}/json"


@pytest.mark.parametrize("how", ["download", "background"])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"format": "papyrus"}, "There is no format"),
        ({}, "There is no format"),
        ({"format": "csv", "option-export_type": "all"}, "Use one of: combined"),
        ({"format": "json", "option-colour": "red"}, "no such option"),
    ],
)
def test_what_the_menu_does_not_offer_is_refused_with_a_reason(
    world: World, how: str, given: dict[str, str], said: str
) -> None:
    path = f"/analyses/{world.analysis.pk}/export/"
    response = signed_in(world.operator).post(path, {**given, "how": how}, follow=True)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert not Export.objects.exists()


def test_the_menu_asks_for_an_export_in_the_background(world: World) -> None:
    client = signed_in(world.operator)
    given = {"format": "sarif", "how": "background", "option-profile": "github"}
    response = client.post(f"/analyses/{world.analysis.pk}/export/", given)
    export = Export.objects.get()
    assert response.headers["Location"] == f"/exports/{export.pk}/"
    assert (export.options, export.analyses) == ({"profile": "github"}, [world.analysis.pk])
    assert Job.objects.get(export=export).origin_kind == "page"


def test_the_number_of_queries_does_not_grow_with_the_rows(world: World) -> None:
    client = signed_in(world.operator)
    finished(world.analysis)
    make_job(world.analysis)

    def counted() -> int:
        client.get("/exports/")
        with CaptureQueriesContext(connection) as captured:
            client.get("/exports/")
        return len(captured)

    before = counted()
    for _ in range(3):
        make_job(world.analysis)
        finished(world.analysis)
        cancel(make_job(world.analysis), None)
    assert counted() == before
    assert before <= 14


@pytest.mark.parametrize(("page", "most"), [("", 11), ("live/", 11)])
def test_one_export_costs_few_queries(world: World, page: str, most: int) -> None:
    export = finished(world.analysis)
    client = signed_in(world.operator)
    with CaptureQueriesContext(connection) as captured:
        client.get(f"/exports/{export.pk}/{page}")
    assert len(captured) <= most


def test_a_project_is_exported_from_its_page(world: World) -> None:
    path = f"/projects/{world.project.pk}/export/"
    client = signed_in(world.operator)
    assert f'action="{path}"' in shown(client, f"/projects/{world.project.pk}/")
    response = client.post(path, {"format": "csv", "option-export_type": "findings"})
    export = Export.objects.get()
    assert response.headers["Location"] == f"/exports/{export.pk}/"
    assert (export.portfolio, export.analyses) == (True, [world.analysis.pk])
    assert "the latest of 1 repository" in shown(client, "/exports/")
    again = client.post(f"/exports/{export.pk}/again/")
    assert Export.objects.latest("pk").portfolio
    assert again.headers["Location"] != f"/exports/{export.pk}/"
    viewer = signed_in(world.viewer)
    assert f'action="{path}"' not in shown(viewer, f"/projects/{world.project.pk}/")
    assert viewer.post(path, {"format": "csv"}).status_code == 403
    assert signed_in(world.stranger).post(path, {"format": "csv"}).status_code == 404
