"""What an agent judges: one text that begins with the key of the draft, and has below each heading "Place N" the text for a place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from massgen_logs.report.claims import claims
from massgen_logs.report.gaps import Gap
from massgen_logs.report.header import OF_LOGFIRE
from massgen_logs.report.language import plain
from massgen_logs.report.lines import marks, numbered

_PLACE = re.compile(r" {0,3}#{1,6}[ \t]*Place\b[ \t]*(.*)", re.I)
_NUMBER = re.compile(r"([0-9]{1,4})(?!\w)[ \t:.–—-]*(.*)")
_KEY = re.compile(r"\W*(?:Draft|草稿)\W+([0-9a-f]{6})\W*", re.I)
_BARE_TABLE = re.compile(r" {0,3}:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)+")


class Judgements(Struct, frozen=True):
    """key: of the draft, None where it isn't told; head: lines of Logfire; texts: by number of place; titles: what stands behind
    the number; wrong: what has no place."""

    key: str | None
    head: list[str]
    texts: dict[int, str]
    titles: dict[int, str]
    wrong: list[str]


def parse(given: str) -> Judgements:
    """Take an agent's text apart. Headings in code fences are none."""
    given = given.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    parts, titles = [(0, list[str]())], dict[int, str]()
    wrong: list[str] = []
    open_fence = False
    for _, line, fenced in numbered(given + "\n"):
        open_fence = fenced
        heading = None if fenced else _PLACE.fullmatch(line)
        if heading is None:
            parts[-1][1].append(line)
        elif number := _NUMBER.fullmatch(heading[1].rstrip()):
            parts.append((int(number[1]), []))
            titles[int(number[1])] = number[2].strip(" *")
        else:
            wrong.append(f'"{line.strip()[:60]}" names no place')
            parts.append((-1, []))
    if open_fence:
        wrong.append(f"place {parts[-1][0]}: a code fence is not closed")
    said = [(number, "\n".join(lines).strip("\n")) for number, lines in parts]
    counts = Counter(number for number, text in said if number > 0 and text.strip())
    wrong += [f"place {number} has {count} texts" for number, count in counts.items() if count > 1]
    texts = {number: text for number, text in said if number > 0 and text.strip()}
    found, head, rest = _headed(said[0][1])
    if 1 in texts:  # where some write what belongs before it
        first, more, left = _headed(texts[1])
        texts[1], found, head = "\n".join(left).strip("\n"), found or first, head + more
    if not texts:
        wrong = ['no heading "### Place N": below each goes the text for the mark that ends with #N']
    elif text := " ".join(" ".join(rest).split()):
        wrong.append(f'no place for "{text[:80]}"')
    wrong += [f'more than one line "{line}"' for own in OF_LOGFIRE for line in list(filter(own.fullmatch, head))[1:]]
    return Judgements(found, head, texts, titles, wrong)


def _headed(text: str) -> tuple[str | None, list[str], list[str]]:
    """The key and the lines of Logfire with which a text begins, and its other lines."""
    found, head, lines = None, list[str](), text.split("\n")
    while lines and (
        not lines[0].strip() or _KEY.fullmatch(lines[0]) or any(o.fullmatch(lines[0]) for o in OF_LOGFIRE)
    ):
        line = lines.pop(0)
        if match := _KEY.fullmatch(line):
            found = match[1].lower()
        elif line.strip():
            head.append(line)
    return found, head, lines


def wrong_with(
    given: Judgements, places: Iterable[Gap], agents: Iterable[str], *, ground_truth: bool,
) -> list[str]:  # fmt: skip
    """Everything that is wrong with the texts, each with its place: one without a text, a text without one, a claim of
    correctness, a mark left in it, a table that would be read as words."""
    agents, known = list(agents), {place.number: place for place in places}
    wrong = [*given.wrong]
    wrong += [f"place {number} has no text: {gap.name}" for number, gap in known.items() if number not in given.texts]
    wrong += [f"there is no place {number}" for number in sorted(given.texts.keys() - known.keys())]
    for number, text in sorted(given.texts.items()):
        said = [f"marked place not filled: {mark}..." for _, mark in marks(text, agents)]
        said += [] if ground_truth else [one.partition(": ")[2] for one in claims(text, agents)]
        if any(not fenced and _BARE_TABLE.fullmatch(line) for _, line, fenced in numbered(text)):
            said.append("begin each row of a table with |")
        wrong += [f"place {number}: {one}" for one in said]
    return wrong


def texts_for(given: Judgements, places: Iterable[Gap]) -> dict[int, str]:
    """The texts; words behind the number in a heading are kept as its first line, unless they only repeat what the place is called."""
    names = {place.number: plain(place.name) for place in places}
    return {
        number: text
        if plain(given.titles.get(number, "")) in names.get(number, "")
        else f"{given.titles[number]}\n\n{text}"
        for number, text in given.texts.items()
    }
