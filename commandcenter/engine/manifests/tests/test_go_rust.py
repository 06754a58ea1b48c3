"""go.mod, go.work, Cargo.toml, Cargo.lock."""

from __future__ import annotations

from collections.abc import Callable

Rows = Callable[[dict[str, str]], list[str]]


def test_go_modules_with_replacements_and_tools(rows: Rows) -> None:
    text = """module example.org/shop // the shop

go 1.24

require example.org/single v1.0.0
require (
	example.org/direct/v2 v2.3.0
	example.org/indirect v0.0.0-20240101000000-abcdefabcdef // indirect
	example.org/forked v1.0.0 // indirect; because
	example.org/here v1.0.0
	example.org/linter v1.9.0 // indirect
)

replace (
	example.org/forked => example.com/fork v1.0.1
	example.org/here v1.0.0 => ./here
	example.org/single v0.9.0 => ./not-this-version
)

tool example.org/linter/cmd/lint
exclude example.org/direct/v2 v2.2.0
"""
    assert rows({"go.mod": text, "go.sum": "example.org/single v1.0.0 h1:aa=\n"}) == [
        "go.mod:5 pkg:golang/example.org/single@v1.0.0 | v1.0.0 | runtime | direct",
        "go.mod:7 pkg:golang/example.org/direct/v2@v2.3.0 | v2.3.0 | runtime | direct",
        (
            "go.mod:8 pkg:golang/example.org/indirect@v0.0.0-20240101000000-abcdefabcdef | "
            "v0.0.0-20240101000000-abcdefabcdef | runtime | transitive"
        ),
        "go.mod:9 pkg:golang/example.com/fork@v1.0.1 | v1.0.0 | runtime | transitive",
        "go.mod:11 pkg:golang/example.org/linter@v1.9.0 | v1.9.0 | development | direct",
    ]


def test_a_go_workspace_replaces_for_all_and_its_modules_are_no_third_party(rows: Rows) -> None:
    work = """go 1.22

use (
	./api
	./cmd // the programs
)

replace example.org/forked => example.com/fork v1.0.1
"""
    api = "module example.org/shop/api\n\nrequire example.org/forked v1.0.0\n"
    cmd = (
        "module example.org/shop/cmd\n\nrequire (\n\texample.org/shop/api v0.0.0\n\texample.org/forked v1.0.0\n)\n\n"
        "replace example.org/forked => ../fork\n"
    )
    files = {"go.work": work, "api/go.mod": api, "cmd/go.mod": cmd, "tool/go.mod": cmd}
    assert rows({**files, "go.work.sum": "example.org/x v1.0.0 h1:aa=\n"}) == [
        "api/go.mod:3 pkg:golang/example.com/fork@v1.0.1 | v1.0.0 | runtime | direct",
        "cmd/go.mod:5 pkg:golang/example.com/fork@v1.0.1 | v1.0.0 | runtime | direct",
        "tool/go.mod:4 pkg:golang/example.org/shop/api@v0.0.0 | v0.0.0 | runtime | direct",
    ]


ROOT = """[workspace]
members = ["crates/*"]

[workspace.dependencies]
serde = { version = "1", features = ["derive"] }

[package]
name = "shop"

[dependencies]
serde = { workspace = true }
rand = "0.8"
near = { path = "crates/near", version = "0.1" }

[dependencies.fast]
version = "=2.0.0"
optional = true

[build-dependencies]
cc = "1"

[target.'cfg(unix)'.dev-dependencies]
criterion = "0.5"
"""
NEAR = '[package]\nname = "near"\n\n[dependencies]\nrng = { package = "rand", version = "0.7" }\n'


