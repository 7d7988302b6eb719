"""Tokens and cost of both sides: MassGen's spans hold each agent's usage so far, the logs' records that of a round."""

from __future__ import annotations

from collections.abc import Sequence

from massgen_logs.records.chosen import Chosen, pairs_of_rounds
from massgen_logs.records.received import Received, number
from massgen_logs.records.schema import Record
from massgen_logs.records.verdicts import Book
from massgen_logs.run.model import Run, Usage

MEASURES = ("input", "output", "reasoning", "cached_input", "cost")
_DOLLARS = 0.000002


def compare(book: Book, run: Run, local: Sequence[Record], chosen: Chosen) -> None:
    """Compare the totals of each agent, then each round's own usage."""
    holding = [span for span in chosen.spans if span.name.startswith("agent.") or not span.name]
    holding = [span for span in holding if any(span.number(f"massgen.usage.{m}") is not None for m in MEASURES)]
    if not holding:
        if run.usage:
            book.unchecked("usage", "massgen.usage.*", len(run.usage))
        return
    agents: dict[str, list[Received]] = {}
    for span in holding:
        agents.setdefault(span.text("massgen.agent_id") or _agent_of(span.name), []).append(span)
    for agent, own in agents.items():
        use = run.usage.get(agent)
        running = _running(local, agent)
        for measure in MEASURES:
            values = [(value, span) for span in own if (value := span.number(f"massgen.usage.{measure}")) is not None]
            if not values or use is None:
                continue
            value, span = max(values, key=lambda pair: pair[0])
            value = sum(v for v, _ in values) if chosen.exported else value
            ours, unit = recorded(use.recorded, measure), "USD" if measure == "cost" else "tokens"
            within = _DOLLARS if measure == "cost" else 0.0
            reason = None
            if use.corrected is not None and recorded(use.corrected, measure) == value:
                reason = "doubled_usage"
            elif ours is not None and value > ours and abs(value - sum(running[measure])) <= within:
                reason = "cumulative_usage"
            book.check(
                "usage",
                agent,
                measure,
                ours,
                value,
                unit,
                within=within,
                at=(f"token_usage of {agent}", span.row),
                reason=reason,
            )
    _rounds(book, local, chosen)


def _agent_of(name: str) -> str:
    return name.removeprefix("agent.").rpartition(".")[0]


def recorded(usage: Usage, measure: str) -> float | None:
    """A measure of a recorded usage."""
    return {
        "input": usage.input_tokens, "output": usage.output_tokens, "reasoning": usage.reasoning_tokens,
        "cached_input": usage.cached_input_tokens, "cost": usage.cost_usd,
    }[measure]  # fmt: skip


def _running(local: Sequence[Record], agent: str) -> dict[str, list[float]]:
    """The running totals of an agent after each of its rounds."""
    found: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    for record in local:
        if record.span_name.startswith("agent.") and record.attributes.get("massgen.agent_id") == agent:
            for measure, totals in found.items():
                value = number(record.attributes.get(f"massgen.usage.{measure}"))
                if value is not None:
                    totals.append((totals[-1] if totals else 0.0) + value)
    return found


def _rounds(book: Book, local: Sequence[Record], chosen: Chosen) -> None:
    """A round's usage is the step from its agent's running total before it; that of spans made from logs is its own."""
    before: dict[tuple[str, str], float] = {}
    waiting: dict[tuple[str, str], float | None] = {}
    for ours, span in pairs_of_rounds(local, chosen.spans):
        if ours is None:
            continue
        agent = str(ours.attributes.get("massgen.agent_id"))
        for measure in MEASURES:
            key = (agent, measure)
            own, gathered = number(ours.attributes.get(f"massgen.usage.{measure}")), waiting.get(key, 0.0)
            waiting[key] = None if own is None or gathered is None else gathered + own
            value = None if span is None else span.number(f"massgen.usage.{measure}")
            if span is None or value is None:
                continue
            step = value if chosen.exported else value - before.get(key, 0.0)
            cost = measure == "cost"
            book.check(
                "usage of a round", ours.span_name, measure, waiting[key], round(step, 6) if cost else step, "USD" if cost else "tokens",
                within=_DOLLARS if cost else 0.0, at=(ours.where, span.row),
            )  # fmt: skip
            before[key], waiting[key] = value, 0.0
