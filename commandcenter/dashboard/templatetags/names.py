"""Turns names of the code into the words that people use."""

from __future__ import annotations

from django import template

from commandcenter.advisories.ecosystems import OSV_NAMES
from commandcenter.inventory.models import TechnologyDomain

register = template.Library()
_WORDS = {
    "bom": "Byte order mark",
    "sha256": "SHA-256",
    "all": "All repositories",
    "new": "New findings",
    "fixed": "Fixed findings",
}
_CHECKS = {"ci": "Continuous integration", "license": "Licence"}
_NOT_IN_OSV = {
    "cocoapods": "CocoaPods",
    "conda": "Conda",
    "docker": "Docker",
    "generic": "other",
    "gitlab": "GitLab",
    "helm": "Helm",
}
_DOMAINS = dict(TechnologyDomain.choices)


@register.filter
def words(name: str) -> str:
    """Turn a snake_case name into words."""
    return _WORDS.get(str(name)) or str(name).replace("_", " ").capitalize()


@register.filter
def check_words(name: str) -> str:
    """Turn the id of a check of good practice into words: "Binary artifacts"."""
    return _CHECKS.get(name) or name.replace("-", " ").capitalize()


@register.filter
def domain(value: str) -> str:
    """Return the name of a technology's domain."""
    return _DOMAINS.get(value, value)


@register.filter
def ecosystem(value: str) -> str:
    """Return the name of a package's ecosystem, of an unknown one its purl type."""
    return OSV_NAMES.get(value) or _NOT_IN_OSV.get(value, value)
