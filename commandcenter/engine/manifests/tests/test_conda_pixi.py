"""environment.yml, conda-lock.yml, pixi.toml, pixi.lock."""

from __future__ import annotations

from collections.abc import Callable

Rows = Callable[[dict[str, str]], list[str]]

ENVIRONMENT = """name: shop
channels: [conda-forge]
dependencies:
  - python=3.11
  - numpy==1.26.4
  - scipy=1.11.4=py311h64a7726_0
  - pandas>=2.0,<3
  - conda-forge::xarray=2024
  - "dask[version='>=2024']"
  - pip
  - pip:
      - Requests==2.32.0
      - -r requirements.txt
      - git+https://example.org/a/forge.git
"""
CONDA_LOCK = """version: 1
metadata:
  content_hash:
    linux-64: aa
  channels:
  - url: conda-forge
    used_env_vars: []
  platforms:
  - linux-64
  - osx-arm64
  sources:
  - environment.yml
package:
- name: python
  version: '3.10'
  manager: conda
  platform: linux-64
  dependencies:
    __glibc: '>=2.17'
    libffi: '>=3.4'
  url: https://conda.example.org/conda-forge/linux-64/python-3.10-h.conda
  hash:
    md5: aa
    sha256: aa
  category: main
  optional: false
- name: libffi
  version: 3.4.2
  manager: conda
  platform: linux-64
  dependencies: {}
  url: https://conda.example.org/conda-forge/linux-64/libffi-3.4.2-h.conda
  category: main
  optional: false
- name: python
  version: '3.10'
  manager: conda
  platform: osx-arm64
  dependencies: {}
  url: https://conda.example.org/conda-forge/osx-arm64/python-3.10-h.conda
  category: main
  optional: false
- name: requests
  version: 2.32.0
  manager: pip
  platform: linux-64
  dependencies:
    idna: '*'
  url: https://example.org/requests-2.32.0-py3-none-any.whl
  category: main
  optional: false
- name: idna
  version: '3.7'
  manager: pip
  platform: linux-64
  dependencies: {}
  url: https://example.org/idna-3.7-py3-none-any.whl
  category: main
  optional: false
- name: ruff
  version: 0.5.0
  manager: conda
  platform: linux-64
  dependencies: {}
  url: https://conda.example.org/conda-forge/linux-64/ruff-0.5.0-h.conda
  category: dev
  optional: true
"""


def test_a_conda_environment_knows_only_exact_versions(rows: Rows) -> None:
    assert rows({"environment.yml": ENVIRONMENT}) == [
        "environment.yml:4 pkg:conda/python | =3.11 | runtime | direct",
        "environment.yml:5 pkg:conda/numpy@1.26.4 | ==1.26.4 | runtime | direct",
        "environment.yml:6 pkg:conda/scipy@1.11.4 | =1.11.4=py311h64a7726_0 | runtime | direct",
        "environment.yml:7 pkg:conda/pandas | >=2.0,<3 | runtime | direct",
        "environment.yml:8 pkg:conda/xarray?channel=conda-forge | =2024 | runtime | direct",
        "environment.yml:9 pkg:conda/dask | >=2024 | runtime | direct",
        "environment.yml:10 pkg:conda/pip | None | runtime | direct",
        "environment.yml:12 pkg:pypi/requests@2.32.0 | ==2.32.0 | runtime | direct",
        "environment.yml:14 pkg:pypi/forge | git+https://example.org/a/forge.git | runtime | direct",
    ]
    assert rows({"env/environment-dev.yaml": ENVIRONMENT})[0] == (
        "env/environment-dev.yaml:4 pkg:conda/python | =3.11 | development | direct"
    )


def test_the_token_of_a_channel_is_not_kept(rows: Rows) -> None:
    text = "dependencies:\n- https://conda.example.org/t/tk-123/private::model==1.0\n"
    assert rows({"environment.yml": text}) == [
        "environment.yml:2 pkg:conda/model@1.0?channel=https://conda.example.org/private | ==1.0 | runtime | direct"
    ]


