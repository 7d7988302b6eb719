"""Lines at the head of a report that only the analyst knows: trace and link of Logfire, and the truth that the user gave."""

from __future__ import annotations

import re
from collections.abc import Iterable

from massgen_logs.report.language import Say, language_of

OF_LOGFIRE = [
    re.compile(rf"^(\**(?:{names})[:：]\**)[ \t]*(\S[^\n]*)$", re.M)
    for names in ("Trace ID|追踪ID", "Logfire Link|Logfire链接")
]
"""Each under its names in either language."""


def with_logfire(draft: str, given: Iterable[str]) -> str:
    """The draft with these lines in the place of its own."""
    for line in given:
        for own in OF_LOGFIRE:
            if match := own.fullmatch(line):
                value = match[2].strip()
                draft = own.sub(lambda old, value=value: f"{old[1]} {value}  ", draft, count=1)
    return draft


def with_ground_truth(content: str, truth: str) -> str:
    """The report with the truth by which it may call answers correct, behind the lines of Logfire or below its title."""
    line = Say(language_of(content))("**Ground Truth (from the user):** {truth}  ", truth=" ".join(truth.split()))
    lines = content.split("\n")
    head = next((index for index, text in enumerate(lines) if text.startswith("## ")), len(lines))
    at = max((index for index in range(head) if OF_LOGFIRE[1].fullmatch(lines[index])), default=0)
    if at:
        lines[at] = lines[at].rstrip() + "  "
        return "\n".join([*lines[: at + 1], line, *lines[at + 1 :]])
    return "\n".join([*lines[:1], "", line, *lines[1:]])
