"""Says by their paths which files hold licences, and whose licences they are."""

from __future__ import annotations

import re

from commandcenter.engine.contract.facts import LicensePlace
from commandcenter.engine.manifests.inventory import vendored

_NAME = re.compile(
    r"(?:un)?licen[sc]es?(?:[-_. ].*)?|copying(?:[-_. ].*)?|[\w.-]{1,40}[-_.]licen[sc]e(?:\.(?:txt|md|rst))?",
    re.IGNORECASE,
)
_SHELF = re.compile(r"(?:(?:licen[sc]es?)/|(?:.*/)?(?-i:LICENSES)/)[^/]+\.txt", re.IGNORECASE)
_OTHER = re.compile(
    r".*\.(?:[ch]|[ch]pp|cc|cs|css|csv|dart|erb|ex|exs|fs|gif|go|gz|html?|ico|ipynb|j2|java|jpe?g|jsx?|json5?|kt|less|lock|lua|map"
    r"|mjs|cjs|patch|pdf|php|pl|png|pot?|ps1|pyi?|rb|rs|rtf|s[ac]ss|scala|sh|snap|spdx|sql|svg|swift|tmpl|toml|tpl|tsx?|vue|xlsx?"
    r"|xml|xsl|ya?ml|zip|docx?|bat|cmd|in|cfg|ini|about|license)",
    re.IGNORECASE,
)
_PAGE = re.compile(r"(?:.*/)?(?:docs?|documentation)/(?:.*/)?[^/]+\.(?:md|mdx|rst|adoc)", re.IGNORECASE)


def holds_text(path: str) -> bool:
    """Whether a file is called as files with the text of a licence are."""
    name = path.rpartition("/")[2]
    if _OTHER.fullmatch(name) or _PAGE.fullmatch(path):
        return False
    return _NAME.fullmatch(name) is not None or _SHELF.fullmatch(path) is not None


def place_of(path: str, *, header: bool = False) -> LicensePlace:
    """Whose licence it is: of vendored code, of the repository (at its top, or of its own files), else of a package."""
    if vendored(path):
        return "vendored"
    folder = path.rpartition("/")[0]
    if header or not folder or folder.lower() in {"licenses", "license", "licences", "licence"}:
        return "repository"
    return "package"
