"""Log files of the children, kept from growing without end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MOST_BYTES = 10 * 1024 * 1024


def rotate(folder: Path) -> None:
    """Move what is in each log above 10 MB to `NAME.log.1` and start it anew.

    The children append to the open file, so it is copied and emptied, not renamed; a line written in between is lost.
    """
    for path in folder.glob("*.log"):
        try:
            if path.stat().st_size > MOST_BYTES:
                older = path.with_name(f"{path.name}.1")
                shutil.copyfile(path, older)
                older.chmod(0o600)
                os.truncate(path, 0)
        except OSError:
            continue  # removed meanwhile, or the disk is full: the next round tries again
