"""Opens git URLs, local git, plain folders and archives as one immutable tree, trusting none of them."""

from __future__ import annotations

from commandcenter.engine.source.housekeeping import prune_mirrors
from commandcenter.engine.source.model import Credentials, Kind, SourcePolicy, TreeRef
from commandcenter.engine.source.opening import check_source, classify, open_source
from commandcenter.engine.source.passage import Passage, read_passage
from commandcenter.engine.source.tree import Tree

__all__ = [
    "Credentials",
    "Kind",
    "Passage",
    "SourcePolicy",
    "Tree",
    "TreeRef",
    "check_source",
    "classify",
    "open_source",
    "prune_mirrors",
    "read_passage",
]
