"""The check of commands in Dockerfiles and CI files that install software in no certain version."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from commandcenter.engine.contract.facts import Evidence
from commandcenter.engine.contract.findings import Severity
from commandcenter.engine.manifests import docker, gitlab
from commandcenter.engine.manifests.syntax import array, line_of, string, table
from commandcenter.engine.practices.model import Outcome, Repository, example, read_table

MAX_COMMAND = 20_000
MAX_COMMANDS = 20_000

_SPLIT = re.compile(r"&&|\|\||;|\n")
_PIPE_TO_SHELL = re.compile(
    r"\b(?:curl|wget)\b[^|\n]{0,500}\|\s*(?:sudo\s+)?(?:-\S+\s+)*(?:(?:/usr)?/bin/)?(?:env\s+)?(?:ba|z|da|a)?sh\b"
    r"|\b(?:ba|z|da)?sh\s+(?:-c\s+)?[\"']?(?:<\(|\$\()\s*(?:curl|wget)\b"
    r"|\b(?:curl|wget)\b[^|\n]{0,500}\|\s*(?:sudo\s+)?(?:python[\d.]*|node|perl|ruby|php)\b"
)
_URL = re.compile(r"https?://[^\s\"'|)<>]+")
_PIP = re.compile(r"(?:^|\s)(?:pip[\d.]*|uv\s+pip|pipx)\s+install\s+(?P<rest>.*)")
_UV_TOOL = re.compile(r"(?:^|\s)uv\s+tool\s+install\s+(?P<rest>.*)")
_NPM = re.compile(
    r"(?:^|\s)(?:npm\s+(?:install|i|add)|yarn\s+(?:global\s+)?add|pnpm\s+(?:add|install|i))(?P<rest>(?:\s.*)?$)"
)
_GO = re.compile(r"(?:^|\s)go\s+(?:install|get)\s+(?P<rest>.*)")
_GEM = re.compile(r"(?:^|\s)gem\s+install\s+(?P<rest>.*)")
_CARGO = re.compile(r"(?:^|\s)cargo\s+install\s+(?P<rest>.*)")

_PIP_VALUED = frozenset(["-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url", "-t",
    "--target", "-f", "--find-links", "--prefix", "--root", "--python", "-p", "--trusted-host", "--with", "--only-binary",
    "--no-binary", "--platform", "--cache-dir", "--timeout", "--retries", "--progress-bar", "--log", "--group"])  # fmt: skip
_NPM_VALUED = frozenset(
    ["--prefix", "--registry", "-C", "--dir", "--filter", "-F", "--cwd", "--workspace", "-w"]
)
_GEM_VALUED = frozenset(["-v", "--version", "-i", "--install-dir", "-n", "--bindir"])
_CARGO_VALUED = frozenset(
    ["--version", "--vers", "--git", "--tag", "--rev", "--branch", "--path", "--root", "--features"]
)
_OWN_TOOLS = frozenset(
    ["pip", "setuptools", "wheel"]
)  # of the base image; what they build with is pinned elsewhere


def pinned_installs(repository: Repository) -> Outcome:
    """Judge the commands of Dockerfiles, workflows and GitLab's CI files."""
    outcome = Outcome("pinned-installs", why="No Dockerfile or CI file installs anything by a command.")
    for path, text in sorted(repository.texts.items()):
        if example(path):
            continue
        for number, (line, command) in enumerate(_commands(path, text)):
            if number >= MAX_COMMANDS:
                break
            _judge(outcome, path, line, command[:MAX_COMMAND])
    return outcome


def _commands(path: str, text: str) -> Iterator[tuple[int | None, str]]:
    if docker.matches(path):
        for line, word, rest in docker.instructions(text):
            if word == "RUN":
                yield line, rest
        return
    if not path.endswith((".yml", ".yaml")) or not ("run" in text or "script" in text):
        return
    if not (path.startswith(".") or path.endswith(("action.yml", "action.yaml")) or gitlab.matches(path)):
        return
    document = read_table(text) or {}
    jobs = [table(job) for job in table(document.get("jobs")).values()]
    for job in (*jobs, table(document.get("runs"))):
        for step in array(job.get("steps")):
            yield from _script(table(step).get("run"))
    for body in (document, *(value for value in document.values() if isinstance(value, dict))):
        for key in ("before_script", "script", "after_script"):
            value = body.get(key)
            for item in value if isinstance(value, list) else [value]:
                yield from _script(item)


