"""Findings: measured problems of a run, each by one rule that stands in one place.

A rule has an id, a severity, its threshold and where that comes from, and, where it fits, a code of the MAST failure
taxonomy (Cemri et al. 2025). A finding has one sentence, its numbers, references that can be opened, and what would
disprove it. No rule judges whether an answer is correct. A rule whose facts these logs don't hold is told as not
checkable: silence of a rule means something only where it could have spoken.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from massgen_logs.analysis.findings.rule import NEEDS, Finding, Rule
from massgen_logs.analysis.findings.rules_coordination import RULES as COORDINATION
from massgen_logs.analysis.findings.rules_outcome import RULES as OUTCOME
from massgen_logs.analysis.findings.rules_text import RULES as TEXT
from massgen_logs.analysis.findings.rules_work import RULES as WORK
from massgen_logs.run.model import Run

RULES: tuple[Rule, ...] = (*OUTCOME, *TEXT, *COORDINATION, *WORK)
_ORDER = {"high": 0, "medium": 1, "low": 2, "info": 3}


class NotCheckable(Struct, frozen=True):
    """Rules that can't be checked in the logs of a run, and why."""

    why: str
    rules: list[str]


def findings(run: Run, mask: Callable[[str], str] = str) -> list[Finding]:
    """All findings of a run, the most severe first, in the order of the rules within a severity.

    Args:
        run: the run.
        mask: applied to every command and message before it is cut, so that no cut can halve a secret.
    """
    masking = [replace(rule, mask=mask) for rule in RULES if not _lacking(run, rule)]
    found = [finding for rule in masking for finding in rule.find(run, rule)]
    return sorted(found, key=lambda finding: _ORDER[finding.severity])


def not_checkable(run: Run) -> list[NotCheckable]:
    """The rules that `findings` left out, by reason."""
    found: dict[str, list[str]] = {}
    for rule in RULES:
        if why := _lacking(run, rule):
            found.setdefault(why, []).append(rule.id)
    return [NotCheckable(why, rules) for why, rules in found.items()]


def _lacking(run: Run, rule: Rule) -> str:
    """Why the rule can't be checked, "" if it can."""
    return next((NEEDS[need][0] for need in rule.needs if not NEEDS[need][1](run)), "")


__all__ = ["RULES", "Finding", "NotCheckable", "Rule", "findings", "not_checkable"]
