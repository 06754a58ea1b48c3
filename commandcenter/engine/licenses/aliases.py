"""Knows the names and addresses by which package metadata means one certain licence of the SPDX list."""

from __future__ import annotations

import re
from functools import cache

from commandcenter.engine.licenses import expressions
from commandcenter.engine.licenses.texts import listed

# Names that could be one of several ("BSD", "Apache", "PSF") are left out: they are not known.
_NAMES = {
    "Apache-2.0": (
        "Apache 2", "Apache 2.0", "Apache v2", "Apache v2.0", "Apache License 2", "Apache License v2", "Apache License v2.0",
        "Apache License Version 2.0", "Apache Software License 2.0", "Apache Software License Version 2.0", "Apache2",
        "Apache License (2.0)", "ASL 2.0", "ASL2", "AL2",
    ),
    "MIT": ("MIT License", "MIT Licence", "MIT License (MIT)", "MIT X11", "MIT/Expat", "Expat"),
    "BSD-2-Clause": (
        "BSD 2 Clause", "2-Clause BSD", "BSD 2-Clause License", "2-Clause BSD License", "Simplified BSD", "FreeBSD License",
        "Simplified BSD License",
    ),
    "BSD-3-Clause": (
        "BSD 3 Clause", "3-Clause BSD", "BSD 3-Clause License", "3-Clause BSD License", "New BSD", "New BSD License",
        "Modified BSD License", "Revised BSD License", "BSD New",
    ),
    "GPL-2.0": ("GPLv2", "GPL v2", "GPL 2", "GPL2", "GNU General Public License v2 (GPLv2)"),
    "GPL-3.0": ("GPLv3", "GPL v3", "GPL 3", "GPL3", "GNU General Public License v3 (GPLv3)"),
    "GPL-2.0-or-later": ("GPLv2+", "GPL v2+", "GPL2+", "GNU General Public License v2 or later (GPLv2+)"),
    "GPL-3.0-or-later": ("GPLv3+", "GPL v3+", "GPL3+", "GNU General Public License v3 or later (GPLv3+)"),
    "LGPL-2.1": ("LGPLv2.1", "LGPL 2.1", "LGPL v2.1"),
    "LGPL-3.0": ("LGPLv3", "LGPL 3", "LGPL v3", "GNU Lesser General Public License v3 (LGPLv3)"),
    "LGPL-2.1-or-later": ("LGPLv2.1+", "LGPL 2.1+"),
    "LGPL-2.0": ("GNU Lesser General Public License v2 (LGPLv2)",),
    "LGPL-2.0-or-later": ("GNU Lesser General Public License v2 or later (LGPLv2+)",),
    "LGPL-3.0-or-later": ("LGPLv3+", "LGPL 3+", "GNU Lesser General Public License v3 or later (LGPLv3+)"),
    "AGPL-3.0": ("AGPLv3", "AGPL v3", "AGPL 3", "GNU Affero General Public License v3"),
    "AGPL-3.0-or-later": (
        "AGPLv3+", "AGPL v3+", "GNU Affero General Public License v3 or later (AGPLv3+)",
    ),
    "MPL-1.1": ("MPL 1.1", "Mozilla Public License 1.1 (MPL 1.1)"),
    "MPL-2.0": ("MPL 2", "MPL 2.0", "MPLv2", "MPLv2.0", "Mozilla Public License 2.0 (MPL 2.0)", "Mozilla Public License 2.0",
                "Mozilla Public License Version 2.0"),
    "EPL-1.0": ("EPL 1.0", "Eclipse Public License v1.0", "Eclipse Public License Version 1.0",
                "Eclipse Public License 1.0 (EPL-1.0)"),
    "EPL-2.0": ("EPL 2.0", "Eclipse Public License v2.0", "Eclipse Public License Version 2.0",
                "Eclipse Public License 2.0 (EPL-2.0)"),
    "ISC": ("ISC License", "ISC License (ISCL)", "ISCL"),
    "Unlicense": ("The Unlicense (Unlicense)", "Unlicense"),
    "CC0-1.0": ("CC0", "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0 1.0 Universal", "CC0 1.0"),
    "Zlib": ("zlib License", "zlib/libpng License"),
    "BSL-1.0": ("Boost Software License 1.0", "Boost Software License 1.0 (BSL-1.0)"),
    "0BSD": ("Zero-Clause BSD", "Zero-Clause BSD (0BSD)", "BSD Zero Clause License"),
    "WTFPL": ("Do What The F*ck You Want To Public License",),
    "ZPL-2.1": ("ZPL 2.1", "Zope Public License 2.1"),
    "EUPL-1.2": ("European Union Public Licence 1.2 (EUPL 1.2)", "EUPL 1.2"),
    "EUPL-1.1": ("European Union Public Licence 1.1 (EUPL 1.1)", "EUPL 1.1"),
    "MIT-0": ("MIT No Attribution License (MIT-0)",),
    "OFL-1.1": ("SIL Open Font License 1.1 (OFL-1.1)", "SIL OFL 1.1"),
    "NCSA": ("University of Illinois/NCSA Open Source License",),
    "PostgreSQL": ("PostgreSQL License",),
    "UPL-1.0": ("Universal Permissive License (UPL)",),
    "BlueOak-1.0.0": ("Blue Oak Model License (BlueOak-1.0.0)",),
    "CDDL-1.0": ("CDDL 1.0", "Common Development and Distribution License 1.0 (CDDL-1.0)"),
}  # fmt: skip
_ADDRESSES = (
    (re.compile(r"apache\.org/licenses/license-2\.0(?:\.txt|\.html)?"), "Apache-2.0"),
    (re.compile(r"opensource\.org/licenses?/mit(?:-license)?(?:\.php|\.html)?"), "MIT"),
    (re.compile(r"opensource\.org/licenses?/bsd-3-clause"), "BSD-3-Clause"),
    (re.compile(r"opensource\.org/licenses?/bsd-2-clause"), "BSD-2-Clause"),
    (re.compile(r"opensource\.org/licenses?/apache-2\.0"), "Apache-2.0"),
    (re.compile(r"mozilla\.org/(?:en-us/)?mpl/2\.0"), "MPL-2.0"),
    (re.compile(r"eclipse\.org/(?:org/documents|legal)/epl-v10\.html"), "EPL-1.0"),
    (
        re.compile(
            r"eclipse\.org/(?:org/documents|legal)/epl-(?:v20|2\.0)(?:/|\.html|\.txt)?(?:epl-2\.0\.(?:html|txt))?"
        ),
        "EPL-2.0",
    ),
    (re.compile(r"gnu\.org/licenses/(?:old-licenses/)?gpl-2\.0(?:\.en)?(?:\.html|\.txt)?"), "GPL-2.0"),
    (re.compile(r"gnu\.org/licenses/gpl-3\.0(?:\.en)?(?:\.html|\.txt)?"), "GPL-3.0"),
    (re.compile(r"gnu\.org/licenses/(?:old-licenses/)?lgpl-2\.1(?:\.en)?(?:\.html|\.txt)?"), "LGPL-2.1"),
    (re.compile(r"gnu\.org/licenses/lgpl-3\.0(?:\.en)?(?:\.html|\.txt)?"), "LGPL-3.0"),
    (re.compile(r"gnu\.org/licenses/agpl-3\.0(?:\.en)?(?:\.html|\.txt)?"), "AGPL-3.0"),
    (re.compile(r"creativecommons\.org/publicdomain/zero/1\.0(?:/legalcode)?"), "CC0-1.0"),
    (re.compile(r"unlicense\.org"), "Unlicense"),
)
_NUGET = re.compile(r"https?://licenses\.nuget\.org/([A-Za-z0-9.+-]{1,100})/?")
_HOST = re.compile(r"https?://(?:www\.)?([^?#]{1,200}?)/?(?:[?#].*)?")
_APART = re.compile(r"[^a-z0-9+.]+")


def spdx_of(words: str) -> str | None:
    """Give the SPDX expression that the words are or certainly mean, None where they do not."""
    words = " ".join(words[: expressions.MAX_CHARS + 1].split())
    return expressions.canonical(words) or _names().get(_key(words)) or _by_address(words)


def _by_address(words: str) -> str | None:
    if (nuget := _NUGET.fullmatch(words)) is not None:
        return expressions.canonical(nuget[1])
    host = _HOST.fullmatch(words.lower())
    if host is None:
        return None
    return next((spdx for pattern, spdx in _ADDRESSES if pattern.fullmatch(host[1])), None)


@cache
def _names() -> dict[str, str]:
    named = {_key(entry["name"]): spdx for spdx, entry in listed().items()}
    return named | {_key(name): spdx for spdx, names in _NAMES.items() for name in names}


def _key(name: str) -> str:
    plain = _APART.sub(" ", name.lower().replace("licence", "license")).strip().removeprefix("the ")
    return plain.strip(" .")
