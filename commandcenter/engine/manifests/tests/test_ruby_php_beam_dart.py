"""Gemfile(.lock), composer.json and .lock, mix.exs and .lock, pubspec.yaml and .lock."""

from __future__ import annotations

import json
from collections.abc import Callable

Rows = Callable[[dict[str, str]], list[str]]

GEMFILE = """source "https://example.org"
gem "rails", "~> 7.1", ">= 7.1.2"
gem 'near', path: '../near'
gem "pg" # database
group :development, :test do
  gem "rspec-rails"
  if ENV["X"]
    gem "debug", require: false
  end
end
gem "web", "1.0", group: :test
"""
GEM_LOCK = """GIT
  remote: https://example.org/forked.git
  revision: aaaa
  specs:
    forked (0.1.0)

PATH
  remote: ../near
  specs:
    near (0.2.0)
      leaf (>= 1)

GEM
  remote: https://example.org/
  specs:
    debug (1.9.1)
    leaf (1.2.0)
    nokogiri (1.16.0-arm64-darwin)
      racc (~> 1.4)
    nokogiri (1.16.0-x86_64-linux)
      racc (~> 1.4)
    pg (1.5.4)
    racc (1.7.3)
    rails (7.1.3)
      nokogiri (>= 1.8.5)
    rspec-rails (6.1.0)
      leaf (>= 1)

PLATFORMS
  arm64-darwin
  x86_64-linux

DEPENDENCIES
  debug
  forked!
  near!
  pg
  rails (~> 7.1, >= 7.1.2)
  rspec-rails

BUNDLED WITH
   2.5.4
"""


def test_bundler_with_and_without_its_lock_file(rows: Rows) -> None:
    assert rows({"Gemfile": GEMFILE}) == [
        "Gemfile:2 pkg:gem/rails | ~> 7.1, >= 7.1.2 | runtime | direct",
        "Gemfile:4 pkg:gem/pg | None | runtime | direct",
        "Gemfile:6 pkg:gem/rspec-rails | None | development | direct",
        "Gemfile:8 pkg:gem/debug | None | development | direct",
        "Gemfile:11 pkg:gem/web@1.0 | 1.0 | development | direct",
    ]
    assert rows({"Gemfile": GEMFILE, "Gemfile.lock": GEM_LOCK}) == [
        "Gemfile.lock:5 pkg:gem/forked@0.1.0 | None | runtime | direct",
        "Gemfile.lock:16 pkg:gem/debug@1.9.1 | None | development | direct",
        "Gemfile.lock:17 pkg:gem/leaf@1.2.0 | None | runtime | transitive",
        "Gemfile.lock:18 pkg:gem/nokogiri@1.16.0 | None | runtime | transitive",
        "Gemfile.lock:22 pkg:gem/pg@1.5.4 | None | runtime | direct",
        "Gemfile.lock:23 pkg:gem/racc@1.7.3 | None | runtime | transitive",
        "Gemfile.lock:24 pkg:gem/rails@7.1.3 | ~> 7.1, >= 7.1.2 | runtime | direct",
        "Gemfile.lock:26 pkg:gem/rspec-rails@6.1.0 | None | development | direct",
    ]


def test_composer_leaves_out_the_platform(rows: Rows) -> None:
    manifest = json.dumps(
        {
            "name": "acme/shop",
            "require": {"php": ">=8.1", "ext-json": "*", "Acme/Web": "^2.0"},
            "require-dev": {"acme/test": "10.5.0"},
        },
        indent=4,
    )
    assert rows({"composer.json": manifest}) == [
        "composer.json:6 pkg:composer/acme/web | ^2.0 | runtime | direct",
        "composer.json:9 pkg:composer/acme/test@10.5.0 | 10.5.0 | development | direct",
    ]
    lock = json.dumps(
        {
            "packages": [
                {"name": "acme/leaf", "version": "v1.0.0"},
                {"name": "acme/web", "version": "v2.3.0", "require": {"php": ">=8", "acme/leaf": "^1"}},
                {"name": "acme/near", "version": "dev-main", "dist": {"type": "path", "url": "../near"}},
            ],
            "packages-dev": [{"name": "acme/test", "version": "10.5.0", "require": {"acme/leaf": "^1"}}],
        },
        indent=4,
    )
    assert rows({"composer.json": manifest, "composer.lock": lock}) == [
        "composer.lock:4 pkg:composer/acme/leaf@v1.0.0 | None | runtime | transitive",
        "composer.lock:8 pkg:composer/acme/web@v2.3.0 | ^2.0 | runtime | direct",
        "composer.lock:26 pkg:composer/acme/test@10.5.0 | 10.5.0 | development | direct",
    ]


