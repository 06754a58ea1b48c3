"""Where the programs lie that our wheels install."""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path


def beside_interpreter(name: str) -> str | None:
    """Return a program of this Python environment, or of a folder that the sandbox searches; None where it is missing."""
    folders = (str(Path(sys.executable).parent), sysconfig.get_path("scripts"), "/usr/local/bin", "/usr/bin")
    return shutil.which(name, path=":".join(folders))
