"""Which grammar parses which file, and which of its nodes are functions, containers, decisions and comments."""

from __future__ import annotations

import re
from dataclasses import dataclass

from commandcenter.engine.contract.files import Entry


@dataclass(frozen=True)
class Grammar:
    """One language.

    `query` captures `@function` (with a body), `@container` (types and namespaces whose name qualifies functions),
    `@binding` (the name that an anonymous function right after it is assigned to), `@decision` (one path more) and
    `@never` (what looks like a decision and is none, such as a default arm). Patterns must be decided by a node and its first children:
    one that waits for a later child, such as the operator of a binary expression, makes deep nesting quadratic.
    `comments` are node types; `parameters` limits what counts as a parameter where not every child does.
    """

    name: str
    module: str
    query: str
    comments: tuple[str, ...] = ("comment",)
    loader: str = "language"
    parameters: tuple[str, ...] = ()


_ECMASCRIPT = """
[(function_declaration) (generator_function_declaration) (function_expression) (generator_function)
 (arrow_function) (method_definition)] @function
[(class_declaration) (class)] @container
(variable_declarator name: (_) @binding value: [(function_expression) (generator_function) (arrow_function)])
(assignment_expression left: (_) @binding right: [(function_expression) (generator_function) (arrow_function)])
(pair key: (_) @binding value: [(function_expression) (generator_function) (arrow_function)])
[(if_statement) (for_statement) (for_in_statement) (while_statement) (do_statement) (switch_case)
 (catch_clause) (ternary_expression)] @decision
["&&" "||" "??"] @decision
"""
_C = """
(function_definition body: (compound_statement)) @function
[(if_statement) (for_statement) (while_statement) (do_statement) (conditional_expression)] @decision
(case_statement "case" @decision)
"""

PYTHON = Grammar(
    "Python",
    "tree_sitter_python",
    """
(function_definition) @function
(class_definition) @container
[(if_statement) (elif_clause) (for_statement) (while_statement) (except_clause) (conditional_expression)
 (boolean_operator) (for_in_clause) (if_clause) (case_clause)] @decision
(case_clause . (case_pattern . "_" .) . ":") @never
""",
)
JAVASCRIPT = Grammar(
    "JavaScript",
    "tree_sitter_javascript",
    _ECMASCRIPT + "(field_definition property: (_) @binding value: [(function_expression) (arrow_function)])",
    comments=("comment", "html_comment"),
)
_TYPESCRIPT = (
    _ECMASCRIPT
    + """
[(abstract_class_declaration) (internal_module)] @container
(public_field_definition name: (_) @binding value: [(function_expression) (arrow_function)])
"""
)
TYPESCRIPT = Grammar(
    "TypeScript",
    "tree_sitter_typescript",
    _TYPESCRIPT,
    comments=("comment", "html_comment"),
    loader="language_typescript",
)
TSX = Grammar(
    "TSX",
    "tree_sitter_typescript",
    _TYPESCRIPT,
    comments=("comment", "html_comment"),
    loader="language_tsx",
)
GO = Grammar(
    "Go",
    "tree_sitter_go",
    """
[(function_declaration body: (_)) (method_declaration body: (_)) (func_literal)] @function
(short_var_declaration left: (expression_list . (identifier) @binding .) right: (expression_list . (func_literal) .))
(assignment_statement left: (expression_list . (_) @binding .) right: (expression_list . (func_literal) .))
(var_spec name: (identifier) @binding value: (expression_list . (func_literal)))
[(if_statement) (for_statement) (expression_case) (type_case) (communication_case)] @decision
["&&" "||"] @decision
""",
    parameters=("parameter_declaration", "variadic_parameter_declaration"),
)
JAVA = Grammar(
    "Java",
    "tree_sitter_java",
    """
[(method_declaration body: (_)) (constructor_declaration body: (_))
 (compact_constructor_declaration body: (_))] @function
[(class_declaration) (interface_declaration) (enum_declaration) (record_declaration)
 (annotation_type_declaration)] @container
[(if_statement) (for_statement) (enhanced_for_statement) (while_statement) (do_statement) (catch_clause)
 (ternary_expression)] @decision
(switch_label "case" @decision)
["&&" "||"] @decision
""",
    comments=("line_comment", "block_comment"),
    parameters=("formal_parameter", "spread_parameter"),
)
RUST = Grammar(
    "Rust",
    "tree_sitter_rust",
    """
(function_item body: (_)) @function
[(impl_item) (trait_item) (mod_item)] @container
[(if_expression) (for_expression) (while_expression) (match_arm)] @decision
(match_arm pattern: (match_pattern . "_" .)) @never
["&&" "||"] @decision
""",
    comments=("line_comment", "block_comment"),
)
C = Grammar(
    "C",
    "tree_sitter_c",
    _C + '["&&" "||"] @decision',
    parameters=("parameter_declaration", "variadic_parameter"),
)
CPP = Grammar(
    "C++",
    "tree_sitter_cpp",
    _C
    + """
[(function_definition body: (try_statement))] @function
[(class_specifier body: (_)) (struct_specifier body: (_)) (union_specifier body: (_))
 (namespace_definition)] @container
[(for_range_loop) (catch_clause)] @decision
["&&" "||" "and" "or"] @decision
(reference_declarator "&&" @never)
(abstract_reference_declarator "&&" @never)
""",
    parameters=(
        "parameter_declaration",
        "optional_parameter_declaration",
        "variadic_parameter_declaration",
        "variadic_parameter",
    ),
)
CSHARP = Grammar(
    "C#",
    "tree_sitter_c_sharp",
    """
[(method_declaration body: (_)) (constructor_declaration body: (_)) (destructor_declaration body: (_))
 (operator_declaration body: (_)) (conversion_operator_declaration body: (_)) (local_function_statement body: (_))
 (accessor_declaration body: (_))] @function
[(class_declaration) (struct_declaration) (interface_declaration) (record_declaration) (property_declaration)
 (enum_declaration)] @container
[(if_statement) (for_statement) (foreach_statement) (while_statement) (do_statement) (switch_expression_arm)
 (catch_clause) (conditional_expression)] @decision
(switch_section "case" @decision)
(switch_expression_arm . (discard) . "=>") @never
["&&" "||" "??"] @decision
""",
    parameters=("parameter",),
)
RUBY = Grammar(
    "Ruby",
    "tree_sitter_ruby",
    """
[(method) (singleton_method)] @function
[(class) (module)] @container
[(if) (unless) (elsif) (while) (until) (for) (when) (in_clause) (rescue) (if_modifier) (unless_modifier)
 (while_modifier) (until_modifier) (rescue_modifier) (conditional)] @decision
["&&" "||" "and" "or"] @decision
""",
)
PHP = Grammar(
    "PHP",
    "tree_sitter_php",
    """
[(function_definition body: (_)) (method_declaration body: (_)) (anonymous_function) (arrow_function)] @function
[(class_declaration) (interface_declaration) (trait_declaration) (enum_declaration)] @container
(assignment_expression left: (_) @binding right: [(anonymous_function) (arrow_function)])
[(if_statement) (else_if_clause) (for_statement) (foreach_statement) (while_statement) (do_statement)
 (case_statement) (catch_clause) (conditional_expression) (match_conditional_expression)] @decision
["&&" "||" "??" "and" "or" "xor"] @decision
""",
    loader="language_php",
)
KOTLIN = Grammar(
    "Kotlin",
    "tree_sitter_kotlin",
    """
[(function_declaration (function_body)) (secondary_constructor (block)) (getter (function_body))
 (setter (function_body)) (anonymous_function (function_body))] @function
[(class_declaration) (object_declaration)] @container
(property_declaration (variable_declaration . (identifier) @binding) [(anonymous_function) (getter) (setter)])
[(if_expression) (for_statement) (while_statement) (do_while_statement) (when_entry condition: (_))
 (catch_block)] @decision
["&&" "||" "?:"] @decision
""",
    comments=("line_comment", "block_comment"),
    parameters=("parameter",),
)