def test_an_environment_of_another_tool_asks_for_nothing(rows: Rows) -> None:
    assert (
        rows({"environment.yml": "production:\n  url: https://example.org\n", "env/environment.yml": "- a\n"})
        == []
    )


def test_conda_lock_holds_one_row_for_all_platforms(rows: Rows) -> None:
    assert rows({"conda-lock.yml": CONDA_LOCK, "environment.yml": ENVIRONMENT}) == [
        "conda-lock.yml:14 pkg:conda/python@3.10 | =3.11 | runtime | direct",
        "conda-lock.yml:27 pkg:conda/libffi@3.4.2 | None | runtime | transitive",
        "conda-lock.yml:43 pkg:pypi/requests@2.32.0 | ==2.32.0 | runtime | direct",
        "conda-lock.yml:52 pkg:pypi/idna@3.7 | None | runtime | transitive",
        "conda-lock.yml:60 pkg:conda/ruff@0.5.0 | None | development | transitive",
    ]
    assert rows({"conda-lock.yml": CONDA_LOCK})[0].endswith("| None | runtime | unknown")


PIXI = """[workspace]
name = "shop"
channels = ["conda-forge"]
platforms = ["linux-64"]

[dependencies]
black = "*"
bzip2 = {version = "==1.0.8", channel = "conda-forge"}

[host-dependencies]
cmake = "3.28"

[pypi-dependencies]
shop = {path = ".", editable = true}
Flask = "==3.0.0"

[feature.test.dependencies]
cython = ">=3"

[feature.gpu.pypi-dependencies]
torch = "*"

[target.linux-64.dependencies]
c-ares = "1.34.*"
"""
PIXI_LOCK = """version: 6
environments:
  default:
    channels:
    - url: https://conda.example.org/conda-forge/
    packages:
      linux-64:
      - conda: https://conda.example.org/conda-forge/noarch/black-26.1.0-pyh866005b_0.conda
packages:
- conda: https://conda.example.org/conda-forge/noarch/black-26.1.0-pyh866005b_0.conda
  sha256: ee6cf346d017d954255bbcbdb424cddea4d14e4ed7e9813e429db1d795d01144
  depends:
  - click >=8.0.0
  - __glibc >=2.17
  license: MIT
- conda: https://conda.example.org/conda-forge/noarch/click-8.3.1-pyh8f84b5b_1.conda
  size: 97676
- pypi: https://files.example.org/packages/31/05/flask-3.0.0-py3-none-any.whl
  name: flask
  version: 3.0.0
- pypi: https://files.example.org/packages/31/05/lazy_pkg-0.1.0-py3-none-any.whl
  name: lazy-pkg
  version: 0.1.0
- pypi: ./
  name: shop
  version: 0.1.0
  requires_dist:
  - lazy-pkg>=0.1.0,<0.2 ; extra == 'dev'
- conda: https://conda.example.org/conda-forge/linux-64/cython-3.2.4-py313hc80a56d_0.conda
"""
# Format 4 and 5 spell an entry out.
PIXI_LOCK_5 = """version: 5
environments: {}
packages:
- kind: conda
  name: black
  version: 26.1.0
  build: pyh866005b_0
  subdir: noarch
  url: https://conda.example.org/conda-forge/noarch/black-26.1.0-pyh866005b_0.conda
- kind: pypi
  name: flask
  version: 3.0.0
  url: https://files.example.org/packages/31/05/flask-3.0.0-py3-none-any.whl
- kind: pypi
  name: shop
  version: 0.1.0
  path: .
"""
PIXI_ROWS = [
    "pixi.lock:10 pkg:conda/black@26.1.0 | * | runtime | direct",
    "pixi.lock:16 pkg:conda/click@8.3.1 | None | runtime | transitive",
    "pixi.lock:18 pkg:pypi/flask@3.0.0 | ==3.0.0 | runtime | direct",
    "pixi.lock:21 pkg:pypi/lazy-pkg@0.1.0 | None | runtime | transitive",
    "pixi.lock:29 pkg:conda/cython@3.2.4 | >=3 | development | direct",
]


