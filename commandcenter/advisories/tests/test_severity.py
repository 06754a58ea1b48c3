"""How bad a problem is, by vector, by word, or unknown."""

from __future__ import annotations

from typing import Any

import pytest

from commandcenter.advisories.models import Severity
from commandcenter.advisories.severity import rated

V2 = {"type": "CVSS_V2", "score": "AV:N/AC:L/Au:N/C:C/I:C/A:C"}
V3 = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N"}
V4 = {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"}
NONE = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"}


@pytest.mark.parametrize(
    ("vectors", "words", "severity", "score"),
    [
        ([V4], [], Severity.CRITICAL, 9.3),
        ([V3], [], Severity.LOW, 1.8),
        ([V2], [], Severity.HIGH, 10.0),  # version 2 knows no critical
        ([NONE], [], Severity.INFO, 0.0),
        ([V3, V2, V4], [], Severity.CRITICAL, 9.3),  # the newest version speaks
        ([V3], ["CRITICAL"], Severity.LOW, 1.8),  # a vector before a word
        ([], ["MODERATE"], Severity.MEDIUM, None),
        ([{"type": "CVSS_V3", "score": "CVSS:3.1/broken"}], ["high"], Severity.HIGH, None),
        ([{"type": "CVSS_V4", "score": "CVSS:4.0/broken"}, V3], [], Severity.LOW, 1.8),
        ([{"type": "Ubuntu", "score": "low"}], [], None, None),
        ([{"type": "CVSS_V3", "score": 9.8}], [None, "unknown", 3], None, None),
        ([], [], None, None),
    ],
)
def test_a_severity_is_computed_or_read_or_unknown(
    vectors: list[Any], words: list[Any], severity: Severity | None, score: float | None
) -> None:
    rating = rated(vectors, words)
    assert (rating.severity, rating.score) == (severity, score)
