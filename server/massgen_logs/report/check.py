"""What a report must not lack and must not say."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from massgen_logs.report.claims import claims
from massgen_logs.report.language import Say, language_of, plain
from massgen_logs.report.lines import marks, numbered
from massgen_logs.report.structure import SECTIONS

_MAY_BE_EMPTY = frozenset({"Coordination Flow"})
"""A draft leaves it empty where a run has no events."""


def problems(
    content: str, *, ground_truth: bool, agents: Iterable[str] = (), drafted: Collection[str] = (),
) -> list[str]:  # fmt: skip
    """Everything that is wrong with a report, each with its place; empty if it can be saved.

    Headings are those of the language of its title.

    Args:
        content: the report.
        ground_truth: whether the user gave one, which allows claims of correctness.
        agents: their ids.
        drafted: lines of its draft, in which commands and names of the log stand: nothing that they say is its writer's.
    """
    agents = list(agents)
    found = [f"line {number}: marked place not filled: {mark}..." for number, mark in marks(content, agents)]
    own = "\n".join("" if not fenced and line in drafted else line for _, line, fenced in numbered(content))
    found += [] if ground_truth else claims(own, agents)
    return found + lacking(content)


def lacking(content: str) -> list[str]:
    """Sections that a report lacks, and empty ones."""
    found: list[str] = []
    sections = _sections(content)
    heading = Say(language_of(content)).heading
    for title, parts in SECTIONS:
        own = sections.get(plain(heading(title)))
        if own is None:
            found.append(f'missing section "## {heading(title)}"')
            continue
        if not parts and not any(own.values()):
            found.append(f'section "## {heading(title)}" is empty: write at least "{_none(content)}"')
        for part in parts:
            filled = own.get(plain(heading(part)))
            if filled is None:
                found.append(f'missing section "### {heading(part)}" in "{heading(title)}"')
            elif not filled and part not in _MAY_BE_EMPTY:
                found.append(
                    f'section "### {heading(part)}" in "{heading(title)}" is empty: write at least "{_none(content)}"'
                )
    return found


def _none(content: str) -> str:
    return Say(language_of(content))("None.")


def _sections(content: str) -> dict[str, dict[str, bool]]:
    """Level-two headings, each with the level-three headings below it and whether they have a line of their own; the
    section's own lines stand under "". Headings in fences are none, emphasis in a heading is no part of it.
    """
    found: dict[str, dict[str, bool]] = {}
    section, part = dict[str, bool](), ""
    for _, line, fenced in numbered(content):
        title = None if fenced else re.match(r"#{1,6} +", line)
        if title is None:
            section[part] = section.get(part, False) or bool(re.search(r"\w", line))
        elif title[0].strip() in {"##", "###"}:
            name = plain(line)
            if line.startswith("## "):
                section, part = found.setdefault(name, {}), ""
            else:
                part = name
            section.setdefault(part, False)
    return found
