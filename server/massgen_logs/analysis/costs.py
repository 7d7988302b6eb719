"""cost_and_tokens: what each agent used, as MassGen recorded it, and corrected where the tree proves it wrong."""

from __future__ import annotations

from dataclasses import dataclass

from massgen_logs.run.model import Run
from massgen_logs.run.usage import total_cost


@dataclass(frozen=True, slots=True)
class Corrected:
    """Figures without what was counted twice or belongs to an earlier attempt; cost None where it can't be computed."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    cost_usd: float | None
    why: str


@dataclass(frozen=True, slots=True)
class AgentCost:
    """Tokens; cost in US dollars, None where the backend isn't priced; cache_hit_rate: cached / input, 0 to 1."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    cost_usd: float | None
    cache_hit_rate: float | None
    corrected: Corrected | None


@dataclass(frozen=True, slots=True)
class SubagentCost:
    """A sub-agent's own figures; status is its phase and says nothing of success; api_calls 0: it never made one."""

    id: str
    status: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    elapsed_s: float | None
    api_calls: int | None


@dataclass(frozen=True, slots=True)
class Total:
    """Sums over the agents; with_subagents_usd: the agents and their sub-agents. floor: a
    part is unpriced, unrecorded or was still running when the run stopped."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    cost_usd: float | None
    floor: bool
    with_subagents_usd: float | None
    corrected_usd: float | None
    """The agents' cost without what a cumulative record includes; None where nothing is corrected or it can't be known."""


@dataclass(frozen=True, slots=True)
class Costs:
    """recorded: False in versions that record no usage. over: what cumulative figures include."""

    recorded: bool
    agents: dict[str, AgentCost]
    total: Total
    cumulative: bool
    over: str | None
    subagents: list[SubagentCost]


def costs(run: Run) -> Costs:
    """Per agent and in total."""
    agents: dict[str, AgentCost] = {}
    for name in run.agents:
        usage = run.usage.get(name)
        if usage is None:
            agents[name] = AgentCost(None, None, None, None, None, None, None)
            continue
        u, fixed = usage.recorded, usage.corrected
        rate = (
            round(u.cached_input_tokens / u.input_tokens, 4)
            if u.cached_input_tokens is not None and u.input_tokens
            else None
        )
        corrected = fixed and Corrected(
            fixed.input_tokens, fixed.output_tokens, fixed.reasoning_tokens, fixed.cached_input_tokens, fixed.cost_usd,
            usage.why or "",
        )  # fmt: skip
        agents[name] = AgentCost(
            u.input_tokens, u.output_tokens, u.reasoning_tokens, u.cached_input_tokens, u.cost_usd, rate, corrected or None,
        )  # fmt: skip
    known = [cost for cost in agents.values() if cost.input_tokens is not None]
    priced = [cost.cost_usd for cost in known if cost.cost_usd is not None]
    subagents = [
        SubagentCost(
            s.id, s.status, s.usage.input_tokens, s.usage.output_tokens, s.usage.cost_usd, s.elapsed_s, s.api_calls
        )
        for s in run.subagents
    ]
    cost = round(sum(priced), 6) if priced else None
    fixed = [c.corrected.cost_usd for c in known if c.corrected and c.corrected.cost_usd is not None]
    total = Total(
        _sum([c.input_tokens for c in known]), _sum([c.output_tokens for c in known]),
        _sum([c.reasoning_tokens for c in known]), _sum([c.cached_input_tokens for c in known]), cost,
        len(priced) < len(agents) or run.ending.state != "finished" or any(usage.floor for usage in run.usage.values()),
        total_cost(priced, run.subagents),
        round(sum(fixed), 6) if fixed and len(fixed) == len(agents) else None,
    )  # fmt: skip
    return Costs(bool(known), agents, total, run.cumulative_over is not None, run.cumulative_over, subagents)


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
