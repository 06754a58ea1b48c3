"""Takes addresses of git repositories apart, and names what they hold as package URLs do."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commandcenter.engine.contract.facts import DependencyScope
from commandcenter.engine.manifests.model import Requirement
from commandcenter.engine.manifests.purls import package_url

MAX_ADDRESS = 1_000

_HOSTED = {"github.com": "github", "gitlab.com": "gitlab", "bitbucket.org": "bitbucket"}
_ADDRESS = re.compile(
    r"(?:git::)?(?:(?:git\+)?(?:https?|ssh|git)://)?(?:[^/@\s]*@)?(?P<host>[\w.-]+)(?::\d+)?[/:](?P<path>[^?#\s]+)"
)
_RELEASE = re.compile(r"v?\d+(?:(?:\.\d+)+(?:[-+][\w.+-]*)?)?")
_PREFIXED = re.compile(r"[-/@_]v?\d+\.\d+\.\d+(?:[-+][\w.+-]*)?$")
_TRANSPORT = re.compile(r"\A(?:\w+::)?\w+://(?:[^/@]*@)?")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Repository:
    """The host in lower case, and the path on it without `.git`."""

    host: str
    path: str

    @property
    def name(self) -> str:
        return f"{self.host}/{self.path}"


def repository(address: str) -> Repository | None:
    """The repository that a clone address names (https, ssh, `git@host:path`, a bare `host/path`); None for others."""
    match = _ADDRESS.fullmatch(address.strip()) if len(address) <= MAX_ADDRESS else None
    if match is None or "." not in match["host"]:
        return None
    path = match["path"].strip("/").removesuffix(".git").strip("/")
    if not path or path.startswith("."):
        return None
    return Repository(match["host"].lower(), path)


def fixed(ref: str | None) -> str | None:
    """The ref where it reads like a commit or the tag of a release; None for branches and variables."""
    if ref is None or len(ref) > 200:
        return None
    known = _COMMIT.fullmatch(ref) or _RELEASE.fullmatch(ref) or _PREFIXED.search(ref)
    return str(ref) if known else None


def requirement(
    found: Repository,
    ref: str | None,
    scope: DependencyScope,
    line: int | None,
    *,
    version: str | None,
    part: str = "",
) -> Requirement:
    """What asks for a repository at a ref, under the name of its host's purl type, else as a generic package."""
    ecosystem = _HOSTED.get(found.host, "generic")
    name = found.name if ecosystem == "generic" else found.path
    if ecosystem in ("github", "bitbucket"):
        name = name.lower()
    namespace, _, base = name.rpartition("/")
    return Requirement(
        name,
        ref,
        scope,
        line,
        version=version,
        ecosystem=ecosystem,
        purl=package_url(ecosystem, namespace, base, version),
        part=part,
    )


def archive(address: str, scope: DependencyScope, line: int | None, part: str = "") -> Requirement | None:
    """What is fetched from an address as a file: it says where from, and nothing says which version."""
    bare = _TRANSPORT.sub("", address[:MAX_ADDRESS]).partition("?")[0].strip("/")
    namespace, _, base = bare.rpartition("/")
    if not base:
        return None
    purl = package_url("generic", namespace, base, None)
    return Requirement(bare, None, scope, line, ecosystem="generic", purl=purl, part=part)
