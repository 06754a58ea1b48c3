"""The gaps that are understood, with how large each may be. docs/accuracy.md says the same at length."""

from __future__ import annotations

_INSTALLED, _APPLICATIONS, _NATIVE = (
    "installed Python packages",
    "npm packages of applications",
    "npm packages of native code",
)
_RUST = "Debian packages of Rust"

# (what, language) -> (largest gap, why). The gap is a share of what the oracle counts.
EXPLAINED: dict[tuple[str, str], tuple[float, str]] = {
    (f"lines, {_APPLICATIONS}", "Shell"): (0.03, "cloc takes the #! line for code"),
    (f"lines, {_RUST}", "Shell"): (0.03, "cloc takes the #! line for code"),
    (f"functions, {_RUST}", "Rust"): (
        0.03,
        "functions inside macros such as cfg_rt! { ... } are only tokens here",
    ),
    (f"languages, {_NATIVE}", "linguist"): (0.015, "a newer linguist has names for .h.in and for queries"),
    ("licences of choosealicense.com", "texts"): (
        0.03,
        "CeCILL is there in French, the SPDX list has it in English",
    ),
    (f"lines, {_NATIVE}", "Shell"): (0.18, "comments of an awk program inside a quoted string are code here"),
    (f"functions, {_INSTALLED}", "Python"): (0.04, "lizard misses overloads whose body is ..."),
    (f"functions, {_INSTALLED}", "JavaScript"): (0.25, "lizard misses functions in a browserify bundle"),
    (f"functions, {_APPLICATIONS}", "Java"): (
        0.06,
        "lizard loses a class after an annotation with arguments",
    ),
    (f"functions, {_APPLICATIONS}", "JavaScript"): (
        0.06,
        "lizard takes Flow's types of functions for functions",
    ),
    (f"functions, {_APPLICATIONS}", "PHP"): (
        0.11,
        "lizard misses closures, and a whole file with a static one",
    ),
    (f"functions, {_APPLICATIONS}", "TypeScript"): (0.06, "lizard takes types and calls for functions"),
    (f"functions, {_NATIVE}", "C++"): (
        0.04,
        "one file with #line between signature and body is broken syntax here",
    ),
    ("licences, as packages declare them", "texts"): (
        0.06,
        "two packages lack the text of their second licence, one declares PSF-2.0 over the text of Python-2.0.1",
    ),
    (f"functions, {_NATIVE}", "JavaScript"): (0.17, "lizard misses arrows that are values of an object"),
}
