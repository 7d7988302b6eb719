"""A draft's marked places, numbered, and the texts that others wrote for them put in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from massgen_logs.errors import MassgenLogError
from massgen_logs.report.lines import marks, numbered

_PLACE = re.compile(r"\[\[JUDGE: ([^\]\n]*?)(?: #\d+)?\]\]")
_TEXT = re.compile(r"^#{1,6} *Place (\d{1,4})\b[^\n]*\n(.*?)(?=^#{1,6} *Place \d|\Z)", re.M | re.S | re.I)
_HEADING = re.compile(r"^#{1,3}(?= )", re.M)
_TABLE = re.compile(r"\|[^\n]*\n\|[\s:|-]*-[\s:|-]*(?:\n|$)")
_OF_LOGFIRE = [
    re.compile(rf"^(\**(?:{names})[:：]\**)[ \t]*(\S[^\n]*)$", re.M)
    for names in ("Trace ID|追踪ID", "Logfire Link|Logfire链接")
]
"""Lines at the head of a report that only an analyst with Logfire knows."""
_LINE = re.compile(r"^line (\d+)(?=: )")


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


def with_numbers(draft: str, gaps: Iterable[Gap]) -> str:
    """The draft with the number of each marked place at the end of its mark."""
    lines = draft.split("\n")
    for gap in gaps:
        if place := _last(lines[gap.line]):
            line = lines[gap.line]
            lines[gap.line] = f"{line[: place.end(1)]} #{gap.number}{line[place.end() - 2 :]}"
    return "\n".join(lines)


def texts_of(answer: str) -> dict[int, str]:
    """The texts of an answer by number of place: what stands below each heading "Place N"."""
    return {int(number): text.strip() for number, text in _TEXT.findall(answer + "\n") if text.strip()}


def filled(draft: str, gaps: Iterable[Gap], texts: Mapping[int, str]) -> str:
    """The draft with each place that has a text filled; the others keep their marks."""
    return "\n".join(line for line in _lines(draft, gaps, texts) if line is not None)


class Judged(Struct, frozen=True):
    """A draft with all its places filled. lines: where the text of each place stands in it: first line, last line, name."""

    report: str
    lines: list[tuple[int, int, str]]

    def named(self, problem: str) -> str:
        """A problem of the report with the place in whose text its line is, which its writer knows, not the line."""
        if match := _LINE.match(problem):
            for first, last, name in self.lines:
                if first <= int(match[1]) <= last:
                    return name + problem[match.end() :]
        return problem


def judged(draft: str, gaps: Iterable[Gap], judgements: str) -> Judged:
    """The draft with the texts for all its places, and with the trace id and link of Logfire if the judgements begin with them.

    Args:
        draft: as `report.draft` makes it.
        gaps: its places.
        judgements: below each heading "Place N" the text for place N.

    Raises:
        MassgenLogError: if a place lacks its one text or a text its place, as when the run has gone on since it was drafted.
    """
    places, texts = {gap.number: gap for gap in gaps}, texts_of(judgements)
    head = _TEXT.split(judgements + "\n", maxsplit=1)[0]
    said = Counter(int(number) for number, text in _TEXT.findall(judgements + "\n") if text.strip())
    known = [(own, match[2].strip()) for own in _OF_LOGFIRE if (match := own.search(head))]
    other = _OF_LOGFIRE[1].sub("", _OF_LOGFIRE[0].sub("", head))
    wrong = [f'no place for "{" ".join(other.split())[:80]}"'] if other.strip() else []
    wrong += [f"place {number} has {count} texts" for number, count in said.items() if count > 1]
    wrong += [f"place {gap.number} has no text: {gap.name}" for gap in places.values() if gap.number not in texts]
    wrong += [f"there is no place {number}" for number in sorted(texts.keys() - places.keys())]
    if wrong:
        raise MassgenLogError(
            f"The report was not saved, the draft has {len(places)} places:\n- " + "\n- ".join(wrong)
            + '\nBelow a heading "### Place N" goes the text for the mark that ends with #N; draft_report shows them.'
        )  # fmt: skip
    for own, value in known:
        draft = own.sub(lambda match, value=value: f"{match[1]} {value}  ", draft, count=1)
    at = dict(zip((gap.line for gap in places.values()), places, strict=True))
    found, told, number = list[str](), list[tuple[int, int, str]](), 1
    for index, line in enumerate(_lines(draft, places.values(), texts)):
        if line is not None:
            found.append(line)
            last = number + line.count("\n")
            told += [(number, last, f"place {at[index]}")] if index in at else []
            number = last + 1
    return Judged("\n".join(found), told)


def _lines(draft: str, gaps: Iterable[Gap], texts: Mapping[int, str]) -> list[str | None]:
    """The lines of a draft, those of places replaced by their texts; None for those of a table that a text replaces."""
    lines: list[str | None] = [*draft.split("\n")]
    for gap in gaps:
        line, at = lines[gap.line] or "", gap.line - 1
        if (text := texts.get(gap.number)) and (place := _last(line)):
            before, after = line[: place.start()], line[place.end() :]
            above = (lines[at] or "") if gap.line else ""
            if before.strip() or after.strip():  # in a list item or a table's cell
                text = " ".join(text.split())
                text = text.replace("|", "\\|") if line.startswith("|") else text
            elif _TABLE.match(text):  # a whole one, where rows alone would be added to the draft's
                while at >= 0 and (lines[at] or "").startswith("|"):
                    lines[at], at = None, at - 1
            else:
                text = _HEADING.sub("####", text)
                rows = text.startswith("|") and above.startswith("|")
                text = text if rows or not above or above.startswith("#") else f"\n{text}"  # a paragraph of its own
            lines[gap.line] = before + text + after
    return lines
