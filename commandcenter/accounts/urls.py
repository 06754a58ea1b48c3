"""The sign-in pages."""

from __future__ import annotations

from django.urls import path

from commandcenter.accounts.views import SignIn, SignOut

urlpatterns = [
    path("login/", SignIn.as_view(), name="login"),
    path("logout/", SignOut.as_view(), name="logout"),
]