def test_cargo_without_a_lock_file(rows: Rows) -> None:
    assert rows({"Cargo.toml": ROOT, "crates/near/Cargo.toml": NEAR}) == [
        "Cargo.toml:11 pkg:cargo/serde | 1 | runtime | direct",
        "Cargo.toml:12 pkg:cargo/rand | 0.8 | runtime | direct",
        "Cargo.toml:15 pkg:cargo/fast@2.0.0 | =2.0.0 | optional | direct",
        "Cargo.toml:20 pkg:cargo/cc | 1 | build | direct",
        "Cargo.toml:23 pkg:cargo/criterion | 0.5 | development | direct",
        "crates/near/Cargo.toml:5 pkg:cargo/rand | 0.7 | runtime | direct",
    ]


def test_cargo_members_inherit_and_targets_have_tables_of_their_own(rows: Rows) -> None:
    root = """[workspace]
members = ["a"]

[workspace.dependencies]
log = { version = "0.4" }
json = { package = "serde_json", version = "=1.0.100" }
near = { path = "near" }
"""
    member = """[package]
name = "a"

[dependencies]
log.workspace = true
json = { workspace = true, optional = true }
near = { workspace = true }
absent = { workspace = true }
forge = { git = "https://example.org/forge", branch = "main" }

[target.'cfg(all(unix, target_os = "linux"))'.dependencies]
nix = "0.29"

[target.x86_64-pc-windows-msvc.build-dependencies]
cc = { version = "1", registry = "own" }
"""
    assert rows({"Cargo.toml": root, "a/Cargo.toml": member}) == [
        "a/Cargo.toml:5 pkg:cargo/log | 0.4 | runtime | direct",
        "a/Cargo.toml:6 pkg:cargo/serde_json@1.0.100 | =1.0.100 | optional | direct",
        "a/Cargo.toml:9 pkg:cargo/forge | https://example.org/forge | runtime | direct",
        "a/Cargo.toml:12 pkg:cargo/nix | 0.29 | runtime | direct",
        "a/Cargo.toml:15 pkg:cargo/cc | 1 | build | direct",
    ]


def locked(
    name: str, version: str, *needs: str, source: str | None = "registry+https://example.org/index"
) -> str:
    lines = ["[[package]]", f'name = "{name}"', f'version = "{version}"']
    if source:
        lines.append(f'source = "{source}"')
    if needs:
        lines += ["dependencies = [", *(f' "{need}",' for need in needs), "]"]
    return "\n".join(lines) + "\n\n"


def test_cargo_locks_the_workspace_and_two_versions_of_a_crate_are_two_rows(rows: Rows) -> None:
    lock = (
        "version = 4\n\n"
        + locked("cc", "1.0.90", "shared")
        + locked("criterion", "0.5.1", "shared", "only-bench")
        + locked("fast", "2.0.0")
        + locked("near", "0.1.0", "rand 0.7.3", source=None)
        + locked("only-bench", "3.0.0")
        + locked("rand", "0.7.3")
        + locked("rand", "0.8.5", "shared")
        + locked("serde", "1.0.200", source="git+https://example.org/serde?branch=x#aaaa")
        + locked("shared", "0.2.0")
        + locked("shop", "0.1.0", "cc", "criterion", "fast", "near", "rand 0.8.5", "serde", source=None)
    )
    found = rows({"Cargo.lock": lock, "Cargo.toml": ROOT, "crates/near/Cargo.toml": NEAR})
    assert [row.partition(" ")[2] for row in found] == [
        "pkg:cargo/cc@1.0.90 | 1 | build | direct",
        "pkg:cargo/criterion@0.5.1 | 0.5 | development | direct",
        "pkg:cargo/fast@2.0.0 | =2.0.0 | optional | direct",
        "pkg:cargo/only-bench@3.0.0 | None | development | transitive",
        "pkg:cargo/rand@0.7.3 | 0.7 | runtime | direct",
        "pkg:cargo/rand@0.8.5 | 0.8 | runtime | direct",
        "pkg:cargo/serde@1.0.200 | 1 | runtime | direct",
        "pkg:cargo/shared@0.2.0 | None | runtime | transitive",
    ]
    text = lock.splitlines()
    assert all(text[int(row.split(":")[1].split()[0]) - 1].startswith("name = ") for row in found)
