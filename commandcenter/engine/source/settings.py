"""The git configuration under which every git command of ours runs, and nothing else's configuration."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

# What git would otherwise run or fetch on its own, or read of the host, is off. Objects are checked when they arrive;
# complaints about names and dates are not errors, because nothing is ever checked out and old repositories have them.
SETTINGS: tuple[tuple[str, str], ...] = (
    ("safe.directory", "*"),
    ("protocol.allow", "never"),
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.attributesFile", "/dev/null"),
    ("core.excludesFile", "/dev/null"),
    ("core.alternateRefsCommand", ":"),
    ("core.pager", "cat"),
    ("core.logAllRefUpdates", "false"),
    ("core.protectNTFS", "false"),
    ("core.protectHFS", "false"),
    ("core.bigFileThreshold", "16m"),
    ("core.deltaBaseCacheLimit", "64m"),
    ("core.commitGraph", "false"),
    ("pack.threads", "2"),
    ("pack.windowMemory", "64m"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("transfer.bundleURI", "false"),
    ("transfer.credentialsInUrl", "die"),
    ("fetch.unpackLimit", "1"),
    ("fetch.recurseSubmodules", "false"),
    ("fetch.fsckObjects", "true"),
    ("fastimport.unpackLimit", "0"),
    ("submodule.recurse", "false"),
    ("log.showSignature", "false"),
    ("diff.renameLimit", "1000"),
    ("credential.helper", ""),
    ("http.followRedirects", "false"),
    ("http.proxy", ""),
    ("http.sslVerify", "true"),
    ("http.lowSpeedLimit", "1000"),
    ("http.lowSpeedTime", "30"),
)
_TOLERATED = """
    badDate badDateOverflow badEmail badFilemode badName badTagName badTimezone duplicateEntries emptyName fullPathname
    gitattributesBlob gitattributesLarge gitattributesLineLength gitattributesMissing gitattributesSymlink
    gitignoreSymlink gitmodulesBlob gitmodulesLarge gitmodulesMissing gitmodulesName gitmodulesParse gitmodulesPath
    gitmodulesSymlink gitmodulesUpdate gitmodulesUrl hasDot hasDotdot hasDotgit largePathname mailmapSymlink
    missingEmail missingNameBeforeEmail missingSpaceBeforeDate missingSpaceBeforeEmail missingTaggerEntry multipleAuthors
    nullSha1 symlinkTargetBlob symlinkTargetLength symlinkTargetMissing treeNotSorted unknownType zeroPaddedDate
    zeroPaddedFilemode extraHeaderEntry
"""
# Where an operator keeps the certificates of a company's own authority.
_AUTHORITIES = ("GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
SEARCH_PATH = "/usr/local/bin:/usr/bin:/bin"


def git_program() -> str:
    """Return git's path; the plain name where it cannot be found, so that starting it gives the error."""
    return shutil.which("git", path=os.pathsep.join((os.environ.get("PATH", ""), SEARCH_PATH))) or "git"


def environment(home: Path, config: Path) -> dict[str, str]:
    """Return the whole environment of a git command: nothing of the worker's own, messages in English."""
    authorities = {name: os.environ[name] for name in _AUTHORITIES if name in os.environ}
    search = dict.fromkeys((str(Path(git_program()).parent), *SEARCH_PATH.split(":")))
    return {
        "PATH": ":".join(search),
        "LC_ALL": "C",
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        **authorities,
    }


def can_pin() -> bool:
    """Tell whether git can be told the address of an http host; without that, it would look the name up again."""
    return _version() >= (2, 37)


@functools.cache
def _version() -> tuple[int, int]:
    try:
        text = subprocess.run(
            [git_program(), "version"],
            env={"PATH": SEARCH_PATH},
            capture_output=True,
            timeout=10,
            check=False,
        ).stdout.decode("ascii", "replace")
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    match = re.search(r"(\d+)\.(\d+)", text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def as_variables(pairs: tuple[tuple[str, str], ...] = SETTINGS) -> dict[str, str]:
    """Return settings as variables: for commands that start no second git, which would not be given them."""
    variables = {"GIT_CONFIG_COUNT": str(len(pairs))}
    for index, (key, value) in enumerate(pairs):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    return variables


def write_config(file: Path) -> None:
    """Write the settings as a configuration file, unless it stands there already."""
    lines = []
    for key, value in SETTINGS:
        section, _, name = key.partition(".")
        lines.append(f'[{section}]\n\t{name} = "{value}"\n')
    lines.append('[fetch "fsck"]\n')
    lines += [f"\t{name} = ignore\n" for name in _TOLERATED.split()]
    text = "".join(lines)
    try:
        if file.read_text() == text:
            return
    except OSError:
        pass
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(file)
