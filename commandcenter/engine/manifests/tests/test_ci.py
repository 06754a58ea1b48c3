"""GitLab CI, CircleCI, Azure Pipelines, pre-commit."""

from __future__ import annotations

from collections.abc import Callable

Rows = Callable[[dict[str, str]], list[str]]


def test_gitlab_images_and_includes(rows: Rows) -> None:
    sha = "0123456789abcdef0123456789abcdef01234567"
    text = f"""variables:
  PY: "3.12"
  TEAM: {{value: v3.1.0, description: which}}
  image: not/this:1
image: python:$PY
include:
  - project: team/ci
    ref: v2.0
    file: /a.yml
  - project: team/branch
    ref: main
    file: [/a.yml, /b.yml]
  - {{project: team/none, file: /a.yml}}
  - {{project: team/variable, ref: $TEAM, file: /a.yml}}
  - {{project: team/commit, ref: {sha}, file: /a.yml}}
  - component: gitlab.example.org/team/scan/sast@1.0.2
  - component: $CI_SERVER_FQDN/team/scan/dast@1
  - component: gitlab.com/team/scan/newest@~latest
  - remote: https://ci.example.org/shared/a.yml
  - https://ci.example.org/shared/b.yml
  - /own.yml
  - local: /own.yml
  - template: Jobs/Build.gitlab-ci.yml
test:
  variables: {{GO: "1.22"}}
  image: {{name: "golang:$GO", entrypoint: [""]}}
  services: ["redis:7", {{name: postgres:16}}]
  script: [!reference [.x, script]]
"""
    assert rows({".gitlab-ci.yml": text}) == [
        f".gitlab-ci.yml:{row}"
        for row in (
            "5 pkg:docker/python@3.12 | python:3.12 | build | direct",
            "7 pkg:gitlab/team/ci@v2.0 | v2.0 | build | direct",
            "10 pkg:gitlab/team/branch | main | build | direct",
            "13 pkg:gitlab/team/none | None | build | direct",
            "14 pkg:gitlab/team/variable@v3.1.0 | v3.1.0 | build | direct",
            f"15 pkg:gitlab/team/commit@{sha} | {sha} | build | direct",
            "16 pkg:gitlab/team/scan/sast@1.0.2?repository_url=gitlab.example.org | 1.0.2 | build | direct",
            "17 pkg:gitlab/team/scan/dast | 1 | build | direct",
            "18 pkg:gitlab/team/scan/newest | ~latest | build | direct",
            "19 pkg:generic/ci.example.org/shared/a.yml | None | build | direct",
            "20 pkg:generic/ci.example.org/shared/b.yml | None | build | direct",
            "26 pkg:docker/golang@1.22 | golang:1.22 | build | direct",
            "27 pkg:docker/postgres@16 | postgres:16 | build | direct",
            "27 pkg:docker/redis@7 | redis:7 | build | direct",
        )
    ]


def test_a_configuration_of_many_jobs_that_share_their_body(rows: Rows) -> None:
    jobs = "".join(f"rspec {n} 400: {{<<: *shared, stage: s{n}}}\nagain {n}: *shared\n" for n in range(400))
    text = ".shared: &shared\n  image: ruby:3.3\n  services: [postgres:16]\n" + jobs
    assert rows({".gitlab-ci.yml": text}) == [
        ".gitlab-ci.yml:2 pkg:docker/ruby@3.3 | ruby:3.3 | build | direct",
        ".gitlab-ci.yml:3 pkg:docker/postgres@16 | postgres:16 | build | direct",
    ]


def test_gitlab_files_that_are_included_and_components(rows: Rows) -> None:
    component = "spec:\n  inputs:\n    tag: {default: '1'}\n---\nlint:\n  image: alpine:$[[ inputs.tag ]]\n"
    files = {
        ".gitlab/ci/build.yml": "build: {image: golang:1.22}\n",
        "jobs/lint.gitlab-ci.yml": component,
        ".gitlab/other.yml": "build: {image: not:1}\n",
    }
    assert rows(files) == [
        ".gitlab/ci/build.yml:1 pkg:docker/golang@1.22 | golang:1.22 | build | direct",
        "jobs/lint.gitlab-ci.yml:6 pkg:docker/alpine | alpine:$[[ inputs.tag ]] | build | direct",
    ]


def test_circleci(rows: Rows) -> None:
    text = """version: 2.1
orbs:
  node: circleci/node@5.1.0
  moving: acme/tool@volatile
  major: acme/other@2
  inline: {jobs: {}}
executors:
  py: {docker: [{image: "cimg/python:3.12"}]}
jobs:
  build:
    docker:
      - image: cimg/go:1.22
      - image: postgres:<< parameters.version >>
    machine: {image: ubuntu-2204:current}
"""
    assert rows({".circleci/config.yml": text}) == [
        f".circleci/config.yml:{row}"
        for row in (
            "3 pkg:generic/circleci/node@5.1.0 | 5.1.0 | build | direct",
            "4 pkg:generic/acme/tool | volatile | build | direct",
            "5 pkg:generic/acme/other | 2 | build | direct",
            "8 pkg:docker/cimg/python@3.12 | cimg/python:3.12 | build | direct",
            "12 pkg:docker/cimg/go@1.22 | cimg/go:1.22 | build | direct",
        )
    ]


def test_azure_pipelines(rows: Rows) -> None:
    text = """resources:
  containers:
    - container: linux
      image: ubuntu:22.04
    - container: own
      type: ACR
      image: unknown
  repositories:
    - {repository: t, type: github, name: Acme/templates, ref: refs/tags/v1.0, endpoint: e}
    - {repository: u, type: github, name: acme/moving, ref: refs/heads/main, endpoint: e}
    - {repository: w, type: git, name: Project/own}
stages:
  - jobs:
      - job: a
        container: linux
      - job: b
        container: {image: "python:$(version)-slim"}
        services: {db: postgres:16, cache: own}
      - job: c
        container: ${{ parameters.image }}
"""
    assert rows({"azure-pipelines.yml": text}) == [
        f"azure-pipelines.yml:{row}"
        for row in (
            "4 pkg:docker/ubuntu@22.04 | ubuntu:22.04 | build | direct",
            "9 pkg:github/acme/templates@v1.0 | refs/tags/v1.0 | build | direct",
            "10 pkg:github/acme/moving | refs/heads/main | build | direct",
            "17 pkg:docker/python | python:$(version)-slim | build | direct",
            "18 pkg:docker/postgres@16 | postgres:16 | build | direct",
        )
    ]


def test_hooks_of_pre_commit(rows: Rows) -> None:
    text = """repos:
  - repo: https://github.com/psf/Black
    rev: 24.1.0
    hooks: [{id: black}]
  - repo: https://git.example.org/hooks.git
    rev: main
    hooks: [{id: x}]
  - repo: local
    hooks: [{id: own}]
  - repo: meta
    hooks: [{id: check-hooks-apply}]
"""
    assert rows({".pre-commit-config.yaml": text}) == [
        ".pre-commit-config.yaml:2 pkg:github/psf/black@24.1.0 | 24.1.0 | development | direct",
        ".pre-commit-config.yaml:5 pkg:generic/git.example.org/hooks | main | development | direct",
    ]
