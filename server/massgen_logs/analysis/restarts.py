"""What restarts threw away, and how much of a run's time went into votes that counted for nothing.

An execution was cut short where a new answer made its agent start anew before it had given an answer of its own: its
vote was ignored or refused, or it had not come that far; where it had ended with a vote, that is taken back. Its seconds are
those of the wall clock, its tokens those of the round record that MassGen left of it alone; an ignored vote's record is
overwritten by the next one, and its tokens are then what the agent's total holds and its rounds don't, which tells them where
it is the only execution of its agent without a record.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from massgen_logs.analysis.costs import not_in_rounds
from massgen_logs.analysis.phases import rounds
from massgen_logs.analysis.spent import Spent
from massgen_logs.run.model import Execution, RoundRecord, Run

LOST = frozenset({"vote ignored", "vote refused", "none", "error"})
"""Outcomes of an execution that left nothing that counts."""
_NEAR_S = 1.0
_AFTER = frozenset({"presentation", "post_evaluation"})
"""Types of the rounds that follow the coordination: none of an execution."""


class RestartCost(Struct, frozen=True):
    """One execution that a new answer cut short, or whose vote it took back ("vote superseded"). answer, by: the answer and its author; ended: how far the agent had come.

    calls, chars: what it had called, and its characters of reasoning and text; input_tokens, output_tokens: None where
    not recorded; tokens_from: "round record" or "total less rounds"; where: the start that it was cut for.
    """

    answer: str
    by: str | None
    agent: str
    execution: int
    ended: str
    seconds: float
    calls: int | None
    chars: int | None
    input_tokens: int | None
    output_tokens: int | None
    tokens_from: str | None
    where: str


def restart_costs(run: Run, spent: Sequence[Spent]) -> list[RestartCost]:
    """By time; `spent`: the run's executions."""
    authors = {answer.label: answer.agent for answer in run.answers}
    by_start = {(e.agent, e.index): e for e in run.executions}
    cut: list[tuple[Spent, Execution]] = []
    for one in spent:
        after = by_start.get((one.agent, (one.execution or 0) + 1)) if one.execution is not None else None
        if after is not None and after.cause in authors and (one.outcome in LOST or _superseded(run, one)):
            cut.append((one, after))
    found: list[RestartCost] = []
    for one, after in cut:
        record = _record(run, one)
        own = sum(other.agent == one.agent and other.execution is not None for other in spent)
        alone = own - sum(r.agent == one.agent and r.type not in _AFTER for r in rounds(run)) == 1
        if record is not None:
            tokens, whence = (record.usage.input_tokens, record.usage.output_tokens), "round record"
        else:
            tokens, whence = (not_in_rounds(run, one.agent) if alone else (None, None)), "total less rounds"
        start = by_start[one.agent, one.execution or 0]
        ended = "vote superseded" if one.outcome == "vote" else one.outcome
        found.append(RestartCost(
            after.cause, authors[after.cause], one.agent, one.execution or 0, ended, one.wall_s, one.calls, start.chars,
            *tokens, whence if tokens[0] is not None else None, after.src,
        ))  # fmt: skip
    return found


def lost_time(run: Run, spent: Sequence[Spent]) -> dict[str, tuple[float, list[Spent]]]:
    """Per agent: seconds in executions that ended in an ignored or refused vote, and these."""
    found: dict[str, tuple[float, list[Spent]]] = {}
    for name in run.agents:
        own = [one for one in spent if one.agent == name and one.outcome in {"vote ignored", "vote refused"}]
        if own:
            found[name] = (round(sum(one.wall_s for one in own), 3), own)
    return found


def _superseded(run: Run, one: Spent) -> bool:
    end = (run.started or 0.0) + one.end_s
    return one.outcome == "vote" and any(
        v.superseded and v.voter == one.agent and v.t is not None and abs(v.t - end) < _NEAR_S for v in run.votes
    )


def _record(run: Run, one: Spent) -> RoundRecord | None:
    """The record of a round that began and ended with this execution: a restarted one, or the vote that was superseded."""
    start, end = (run.started or 0.0) + one.start_s, (run.started or 0.0) + one.end_s
    wanted = "vote" if one.outcome == "vote" else "restarted"
    own = [r for r in run.rounds if r.agent == one.agent and r.outcome == wanted and r.end is not None]
    own = [r for r in own if r.usage.input_tokens and abs((r.start or 0.0) - start) < _NEAR_S]
    return next((r for r in own if abs((r.end or 0.0) - end) < _NEAR_S), None)
