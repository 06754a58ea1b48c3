"""package.json, package-lock.json (1 to 3), yarn.lock (both), pnpm-lock.yaml (5, 6, 9)."""

from __future__ import annotations

import json
from collections.abc import Callable

Rows = Callable[[dict[str, str]], list[str]]

PACKAGE = """{
  "name": "shop",
  "dependencies": {
    "@scope/web": "^1.0.0",
    "both": "^2.0.0"
  },
  "devDependencies": {
    "tool": "~3.1.0"
  },
  "optionalDependencies": {
    "extra": "4.0.0"
  }
}
"""
LOCK = """{
  "name": "shop",
  "lockfileVersion": 3,
  "packages": {
    "": {
      "name": "shop",
      "workspaces": ["packages/*"],
      "dependencies": {"@scope/web": "^1.0.0", "both": "^2.0.0"},
      "devDependencies": {"tool": "~3.1.0"},
      "optionalDependencies": {"extra": "4.0.0"}
    },
    "node_modules/@scope/web": {
      "version": "1.4.0",
      "dependencies": {"leaf": "^1.0.0"},
      "optionalDependencies": {"native": "^1.0.0"},
      "peerDependencies": {"friend": "*", "absent": "*"}
    },
    "node_modules/@scope/web/node_modules/leaf": {
      "version": "1.9.0"
    },
    "node_modules/both": {
      "version": "2.2.2"
    },
    "node_modules/extra": {
      "version": "4.0.0",
      "optional": true
    },
    "node_modules/friend": {
      "version": "7.0.0",
      "peer": true
    },
    "node_modules/leaf": {
      "version": "2.0.0",
      "dev": true
    },
    "node_modules/member": {
      "resolved": "packages/member",
      "link": true
    },
    "node_modules/native": {
      "version": "1.1.1",
      "optional": true
    },
    "node_modules/renamed": {
      "name": "original",
      "version": "9.0.0"
    },
    "node_modules/tool": {
      "version": "3.1.7",
      "dev": true,
      "dependencies": {"leaf": "^2.0.0", "both": "^2.0.0"}
    },
    "packages/member": {
      "version": "1.0.0",
      "dependencies": {"renamed": "npm:original@^9.0.0"},
      "devDependencies": {"both": "^2.1.0"}
    }
  }
}
"""
EXPECTED = [
    "package-lock.json:12 pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
    "package-lock.json:18 pkg:npm/leaf@1.9.0 | None | runtime | transitive",
    "package-lock.json:21 pkg:npm/both@2.2.2 | ^2.0.0 | runtime | direct",
    "package-lock.json:24 pkg:npm/extra@4.0.0 | 4.0.0 | optional | direct",
    "package-lock.json:28 pkg:npm/friend@7.0.0 | None | runtime | transitive",
    "package-lock.json:32 pkg:npm/leaf@2.0.0 | None | development | transitive",
    "package-lock.json:40 pkg:npm/native@1.1.1 | None | optional | transitive",
    "package-lock.json:44 pkg:npm/original@9.0.0 | npm:original@^9.0.0 | runtime | direct",
    "package-lock.json:48 pkg:npm/tool@3.1.7 | ~3.1.0 | development | direct",
]


def test_a_lock_file_governs_its_workspace_and_is_resolved_as_node_does(rows: Rows) -> None:
    member = '{"name": "member", "dependencies": {"renamed": "npm:original@^9.0.0"}}'
    found = rows({"package.json": PACKAGE, "package-lock.json": LOCK, "packages/member/package.json": member})
    assert found == EXPECTED


def test_the_lock_file_alone_says_the_same(rows: Rows) -> None:
    assert rows({"package-lock.json": LOCK}) == EXPECTED
    assert rows({"sub/npm-shrinkwrap.json": LOCK})[0].startswith("sub/npm-shrinkwrap.json:12 ")


def test_without_a_lock_file_only_exact_versions_are_known(rows: Rows) -> None:
    written = '"both": "workspace:*",\n    "here": "file:../here",\n    "b": "npm:a@1.2.3"'
    assert rows({"package.json": PACKAGE.replace('"both": "^2.0.0"', written)}) == [
        "package.json:4 pkg:npm/%40scope/web | ^1.0.0 | runtime | direct",
        "package.json:7 pkg:npm/a@1.2.3 | npm:a@1.2.3 | runtime | direct",
        "package.json:10 pkg:npm/tool | ~3.1.0 | development | direct",
        "package.json:13 pkg:npm/extra@4.0.0 | 4.0.0 | optional | direct",
    ]


