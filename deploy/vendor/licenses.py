"""Copy the texts of common licences from the SPDX list, as npm has it, with their origin and checksum.

Run by `make vendor` after the packages are installed. `--check` compares the file with its own checksum.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PACKAGE = HERE / "node_modules" / "spdx-license-list"
TARGET = HERE.parent.parent / "commandcenter" / "engine" / "data" / "licenses.json"
# The texts of the GNU licences do not say whether later versions may be chosen: they are known by the bare name.
GNU = (
    "AGPL-1.0", "AGPL-3.0", "GFDL-1.1", "GFDL-1.2", "GFDL-1.3", "GPL-1.0", "GPL-2.0", "GPL-3.0", "LGPL-2.0", "LGPL-2.1",
    "LGPL-3.0",
)  # fmt: skip
# Common ones, and those that are so alike to one of them that they would be taken for it.
TAKEN = (
    "0BSD", "AFL-2.0", "AFL-2.1", "AFL-3.0", "APSL-2.0", "Apache-1.0", "Apache-1.1", "Apache-2.0",
    "Artistic-1.0", "Artistic-1.0-Perl", "Artistic-1.0-cl8", "Artistic-2.0", "Artistic-dist", "BSD-1-Clause",
    "BSD-2-Clause", "BSD-2-Clause-Darwin", "BSD-2-Clause-Patent", "BSD-2-Clause-Views",
    "BSD-2-Clause-first-lines", "BSD-3-Clause", "BSD-3-Clause-Attribution", "BSD-3-Clause-Clear",
    "BSD-3-Clause-LBNL", "BSD-3-Clause-No-Military-License", "BSD-3-Clause-No-Nuclear-License",
    "BSD-3-Clause-No-Nuclear-License-2014", "BSD-3-Clause-No-Nuclear-Warranty", "BSD-4-Clause",
    "BSD-4-Clause-UC", "BSD-Source-Code", "BSL-1.0", "BUSL-1.1", "Beerware", "Bitstream-Vera",
    "BlueOak-1.0.0", "CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-NC-4.0", "CC-BY-NC-ND-4.0",
    "CC-BY-NC-SA-4.0", "CC-BY-ND-2.0", "CC-BY-ND-2.5", "CC-BY-ND-3.0", "CC-BY-ND-4.0", "CC-BY-SA-2.0",
    "CC-BY-SA-2.5", "CC-BY-SA-3.0", "CC-BY-SA-4.0", "CC0-1.0", "CDDL-1.0", "CDDL-1.1", "CECILL-2.0",
    "CECILL-2.1", "CECILL-B", "CECILL-C", "CERN-OHL-P-2.0", "CERN-OHL-S-2.0", "CERN-OHL-W-2.0", "CNRI-Python",
    "CPAL-1.0", "CPL-1.0", "CUA-OPL-1.0", "ClArtistic", "CryptoSwift", "Cube", "ECL-2.0", "EFL-1.0",
    "EFL-2.0", "EPL-1.0", "EPL-2.0", "EUPL-1.0", "EUPL-1.1", "EUPL-1.2", "Elastic-2.0", "FSL-1.1-ALv2",
    "FSL-1.1-MIT", "FTL", "HPND", "HPND-sell-variant", "Hippocratic-2.1", "ICU", "IJG", "IPL-1.0", "ISC",
    "ImageMagick", "Intel", "Interbase-1.0", "JSON", "LPL-1.0", "LPL-1.02", "LPPL-1.3a", "LPPL-1.3c",
    "Libpng", "MIT", "MIT-0", "MIT-CMU", "MIT-Modern-Variant", "MIT-advertising", "MIT-feh", "MPL-1.1",
    "MPL-2.0", "MS-LPL", "MS-PL", "MS-RL", "MulanPSL-2.0", "NBPL-1.0", "NCSA", "NOSL", "NPL-1.1", "NPOSL-3.0",
    "NTP", "ODC-By-1.0", "ODbL-1.0", "OFL-1.0", "OFL-1.1", "OLDAP-1.1", "OLDAP-1.2", "OLDAP-1.3", "OLDAP-1.4",
    "OLDAP-2.4", "OLDAP-2.5", "OLDAP-2.6", "OLDAP-2.7", "OLDAP-2.8", "OSL-1.1", "OSL-2.0",
    "OSL-2.1", "OSL-3.0", "OpenSSL", "PDDL-1.0", "PHP-3.0", "PHP-3.01", "PSF-2.0", "Parity-7.0.0", "Pixar",
    "Plexus", "PolyForm-Noncommercial-1.0.0", "PolyForm-Small-Business-1.0.0", "PostgreSQL", "Python-2.0",
    "Python-2.0.1", "QPL-1.0", "QPL-1.0-INRIA-2004", "RPL-1.1", "RPL-1.5", "Ruby", "SHL-0.5", "SHL-0.51",
    "SNIA", "SPL-1.0", "SSPL-1.0", "SWL", "Sleepycat", "SugarCRM-1.1.3", "TCL", "TGPPL-1.0", "TPL-1.0",
    "UCL-1.0", "UPL-1.0", "Unicode-3.0", "Unicode-DFS-2015", "Unicode-DFS-2016", "Unlicense", "Vim", "W3C",
    "W3C-19980720", "WTFPL", "Watcom-1.0", "X11", "X11-distribute-modifications-variant", "Xnet", "ZPL-2.0",
    "ZPL-2.1", "Zlib", "blessing", "bzip2-1.0.5", "bzip2-1.0.6", "curl", "libpng-2.0", "zlib-acknowledgement",
)  # fmt: skip


def checksum(licenses: dict[str, dict[str, str]]) -> str:
    """Return the SHA-256 of the texts in hexadecimal."""
    return hashlib.sha256(json.dumps(licenses, sort_keys=True).encode()).hexdigest()


def check() -> str:
    """Return what is wrong with the file, nothing when it is as it was copied."""
    document = json.loads(TARGET.read_text())
    same = checksum(document["licenses"]) == document["origin"]["sha256"]
    return "" if same else f"{TARGET.name} differs from its record: run `make vendor`."


def copy() -> None:
    """Write the chosen texts, one licence a line."""
    about = json.loads((PACKAGE / "package.json").read_text())
    listed = json.loads((PACKAGE / "spdx-full.json").read_text())
    sources = {**{name: name for name in TAKEN}, **{name: f"{name}-only" for name in GNU}}
    licenses = {
        name: {"name": listed[source]["name"].removesuffix(" only"), "text": listed[source]["licenseText"]}
        for name, source in sorted(sources.items())
    }
    lock = json.loads((HERE / "package-lock.json").read_text())["packages"][f"node_modules/{PACKAGE.name}"]
    origin = {
        "source": "SPDX licence list, https://spdx.org/licenses/",
        "package": f"npm:{about['name']}@{about['version']}",
        "license": about["license"],
        "integrity": lock["integrity"],
        "sha256": checksum(licenses),
    }
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in licenses.items()]
    head = json.dumps(origin, indent=2)
    body = ",\n".join(lines)
    TARGET.write_text(f'{{\n"origin": {head},\n"licenses": {{\n{body}\n}}\n}}\n')


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        sys.exit(check() or 0)
    copy()
