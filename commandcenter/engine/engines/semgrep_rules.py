"""Reads the folder of semgrep rules that an operator names: what they look for, and how to describe it."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from commandcenter.engine.contract.findings import Rule, Severity
from commandcenter.engine.limits import MIB

MAX_FILES, MAX_BYTES, MAX_FILE_BYTES = 5000, 32 * MIB, 2 * MIB
COPIED = "rules"
"""The folder that semgrep reads them from; it puts the folders of a rule before its id."""

Precision = Literal["very-high", "high", "medium", "low"]

_SUFFIXES: Mapping[str, str] = {
    "apex": ".cls .trigger", "bash": ".sh .bash", "c": ".c .h", "c#": ".cs", "c++": ".cc .cpp .cxx .h .hh .hpp .hxx",
    "clojure": ".clj .cljc .cljs", "cpp": ".cc .cpp .cxx .h .hh .hpp .hxx", "csharp": ".cs", "dart": ".dart",
    "elixir": ".ex .exs", "go": ".go", "golang": ".go", "hcl": ".hcl .tf .tfvars", "html": ".htm .html",
    "java": ".java", "javascript": ".cjs .js .jsx .mjs .vue", "js": ".cjs .js .jsx .mjs .vue", "json": ".json",
    "kotlin": ".kt .kts .ktm", "kt": ".kt .kts .ktm", "lua": ".lua", "php": ".php .tpl .phtml",
    "py": ".py .pyi", "python": ".py .pyi", "python2": ".py .pyi", "python3": ".py .pyi", "rb": ".rb .ru",
    "ruby": ".rb .ru", "rs": ".rs", "rust": ".rs", "scala": ".scala .sbt", "sh": ".sh .bash", "sol": ".sol",
    "solidity": ".sol", "swift": ".swift", "terraform": ".hcl .tf .tfvars", "tf": ".hcl .tf .tfvars",
    "ts": ".cts .mts .ts .tsx .vue", "typescript": ".cts .mts .ts .tsx .vue", "vue": ".vue", "xml": ".plist .xml",
    "yaml": ".yaml .yml",
}  # fmt: skip
_SEVERITIES: Mapping[str, Severity] = {
    "CRITICAL": "critical", "ERROR": "high", "HIGH": "high", "WARNING": "medium", "MEDIUM": "medium", "INFO": "low",
    "LOW": "low", "INVENTORY": "info", "EXPERIMENT": "info",
}  # fmt: skip
_PRECISIONS: Mapping[str, Precision] = {"HIGH": "high", "MEDIUM": "medium", "LOW": "low"}
_CWE = re.compile(r"CWE-[1-9][0-9]{0,4}\b")


class RuleError(ValueError):
    """A folder of rules that cannot be used; the message names the file and what is wrong."""


@dataclass(frozen=True, slots=True)
class RulePack:
    """The rules of a folder as they were when it was read, by the ids under which semgrep reports them."""

    files: Mapping[str, bytes]
    rules: Mapping[str, Rule]
    suffixes: frozenset[str] | None
    """Of the files that some rule may be about; None when it may be any."""
    by_path: bool
    """True when a rule holds for some paths only."""
    digest: str

    def copy_to(self, folder: Path) -> None:
        """Write the files below a folder: the tool reads the bytes that were read here."""
        for name, data in self.files.items():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)


def load(folder: Path) -> RulePack:
    """Read every rule below a folder. Raises RuleError."""
    files = dict(_files(folder))
    rules: dict[str, Rule] = {}
    suffixes: set[str] | None = set()
    by_path = False
    state = hashlib.sha256()
    for name, data in files.items():
        state.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogatepass") + data)
        for item in _items(name, data):
            rule = _rule(name, item)
            if rule.id in rules:
                raise RuleError(f"{name}: the rule {rule.id} is there twice.")
            rules[rule.id] = rule
            by_path = by_path or "paths" in item
            suffixes = _with(suffixes, item.get("languages"))
    if not rules:
        raise RuleError(f"There is no rule in {folder}.")
    return RulePack(
        files, rules, None if suffixes is None else frozenset(suffixes), by_path, state.hexdigest()
    )


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    if not folder.is_dir():
        raise RuleError(f"There is no folder {folder}.")
    left, count = MAX_BYTES, 0
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place, name)
            if not _is_rule_file(name) or not path.is_file():
                continue
            relative = str(path.relative_to(folder))
            try:
                with path.open("rb") as file:
                    data = file.read(MAX_FILE_BYTES + 1)
            except OSError as error:
                raise RuleError(f"{relative} cannot be read: {error.strerror}.") from error
            count, left = count + 1, left - len(data)
            if len(data) > MAX_FILE_BYTES or left < 0 or count > MAX_FILES:
                raise RuleError(
                    f"There is more than is read of a folder of rules: {MAX_FILES} files, {MAX_BYTES // MIB} MiB, "
                    f"{MAX_FILE_BYTES // MIB} MiB in one file. The limit is met at {relative}."
                )
            yield relative, data


def _is_rule_file(name: str) -> bool:
    """Tell by the name, as semgrep does: examples beside the rules are none."""
    stem, _, suffix = name.rpartition(".")
    return (
        suffix in {"yaml", "yml"} and not name.startswith(".") and not stem.endswith((".test", ".test.fixed"))
    )


def _items(name: str, data: bytes) -> Iterable[dict[str, Any]]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = yaml.load(data, Loader=loader)  # noqa: S506 - the C twin of SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RuleError(f"{name}: it is not valid YAML: {' '.join(str(error).split())[:200]}.") from error
    items = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise RuleError(f"{name}: it has no list of rules.")
    return items


def _rule(name: str, item: Mapping[str, Any]) -> Rule:
    id_, message = item.get("id"), item.get("message")
    if not isinstance(id_, str) or not id_ or not isinstance(message, str):
        raise RuleError(f"{name}: a rule has no id or no message.")
    severity = _SEVERITIES.get(str(item.get("severity", "")).upper())
    if severity is None:
        raise RuleError(f"{name}: the severity of {id_} is not one of {', '.join(_SEVERITIES)}.")
    metadata = item["metadata"] if isinstance(item.get("metadata"), dict) else {}
    cwe = tuple(dict.fromkeys(found for text in _texts(metadata.get("cwe")) for found in _CWE.findall(text)))
    text = " ".join(message.split())
    security = bool(cwe) or metadata.get("category", "security") == "security"
    languages = _texts(item.get("languages"))
    return Rule(
        id=".".join([*Path(COPIED, name).parent.parts[1:], id_]),
        engine="semgrep",
        name=id_,
        short=_first_sentence(text),
        full=text,
        help_url=_address(metadata),
        severity=severity,
        precision=_PRECISIONS.get(str(metadata.get("confidence", "")).upper(), "medium"),
        cwe=cwe,
        tags=("security" if security else "correctness", *dict.fromkeys(languages)),
    )


def _with(suffixes: set[str] | None, languages: object) -> set[str] | None:
    """Add the files of these languages; any file may be of one that is not in the table."""
    names = [name.lower() for name in _texts(languages)]
    if suffixes is None or not names or not all(name in _SUFFIXES for name in names):
        return None
    return suffixes.union(*(_SUFFIXES[name].split() for name in names))


def _texts(value: object) -> list[str]:
    return (
        [str(one) for one in value] if isinstance(value, list) else [value] if isinstance(value, str) else []
    )


def _address(metadata: Mapping[str, Any]) -> str | None:
    candidates = [*_texts(metadata.get("references")), *_texts(metadata.get("source"))]
    return next((text for text in candidates if text.startswith("https://") and len(text) <= 500), None)


def _first_sentence(text: str) -> str:
    sentence, stop, _ = text.partition(". ")
    sentence = sentence + stop.strip()
    return sentence if len(sentence) <= 200 else f"{sentence[:199]}…"
