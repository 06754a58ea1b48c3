"""Finds the Chromium that browser tests drive, and installs one where the machine has none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")


class ChromiumMissingError(Exception):
    """There is no Chromium; run `make test`, which installs one, or set CC_CHROMIUM to its path."""


def find() -> Path:
    """Return the browser: CC_CHROMIUM, the system's, or the one that Playwright installed."""
    named = os.environ.get("CC_CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise ChromiumMissingError(f"CC_CHROMIUM names {named}, which cannot be run.")
        return Path(named)
    for name in NAMES:
        path = shutil.which(name)
        if path:
            return Path(path)
    downloaded = _playwrights_own()
    if downloaded:
        return downloaded
    raise ChromiumMissingError(ChromiumMissingError.__doc__)


def install() -> Path:
    """Return a browser, installing it if need be: the system's package as root, else Playwright's download."""
    try:
        return find()
    except ChromiumMissingError:
        pass
    if os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for argv in (
            ["apt-get", "-q", "update"],
            ["apt-get", "-q", "install", "-y", "--no-install-recommends", "chromium"],
        ):
            if subprocess.run(argv, env=quiet, stdin=subprocess.DEVNULL, timeout=900, check=False).returncode:
                break
    if not any(shutil.which(name) for name in NAMES):
        argv = [sys.executable, "-m", "playwright", "install", "chromium"]
        subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=900, check=False)
    return find()


def _playwrights_own() -> Path | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    return path if os.access(path, os.X_OK) else None


if __name__ == "__main__":
    try:
        sys.stdout.write(f"Chromium: {install()}\n")
    except ChromiumMissingError as error:
        sys.exit(f"Chromium could not be installed. {error}")
