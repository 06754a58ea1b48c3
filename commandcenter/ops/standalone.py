"""Gives one management command a database where none runs: before Django is set up, for settings need its address."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType

from commandcenter.embedded.database import temporary_database
from commandcenter.embedded.environment import environment
from commandcenter.embedded.errors import EmbeddedError
from commandcenter.embedded.layout import running_environment
from commandcenter.embedded.processes import CHECKOUT

INTERRUPTED = 130


class Started:
    """What this process has started; the command asks, for a database of its own is its to migrate."""

    own_database = False


def run(argv: list[str]) -> int:
    """Run the command of `argv` with the database of the environment, of a running `up`, or one of its own.

    The one of its own is that of the data folder, so that results are kept from one run to the next; it is stopped
    again at the end. Returns the command's exit status; 2 when the folder is in use, 1 when the server does not start.
    """
    os.environ.setdefault("CC_LOG_LEVEL", "ERROR")  # the person at the terminal gets progress and sentences
    data = Path(os.environ.get("CC_DATA_DIR") or CHECKOUT / ".data").expanduser().absolute()
    if allow_help(argv) or os.environ.get("DATABASE_URL") or running_environment(data):
        return _execute(argv)
    signal.signal(signal.SIGTERM, _interrupt)  # so that the database is stopped
    try:
        os.environ.update(environment(data, os.environ))
        with temporary_database(data, holder=f"`manage.py {argv[1]}`") as url:
            os.environ["DATABASE_URL"] = url
            Started.own_database = True
            return _execute(argv)
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED


def allow_help(argv: list[str]) -> bool:
    """Let settings load where nothing runs, if the command is only asked for its help. Return whether it is."""
    if not {"-h", "--help", "--version"} & set(argv[2:]):
        return False
    let_settings_load()
    return True


def let_settings_load() -> None:
    """Give settings what they insist on, for a command that never connects to anything."""
    os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1/none")  # never connected to
    os.environ.setdefault("SECRET_KEY", "x" * 50)
    os.environ.setdefault("CC_ENCRYPTION_KEYS", "unused")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _execute(argv: list[str]) -> int:
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
