"""The code rules: each has examples that hold in all its languages, and breaks no rule of the format."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from commandcenter.engine.contract.findings import Finding
from commandcenter.engine.contract.results import Failure
from commandcenter.engine.engines.astgrep import ENGINE
from commandcenter.engine.engines.ruff import ENGINE as RUFF
from commandcenter.engine.engines.tests.lending import run
from commandcenter.engine.rules import code_rules
from commandcenter.engine.rules.code_rules import FOLDERS, CodeRule, Example, RuleError, load, parse

RULES = sorted(load().rules.values(), key=lambda one: one.rule.id)
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SUFFIXES = {
    "Go": ".go",
    "Java": ".java",
    "JavaScript": ".js",
    "Python": ".py",
    "TypeScript": ".ts",
    "Tsx": ".tsx",
}
# ruff knows a function by where it is imported from
IMPORTS = """import aiohttp, asyncio, boto3, datetime, flask, hashlib, hmac, httpx, io, jinja2, jwt, keras, ldap, lxml, lxml.etree
import numpy, numpy as np, os, pathlib, redis, requests, shlex, shutil, socketio, sqlalchemy, sqlalchemy as sa, ssl
import subprocess, tensorflow as tf, torch, urllib3, uuid, yaml
from asyncio import create_subprocess_shell
from Crypto.Cipher import AES, ARC2, Blowfish, CAST, DES, DES3
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from django.db import models
from django.utils.html import format_html
from flask import Flask, Response, make_response, redirect, render_template_string, request, send_file, session
from hashlib import sha512
from lxml import etree
from pathlib import Path
from ruamel.yaml import YAML
"""
# other defects than the one that the example is about
BESIDE = frozenset({"S113"})
GOOD = """
id: python.example
title: A title
what: It is so.
why: It is bad.
fix: Do it otherwise.
severity: high
precision: high
cwe: [CWE-89]
tags: [security]
languages: [Python]
rule: {pattern: a($X)}
examples: {fail: [a(1)], pass: [b(1)]}
"""


def _files(one: CodeRule) -> dict[str, tuple[str, Example]]:
    return {
        f"{one.rule.id}/{kind}/{number}{SUFFIXES[language]}": (kind, example)
        for kind, examples in (("fail", one.fail), ("pass", one.passing))
        for number, example in enumerate(examples)
        for language in one.languages
    }


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, str]]]:
    """What the engine reports of all examples, by file: one run for all of them."""
    files: dict[str, str | bytes] = {
        path: example.code for one in RULES for path, (_, example) in _files(one).items()
    }
    results = run(ENGINE, files, tmp_path_factory.mktemp("rules"))
    assert [result for result in results if isinstance(result, Failure)] == []
    by_path: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for result in results:
        assert isinstance(result, Finding)
        by_path[result.path].append((result.start_line, result.rule_id))
    return by_path


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.rule.id)
def test_a_rule_reports_what_it_should_and_nothing_else(
    one: CodeRule, found: dict[str, list[tuple[int, str]]]
) -> None:
    for path, (kind, example) in _files(one).items():
        lines = [line for line, rule in found.get(path, []) if rule == one.rule.id]
        if kind == "pass":
            assert lines == [], (path, example.code)
        elif example.lines is None:
            assert len(lines) == 1, (path, example.code)
        else:
            assert lines == list(example.lines), (path, example.code)


def test_python_rules_repeat_nothing_that_ruff_reports(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        path: f"{IMPORTS}{example.code}"
        for one in RULES
        if "Python" in one.languages
        for path, (kind, example) in _files(one).items()
    }
    results = [result for result in run(RUFF, files, tmp_path) if isinstance(result, Finding)]
    assert [
        (f.path, f.rule_id) for f in results if f.cwe and "/fail/" in f.path and f.rule_id not in BESIDE
    ] == []
    assert any(f.cwe for f in results), "it knows the libraries: it reports what our rules leave to it"


def test_the_documentation_counts_the_rules() -> None:
    counted = Counter(one.rule.id.partition(".")[0] for one in RULES)
    said = (
        f"{len(RULES)} rules: {counted['python']} for Python, {counted['javascript']} for JavaScript and TypeScript, "
        f"{counted['go']} for Go and {counted['java']} for Java"
    )
    text = Path(code_rules.__file__).parents[3].joinpath("docs/engines.md").read_text()
    assert said in " ".join(text.split())


def test_every_file_is_a_rule_of_its_own_language() -> None:
    folder = Path(code_rules.__file__).parent / "code"
    assert {path.name for path in folder.iterdir()} == FOLDERS.keys()
    assert sum(1 for _ in folder.rglob("*")) - len(FOLDERS) == len(RULES)
    assert parse(GOOD, "python", "example").rule.full == "It is so. It is bad."


def test_no_key_stands_twice_in_a_rule() -> None:
    """YAML keeps the last of two, so that a part of the rule would be lost without a word."""
    folder = Path(code_rules.__file__).parent / "code"
    assert [
        path.name for path in folder.rglob("*.yaml") if _twice(yaml.compose(path.read_text(), Loader=LOADER))
    ] == []
    assert _twice(
        yaml.compose(GOOD.replace("{pattern: a($X)}", "{any: [{kind: a, kind: b}]}"), Loader=LOADER)
    ) == ["kind"]


def _twice(node: Any) -> list[str]:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        inner = [key for _, value in node.value for key in _twice(value)]
        return sorted({key for key in keys if keys.count(key) > 1}) + inner
    return [key for one in node.value for key in _twice(one)] if isinstance(node, yaml.SequenceNode) else []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("id: python.example", "id: python.other", "id"),
        ("why: It is bad.", "", "missing fields ['why']"),
        ("title: A title", "title: A title\nowner: me", "unknown fields ['owner']"),
        ("title: A title", "title: A title.", "full stop"),
        ("severity: high", "severity: urgent", "severity"),
        ("precision: high", "precision: sure", "precision"),
        ("[CWE-89]", "[89]", "cwe"),
        ("[CWE-89]", "[CWE-089]", "cwe"),
        ("[CWE-89]", "[]", "names its cwe"),
        ("[security]", "[other]", "tags"),
        ("[Python]", "[Go]", "languages"),
        ("[Python]", "[]", "languages"),
        ("{pattern: a($X)}", "a($X)", "not a rule object"),
        ("{pattern: a($X)}", "{has: {on: a}}", "key"),
        ("pass: [b(1)]", "pass: []", "no example of pass"),
        ("fail: [a(1)]", "fail: [{code: a(1)}]", "{code, lines}"),
        ("pass: [b(1)]", "pass: [{code: b(1), lines: [1]}]", "has no lines"),
        (", pass: [b(1)]", "", "`pass`"),
        ("rule: {", "rule: }", "YAML"),
    ],
)
def test_a_broken_rule_is_refused_by_name(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(RuleError) as refused:
        parse(GOOD.replace(old, new), "python", "example")
    assert str(refused.value).startswith("python/example: ")
    assert message in str(refused.value)
