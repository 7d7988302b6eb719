"""Pages: totals before anything is cut, every cut announced, each row on exactly one page, every page makes progress."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from massgen_logs.errors import MassgenLogError

T = TypeVar("T")
DEFAULT_CHARS = 6400
"""Text of the rows of a page by default: with its frame an answer stays under 2,000 tokens of 4 characters."""
MAX_CHARS = 34_000
"""Text of the rows of a page whose limit the caller chose: with its frame under 10,000 tokens."""


@dataclass(frozen=True, slots=True)
class Page:
    """What of a list is shown; next_cursor is None on the last page."""

    shown: int
    total: int
    next_cursor: str | None
    first: int = 0


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
    first = start(cursor, len(rows))
    if limit is not None and limit < 1:
        raise MassgenLogError(f"limit must be 1 or more, not {limit}.")
    most = default if limit is None else limit
    budget = (DEFAULT_CHARS if limit is None else MAX_CHARS) - used
    end, chars = first, 0
    while end < len(rows) and end - first < most:
        chars += size(rows[end])
        if end > first and chars > budget:
            break
        end += 1
    return list(rows[first:end]), Page(end - first, len(rows), str(end) if end < len(rows) else None, first)


def start(cursor: str | None, total: int) -> int:
    """The row at which a page begins.

    Raises:
        MassgenLogError: for a cursor that no page gave.
    """
    if cursor is None or cursor == "":
        return 0
    if not (cursor.isascii() and cursor.isdigit()) or int(cursor) > total:
        raise MassgenLogError(
            f"cursor={cursor!r} is none of this list ({total} rows). Leave it out for the first page."
        )
    return int(cursor)
