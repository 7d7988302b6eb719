"""Comparing the numbers in a report's tables with the measured ones.

The measured tables are those of a draft with every row. A report's table is compared with the one of the same section, of the
same header, or of the same rows and two more columns, row by the first column, column by header; in either language. Only what can be placed is compared:
an agent's own tables, rows and columns, prose, quoted words and cells marked with "est." or "~" are its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from massgen_logs.report.language import canonical
from massgen_logs.report.lines import numbered

ISSUES = canonical("9. Suggested Linear Issues")
"""Where the analyst edits rows freely: nothing is compared there."""
_UNITS = {
    "ms": 0.001, "毫秒": 0.001, "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "秒": 1.0, "min": 60.0, "minute": 60.0,
    "minutes": 60.0, "分钟": 60.0, "h": 3600.0, "hour": 3600.0, "hours": 3600.0, "小时": 3600.0, "k": 1e3, "kb": 1e3, "m": 1e6,
    "mb": 1e6, "%": 1.0, "万": 1e4,
}  # fmt: skip
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,:/])(?<![A-Za-z0-9_]-)[-−]?[$€¥]?(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:\s?(?P<unit>milliseconds|ms|毫秒|seconds?|sec|s|秒|minutes?|min|分钟|hours?|h|小时|[kK]B?|MB?|%|万)(?![A-Za-z0-9_]))?"
    r"(?![A-Za-z0-9_]|[.:,/-]?\d)",
)
_CLOCKED = re.compile(r"(?<![A-Za-z0-9_.])(\d+)\s?(?:m|min)\s?(\d+(?:\.\d+)?)\s?s\b")
_QUOTED = re.compile(r"\"[^\"\n]*(?:\"|$)|“[^”\n]*”|«[^»\n]*»|「[^」\n]*」")
_ESTIMATE = re.compile(r"\best\.|\bestimate[ds]?\b|[~≈]\s*[-−]?[$€¥]?\d|估计|估算|约\s*[$€¥]?\d", re.I)
_VERSION = re.compile(r"\d+\.\d+\.\d+\w*")
_UNKNOWN = re.compile(r"-|unknown|not recorded|未知|未记录", re.I)


class Table(Struct, frozen=True):
    """One table of a report: the section/subsection it stands in, header, and rows with their line numbers."""

    place: str
    header: list[str]
    rows: list[tuple[int, list[str]]]


class _Figure(Struct, frozen=True):
    """A number: its value, half of its last digit, and the words directly before and after it."""

    value: float
    half: float
    exact: bool
    before: str
    after: str


def contradictions(content: str, measured: str) -> list[str]:
    """Each number in a table of `content` that contradicts its counterpart in the `measured` draft, with both values."""
    known = [table for table in tables(measured) if not table.place.startswith(ISSUES)]
    found: list[str] = []
    for table in tables(content):
        if table.place.startswith(ISSUES):
            continue
        truth = _counterpart(table, known)
        if truth is not None:
            found += _compare(table, truth)
    return found


def tables(content: str) -> Iterator[Table]:
    """The Markdown tables outside fences."""
    section = part = ""
    current: Table | None = None
    for number, line, fenced in numbered(content):
        if current is not None and (fenced or not line.lstrip().startswith("|")):
            yield current
            current = None
        if fenced:
            continue
        if line.startswith("## "):
            section, part = canonical(line), ""
        elif line.startswith("### "):
            part = canonical(line)
        elif current is not None:
            cells = split(line)
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                current.rows.append((number, cells))
        elif line.lstrip().startswith("|"):
            current = Table(f"{section}/{part}", split(line), [])
    if current is not None:
        yield current


def split(line: str) -> list[str]:
    """The cells of a table's line, without the escapes of pipes inside."""
    inner = re.sub(r"(?<!\\)\|\s*$", "", line.strip().removeprefix("|"))
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _counterpart(table: Table, known: list[Table]) -> Table | None:
    header = [canonical(name) for name in table.header]
    own = [[canonical(name) for name in other.header] for other in known]
    near = [
        (len(set(names) & set(header)), other)
        for other, names in zip(known, own, strict=True)
        if other.place == table.place and (names[0] == header[0] or len(set(names) & set(header)) > 1)
    ]
    if near:
        return max(near, key=lambda pair: pair[0])[1]
    same = next((other for other, names in zip(known, own, strict=True) if names == header), None)
    alike = [
        (len(set(names) & set(header)), other) for other, names in zip(known, own, strict=True) if names[0] == header[0]
    ]
    best = max(alike, key=lambda pair: pair[0], default=(0, None))
    return same or (best[1] if best[0] > 2 else None)