BY_SUFFIX: dict[str, Grammar] = {
    **dict.fromkeys((".py", ".pyi", ".pyw", ".gyp", ".gypi"), PYTHON),
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs"), JAVASCRIPT),
    **dict.fromkeys((".ts", ".mts", ".cts"), TYPESCRIPT),
    ".tsx": TSX,
    ".go": GO,
    ".java": JAVA,
    ".rs": RUST,
    ".c": C,
    ".h": C,
    **dict.fromkeys((".cc", ".cpp", ".cxx", ".c++", ".hpp", ".hh", ".hxx", ".ipp", ".tpp"), CPP),
    ".cs": CSHARP,
    **dict.fromkeys((".rb", ".rake", ".gemspec", ".podspec", ".ru"), RUBY),
    **dict.fromkeys((".php", ".phtml"), PHP),
    **dict.fromkeys((".kt", ".kts"), KOTLIN),
}
GRAMMARS = tuple({id(grammar): grammar for grammar in (*BY_SUFFIX.values(), CPP)}.values())
_SHEBANGS = ((b"python", PYTHON), (b"node", JAVASCRIPT), (b"ruby", RUBY), (b"php", PHP))
_CPP_HEADER = re.compile(
    rb"^[ \t]*(?:class\s+\w|namespace\b|template\s*<|using\s+\w|(?:public|private|protected)\s*:)|\w::\w",
    re.MULTILINE,
)


def may_have_grammar(entry: Entry) -> bool:
    """Tell by the name whether a file can be source of a known language; without a suffix the shebang decides."""
    return entry.suffix in BY_SUFFIX or not entry.suffix


def grammar_for(entry: Entry, data: bytes) -> Grammar | None:
    """Return the grammar of a file, or None."""
    found = BY_SUFFIX.get(entry.suffix)
    if found is C and entry.suffix == ".h" and _CPP_HEADER.search(data):
        return CPP
    if found is None and not entry.suffix and data[:2] == b"#!":
        words = data[2:200].partition(b"\n")[0].split()
        programs = [word.rpartition(b"/")[2] for word in words if not word.startswith(b"-")]
        if programs[:1] == [b"env"]:
            programs.pop(0)
        for name, grammar in _SHEBANGS:
            if programs and programs[0].startswith(name):
                return grammar
    return found
