"""What two texts have in common: words in common stretches, and different words, by which a final answer is compared."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

RUN = 3
"""Words in a row, signs between them ignored, from which on a stretch counts as the same wording."""
RELATED = 0.05
"""Share of an answer's words in common stretches under which two texts may share (almost) nothing."""
COMMON = 0.2
"""Share of an answer's telling words (of 4 or more characters, or with a digit) in the other, under which the two may share
(almost) nothing: a paraphrase keeps names and numbers. Both shares must be low from both sides: a summary keeps little of a
long answer, and yet all of it comes from there."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]|[^\W\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+")


class Overlap(Struct, frozen=True):
    """kept: share of the winning answer's words in stretches in common with the final one; common: share of its different
    telling words that stand anywhere in it; common_back: the same of the final one's in the winning one. None where one of
    the texts is too short to tell.
    """

    kept: float | None
    common: float | None
    common_back: float | None
    unrelated: bool | None


def words(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Words in any case (a Chinese or Japanese sign is one), and where each stands in the text."""
    matches = list(_WORD.finditer(text))
    return [m[0].casefold() for m in matches], [m.span() for m in matches]


def telling(found: Iterable[str]) -> set[str]:
    """The words that tell something by themselves: of 4 or more characters, or with a digit."""
    return {word for word in found if len(word) > 3 or any(c.isdigit() for c in word)}


def grams(texts: Iterable[list[str]]) -> set[tuple[str, ...]]:
    """All stretches of RUN words."""
    return {tuple(found[i : i + RUN]) for found in texts for i in range(len(found) - RUN + 1)}


def covered(found: list[str], stretches: set[tuple[str, ...]]) -> int:
    """How many words lie in one of the stretches."""
    inside = [False] * len(found)
    for i in range(len(found) - RUN + 1):
        if tuple(found[i : i + RUN]) in stretches:
            inside[i : i + RUN] = [True] * RUN
    return sum(inside)


def final_overlap(winning: str, final: str) -> Overlap:
    """The final answer against the winning one."""
    old, new = words(winning)[0], words(final)[0]
    old_words, new_words = telling(old), telling(new)
    if min(len(old), len(new)) < RUN or not old_words or not new_words:
        return Overlap(None, None, None, None)
    shared = old_words & new_words
    kept, common, back = (
        covered(old, grams([new])) / len(old),
        len(shared) / len(old_words),
        len(shared) / len(new_words),
    )
    apart = covered(new, grams([old])) / len(new) < RELATED and kept < RELATED
    return Overlap(round(kept, 3), round(common, 3), round(back, 3), apart and common < COMMON and back < COMMON)
