"""Pages, masks, fences and cells."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from massgen_logs.errors import MassgenLogError
from massgen_logs.text.clean import cell, clean, cut, fence, inline
from massgen_logs.text.mask import Masker
from massgen_logs.text.page import take

SECRETS = {
    "openai": "sk-test-4f9aC0ffeePlanted1234567890abcdef",
    "anthropic": "sk-ant-api03-abcdefghijklmnop",
    "github": "ghp_0123456789abcdefghijABCDEFGHIJ",
    "aws-id": "AKIAIOSFODNN7EXAMPLE",
    "google": "AIzaSyA-1234567890abcdefghijklmnopqrstu",
    "slack": "xoxb-123456789012-abcdefGHIJKL",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r",
    "logfire": "pylf_v1_us_0123456789abcdefghij",
}


@given(st.lists(st.integers(1, 400), max_size=60), st.none() | st.integers(1, 50))
def test_pages_together_are_the_whole(sizes: list[int], limit: int | None) -> None:
    """Each row once and in order, at any limit; every page makes progress and says the total."""
    rows = [(index, size * 50) for index, size in enumerate(sizes)]
    seen: list[tuple[int, int]] = []
    cursor: str | None = None
    for _ in range(len(rows) + 1):
        shown, page = take(rows, cursor, limit, 20, lambda row: row[1])
        assert page.total == len(rows)
        assert page.shown == len(shown)
        assert page.first == len(seen)
        assert shown or not rows
        seen += shown
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == rows


@pytest.mark.parametrize("cursor", ["x", "-1", "4", "1.5", "²"])
def test_a_wrong_cursor_is_refused(cursor: str) -> None:
    """Not silently the first page."""
    with pytest.raises(MassgenLogError, match="cursor"):
        take([1, 2, 3], cursor, None, 10, lambda _: 1)


@pytest.mark.parametrize(("kind", "secret"), SECRETS.items())
@pytest.mark.parametrize(
    "around", ["{}", "key: {}.", '{{"k": "{}"}}', "echo {} | cat", 'args \\"{}\\"', "https://x/?t={}&a=1"]
)
def test_a_secret_leaves_no_trace(kind: str, secret: str, around: str) -> None:
    """In prose, JSON, escaped JSON, commands and URLs."""
    masked = Masker().text(around.format(secret))
    assert secret not in masked
    assert secret[8:] not in masked
    assert f"[masked:{kind}#1]" in masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FOO_TOKEN=abc123xyz ls", "FOO_TOKEN=[masked:assignment#1] ls"),
        ("DB_PASSWORD=hunter2\nREGION=eu", "DB_PASSWORD=[masked:assignment#1]\nREGION=eu"),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [masked:authorization#1]"),
        ("postgres://bob:s3cr3t@db/x", "postgres://bob:[masked:url-password#1]@db/x"),
        ('{"api_key": "0123456789abcdef"}', '{"api_key": "[masked:assignment#1]"}'),
        ('{"DB_PASSWORD":"swordfish"}', '{"DB_PASSWORD":"[masked:assignment#1]"}'),
        ('("DB_PASSWORD","hunter2-planted")', '("DB_PASSWORD","[masked:assignment#1]")'),
        ('PASSWORD="my pass word" ls', 'PASSWORD="[masked:assignment#1]" ls'),
        ("PGPASSWORD=foo psql", "PGPASSWORD=[masked:assignment#1] psql"),
        ("password=hunter x", "password=[masked:assignment#1] x"),
        ("deploy --token abc123xyz9 now", "deploy --token [masked:option#1] now"),
        ("curl -u user:passw0rd123 https://x", "curl -u user:[masked:option#1] https://x"),
        ("mysql -u root -pSecret123 db", "mysql -u root -p[masked:option#1] db"),
        ("OPENAI_API_KEY=[REDACTED] echo REGION=eu", "OPENAI_API_KEY=[REDACTED] echo REGION=eu"),
    ],
)
def test_assignments_and_headers(text: str, expected: str) -> None:
    """Only the value goes; what MassGen redacted stays as it is."""
    assert Masker().text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "input_tokens: 112639, output_tokens=956",
        "max_tokens=4096 cached_input_tokens 2560",
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
        "the token budget of agent_a was exceeded",
        "ls -la /usr/share/keyrings",
        "id 550e8400-e29b-41d4-a716-446655440000",
        "python3 -m pytest -k test_key_error",
        "https://127.0.0.1:9200/v1",
        "Explain basic concepts of bearer authentication",
        "MONKEY=banana TURKEY=10 PRIMARY_KEY=id",
        "export API_KEY=$OPENAI_API_KEY TOKEN=${X}",
        "mkdir -p src && cp -pr a b",
        "the keyword and the keyboard",
    ],
)
def test_ordinary_text_stays(text: str) -> None:
    """Counts, hashes, ids, paths and prose are no secrets."""
    assert Masker().text(text) == text


def test_massgens_own_workspace_option_is_no_secret() -> None:
    """Its value stands in the names of folders and tools (as in s18's massgen.log); a secret beside it stays one."""
    own = "'--workspace-token', '05be6293', '--injection-dir', '/x' --workspace-token 181a7bc9"
    assert Masker().text(own) == own
    beside = (
        "run --workspace-token 05be6293 --token a1b2c3d4e5 --workspace-token ghp_0123456789abcdefghijABCDEFGHIJ012345"
    )
    masked = Masker().text(beside)
    assert "05be6293" in masked
    assert "a1b2c3d4e5" not in masked
    assert "ghp_0123" not in masked


def test_equal_secrets_have_equal_tags() -> None:
    """Equality stays visible; another secret has another number."""
    a, b = SECRETS["openai"], SECRETS["openai"][::-1].replace("-", "x")
    masked = Masker().value({"x": [f"A_KEY={a}", f"B_KEY={a}"], "y": f"C_TOKEN={b}"})
    assert masked == {
        "x": ["A_KEY=[masked:openai#1]", "B_KEY=[masked:openai#1]"],
        "y": "C_TOKEN=[masked:assignment#2]",
    }


@given(st.text())
def test_a_fence_can_not_be_closed_from_inside(text: str) -> None:
    """The only line of the block that is its fence is the last one."""
    lines = fence(text, "whose").split("\n")
    marks = lines[-1]
    assert lines[1] == f"{marks}text"
    assert set(marks) == {"`"}
    assert all(marks not in line for line in lines[2:-1])


@given(st.text(alphabet=st.characters(codec="utf-8")))
def test_clean_text_has_no_control_or_invisible_characters(text: str) -> None:
    """No escapes, no bidi marks, no zero-width characters."""
    assert not any(c in clean(text) for c in "\x1b\x00\x07\u202e\u2066\u200b\ufeff\x9b")


@given(st.text())
def test_a_cell_stays_in_its_cell(text: str) -> None:
    """One line, no pipe that is not escaped."""
    value = cell(text)
    assert "\n" not in value
    assert "|" not in value.replace("\\|", "")


def test_a_cut_is_announced() -> None:
    """With the number of characters left out."""
    assert cut("abcdef" * 4, 4) == "abcd…[+20 chars]"
    assert cut("abcdef", 4) == "abcdef", "the announcement is longer than what it would cut"
    assert cut("abcd", 4) == "abcd"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("say 'x'\nnow", "\"say 'x' now\""),
        ('say "x"', '“say "x"”'),
        ('“say” "x"', '«“say” "x"»'),
        ('«“say”» "x"', "\"«“say”» 'x'\""),
    ],
)
def test_a_quotation_keeps_its_words(text: str, shown: str) -> None:
    """In marks that it does not hold; only where it holds them all, its own are changed."""
    assert inline(text, 100) == shown


def test_plain_text_is_unchanged() -> None:
    """The common case."""
    assert clean(string.printable[:95] + "\n\t") == string.printable[:95] + "\n\t"
