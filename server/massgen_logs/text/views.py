"""A text as it reads without its line breaks, escapes or invisible characters, and where each part of that stands in it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable

from msgspec import Struct, field


class View(Struct):
    """A text that was made from another one. cuts: where in `text` something was replaced."""

    text: str
    cuts: list[int] = field(default_factory=list[int])
    lengths: list[tuple[int, int, int]] = field(default_factory=list[tuple[int, int, int]])
    """For each cut: length in `text`, position and length in the original."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original text that a span of this one comes from."""
        return self._at(start, last=False), self._at(end - 1, last=True)

    def _at(self, position: int, *, last: bool) -> int:
        index = bisect_right(self.cuts, position) - 1
        if index < 0:
            return position + last
        length, origin, size = self.lengths[index]
        inside = position - self.cuts[index]
        if inside < length:
            return origin + size if last else origin
        return origin + size + inside - length + last


def replaced(text: str, pattern: re.Pattern[str], by: Callable[[re.Match[str]], str]) -> View | None:
    """`text` with every match replaced; None without a match."""
    view, parts, at, size = View(""), list[str](), 0, 0
    for match in pattern.finditer(text):
        new = by(match)
        parts += [text[at : match.start()], new]
        size += match.start() - at
        view.cuts.append(size)
        view.lengths.append((len(new), match.start(), match.end() - match.start()))
        size += len(new)
        at = match.end()
    if not parts:
        return None
    view.text = "".join([*parts, text[at:]])
    return view
