"""Says of a path whether it is that of a test, by what test tools look for."""

from __future__ import annotations

import re

# The case of a class tells AuditTest.java and AuditIT.java from Latest.java and Audit.java.
_NAME = re.compile(
    r"(?i:test_[^/]*\.py|[^/]*_test\.(?:py|go|rb|exs|dart|cc|cpp|c|rs|lua|php)|tests\.py|conftest\.py)"
    r"|(?i:[^/]*[-_.](?:test|spec|cy|e2e)\.[cm]?[jt]sx?|[^/]*_spec\.(?:rb|lua))"
    r"|[^/]+(?:Tests?|TestCase|Spec|IT)\.(?:java|kt|groovy|scala|cs|fs|vb|swift|php)"
    r"|(?i:[^/]+\.(?:bats|feature))"
)
_FOLDERS = frozenset(["__tests__", "e2e", "spec", "specs", "t", "test", "tests", "unittests"])


def is_test(path: str) -> bool:
    """Whether a file is a test, or lies in a folder of tests."""
    folder, _, name = path.rpartition("/")
    return _NAME.fullmatch(name) is not None or not _FOLDERS.isdisjoint(folder.lower().split("/"))
