"""Runs our own code rules with ast-grep, deaf to what the repository tells it."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import orjson

from commandcenter.engine.contract.engines import Context, Scope, ToolResult
from commandcenter.engine.contract.files import Blob, Entry
from commandcenter.engine.contract.findings import Finding, Rule
from commandcenter.engine.contract.results import Failure, Result
from commandcenter.engine.engines.excerpts import REDACTED, excerpt, redacted
from commandcenter.engine.engines.language import looks_binary
from commandcenter.engine.engines.places import Places
from commandcenter.engine.engines.programs import WheelProgram
from commandcenter.engine.engines.tool_run import NoAnswer, ToolRun, portions
from commandcenter.engine.rules.code_rules import ENGINE_ID, load
from commandcenter.engine.tests_by_name import is_test

REVISION = "2"
PROGRAM = WheelProgram("ast-grep", "ast-grep-cli")
LANGUAGES = {
    ".py": "Python", ".pyi": "Python", ".pyw": "Python",
    ".js": "JavaScript", ".mjs": "JavaScript", ".cjs": "JavaScript", ".jsx": "JavaScript",
    ".ts": "TypeScript", ".mts": "TypeScript", ".cts": "TypeScript", ".tsx": "Tsx",
    ".go": "Go", ".java": "Java",
}  # fmt: skip
# SARIF, for it does not repeat the whole line of each match. One thread: other engines run beside it.
OPTIONS = (
    "--format=sarif",
    "--threads=1",
    *(f"--no-ignore={kind}" for kind in ("hidden", "dot", "exclude", "global", "parent", "vcs")),
)
MAX_FILE = 1024 * 1024
MAX_LINE = 32 * 1024  # what is written by people has none; the time for a match grows with its line
PORTION = (500, 8 * 1024 * 1024)
SECONDS = 20.0
MAX_QUOTE = 80
MARK, _SPOILED = b"ast-grep-ignore", b"ast-grep_ignore"
_LOUD = "/astgrep/"
_SILENCER = re.compile(rb"(?://|#)[ \t]*ast-grep-ignore[^\n]*|/\*[ \t]*ast-grep-ignore[^\n*]*\*/")
# Where the literal is what is wrong, it is not quoted.
_SECRET = frozenset({"CWE-259", "CWE-321", "CWE-798"})
_LITERAL = re.compile(r"""(["'`])(?:\\.|(?!\1).)*(?:\1|$)""")

Match = tuple[int, int, str]  # where it begins and ends, in bytes, and its rule


class AstGrepEngine:
    """Findings of our own rules. What a comment silences is reported too, marked `inline_suppressed`.

    A file that is not UTF-8, too large or minified is a Failure: nothing is known about it. In tests only bugs are
    looked for: what is dangerous in service is how a test is set up.
    """

    id = ENGINE_ID
    scope = Scope.BLOB

    @property
    def config_digest(self) -> str:
        parts = (OPTIONS, sorted(LANGUAGES.items()), load().digest, MAX_FILE, MAX_LINE)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    @property
    def version(self) -> str:
        return PROGRAM.version(REVISION)

    def unavailable(self) -> str | None:
        return PROGRAM.unavailable()

    def rules(self) -> Iterable[Rule]:
        return (one.rule for one in load().rules.values())

    def select(self, entry: Entry) -> bool:
        return entry.suffix in LANGUAGES

    def path_class(self, entry: Entry) -> str:
        """The suffix names the language, and tests have fewer rules."""
        return f"test{entry.suffix}" if is_test(entry.path) else entry.suffix

    def run(self, batch: Sequence[Blob], context: Context) -> Iterable[Result]:
        program = PROGRAM.path()
        readable: dict[tuple[str, bool], list[Blob]] = defaultdict(list)
        for blob in batch:
            if looks_binary(blob.data):
                continue
            reason = _unreadable(blob.data)
            if reason is not None:
                yield Failure(f"Not checked: {reason}", blob.entry.path)
            else:
                readable[LANGUAGES[blob.entry.suffix], is_test(blob.entry.path)].append(blob)
        root = context.scratch()
        try:
            for (language, tests), blobs in sorted(readable.items()):
                argv = [program, "scan", *OPTIONS, *_configuration(root, language, tests)]
                run = ToolRun(context, argv, cwd=root, seconds=SECONDS, read=_matches)
                for portion in portions(blobs, *PORTION):
                    yield from _check(run, portion, context)
        finally:
            shutil.rmtree(root, ignore_errors=True)


def rule_file(language: str, tests: bool) -> bytes:
    """Return what ast-grep reads: the rules of one language, for tests or for the rest, one document each."""
    documents = [
        {"id": id_, "language": language, "severity": "warning", "message": "-", **one.matching}
        for id_, one in load().rules.items()
        if language in one.languages and not (tests and "security" in one.rule.tags)
    ]
    return b"\n---\n".join(orjson.dumps(document) for document in documents)


def _configuration(root: Path, language: str, tests: bool) -> list[str]:
    """Write our rules and a configuration by which all files have this language, whatever their names."""
    kind = f"{language}.tests" if tests else language
    rules, config = root / f"{kind}.rules.yml", root / f"{kind}.config.yml"
    rules.write_bytes(rule_file(language, tests))
    config.write_bytes(orjson.dumps({"ruleDirs": [], "languageGlobs": {language: ["*"]}}))
    return [f"--config={config}", f"--rule={rules}"]


def _unreadable(data: bytes) -> str | None:
    """Say why a file is not given to the tool, which would leave some of these out without a word."""
    if len(data) > MAX_FILE:
        return f"it is larger than {MAX_FILE // 1024} KiB."
    try:
        data.decode()
    except UnicodeDecodeError:
        return "it is not UTF-8."
    if max(map(len, data.split(b"\n"))) > MAX_LINE:
        return f"it has a line of more than {MAX_LINE // 1024} KiB, as minified files do."
    return None


def _check(run: ToolRun[Match], blobs: Sequence[Blob], context: Context) -> Iterator[Result]:
    """Check files with their marks spoiled; a second pass over the marked ones tells what they silence."""
    data = {blob.entry.path: blob.data for blob in blobs}
    marked = [blob for blob in blobs if MARK in blob.data]
    files = context.materialise([_unsilenced(blob) if MARK in blob.data else blob for blob in blobs])
    path_of = {file: entry.path.removeprefix(_LOUD) for file, entry in files.items()}
    loud: dict[str, set[Match]] = defaultdict(set)
    for file, match in run.answers(list(files)):
        loud[path_of[file]].add(match)
    lost = {path_of[file]: failed for file, failed in run.failed.items() if file in path_of}
    heard = _heard(run, [blob for blob in marked if blob.entry.path not in lost], context)
    for path, matches in sorted(loud.items()):
        silenced = matches - heard[path] if path in heard else set()
        yield from _findings(path, data[path], matches, silenced)
    for path, failed in lost.items():
        yield Failure(f"Not checked. {failed.reason}", path, transient=failed.transient)


def _heard(run: ToolRun[Match], blobs: Sequence[Blob], context: Context) -> dict[str, set[Match]]:
    """Return what is left of each file's matches when its marks are obeyed; a file without an answer is left out."""
    if not blobs:
        return {}
    files = context.materialise(blobs)
    heard: dict[str, set[Match]] = {entry.path: set() for entry in files.values()}
    for file, match in run.answers(list(files)):
        heard[files[file].path].add(match)
    unheard = {files[file].path for file in run.failed if file in files}
    return {path: matches for path, matches in heard.items() if path not in unheard}


def _unsilenced(blob: Blob) -> Blob:
    """Return the file under a path that no tree has, its marks spoiled; every byte stays where it was."""
    entry = replace(blob.entry, path=f"{_LOUD}{blob.entry.path}", blob=f"{blob.entry.blob}-astgrep")
    return Blob(entry, blob.data.replace(MARK, _SPOILED))


def _matches(result: ToolResult) -> Iterator[tuple[str, Match]]:
    if result.returncode != 0 or b"ERROR" in result.stderr:
        said = " ".join(redacted(result.stderr[-200:].decode("utf-8", "replace")).split())
        raise NoAnswer(f"ast-grep ended with status {result.returncode}: {said or 'it says nothing'}.")
    try:
        found = orjson.loads(result.stdout)["runs"][0]["results"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise NoAnswer("ast-grep did not end its report.") from error
    rules = load().rules
    for one in found:
        if one["ruleId"] in rules:  # the tool has a rule of its own, about its comments
            place = one["locations"][0]["physicalLocation"]
            start, length = place["region"]["byteOffset"], place["region"]["byteLength"]
            yield unquote(place["artifactLocation"]["uri"]), (start, start + length, one["ruleId"])


def _findings(path: str, data: bytes, matches: Iterable[Match], silenced: set[Match]) -> Iterator[Finding]:
    places = Places(data)
    for match in sorted(matches):
        start, end, rule_id = match
        rule = load().rules[rule_id].rule
        (first, column), (last, after) = places.place(start), places.place(end)
        lines = _SILENCER.sub(b"", places.lines(first, min(last, first + 2)))
        yield Finding(
            path=path,
            start_line=first,
            end_line=last,
            rule_id=rule_id,
            engine=ENGINE_ID,
            severity=rule.severity,
            message=_quoted(rule, f"{rule.short[:-1]}: {_text(data[start:end])}"),
            snippet=_quoted(rule, excerpt(lines, 1, 3)),
            start_column=column,
            end_column=after,
            cwe=rule.cwe,
            inline_suppressed=match in silenced,
        )


def _text(matched: bytes) -> str:
    """Return how a match begins."""
    text = " ".join(redacted(matched[: 4 * MAX_QUOTE].decode("utf-8", "ignore")).split())
    return text if len(text) <= MAX_QUOTE else f"{text[:MAX_QUOTE]}…"


def _quoted(rule: Rule, text: str) -> str:
    """Return a text without its literals where one of them is what is wrong."""
    return _LITERAL.sub(rf"\1{REDACTED}\1", text) if _SECRET & set(rule.cwe) else text


ENGINE = AstGrepEngine()