def test_a_package_below_that_is_no_member_has_rows_of_its_own(rows: Rows) -> None:
    other = '{"name": "other", "dependencies": {"lonely": "^1"}}'
    found = rows({"package-lock.json": LOCK, "package.json": PACKAGE, "examples/other/package.json": other})
    assert found[0] == "examples/other/package.json:None pkg:npm/lonely | ^1 | runtime | direct"
    assert found[1:] == EXPECTED


def test_version_one_nests_and_takes_its_roots_from_the_manifest(rows: Rows) -> None:
    lock = json.dumps(
        {
            "lockfileVersion": 1,
            "dependencies": {
                "@scope/web": {
                    "version": "1.4.0",
                    "requires": {"leaf": "^1.0.0"},
                    "dependencies": {"leaf": {"version": "1.9.0"}},
                },
                "both": {"version": "2.2.2"},
                "extra": {"version": "4.0.0", "optional": True},
                "here": {"version": "file:here"},
                "leaf": {"version": "2.0.0", "dev": True},
                "tool": {"version": "3.1.7", "dev": True, "requires": {"leaf": "^2.0.0", "both": "^2.0.0"}},
            },
        },
        indent=2,
    )
    expected = [
        "package-lock.json:4 pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
        "package-lock.json:10 pkg:npm/leaf@1.9.0 | None | runtime | transitive",
        "package-lock.json:15 pkg:npm/both@2.2.2 | ^2.0.0 | runtime | direct",
        "package-lock.json:18 pkg:npm/extra@4.0.0 | 4.0.0 | optional | direct",
        "package-lock.json:25 pkg:npm/leaf@2.0.0 | None | development | transitive",
        "package-lock.json:29 pkg:npm/tool@3.1.7 | ~3.1.0 | development | direct",
    ]
    assert rows({"package-lock.json": lock, "package.json": PACKAGE}) == expected
    alone = rows({"package-lock.json": lock})
    assert all(row.endswith("unknown") for row in alone)
    assert [row.split(" | ")[2] for row in alone] == [
        "runtime", "runtime", "runtime", "optional", "development", "development",
    ]  # fmt: skip


YARN_1 = """# yarn lockfile v1


"@scope/web@^1.0.0":
  version "1.4.0"
  resolved "https://example.org/web.tgz#aa"
  dependencies:
    leaf "^1.0.0 || ^1.5.0"
  optionalDependencies:
    native "^1.0.0"

both@^2.0.0, both@^2.1.0:
  version "2.2.2"

extra@4.0.0:
  version "4.0.0"

"leaf@^1.0.0 || ^1.5.0":
  version "1.9.0"

leaf@^2.0.0:
  version "2.0.0"

native@^1.0.0:
  version "1.1.1"

tool@~3.1.0:
  version "3.1.7"
  dependencies:
    leaf "^2.0.0"
    both "^2.0.0"
"""


def test_yarn_in_its_first_format(rows: Rows) -> None:
    assert rows({"yarn.lock": YARN_1, "package.json": PACKAGE}) == [
        "yarn.lock:4 pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
        "yarn.lock:12 pkg:npm/both@2.2.2 | ^2.0.0 | runtime | direct",
        "yarn.lock:15 pkg:npm/extra@4.0.0 | 4.0.0 | optional | direct",
        "yarn.lock:18 pkg:npm/leaf@1.9.0 | None | runtime | transitive",
        "yarn.lock:21 pkg:npm/leaf@2.0.0 | None | development | transitive",
        "yarn.lock:24 pkg:npm/native@1.1.1 | None | optional | transitive",
        "yarn.lock:27 pkg:npm/tool@3.1.7 | ~3.1.0 | development | direct",
    ]


def test_yarn_governs_members_by_the_workspace_globs(rows: Rows) -> None:
    root = '{"workspaces": {"packages": ["packages/*", "!packages/out"]}, "dependencies": {"both": "^2.0.0"}}'
    member, out = '{"devDependencies": {"tool": "~3.1.0"}}', '{"dependencies": {"lonely": "1.0.0"}}'
    found = rows(
        {
            "yarn.lock": YARN_1,
            "package.json": root,
            "packages/in/package.json": member,
            "packages/out/package.json": out,
        }
    )
    assert found[0].startswith("packages/out/package.json:None pkg:npm/lonely@1.0.0")
    assert "yarn.lock:27 pkg:npm/tool@3.1.7 | ~3.1.0 | development | direct" in found
    assert "yarn.lock:4 pkg:npm/%40scope/web@1.4.0 | None | runtime | transitive" in found


