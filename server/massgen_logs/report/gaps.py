"""A draft's places: `[[JUDGE: what is asked #N]]`, and the texts put into them.

Log text in a draft can't look like one: `own` takes the two brackets of every other such mark apart, and knows those of the
draft by a word that no log holds.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from massgen_logs.report.lines import numbered
from massgen_logs.run.model import Run

_PLACE = re.compile(r"\[\[JUDGE: ([^\n]*?) #([0-9]+)\]\]")
_HEADING = re.compile(r" {0,3}#{1,3}(?= )")
_ROWS = re.compile(r" {0,3}\|")
_RULE = re.compile(r" {0,3}\|[ \t:|-]*-[ \t:|-]*")


class Gap(Struct, frozen=True):
    """One place. number: from 1, in the draft's order; line: its index; name: its headings and what it asks for, fixed words only
    (headings below the third level are ids of agents)."""

    number: int
    line: int
    name: str


class Filled(Struct, frozen=True):
    """A draft with texts in its places. lines: number of a place to the first and the last line (1-based) of its text."""

    report: str
    lines: dict[int, tuple[int, int]]

    def place_of(self, line: int) -> int | None:
        """The place in whose text a line is; None for a line of the draft."""
        return next((number for number, (first, last) in self.lines.items() if first <= line <= last), None)


def own(rendered: str, word: str) -> str:
    """A draft as it was rendered with marks that begin with `word`: those numbered, all others taken apart."""
    safe = re.sub(rf"(?i)\[\[(?=\s*JUDGE\b)(?!JUDGE: {word})", "[ [", rendered)
    parts = re.split(rf"(?<=\[\[JUDGE: ){word}([^\n]*?)(?=\]\])", safe)
    return "".join(part if index % 2 == 0 else f"{part} #{(index + 1) // 2}" for index, part in enumerate(parts))


def gaps(draft: str) -> list[Gap]:
    """Every place of a draft."""
    found: list[tuple[int, int, str]] = []
    title = part = ""
    for number, line, fenced in numbered(draft):
        if fenced:
            continue
        if line.startswith("## "):
            title, part = line[3:], ""
        elif line.startswith("### "):
            part = f" / {line[4:]}"
        found += [(int(place[2]), number - 1, f"{title}{part}: {place[1]}") for place in _PLACE.finditer(line)]
    total, seen = Counter(name for _, _, name in found), Counter[str]()
    places: list[Gap] = []
    for number, line, name in found:
        seen[name] += 1
        places.append(Gap(number, line, name + (f" ({seen[name]} of {total[name]})" if total[name] > 1 else "")))
    return places


def key(run: Run, language: str, places: Iterable[Gap]) -> str:
    """Six hexadecimal digits that another run, attempt, language or set of places doesn't have."""
    told = [run.path, str(run.turn), str(run.attempt), language, *run.agents, *(place.name for place in places)]
    return f"{zlib.crc32(chr(0).join(told).encode('utf-8', 'replace')) & 0xFFFFFF:06x}"


def filled(draft: str, places: Iterable[Gap], texts: Mapping[int, str]) -> Filled:
    """The draft with each place that has a text filled; the others keep their marks.

    A heading of a text opens no section. Below a table rows of a text are added to it, and a whole table replaces it; what the
    text says besides follows.
    """
    lines: list[str | None] = [*draft.split("\n")]
    own_lines: dict[int, list[int]] = {}
    for gap in places:
        own_lines.setdefault(gap.line, []).append(gap.number)
        line = lines[gap.line] or ""
        place = next((found for found in _PLACE.finditer(line) if int(found[2]) == gap.number), None)
        text = texts.get(gap.number)
        if not text or place is None:
            continue
        before, after = line[: place.start()], line[place.end() :]
        if line.startswith("|"):  # a cell has one line
            text = " ".join(text.split()).replace("|", "\\|")
        elif before.strip():
            text = _in_item(_demoted(text))
        else:
            text = _below(_demoted(text), lines, gap.line)
        lines[gap.line] = before + text + after
    report, told, number = list[str](), dict[int, tuple[int, int]](), 1
    for index, line in enumerate(lines):
        if line is not None:
            report.append(line)
            last = number + line.count("\n")
            told |= dict.fromkeys(own_lines.get(index, ()), (number, last))
            number = last + 1
    return Filled("\n".join(report), told)


def _demoted(text: str) -> str:
    return "\n".join(line if fenced else _HEADING.sub("####", line) for _, line, fenced in numbered(text))


def _in_item(text: str) -> str:
    """A text of several lines belongs to its list item by two blanks before each."""
    lines = text.split("\n")
    if len(lines) == 1:
        return text
    rest = "\n".join(f"  {line}" if line else "" for line in lines[1:])
    block = re.match(r"\s*(?:[-*+|>`~]|[0-9]+[.)] )", lines[0])
    return f"\n\n  {lines[0]}\n{rest}" if block else f"{lines[0]}\n{rest}"


def _below(text: str, lines: list[str | None], at: int) -> str:
    """A text with a line of its own, apart from what stands above it."""
    above = (lines[at - 1] or "") if at else ""
    if not above or above.startswith("#"):
        return text
    if not above.startswith("|"):
        return f"\n{text}"
    rows, rest = list[str](), list[str]()
    for _, line, fenced in numbered(text):
        (rows if not fenced and _ROWS.match(line) else rest).append(line)
    if len(rows) > 1 and _RULE.fullmatch(rows[1]):
        while at and (lines[at - 1] or "").startswith("|"):
            at -= 1
            lines[at] = None
    said = "\n".join(rest).strip("\n")
    return "\n".join([*rows, *(["", said] if said else [])])
