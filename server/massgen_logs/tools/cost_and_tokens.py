"""cost_and_tokens: tokens and cost per agent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from massgen_logs.text.clean import flat
from massgen_logs.text.table import dollars, doubt, seconds, table
from massgen_logs.tools.base import Result, Tool

if TYPE_CHECKING:
    from massgen_logs.run.model import Run


def cost_and_tokens(run: Run) -> Result:
    """Give tokens, cost and cache rate of each agent as MassGen recorded them, corrected figures where the log proves them
    doubled or cumulative, each round's share and what came of it, what is unpriced, and sub-agents.

    Args:
        run: the run.
    """
    from massgen_logs.analysis.costs import costs

    return Result(costs(run), next=("run_overview",))


def render(data: Any) -> list[str]:
    """One row an agent, corrections, the total, sub-agents."""
    if not data["recorded"]:
        if data["zeros"]:
            return [
                "recorded are 0 tokens and no cost for every agent: no response told what it used, so that is unknown"
            ]
        if data["status_missing"]:
            return [
                "status.json is missing or unreadable, and no other file records tokens or a cost: unknown, not zero"
            ]
        return ["this version records no tokens and no cost: unknown, not zero"]
    lines = table(
        ("agent", "input", "output", "reasoning", "cached", "cache rate", "cost"),
        [(name, *_figures(a), dollars(a["cost_usd"])) for name, a in data["agents"].items()]
        + [
            (
                "total",
                *_figures(data["total"]),
                dollars(data["total"]["cost_usd"])
                + doubt(data["total"]["cost_usd"], floor=data["total"]["floor"], doubled=data["total"]["doubled"]),
            )
        ],
    )
    for name, agent in data["agents"].items():
        if fixed := agent["corrected"]:
            lines.append(
                f"corrected {name}: input {fixed['input_tokens']}, output {fixed['output_tokens']}, reasoning "
                f"{fixed['reasoning_tokens']}, cached {fixed['cached_input_tokens']}, cost {dollars(fixed['cost_usd'])}: {fixed['why']}",
            )
    if fixed := data["total"]["corrected"]:
        lines.append(
            f"corrected total: input {fixed['input_tokens']}, output {fixed['output_tokens']}, reasoning "
            f"{fixed['reasoning_tokens']}, cached {fixed['cached_input_tokens']}: {fixed['why']}"
        )
    lines += [
        f"{name}: the zeros are no measure: a response of it is recorded, and what it used was never counted"
        for name in data["uncounted"]
    ]
    lines += _rounds(data)
    lines.append(f"cumulative: {'over ' + str(data['over']) if data['cumulative'] else 'no'}")
    for child in data["subagents"]:
        lines.append(
            f"sub-agent {flat(child['id'])}: input {child['input_tokens']}, output {child['output_tokens']}, cost "
            f"{dollars(child['cost_usd'])}, {child['elapsed_s']} s, api calls {child['api_calls']}, recorded status "
            f"{child['status']} (its phase, not its success)",
        )
    if data["subagents"]:
        lines.append(f"cost with sub-agents: {dollars(data['total']['with_subagents_usd'])}")
    return lines


_ROUNDS = 14


def _rounds(data: Any) -> list[str]:
    """Was each round worth it: its share of its agent's tokens and what came of it; the most expensive ones where many."""
    rounds = data["rounds"]
    if not rounds:
        return []
    shown = rounds
    if len(rounds) > _ROUNDS:
        most = sorted(rounds, key=lambda r: -(r["input_tokens"] or 0))[:_ROUNDS]
        shown = [r for r in rounds if r in most]
    lines = table(
        ("round", "type", "came to", "input", "output", "cost", "share of its agent's input", "s"),
        [
            (
                f"{r['agent']} {r['round']}", r["type"], f"{r['outcome']}{' (counts for nothing)' if r['lost'] else ''}",
                r["input_tokens"], r["output_tokens"], dollars(r["cost_usd"]),
                None if r["share"] is None else f"{100 * r['share']:.0f}%", seconds(r["seconds"]),
            )
            for r in shown
        ],
    )  # fmt: skip
    if len(shown) < len(rounds):
        lines.append(f'rounds: the {len(shown)} with most input of {len(rounds)}; all: part="rounds"')
    lost = sum(r["input_tokens"] or 0 for r in rounds if r["lost"])
    lines += [f"rounds that count for nothing hold {lost} input tokens"] if lost else []
    return lines + [
        f"{name}: {tokens} input tokens stand in no recorded round"
        + (" (one that ended in an ignored vote is overwritten)" if name in data["overwritten"] else "")
        for name, tokens in data["not_in_rounds"].items()
    ]


def _figures(a: dict[str, Any]) -> tuple[object, ...]:
    rate = a.get("cache_hit_rate")
    if "cache_hit_rate" not in a and a["input_tokens"] and a["cached_input_tokens"] is not None:
        rate = a["cached_input_tokens"] / a["input_tokens"]
    shown = None if rate is None else f"{100 * rate:.1f}%"
    return (a["input_tokens"], a["output_tokens"], a["reasoning_tokens"], a["cached_input_tokens"], shown)


TOOL = Tool(
    "cost_and_tokens", "Cost and tokens", cost_and_tokens, render,
    notes=frozenset({"status_stale", "unpriced", "doubled_usage", "floor", "subagents", "backend", "overwritten_rounds", "unrecorded_usage", "begun_again"}),
)  # fmt: skip
