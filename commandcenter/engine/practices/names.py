"""One pass over all names of a tree: which of the files are there that a repository should have, or should not."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.manifests.inventory import vendored
from commandcenter.engine.tests_by_name import is_test

MAX_PATHS = 200  # kept of each kind

# Where the hosts of repositories look for what belongs to the repository as a whole.
_SHELVES = frozenset(["", ".github", ".gitlab", ".gitea", ".forgejo", "docs", "doc"])
_LICENSE = re.compile(r"(?:licen[sc]e|copying|unlicense|eula|legal)(?:$|[-_.])|.*[-_.]licen[sc]e(?:$|\.)")
_README = re.compile(r"readme(?:$|[-_.])")
_SECURITY = re.compile(r"security(?:$|\.(?:md|txt|rst|adoc|asc)$|[-_.]policy)|security\.txt$")
_CI_NAMES = frozenset(
    [
        ".appveyor.yml",
        ".cirrus.star",
        ".cirrus.yml",
        ".drone.yml",
        ".gitlab-ci.yml",
        ".semaphore.yml",
        ".travis.yml",
        ".woodpecker.yml",
        "appveyor.yml",
        "azure-pipelines.yaml",
        "azure-pipelines.yml",
        "bitbucket-pipelines.yml",
        "buildkite.yml",
        "cloudbuild.yaml",
        "jenkinsfile",
        "wercker.yml",
    ]
)
_CI_PATH = re.compile(
    r"\.(?:github|gitea|forgejo)/workflows/[^/]+\.ya?ml|\.circleci/config\.ya?ml|\.buildkite/[^/]+\.ya?ml"
    r"|\.semaphore/[^/]+\.ya?ml|\.woodpecker/[^/]+\.ya?ml|\.tekton/[^/]+\.ya?ml|\.azure-pipelines/[^/]+\.ya?ml"
    r"|\.teamcity/.+|\.ci/[^/]+|ci/[^/]+\.(?:ya?ml|sh)"
)
_UPDATES = frozenset(
    [
        ".github/dependabot.yaml",
        ".github/dependabot.yml",
        ".github/renovate.json",
        ".github/renovate.json5",
        ".gitlab/renovate.json",
        ".gitlab/renovate.json5",
        ".pyup.yml",
        ".renovaterc",
        ".renovaterc.json",
        ".renovaterc.json5",
        ".scala-steward.conf",
        "renovate.json",
        "renovate.json5",
    ]
)
_CODE = frozenset(
    [
        ".bash",
        ".c",
        ".cc",
        ".clj",
        ".cpp",
        ".cs",
        ".cxx",
        ".dart",
        ".erl",
        ".ex",
        ".exs",
        ".f90",
        ".fs",
        ".go",
        ".groovy",
        ".hs",
        ".java",
        ".jl",
        ".js",
        ".jsx",
        ".kt",
        ".lua",
        ".m",
        ".ml",
        ".mm",
        ".mjs",
        ".cjs",
        ".php",
        ".pl",
        ".pm",
        ".py",
        ".r",
        ".rb",
        ".rs",
        ".scala",
        ".sh",
        ".swift",
        ".ts",
        ".tsx",
        ".vb",
        ".vue",
        ".svelte",
        ".zig",
    ]
)
_BINARIES = frozenset(
    [
        ".a",
        ".apk",
        ".app",
        ".bin",
        ".class",
        ".com",
        ".crx",
        ".deb",
        ".dex",
        ".dll",
        ".dylib",
        ".egg",
        ".elf",
        ".exe",
        ".ipa",
        ".jar",
        ".ko",
        ".lib",
        ".msi",
        ".o",
        ".obj",
        ".ocx",
        ".pyc",
        ".pyd",
        ".pyo",
        ".rpm",
        ".scr",
        ".so",
        ".sys",
        ".war",
        ".whl",
        ".xpi",
    ]
)
_SAST = re.compile(
    r"(?:.*/)?\.?(?:semgrep|sonar-project|codeql-config|bandit|gosec|brakeman|psalm|phpstan|spotbugs[-\w]*|infer"
    r"|detekt|golangci|snyk|bearer|horusec-config)(?:\.(?:ya?ml|toml|json|xml|properties|neon|dist|ini))*|.*/codeql[^/]*\.ya?ml"
)
_FUZZ = re.compile(
    r"(?:.*/)?(?:fuzz/cargo\.toml|\.clusterfuzzlite/.+|oss[-_]fuzz[^/]*(?:/.+)?|[^/]*_fuzz(?:er|_test)?\.(?:go|py|cc|cpp|c|rs)"
    r"|fuzz_[^/]*\.(?:go|py|cc|cpp|c|rs)|[^/]*fuzz(?:er|ing)?test[^/]*\.(?:java|kt|go)|fuzz_targets/[^/]+\.rs)"
)


@dataclass(slots=True)
class Names:
    """Paths by what their names say, at most 200 of each kind, in order of paths. `code` counts files of code."""

    license: list[str] = field(default_factory=list)
    readme: list[str] = field(default_factory=list)
    security: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    ci: list[str] = field(default_factory=list)
    updates: list[str] = field(default_factory=list)
    tests: list[str] = field(default_factory=list)
    sast: list[str] = field(default_factory=list)
    fuzzing: list[str] = field(default_factory=list)
    binaries: list[str] = field(default_factory=list)
    go_sums: set[str] = field(default_factory=set)
    has_code: bool = False
    files: int = 0

    def digest(self) -> str:
        """Name what of all this can change a result."""
        state = hashlib.sha256()
        for kind in (
            self.license[:3], self.readme[:3], self.security[:3], self.owners[:3], self.ci[:3], self.updates[:3],
            self.tests[:3], self.sast[:3], self.fuzzing[:3], self.binaries, sorted(self.go_sums),
            [str(self.has_code)],
        ):  # fmt: skip
            state.update("\0".join(kind).encode("utf-8", "surrogatepass") + b"\1")
        return state.hexdigest()


def names_of(entries: Iterable[Entry]) -> Names:
    """Sort the names of a tree. `entries` come in order of paths."""
    found = Names()
    for entry in entries:
        found.files += 1
        path = entry.path.lower()
        folder, _, name = path.rpartition("/")
        if folder in _SHELVES or folder in {"licenses", "license"}:
            _of_repository(found, entry.path, folder, name)
        suffix = entry.suffix
        code, binary = suffix in _CODE, suffix in _BINARIES
        if binary and entry.size and not vendored(entry.path):
            _keep(found.binaries, entry.path)
        if name == "go.sum" and len(found.go_sums) < MAX_PATHS * 10:
            found.go_sums.add(entry.path)
        if ci_file(path):
            _keep(found.ci, entry.path)
        if code and not (found.has_code and len(found.tests) >= 3) and not vendored(entry.path):
            found.has_code = True
            if len(found.tests) < 3 and name != "__init__.py" and is_test(entry.path):
                found.tests.append(entry.path)
        elif not code and len(found.tests) < 3 and name.endswith((".bats", ".feature")):
            found.tests.append(entry.path)
        if "fuzz" in path and _FUZZ.fullmatch(path) and not vendored(entry.path):
            _keep(found.fuzzing, entry.path)
        if (folder in {"", ".github", ".config"} or "codeql" in name) and _SAST.fullmatch(path):
            _keep(found.sast, entry.path)
    return found


def ci_file(path: str) -> bool:
    """Whether a path is that of a file by which a CI system is told what to do."""
    lower = path.lower()
    named = "/" not in lower and lower in _CI_NAMES
    return named or (lower.startswith((".", "ci/")) and _CI_PATH.fullmatch(lower) is not None)


def _of_repository(found: Names, path: str, folder: str, name: str) -> None:
    if folder in {"licenses", "license"}:
        _keep(found.license, path)
        return
    if folder == "" and _LICENSE.match(name):
        _keep(found.license, path)
    if _README.match(name):
        _keep(found.readme, path)
    if _SECURITY.match(name):
        _keep(found.security, path)
    if name == "codeowners":
        _keep(found.owners, path)
    full = f"{folder}/{name}" if folder else name
    if full in _UPDATES:
        _keep(found.updates, path)


def _keep(paths: list[str], path: str) -> None:
    if len(paths) < MAX_PATHS:
        paths.append(path)
