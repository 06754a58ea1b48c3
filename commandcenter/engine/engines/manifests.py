"""The engine that finds third-party dependencies in manifests and lock files.

Files in folders of vendored code (node_modules, vendor, third_party, site-packages and the like) are left out: what
they need is not what this repository asks for. Fixtures of tests are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.facts import Dependency
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Rule
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.manifests.inventory import REVISION, read, wanted


class ManifestsEngine:
    """Yields one `Dependency` per lock file and package, or per manifest where there is no lock file."""

    id = "manifests"
    version = REVISION
    config_digest = ""
    scope = Scope.TREE

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return ()

    def select(self, entry: Entry) -> bool:
        return wanted(entry.path)

    def path_class(self, entry: Entry) -> str:
        """A manifest means something only at its place: the whole path."""
        return entry.path

    def run(self, batch: Sequence[Blob], context: Context) -> Iterator[Dependency | Failure]:
        inventory = read(batch)
        yield from inventory.dependencies
        yield from inventory.failures
        context.log("debug", f"{len(inventory.dependencies)} dependencies in {len(batch)} files")


ENGINE = ManifestsEngine()
