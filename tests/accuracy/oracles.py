"""What other people's programs say: cloc of lines, lizard of functions, linguist of languages, licensee of licences."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SECONDS = 900
# cloc's names of what we call otherwise.
CLOC_NAMES = {
    "Bourne Shell": "Shell",
    "Bourne Again Shell": "Shell",
    "C/C++ Header": "C",
    "JSX": "JavaScript",
}


def engine(folder: Path, data: Path, engines: str) -> list[dict[str, Any]]:
    """Return the messages of a run of the engine over a folder. Ends the program when it is not complete."""
    argv = [
        sys.executable,
        "-m",
        "commandcenter.engine",
        str(folder),
        "--data",
        str(data),
        "--json",
        "--engines",
        engines,
    ]
    done = subprocess.run(argv, capture_output=True, timeout=SECONDS, check=False)
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    if not messages or messages[-1].get("status") != "complete":
        raise SystemExit(
            f"The engine did not end as complete: {messages[-1:]} {done.stderr.decode()[-1000:]}"
        )
    return messages


def cloc(folder: Path, files: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return path -> {language, code, comment, blank}."""
    listed = folder.with_name(f"{folder.name}.list")
    listed.write_text("".join(f"{folder / name}\n" for name in files))
    argv = [
        "cloc",
        "--skip-uniqueness",
        "--timeout",
        "0",
        "--by-file",
        "--json",
        "--quiet",
        f"--list-file={listed}",
    ]
    done = subprocess.run(argv, capture_output=True, timeout=SECONDS, check=True)
    found = json.loads(done.stdout)
    prefix = f"{folder}/"
    return {name.removeprefix(prefix): row for name, row in found.items() if name not in {"header", "SUM"}}


def lizard(path: Path) -> int | None:
    """Count the functions that lizard sees in a file; None where it fails."""
    import lizard as oracle

    try:
        return len(oracle.analyze_file(str(path)).function_list)
    except Exception:  # noqa: BLE001  (an oracle may raise anything; its file is then not compared)
        return None


def linguist(folder: Path, files: list[str]) -> dict[str, tuple[str | None, bool]]:
    """Return path -> (language, generated)."""
    found = _ruby("linguist.rb", [str(folder)], files)
    return {path: (language, generated) for path, language, generated in found}


def _ruby(script: str, arguments: list[str], lines: Iterable[str]) -> list[Any]:
    argv = ["ruby", str(Path(__file__).with_name(script)), *arguments]
    asked = "".join(f"{line}\n" for line in lines if "\n" not in line)
    done = subprocess.run(argv, input=asked, capture_output=True, text=True, timeout=SECONDS, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]
