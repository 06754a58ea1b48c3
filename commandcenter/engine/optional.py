"""The optional engines: which are switched on, and what they are told, as it goes to the engine process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import orjson

from commandcenter.engine.contract.engines import Engine
from commandcenter.engine.engines import ENGINES, MissingEngine, Registry

NAMES = ("semgrep", "jscpd")


@dataclass(frozen=True, slots=True)
class OptionalEngines:
    """The engines that an operator switched on beside ours, by name.

    `semgrep` and `jscpd` are paths of the programs, searched for when empty; `semgrep_rules` is the folder of rules,
    without which semgrep has nothing to look for and is not planned.
    """

    names: tuple[str, ...] = ()
    semgrep: str = ""
    semgrep_rules: str = ""
    jscpd: str = ""

    def dump(self) -> str:
        """Give them as the one argument that `load` reads."""
        return orjson.dumps(asdict(self)).decode()


def load(text: str) -> OptionalEngines:
    """Read what `dump` gave."""
    given = orjson.loads(text)
    return OptionalEngines(**{**given, "names": tuple(given["names"])})


def registry(chosen: OptionalEngines, ours: Registry = ENGINES) -> Registry:
    """Return our engines and, after them, the chosen ones; one that cannot be loaded says so when it is asked."""
    instances = [engine for name in NAMES if name in chosen.names for engine in _made(name, chosen)]
    return ours.beside(instances) if instances else ours


def _made(name: str, chosen: OptionalEngines) -> Sequence[Engine]:
    # Imported on use, as all engines are: what is switched off costs nothing and breaks nothing.
    try:
        if name == "jscpd":
            from commandcenter.engine.engines.jscpd import JscpdEngine

            return [JscpdEngine(chosen.jscpd)]
        if not chosen.semgrep_rules:
            return []
        from commandcenter.engine.engines.semgrep import SemgrepEngine

        return [SemgrepEngine(chosen.semgrep, chosen.semgrep_rules)]
    except ImportError as error:
        return [MissingEngine(name, f"The engine {name} cannot be loaded: {error}")]
