"""Dockerfile, compose and bake files, GitHub Actions, Kubernetes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from commandcenter.engine.manifests import docker
from commandcenter.engine.manifests.formats import format_of

Rows = Callable[[dict[str, str]], list[str]]


def test_base_images_with_arguments_stages_and_digests(rows: Rows) -> None:
    digest = "sha256:" + "a" * 64
    text = f"""# syntax=docker/dockerfile:1
ARG VERSION=3.12
ARG REGISTRY
ARG FLAVOUR="slim"
FROM --platform=$BUILDPLATFORM golang:1.22 AS Build
COPY --from=registry.example.org:5000/team/tool:2 /tool /tool
RUN <<EOF
FROM not:this
EOF
FROM python:${{VERSION}}-${{FLAVOUR}}@{digest} AS base
FROM docker.io/library/redis:${{TAG:-7}} as cache
FROM \\
  # in between
  base
COPY --from=build /a /a
COPY --from=0 /b /b
FROM scratch AS empty
FROM ${{REGISTRY}}/nothing:1 AS unknown
FROM alpine:$UNKNOWN AS tagless
FROM base
RUN --mount=type=bind,from=busybox:1.36,target=/x true
"""
    assert rows({"build/Dockerfile": text}) == [
        "build/Dockerfile:5 pkg:docker/golang@1.22 | golang:1.22 | build | direct",
        (
            "build/Dockerfile:6 pkg:docker/team/tool@2?repository_url=registry.example.org:5000 | "
            "registry.example.org:5000/team/tool:2 | build | direct"
        ),
        f"build/Dockerfile:10 pkg:docker/python@3.12-slim | python:3.12-slim@{digest} | runtime | direct",
        "build/Dockerfile:11 pkg:docker/redis@7 | docker.io/library/redis:7 | build | direct",
        "build/Dockerfile:19 pkg:docker/alpine | alpine:$UNKNOWN | build | direct",
        "build/Dockerfile:21 pkg:docker/busybox@1.36 | busybox:1.36 | build | direct",
    ]


@pytest.mark.parametrize(
    ("reference", "registry", "name", "version"),
    [
        ("ubuntu", None, "ubuntu", None),
        ("bitnami/redis:7.2", None, "bitnami/redis", "7.2"),
        ("localhost/x:1", "localhost", "x", "1"),
        ("ghcr.io/a/b/c@sha256:ab", "ghcr.io", "a/b/c", "sha256:ab"),
        ("index.docker.io/library/nginx:1", None, "nginx", "1"),
    ],
)
def test_image_references(reference: str, registry: str | None, name: str, version: str | None) -> None:
    assert docker.image(reference) == docker.Image(registry, name, version)


@pytest.mark.parametrize(
    "reference", ["", ":1", "a b", "$BASE", "$BASE:1", "a/$B:1", "a:1:2", "/a", "${{ matrix.x }}"]
)
def test_what_is_no_image_reference_is_left_out(reference: str) -> None:
    assert docker.image(reference) is None


def test_compose_images_that_are_not_built_here(rows: Rows) -> None:
    text = (
        "x-common: &common\n  image: ${CACHE_IMAGE:-redis:7}\nservices:\n  db:\n    image: postgres:18\n"
        "  cache:\n    <<: *common\n  app:\n    build: .\n    image: shop:1\n"
    )
    assert rows({"docker-compose.prod.yml": text}) == [
        "docker-compose.prod.yml:2 pkg:docker/redis@7 | redis:7 | runtime | direct",
        "docker-compose.prod.yml:5 pkg:docker/postgres@18 | postgres:18 | runtime | direct",
    ]


def test_defaults_within_defaults(rows: Rows) -> None:
    text = "services:\n  a:\n    image: ${IMAGE:-${OTHER:-redis}:${TAG-7}}\n  b:\n    image: nginx:${NGINX?say which}\n"
    assert rows({"compose.yml": text}) == [
        "compose.yml:3 pkg:docker/redis@7 | redis:7 | runtime | direct",
        "compose.yml:5 pkg:docker/nginx | nginx:${NGINX?say which} | runtime | direct",
    ]


def test_bake_files(rows: Rows) -> None:
    text = """variable "TAG" { default = "1" }
target "app" {
  contexts = {
    base = "docker-image://alpine:3.20"
    other = "target:base"
    src = "https://github.com/a/b.git"
  }
  tags = ["acme/app:${TAG}"]
}
"""
    document = '{"target": {"app": {"contexts": {"base": "docker-image://alpine:3.20"}}}}'
    assert rows({"docker-bake.hcl": text, "x/docker-bake.json": document}) == [
        "docker-bake.hcl:4 pkg:docker/alpine@3.20 | alpine:3.20 | build | direct",
        "x/docker-bake.json:None pkg:docker/alpine@3.20 | alpine:3.20 | build | direct",
    ]


def test_kubernetes_workloads(rows: Rows) -> None:
    digest = "sha256:" + "a" * 64
    text = f"""apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      initContainers:
        - {{name: wait, image: "busybox:1.36"}}
      containers:
        - name: web
          image: ghcr.io/acme/web@{digest}
---
apiVersion: batch/v1
kind: CronJob
spec:
  jobTemplate:
    spec:
      template:
        spec:
          containers: [{{image: postgres:16}}]
