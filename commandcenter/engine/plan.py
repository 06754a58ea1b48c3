"""Decide which engines a run uses, and name that set by a digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypedDict

from commandcenter.engine.contract.engines import Engine
from commandcenter.engine.correlation import NOBODY, Correlator
from commandcenter.engine.engines import ENGINES, Registry
from commandcenter.engine.errors import EngineError
from commandcenter.engine.limits import Limits


class Availability(TypedDict):
    """One engine as it stands here. `unavailable` is a sentence, None when the engine can run."""

    id: str
    version: str
    config_digest: str
    unavailable: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """The engines of one run, in the registry's order. `force` leaves the cache unread, not unwritten."""

    engines: tuple[str, ...]
    force: bool = False
    limits: Limits = field(default_factory=Limits)
    registry: Registry = field(default_factory=lambda: ENGINES, repr=False, compare=False)
    correlator: Correlator = NOBODY

    def instances(self) -> list[Engine]:
        return [self.registry[engine_id] for engine_id in self.engines]

    @property
    def digest(self) -> str:
        """A sha256 over ids, versions and configuration digests: what a shared result set is of."""
        return digest([availability(engine) for engine in self.instances()])


def plan(
    requested: Sequence[str] | None = None,
    *,
    force: bool = False,
    limits: Limits | None = None,
    registry: Registry = ENGINES,
    correlator: Correlator = NOBODY,
) -> Plan:
    """Plan the requested engines, all of them for None.

    An engine whose tool is missing is planned all the same: the run then says so and is partial.
    Raises EngineError `unknown_engine`, or `no_engines` for an empty request.
    """
    if requested is None:
        return Plan(tuple(registry), force, limits or Limits(), registry, correlator)
    unknown = sorted(set(requested) - set(registry))
    if unknown:
        raise EngineError(
            f"Unknown engine {', '.join(unknown)}. The engines are {', '.join(registry)}.",
            code="unknown_engine",
        )
    if not requested:
        raise EngineError(f"No engine was named. The engines are {', '.join(registry)}.", code="no_engines")
    chosen = set(requested)
    return Plan(tuple(e for e in registry if e in chosen), force, limits or Limits(), registry, correlator)


def availability(engine: Engine) -> Availability:
    """Describe one engine as it stands here."""
    return {
        "id": engine.id,
        "version": engine.version,
        "config_digest": engine.config_digest,
        "unavailable": engine.unavailable(),
    }


def available_engines(registry: Registry = ENGINES) -> list[Availability]:
    """Describe every engine, in order. Imports them all: in a worker, ask the engine process instead."""
    return [availability(registry[engine_id]) for engine_id in registry]


def digest(engines: Sequence[Availability]) -> str:
    """Name a set of engines: the same ids, versions and configuration give the same digest.

    An engine that is unavailable has a digest of its own, so that a partial result set is never taken for whole.
    """
    state = hashlib.sha256()
    for engine in sorted(engines, key=lambda row: row["id"]):
        usable = "unavailable" if engine["unavailable"] else "usable"
        for part in (engine["id"], engine["version"], engine["config_digest"], usable):
            state.update(part.encode() + b"\0")
    return state.hexdigest()
