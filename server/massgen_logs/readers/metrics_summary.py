"""metrics_summary.json (0.1.24 on; written at the end): usage and cost per agent, sub-agents, tool totals."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from massgen_logs.readers.base import Read, as_name, by_name, integer, mapping, mappings, number, read_json, text
from massgen_logs.readers.status_json import RoundRecord, Usage, round_of, usage_of


class Subagent(Struct, frozen=True):
    """One entry of subagents.subagents. `status` is the child's phase, which says nothing of its success."""

    id: str
    status: str | None
    usage: Usage
    elapsed_s: float | None
    api_calls: int | None
    src: str = ""


class Metrics(Struct):
    """metrics_summary.json; total_cost includes sub-agents, the token totals do not."""

    winner: str | None = None
    question: str | None = None
    total_cost: float | None = None
    tool_failures: int | None = None
    usage: dict[str, Usage] = field(default_factory=dict[str, Usage])
    rounds: dict[str, tuple[RoundRecord, ...]] = field(default_factory=dict[str, tuple[RoundRecord, ...]])
    subagents: tuple[Subagent, ...] = ()


def read(path: Path | None) -> Read[Metrics]:
    """Read metrics_summary.json."""
    doc = read_json(path)
    data = doc.value
    meta, totals, agents = mapping(data.get("meta")), mapping(data.get("totals")), by_name(data.get("agents"))
    metrics = Metrics(
        winner=as_name(meta.get("winner")),
        question=text(meta.get("question")),
        total_cost=number(totals.get("estimated_cost")),
        tool_failures=integer(mapping(data.get("tools")).get("total_failures")),
        usage={
            name: usage_of(usage)
            for name, value in agents.items()
            if (usage := mapping(mapping(value).get("token_usage")))
        },
        rounds={
            name: tuple(
                round_of(entry, f"metrics_summary.json#agents.{name}.round_history[{index}]")
                for index, entry in enumerate(mappings(mapping(value).get("round_history")))
            )
            for name, value in agents.items()
        },
        subagents=tuple(
            _subagent(entry, f"metrics_summary.json#subagents.subagents[{index}]")
            for index, entry in enumerate(mappings(mapping(data.get("subagents")).get("subagents")))
        ),
    )
    return Read(metrics, doc.source, doc.problems)


def _subagent(data: dict[str, object], src: str) -> Subagent:
    return Subagent(
        text(data.get("subagent_id")) or "?", text(data.get("status")), usage_of(data),
        number(data.get("elapsed_seconds")), integer(mapping(data.get("api_timing")).get("total_calls")), src,
    )  # fmt: skip
