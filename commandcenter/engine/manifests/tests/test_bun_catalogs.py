"""bun.lock, bun.lockb, and the catalogs of pnpm, yarn and bun."""

from __future__ import annotations

from collections.abc import Callable

from commandcenter.engine.manifests.inventory import Inventory

Rows = Callable[[dict[str, str]], list[str]]
Tree = Callable[[dict[str, str | bytes]], Inventory]

# As bun 1.4 wrote it, without its checksums.
BUN_LOCK = """{
  "lockfileVersion": 2,
  "workspaces": {
    "": {
      "name": "shop",
      "dependencies": {
        "ms": "catalog:",
        "renamed": "npm:kleur@4.1.5",
        "forge": "github:team/forge#main",
      },
      "devDependencies": {
        "@scope/web": "^1.0.0",
        "chalk": "^4.1.0",
      },
      "optionalDependencies": {
        "fsevents": "^2.3.0",
      },
    },
    "packages/a": {
      "name": "a",
      "version": "1.0.0",
      "dependencies": {
        "b": "workspace:*",
        "debug": "2.6.9",
        "kleur": "catalog:old",
      },
      "peerDependencies": {
        "react": ">=16",
      },
    },
    "packages/b": {
      "name": "b",
      "devDependencies": {
        "ansi-styles": "^3.2.0",
      },
    },
  },
  "catalog": {
    "ms": "^2.1.0",
  },
  "catalogs": {
    "old": {
      "kleur": "3.0.0",
    },
  },
  // everything from here on is third-party, but for the members
  "packages": {
    "@scope/types": ["@scope/types@9.0.0", "", {}, "sha512-aa"],

    "@scope/web": ["@scope/web@1.4.0", "", { "dependencies": { "types": "^1.0.0", "debug": "*" } }, "sha512-aa"],

    "a": ["a@workspace:packages/a"],

    "ansi-styles": ["ansi-styles@3.2.1", "", {}, "sha512-aa"],

    "b": ["b@workspace:packages/b"],

    "chalk": ["chalk@4.1.2", "", { "dependencies": { "ansi-styles": "^4.1.0" } }, "sha512-aa"],

    "debug": ["debug@4.4.3", "", { "dependencies": { "ms": "^2.1.3" }, "peerDependencies": { "react": "*" }, "optionalPeers": ["react"] }, "sha512-aa"],

    "forge": ["forge@github:team/forge#0a1b2c3", {}, "team-forge-0a1b2c3"],

    "fsevents": ["fsevents@2.3.3", "", { "os": "darwin" }, "sha512-aa"],

    "kleur": ["kleur@3.0.0", "", {}, "sha512-aa"],

    "ms": ["ms@2.1.3", "", {}, "sha512-aa"],

    "react": ["react@19.3.1", "", {}, "sha512-aa"],

    "renamed": ["kleur@4.1.5", "", {}, "sha512-aa"],

    "types": ["types@1.0.0", "", {}, "sha512-aa"],

    "a/debug": ["debug@2.6.9", "", { "dependencies": { "ms": "2.0.0" } }, "sha512-aa"],

    "chalk/ansi-styles": ["ansi-styles@4.3.0", "", {}, "sha512-aa"],

    "a/debug/ms": ["ms@2.0.0", "", {}, "sha512-aa"],
  }
}
"""


def test_bun_lock_knows_its_members_its_catalogs_and_the_nearest_package(rows: Rows) -> None:
    assert rows({"bun.lock": BUN_LOCK}) == [
        "bun.lock:48 pkg:npm/%40scope/types@9.0.0 | None | runtime | transitive",
        "bun.lock:50 pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | development | direct",
        "bun.lock:54 pkg:npm/ansi-styles@3.2.1 | ^3.2.0 | development | direct",
        "bun.lock:58 pkg:npm/chalk@4.1.2 | ^4.1.0 | development | direct",
        "bun.lock:60 pkg:npm/debug@4.4.3 | None | development | transitive",
        "bun.lock:62 pkg:npm/forge | github:team/forge#main | runtime | direct",
        "bun.lock:64 pkg:npm/fsevents@2.3.3 | ^2.3.0 | optional | direct",
        "bun.lock:66 pkg:npm/kleur@3.0.0 | 3.0.0 | runtime | direct",
        "bun.lock:68 pkg:npm/ms@2.1.3 | ^2.1.0 | runtime | direct",
        "bun.lock:70 pkg:npm/react@19.3.1 | >=16 | peer | direct",
        "bun.lock:72 pkg:npm/kleur@4.1.5 | npm:kleur@4.1.5 | runtime | direct",
        "bun.lock:74 pkg:npm/types@1.0.0 | None | development | transitive",
        "bun.lock:76 pkg:npm/debug@2.6.9 | 2.6.9 | runtime | direct",
        "bun.lock:78 pkg:npm/ansi-styles@4.3.0 | None | development | transitive",
        "bun.lock:80 pkg:npm/ms@2.0.0 | None | runtime | transitive",
    ]


