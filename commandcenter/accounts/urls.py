"""The sign-in pages."""

from __future__ import annotations

from django.urls import path

from commandcenter.accounts.views import SignIn, SignOut, admin_sign_in

urlpatterns = [
    path("login/", SignIn.as_view(), name="login"),
    path("admin/login/", admin_sign_in),  # before the admin's own, which knows no limit
    path("logout/", SignOut.as_view(), name="logout"),
]