---
apiVersion: example.org/v1
kind: Other
image: not/this:1
--- # the last
apiVersion: v1
kind: Pod
spec:
  containers:
    - image: redis
"""
    template = "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n    - image: {{ .Values.image }}\n"
    files = {
        "k8s/base/web.yaml": text,
        "deploy/pod.yaml": template,
        "k8s/notes.yaml": "a: [\nkind: Pod\nimage: x\n",
    }
    assert rows(files) == [
        "k8s/base/web.yaml:7 pkg:docker/busybox@1.36 | busybox:1.36 | runtime | direct",
        (
            f"k8s/base/web.yaml:10 pkg:docker/acme/web@sha256:{'a' * 64}?repository_url=ghcr.io | "
            f"ghcr.io/acme/web@{digest} | runtime | direct"
        ),
        "k8s/base/web.yaml:19 pkg:docker/postgres@16 | postgres:16 | runtime | direct",
        "k8s/base/web.yaml:29 pkg:docker/redis | redis | runtime | direct",
    ]


def test_workloads_behind_many_definitions(rows: Rows) -> None:
    definitions = "apiVersion: v1\nkind: CustomResourceDefinition\n---\n" * 300
    pod = "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: acme}]}\n"
    assert rows({"k8s/all.yaml": definitions + pod + "---\n" + pod.replace("acme", "redis")}) == [
        "k8s/all.yaml:903 pkg:docker/acme | acme | runtime | direct",
        "k8s/all.yaml:907 pkg:docker/redis | redis | runtime | direct",
    ]


def test_workflows(rows: Rows) -> None:
    text = """on: push
jobs:
  build:
    runs-on: ubuntu-latest
    container: node:20
    services:
      db:
        image: postgres:16
    steps:
      - uses: actions/checkout@v4
      - uses: "actions/cache/restore@0c45773b623bea8c8e75f6c82b208c3cf94ea4f9" # v4.0.2
      - uses: ./.github/actions/own
      - uses: docker://ghcr.io/acme/lint:1.2
      - uses: actions/checkout@v4
      - run: "uses: not/this@v1"
  call:
    uses: acme/flows/.github/workflows/ci.yml@main
  local:
    uses: ./.github/workflows/other.yml
"""
    assert rows({".github/workflows/ci.yml": text}) == [
        ".github/workflows/ci.yml:5 pkg:docker/node@20 | node:20 | build | direct",
        ".github/workflows/ci.yml:8 pkg:docker/postgres@16 | postgres:16 | build | direct",
        ".github/workflows/ci.yml:10 pkg:githubactions/actions/checkout@v4 | v4 | build | direct",
        (
            ".github/workflows/ci.yml:11 pkg:githubactions/actions/cache@0c45773b623bea8c8e75f6c82b208c3cf94ea4f9 | "
            "0c45773b623bea8c8e75f6c82b208c3cf94ea4f9 | build | direct"
        ),
        (
            ".github/workflows/ci.yml:13 pkg:docker/acme/lint@1.2?repository_url=ghcr.io | "
            "ghcr.io/acme/lint:1.2 | build | direct"
        ),
        ".github/workflows/ci.yml:17 pkg:githubactions/acme/flows@main | main | build | direct",
    ]


def test_actions_of_other_hosts(rows: Rows) -> None:
    steps = "".join(
        f"      - uses: {written}\n"
        for written in (
            "https://code.example.org/actions/checkout@v4",
            "https://github.com/actions/cache/save@v3",
        )
    )
    assert rows({".forgejo/workflows/ci.yml": f"jobs:\n  a:\n    steps:\n{steps}"}) == [
        ".forgejo/workflows/ci.yml:4 pkg:generic/code.example.org/actions/checkout@v4 | v4 | build | direct",
        ".forgejo/workflows/ci.yml:5 pkg:githubactions/actions/cache@v3 | v3 | build | direct",
    ]


def test_composite_actions(rows: Rows) -> None:
    text = "runs:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v5\n"
    assert rows({"setup/action.yml": text}) == [
        "setup/action.yml:4 pkg:githubactions/actions/setup-python@v5 | v5 | build | direct"
    ]


@pytest.mark.parametrize(
    "path",
    ["a/Dockerfile", "Dockerfile.dev", "x.Dockerfile", "Containerfile", "compose.yaml", "docker-compose.override.yml",
     "requirements.txt", "requirements-dev.txt", "dev-requirements.in", "requirements/base.txt", "src/a.csproj",
     ".github/workflows/x.yaml", "gradle/libs.versions.toml",
     "a/main.tf", "main.tofu", "main.tf.json", "ci/build.gitlab-ci.yml", ".gitlab/ci/build.yml", ".circleci/config.yml",
     "azure-pipelines.release.yml", "ops/k8s/web.yaml"],
)  # fmt: skip
def test_files_that_are_known_by_a_pattern(path: str) -> None:
    assert format_of(path) is not None


@pytest.mark.parametrize(
    "path",
    ["Dockerfile.md", "workflows/x.yml", "notes.txt", "docs/requirements.md", "composer.yaml", "my-package.json",
     "requirements", "pom.xml.bak", "profile.py", "terraform.tfvars", "a.hcl", ".gitlab/issue.yml", "src/k8s.yaml"],
)  # fmt: skip
def test_files_that_are_not(path: str) -> None:
    assert format_of(path) is None