def test_pixi_with_and_without_its_lock_file(rows: Rows) -> None:
    assert rows({"pixi.toml": PIXI}) == [
        "pixi.toml:7 pkg:conda/black | * | runtime | direct",
        "pixi.toml:8 pkg:conda/bzip2@1.0.8?channel=conda-forge | ==1.0.8 | runtime | direct",
        "pixi.toml:11 pkg:conda/cmake | 3.28 | build | direct",
        "pixi.toml:15 pkg:pypi/flask@3.0.0 | ==3.0.0 | runtime | direct",
        "pixi.toml:18 pkg:conda/cython | >=3 | development | direct",
        "pixi.toml:21 pkg:pypi/torch | * | optional | direct",
        "pixi.toml:24 pkg:conda/c-ares | 1.34.* | runtime | direct",
    ]
    assert rows({"pixi.toml": PIXI, "pixi.lock": PIXI_LOCK}) == PIXI_ROWS
    assert rows({"pixi.toml": PIXI, "pixi.lock": PIXI_LOCK_5}) == [
        "pixi.lock:9 pkg:conda/black@26.1.0 | * | runtime | direct",
        "pixi.lock:13 pkg:pypi/flask@3.0.0 | ==3.0.0 | runtime | direct",
    ]


def test_pixi_in_pyproject_is_governed_by_pixi_lock_and_no_other_project_is(rows: Rows) -> None:
    tables = "".join(
        f"{line}\n" if not line.startswith("[") else f"[tool.pixi.{line[1:]}\n" for line in PIXI.splitlines()
    )
    project = f'[project]\nname = "shop"\ndependencies = ["lazy-pkg"]\n\n{tables}'
    direct = PIXI_ROWS[3].replace("transitive", "direct")
    assert rows({"pyproject.toml": project, "pixi.lock": PIXI_LOCK}) == [*PIXI_ROWS[:3], direct, PIXI_ROWS[4]]
    plain = '[project]\nname = "tool"\ndependencies = ["requests"]\n'
    assert rows({"pyproject.toml": plain, "pixi.toml": PIXI, "pixi.lock": PIXI_LOCK}) == [
        *PIXI_ROWS,
        "pyproject.toml:3 pkg:pypi/requests | None | runtime | direct",
    ]


def test_a_python_package_may_need_what_conda_brings_under_another_spelling(rows: Rows) -> None:
    environment = "dependencies:\n  - pip:\n    - web==1.0\n"
    lock = """version: 1
metadata:
  sources: [environment.yml]
package:
- name: web
  version: '1.0'
  manager: pip
  platform: linux-64
  dependencies:
    typing-extensions: '*'
    Odd.Name: '*'
  category: dev
- name: typing_extensions
  version: '2.0'
  manager: conda
  platform: linux-64
  category: dev
- name: odd_name
  version: '3.0'
  manager: pip
  platform: linux-64
  category: dev
"""
    assert [
        row.partition(" ")[2] for row in rows({"environment.yml": environment, "conda-lock.yml": lock})
    ] == [
        "pkg:pypi/web@1.0 | ==1.0 | runtime | direct",
        "pkg:conda/typing_extensions@2.0 | None | runtime | transitive",
        "pkg:pypi/odd-name@3.0 | None | runtime | transitive",
    ]
    pixi = """version: 6
packages:
- pypi: https://example.org/web-1.0-py3-none-any.whl
  name: web
  version: '1.0'
  requires_dist: [typing-extensions]
- conda: https://example.org/conda-forge/noarch/typing_extensions-2.0-h1.conda
  name: typing_extensions
  version: '2.0'
"""
    manifest = '[feature.dev.pypi-dependencies]\nweb = "==1.0"\n'
    assert [row.partition(" ")[2] for row in rows({"pixi.toml": manifest, "pixi.lock": pixi})] == [
        "pkg:pypi/web@1.0 | ==1.0 | development | direct",
        "pkg:conda/typing_extensions@2.0 | None | development | transitive",
    ]
