"""Says whether a licence expression is on a list of denied licences."""

from __future__ import annotations

from collections.abc import Collection

from commandcenter.engine.licenses.expressions import AllOf, Expression, License, parse

_ONLY, _LATER = "-only", "-or-later"


def entry(text: str) -> License | None:
    """Read one entry of a list: an SPDX id, with + or an exception where that is meant; None for anything else."""
    found = parse(text)
    return found if isinstance(found, License) else None


def denied(expression: Expression, entries: Collection[License]) -> bool:
    """Whether an expression cannot be met without a licence of the list: of OR every part, of AND any."""
    if isinstance(expression, License):
        return any(_same(expression, each) for each in entries)
    parts = (denied(part, entries) for part in expression.parts)
    return any(parts) if isinstance(expression, AllOf) else all(parts)


def family(license_: License) -> str:
    """Give the id without what it says about later versions: GPL-3.0 for GPL-3.0-only and GPL-3.0-or-later."""
    return license_.id.removesuffix(_ONLY).removesuffix(_LATER)


def _same(seen: License, listed: License) -> bool:
    """Whether both are one licence. One that does not speak of later versions is the one that does either way.

    With an exception it is a licence of its own: the exception is there to lift what the list means.
    """
    if family(seen) != family(listed) or seen.exception != listed.exception:
        return False
    manners = {_manner(seen), _manner(listed)}
    return len(manners) == 1 or "" in manners


def _manner(license_: License) -> str:
    if license_.later or license_.id.endswith(_LATER):
        return _LATER
    return _ONLY if license_.id.endswith(_ONLY) else ""
