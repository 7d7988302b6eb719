"""Tokens and cost per agent: MassGen's recorded figures, and corrected ones where the tree proves these wrong.

Recorded: status.json agents.ID.token_usage, else metrics_summary.json. A cost of 0.0 beside tokens is no price: None.
Corrected where provable:

- cumulative (a second attempt, a later turn of one process): round_history then holds rounds that ended before this
  attempt began; the earlier attempt's own totals are subtracted when its tree is there.
- counted again (gemini, codex): massgen.log has the usage of each response; what a dialect's `excess` finds to be
  counted before is subtracted: from its agent, or from the total alone where the agent can't be told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from massgen_logs.readers.metrics_summary import Metrics, Subagent
from massgen_logs.readers.status_json import Status, Usage

if TYPE_CHECKING:
    from massgen_logs.run.backends.dialect import Dialect, Excess, Tokens
    from massgen_logs.run.model import AgentUsage


def recorded(status: Status, metrics: Metrics) -> dict[str, Usage]:
    """Recorded usage per agent; an agent without any record is left out, and zeros beside its answers are unknown."""
    found = {agent: entry.usage for agent, entry in status.agents.items() if entry.usage is not None}
    merged = {**metrics.usage, **found}
    return {agent: _UNKNOWN if _untold(status, agent, usage) else usage for agent, usage in merged.items()}


_UNKNOWN = Usage(None, None, None, None, None)


def _untold(status: Status, agent: str, usage: Usage) -> bool:
    """Whether zeros stand for what no response told: of an agent that has answered, voted or been refused."""
    entry = status.agents.get(agent)
    acted = entry is not None and bool(entry.answer_count or entry.voted_for or entry.enforcement)
    return acted and not (usage.input_tokens or usage.output_tokens or usage.cost_usd)


def price(usage: Usage) -> float | None:
    """The recorded cost; None for 0.0 beside tokens, which is no price."""
    used = (usage.input_tokens or 0) + (usage.output_tokens or 0)
    return None if used and not usage.cost_usd else usage.cost_usd


def total_cost(costs: Iterable[float | None], subagents: Iterable[Subagent]) -> float | None:
    """Sum of what is priced, sub-agents included; None if nothing is."""
    known = [cost for cost in costs if cost is not None]
    extra = sum(child.usage.cost_usd or 0.0 for child in subagents)
    return round(sum(known) + extra, 6) if known else None


def is_cumulative(status: Status, metrics: Metrics, started: float | None) -> bool:
    """True if the recorded rounds reach back before this attempt's start."""
    if started is None:
        return False
    rounds = [r for entry in status.agents.values() for r in entry.rounds] or [
        r for rs in metrics.rounds.values() for r in rs
    ]
    return any(r.end is not None and r.end < started - 1 for r in rounds)


def collect(
    found: dict[str, Usage],
    earlier: dict[str, Usage] | None,
    doubles: list[Excess],
    dialect_of: Callable[[str], Dialect],
) -> dict[str, AgentUsage]:
    """Corrections for every agent.

    Args:
        found: recorded usage.
        earlier: recorded usage of what these figures accumulate over, None if they don't.
        doubles: what was counted too much.
        dialect_of: dialect of an agent.
    """
    from massgen_logs.run.model import AgentUsage  # here: a list of logs needs none of these

    result: dict[str, AgentUsage] = {}
    for agent, usage in found.items():
        why: list[str] = []
        fixed = _tokens(usage)
        cost = usage.cost_usd
        if earlier is not None and (before := earlier.get(agent)):
            why.append("recorded figures include an earlier attempt or turn of the same process; its totals subtracted")
            fixed = [_minus(value, less) for value, less in zip(fixed, _tokens(before), strict=True)]
            cost = None if cost is None or before.cost_usd is None else round(max(0.0, cost - before.cost_usd), 6)
        for more in doubles:
            twice = more.by_agent.get(agent, [])
            if twice:
                rest = f"; {len(more.unowned)} more may be its own, so this is at most" if more.unowned else ""
                why.append(f"{len(twice)} x {more.what} was added twice (massgen.log); subtracted{rest}")
                cost = None
            for tokens in twice:
                fixed = [_minus(value, less) for value, less in zip(fixed, tokens, strict=True)]
        unpriced = not dialect_of(agent).priced or price(usage) is None
        shown = replace(usage, cost_usd=None if unpriced else usage.cost_usd)
        corrected = Usage(fixed[0], fixed[1], fixed[2], fixed[3], None if unpriced else cost) if why else None
        result[agent] = AgentUsage(
            shown, corrected, "; ".join(why) or None, unpriced, unpriced or dialect_of(agent).cost_is_floor
        )
    return result


def total(several: list[Tokens]) -> Usage | None:
    """Their sum, without a cost; None of nothing."""
    sums = [sum(values) for values in zip(*several, strict=True)]
    return Usage(sums[0], sums[1], sums[2], sums[3], None) if sums else None


def _tokens(usage: Usage) -> list[int | None]:
    return [usage.input_tokens, usage.output_tokens, usage.reasoning_tokens, usage.cached_input_tokens]


def _minus(value: int | None, less: int | None) -> int | None:
    return None if value is None else max(0, value - (less or 0))
