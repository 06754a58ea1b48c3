"""Pairing findings whose fingerprint changed: what is kept, what is not, and that nothing is used twice."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from commandcenter.analysis.findings.matching import File, Place, Trees, match

EVAL, EXEC, SHELL = 11, 22, 33  # contents


def trees(before: dict[str, str], now: dict[str, str], lines: int | None = 10) -> Trees:
    return Trees(
        {path: File(blob, lines) for path, blob in before.items()},
        {path: File(blob, lines) for path, blob in now.items()},
    )


def paired(*matches: tuple[int, int]) -> set[tuple[int, int]]:
    return set(matches)


def pairs(
    gone: list[Place],
    seen: list[Place],
    known: Trees,
    anchors: dict[str, list[tuple[int, int]]] | None = None,
) -> set[tuple[int, int]]:
    return {(found.old, found.new) for found in match(gone, seen, known, anchors or {})}


def test_the_same_bytes_under_another_path_are_a_move() -> None:
    gone = [Place(1, 1, "a.py", 3, EVAL), Place(2, 1, "a.py", 9, EVAL)]
    seen = [Place(8, 1, "b.py", 9, EVAL), Place(7, 1, "b.py", 3, EVAL)]
    assert pairs(gone, seen, trees({"a.py": "x"}, {"b.py": "x"})) == paired((1, 7), (2, 8))


def test_a_copy_moves_nothing() -> None:
    """The original is still there, and lost its finding for another reason."""
    gone, seen = [Place(1, 1, "a.py", 3, EVAL)], [Place(7, 1, "b.py", 3, EVAL)]
    assert pairs(gone, seen, trees({"a.py": "x"}, {"a.py": "x", "b.py": "x"})) == set()


def test_two_files_that_changed_places_keep_their_findings() -> None:
    gone = [Place(1, 1, "a.py", 3, EVAL), Place(2, 1, "b.py", 3, EXEC)]
    seen = [Place(7, 1, "b.py", 3, EVAL), Place(8, 1, "a.py", 3, EXEC)]
    known = trees({"a.py": "x", "b.py": "y"}, {"a.py": "y", "b.py": "x"})
    assert pairs(gone, seen, known) == paired((1, 7), (2, 8))


def test_equal_files_are_moved_by_base_name_and_then_in_order() -> None:
    gone = [Place(n, 1, path, 1, EVAL) for n, path in enumerate(("old/a.py", "old/b.py", "old/c.py"))]
    seen = [Place(n, 1, path, 1, EVAL) for n, path in ((7, "new/a.py"), (8, "new/c.py"), (9, "new/x.py"))]
    known = trees(
        dict.fromkeys(("old/a.py", "old/b.py", "old/c.py"), "x"),
        dict.fromkeys(("new/a.py", "new/c.py", "new/x.py"), "x"),
    )
    assert pairs(gone, seen, known) == paired((0, 7), (2, 8), (1, 9))


def test_a_renamed_and_edited_file_is_known_by_what_it_shares() -> None:
    gone = [Place(1, 1, "a.py", 3, EVAL), Place(2, 1, "a.py", 5, EXEC)]
    seen = [Place(7, 1, "b.py", 4, EVAL), Place(8, 1, "c.py", 1, SHELL)]
    assert pairs(gone, seen, trees({"a.py": "x"}, {"b.py": "y", "c.py": "z"})) == paired((1, 7))


def test_one_line_that_many_share_is_no_rename() -> None:
    """What was decided about a finding must not go to an unrelated file, because both have one such line."""
    gone = [Place(1, 1, "a.py", 3, EVAL), Place(2, 1, "a.py", 5, EXEC), Place(3, 1, "a.py", 8, SHELL)]
    seen = [Place(7, 1, "b.py", 4, EVAL)]
    assert pairs(gone, seen, trees({"a.py": "x"}, {"b.py": "y"})) == set(), "a third of what it held"
    one = [Place(1, 1, "a.py", 3, EVAL)]
    sizes = Trees({"a.py": File("x", 400)}, {"b.py": File("y", 40)})
    assert pairs(one, seen, sizes) == set(), "a file of another size"
    assert pairs(one, seen, Trees({"a.py": File("x", 50)}, {"b.py": File("y", 40)})) == paired((1, 7))
    moved = [Place(7, 1, "lib/a.py", 4, EVAL)]
    assert pairs(gone, moved, trees({"a.py": "x"}, {"lib/a.py": "y"})) == paired((1, 7)), "its own name"


def test_where_two_files_fit_equally_well_neither_is_taken() -> None:
    gone = [Place(1, 1, "a.py", 3, EVAL)]
    seen = [Place(7, 1, "b.py", 3, EVAL), Place(8, 1, "c.py", 3, EVAL)]
    known = trees({"a.py": "x"}, {"b.py": "y", "c.py": "z"})
    assert pairs(gone, seen, known) == set()
    assert pairs(gone, [seen[0], Place(8, 1, "lib/a.py", 3, EVAL)], trees({"a.py": "x"}, {"b.py": "y", "lib/a.py": "z"})) == paired((1, 8))  # fmt: skip


def test_code_that_went_to_a_file_that_was_there_before_is_new_there() -> None:
    gone, seen = [Place(1, 1, "a.py", 3, EVAL)], [Place(7, 1, "b.py", 3, EVAL)]
    assert pairs(gone, seen, trees({"a.py": "x", "b.py": "y"}, {"a.py": "x2", "b.py": "y2"})) == set()


def test_another_ordinal_is_the_same_finding() -> None:
    gone, seen = [Place(1, 1, "a.py", 3, EVAL)], [Place(7, 1, "a.py", 5, EVAL)]
    assert pairs(gone, seen, trees({"a.py": "x"}, {"a.py": "y"})) == paired((1, 7))


def test_lines_edited_in_place_are_the_same_finding_where_the_neighbours_leave_no_doubt() -> None:
    known = trees({"a.py": "x"}, {"a.py": "y"}, lines=None)
    gone, seen = [Place(1, 1, "a.py", 10, EVAL)], [Place(7, 1, "a.py", 12, EXEC)]
    assert pairs(gone, seen, known, {"a.py": [(4, 6), (20, 25)]}) == paired((1, 7)), (
        "as far as the one before"
    )
    assert pairs(gone, seen, known, {"a.py": [(4, 4), (20, 22)]}) == paired((1, 7)), "as far as the one after"
    assert pairs(gone, seen, known, {"a.py": [(4, 4), (20, 20)]}) == set(), "as far as none of them"
    assert pairs(gone, seen, known, {"a.py": [(11, 11)]}) == set(), "on the other side of its neighbour"
    assert pairs(gone, [*seen, Place(8, 1, "a.py", 13, SHELL)], known, {"a.py": [(4, 6), (20, 25)]}) == set(), "two came"  # fmt: skip
    assert pairs(gone, [Place(7, 2, "a.py", 12, EXEC)], known, {"a.py": [(4, 6)]}) == set(), "another rule"


def test_without_neighbours_the_file_must_have_kept_its_lines() -> None:
    gone, seen = [Place(1, 1, "a.py", 10, EVAL)], [Place(7, 1, "a.py", 10, EXEC)]
    assert pairs(gone, seen, trees({"a.py": "x"}, {"a.py": "y"})) == paired((1, 7))
    assert pairs(gone, seen, trees({"a.py": "x"}, {"a.py": "y"}, lines=None)) == set()
    assert pairs(gone, [Place(7, 1, "a.py", 11, EXEC)], trees({"a.py": "x"}, {"a.py": "y"})) == set()


def test_findings_without_content_move_with_their_bytes_alone() -> None:
    gone, seen = [Place(1, 1, "a.py", 3, None)], [Place(7, 1, "b.py", 3, None)]
    assert pairs(gone, seen, trees({"a.py": "x"}, {"b.py": "x"})) == paired((1, 7))
    assert pairs(gone, seen, trees({"a.py": "x"}, {"b.py": "y"})) == set()


PATHS = st.sampled_from(["a.py", "b.py", "lib/a.py", "lib/b.py"])
PLACES = st.lists(
    st.tuples(st.integers(1, 2), PATHS, st.integers(1, 9), st.sampled_from([EVAL, EXEC, None])), max_size=12
)
TREE = st.dictionaries(PATHS, st.sampled_from(["x", "y", "z"]))


@settings(max_examples=300, deadline=None)
@given(gone=PLACES, seen=PLACES, before=TREE, now=TREE, order=st.randoms(use_true_random=False))
def test_each_finding_is_used_once_within_its_rule_and_the_order_given_does_not_matter(
    gone: list[tuple[int, str, int, int | None]],
    seen: list[tuple[int, str, int, int | None]],
    before: dict[str, str],
    now: dict[str, str],
    order: object,
) -> None:
    old = [Place(n, rule, path, line, content) for n, (rule, path, line, content) in enumerate(gone)]
    new = [Place(n, rule, path, line, content) for n, (rule, path, line, content) in enumerate(seen)]
    known = trees(before, now)
    found = match(old, new, known, {})
    assert len({each.old for each in found}) == len({each.new for each in found}) == len(found)
    assert all(old[each.old].rule == new[each.new].rule for each in found)
    shuffled, other = list(old), list(new)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    order.shuffle(other)  # type: ignore[attr-defined]
    assert match(shuffled, other, known, {}) == found
