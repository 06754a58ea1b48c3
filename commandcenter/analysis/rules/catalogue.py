"""Every rule of every engine, known without an analysis: what `/rules` shows and what a finding's rule is explained by.

The engine process is asked, so that no web process has to load engines. Rules that no engine has any more keep their
findings and their page, marked as retired; those of an engine that cannot run here at the moment stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog
from celery import current_app
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from commandcenter.analysis import engines
from commandcenter.analysis.copying import clean_text
from commandcenter.analysis.models import EngineRelease, Rule
from commandcenter.analysis.rules import releases
from commandcenter.analysis.rules.rulebook import Rulebook
from commandcenter.core.sending import BRIEFLY
from commandcenter.engine.errors import EngineError
from commandcenter.engine.plan import Availability

log = structlog.get_logger(__name__)

TASK = "commandcenter.analysis.tasks.sync_rules"
_LOCK = (0x41A3, 1)  # of our advisory locks
CONFIG = 16  # characters of a configuration's digest, as reports of engines have them


@dataclass(frozen=True, slots=True)
class Synchronised:
    """How many rules there are, how many were new or changed, and how many were retired by this."""

    rules: int
    changed: int
    retired: int


def synchronise() -> Synchronised:
    """Ask the engines for their rules and store them. Raises EngineError when the engine process does not answer."""
    book, changed = Rulebook(), 0
    told: dict[str, list[str]] = {}
    present: Sequence[Availability] = ()
    # Asked to its end first: the process is not to wait for the database.
    with engines.lend_process() as process:
        said = list(process.rules())
    with transaction.atomic():
        _wait_for_others()
        for message in said:
            match message["type"]:
                case "rules":
                    changed += book.learn(message["rows"])
                case "catalogue":
                    told[message["engine"]] = [clean_text(rule_id, 200) for rule_id in message["rules"]]
                case "engines":
                    present = message["rows"]
        retired = _retire(told, [engine["id"] for engine in present])
        for engine in present:
            if engine["id"] in told:
                releases.keep(_release(engine), told[engine["id"]])
    done = Synchronised(sum(map(len, told.values())), changed, retired)
    log.info("rules synchronised", action="sync_rules", changed=changed, retired=retired)
    return done


def synchronise_for(planned: Sequence[Availability]) -> Synchronised | None:
    """Synchronise when one of the engines is a release that was never met. One query when all are known."""
    usable = {_release(engine) for engine in planned if engine["unavailable"] is None}
    wanted = Q(pk__in=[])
    for engine, version, config in usable:
        wanted |= Q(engine=engine, version=version, config=config)
    if EngineRelease.objects.filter(wanted).count() == len(usable):
        return None
    try:
        return synchronise()
    except EngineError as error:  # what is analysed matters more; the next analysis tries again
        log.warning("rules not synchronised", action="sync_rules", error=str(error))
        return None


def request() -> bool:
    """Let a worker synchronise soon. False when the broker does not take it: the next new release does it then."""
    try:
        with current_app.connection_for_write(transport_options=BRIEFLY) as way:
            current_app.send_task(TASK, queue="default", retry=False, ignore_result=True, connection=way)
    except Exception as error:  # noqa: BLE001  (a start must not fail for want of a hint)
        log.warning("sync of rules not sent", action="sync_rules", error=f"{type(error).__name__}: {error}")
        return False
    return True


def _wait_for_others() -> None:
    """Let one process at a time write the catalogue, until its transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", _LOCK)


def _retire(told: Mapping[str, Sequence[str]], present: Sequence[str]) -> int:
    gone = ~Q(engine__in=present)
    for engine, rule_ids in told.items():
        gone |= Q(engine=engine) & ~Q(rule_id__in=rule_ids)
    return Rule.objects.filter(gone, retired_at=None).update(retired_at=timezone.now())


def _release(engine: Availability) -> tuple[str, str, str]:
    return (
        clean_text(engine["id"], 30),
        clean_text(engine["version"], 200),
        engine["config_digest"][:CONFIG],
    )
