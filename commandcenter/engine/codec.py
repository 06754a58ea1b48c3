"""Pack an engine's results into bytes for the cache, without their own path, and unpack them for any path."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from operator import attrgetter
from typing import Any

import orjson
import zstandard

from commandcenter.engine.contract.facts import (
    Dependency,
    Evidence,
    FileClass,
    FunctionMetric,
    LicenseSeen,
    LineCount,
    Platform,
    Technology,
)
from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.gaps import Check, Gap
from commandcenter.engine.contract.history import Churn, Contributor, HistorySummary
from commandcenter.engine.contract.results import Failure, Result

VERSION = 1
_COMPRESS_FROM = 400  # bytes; below it the compressed form is hardly smaller and costs more to read
_PLAIN, _ZSTD = b"\x00", b"\x01"
_MAX_UNPACKED = 64 * 1024 * 1024

# A result with a path of its own first among its fields is stored as [tag, path or null, the other fields].
_WITH_PATH: tuple[type[Any], ...] = (FileClass, LineCount, FunctionMetric, Dependency, Finding, Churn)
_TAGS: dict[type[Any], int] = {kind: tag for tag, kind in enumerate(_WITH_PATH)}
_VALUES = {kind: attrgetter(*(f.name for f in fields(kind) if f.name != "path")) for kind in _WITH_PATH}
_FINDING = _TAGS[Finding]
_CWE = [f.name for f in fields(Finding)].index("cwe") + 1  # its place in a stored record, after the tag
_FAILURE, _TECHNOLOGY, _HISTORY, _CHECK, _GAP, _PLATFORM, _LICENSE = 20, 21, 22, 23, 24, 25, 26
_CONTRIBUTOR = 27
_PLACED: dict[type[Any], int] = {Platform: _PLATFORM, LicenseSeen: _LICENSE}
_PLACED_VALUES = {kind: attrgetter(*(f.name for f in fields(kind) if f.name != "path")) for kind in _PLACED}


class Unreadable(Exception):
    """A stored payload is not what this version writes; treat it as absent."""


def pack(results: Iterable[Result], own_path: str | None) -> bytes:
    """Pack results. A path equal to `own_path` is left out and filled in by `unpack`."""
    body = orjson.dumps([_record(result, own_path) for result in results])
    if len(body) < _COMPRESS_FROM:
        return _PLAIN + body
    return _ZSTD + zstandard.compress(body, 3)


def unpack(payload: bytes, own_path: str | None) -> list[Result]:
    """Unpack results for the file `own_path`. Raises Unreadable."""
    try:
        body = payload[1:]
        if payload[:1] == _ZSTD:
            body = zstandard.decompress(body, max_output_size=_MAX_UNPACKED)
        return [_result(record, own_path) for record in orjson.loads(body)]
    except (zstandard.ZstdError, orjson.JSONDecodeError, TypeError, LookupError, ValueError) as error:
        raise Unreadable(str(error)) from error


def _record(result: Result, own_path: str | None) -> list[Any]:
    kind = type(result)
    tag = _TAGS.get(kind)
    if tag is not None:
        path = attrgetter("path")(result)
        return [tag, None if path == own_path else path, *_VALUES[kind](result)]
    if isinstance(result, Failure):
        return [_FAILURE, None if result.path == own_path else result.path, result.message]
    if isinstance(result, Technology):
        evidence = [[None if e.path == own_path else e.path, e.line] for e in result.evidence]
        return [_TECHNOLOGY, result.name, result.domain, result.version, result.confidence, evidence]
    if isinstance(result, HistorySummary):
        return [_HISTORY, *(getattr(result, f.name) for f in fields(result))]
    if isinstance(result, Platform | LicenseSeen):
        path = None if result.path == own_path else result.path
        return [_PLACED[kind], path, *_PLACED_VALUES[kind](result)]
    if isinstance(result, Contributor):
        return [_CONTRIBUTOR, *(getattr(result, f.name) for f in fields(result))]
    if isinstance(result, Check):
        return [_CHECK, *(getattr(result, f.name) for f in fields(result))]
    if isinstance(result, Gap):
        places = [[e.path, e.line] for e in result.evidence]
        return [_GAP, *(getattr(result, f.name) for f in fields(result) if f.name != "evidence"), places]
    raise TypeError(f"{kind.__name__} is not a result.")


def _result(record: list[Any], own_path: str | None) -> Result:
    tag = record[0]
    if tag < len(_WITH_PATH):
        if tag == _FINDING:
            record[_CWE] = tuple(record[_CWE])
        path = own_path if record[1] is None else record[1]
        built: Result = _WITH_PATH[tag](path, *record[2:])
        return built
    if tag == _FAILURE:
        return Failure(record[2], own_path if record[1] is None else record[1])
    if tag == _TECHNOLOGY:
        evidence = tuple(Evidence(own_path or "" if path is None else path, line) for path, line in record[5])
        name, domain, version, confidence = record[1:5]
        return Technology(name, domain, version, confidence, evidence)
    if tag == _HISTORY:
        return HistorySummary(*record[1:])
    if tag in {_PLATFORM, _LICENSE}:
        made = Platform if tag == _PLATFORM else LicenseSeen
        return made(own_path or "" if record[1] is None else record[1], *record[2:])
    if tag == _CONTRIBUTOR:
        return Contributor(*record[1:])
    if tag == _CHECK:
        return Check(*record[1:])
    if tag == _GAP:
        *values, places = record[1:]
        check, subject, title, severity, reason, remedy = values
        evidence = tuple(Evidence(path, line) for path, line in places)
        return Gap(check, subject, title, severity, reason, remedy, evidence)
    raise ValueError(f"Unknown tag {tag}.")
