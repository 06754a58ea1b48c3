"""Where the programs lie that our wheels install, and which version of them is here."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from commandcenter.engine.errors import EngineUnavailable


@dataclass(frozen=True, slots=True)
class WheelProgram:
    """A program by its name, and the package that installs it."""

    name: str
    package: str

    def path(self) -> str:
        """Return where it lies. Raises EngineUnavailable where it is missing."""
        found = beside_interpreter(self.name)
        if found is None:
            raise EngineUnavailable(f"{self.name} is not installed here.")
        return found

    def unavailable(self) -> str | None:
        """Say why it cannot run, as a sentence; None when it can."""
        if beside_interpreter(self.name) is None:
            return f"The program {self.name} is not installed: install the requirements again."
        return None

    def version(self, revision: str) -> str:
        """Return the version of an engine: the revision of its module, and the program's version where it is known."""
        try:
            return f"{revision}+{self.name}-{metadata.version(self.package)}"
        except metadata.PackageNotFoundError:
            return revision


def beside_interpreter(name: str) -> str | None:
    """Return a program of this Python environment, or of a folder that the sandbox searches; None where it is missing."""
    folders = (str(Path(sys.executable).parent), sysconfig.get_path("scripts"), "/usr/local/bin", "/usr/bin")
    return shutil.which(name, path=":".join(folders))