BERRY = """__metadata:
  version: 8
  cacheKey: 10

"@scope/web@npm:^1.0.0":
  version: 1.4.0
  resolution: "@scope/web@npm:1.4.0"
  dependencies:
    leaf: "npm:^1.0.0"
    native: "npm:^1.0.0"
  dependenciesMeta:
    native:
      optional: true
  checksum: 10/aa
  languageName: node
  linkType: hard

"leaf@npm:^1.0.0, leaf@npm:^1.5.0":
  version: 1.9.0
  resolution: "leaf@npm:1.9.0"
  linkType: hard

"member@workspace:packages/member":
  version: 0.0.0-use.local
  resolution: "member@workspace:packages/member"
  dependencies:
    tool: "npm:~3.1.0"
  linkType: soft

"native@npm:^1.0.0":
  version: 1.1.1
  resolution: "native@npm:1.1.1"
  linkType: hard

"shop@workspace:.":
  version: 0.0.0-use.local
  resolution: "shop@workspace:."
  linkType: soft

"tool@npm:~3.1.0":
  version: 3.1.7
  resolution: "tool@npm:3.1.7"
  linkType: hard

"tool@patch:tool@npm%3A~3.1.0#optional!builtin<compat/tool>":
  version: 3.1.7
  resolution: "tool@patch:tool@npm%3A3.1.7#optional!builtin<compat/tool>::version=3.1.7&hash=aa"
  linkType: hard
"""


def test_berry_names_its_members_and_a_patched_package_is_one_package(rows: Rows) -> None:
    member = '{"name": "member", "devDependencies": {"tool": "~3.1.0"}}'
    files = {"yarn.lock": BERRY, "package.json": PACKAGE, "packages/member/package.json": member}
    assert rows(files) == [
        "yarn.lock:5 pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
        "yarn.lock:18 pkg:npm/leaf@1.9.0 | None | runtime | transitive",
        "yarn.lock:30 pkg:npm/native@1.1.1 | None | optional | transitive",
        "yarn.lock:40 pkg:npm/tool@3.1.7 | ~3.1.0 | development | direct",
    ]


PNPM_9 = """lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      '@scope/web':
        specifier: ^1.0.0
        version: 1.4.0(friend@7.0.0)
    devDependencies:
      tool:
        specifier: ~3.1.0
        version: 3.1.7

  packages/member:
    dependencies:
      shop:
        specifier: workspace:*
        version: link:../..
      leaf:
        specifier: ^1.0.0
        version: 1.9.0

packages:

  '@scope/web@1.4.0':
    resolution: {integrity: sha512-aa==}
    peerDependencies:
      friend: '*'

  friend@7.0.0:
    resolution: {integrity: sha512-aa==}

  leaf@1.9.0:
    resolution: {integrity: sha512-aa==}

  tool@3.1.7:
    resolution: {integrity: sha512-aa==}

snapshots:

  '@scope/web@1.4.0(friend@7.0.0)':
    dependencies:
      friend: 7.0.0

  friend@7.0.0: {}

  leaf@1.9.0: {}

  tool@3.1.7:
    dependencies:
      leaf: 1.9.0
"""


def test_pnpm_nine_with_peers_in_its_keys(rows: Rows) -> None:
    files = {"pnpm-lock.yaml": PNPM_9, "package.json": PACKAGE, "packages/member/package.json": "{}"}
    assert rows(files) == [
        "pnpm-lock.yaml:26 pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
        "pnpm-lock.yaml:31 pkg:npm/friend@7.0.0 | None | runtime | transitive",
        "pnpm-lock.yaml:34 pkg:npm/leaf@1.9.0 | ^1.0.0 | runtime | direct",
        "pnpm-lock.yaml:37 pkg:npm/tool@3.1.7 | ~3.1.0 | development | direct",
    ]


def test_pnpm_five_and_six_key_their_packages_with_a_slash(rows: Rows) -> None:
    six = (
        "lockfileVersion: '6.0'\ndependencies:\n  '@scope/web':\n    specifier: ^1.0.0\n    version: 1.4.0\n"
        "packages:\n  /@scope/web@1.4.0:\n    resolution: {integrity: a}\n    dependencies:\n      leaf: 1.9.0\n"
        "  /leaf@1.9.0:\n    resolution: {integrity: a}\n    dev: false\n"
    )
    five = (
        "lockfileVersion: 5.4\nspecifiers:\n  '@scope/web': ^1.0.0\ndependencies:\n  '@scope/web': 1.4.0\n"
        "packages:\n  /@scope/web/1.4.0:\n    dependencies:\n      leaf: 1.9.0\n  /leaf/1.9.0:\n    dev: false\n"
    )
    for text in (six, five):
        assert [row.partition(" ")[2] for row in rows({"pnpm-lock.yaml": text})] == [
            "pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
            "pkg:npm/leaf@1.9.0 | None | runtime | transitive",
        ]


