"""Findings: measured problems of a run, each by one rule that stands in one place.

A rule has an id, a severity, its threshold and where that comes from, and, where it fits, a code of the MAST failure
taxonomy (Cemri et al. 2025). A finding has one sentence, its numbers, references that can be opened, and what would
disprove it. No rule judges whether an answer is correct.
"""

from __future__ import annotations

from massgen_logs.analysis.findings.rule import Finding, Rule
from massgen_logs.analysis.findings.rules_coordination import RULES as COORDINATION
from massgen_logs.analysis.findings.rules_text import RULES as TEXT
from massgen_logs.analysis.findings.rules_work import RULES as WORK
from massgen_logs.run.model import Run

RULES: tuple[Rule, ...] = (*COORDINATION, *WORK, *TEXT)
_ORDER = {"high": 0, "medium": 1, "low": 2}


def findings(run: Run) -> list[Finding]:
    """All findings of a run, the most severe first, in the order of the rules within a severity."""
    found = [finding for rule in RULES for finding in rule.find(run, rule)]
    return sorted(found, key=lambda finding: _ORDER[finding.severity])


__all__ = ["RULES", "Finding", "Rule", "findings"]
