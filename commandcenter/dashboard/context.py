"""What every page needs: the navigation and the theme that the viewer chose."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

THEME_COOKIE = "cc_theme"
THEMES = ("light", "dark")
_GROUPS = (
    # label, then label, icon and URL name of each page
    ("", (("Overview", "home", "dashboard:overview"), ("Portfolio", "portfolio", "dashboard:portfolio"))),
    (
        "Inventory",
        (
            ("Projects", "project", "dashboard:projects"),
            ("Repositories", "repository", "dashboard:repositories"),
            ("Technologies", "technology", "dashboard:technologies"),
        ),
    ),
    (
        "Results",
        (
            ("Analyses", "analysis", "dashboard:analyses"),
            ("Findings", "alert", "dashboard:findings"),
            ("Rules", "rule", "dashboard:rules"),
            ("Packages", "package", "dashboard:packages"),
            ("Advisories", "shield", "dashboard:advisories"),
            ("Exports", "download", "dashboard:exports"),
        ),
    ),
    (
        "Operation",
        (
            ("Jobs", "job", "dashboard:jobs"),
            ("Schedules", "calendar", "dashboard:schedules"),
            ("Webhooks", "webhook", "dashboard:webhooks"),
            ("System", "system", "dashboard:system"),
        ),
    ),
)


def console(request: HttpRequest) -> dict[str, Any]:
    """Return `navigation` and `theme` (light, dark, or empty: the system's).

    Shape of the first: [{label, items: [{label, icon, url, current}]}].
    """
    theme = request.COOKIES.get(THEME_COOKIE, "")
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or request.path.startswith("/admin/"):
        return {"theme": theme if theme in THEMES else "", "navigation": []}
    groups = [
        {"label": label, "items": [_item(request, *page) for page in pages]} for label, pages in _GROUPS
    ]
    last: Any = groups[-1]["items"]
    if user.is_staff:
        last.append({"label": "Admin", "icon": "admin", "url": reverse("admin:index"), "current": False})
    last.append({"label": "API", "icon": "api", "url": "/api/v1/", "current": False})
    return {"theme": theme if theme in THEMES else "", "navigation": groups}


def _item(request: HttpRequest, label: str, icon: str, name: str) -> dict[str, Any]:
    url = reverse(name)
    current = request.path == url if url == "/" else request.path.startswith(url)
    return {"label": label, "icon": icon, "url": url, "current": current}
