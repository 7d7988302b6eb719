"""metrics_events.json (0.1.24 on; written at the end): one entry per tool execution and per completed round."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from massgen_logs.readers.base import Read, as_name, integer, mappings, number, read_json, text
from massgen_logs.readers.status_json import RoundRecord, round_of


class ToolExecution(Struct, frozen=True):
    """One tool_executions entry: times in Unix seconds, sizes in characters; grouped by agent, in order of completion.

    The file's `success` only says that the MCP call returned, and isn't read.
    """

    tool: str
    agent: str | None
    call_id: str | None
    start: float | None
    end: float | None
    error: str | None
    output_chars: int | None = None


class MetricsEvents(Struct):
    """The two lists of metrics_events.json."""

    tools: list[ToolExecution] = field(default_factory=list[ToolExecution])
    rounds: list[RoundRecord] = field(default_factory=list[RoundRecord])


def read(path: Path | None) -> Read[MetricsEvents]:
    """Read metrics_events.json."""
    doc = read_json(path)
    value = MetricsEvents(
        [_tool(entry) for entry in mappings(doc.value.get("tool_executions"))],
        [
            round_of(entry, f"metrics_events.json#round_completions[{index}]")
            for index, entry in enumerate(mappings(doc.value.get("round_completions")))
        ],
    )
    if doc.source:
        doc.source.rows = len(value.tools) + len(value.rounds)
    return Read(value, doc.source, doc.problems)


def _tool(data: dict[str, object]) -> ToolExecution:
    return ToolExecution(
        as_name(data.get("tool_name")) or "?", as_name(data.get("agent_id")), text(data.get("call_id")), number(data.get("start_time")),
        number(data.get("end_time")), text(data.get("error_message")), integer(data.get("output_chars")),
    )  # fmt: skip
