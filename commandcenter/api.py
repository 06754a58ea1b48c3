"""The one API router: every app's resources under /api/v1, each with and without a trailing slash."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver
from rest_framework.routers import DefaultRouter

from commandcenter.accounts.api import urls as accounts
from commandcenter.advisories.api import urls as advisories
from commandcenter.analysis.api import urls as analysis
from commandcenter.dashboard.api import urls as dashboard
from commandcenter.events.api import urls as events
from commandcenter.inventory.api import urls as inventory
from exports.api import urls as exports
from jobs.api import urls as jobs
from schedules.api import urls as schedules
from webhooks.api import urls as webhooks

APPS = (inventory, jobs, advisories, analysis, exports, schedules, webhooks, dashboard, events, accounts)


class Router(DefaultRouter):
    """DRF's router with a browsable root; a trailing slash is accepted and never needed."""

    include_format_suffixes = False

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = Router()
for app in APPS:
    for prefix, viewset, basename in app.router_entries:
        router.register(prefix, viewset, basename=basename)

# Plain patterns first: /jobs/statistics must not be taken for a job's id.
urlpatterns: list[URLPattern | URLResolver] = [pattern for app in APPS for pattern in app.urlpatterns]
urlpatterns += router.urls
