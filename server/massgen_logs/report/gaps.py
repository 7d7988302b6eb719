"""A draft's marked places, numbered, and the texts that others wrote for them put in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from massgen_logs.report.check import marks
from massgen_logs.report.claims import numbered

_PLACE = re.compile(r"\[\[JUDGE: ([^\]\n]*)\]\]")
_TEXT = re.compile(r"^#{1,6} *Place (\d{1,4})\b[^\n]*\n(.*?)(?=^#{1,6} *Place \d|\Z)", re.M | re.S | re.I)
_HEADING = re.compile(r"^#{1,3}(?= )", re.M)


class Gap(Struct, frozen=True):
    """One marked place. number: from 1, in the draft's order; line: its index; name: its headings and what it asks for,
    fixed words only (headings below the third level are ids of agents)."""

    number: int
    line: int
    name: str


def gaps(draft: str, agents: Iterable[str]) -> list[Gap]:
    """Every marked place of a draft about these agents."""
    marked = {number for number, _ in marks(draft, list(agents))}
    found: list[tuple[int, str]] = []
    title = part = ""
    for number, line, fenced in numbered(draft):
        if number in marked and (place := _last(line)):
            found.append((number - 1, f"{title}{part}: {place[1]}"))
        elif not fenced and line.startswith("## "):
            title, part = line[3:], ""
        elif not fenced and line.startswith("### "):
            part = f" / {line[4:]}"
    total = Counter(name for _, name in found)
    seen = Counter[str]()
    gaps: list[Gap] = []
    for index, (line, name) in enumerate(found, 1):
        seen[name] += 1
        gaps.append(Gap(index, line, name + (f" ({seen[name]} of {total[name]})" if total[name] > 1 else "")))
    return gaps


def _last(line: str) -> re.Match[str] | None:
    """The mark of a line; quoted text before it may hold the same characters."""
    return next(reversed(list(_PLACE.finditer(line))), None)


def texts_of(answer: str) -> dict[int, str]:
    """The texts of an answer by number of place: what stands below each heading "Place N"."""
    return {int(number): text.strip() for number, text in _TEXT.findall(answer + "\n") if text.strip()}


def filled(draft: str, gaps: Iterable[Gap], texts: Mapping[int, str]) -> str:
    """The draft with each place that has a text filled; the others keep their marks."""
    lines = draft.split("\n")
    for gap in gaps:
        line = lines[gap.line]
        if (text := texts.get(gap.number)) and (place := _last(line)):
            before, after = line[: place.start()], line[place.end() :]
            if before.strip() or after.strip():  # in a list item or a table's cell
                text = " ".join(text.split())
                text = text.replace("|", "\\|") if line.startswith("|") else text
            else:
                text = _HEADING.sub("####", text)
                text = f"\n{text}" if gap.line and lines[gap.line - 1].startswith("|") and text[0] != "|" else text
            lines[gap.line] = before + text + after
    return "\n".join(lines)