def _compare(table: Table, truth: Table) -> list[str]:
    header = [canonical(name) for name in table.header]
    names = [canonical(name) for name in truth.header]
    key = header.index(names[0]) if names[0] in header else 0
    same_width = len(header) == len(names)
    exact, loose, cut = _index(truth)
    found: list[str] = []
    for line, cells in table.rows:
        own = _key(cells[key]) if len(cells) > key else ""
        rows = exact.get(own) or loose.get(canonical(own)) or [row for start, row in cut if own.startswith(start)]
        if not rows:
            continue
        for column, cell in enumerate(cells[: len(header)]):
            if column == key:
                continue
            place = names.index(header[column]) if header[column] in names else column if same_width else None
            if place is None or place == 0:
                continue
            wrong = [_contradicts(cell, row[place]) for row in rows if place < len(row)]
            if wrong and all(wrong):
                said, measured = wrong[0] or ("", "")
                found.append(
                    f'line {line}: "{table.header[column]}" of "{cells[key][:60]}" is {said}, measured {measured}; '
                    'correct it, or mark your own estimate in the cell with "est." or "~"',
                )
    return found


def _index(truth: Table) -> tuple[dict[str, list[list[str]]], dict[str, list[list[str]]], list[tuple[str, list[str]]]]:
    """The measured rows by name, by name without punctuation in either language, and those whose name was cut."""
    exact: dict[str, list[list[str]]] = {}
    loose: dict[str, list[list[str]]] = {}
    cut: list[tuple[str, list[str]]] = []
    for _, row in truth.rows:
        name = _key(row[0])
        exact.setdefault(name, []).append(row)
        if letters := canonical(name):
            loose.setdefault(letters, []).append(row)
        start, mark, _ = name.partition("…[+")
        cut += [(start, row)] if mark else []
    return exact, loose, cut


def _key(cell: str) -> str:
    return " ".join(re.sub(r"[*`]", "", cell).lower().split())


def _contradicts(cell: str, known: str) -> tuple[str, str] | None:
    """(what the cell says, what was measured) where they contradict each other, else None."""
    if _ESTIMATE.search(_QUOTED.sub(" ", cell)):
        return None
    said, truth = _QUOTED.sub(" ", cell).strip(), _QUOTED.sub(" ", known).strip()
    versions, version = _VERSION.findall(said), _VERSION.match(truth)
    if version and versions and version[0] not in versions:
        return versions[0], version[0]
    ours, theirs = list(_figures(said)), list(_figures(truth))
    if not ours or not truth:
        return None
    if not theirs:
        return (ours[0][0], truth) if _UNKNOWN.fullmatch(truth) else None
    leads = re.match(r"[+*\s-]*[$€¥]?\d", truth) is not None
    for index, (text, figure) in enumerate(ours):
        named = [f for f in theirs if _same_label(figure, f[1])]
        against = named or (theirs[:1] if leads and index == 0 else [])
        if against and not any(_agree(figure, other) for _, other in against):
            return text, against[0][0]
    return None


def _same_label(ours: _Figure, theirs: _Figure) -> bool:
    return bool(ours.before and ours.before == theirs.before) or bool(ours.after and ours.after == theirs.after)


def _agree(ours: _Figure, measured: _Figure) -> bool:
    """Equal within the rounding that either shows; what is not zero is not rounded to zero, and a count has no parts."""
    if ours.value == 0 and measured.value != 0:
        return False
    allowed = max(ours.half, 0.0 if measured.exact else measured.half)
    return abs(ours.value - measured.value) <= allowed * (1 + 1e-9) + 1e-9


def _figures(text: str) -> Iterator[tuple[str, _Figure]]:
    """The numbers in a cell, each with its words as written."""
    text = _CLOCKED.sub(lambda m: f"{int(m[1]) * 60 + float(m[2]):g} s", text)
    for match in _NUMBER.finditer(text):
        digits = match["digits"].replace(",", "")
        scale = _UNITS.get((match["unit"] or "").lower().replace("milliseconds", "ms"), 1.0)
        negative = match[0].lstrip().startswith(("-", "−"))
        value = float(digits) * scale * (-1 if negative else 1)
        places = len(digits.partition(".")[2])
        before = re.search(r"([\w.]*[^\W\d][\w.]*) $", text[: match.start()])
        after = re.match(r" ([^\W\d]\w*)", text[match.end() :])
        whole = places == 0 and scale == 1.0
        yield (
            match[0].strip(),
            _Figure(
                value, 0.5 * 10**-places * scale if not whole else 0.5, whole or "$" in match[0],
                before[1].lower() if before else "", after[1].lower() if after else "",
            ),
        )  # fmt: skip
