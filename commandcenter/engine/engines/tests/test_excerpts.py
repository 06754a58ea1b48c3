"""What findings quote of a file, whatever the file holds."""

from __future__ import annotations

import pytest

from commandcenter.engine.engines.excerpts import excerpt, redacted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password = hunter2", "password = [redacted]"),
        ('DB_PASSWORD: "two words" # x', "DB_PASSWORD: [redacted] # x"),
        ("curl --api-key=abc https://a.example", "curl --api-key=[redacted] https://a.example"),
        ("run --token abc --user u", "run --token [redacted] --user u"),
        ("'my_secret_key': 'abc'", "'my_secret_key': [redacted]"),
        ("token: ${{ github.token }}", "token: ${{ github.token }}"),
        ("id-token: write", "id-token: write"),
        ("the token is here", "the token is here"),
        ("key AKIA0123456789ABCDEF", "key [redacted]"),
    ],
)
def test_values_of_passwords_and_keys_are_hidden(text: str, expected: str) -> None:
    assert redacted(text) == expected


@pytest.mark.parametrize("word", ["token", "a", "-", "x-", "--token", "secret1", "token ", 'token="'])
def test_a_hostile_text_ends(word: str) -> None:
    text = word * (100_000 // len(word))
    assert redacted(text)
    assert excerpt(text.encode(), 1, 1)


def test_each_finding_of_a_large_file_has_its_own_lines() -> None:
    data = b"\xef\xbb\xbf" + b"".join(b"line %d\n" % number for number in range(1, 40_001))
    for number in range(1, 40_001):
        assert excerpt(data, number, number) == f"line {number}"
