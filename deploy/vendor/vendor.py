"""Install the front-end packages from npm and copy what the console serves, with licences and checksums.

Run by `make vendor`. `--check` compares the copied files with the recorded checksums and needs no network.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent.parent / "commandcenter" / "static" / "commandcenter" / "vendor"
RECORD = TARGET / "VENDORED.json"
FILES = {
    "htmx.org": {"dist/htmx.min.js": "htmx.min.js", "LICENSE": "htmx.LICENSE"},
    "idiomorph": {"dist/idiomorph-ext.min.js": "idiomorph-ext.min.js", "LICENSE": "idiomorph.LICENSE"},
}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check() -> list[str]:
    """Return one sentence for each vendored file that is missing or was changed by hand."""
    record: dict[str, dict[str, dict[str, str]]] = json.loads(RECORD.read_text())
    problems = []
    for package in record.values():
        for name, expected in package["files"].items():
            path = TARGET / name
            if not path.is_file():
                problems.append(f"{name} is missing: run `make vendor`.")
            elif digest(path) != expected:
                problems.append(f"{name} differs from its record: run `make vendor`.")
    return problems


def install() -> None:
    """Copy the packages' files and record version, licence and checksum of each."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm is needed to vendor front-end files; install Node.js 20 or later.")
    subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=HERE, check=True, timeout=300
    )
    TARGET.mkdir(parents=True, exist_ok=True)
    record = {}
    for package, files in FILES.items():
        folder = HERE / "node_modules" / package
        about = json.loads((folder / "package.json").read_text())
        for source, name in files.items():
            shutil.copyfile(folder / source, TARGET / name)
        record[package] = {
            "version": about["version"],
            "license": about["license"],
            "files": {name: digest(TARGET / name) for name in files.values()},
        }
    RECORD.write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        found = check()
        sys.exit("\n".join(found) if found else 0)
    install()
