"""What a rule and a finding are, and what a rule needs the logs to hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from massgen_logs.run.model import ANY_AGENT, Run

NEEDS: dict[str, tuple[str, Callable[[Run], bool]]] = {
    "calls": ("no file that holds tool calls could be read", lambda run: run.calls_recorded),
    "callers": (
        "calls are recorded without their agent",
        lambda run: not any(call.agent == ANY_AGENT for call in run.calls),
    ),
    "refusals": ("refused calls leave no trace", lambda run: run.denied_recorded or not run.calls_recorded),
    "enforcement": ("no record of refused responses", lambda run: run.enforcement is not None),
    "retries": ("no record of refused responses", lambda run: run.enforcement is not None or run.refused_told is not None),
    "starts": ("no file tells when agents started", lambda run: bool(run.executions) or run.ending.state == "failed"),
    "ignored": ("ignored votes are not recorded", lambda run: run.votes_ignored is not None),
    "orders": ("texts were not looked through for orders", lambda run: run.planted is not None),
    "silences": ("no file tells when text arrived", lambda run: run.silences is not None),
}  # fmt: skip
"""What a rule may need: why it can't be checked without, and whether a run has it."""


class Finding(Struct, frozen=True):
    """One measured problem, or with severity "info" a good sign. id: stable for the same thing (rule and subject);
    numbers: what was measured; evidence: places that can be opened; disproof: what would show that it is none."""

    id: str
    rule: str
    severity: str
    sentence: str
    numbers: dict[str, float | int | str | None]
    evidence: list[str]
    disproof: str
    mast: str | None


class Rule(Struct, frozen=True):
    """One rule. threshold: when it fires, in words; origin: where the threshold comes from; needs: keys of NEEDS.

    flag: id of the overview's red flag that its findings are, "" for none; mast: taxonomy code.
    """

    id: str
    severity: str
    threshold: str
    origin: str
    disproof: str
    find: Callable[[Run, Rule], list[Finding]]
    mast: str | None = None
    flag: str = ""
    needs: tuple[str, ...] = ()
    mask: Callable[[str], str] = str

    def short(self, text: str | None, limit: int = 60) -> str:
        """The beginning of a command or message, in one line; masked before, so that no cut can halve a secret."""
        return " ".join(self.mask(text or "").split())[:limit]

    def finding(
        self, subject: str, sentence: str, evidence: Sequence[str], disproof: str = "", **numbers: float | int | str | None,
    ) -> Finding:  # fmt: skip
        """A finding of this rule about `subject` (an agent, a command, a vote); disproof: the case's own, if it has one."""
        places = [place for place in dict.fromkeys(evidence) if place][:5]
        return Finding(
            f"{self.id}:{subject}" if subject else self.id, self.id, self.severity, sentence, numbers, places,
            disproof or self.disproof, self.mast,
        )  # fmt: skip
