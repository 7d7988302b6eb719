"""Log text is data: no control, bidi or invisible characters, in a fence that it cannot close or a cell that it cannot leave."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import cast

_RUNS = re.compile(r"`{3,}|~{3,}")
_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_BREAK = re.compile(r"[\r\n]")
_PLAIN = re.compile(r"[\x20-\x7e\n\t]*\Z")


def clean(text: str) -> str:
    """Without ANSI escapes, control characters (but newline and tab), bidi marks and invisible characters."""
    if _PLAIN.match(text):
        return text
    text = _ANSI.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in text if c in "\n\t" or not _invisible(c))


def _invisible(char: str) -> bool:
    if char < "\x7f":
        return char < " "
    return (unicodedata.category(char) in {"Cc", "Cf", "Co", "Cs"} and char != "\u200d") or 0xE0000 <= ord(
        char
    ) <= 0xE0FFF


def encodable(value: object) -> object:
    """A JSON-like value whose texts UTF-8 can hold: a file's name may be bytes that are none, and so no valid text."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {encodable(k): encodable(v) for k, v in cast("dict[object, object]", value).items()}
    if isinstance(value, list):
        return [encodable(item) for item in cast("list[object]", value)]
    return value


_ANNOUNCED = 13


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, a cut announced with the number left out; none where the announcement is as long as what it cuts."""
    return text if len(text) <= limit + _ANNOUNCED else f"{text[:limit]}…[+{len(text) - limit} chars]"


def flat(text: object, limit: int = 160) -> str:
    """One line, a cut announced."""
    return cut(" ".join(clean(str(text)).split()), limit)


def cell(text: object, limit: int = 160) -> str:
    """One table cell: one line, pipes escaped, a cut announced."""
    return flat(text, limit).replace("|", "\\|")


_MARKS = ('""', "“”", "«»")


def inline(text: str, limit: int = 300) -> str:
    """Log text inside a sentence: one line in quotation marks that it cannot close, since it does not hold them."""
    words = flat(text, limit)
    opened, closed = next((pair for pair in _MARKS if pair[1] not in words), _MARKS[0])
    return opened + words.replace('"', "'" if closed == '"' else '"') + closed


class Block(str):
    """Several lines of an answer that are meant to be several: any other line of one stays one (see `unbroken`)."""

    __slots__ = ()


def unbroken(lines: Iterable[str]) -> list[str]:
    """Lines of which none ends early: a name with a line break in it must not begin a line of its own."""
    return [line if isinstance(line, Block) else _BREAK.sub(" ", line) for line in lines]


def fence(text: str, whose: str) -> Block:
    """A block of log text: a line that names whose text it is, and a fence longer than any run inside."""
    body = clean(text)
    longest = max((len(run) for run in _RUNS.findall(body)), default=2)
    marks = "`" * (longest + 1)
    return Block(f"{_BREAK.sub(' ', whose)}:\n{marks}text\n{body}\n{marks}")
