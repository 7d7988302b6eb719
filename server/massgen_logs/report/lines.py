"""The lines of a report: which stand in fences, what in them is no quotation, and the places still marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_MARK = re.compile(r"\[\[\s*JUDGE\b[^\]\n]{0,60}", re.I)
_QUOTES = re.compile(
    r"\[\[(?:(?!\]\]).){0,300}\]\]|\"[^\"\n]*\"|“[^”\n]{0,2000}”|`(?P<code>[^`\n]*)`|«[^»\n]{0,2000}»|‘[^’\n]{0,2000}’"
    r"|(?<!\w)'(?:[^'\n]|'(?=\w)){0,300}'(?!\w)|「[^」\n]{0,2000}」|『[^』\n]{0,2000}』"
)
"""Bounded where an opening sign may stand again and again without its end: each would be looked for to the end of the line."""


def numbered(content: str) -> Iterator[tuple[int, str, bool]]:
    """(number, line, whether it belongs to a fence) of each line; an open fence goes on to the end."""
    fence = ""
    for number, line in enumerate(content.split("\n"), 1):
        mark = re.match(r"\s*(`{3,}|~{3,})", line)
        closes = bool(mark and fence and line.strip().startswith(fence) and not line.strip().strip(fence[0]))
        yield number, line, bool(fence or mark)
        if closes:
            fence = ""
        elif mark and not fence:
            fence = mark[1]


def unquoted(text: str, *, keep: Iterable[str] = (), marks: bool = False) -> str:
    """Without what stands in quotation marks, code spans (but ids to `keep`) and, unless `marks`, marked places."""
    keep = set(keep)

    def rest(quote: re.Match[str]) -> str:
        return quote["code"] if quote["code"] in keep else quote[0] if marks and quote[0].startswith("[[") else " "

    return _QUOTES.sub(rest, text)


def marks(content: str, agents: list[str]) -> Iterator[tuple[int, str]]:
    """(line, mark) of each unfilled place. Log text may hold the same characters: in fences, in quotation marks or code
    spans, in a cell that has more than the mark, and in an agent's id.
    """
    ids = re.compile("|".join(map(re.escape, (agent for agent in agents if _MARK.search(agent)))) or r"(?!)")
    for number, line, fenced in numbered(content):
        if not fenced:
            text = ids.sub("", unquoted(line, marks=True))
            for cell in re.split(r"(?<!\\)\|", text) if text.lstrip().startswith("|") else [text]:
                for match in _MARK.finditer(cell):
                    if cell is text or (_MARK.match(cell.strip()) and cell.strip().endswith("]]")):
                        yield number, match[0]