PNPM_ENVIRONMENT = """---
lockfileVersion: '9.0'

importers:

  .:
    configDependencies:
      house-rules:
        specifier: 1.1.0
        version: 1.1.0
    packageManagerDependencies:
      pnpm:
        specifier: 12.0.0
        version: 12.0.0

packages:

  house-rules@1.1.0:
    resolution: {integrity: sha512-aa==}

  pnpm@12.0.0:
    resolution: {integrity: sha512-aa==}

snapshots:

  house-rules@1.1.0: {}

  pnpm@12.0.0: {}

---
"""


def test_pnpm_notes_what_it_needs_itself_in_a_document_before_that_of_the_project(rows: Rows) -> None:
    alone = rows({"pnpm-lock.yaml": PNPM_9, "package.json": PACKAGE})
    assert rows({"pnpm-lock.yaml": PNPM_ENVIRONMENT + PNPM_9, "package.json": PACKAGE}) == [
        "pnpm-lock.yaml:18 pkg:npm/house-rules@1.1.0 | 1.1.0 | build | direct",
        "pnpm-lock.yaml:21 pkg:npm/pnpm@12.0.0 | 12.0.0 | build | direct",
        *(_moved(row, PNPM_ENVIRONMENT.count("\n")) for row in alone),
    ]


def _moved(row: str, lines: int) -> str:
    place, _, rest = row.partition(" ")
    path, _, line = place.partition(":")
    return f"{path}:{int(line) + lines} {rest}"


def test_pnpm_five_names_the_host_of_another_registry_before_the_package(rows: Rows) -> None:
    lock = """lockfileVersion: 5.4
specifiers: {'@scope/web': ^1.0.0, leaf: ^1.0.0}
dependencies:
  '@scope/web': npm.example.org/@scope/web/1.4.0
  leaf: npm.example.org/leaf/1.9.0_friend@7.0.0
packages:
  npm.example.org/@scope/web/1.4.0:
    resolution: {integrity: sha512-aa==}
  npm.example.org/leaf/1.9.0_friend@7.0.0:
    resolution: {integrity: sha512-aa==}
"""
    assert rows({"pnpm-lock.yaml": lock}) == [
        "pnpm-lock.yaml:7 pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
        "pnpm-lock.yaml:9 pkg:npm/leaf@1.9.0 | ^1.0.0 | runtime | direct",
    ]


def test_an_address_is_no_version_and_its_login_is_never_kept(rows: Rows) -> None:
    address = "git+https://someone:s3cr@t@example.org/team/leaf.git#0a1b2c3"
    npm = {"lockfileVersion": 1, "dependencies": {"leaf": {"version": address, "from": address}}}
    kept = "git+https://example.org/team/leaf.git#0a1b2c3"
    assert rows({"package-lock.json": json.dumps(npm, indent=2)}) == [
        f"package-lock.json:4 pkg:npm/leaf | {kept} | runtime | unknown"
    ]
    pnpm = f"""lockfileVersion: '9.0'
importers:
  .:
    dependencies:
      leaf:
        specifier: {address}
        version: {address}
packages:
  leaf@{address}:
    resolution: {{type: git}}
"""
    assert rows({"pnpm-lock.yaml": pnpm}) == [f"pnpm-lock.yaml:9 pkg:npm/leaf | {kept} | runtime | direct"]


def test_berry_writes_a_long_heading_over_two_lines(rows: Rows) -> None:
    wanted = [f"leaf@npm:^1.{minor}.0" for minor in range(80)]
    lock = BERRY.replace('"leaf@npm:^1.0.0, leaf@npm:^1.5.0":', f'? "{", ".join(wanted)}"\n:')
    member = '{"name": "member", "devDependencies": {"tool": "~3.1.0"}}'
    files = {"yarn.lock": lock, "package.json": PACKAGE, "packages/member/package.json": member}
    assert [row.partition(" ")[2] for row in rows(files)] == [
        "pkg:npm/%40scope/web@1.4.0 | ^1.0.0 | runtime | direct",
        "pkg:npm/leaf@1.9.0 | None | runtime | transitive",
        "pkg:npm/native@1.1.1 | None | optional | transitive",
        "pkg:npm/tool@3.1.7 | ~3.1.0 | development | direct",
    ]
