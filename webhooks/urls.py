"""Where code hosts tell of pushes: short addresses at the root, the same views as under /api/v1, which documents them."""

from __future__ import annotations

from django.urls import re_path

from webhooks.api.receiving import GitHubReceiver, GitLabReceiver

urlpatterns = [
    re_path(r"^webhooks/github/(?P<repository>[0-9]{1,19})/?$", GitHubReceiver.as_view(schema=None)),
    re_path(r"^webhooks/gitlab/(?P<repository>[0-9]{1,19})/?$", GitLabReceiver.as_view(schema=None)),
]
