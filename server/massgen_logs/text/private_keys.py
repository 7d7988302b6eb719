"""Private keys in a text, also cut: with only their beginning, or only their end."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

_BEGIN = re.compile(
    r"-{4,5} ?BEGIN[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)? ?-{4,5}|PuTTY-User-Key-File-\d(?:: [\w-]{1,40})?"
)
_END = re.compile(r"-{4,5} ?END[ +][A-Z0-9 +]{0,40}PRIVATE[ +]KEY(?:[ +]BLOCK)? ?-{4,5}|Private-MAC: [0-9a-f]*")
_BODY = re.compile(
    r"(?:[A-Za-z0-9+/=]{16,}|\s|\\{1,7}[nrt/]|%0[AD]|[\"',|>]|(?:Version|Comment|Charset|Hash|MessageID|DEK-Info|Proc-Type|Encryption"
    r"|Public-Lines|Private-Lines): ?[^\n\\]{0,100}|[A-Za-z0-9+/=]{1,64}(?=\s*\Z|[\"'\\])|-(?=-*(?:END?)?-*\Z))*+"
)
_TOKEN = re.compile(r"(?P<run>[A-Za-z0-9+/=]+)|\s+|\\{1,4}[nrt]|(?P<other>.)", re.S)
_MOST = 20_000
"""Characters of the longest key that is looked for."""
_LINE = 16
"""Characters of a run that is part of a key whatever follows."""


def private_keys(text: str) -> Iterator[tuple[int, int]]:
    """The place of each."""
    if "PRIVATE" not in text and "Private-" not in text and "PuTTY" not in text:
        return
    begins, ends = list(_BEGIN.finditer(text)), list(_END.finditer(text))
    closing = {match.start(): match for match in ends}
    starts = sorted([*closing, *(match.start() for match in begins)])
    last = 0
    for begin in begins:
        if begin.start() < last:
            continue
        body = _BODY.match(text, begin.end())
        last = body.end() if body else begin.end()
        after = bisect_left(starts, begin.end())
        end = closing.get(starts[after]) if after < len(starts) else None
        if end is not None and end.start() - begin.end() <= _MOST:
            last = end.end()
        yield begin.start(), last
    for end in ends:
        if end.start() < last:
            continue
        start = _tail(text, max(last, end.start() - _MOST), end.start())
        if start < end.start():
            yield start, end.end()
        last = end.end()


def _tail(text: str, start: int, end: int) -> int:
    """From where on all up to `end` looks like lines of a key. Token by token: one regular expression for it would try every way to
    part a run."""
    begin = start
    for token in _TOKEN.finditer(text, start, end):
        run = token["run"]
        short = run is not None and len(run) < _LINE
        if token["other"] or (
            short and (token.end() == end or not (text[token.end()].isspace() or text[token.end()] == "\\"))
        ):
            begin = token.end()
    return begin
