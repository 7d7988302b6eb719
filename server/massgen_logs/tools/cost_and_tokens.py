"""cost_and_tokens: tokens and cost per agent."""

from __future__ import annotations

from typing import Any

from massgen_logs.analysis.costs import costs
from massgen_logs.run.model import Run
from massgen_logs.text.clean import flat
from massgen_logs.text.table import dollars, table
from massgen_logs.tools.base import Result, Tool


def cost_and_tokens(run: Run) -> Result:
    """Give tokens, cost and cache rate of each agent as MassGen recorded them, corrected figures where the log proves them
    doubled or cumulative, what is unpriced, and sub-agents.

    Args:
        run: the run.
    """
    return Result(costs(run), next=("run_overview",))


def render(data: Any) -> list[str]:
    """One row an agent, corrections, the total, sub-agents."""
    if not data["recorded"]:
        return ["this version records no tokens and no cost: unknown, not zero"]
    lines = table(
        ("agent", "input", "output", "reasoning", "cached", "cache rate", "cost"),
        [(name, *_figures(a), dollars(a["cost_usd"])) for name, a in data["agents"].items()]
        + [
            (
                "total",
                *_figures(data["total"]),
                dollars(data["total"]["cost_usd"]) + (" (a floor)" if data["total"]["floor"] else ""),
            )
        ],
    )
    for name, agent in data["agents"].items():
        if fixed := agent["corrected"]:
            lines.append(
                f"corrected {name}: input {fixed['input_tokens']}, output {fixed['output_tokens']}, reasoning "
                f"{fixed['reasoning_tokens']}, cached {fixed['cached_input_tokens']}, cost {dollars(fixed['cost_usd'])}: {fixed['why']}",
            )
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


def _figures(a: dict[str, Any]) -> tuple[object, ...]:
    rate = a.get("cache_hit_rate")
    if "cache_hit_rate" not in a and a["input_tokens"] and a["cached_input_tokens"] is not None:
        rate = a["cached_input_tokens"] / a["input_tokens"]
    shown = None if rate is None else f"{100 * rate:.1f}%"
    return (a["input_tokens"], a["output_tokens"], a["reasoning_tokens"], a["cached_input_tokens"], shown)


TOOL = Tool(
    "cost_and_tokens", "Cost and tokens", cost_and_tokens, render,
    notes=frozenset({"unpriced", "doubled_usage", "floor", "subagents", "backend", "overwritten_rounds"}),
)  # fmt: skip
