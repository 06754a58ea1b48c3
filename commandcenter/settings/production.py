"""Settings of `manage.py up` and of deployments. They refuse to start with a weak or missing secret."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from commandcenter.settings.base import *  # noqa: F403
from commandcenter.settings.base import ENCRYPTION_KEYS, PUBLIC_URL, SECRET_KEY

if len(SECRET_KEY) < 50 or SECRET_KEY.startswith("django-insecure"):
    raise ImproperlyConfigured("SECRET_KEY must have at least 50 random characters.")
if not ENCRYPTION_KEYS:
    raise ImproperlyConfigured(
        "Set CC_ENCRYPTION_KEYS: Fernet keys that encrypt stored credentials, newest first."
    )

_https = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _https
SECURE_SSL_REDIRECT = False  # the proxy that ends TLS redirects
SECURE_HSTS_SECONDS = 31_536_000 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = _https
if _https:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SILENCED_SYSTEM_CHECKS = ["security.W008"]
