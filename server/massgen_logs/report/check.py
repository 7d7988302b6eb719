"""What a report must not lack and must not say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from massgen_logs.report.claims import claims
from massgen_logs.report.structure import SECTIONS

_MARK = re.compile(r"\[\[\s*JUDGE\b[^\]\n]{0,60}")


def problems(content: str, *, ground_truth: bool, agents: Iterable[str] = ()) -> list[str]:
    """Everything that is wrong with a report, each with its place; empty if it can be saved."""
    lines = content.split("\n")
    found = [
        f"line {number}: marked place not filled: {match[0]}..."
        for number, line in enumerate(lines, 1)
        for match in _MARK.finditer(line)
    ]
    found += [] if ground_truth else claims(content, agents)
    sections = _headings(lines)
    for title, parts in SECTIONS:
        own = sections.get(_plain(title))
        if own is None:
            found.append(f'missing section "## {title}"')
        else:
            found += [f'missing section "### {part}" in "{title}"' for part in parts if _plain(part) not in own]
    return found


def _headings(lines: list[str]) -> dict[str, set[str]]:
    """Level-two headings, each with the level-three headings below it; headings in fences are none."""
    found: dict[str, set[str]] = {}
    section: set[str] = set()
    fenced = False
    for line in lines:
        if re.match(r"\s*(?:`{3,}|~{3,})", line):
            fenced = not fenced
        elif not fenced and line.startswith("## "):
            section = found.setdefault(_plain(line), set())
        elif not fenced and line.startswith("### "):
            section.add(_plain(line))
    return found


def _plain(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", re.sub(r"^#+ *(?:\d+\. *)?|^\d+\. *", "", heading).lower()).strip()