def test_bun_lock_governs_the_manifests_of_its_members(tree: Tree) -> None:
    member = '{"name": "a", "dependencies": {"debug": "2.6.9", "absent": "1"}}'
    found = tree(
        {"bun.lock": BUN_LOCK, "package.json": '{"name": "shop"}', "packages/a/package.json": member}
    )
    assert {d.path for d in found.dependencies} == {"bun.lock"}
    pair = next(pair for pair in found.pairs if pair.path == "packages/a/package.json")
    assert pair.locks == ("bun.lock",)
    assert [absent.name for absent in pair.absent] == ["absent"]


def test_a_binary_lock_file_is_there_but_nothing_of_it_is_guessed(tree: Tree) -> None:
    binary = b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n\0\x01\xff"
    found = tree({"bun.lockb": binary, "package.json": '{"dependencies": {"a": "^1.0.0", "b": "2.0.0"}}'})
    assert [(d.path, d.name, d.version) for d in found.dependencies] == [
        ("package.json", "a", None),
        ("package.json", "b", "2.0.0"),
    ]
    assert [failure.path for failure in found.failures] == ["bun.lockb"]
    assert "save-text-lockfile" in found.failures[0].message
    assert [(pair.locks, pair.absent) for pair in found.pairs] == [(("bun.lockb",), ())]


CATALOG_USER = """{
  "name": "web",
  "dependencies": {
    "debug": "catalog:",
    "kleur": "catalog:old",
    "lost": "catalog:nowhere"
  }
}
"""


def test_a_catalog_of_pnpm_yarn_or_bun_says_what_is_asked_for(rows: Rows) -> None:
    yaml = "catalog:\n  debug: ^4.3.0\ncatalogs:\n  old:\n    kleur: 3.0.0\n"
    bun = '{"workspaces": {"packages": ["packages/*"], "catalog": {"debug": "^4.3.0"}, "catalogs": {"old": {"kleur": "3.0.0"}}}}'
    for above in (
        {"pnpm-workspace.yaml": "packages:\n  - packages/*\n" + yaml},
        {".yarnrc.yml": "nodeLinker: pnp\n" + yaml},
        {"package.json": bun},
    ):
        assert rows({**above, "packages/web/package.json": CATALOG_USER}) == [
            "packages/web/package.json:4 pkg:npm/debug | ^4.3.0 | runtime | direct",
            "packages/web/package.json:5 pkg:npm/kleur@3.0.0 | 3.0.0 | runtime | direct",
            "packages/web/package.json:6 pkg:npm/lost | catalog:nowhere | runtime | direct",
        ]


def test_locks_show_what_the_catalog_asks_for(rows: Rows) -> None:
    # As pnpm 10 and yarn 4.10 wrote them, shortened.
    pnpm = """lockfileVersion: '9.0'

catalogs:
  default:
    debug:
      specifier: ^4.3.0
      version: 4.4.3

importers:

  .:
    dependencies:
      debug:
        specifier: 'catalog:'
        version: 4.4.3

packages:

  debug@4.4.3:
    resolution: {integrity: sha512-aa}

snapshots:

  debug@4.4.3: {}
"""
    assert rows({"pnpm-lock.yaml": pnpm}) == [
        "pnpm-lock.yaml:19 pkg:npm/debug@4.4.3 | ^4.3.0 | runtime | direct"
    ]
    yarn = """__metadata:
  version: 10

"debug@npm:^4.3.0":
  version: 4.4.3
  resolution: "debug@npm:4.4.3"
  languageName: node
  linkType: hard

"shop@workspace:.":
  version: 0.0.0-use.local
  resolution: "shop@workspace:."
  dependencies:
    debug: "catalog:"
  languageName: unknown
  linkType: soft
"""
    shop = '{"name": "shop", "dependencies": {"debug": "catalog:"}}'
    assert rows({"yarn.lock": yarn, ".yarnrc.yml": "catalog: {debug: ^4.3.0}\n", "package.json": shop}) == [
        "yarn.lock:4 pkg:npm/debug@4.4.3 | ^4.3.0 | runtime | direct"
    ]


def test_members_of_a_workspace_that_ask_for_each_other_are_no_third_party(rows: Rows) -> None:
    files = {
        "package.json": '{"name": "root", "dependencies": {"a": "*"}, "workspaces": ["packages/*"]}',
        "packages/a/package.json": '{"name": "a", "dependencies": {"b": "^1.0.0", "left": "1.0.0"}}',
        "packages/b/package.json": '{"name": "b", "version": "1.2.0", "dependencies": {"root": "^1.0.0"}}',
        "other/package.json": '{"name": "c", "dependencies": {"b": "^1.0.0"}}',
    }
    assert rows(files) == [
        "other/package.json:None pkg:npm/b | ^1.0.0 | runtime | direct",
        "packages/a/package.json:None pkg:npm/left@1.0.0 | 1.0.0 | runtime | direct",
        "packages/b/package.json:None pkg:npm/root | ^1.0.0 | runtime | direct",
    ]
    assert rows({**files, "yarn.lock": '# yarn lockfile v1\n\n\nleft@1.0.0:\n  version "1.0.0"\n'})[1:] == [
        "yarn.lock:4 pkg:npm/left@1.0.0 | 1.0.0 | runtime | direct"
    ]
