"""What the gaps engine says of small trees: per check a gap, a pass, nothing to judge, and hostile input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from commandcenter.engine import codec
from commandcenter.engine.contract.facts import Platform
from commandcenter.engine.contract.files import Entry, Link, Links
from commandcenter.engine.contract.gaps import Check, Gap
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.gaps import ENGINE
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.licenses.texts import listed
from commandcenter.engine.practices.catalogue import CHECKS

SHA = "8f4b7f84864484a7bf31766abe9204da3cbe65b3"
DIGEST = "sha256:" + "ab" * 32
WF = ".github/workflows/ci.yml"


class Seen:
    def __init__(self, files: Mapping[str, str | bytes], folder: Path) -> None:
        self.results = run(ENGINE, files, folder)
        self.checks = {r.id: r for r in self.results if isinstance(r, Check)}
        self.platforms = {(r.product, r.version): r for r in self.results if isinstance(r, Platform)}

    def gaps(self, check: str) -> dict[str, Gap]:
        return {r.subject: r for r in self.results if isinstance(r, Gap) and r.check == check}

    def status(self, check: str) -> str:
        return self.checks[check].status


def workflow(body: str, head: str = "on: push\npermissions: {contents: read}\n") -> dict[str, str]:
    return {WF: f"{head}jobs:\n  build:\n    runs-on: x\n    steps:\n{body}"}


NPM = '{"dependencies": {"left-pad": "^1.0.0"}}'
NPM_LOCK = (
    '{"lockfileVersion": 3, "packages": {"": {"dependencies": {"left-pad": "^1.0.0"}}, '
    '"node_modules/left-pad": {"version": "1.3.0"}}}'
)
PACKAGE_LOCK_WITHOUT = '{"lockfileVersion": 3, "packages": {"": {}}}'

# check -> (tree with a gap, tree that passes, tree without anything to judge or None where every tree is judged)
CASES: dict[str, tuple[dict[str, str | bytes], dict[str, str | bytes], dict[str, str | bytes] | None]] = {
    "dangerous-workflow": (
        {**workflow("      - uses: actions/checkout@v4\n        with: {ref: '${{ github.event.pull_request.head.sha }}'}\n",
                    "on: pull_request_target\n")},
        {**workflow("      - uses: actions/checkout@v4\n", "on: pull_request_target\n")},
        {"a.py": "x"},
    ),
    "token-permissions": (
        {**workflow("      - run: make\n", "on: push\n")},
        {**workflow("      - run: make\n")},
        {"a.py": "x"},
    ),
    "pinned-actions": (
        {**workflow("      - uses: some/action@v1\n")},
        {**workflow(f"      - uses: some/action@{SHA} # v1\n      - uses: ./here\n")},
        {"a.py": "x"},
    ),
    "pinned-images": (
        {"Dockerfile": "FROM python:3.12\n"},
        {"Dockerfile": f"FROM python:3.12@{DIGEST} AS base\nFROM base\n"},
        {"a.py": "x"},
    ),
    "pinned-installs": (
        {"Dockerfile": "FROM scratch\nRUN pip install requests\n"},
        {"Dockerfile": "FROM scratch\nRUN pip install requests==2.32.0 && npm ci\n"},
        {"a.py": "x"},
    ),
    "lock-file": ({"package.json": NPM}, {"package.json": NPM, "package-lock.json": NPM_LOCK}, {"pom.xml": "<project/>"}),
    "lock-in-step": (
        {"package.json": NPM, "package-lock.json": PACKAGE_LOCK_WITHOUT},
        {"package.json": NPM, "package-lock.json": NPM_LOCK},
        {"package.json": NPM},
    ),
    "binary-artifacts": ({"tools/a.exe": b"MZ\0"}, {"a.py": "x"}, None),
    "submodules": (
        {".gitmodules": '[submodule "a"]\n\tpath = a\n\turl = http://example.org/a.git\n'},
        {".gitmodules": '[submodule "a"]\n\tpath = a\n\turl = https://example.org/a.git\n'},
        {"a.py": "x"},
    ),
    "license": ({"src/LICENSE": "x"}, {"LICENSE.md": listed()["MIT"]["text"]}, None),
    "readme": ({"src/README": "x"}, {"readme.rst": "x"}, None),
    "security-policy": ({"a.py": "x"}, {".github/SECURITY.md": "x"}, None),
    "code-owners": ({"a.py": "x"}, {"docs/CODEOWNERS": "* @a"}, None),
    "ci": ({"a.py": "x"}, {"a.py": "x", ".gitlab-ci.yml": "a: {script: [make]}"}, {"README": "x"}),
    "tests": ({"a.py": "x"}, {"a.py": "x", "pkg/a_test.go": "package a"}, {"README": "x"}),
    "dependency-updates": (
        {"requirements.txt": "a==1\n"},
        {"requirements.txt": "a==1\n", ".github/dependabot.yml": "version: 2"},
        {"README": "x"},
    ),
    "sast": (
        {"a.py": "x"},
        {"a.py": "x", **workflow(f"      - uses: github/codeql-action/init@{SHA}\n")},
        {"README": "x"},
    ),
    "fuzzing": ({"a.go": "x"}, {"a.go": "x", "fuzz/fuzz_targets/a.rs": "x"}, {"README": "x"}),
}  # fmt: skip


def test_there_is_a_case_for_every_check() -> None:
    assert set(CASES) == set(CHECKS)


@pytest.mark.parametrize("check", CASES)
def test_a_check_tells_a_gap_from_a_pass_and_from_nothing_to_judge(check: str, tmp_path: Path) -> None:
    bad, good, none = CASES[check]
    seen = Seen(bad, tmp_path)
    assert seen.status(check) == "gap"
    gaps = seen.gaps(check)
    assert seen.checks[check].gaps == len(gaps) > 0
    assert all(gap.title and gap.reason and gap.remedy for gap in gaps.values())
    assert all(place.path in bad for gap in gaps.values() for place in gap.evidence)
    passed = Seen(good, tmp_path)
    assert (passed.status(check), passed.gaps(check)) == ("passed", {})
    assert passed.checks[check].looked_at > 0
    if none is not None:
        assert Seen(none, tmp_path).status(check) == "not_applicable"


def test_every_check_answers_once_in_the_catalogues_order(tmp_path: Path) -> None:
    assert list(Seen({"a.py": "x"}, tmp_path).checks) == list(CHECKS)


def links_judged(tmp_path: Path, *links: tuple[str, str], untold: int = 0) -> tuple[str, dict[str, str]]:
    known = Links(tuple(Link(*each) for each in links), untold)
    results = run(ENGINE, {"a.py": "x"}, tmp_path, links=known)
    (status,) = [r.status for r in results if isinstance(r, Check) and r.id == "submodules"]
    gaps = [r for r in results if isinstance(r, Gap) and r.check == "submodules"]
    return status, {gap.subject: gap.severity for gap in gaps}


def test_symlinks_are_judged_by_where_they_would_lead(tmp_path: Path) -> None:
    inside = [("docs/a", "../a.py"), ("b", "./docs/../a.py"), ("c", "..a"), ("tests/d", "/etc/passwd")]
    assert links_judged(tmp_path, *inside) == ("passed", {})
    outside = {
        "abs": ("/etc/passwd", "medium"), "win": ("C:\\x", "medium"), "up": ("../other", "medium"),
        "deep/up": ("a/../../../x", "medium"), "git": (".git/hooks/pre-commit", "high"),
        "deep/git": ("../.GIT/config", "high"),
    }  # fmt: skip
    status, gaps = links_judged(tmp_path, *((path, target) for path, (target, _) in outside.items()))
    assert (status, gaps) == ("gap", {path: severity for path, (_, severity) in outside.items()})
    assert links_judged(tmp_path, untold=2) == ("unknown", {})
    assert links_judged(tmp_path, ("x", "/x"), untold=2)[0] == "gap"
    assert links_judged(tmp_path) == ("not_applicable", {})


def test_an_action_is_one_gap_with_all_its_places(tmp_path: Path) -> None:
    seen = Seen(
        workflow("      - uses: a/b@v1\n      - uses: a/b@main\n      - uses: actions/cache@v4\n"), tmp_path
    )
    gaps = seen.gaps("pinned-actions")
    assert {s: (g.severity, [e.line for e in g.evidence]) for s, g in gaps.items()} == {
        "a/b": ("medium", [7, 8]),
        "actions/cache": ("low", [9]),
    }


def test_an_action_by_its_address_is_judged(tmp_path: Path) -> None:
    seen = Seen(workflow("      - uses: https://code.example.org/a/b@v1\n"), tmp_path)
    assert list(seen.gaps("pinned-actions")) == ["code.example.org/a/b"]


def test_what_other_ci_takes_from_others_is_judged(tmp_path: Path) -> None:
    gitlab = f"""include:
  - {{project: team/branch, ref: main, file: /a.yml}}
  - {{project: team/tag, ref: v1.2.0, file: /a.yml}}
  - {{project: team/commit, ref: {SHA}, file: /a.yml}}
  - component: gitlab.com/team/scan/newest@~latest
  - remote: https://ci.example.org/a.yml
  - {{remote: https://ci.example.org/b.yml, integrity: sha256-aa}}
  - local: /c.yml
"""
    circle = "orbs: {whole: acme/whole@1.2.3, part: acme/part@1}\n"
    azure = "resources: {repositories: [{type: github, name: acme/t, ref: refs/heads/main}]}\n"
    seen = Seen(
        {".gitlab-ci.yml": gitlab, ".circleci/config.yml": circle, "azure-pipelines.yml": azure}, tmp_path
    )
    assert {s: g.severity for s, g in seen.gaps("pinned-actions").items()} == {
        "team/branch": "medium",
        "team/tag": "low",
        "team/scan/newest": "medium",
        "ci.example.org/a.yml": "medium",
        "acme/part": "medium",
        "acme/t": "medium",
    }
    assert seen.checks["pinned-actions"].looked_at == 9


def test_images_of_every_kind_of_file_are_judged(tmp_path: Path) -> None:
    seen = Seen(
        {
            ".gitlab-ci.yml": "a: {image: one:1}",
            ".circleci/config.yml": "jobs: {a: {docker: [{image: two:2}]}}",
            "k8s/a.yaml": "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: three}]}\n",
            "app/kustomization.yaml": "images: [{name: four, newTag: '4'}]",
        },
        tmp_path,
    )
    assert sorted(seen.gaps("pinned-images")) == ["four:4", "one:1", "three", "two:2"]


def test_an_image_with_a_tag_that_is_computed_is_not_judged(tmp_path: Path) -> None:
    files = {
        "Dockerfile": "ARG TAG\nFROM alpine:$TAG\n",
        "azure-pipelines.yml": "jobs: [{container: 'python:$(version)'}]\n",
    }
    assert Seen(files, tmp_path).status("pinned-images") == "not_applicable"


def test_commands_of_included_files_of_gitlab_are_judged(tmp_path: Path) -> None:
    files = {"ci/lint.gitlab-ci.yml": "lint:\n  script: [pip install ruff]\n"}
    assert list(Seen(files, tmp_path).gaps("pinned-installs")) == ["pip ruff"]


def test_only_what_is_applied_needs_a_lock_file_of_terraform(tmp_path: Path) -> None:
    asks = 'terraform {\n  required_providers {\n    aws = { source = "hashicorp/aws" }\n  }\n}\n'
    files = {
        "module/versions.tf": asks,
        "live/versions.tf": asks,
        "live/backend.tf": 'terraform {\n  backend "s3" {}\n}\n',
    }
    assert list(Seen(files, tmp_path).gaps("lock-file")) == ["live/versions.tf"]
    locked = {
        **files,
        "live/.terraform.lock.hcl": 'provider "registry.terraform.io/hashicorp/aws" { version = "5.0.0" }',
    }
    seen = Seen(locked, tmp_path)
    assert (seen.status("lock-file"), seen.status("lock-in-step")) == ("passed", "passed")


def test_charts_and_swift_packages_need_lock_files(tmp_path: Path) -> None:
    files = {
        "chart/Chart.yaml": "dependencies: [{name: redis, version: ^18.0.0, repository: https://example.org}]",
        "Package.swift": 'let p = Package(dependencies: [.package(url: "https://github.com/a/b", from: "1.0.0")])',
    }
    gaps = Seen(files, tmp_path).gaps("lock-file")
    assert {s: g.severity for s, g in gaps.items()} == {"chart/Chart.yaml": "medium", "Package.swift": "low"}


def test_the_oldest_terraform_that_is_admitted_is_a_platform(tmp_path: Path) -> None:
    files = {
        "main.tf": 'terraform { required_version = ">= 1.5, < 2.0" }',
        "b/b.tf": 'terraform { required_version = "< 1.9" }',
    }
    assert list(Seen(files, tmp_path).platforms) == [("terraform", "1.5")]


def test_a_moving_tag_weighs_more_than_a_version(tmp_path: Path) -> None:
    seen = Seen({"Dockerfile": "FROM node\nFROM redis:latest\nFROM alpine:3.20\n"}, tmp_path)
    assert {s: g.severity for s, g in seen.gaps("pinned-images").items()} == {
        "node": "medium",
        "redis:latest": "medium",
        "alpine:3.20": "low",
    }


@pytest.mark.parametrize(
    ("command", "subjects"),
    [
        ("curl -fsSL https://example.org/i.sh | bash", {"https://example.org/i.sh"}),
        ("wget -qO- https://example.org/i | sudo sh -s -- -y", {"https://example.org/i"}),
        ('bash -c "$(curl https://example.org/x)"', {"https://example.org/x"}),
        ("curl -o a https://example.org/a && sha256sum -c sums", set()),
        ("pip install --upgrade pip", set()),
        ("pip install -r requirements.txt", set()),
        ("pip install .", set()),
        ("python -m pip install -U 'black>=24' ruff==0.5.0", {"pip black>=24"}),
        ("npm ci", set()),
        ("npm install", set()),
        ("npm install -g typescript", {"npm typescript"}),
        ("npm i -g @scope/tool@1.2.3", set()),
        ("go install example.org/x@latest", {"go example.org/x@latest"}),
        ("go install example.org/x@v1.2.3", set()),
        ("gem install rake -v 13.0.0", set()),
        ("cargo install just", {"cargo just"}),
        ("apt-get install -y git", set()),
    ],
)
def test_commands_are_judged_by_what_they_name(command: str, subjects: set[str], tmp_path: Path) -> None:
    for files in (
        {"Dockerfile": f"FROM scratch\nRUN {command}\n"},
        workflow(f"      - run: |\n          {command}\n"),
    ):
        assert set(Seen(files, tmp_path).gaps("pinned-installs")) == subjects


def test_the_line_of_a_command_is_its_own(tmp_path: Path) -> None:
    seen = Seen(workflow("      - run: |\n          true\n          pip install black\n"), tmp_path)
    (gap,) = seen.gaps("pinned-installs").values()
    assert [(e.path, e.line) for e in gap.evidence] == [(WF, 9)]


def test_an_input_of_a_test_is_not_judged(tmp_path: Path) -> None:
    seen = Seen({"tests/fixtures/package.json": NPM, "examples/Dockerfile": "FROM node\n"}, tmp_path)
    assert (seen.gaps("lock-file"), seen.gaps("pinned-images")) == ({}, {})


@pytest.mark.parametrize(
    ("manifest", "text", "lock", "locked"),
    [
        ("package.json", NPM, "bun.lockb", b"#!/usr/bin/env bun\nbun-lockfile-format-v0\n\0"),
        (
            "package.json",
            NPM,
            "bun.lock",
            '{"workspaces": {"": {}}, "packages": {"left-pad": ["left-pad@1.3.0", "", {}, ""]}}',
        ),
        (
            "pyproject.toml",
            '[project]\nname = "a"\ndependencies = ["attrs"]\n',
            "pylock.toml",
            'lock-version = "1.0"\n[[packages]]\nname = "attrs"\nversion = "23.1"\n',
        ),
        ("environment.yml", "dependencies: [numpy]\n", "conda-lock.yml", "package: []\nmetadata: {sources: [environment.yml]}\n"),
        ("pixi.toml", '[dependencies]\nnumpy = "*"\n', "pixi.lock", "packages: []\n"),
    ],
)  # fmt: skip
def test_every_package_manager_that_writes_a_lock_file_is_asked_for_it(
    manifest: str, text: str, lock: str, locked: str | bytes, tmp_path: Path
) -> None:
    assert Seen({manifest: text}, tmp_path).status("lock-file") == "gap"
    assert Seen({manifest: text, lock: locked}, tmp_path).status("lock-file") == "passed"


def test_gradle_and_nuget_lock_by_choice(tmp_path: Path) -> None:
    script = "dependencies { implementation 'org.a:run:1.0' }\n"
    assert Seen({"build.gradle": script}, tmp_path).status("lock-file") == "not_applicable"
    locked = {"build.gradle": script, "gradle.lockfile": "org.a:run:1.0=runtimeClasspath\n"}
    assert Seen(locked, tmp_path).status("lock-file") == "passed"


def test_a_compiled_requirement_file_locks_a_project(tmp_path: Path) -> None:
    project = '[project]\nname = "a"\ndependencies = ["django>=5"]\n'
    assert Seen({"pyproject.toml": project}, tmp_path).status("lock-file") == "gap"
    both = {"pyproject.toml": project, "requirements/main.txt": "django==5.2.1\n"}
    assert Seen(both, tmp_path).status("lock-file") == "passed"


def test_platforms_are_named_with_their_place(tmp_path: Path) -> None:
    seen = Seen(
        {
            "Dockerfile": "FROM python:3.8-slim-bullseye\n",
            ".nvmrc": "v16.20.0\n",
            "pyproject.toml": '[project]\nname = "a"\nrequires-python = ">=3.9,<4"\n',
            "go.mod": "module example.org/a\n\ngo 1.19\n",
            "package.json": '{\n  "engines": {"node": "18 || >=20"}\n}',
            "A.csproj": "<Project><PropertyGroup>\n<TargetFramework>net6.0</TargetFramework></PropertyGroup></Project>",
            "pom.xml": "<project><properties><java.version>1.8</java.version></properties></project>",
            ".tool-versions": "ruby 3.0.6\nterraform 1.5.0\n",
        },
        tmp_path,
    )
    assert {key: (p.path, p.line) for key, p in seen.platforms.items()} == {
        ("python", "3.8"): ("Dockerfile", 1),
        ("debian", "11"): ("Dockerfile", 1),
        ("nodejs", "16.20.0"): (".nvmrc", 1),
        ("python", "3.9"): ("pyproject.toml", 3),
        ("go", "1.19"): ("go.mod", 3),
        ("nodejs", "18"): ("package.json", 2),
        ("dotnet", "6.0"): ("A.csproj", 2),
        ("java", "8"): ("pom.xml", 1),
        ("ruby", "3.0.6"): (".tool-versions", 1),
        ("terraform", "1.5.0"): (".tool-versions", 2),
    }


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe\x00 \x80\x81",
        b"a: &a [x]\nb: &b [*a,*a,*a,*a]\n" + b"c: [*b" + b",*b" * 5000 + b"]\n",
        b"on: [" * 5000,
        b"jobs: [1, {steps: 7}, null]\non: 3\npermissions: [x]\n",
        b"jobs: {a: {steps: [{uses: 3}, {run: [1]}, 4]}}\n",
        b"on: push\njobs: {a: {steps: [{run: '" + b"curl " * 40_000 + b"'}]}}\n",
        b"x" * 2_000_000,
    ],
)
def test_hostile_files_cost_at_most_their_own_judgement(content: bytes, tmp_path: Path) -> None:
    names = [
        WF,
        "Dockerfile",
        "package.json",
        ".gitmodules",
        ".nvmrc",
        "pyproject.toml",
        ".gitlab-ci.yml",
        "pom.xml",
    ]
    seen = Seen(dict.fromkeys(names, content), tmp_path)
    assert list(seen.checks) == list(CHECKS)
    assert not [r for r in seen.results if isinstance(r, Failure)]


def test_a_workflow_that_is_no_yaml_leaves_its_checks_unknown(tmp_path: Path) -> None:
    seen = Seen({WF: "jobs: [\n"}, tmp_path)
    assert (seen.status("pinned-actions"), seen.status("token-permissions")) == ("unknown", "unknown")
    assert WF in seen.checks["pinned-actions"].detail


def test_many_gaps_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    seen = Seen({f"bin/{n:03}.exe": b"x" for n in range(120)}, tmp_path)
    assert seen.checks["binary-artifacts"].gaps == 120
    assert len(seen.gaps("binary-artifacts")) == 50


def test_results_survive_the_cache(tmp_path: Path) -> None:
    said = Seen({"Dockerfile": "FROM python:3.8\n"}, tmp_path).results
    assert codec.unpack(codec.pack(said, None), None) == said


def test_a_name_that_changes_a_result_changes_the_key() -> None:
    def key(*paths: str) -> str:
        return ENGINE.tree_key([Entry(path, "0" * 40, 1) for path in sorted(paths)])

    assert key("a.py") != key("a.py", "LICENSE")
    assert key("a.py") != key("a.py", "b.exe")
    assert key("a.py", "b.py") == key("a.py", "c.py")


def test_the_documents_name_every_check() -> None:
    text = (Path(__file__).resolve().parents[4] / "docs" / "gaps.md").read_text()
    assert [check for check in CHECKS if f"| `{check}` |" not in text] == []


def test_a_licence_file_is_judged_by_its_text(tmp_path: Path) -> None:
    """What is no licence of the list is unknown: it may be a company's own terms, or nothing at all."""
    known = Seen({"COPYING": listed()["GPL-3.0"]["text"], "LICENSE": "Ask us."}, tmp_path).checks["license"]
    assert (known.status, known.detail) == ("passed", "Found COPYING: GPL-3.0.")
    own = Seen({"LICENSE": "All rights reserved by Example Ltd.", "LICENSES/b.txt": "x"}, tmp_path)
    assert own.status("license") == "unknown"
    assert own.checks["license"].detail.startswith("Found LICENSE, whose text is no licence")
    assert own.gaps("license") == {}
    assert Seen({"LICENSE.pdf": b"%PDF\0"}, tmp_path).status("license") == "passed"


def test_long_subjects_that_begin_alike_keep_names_of_their_own(tmp_path: Path) -> None:
    deep = "/".join(["folder"] * 40)
    seen = Seen({f"{deep}/{name}/package.json": NPM for name in ("one", "two")}, tmp_path)
    gaps = seen.gaps("lock-file")
    assert len(gaps) == seen.checks["lock-file"].gaps == 2
    assert all(len(subject) == 200 for subject in gaps)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("build.gradle", "sourceCompatibility", "sourceCompatibility = '1.8'\n"),
        ("build.gradle.kts", "sourceCompatibility", "jvmToolchain(8)\n"),
        ("pom.xml", "<java.version>", "<java.version> 1.8 </java.version>\n"),
    ],
)
def test_half_a_megabyte_of_blanks_hides_no_version_and_takes_no_time(
    path: str, before: str, after: str, tmp_path: Path
) -> None:
    """Were it compared with itself character by character, this test would never end."""
    assert ("java", "8") in Seen({path: f"{before}{' ' * 490_000}x\n{after}"}, tmp_path).platforms


def test_a_framework_is_found_between_blanks(tmp_path: Path) -> None:
    project = "<TargetFramework>\n   net6.0\n  </TargetFramework>\n"
    assert ("dotnet", "6.0") in Seen({"a.csproj": project}, tmp_path).platforms
