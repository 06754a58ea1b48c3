"""What this app adds to the API: router entries (prefix, viewset, basename) and plain URL patterns."""

from __future__ import annotations

from django.urls import URLPattern, re_path
from rest_framework.viewsets import ViewSetMixin

from commandcenter.accounts.api.sign_in import SignInView
from commandcenter.accounts.api.views import TokenViewSet, UserViewSet

router_entries: list[tuple[str, type[ViewSetMixin], str]] = [
    ("tokens", TokenViewSet, "token"),
    ("users", UserViewSet, "user"),
]
urlpatterns: list[URLPattern] = [re_path(r"^auth/token/?$", SignInView.as_view(), name="auth-token")]
