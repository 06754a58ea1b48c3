"""The functions engine: names, places, parameters and complexity in twelve languages, and hostile nesting."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from commandcenter.engine.contract.facts import FunctionMetric
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines import grammars, syntax
from commandcenter.engine.engines.functions import ENGINE
from commandcenter.engine.engines.tests.lending import run

# path, source, {name: (complexity, parameters)}
SAMPLES: list[tuple[str, str, dict[str, tuple[int, int]]]] = [
    (
        "a.py",
        (
            "class A:\n  @x\n  async def m(self, a: int, *b, c=1, **d):\n    if a and b or c: pass\n    elif d: pass\n"
            "    for x in y: pass\n    while a: pass\n    try: pass\n    except E: pass\n    match a:\n"
            "      case 1: pass\n      case _: pass\n    z = [x for x in y if x]\n    return lambda x: 1 if x else 2\n"
            "  def n(self):\n    def inner(): return 1 if x else 2\n    return inner\n"
        ),
        {"A.m": (12, 5), "A.n": (1, 1), "A.n.inner": (2, 0)},
    ),
    (
        "a.jsx",
        (
            "class A { m(a, b) { if (a && b) {} else if (a ?? b) {} switch (a) { case 1: break; default: } } }\n"
            "const f = a => a ? 1 : 2; const o = { k: function () {} }; x.y = () => { for (;;) {} };\n"
            "list.map(e => <p>{e || 1}</p>); function* g() { do {} while (a); try {} catch (e) {} }\n"
        ),
        {
            "A.m": (6, 2),
            "f": (2, 1),
            "k": (1, 0),
            "x.y": (2, 0),
            "(anonymous)": (2, 1),
            "g": (3, 0),
        },
    ),
    (
        "a.ts",
        (
            "namespace N { export class A { p = () => 1; private m(a: number, b?: string): void { if (a) {} } } }\n"
            "declare function z(a: string): void;\nabstract class B { abstract q(): void; r() {} }\n"
        ),
        {"N.A.p": (1, 0), "N.A.m": (2, 2), "B.r": (1, 0)},
    ),
    ("a.tsx", "export const C = ({ a }: P) => (a ? <b/> : null);\n", {"C": (2, 1)}),
    (
        "a.go",
        (
            "package a\nfunc F(a, b int, c ...string) int {\n if a && b || c {}\n for range x {}\n"
            " switch a { case 1: default: }\n select { case <-c: default: }\n f := func(x int) int { return x }\n}\n"
            "func (r *T[K]) M() {}\nfunc External()\n"
        ),
        {"F": (7, 3), "F.f": (1, 1), "T.M": (1, 0)},
    ),
    (
        "A.java",
        (
            "class A { A(int a) {} int m(int a, String... b) { if (a && b) {} for (int i : x) {}"
            " switch (a) { case 1: case 2: break; default: } try {} catch (E e) {} return a ? 1 : 2; }"
            " abstract void q(); static class B { void n() { run(() -> a || b); } } }"
        ),
        {"A.A": (1, 1), "A.m": (8, 2), "A.B.n": (2, 0)},
    ),
    (
        "a.rs",
        (
            "impl<T> A<T> { fn m(&self, a: i32) { if a && b {} match a { 1 => 2, _ => 3, x if x > 1 => 4 }"
            " while x {} for i in y {} loop {} } }\ntrait T { fn s(); fn d() {} }\nmod m { fn f() {} }"
        ),
        {"A.m": (7, 2), "T.d": (1, 0), "m.f": (1, 0)},
    ),
    (
        "a.c",
        (
            "static int *f(int a, char **b) { if (a && b) {} switch (a) { case 1: default: ; } return a ? 1 : 2; }\n"
            "int g(void) { do {} while (1); return 0; }\nint proto(int a);\n"
        ),
        {"f": (5, 2), "g": (2, 0)},
    ),
    (
        "a.cpp",
        (
            "namespace n { class A { public: A(int a) : b(a) {} ~A() {} int m(A &&x) { for (auto a : b) {}"
            " if (x and y) {} return 1; } int operator+(const A &o) { return 1; } }; }\n"
            "int n::A::f() { try {} catch (...) {} return 0; }\ntemplate <class T> T g(T a) { return a; }\n"
        ),
        {
            "n.A.A": (1, 1),
            "n.A.~A": (1, 0),
            "n.A.m": (4, 1),
            "n.A.operator+": (1, 1),
            "n.A.f": (2, 0),
            "g": (1, 1),
        },
    ),
    ("a.h", "namespace n { struct S { int m() { return a ? 1 : 2; } }; }\n", {"n.S.m": (2, 0)}),
    (
        "a.cs",
        (
            "namespace N { class A { int P { get { return 1; } set => x = value; } A(int a) {}"
            " int M(int a) { if (a && b) {} foreach (var x in y) {} switch (a) { case 1: break; default: break; }"
            " var z = a switch { 1 => 2, _ => 3 }; int L(int q) { return q; } return a ?? 2; } abstract void Q(); } }"
        ),
        {"A.P.get": (1, 0), "A.P.set": (1, 0), "A.A": (1, 1), "A.M": (7, 1), "A.M.L": (1, 1)},
    ),
    (
        "a.rb",
        (
            "module M\nclass A\ndef m(a, b = 1, *c, &d)\n if a && b\n elsif d\n end\n x if y\n case a\n when 1\n 2\n end\n"
            " begin\n rescue E\n end\nend\ndef self.s; a ? b : c; end\nend\nend\n"
        ),
        {"M.A.m": (7, 4), "M.A.s": (2, 0)},
    ),
    (
        "a.php",
        (
            "<?php class A { function m(int $a, $b = 1) { if ($a && $b) {} elseif ($d) {} foreach ($a as $b) {}"
            " $f = function ($x) { return 1; }; $z = match($a) { 1 => 3, default => 4 }; } abstract function q(); }\n"
            "function g() { return $a ?? 1; }"
        ),
        {"A.m": (6, 2), "A.m.$f": (1, 1), "g": (2, 0)},
    ),
    (
        "a.kt",
        (
            "class A {\n constructor(a: Int) { }\n fun b(x: Int, y: Int): Int {\n  for (i in 1..2) {}\n"
            "  when (x) { 1 -> 2; else -> 3 }\n  if (a && b) 1 else 2\n  return a ?: b\n }\n}\nfun String.ext() {}\n"
        ),
        {"A.constructor": (1, 1), "A.b": (6, 2), "ext": (1, 0)},
    ),
]


@pytest.mark.parametrize(("path", "source", "expected"), SAMPLES, ids=[path for path, _, _ in SAMPLES])
def test_finds_functions_with_their_complexity(
    tmp_path: Path, path: str, source: str, expected: dict[str, tuple[int, int]]
) -> None:
    results = run(ENGINE, {path: source}, tmp_path)
    found = {r.name: (r.complexity, r.parameters) for r in results if isinstance(r, FunctionMetric)}
    assert found == expected
    assert len(results) == len(expected)


def test_lines_are_one_based_and_inclusive(tmp_path: Path) -> None:
    (found,) = run(ENGINE, {"a.py": "\xef\xbb\xbf\n\ndef f(\n    a,\n):\n    return a\n"}, tmp_path)
    assert isinstance(found, FunctionMetric)
    assert (found.start_line, found.end_line) == (3, 6)


def test_a_shebang_names_the_language_of_a_file_without_suffix(tmp_path: Path) -> None:
    files = {
        "tool": "#!/usr/bin/env -S python3 -u\ndef f(): pass\n",
        "run": "#!/usr/bin/ruby\ndef g; end\n",
        "LICENSE": "def h(): pass\n",
    }
    assert {r.name for r in run(ENGINE, files, tmp_path) if isinstance(r, FunctionMetric)} == {"f", "g"}


def test_every_grammar_and_query_loads() -> None:
    assert syntax.missing() == []
    for grammar in grammars.GRAMMARS:
        syntax.query(grammar, grammar.query)
        syntax.query(grammar, "\n".join(f"({kind}) @comment" for kind in grammar.comments))


NESTS = {
    "parens.py": b"(" * 100_000,
    "closed.py": b"(" * 100_000 + b")" * 100_000,
    "brackets.js": b"[" * 1_000_000,
    "functions.js": b"x=function(){" * 100_000,
    "and.js": b"a&&" * 100_000 + b"a",
    "or.py": b"a or " * 100_000 + b"a",
    "sum.js": b"a+" * 500_000,
    "braces.c": b"{" * 100_000,
    "calls.cpp": b"a<b(" * 100_000,
    "less.rs": b"a<" * 100_000,
    "if.java": b"class A{void f(){" + b"if(a)" * 100_000 + b";}}",
    "if.php": b"<?php " + b"if(1){" * 50_000,
    "here.rb": b"<<A\n" * 10_000,
    "less.kt": b"a<b(" * 50_000,
    "nul.go": b"package a\0" + b"\0" * 100_000,
    "invalid.rb": b"\xff" * 1_000_000,
    "empty.ts": b"",
    "line.js": b"x='" + b"a" * 1_000_000 + b"';function f(){}",
}


@pytest.mark.parametrize("name", NESTS)
def test_hostile_nesting_ends_soon_and_without_a_crash(tmp_path: Path, name: str) -> None:
    started = time.monotonic()
    results = run(ENGINE, {name: NESTS[name]}, tmp_path)
    assert time.monotonic() - started < 20
    assert all(isinstance(result, FunctionMetric | Failure) for result in results)


def test_what_is_given_up_is_a_failure_of_that_file_only(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"bad.js": NESTS["sum.js"], "good.js": "function f() {}\n"}
    failure, found = run(ENGINE, files, tmp_path)
    assert isinstance(failure, Failure)
    assert failure.path == "bad.js"
    assert isinstance(found, FunctionMetric)
