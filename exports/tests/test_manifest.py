"""What is read out of a zip in the storage: its manifest, or a sentence that says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from commandcenter.analysis.tests.factories import make_repository
from exports import artifacts, manifest
from exports.models import Export
from exports.tests.factories import analysis_of, finished
from exports.zipped import Member, zipped

pytestmark = pytest.mark.django_db


def archive(content: bytes) -> bytes:
    return b"".join(zipped([Member("manifest.json", None, iter([content]))]))


@pytest.fixture
def export(media: Path) -> Export:
    return finished(analysis_of(make_repository()), content=archive(b'{"files":[]}'))


def test_a_file_with_any_bit_changed_is_read_or_said_to_be_damaged(export: Export) -> None:
    path = Path(artifacts.storage().path(export.artifact))
    whole = path.read_bytes()
    assert manifest.files_in(export) == []
    damaged = 0
    for place in range(len(whole)):
        for bit in range(8):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << bit)]) + whole[place + 1 :])
            try:
                assert manifest.files_in(export) == []
            except manifest.Unreadable:
                damaged += 1
    assert damaged > len(whole)


@pytest.mark.parametrize("content", [b"[]", b"7", b"{}", b"{", b'{"files": 7}', b""])
def test_a_manifest_that_is_none_is_damaged(export: Export, content: bytes) -> None:
    Path(artifacts.storage().path(export.artifact)).write_bytes(archive(content))
    with pytest.raises(manifest.Unreadable, match="damaged"):
        manifest.files_in(export)