def _script(value: object) -> Iterator[tuple[int | None, str]]:
    written = string(value)
    if written is None:
        return
    first = line_of(value)
    # The mark of a block is the line of its `|`; a flow text begins on its own line.
    offset = 1 if "\n" in written else 0
    pending = ""
    start = 0
    for number, raw in enumerate(written.split("\n")):
        if not pending:
            start = number
        pending += raw
        if pending.endswith("\\"):
            pending = pending[:-1] + " "
            continue
        if not pending.lstrip().startswith("#"):
            yield (None if first is None else first + offset + start), pending
        pending = ""


def _judge(outcome: Outcome, path: str, line: int | None, command: str) -> None:
    place = [Evidence(path, line)]
    for match in _PIPE_TO_SHELL.finditer(command):
        outcome.looked_at += 1
        address = _URL.search(command, match.start())
        source = address[0][:150] if address else "an address"
        outcome.add(
            source,
            f"A script from {source} is run as it is at that moment, without a check of what it is.",
            place,
            severity="high",
            remedy="Fetch a release by its version, compare its checksum with one in the repository, and only then run it.",
        )
    for part in _SPLIT.split(command):
        for tool, wanted in _installs(part):
            outcome.looked_at += 1
            outcome.why = "Every package that a command installs is named with its version."
            if wanted is not None:
                _add(outcome, tool, wanted, place)


def _add(outcome: Outcome, tool: str, package: str, place: Iterable[Evidence]) -> None:
    severity: Severity = "medium"
    how = {
        "pip": f"{package}==<version>, or a requirements file with hashes",
        "npm": f"{package}@<version>, or `npm ci` with a lock file",
        "go": f"{package.partition('@')[0]}@<version>",
        "gem": f"{package}:<version>",
        "cargo": f"{package}@<version> with --locked",
    }[tool]
    outcome.add(
        f"{tool} {package}"[:150],
        f"{tool} installs {package[:120]} in whatever version is the newest when the command runs.",
        place,
        severity=severity,
        remedy=f"Name the version: {how}.",
    )


def _installs(part: str) -> Iterator[tuple[str, str | None]]:
    """Tool and package of each package that a command installs; None in place of one that names its version."""
    for tool, pattern, valued, pinned in (
        ("pip", _PIP, _PIP_VALUED, _pip_pinned),
        ("pip", _UV_TOOL, _PIP_VALUED, _pip_pinned),
        ("npm", _NPM, _NPM_VALUED, _npm_pinned),
        ("go", _GO, frozenset[str](), _go_pinned),
        ("gem", _GEM, _GEM_VALUED, _gem_pinned),
        ("cargo", _CARGO, _CARGO_VALUED, _gem_pinned),
    ):
        match = pattern.search(part)
        if match is None:
            continue
        words = match["rest"].split()
        versioned = tool in {"gem", "cargo"} and not {
            "-v",
            "--version",
            "--vers",
            "--rev",
            "--tag",
            "--path",
        }.isdisjoint(word.partition("=")[0] for word in words)
        skip = False
        for word in words:
            if skip or word.startswith("-"):
                # `--flag value`, but not `--flag=value`
                skip = not skip and word in valued
                continue
            if word.startswith(("#", ">", "<", "|", "2>")):
                break
            package = word.strip("\"'`)")
            if not package or package.startswith(
                (".", "/", "$", "~", "git+", "http://", "https://", "file:", "{", "*")
            ):
                continue
            if tool == "pip" and package.lower() in _OWN_TOOLS:
                continue
            yield tool, None if versioned or pinned(package) else package


def _pip_pinned(package: str) -> bool:
    return (
        "==" in package or "@" in package or package.endswith((".whl", ".tar.gz", ".zip")) or "/" in package
    )


def _npm_pinned(package: str) -> bool:
    return re.search(r"(?!^)@v?\d+\.\d+\.\d+", package) is not None or ":" in package


def _go_pinned(package: str) -> bool:
    # Without an @ the version comes from go.mod.
    return "@" not in package or re.search(r"@(?:v\d+\.\d+\.\d+|[0-9a-f]{12,40}$)", package) is not None


def _gem_pinned(package: str) -> bool:
    return re.search(r"[:@]\d", package) is not None or package.endswith(".gem")
