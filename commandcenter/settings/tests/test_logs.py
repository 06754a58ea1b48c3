"""What logs do not say."""

from __future__ import annotations

from commandcenter.settings.logs import without_links


def test_the_signature_of_a_download_link_is_not_logged() -> None:
    entry = {"request": "GET /api/v1/exports/links/eyJl.abc:def_-?x=1", "path": "/api/v1/exports/7"}
    assert without_links(None, "warning", entry) == {
        "request": "GET /api/v1/exports/links/***?x=1",
        "path": "/api/v1/exports/7",
    }
