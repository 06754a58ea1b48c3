"""Names providers and modules of Terraform by their addresses, as package URLs do."""

from __future__ import annotations

import re
from urllib.parse import unquote

from commandcenter.engine.manifests.model import Requirement
from commandcenter.engine.manifests.purls import package_url
from commandcenter.engine.manifests.repositories import archive, fixed, repository, requirement
from commandcenter.engine.manifests.syntax import line_of, string

MODULES = "modules"
"""The part of a configuration that its lock file does not hold."""

_REGISTRIES = ("registry.terraform.io/", "registry.opentofu.org/")
_PROVIDER = re.compile(r"(?:[\w.-]+\.[\w-]+(?::\d+)?/)?[\w-]+/[\w-]+")
_MODULE = re.compile(r"(?:(?P<host>[\w-]+(?:\.[\w-]+)+(?::\d+)?)/)?(?P<name>[\w-]+/[\w-]+/[\w-]+)")
_EXACT = re.compile(r"=?\s*v?(\d+\.\d+\.\d+(?:[-+][\w.+-]*)?)")
_REF = re.compile(r"(?:^|&)ref=([^&]{1,200})")
_ELSEWHERE = re.compile(r"(?:(?:hg|s3|gcs|http|https|oci)::)?(?:https?|oci)://", re.IGNORECASE)


def provider_name(address: str) -> str | None:
    """`namespace/type` of a provider's address, with its host where that is none of the two public registries."""
    lowered = address.lower()
    for host in _REGISTRIES:
        lowered = lowered.removeprefix(host)
    return lowered if _PROVIDER.fullmatch(lowered) and not lowered.startswith("terraform.io/") else None


def module(address: str | None, constraint: object) -> Requirement | None:
    """The package of a module; None for local folders and for addresses that are computed."""
    if address is None or address.startswith((".", "/")):
        return None
    line, written = line_of(address), string(constraint)
    base, _, query = address.partition("?")
    scheme, double, rest = base.partition("://")
    path, _, _ = (rest if double else base).partition("//")
    package = f"{scheme}://{path}" if double else path
    found = _MODULE.fullmatch(package.removeprefix(_REGISTRIES[0]).removeprefix(_REGISTRIES[1]))
    if found is not None and found["host"] not in ("github.com", "bitbucket.org"):
        name = f"{found['host'].lower()}/{found['name']}" if found["host"] else found["name"]
        version = exact_version(written)
        return Requirement(
            name,
            str(written) if written else None,
            "runtime",
            line,
            version=version,
            purl=registry_purl(name, version),
            part=MODULES,
        )
    if _ELSEWHERE.match(package) and not package.endswith(".git"):
        return archive(package, "runtime", line, part=MODULES)
    where = repository(package)
    if where is None:
        return None
    asked = _REF.search(query)
    ref = unquote(asked[1]) if asked else None
    return requirement(where, ref, "runtime", line, version=fixed(ref), part=MODULES)


def exact_version(constraint: str | None) -> str | None:
    """The version of a constraint that admits one only."""
    match = _EXACT.fullmatch(constraint.strip()) if constraint and len(constraint) < 100 else None
    return match[1] if match else None


def registry_purl(name: str, version: str | None) -> str:
    """A registry of one's own is a qualifier; the two public ones hold the same packages under the same names."""
    first, _, rest = name.partition("/")
    host = first if "." in first or ":" in first else None
    namespace, _, base = (rest if host else name).rpartition("/")
    qualifiers = {"repository_url": host} if host else None
    return package_url("terraform", namespace, base, version, qualifiers)
