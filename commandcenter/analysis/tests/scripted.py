"""Two engines in a real engine process whose behaviour is written in the files that they read.

`words` and `links` report each line that begins with BAD. A file named broken.py fails `words`, linger.py keeps
it busy for a second, slow.py for minutes, crash.py ends the process.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable, Sequence

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Result
from commandcenter.engine.engines import Registry
from commandcenter.engine.serve import main as serve

BOOTSTRAP = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from commandcenter.analysis.tests.scripted import main; sys.exit(main())"
)


class Words:
    """One engine."""

    version = "1"
    config_digest = ""
    scope = Scope.BLOB

    def __init__(self, engine_id: str) -> None:
        self.id = engine_id

    def unavailable(self) -> str | None:
        return None

    def rules(self) -> Iterable[Rule]:
        return [Rule(id="bad", engine=self.id, name="bad-line", short="A bad line.", tags=("security",))]

    def select(self, entry: Entry) -> bool:
        return entry.suffix == ".py"

    def path_class(self, entry: Entry) -> str:
        return entry.name

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        for blob in batch:
            if self.id == "words":
                self._act(blob.entry.name, context)
            for number, line in enumerate(blob.data.decode().splitlines(), start=1):
                if line.startswith("BAD"):
                    yield Finding(blob.entry.path, number, number, "bad", self.id, "high", line, snippet=line)

    @staticmethod
    def _act(name: str, context: Context) -> None:
        if name == "broken.py":
            raise RuntimeError("words cannot go on")
        if name == "linger.py":
            context.log("info", "lingering")
            time.sleep(1.5)
        if name == "slow.py":
            context.log("info", "slow now")
            time.sleep(300)
        if name == "crash.py":
            os._exit(3)


def main() -> int:
    """Serve the two engines."""
    return serve(Registry({}, instances=[Words("words"), Words("links")]))


if __name__ == "__main__":
    sys.exit(main())
