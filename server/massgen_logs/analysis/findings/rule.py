"""What a rule and a finding are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from massgen_logs.run.model import Run


@dataclass(frozen=True, slots=True)
class Finding:
    """One measured problem. id: stable for the same thing in the same run; evidence: places that can be opened."""

    id: str
    rule: str
    severity: str
    sentence: str
    numbers: dict[str, float | int | str | None]
    evidence: list[str]
    disproof: str
    mast: str | None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. threshold: when it fires, in words; origin: where the threshold comes from; mast: taxonomy code."""

    id: str
    severity: str
    threshold: str
    origin: str
    disproof: str
    find: Callable[[Run, Rule], list[Finding]]
    mast: str | None = None

    def finding(
        self, subject: str, sentence: str, evidence: Sequence[str], **numbers: float | int | str | None,
    ) -> Finding:  # fmt: skip
        """A finding of this rule about `subject` (an agent, a command, a vote)."""
        places = [place for place in dict.fromkeys(evidence) if place][:5]
        return Finding(
            f"{self.id}:{subject}" if subject else self.id, self.id, self.severity, sentence, numbers, places, self.disproof, self.mast,
        )  # fmt: skip
