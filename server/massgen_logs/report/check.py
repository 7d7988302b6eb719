"""What a report must not lack and must not say."""

from __future__ import annotations

import re
from collections.abc import Iterable

from massgen_logs.report.claims import claims
from massgen_logs.report.language import Say, language_of, plain
from massgen_logs.report.structure import SECTIONS

_MARK = re.compile(r"\[\[\s*JUDGE\b[^\]\n]{0,60}")


def problems(content: str, *, ground_truth: bool, agents: Iterable[str] = ()) -> list[str]:
    """Everything that is wrong with a report, each with its place; empty if it can be saved.

    Headings are those of the language of its title.
    """
    lines = content.split("\n")
    found = [
        f"line {number}: marked place not filled: {match[0]}..."
        for number, line in enumerate(lines, 1)
        for match in _MARK.finditer(line)
    ]
    found += [] if ground_truth else claims(content, agents)
    sections = _headings(lines)
    heading = Say(language_of(content)).heading
    for title, parts in SECTIONS:
        own = sections.get(plain(heading(title)))
        if own is None:
            found.append(f'missing section "## {heading(title)}"')
        else:
            found += [
                f'missing section "### {heading(part)}" in "{heading(title)}"'
                for part in parts
                if plain(heading(part)) not in own
            ]
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
            section = found.setdefault(plain(line), set())
        elif not fenced and line.startswith("### "):
            section.add(plain(line))
    return found
