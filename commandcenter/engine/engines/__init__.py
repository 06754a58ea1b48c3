"""The engines by id. A module is imported on first use, so that a missing wheel costs one engine, not all."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from commandcenter.engine.contract.engines import Context, Engine, Scope
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Result
from commandcenter.engine.errors import EngineUnavailable


class MissingEngine:
    """Stands where an engine's module cannot be imported, and says why."""

    config_digest = ""
    version = "missing"
    scope = Scope.TREE

    def __init__(self, engine_id: str, reason: str) -> None:
        self.id = engine_id
        self._reason = reason

    def unavailable(self) -> str:
        return self._reason

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return False

    def path_class(self, entry: Entry) -> str:
        return entry.path

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        raise EngineUnavailable(self._reason)


class Registry(Mapping[str, Engine]):
    """Engines by id, in the order in which their results go out.

    `modules` maps an id to the dotted name of a module with an `ENGINE`. `instances` adds engines that exist
    already. `external` names those that mostly wait for a process of their own: they start first and in this order,
    beside the ones that compute in this process. What runs longest on one core comes first, so that it ends with them.
    """

    def __init__(
        self,
        modules: Mapping[str, str],
        *,
        instances: Sequence[Engine] = (),
        external: Sequence[str] = (),
    ) -> None:
        self._modules = dict(modules)
        self._loaded: dict[str, Engine] = {engine.id: engine for engine in instances}
        self._ids = tuple(dict.fromkeys([*self._modules, *self._loaded]))
        self.external = tuple(external)

    def beside(self, instances: Sequence[Engine]) -> Registry:
        """Return these engines and, after them, others that wait for a process of their own."""
        known = [self._loaded[id_] for id_ in self._loaded if id_ not in self._modules]
        external = [*self.external, *(engine.id for engine in instances)]
        return Registry(self._modules, instances=[*known, *instances], external=external)

    def __getitem__(self, engine_id: str) -> Engine:
        engine = self._loaded.get(engine_id)
        if engine is None:
            engine = self._loaded[engine_id] = self._load(engine_id, self._modules[engine_id])
        return engine

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def _load(self, engine_id: str, module: str) -> Engine:
        try:
            engine: Engine = importlib.import_module(module).ENGINE
            # Rules are data that may be broken, and are read on first use: here, where it costs this engine alone.
            _ = (engine.version, engine.config_digest, Scope(engine.scope), engine.unavailable())
        except Exception as error:  # noqa: BLE001 (a broken wheel may raise anything while it is imported)
            reason = f"The engine {engine_id} cannot be loaded: {type(error).__name__}: {error}"
            return MissingEngine(engine_id, reason)
        return engine


_PACKAGE = "commandcenter.engine.engines"

ENGINES = Registry(
    {
        "language": f"{_PACKAGE}.language",
        "lines": f"{_PACKAGE}.lines",
        "functions": f"{_PACKAGE}.functions",
        "manifests": f"{_PACKAGE}.manifests",
        "technologies": f"{_PACKAGE}.technologies",
        "gaps": f"{_PACKAGE}.gaps",
        "licenses": f"{_PACKAGE}.licenses",
        "secrets": f"{_PACKAGE}.secrets",
        "ruff": f"{_PACKAGE}.ruff",
        "astgrep": f"{_PACKAGE}.astgrep",
        "zizmor": f"{_PACKAGE}.zizmor",
        "hadolint": f"{_PACKAGE}.hadolint",
        "shellcheck": f"{_PACKAGE}.shellcheck",
        "history": f"{_PACKAGE}.history",
    },
    external=("astgrep", "secrets", "ruff", "zizmor", "hadolint", "shellcheck", "history"),
)
