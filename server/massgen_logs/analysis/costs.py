"""cost_and_tokens: what each agent used, as MassGen recorded it, and corrected where the tree proves it wrong."""

from __future__ import annotations

from msgspec import Struct

from massgen_logs.analysis.phases import rounds
from massgen_logs.run.model import Run, Usage
from massgen_logs.run.usage import total_cost


class Corrected(Struct, frozen=True):
    """Figures without what was counted twice or belongs to an earlier attempt; cost None where it can't be computed.

    Of an agent, or of the total, which lacks also what was counted twice of an agent that can't be told.
    """

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    cost_usd: float | None
    why: str


class AgentCost(Struct, frozen=True):
    """Tokens; cost in US dollars, None where the backend isn't priced; cache_hit_rate: cached / input, 0 to 1."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    cost_usd: float | None
    cache_hit_rate: float | None
    corrected: Corrected | None


class SubagentCost(Struct, frozen=True):
    """A sub-agent's own figures; status is its phase and says nothing of success; api_calls 0: it never made one."""

    id: str
    status: str | None
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    elapsed_s: float | None
    api_calls: int | None


class RoundCost(Struct, frozen=True):
    """One recorded round: what it cost, its share of its agent's input tokens (0 to 1, None where unknown), what came of it.

    outcome: answer, vote, restarted, presentation, ...; lost: nothing of it counts (restarted, or a superseded vote).
    """

    agent: str
    round: int | None
    type: str | None
    outcome: str | None
    lost: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    share: float | None
    seconds: float | None
    where: str


class Total(Struct, frozen=True):
    """Sums over the agents; with_subagents_usd: the agents and their sub-agents. floor: a
    part is unpriced, unrecorded or was still running when the run stopped; doubled: cost_usd holds tokens that were counted twice."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    cost_usd: float | None
    floor: bool
    with_subagents_usd: float | None
    corrected_usd: float | None
    """The agents' cost without what a cumulative record includes; None where nothing is corrected or it can't be known."""
    corrected: Corrected | None
    doubled: bool


class Costs(Struct, frozen=True):
    """recorded: False where no usage is known: in versions that record none, and where zeros are all that is recorded (zeros).
    over: what cumulative figures include."""

    recorded: bool
    zeros: bool
    status_missing: bool
    """The version records them, and status.json is missing or unreadable."""
    agents: dict[str, AgentCost]
    total: Total
    cumulative: bool
    over: str | None
    subagents: list[SubagentCost]
    rounds: list[RoundCost]
    """By agent and time; empty rounds of a first stream that was restarted at once are left out."""
    not_in_rounds: dict[str, int]
    """Input tokens of an agent that no recorded round holds."""
    overwritten: list[str]
    """Of these, the agents with ignored votes: a round that ended in one is overwritten by the next."""
    uncounted: list[str]
    """Agents with zeros beside words or calls of theirs: what these used was never counted."""


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
        len(priced) < len(agents) or run.ending.state != "finished" or len(run.begun) > 1 or any(u.floor for u in run.usage.values()) or bool(uncounted(run)),
        total_cost(priced, run.subagents),
        round(sum(fixed), 6) if fixed and len(fixed) == len(agents) else None, _corrected_total(run, known),
        cost is not None and (run.unowned is not None or any("added twice" in (u.why or "") for u in run.usage.values())),
    )  # fmt: skip
    rest = {name: tokens for name in run.agents if (tokens := not_in_rounds(run, name)[0]) is not None}
    return Costs(
        bool(known),
        bool(run.usage) and not known,
        run.status_missing,
        agents,
        total,
        run.cumulative_over is not None,
        run.cumulative_over,
        subagents,
        _rounds(run),
        rest,
        [name for name in rest if any(vote.ignored and vote.voter == name for vote in run.votes)],
        uncounted(run),
    )


def uncounted(run: Run) -> list[str]:
    """Agents of which zeros are recorded, and words or calls too: a response was served."""
    acted = {call.agent for call in run.calls} | {e.agent for e in run.executions if e.chars}
    used = {name for name, usage in run.usage.items() if usage.recorded.input_tokens or usage.recorded.output_tokens}
    return [name for name, usage in run.usage.items() if usage.recorded.input_tokens == 0 and name in acted - used]


def not_in_rounds(run: Run, agent: str) -> tuple[int | None, int | None]:
    """Input and output tokens of an agent that none of its recorded rounds holds; None where there are none, or where
    the total is not to be trusted (counted twice)."""
    usage, rounds_ = run.usage.get(agent), [r.usage for r in run.rounds if r.agent == agent]
    if usage is None or not run.rounds:
        return None, None
    total = usage.corrected if run.cumulative_over else None if usage.corrected else usage.recorded
    if total is None:
        return None, None
    less = (total.input_tokens or 0) - sum(r.input_tokens or 0 for r in rounds_)
    out = (total.output_tokens or 0) - sum(r.output_tokens or 0 for r in rounds_)
    return (less, out) if less > 0 else (None, None)


_FAR_S = 1.0
"""Seconds from which on a round's end and a vote are not of each other."""


def _rounds(run: Run) -> list[RoundCost]:
    cast = [(v.t, v.voter, v.superseded) for v in run.votes if v.accepted and v.t is not None]
    found: list[RoundCost] = []
    for name in run.agents:
        usage = run.usage.get(name)
        total = usage and (usage.corrected if run.cumulative_over else usage.recorded)
        whole = total.input_tokens if total else None
        for r in sorted((r for r in rounds(run) if r.agent == name), key=lambda r: r.start or 0.0):
            own = [(abs((r.end or 0.0) - t), superseded) for t, voter, superseded in cast if voter == name]
            near, superseded = min(own, default=(_FAR_S, False))
            gone = r.outcome == "vote" and near < _FAR_S and superseded
            tokens = r.usage.input_tokens
            took = None if r.start is None or r.end is None else round(r.end - r.start, 3)
            found.append(RoundCost(
                name, r.round, r.type, r.outcome, gone or r.outcome == "restarted", tokens, r.usage.output_tokens,
                None if usage and usage.unpriced else r.usage.cost_usd,
                round(tokens / whole, 4) if whole and tokens is not None else None, took, r.src,
            ))  # fmt: skip
    return found


def _corrected_total(run: Run, agents: list[AgentCost]) -> Corrected | None:
    """The agents' true figures, less what was counted twice without its agent; None where nothing is corrected."""
    if run.unowned is None and not any(agent.corrected for agent in agents):
        return None
    less = run.unowned or Usage(0, 0, 0, 0, None)
    true = [agent.corrected or agent for agent in agents]

    def rest(values: list[int | None], much: int | None) -> int | None:
        whole = _sum(values)
        return None if whole is None else max(0, whole - (much or 0))

    return Corrected(
        rest([u.input_tokens for u in true], less.input_tokens), rest([u.output_tokens for u in true], less.output_tokens),
        rest([u.reasoning_tokens for u in true], less.reasoning_tokens),
        rest([u.cached_input_tokens for u in true], less.cached_input_tokens), None, "the agents' corrected figures"
        + (", less what was added twice of an agent that can't be told" if run.unowned else ""),
    )  # fmt: skip


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
