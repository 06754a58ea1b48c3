#!/usr/bin/env python
"""Command line entry point: `manage.py up`, `analyze`, `doctor`, `createtoken`, `jobs`, `archive_jobs`, `webhooks` and Django's own."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one management command with the production settings, unless others are named."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "commandcenter.settings.production")
    if len(sys.argv) > 1 and sys.argv[1] == "up":
        # The supervisor runs for weeks beside its children: it must not pay for Django.
        from commandcenter.embedded.command import main as up

        sys.exit(up(sys.argv[2:]))
    if len(sys.argv) > 1 and sys.argv[1] == "analyze":
        # It works without a running `up`: then it has the database started before Django reads its address.
        from commandcenter.ops.standalone import run as run_standalone

        sys.exit(run_standalone(sys.argv))
    if len(sys.argv) > 1 and sys.argv[1] in {"jobs", "archive_jobs", "webhooks"}:
        os.environ.setdefault("CC_LOG_LEVEL", "ERROR")  # the person at the terminal gets lines and sentences
    if {"-h", "--help"} & set(sys.argv[2:]):
        from commandcenter.ops.standalone import allow_help

        allow_help(sys.argv)
    if (
        sys.argv[1:2] == ["webhooks"]
        and "listen" in sys.argv
        and not any(each.startswith("--e") for each in sys.argv)
    ):
        from commandcenter.ops.standalone import let_settings_load

        let_settings_load()  # it asks no database for the secrets
    if sys.argv[1:2] == ["prepare"]:
        from commandcenter import loading

        loading.begin()  # the start of everything waits for this command; it goes on collecting once it has loaded
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))  # one sentence that says what to do; a trace of Django's loading would bury it


if __name__ == "__main__":
    main()
