"""The engine that says what a repository has not, or does unsafely, as far as its tree alone shows it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import Platform
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.gaps import Check, Gap
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.licenses.files import holds_text, place_of
from commandcenter.engine.licenses.texts import digest
from commandcenter.engine.manifests import inventory
from commandcenter.engine.manifests.syntax import decode
from commandcenter.engine.practices import platforms, presence
from commandcenter.engine.practices.binaries import binary_artifacts
from commandcenter.engine.practices.catalogue import CHECKS
from commandcenter.engine.practices.images import pinned_images
from commandcenter.engine.practices.installs import pinned_installs
from commandcenter.engine.practices.locks import lock_file, lock_in_step
from commandcenter.engine.practices.model import Outcome, Repository
from commandcenter.engine.practices.names import ci_file, names_of
from commandcenter.engine.practices.submodules import submodules
from commandcenter.engine.practices.workflows import dangerous_workflow, pinned_actions, token_permissions

REVISION = "5"
MAX_TEXT_BYTES = 1024 * 1024
"""A larger file is no configuration; lock files are read by their own readers, whatever their size."""

_OTHERS = frozenset([".gitmodules"])
_RUN: dict[str, Callable[[Repository], Outcome]] = {
    "dangerous-workflow": dangerous_workflow,
    "token-permissions": token_permissions,
    "pinned-actions": pinned_actions,
    "pinned-images": pinned_images,
    "pinned-installs": pinned_installs,
    "lock-file": lock_file,
    "lock-in-step": lock_in_step,
    "binary-artifacts": binary_artifacts,
    "submodules": submodules,
    "license": presence.license_file,
    "readme": presence.readme,
    "security-policy": presence.security_policy,
    "code-owners": presence.code_owners,
    "ci": presence.ci,
    "tests": presence.tests,
    "dependency-updates": presence.dependency_updates,
    "sast": presence.sast,
    "fuzzing": presence.fuzzing,
}


class GapsEngine:
    """Yields one `Check` per check, its `Gap`s, and the `Platform`s whose end of life is judged when they are read."""

    id = "gaps"
    version = f"{REVISION}+manifests-{inventory.REVISION}"
    scope = Scope.TREE
    config_digest = hashlib.sha256("\0".join([*map(repr, CHECKS.values()), digest()]).encode()).hexdigest()

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        path = entry.path
        if path in _OTHERS or inventory.wanted(path) or (holds_text(path) and place_of(path) == "repository"):
            return True
        return (platforms.wanted(path) and not inventory.vendored(path)) or ci_file(path)

    def path_class(self, entry: Entry) -> str:
        return entry.path

    def tree_key(self, entries: Sequence[Entry]) -> str:
        """A digest of the names that a check asks for, beside the files that it reads."""
        return names_of(entries).digest()

    def run(self, batch: Sequence[Blob], context: Context) -> Iterator[Check | Gap | Platform | Failure]:
        repository = Repository(
            names=names_of(context.entries),
            texts={
                blob.entry.path: decode(blob.data)[1] for blob in batch if len(blob.data) <= MAX_TEXT_BYTES
            },
            # Unreadable manifests are the failures of the engine that lists dependencies; here they only say nothing.
            inventory=inventory.read(batch),
            links=context.links,
        )
        for check_id in CHECKS:
            try:
                check, gaps = _RUN[check_id](repository).results()
            except Exception as error:  # noqa: BLE001 - a hostile file costs one check, and the run says so
                yield Failure(
                    f"The check {check_id} could not judge this tree: {type(error).__name__}: {error}."
                )
                yield Check(check_id, CHECKS[check_id].title, "unknown", 0, 0, "It failed on this tree.")
                continue
            yield check
            yield from gaps
        yield from platforms.platforms(repository)


ENGINE = GapsEngine()
