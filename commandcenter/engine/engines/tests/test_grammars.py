"""A header is C or C++ by what it holds, and hostile ones are told in time that grows with them."""

from __future__ import annotations

import pytest

from commandcenter.engine.contract.files import Entry
from commandcenter.engine.engines.grammars import BY_SUFFIX, CPP, grammar_for


@pytest.mark.parametrize("text", ["\n\n  class Shop {};\n", "\tnamespace shop {}\n", "std::string name();\n"])
def test_a_header_with_signs_of_cpp(text: str) -> None:
    assert grammar_for(Entry("a.h", "0" * 40, len(text)), text.encode()) is CPP


@pytest.mark.parametrize("text", ["int main(void);\n", "\n" * 500_000, " " * 500_000])
def test_a_header_without_them_is_c(text: str) -> None:
    assert grammar_for(Entry("a.h", "0" * 40, len(text)), text.encode()) is BY_SUFFIX[".c"]
