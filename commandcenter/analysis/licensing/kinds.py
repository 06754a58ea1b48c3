"""Sorts common licences by what they ask of whoever combines them with other code."""

from __future__ import annotations

from enum import IntEnum

from commandcenter.analysis.licensing.denial import family
from commandcenter.engine.licenses.expressions import AllOf, Expression, License


class Kind(IntEnum):
    """From asking least to asking most."""

    PERMISSIVE = 1
    WEAK = 2  # copyleft of its own files, or of the library
    STRONG = 3  # copyleft of the whole that it is combined into


_PERMISSIVE = frozenset(
    [
        "0BSD", "AFL-3.0", "Apache-1.1", "Apache-2.0", "Artistic-2.0", "BSD-1-Clause", "BSD-2-Clause",
        "BSD-2-Clause-Patent", "BSD-3-Clause", "BSD-3-Clause-Clear", "BSD-4-Clause", "BSL-1.0", "BlueOak-1.0.0",
        "CC-BY-4.0", "CC0-1.0", "CNRI-Python", "ECL-2.0", "HPND", "ICU", "ISC", "Libpng", "MIT", "MIT-0", "MIT-CMU",
        "MulanPSL-2.0", "NCSA", "NTP", "OpenSSL", "PHP-3.01", "PSF-2.0", "PostgreSQL", "Python-2.0", "Python-2.0.1",
        "TCL", "UPL-1.0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "W3C", "WTFPL", "X11", "ZPL-2.1", "Zlib",
        "blessing", "bzip2-1.0.6", "curl", "libpng-2.0",
    ]
)  # fmt: skip
_WEAK = frozenset(
    [
        "CDDL-1.0", "CDDL-1.1", "CPL-1.0", "EPL-1.0", "EPL-2.0", "LGPL-2.0", "LGPL-2.1", "LGPL-3.0", "MPL-1.1", "MPL-2.0",
        "MS-RL",
    ]
)  # fmt: skip
_STRONG = frozenset(
    [
        "AGPL-1.0", "AGPL-3.0", "CECILL-2.1", "CERN-OHL-S-2.0", "EUPL-1.1", "EUPL-1.2", "GPL-1.0", "GPL-2.0", "GPL-3.0",
        "OSL-3.0", "Parity-7.0.0", "QPL-1.0", "RPL-1.5", "SSPL-1.0", "Sleepycat",
    ]
)  # fmt: skip


def kind_of(expression: Expression) -> Kind | None:
    """Give the kind of an expression: of OR what asks least, of AND what asks most; None where that is not known."""
    if isinstance(expression, License):
        return _kind(expression)
    kinds = [kind_of(part) for part in expression.parts]
    known = [kind for kind in kinds if kind is not None]
    decides = Kind.STRONG if isinstance(expression, AllOf) else Kind.PERMISSIVE
    if decides in known:
        return decides
    if len(known) < len(kinds):
        return None
    return max(known) if isinstance(expression, AllOf) else min(known)


def _kind(license_: License) -> Kind | None:
    name = family(license_)
    if name in _PERMISSIVE:
        return Kind.PERMISSIVE
    if name in _WEAK:
        return Kind.WEAK
    # Exceptions to these licences are made for being combined with other code.
    return (Kind.WEAK if license_.exception else Kind.STRONG) if name in _STRONG else None
