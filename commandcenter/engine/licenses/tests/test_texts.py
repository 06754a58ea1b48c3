"""The shipped texts: as they were copied, under the names of SPDX."""

from __future__ import annotations

import hashlib
import json

from commandcenter.engine.licenses.expressions import canonical
from commandcenter.engine.licenses.texts import data, listed


def test_the_texts_are_as_they_were_copied() -> None:
    document = json.loads(data())
    copied = json.dumps(document["licenses"], sort_keys=True).encode()
    assert hashlib.sha256(copied).hexdigest() == document["origin"]["sha256"]
    assert document["origin"]["license"] == "CC0-1.0"
    assert document["origin"]["package"].startswith("npm:spdx-license-list@")


def test_every_name_is_one_of_spdx() -> None:
    assert [name for name in listed() if canonical(name) != name] == []
