"""Pages: totals before anything is cut, every cut announced, each row on exactly one page, every page makes progress.

A cursor is `ROW-MARK`: where the next page begins, and a checksum of all rows before it. A log that grew or was rewritten
between two pages gives another checksum; the page then says that it doesn't continue the one before.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

from massgen_logs.errors import MassgenLogError, quoted

T = TypeVar("T")
DEFAULT_CHARS = 6400
"""Text of the rows of a page by default: with its frame an answer stays under 2,000 tokens of 4 characters."""
MAX_CHARS = 34_000
"""Text of the rows of a page whose limit the caller chose: with its frame under 10,000 tokens."""


EVERYTHING = 1 << 62
"""A limit that asks for all rows at once; no answer shows so many, one of their lists may be taken out of it."""
_CURSOR = re.compile(r"([0-9]{1,12})(?:-([0-9a-f]{8}))?")


class Page(Struct, frozen=True):
    """What of a list is shown; next_cursor is None on the last page.

    changed: the rows before this page are not those that the page before had followed.
    """

    shown: int
    total: int
    next_cursor: str | None
    first: int = 0
    changed: bool = False


def take(
    rows: Sequence[T], cursor: str | None, limit: int | None, default: int, size: Callable[[T], int], used: int = 0,
) -> tuple[list[T], Page]:  # fmt: skip
    """One page of `rows`.

    Args:
        rows: all of them.
        cursor: next_cursor of the page before, None for the first.
        limit: rows at most as the caller asked, None for `default` rows within the default size.
        default: rows at most without a limit.
        size: characters of a row's text.
        used: characters that the answer needs besides the rows.

    Raises:
        MassgenLogError: for a cursor that no page gave.
    """
    first, changed = start(cursor, len(rows), lambda index: checksum(map(repr, rows[:index])))
    check_limit(limit)
    most = default if limit is None else limit
    budget = most if most == EVERYTHING else (DEFAULT_CHARS if limit is None else MAX_CHARS) - used
    end, chars = first, 0
    while end < len(rows) and end - first < most:
        chars += size(rows[end])
        if end > first and chars > budget:
            break
        end += 1
    following = after(rows, end) if end < len(rows) else None
    return list(rows[first:end]), Page(end - first, len(rows), following, first, changed)


def after(rows: Sequence[object], shown: int) -> str:
    """The cursor of the page that follows the first `shown` rows."""
    return f"{shown}-{checksum(map(repr, rows[:shown]))}"


def check_limit(limit: int | None) -> None:
    """Refuse a limit that no page could keep.

    Raises:
        MassgenLogError: for one below 1.
    """
    if limit is not None and limit < 1:
        raise MassgenLogError(f"limit must be 1 or more, not {limit}.")


def start(cursor: str | None, total: int, before: Callable[[int], str]) -> tuple[int, bool]:
    """The row at which a page begins, and whether the rows before it have changed since the cursor was given.

    Args:
        cursor: as some page gave it; a bare row number has no checksum and is taken as it is.
        total: rows there are.
        before: the checksum of that many first rows.

    Raises:
        MassgenLogError: for a cursor that no page gave.
    """
    match = _CURSOR.fullmatch(cursor or "0")
    if match is None or int(match[1]) > total:
        raise MassgenLogError(
            f"cursor={quoted(cursor or '')} is none of this list ({total} rows). Leave it out for the first page."
        )
    index = int(match[1])
    return index, match[2] is not None and match[2] != before(index)


def checksum(texts: Iterable[str]) -> str:
    """Eight hexadecimal digits that tell one list of texts from another."""
    found = 0
    for text in texts:
        found = zlib.crc32(text.encode("utf-8", "surrogatepass") + b"\n", found)
    return f"{found:08x}"
