"""Keeps the latest version of packages in use, and when versions were released, as their registries say it."""

from __future__ import annotations

import time
from datetime import timedelta

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone

from commandcenter.advisories.models import Package, PackageVersion
from commandcenter.advisories.registries import NotThere, Releases, releases
from commandcenter.advisories.turns import REGISTRIES, only_asker
from commandcenter.advisories.versions import same_version
from commandcenter.core.fetching import FetchError, Pace

CHUNK = 50
PER_SECOND = 5.0
RETRY = timedelta(hours=1)
ABSENT = timedelta(days=7)  # before a registry is asked again for what it does not have
FAILURES = 3  # in a row, after which a registry is left alone until the next run

log = structlog.get_logger(__name__)


def collect(*, seconds: float) -> int:
    """Ask the registries that are set about packages that are due, for about so many seconds; return how many.

    Does nothing while another process asks them.
    """
    if not settings.REGISTRY_URLS:
        return 0
    until, asked = time.monotonic() + seconds, 0
    with only_asker(REGISTRIES) as alone:
        for ecosystem, base in sorted(settings.REGISTRY_URLS.items()) if alone else ():
            asked += _collect(ecosystem, base, until)
    return asked


def _collect(ecosystem: str, base: str, until: float) -> int:
    pace, asked, failures = Pace(PER_SECOND), 0, 0
    in_use = PackageVersion.objects.filter(package=OuterRef("pk"))
    while time.monotonic() < until and failures < FAILURES:
        due = Package.objects.filter(Exists(in_use), ecosystem=ecosystem, due_at__lte=timezone.now())
        chunk = list(due.order_by("due_at", "pk")[:CHUNK])
        if not chunk:
            break
        for package in chunk:
            if time.monotonic() > until or failures >= FAILURES:
                break
            pace.wait()
            failures = 0 if _ask(package, base) else failures + 1
            asked += 1
    return asked


def _ask(package: Package, base: str) -> bool:
    """Ask about one package and keep the answer; what was known stays where there is none. False: it failed."""
    versions = list(package.versions.order_by("-pk"))
    now, well = timezone.now(), True
    try:
        found = releases(package.ecosystem, base, package.spelling, [row.version for row in versions])
    except NotThere as absent:
        package.problem, package.due_at = str(absent), now + ABSENT
    except FetchError as error:
        package.problem, package.due_at, well = str(error)[:300], now + RETRY, False
        log.warning("registry not read", action="freshness", package=str(package), error=str(error))
    else:
        _keep(package, versions, found)
        package.problem, package.checked_at = "", now
        package.due_at = now + timedelta(hours=settings.FRESHNESS_HOURS)
    package.save(update_fields=["latest_version", "latest_released_at", "checked_at", "due_at", "problem"])
    return well


def _keep(package: Package, versions: list[PackageVersion], found: Releases) -> None:
    dates = {same_version(package.ecosystem, version): at for version, at in found.dates.items()}
    latest = found.latest
    package.latest_version = latest
    package.latest_released_at = dates.get(same_version(package.ecosystem, latest)) if latest else None
    changed = []
    for row in versions:
        at = dates.get(same_version(package.ecosystem, row.version))
        if at is not None and at != row.released_at:
            row.released_at = at
            changed.append(row)
    PackageVersion.objects.bulk_update(changed, ["released_at"], batch_size=500)
