"""The one error that a reader of answers is meant to see."""

from __future__ import annotations

from collections.abc import Iterable


class MassgenLogError(Exception):
    """Something the caller can mend. Its text says what was wrong, what exists instead, and the next call."""


def quoted(given: str) -> str:
    """What a caller gave, for a message: in quotes, on one line, its middle left out if it is long."""
    return repr(given if len(given) <= 200 else f"{given[:120]} ... {given[-60:]}")


def nearest(wanted: str, existing: Iterable[str], limit: int = 5) -> str:
    """Name what exists instead of `wanted`: the closest names first, then the others, at most `limit`."""
    import difflib  # here: most calls are right

    names = list(existing)
    close = difflib.get_close_matches(wanted[:200], names, n=limit, cutoff=0.5)
    shown = (close + [name for name in names if name not in close])[:limit]
    rest = len(names) - len(shown)
    return (", ".join(shown) or "nothing") + (f" and {rest} more" if rest > 0 else "")
