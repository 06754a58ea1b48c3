"""What every page needs: the navigation and the theme that the viewer chose."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

THEME_COOKIE = "cc_theme"
THEMES = ("light", "dark")
_ITEMS = (
    # label, icon, URL name
    ("Overview", "home", "dashboard:overview"),
    ("Portfolio", "portfolio", "dashboard:portfolio"),
    ("Projects", "project", "dashboard:projects"),
    ("Repositories", "repository", "dashboard:repositories"),
    ("Technologies", "technology", "dashboard:technologies"),
    ("Packages", "package", "dashboard:packages"),
    ("Advisories", "shield", "dashboard:advisories"),
    ("Analyses", "analysis", "dashboard:analyses"),
    ("Findings", "alert", "dashboard:findings"),
    ("Rules", "rule", "dashboard:rules"),
    ("Jobs", "job", "dashboard:jobs"),
    ("System", "system", "dashboard:system"),
)


def console(request: HttpRequest) -> dict[str, Any]:
    """Return `navigation` ({label, icon, url, current} each) and `theme` (light, dark, or empty: the system's)."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or request.path.startswith("/admin/"):
        return {"theme": theme if theme in THEMES else "", "navigation": []}
    items = []
    for label, icon, name in _ITEMS:
        url = reverse(name)
        current = request.path == url if url == "/" else request.path.startswith(url)
        items.append({"label": label, "icon": icon, "url": url, "current": current})
    if user.is_staff:
        items.append({"label": "Admin", "icon": "admin", "url": reverse("admin:index"), "current": False})
    items.append({"label": "API", "icon": "api", "url": "/api/v1/", "current": False})
    return {"theme": theme if theme in THEMES else "", "navigation": items}
