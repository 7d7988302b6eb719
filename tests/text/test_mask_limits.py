"""Hostile text costs linear time, and ordinary text stays as it is."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import CORPUS
from massgen_logs.quick import valid
from massgen_logs.text.find import _quick_tokens, find
from massgen_logs.text.mask import Masker
from massgen_logs.text.secret_contexts import CONTEXTS
from massgen_logs.text.secret_formats import DOTTED, FORMATS, LOOSE
from security.planted import tokens

_HOSTILE = """
import resource, sys
from massgen_logs.run.planted import look
from massgen_logs.text.find import find
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
size = 40_000
for seed in sys.stdin.read().split("\\x00"):
    text = (seed * (size // max(1, len(seed)) + 1))[:size]
    find(text)
    list(look("ignore all previous instructions, " + text, "text", "a", None, "f:1"))
    print(repr(seed)[:60], flush=True)
"""


def seeds() -> list[str]:
    """What each pattern begins with, and what its repeated parts accept, over and over, without an end."""
    words = {word for _, some, _ in FORMATS for word in some} | {word for _, some, _ in CONTEXTS for word in some}
    made = sorted(words)
    made += [
        "a", "A", "1", "-", "_", ".", " ", "\n", "\\", "\\n", '"', "'", "`", "=", "a.", "a-", "a_", "A_", "-a", "eyJ.", "-eyJa", "eyJaaaaaaaa.", "a://", "a://b:",
        "a://b:c", "://:", "%3D", "%25", "\\u0041", "\x1b[", "\x1b]", "\u200b", "KEY=", 'KEY="', "key: ", 'key": "', "A_KEY", "curl -u", "curl ", "mysql -",
        "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA", "-----BEGIN ", "AAAAAAAAAAAAAAAAAAAA\n", "cookie: ",
        "authorization: ", "bearer a", "name: key", "password is ", "AKIAAAAA\nAAAA ", "ghp_aaaaaaaa\naaaa", "sk-aaaaaaaaa1a\n", "A" * 76 + "\n", "login a password ", "x\ny", "sk-\n", "12345678:", "aws key '", "SG.a", "<password>", "key ",
        f"{'x' * 30} {'y' * 20} é -----END PRIVATE KEY-----", f"{'x' * 30} " * 100 + "é -----END PRIVATE KEY-----", "type" + " " * 700,
    ]  # fmt: skip
    return made


def test_no_text_costs_more_than_linear_time() -> None:
    """40 kB of the beginning of each pattern, repeated, in a process that may use 60 s of the processor for all (it needs 5)."""
    made = seeds()
    done = subprocess.run(
        [sys.executable, "-c", _HOSTILE], input="\x00".join(made), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert len(done.stdout.splitlines()) == len(made) > 200


ORDINARY = [
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "id 550e8400-e29b-41d4-a716-446655440000", "call_Q2w3e4r5t6y7u8i9o0pAsDfG", "toolu_01A09q90qw90lq917835lq9", "msg_01XFDUDYJgAACzvnptvVoYEL",
    "chatcmpl-9f8e7d6c5b4a39281706f5e4d3c2b1a0", "resp_0a1b2c3d4e5f60718293a4b5c6d7e8f9", "log_20261122_104701_123456/turn_1/attempt_1",
    "/home/user/project/src/tokenizer/token_utils.py", "token = get_token()", "api_key = os.environ['OPENAI_API_KEY']", "max_tokens=500",
    "password_reset_form", "key: value", "API_KEY=$OPENAI_API_KEY", "secret = config.secret", 'api_key: str = ""', '"password": {"type": "string"}',
    "def login(password: str, token: str) -> bool:", "token: Optional[str] = None", "sorted(items, key=lambda row: row.name)", "keys = list(data)",
    "input_tokens: 112639, output_tokens=956", "the author's secret is patience", "git log --author=alice --pretty=oneline", "PWD=/home/user/project",
    "https://a.example/wiki/Secret_key?action=edit&section=4", "mysql -u root -p", "curl -u $USER:$PASS https://a.example", "task-based risk-free disk-cache",
    "KEY_ERROR=1 pytest -k test_key_error", "Authorization: required", "Basic authentication needs a header", "primary_key=True", "monkey=1 donkey: 2",
    "data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4", "cache_key: d41d8cd98f00b204e9800998ecf8427e",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    """Hashes, ids of calls and messages, paths, code, prose."""
    assert Masker().text(text) == text


def test_random_hashes_ids_and_images_stay(figure) -> None:
    """2,000 made hashes, uuids, tool ids and stretches of base64: at most 2 in 1,000 lose anything."""
    rng = random.Random(7)
    alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    made = [f"commit {rng.getrandbits(160):040x}" for _ in range(500)]
    made += [f"call_{''.join(rng.choices(alnum, k=24))} done" for _ in range(500)]
    made += [f"{rng.getrandbits(128):032x}" for _ in range(500)]
    made += ["".join(rng.choices(alnum + "+/", k=3000)) for _ in range(500)]
    wrong = [text for text in made if Masker().text(text) != text]
    figure(
        "masked by mistake",
        "{wrong} of {made} random hashes, ids and stretches of base64",
        wrong=len(wrong),
        made=len(made),
    )
    assert len(wrong) <= len(made) * 2 // 1000


def test_the_sample_runs_hold_no_secret_but_their_own(figure) -> None:
    """Every line of every text of the sample runs: what is masked is one of the values that their scenarios planted."""
    planted = re.compile(
        r"sk-test-\w+|hunter2[\w-]*|abc123xyz\w*|swordfish\w*|sk-(?:ant-)?(?:test|fake|dummy)[\w-]*|planted", re.I
    )
    lines, wrong = 0, dict[str, str]()
    for path in sorted(CORPUS.rglob("*")):
        if (
            path.is_file()
            and path.suffix in {".json", ".jsonl", ".yaml", ".md", ".txt", ".log"}
            and path.stat().st_size < 150_000
        ):
            text = path.read_text(encoding="utf-8", errors="replace")
            lines += text.count("\n") + 1
            wrong |= {
                found.value: f"{found.kind} {path.relative_to(CORPUS)}"
                for found in find(text)
                if not planted.search(found.value)
            }
    figure("masked by mistake in the sample runs", "{wrong} values in {lines} lines", wrong=len(wrong), lines=lines)
    assert len(wrong) <= lines / 20_000


def test_the_repository_holds_no_secret() -> None:
    """Planted secrets are made when the tests run; what stands in the tests is a short example of the format."""
    file = Path(__file__).parent.parent / "security" / "planted.py"
    assert [
        found
        for found in find(file.read_text())
        if found.kind not in {"assignment", "option", "authorization", "url-parameter"}
    ] == []


@given(st.one_of(st.from_regex(LOOSE), st.from_regex(DOTTED).map(lambda before: before + "a" * 15)))
@settings(max_examples=300)
def test_the_quick_look_leaves_out_no_token(text: str) -> None:
    """Whatever may be a token of a format without words of its own passes it."""
    assert _quick_tokens()(valid(text)), text


def test_a_token_in_a_long_text_is_found_as_one_in_a_short() -> None:
    """Of every provider: a long text has a quick look first, and is looked through only where that says so."""
    around = "The build wrote a report and told where it is. " * 60
    for kind, secret in tokens(11, 20):
        short = [(found.kind, found.value) for found in find(f"told {secret} .")]
        assert [(found.kind, found.value) for found in find(f"{around}told {secret} .{around}")] == short, (
            kind,
            secret,
        )


def test_a_quiet_piece_hides_no_secret_beside_it() -> None:
    """What was looked through without a secret is remembered; the same words around one are looked through."""
    prompt = "Use the token: none is needed, and login by key. " * 60
    assert not find(prompt)
    assert [found.value for found in find(prompt + 'token: "zq81kd0mxw"')] == ["zq81kd0mxw"]
    assert [found.value for found in find('token: "zq81kd0mxw" ' + prompt)] == ["zq81kd0mxw"]
