"""status.json (0.1.12 on): the state that MassGen rewrites every two seconds, and its per-agent records."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct, field

from massgen_logs.readers.base import (
    Read,
    as_label,
    as_name,
    by_name,
    integer,
    mapping,
    mappings,
    number,
    read_json,
    text,
    texts,
)


class Usage(Struct, frozen=True):
    """token_usage of an agent, as recorded. Tokens; cost in US dollars, estimated by MassGen."""

    input_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    cost_usd: float | None


class RoundRecord(Struct, frozen=True):
    """One entry of round_history or round_completions; times in Unix seconds; src: file and key."""

    agent: str | None
    round: int | None
    type: str | None
    outcome: str | None
    usage: Usage
    start: float | None
    end: float | None
    src: str


API_ERRORS = frozenset({"api_error", "fatal_api_error"})
"""Reasons of an enforcement entry that say nothing of the agent: the API broke its response off."""


class Enforcement(Struct, frozen=True):
    """One entry of reliability.enforcement_attempts: a response that MassGen refused."""

    round: int | None
    attempt: int | None
    max_attempts: int | None
    reason: str
    tool_calls: tuple[str, ...]
    error: str | None
    buffer_preview: str | None
    buffer_chars: int
    t: float | None
    src: str = ""

    @property
    def is_api_error(self) -> bool:
        """Not the agent's response was refused: the API broke it off."""
        return self.reason in API_ERRORS

    @property
    def is_set_up(self) -> bool:
        """An MCP server's set-up failed and the response went on without its tools: nothing was refused."""
        return self.reason == "mcp_disconnected"

    @property
    def is_retried(self) -> bool:
        """MassGen asked again after it; the last attempt's failure ends the agent instead."""
        last = self.attempt is not None and self.max_attempts is not None and self.attempt >= self.max_attempts
        return not (last or self.is_set_up or self.reason == "fatal_api_error")

    @property
    def is_fairness_gate(self) -> bool:
        """The fairness gate refused a vote that was cast before the newest answers were seen."""
        return self.reason == "fairness_terminal_wait"


class AgentStatus(Struct, frozen=True):
    """agents.ID. `reliability_recorded` tells whether the version writes the key at all (null is: no event)."""

    status: str | None
    answer_count: int | None
    latest_label: str | None
    voted_for: str | None
    times_restarted: int | None
    error: str | None
    usage: Usage | None
    rounds: tuple[RoundRecord, ...]
    reliability_recorded: bool
    enforcement: tuple[Enforcement, ...]
    chars_lost: int | None
    unknown_tools: tuple[str, ...]


class StoredAnswer(Struct, frozen=True):
    """One entry of historical_workspaces: which answer label belongs to which time-stamped folder."""

    agent: str
    label: str | None
    stamp: str


class Status(Struct):
    """status.json; every field is None or empty where the file or the version lacks it. Times in Unix seconds."""

    finish_reason: str | None = None
    finish_details: str | None = None
    last_updated: float | None = None
    start_time: float | None = None
    elapsed_s: float | None = None
    question: str | None = None
    phase: str | None = None
    completion: float | None = None
    agents: dict[str, AgentStatus] = field(default_factory=dict[str, AgentStatus])
    votes: dict[str, int] = field(default_factory=dict[str, int])
    winner: str | None = None
    total_cost: float | None = None
    tool_failures: int | None = None
    stored: tuple[StoredAnswer, ...] = ()


def read(path: Path | None) -> Read[Status]:
    """Read status.json."""
    doc = read_json(path)
    data = doc.value
    if not data:
        return Read(Status(), doc.source, doc.problems)
    meta, coordination, results = (
        mapping(data.get("meta")),
        mapping(data.get("coordination")),
        mapping(data.get("results")),
    )
    status = Status(
        finish_reason=text(data.get("finish_reason")),
        finish_details=text(data.get("finish_reason_details")),
        last_updated=number(meta.get("last_updated")),
        start_time=number(meta.get("start_time")),
        elapsed_s=number(meta.get("elapsed_seconds")),
        question=text(meta.get("question")),
        phase=text(coordination.get("phase")),
        completion=number(coordination.get("completion_percentage")),
        agents={name: _agent(name, mapping(value)) for name, value in by_name(data.get("agents")).items()},
        votes={label: n for label, value in by_name(results.get("votes")).items() if (n := integer(value)) is not None},
        winner=as_name(results.get("winner")),
        total_cost=number(mapping(data.get("costs")).get("total_estimated_cost")),
        tool_failures=integer(mapping(data.get("tools")).get("total_failures")),
        stored=tuple(
            StoredAnswer(agent, text(entry.get("answerLabel")), stamp)
            for entry in mappings(data.get("historical_workspaces"))
            if (agent := as_name(entry.get("agentId"))) and (stamp := text(entry.get("timestamp")))
        ),
    )
    return Read(status, doc.source, doc.problems)


def usage_of(data: dict[str, object]) -> Usage:
    """The token and cost keys that token_usage, round_history and metrics files share."""
    return Usage(
        integer(data.get("input_tokens")), integer(data.get("output_tokens")), integer(data.get("reasoning_tokens")),
        integer(data.get("cached_input_tokens")), number(data.get("estimated_cost")),
    )  # fmt: skip


def round_of(data: dict[str, object], src: str) -> RoundRecord:
    """One round_history or round_completions entry, which stands at `src`."""
    return RoundRecord(
        as_name(data.get("agent_id")), integer(data.get("round_number")), text(data.get("round_type")),
        text(data.get("outcome")), usage_of(data), number(data.get("start_time")), number(data.get("end_time")),
        src,
    )  # fmt: skip


def _agent(name: str, data: dict[str, object]) -> AgentStatus:
    vote, reliability = mapping(data.get("vote_cast")), mapping(data.get("reliability"))
    usage = mapping(data.get("token_usage"))
    return AgentStatus(
        status=text(data.get("status")),
        answer_count=integer(data.get("answer_count")),
        latest_label=as_label(data.get("latest_answer_label")),
        voted_for=as_name(vote.get("voted_for_agent")),
        times_restarted=integer(data.get("times_restarted")),
        error=text(data.get("error")),
        usage=usage_of(usage) if usage else None,
        rounds=tuple(
            round_of(entry, f"status.json#agents.{name}.round_history[{index}]")
            for index, entry in enumerate(mappings(data.get("round_history")))
        ),
        reliability_recorded="reliability" in data,
        enforcement=tuple(
            _enforcement(entry, f"status.json#agents.{name}.reliability.enforcement_attempts[{index}]")
            for index, entry in enumerate(mappings(reliability.get("enforcement_attempts")))
        ),
        chars_lost=integer(reliability.get("total_buffer_chars_lost")),
        unknown_tools=tuple(texts(reliability.get("unknown_tools"))),
    )


def _enforcement(data: dict[str, object], src: str) -> Enforcement:
    return Enforcement(
        integer(data.get("round")), integer(data.get("attempt")), integer(data.get("max_attempts")),
        text(data.get("reason")) or "unknown", tuple(texts(data.get("tool_calls"))), text(data.get("error_message")),
        text(data.get("buffer_preview")), integer(data.get("buffer_chars")) or 0, number(data.get("timestamp")), src,
    )  # fmt: skip
