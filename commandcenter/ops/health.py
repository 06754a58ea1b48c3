"""Checks of the platform's parts. Each has a deadline, and all together stay under 50 ms when all is well."""

from __future__ import annotations

import shutil
import threading
from datetime import timedelta
from time import monotonic
from typing import Any, TypedDict

import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from commandcenter.analysis.models import ResultSet
from commandcenter.ops.models import QueueCanary
from jobs.fairness.queues import states
from jobs.fleet import workers
from schedules.pulse import pulse
from webhooks.pulse import pulse as pulse_of_webhooks

CANARY_FRESH = timedelta(seconds=150)  # two missed ones and a half
LEAST_FREE_BYTES = 1024**3
BEAT_FRESH = timedelta(minutes=5)  # beat writes down what it sent when it starts and every three minutes
MIGRATIONS_BELIEVED_SECONDS = 30.0
SERVER_SECONDS = 1.0


class Check(TypedDict):
    """One part: status is ok, failed or unknown; detail says what is wrong and what to do."""

    name: str
    status: str
    detail: str


def ready() -> list[Check]:
    """Check what a request needs: database, broker, cache, migrations."""
    database = _database()
    checks = [database, _server("broker", settings.BROKER_URL), _server("cache", settings.CACHE_URL)]
    if database["status"] == "ok":
        checks.append(_migrations())
    return checks


def detailed() -> dict[str, Any]:
    """Return every check: {status, services: [Check], queues: [QueueState], workers: [Summary], engines}.

    `engines` is [{id, version, unavailable}] as the newest result set met them, empty before the first analysis.
    """
    services = ready()
    usable = all(check["status"] == "ok" for check in services)
    if not usable:
        return {"status": "failed", "services": services, "queues": [], "workers": [], "engines": []}
    services += [_beat(), _schedules(), _webhooks(), *_workers(), _disk()]
    failed = any(check["status"] == "failed" for check in services)
    return {
        "status": "failed" if failed else "ok",
        "services": services,
        "queues": states(),
        "workers": workers.summaries(),
        "engines": _engines(),
    }


def _database() -> Check:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        reason = str(error).strip().partition("\n")[0]
        return {"name": "database", "status": "failed", "detail": f"PostgreSQL does not answer: {reason}"}
    return {"name": "database", "status": "ok", "detail": ""}


_pools: dict[str, redis.ConnectionPool] = {}
_pools_lock = threading.Lock()


def _server(name: str, url: str) -> Check:
    """Ping a Redis or Valkey server over a connection that is kept."""
    with _pools_lock:
        if url not in _pools:
            _pools[url] = redis.ConnectionPool.from_url(
                url, socket_timeout=SERVER_SECONDS, socket_connect_timeout=SERVER_SECONDS, max_connections=4
            )
    try:
        redis.Redis(connection_pool=_pools[url]).ping()
    except (redis.RedisError, OSError) as error:
        return {
            "name": name,
            "status": "failed",
            "detail": f"The {name} does not answer: {type(error).__name__}",
        }
    return {"name": name, "status": "ok", "detail": ""}


class _Migrations:
    """Whether the code's migrations are applied; once they are, that is believed for a while."""

    applied_at: float | None = None


def _migrations() -> Check:
    known = _Migrations.applied_at
    if known is None or monotonic() - known > MIGRATIONS_BELIEVED_SECONDS:
        executor = MigrationExecutor(connection)
        due = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if due:
            _Migrations.applied_at = None
            return {
                "name": "migrations",
                "status": "failed",
                "detail": f"{len(due)} are not applied: run manage.py migrate",
            }
        _Migrations.applied_at = monotonic()
    return {"name": "migrations", "status": "ok", "detail": ""}


def _beat() -> Check:
    """Tell beat from workers: a canary that came was sent, and beat itself writes down what it sends."""
    now = timezone.now()
    heard = QueueCanary.objects.aggregate(at=Max("consumed_at"))["at"]
    sent = PeriodicTask.objects.aggregate(at=Max("last_run_at"))["at"]
    if heard is None and sent is None:
        return {"name": "beat", "status": "unknown", "detail": "Beat has sent nothing yet."}
    if (heard and now - heard <= CANARY_FRESH) or (sent and now - sent <= BEAT_FRESH):
        return {"name": "beat", "status": "ok", "detail": ""}
    seconds = int((now - max(at for at in (heard, sent) if at)).total_seconds())
    detail = (
        f"Nothing of beat's is known for {seconds} s: start it, for without it no schedule and no sweep runs."
    )
    return {"name": "beat", "status": "failed", "detail": detail}


def _schedules() -> Check:
    felt = pulse()
    if felt.seconds is None:
        return {
            "name": "schedules",
            "status": "unknown",
            "detail": "Nothing has ticked yet; beat asks for it.",
        }
    last = f"last tick {felt.seconds:.0f} s ago"
    left = f"{felt.overdue_words} overdue by more than their grace"
    if felt.silent:
        detail = (
            f"No tick for {felt.seconds:.0f} s, {left}: is beat running, and a worker of the queue system?"
        )
        return {"name": "schedules", "status": "failed", "detail": detail}
    if felt.overdue:
        detail = f"{left}, {last}: ticks do not keep up; see what the worker of the queue system does"
        return {"name": "schedules", "status": "failed", "detail": detail}
    return {"name": "schedules", "status": "ok", "detail": last}


def _webhooks() -> Check:
    felt = pulse_of_webhooks()
    oldest = "" if felt.oldest_seconds is None else f", the first for {felt.oldest_seconds:.0f} s"
    words = (
        f"{felt.due_words} due{oldest}; of {felt.enabled + felt.disabled} endpoints {felt.disabled} disabled, "
        f"{felt.open_circuits} failing and tried one delivery at a time"
    )
    if felt.silent:
        detail = (
            f"Nothing was sent for {felt.unserved_seconds:.0f} s to who could be sent to, {words}: "
            "is a worker of the queue webhooks running, and does it keep up?"
        )
        return {"name": "webhooks", "status": "failed", "detail": detail}
    return {"name": "webhooks", "status": "ok", "detail": words}


def _workers() -> list[Check]:
    seen = {canary.queue: canary for canary in QueueCanary.objects.all()}
    now = timezone.now()
    checks: list[Check] = []
    for queue in settings.QUEUES:
        canary = seen.get(queue)
        name = f"worker of {queue}"
        if canary is None:
            checks.append(
                {
                    "name": name,
                    "status": "unknown",
                    "detail": "No canary was consumed yet; one is sent each minute.",
                }
            )
        elif now - canary.consumed_at > CANARY_FRESH:
            seconds = int((now - canary.consumed_at).total_seconds())
            detail = f"Nothing was consumed for {seconds} s: is beat running, and a worker of this queue?"
            checks.append({"name": name, "status": "failed", "detail": detail})
        else:
            checks.append({"name": name, "status": "ok", "detail": canary.worker})
    return checks


def _disk() -> Check:
    free = shutil.disk_usage(settings.DATA_DIR).free
    words = f"{free / 1024**3:.1f} GiB free"
    if free < LEAST_FREE_BYTES:
        return {"name": "disk", "status": "failed", "detail": f"{words} in the data folder: make room"}
    return {"name": "disk", "status": "ok", "detail": words}


def _engines() -> list[dict[str, Any]]:
    newest = ResultSet.objects.order_by("-pk").values_list("engines", flat=True).first() or []
    return [
        {
            "id": engine["id"],
            "version": engine["version"],
            "unavailable": engine["detail"] if engine["status"] == "unavailable" else None,
        }
        for engine in newest
    ]