def test_mix(rows: Rows) -> None:
    manifest = (
        'defmodule Shop do\n  defp deps do\n    [\n      {:phoenix, "~> 1.7"},\n'
        '      {:credo, "~> 1.7", only: [:dev, :test], runtime: false},\n      {:near, path: "../near"}\n    ]\n  end\nend\n'
    )
    lock = (
        '%{\n  "credo": {:hex, :credo, "1.7.3", "aa", [:mix], [], "hexpm", "bb"},\n'
        '  "forked": {:git, "https://example.org/forked.git", "abcdef", []},\n'
        '  "phoenix": {:hex, :phoenix, "1.7.10", "aa", [:mix], [{:plug, "~> 1.14", [hex: :plug, repo: "hexpm", '
        'optional: false]}], "hexpm", "bb"},\n  "plug": {:hex, :plug, "1.15.2", "aa", [:mix], [], "hexpm", "bb"},\n}\n'
    )
    assert rows({"mix.exs": manifest}) == [
        "mix.exs:4 pkg:hex/phoenix | ~> 1.7 | runtime | direct",
        "mix.exs:5 pkg:hex/credo | ~> 1.7 | development | direct",
    ]
    assert rows({"mix.exs": manifest, "mix.lock": lock}) == [
        "mix.lock:2 pkg:hex/credo@1.7.3 | ~> 1.7 | development | direct",
        "mix.lock:3 pkg:hex/forked@abcdef | None | runtime | transitive",
        "mix.lock:4 pkg:hex/phoenix@1.7.10 | ~> 1.7 | runtime | direct",
        "mix.lock:5 pkg:hex/plug@1.15.2 | None | runtime | transitive",
    ]


def test_pub(rows: Rows) -> None:
    manifest = "name: shop\ndependencies:\n  flutter:\n    sdk: flutter\n  http: ^1.1.0\ndev_dependencies:\n  lints: 3.0.0\n"
    lock = (
        'packages:\n  http:\n    dependency: "direct main"\n    source: hosted\n    version: "1.1.2"\n'
        '  flutter:\n    dependency: "direct main"\n    source: sdk\n    version: "0.0.0"\n'
        '  lints:\n    dependency: "direct dev"\n    source: hosted\n    version: "3.0.0"\n'
        '  meta:\n    dependency: transitive\n    source: hosted\n    version: "1.11.0"\n'
    )
    assert rows({"pubspec.yaml": manifest}) == [
        "pubspec.yaml:5 pkg:pub/http | ^1.1.0 | runtime | direct",
        "pubspec.yaml:7 pkg:pub/lints@3.0.0 | 3.0.0 | development | direct",
    ]
    assert rows({"pubspec.yaml": manifest, "pubspec.lock": lock}) == [
        "pubspec.lock:2 pkg:pub/http@1.1.2 | ^1.1.0 | runtime | direct",
        "pubspec.lock:10 pkg:pub/lints@3.0.0 | 3.0.0 | development | direct",
        "pubspec.lock:14 pkg:pub/meta@1.11.0 | None | runtime | transitive",
    ]


def test_a_gem_over_several_lines_keeps_its_group(rows: Rows) -> None:
    text = 'gem "multi",\n    "~> 1.0", # why\n    group: :test\n\ngem "next"\n'
    assert rows({"Gemfile": text}) == [
        "Gemfile:1 pkg:gem/multi | ~> 1.0 | development | direct",
        "Gemfile:5 pkg:gem/next | None | runtime | direct",
    ]


def test_mix_knows_comments_and_packages_behind_other_names(rows: Rows) -> None:
    mix = (
        'defp deps do\n  [\n    {:own_name, "~> 2.0", hex: :original},\n'
        '    # {:dead, "~> 1.0"},\n    {:web, "~> 1.0 # no comment"}\n  ]\nend\n'
    )
    lock = '%{\n  "own_name": {:hex, :original, "2.0.1", "aa", [:mix], [], "hexpm", "bb"},\n}\n'
    assert rows({"mix.exs": mix}) == [
        "mix.exs:3 pkg:hex/original | ~> 2.0 | runtime | direct",
        "mix.exs:5 pkg:hex/web | ~> 1.0 # no comment | runtime | direct",
    ]
    assert rows({"mix.exs": mix, "mix.lock": lock}) == [
        "mix.lock:2 pkg:hex/original@2.0.1 | ~> 2.0 | runtime | direct"
    ]
