"""Secrets of all kinds in all dresses; none of their parts stays."""

from __future__ import annotations

import pytest

from massgen_logs.run.model import Secret
from massgen_logs.text.mask import Masker
from security.planted import TOKENS, encoded, escaped, in_context, private_key, tokens, traces, wrapped

DRESSES = {
    "bare": lambda s: s,
    "prose": lambda s: f"the value is {s}, as said.",
    "json": lambda s: f'{{"stdout": "{escaped(f"x {s} y")}"}}',
    "json twice": lambda s: escaped(escaped(f'{{"a": "line\n{s}\nnext"}}')),
    "url": lambda s: f"https://a.example/?q={encoded(s)}&n=1",
    "query inside an url": lambda s: "https://a.example/?next=" + encoded(f"https://b.example/?t={s}&n=1"),
    "wrapped late": lambda s: f"{wrapped(s, len(s) - 12)}\nnext line",
    "wrapped in JSON": lambda s: escaped(f"{wrapped(s, len(s) // 2)}\nnext line"),
    "colours": lambda s: f"\x1b[31m{s}\x1b[0m",
    "invisible": lambda s: s[:14] + "\u200b" + s[14:],
}


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize(("kind", "secret"), tokens(1), ids=[f"{i}-{k}" for i, (k, _) in enumerate(tokens(1))])
def test_a_token_leaves_in_no_dress(kind: str, secret: str, dress: str) -> None:
    """Plain, quoted, escaped once and twice, URL-encoded, wrapped, coloured, with invisible characters inside."""
    text = DRESSES[dress](secret)
    masked = Masker().text(text)
    assert not traces(secret, masked.replace("\u200b", "").replace("\n", "")), masked
    assert f"[masked:{kind}#" in masked


@pytest.mark.parametrize(("kind", "secret", "text"), in_context(2), ids=[text[:18] for _, _, text in in_context(2)])
@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_value_in_context_leaves_nowhere(kind: str, secret: str, text: str, times: int) -> None:
    """Assignments, headers, options and URLs, plain and escaped; and the same value in clear elsewhere in the answer."""
    answer = Masker().value({"a": f"seen before: {secret}.", "b": escaped(text, times)})
    assert secret not in str(answer)
    assert f"[masked:{kind}#1]" in answer["a"]
    assert f"[masked:{kind}#1]" in answer["b"]


@pytest.mark.parametrize(
    "what", ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "EC PRIVATE KEY"]
)
@pytest.mark.parametrize(
    "part", ["whole", "cut", "without its beginning", "escaped", "url", "one line of it elsewhere"]
)
def test_a_private_key_leaves_nowhere(what: str, part: str) -> None:
    """Whole, cut off at either end, escaped, URL-encoded; and a line of it that is shown elsewhere."""
    key = private_key(3, what)
    line = key.split("\n")[4]
    text = {
        "whole": f"cat key\n{key}\ndone",
        "cut": "cat key\n" + key[:600],
        "without its beginning": key[200:] + "\ndone",
        "escaped": f'{{"stdout": "{escaped(key)}", "exit": 0}}',
        "url": f"https://a.example/?k={encoded(key)}",
        "one line of it elsewhere": f"{key}\nand again: {line}!",
    }[part]
    masked = Masker().text(text)
    assert "[masked:private-key#1]" in masked
    assert not any(traces(row, masked) for row in key.split("\n")[1:-1]), masked
    assert ("done" in masked) == ("done" in text)


def test_halves_in_neighbouring_pieces_are_masked() -> None:
    """A token that streaming cut into two rows is one secret, and both of its halves carry its tag."""
    for kind, secret in tokens(4):
        cut = len(secret) - 14
        rows = [{"text": f"the key: {secret[:cut]}"}, {"text": f"{secret[cut:]} is it"}]
        masked = Masker().value(rows)
        assert secret[cut:] not in str(masked), (kind, masked)
        assert not traces(secret[:cut], str(masked)), (kind, masked)


def test_what_a_cut_leaves_of_a_known_secret_is_masked() -> None:
    """A beginning of it in any place, as a cell or a sentence cuts it."""
    for kind, secret in tokens(5):
        masker = Masker([Secret(kind, secret)])
        short = secret[: len(secret) - 9]
        assert not traces(short, masker.text(f"ran `curl {short}` 3 times")), kind


def test_twenty_five_kinds_and_more() -> None:
    """The table holds at least 25 kinds of provider tokens."""
    assert len({kind for kind, *_ in TOKENS}) >= 40
