"""Helm charts of both versions, and kustomizations."""

from __future__ import annotations

from collections.abc import Callable

from commandcenter.engine.manifests.inventory import Inventory

Rows = Callable[[dict[str, str]], list[str]]
Tree = Callable[[dict[str, str]], Inventory]

CHART = """apiVersion: v2
name: shop
version: 0.1.0
dependencies:
  - name: postgresql
    version: "~12.5.0"
    repository: https://charts.example.org/stable/
    alias: db
    condition: db.enabled
  - name: redis
    repository: oci://registry.example.org/charts
    version: 18.1.2
  - name: common
    version: 1.x.x
    repository: "@own"
  - name: near
    version: 0.1.0
    repository: file://../near
  - name: inside
    version: 0.1.0
"""
LOCK = """dependencies:
- name: postgresql
  repository: https://charts.example.org/stable/
  version: 12.5.9
- name: redis
  repository: oci://registry.example.org/charts
  version: 18.1.2
- name: common
  repository: '@own'
  version: 1.17.1
- name: near
  repository: file://../near
  version: 0.1.0
digest: sha256:aaaa
generated: "2024-01-01T00:00:00Z"
"""


def test_a_chart_without_a_lock_file(rows: Rows) -> None:
    assert rows({"chart/Chart.yaml": CHART}) == [
        (
            "chart/Chart.yaml:5 pkg:helm/postgresql?repository_url=https://charts.example.org/stable | "
            "~12.5.0 | runtime | direct"
        ),
        (
            "chart/Chart.yaml:10 pkg:helm/redis@18.1.2?repository_url=oci://registry.example.org/charts | "
            "18.1.2 | runtime | direct"
        ),
        "chart/Chart.yaml:13 pkg:helm/common | 1.x.x | runtime | direct",
    ]


def test_a_chart_with_its_lock_file(rows: Rows, tree: Tree) -> None:
    expected = [
        "2 pkg:helm/postgresql@12.5.9?repository_url=https://charts.example.org/stable | ~12.5.0 | runtime | direct",
        "5 pkg:helm/redis@18.1.2?repository_url=oci://registry.example.org/charts | 18.1.2 | runtime | direct",
        "8 pkg:helm/common@1.17.1 | 1.x.x | runtime | direct",
    ]
    files = {"Chart.yaml": CHART, "Chart.lock": LOCK}
    assert rows(files) == [f"Chart.lock:{row}" for row in expected]
    assert [(pair.requirements, pair.locks, pair.absent) for pair in tree(files).pairs] == [
        (3, ("Chart.lock",), ())
    ]
    older = {"a/Chart.yaml": "name: shop\n", "a/requirements.yaml": CHART, "a/requirements.lock": LOCK}
    assert rows(older) == [f"a/requirements.lock:{row}" for row in expected]


def test_other_tools_write_files_of_the_same_names(rows: Rows) -> None:
    assert rows(
        {"requirements.yaml": "- src: acme.nginx\n", "a/requirements.lock": "# rye\nflask==3.0.0\n"}
    ) == ["a/requirements.lock:2 pkg:pypi/flask@3.0.0 | ==3.0.0 | runtime | direct"]


def test_a_kustomization(rows: Rows) -> None:
    digest = "sha256:" + "b" * 64
    text = f"""resources:
  - deployment.yaml
  - ../base
  - github.com/acme/manifests/overlays/prod?ref=v1.4.0
  - https://github.com/Acme/manifests.git//base?ref=main&timeout=90s
  - git@git.example.org:infra/k8s.git//base?ref=v2.0
  - https://example.org/crds/v1.13/all.yaml
images:
  - name: nginx
    newTag: 1.25
  - name: app
    newName: registry.example.org/acme/app
    digest: {digest}
  - name: renamed
    newName: other
helmCharts:
  - name: grafana
    repo: https://charts.example.org
    version: 7.0.0
"""
    assert rows({"overlays/prod/kustomization.yaml": text}) == [
        f"overlays/prod/kustomization.yaml:{row}"
        for row in (
            "4 pkg:github/acme/manifests@v1.4.0 | v1.4.0 | runtime | direct",
            "5 pkg:github/acme/manifests | main | runtime | direct",
            "6 pkg:generic/git.example.org/infra/k8s@v2.0 | v2.0 | runtime | direct",
            "7 pkg:generic/example.org/crds/v1.13/all.yaml | None | runtime | direct",
            "10 pkg:docker/nginx@1.25 | nginx:1.25 | runtime | direct",
            (
                f"13 pkg:docker/acme/app@{digest}?repository_url=registry.example.org | "
                f"registry.example.org/acme/app@{digest} | runtime | direct"
            ),
            "17 pkg:helm/grafana@7.0.0?repository_url=https://charts.example.org | 7.0.0 | runtime | direct",
        )
    ]
