"""Ready SQL for Logfire about one attempt: its trace by log path and time, a window, a limit, and MassGen's quirks left out.

Known of MassGen's spans (0.1.97): each run has an orphan coordination.session of 0.01 s in a trace of its own with one
GeneratorExit; pending spans double each span; usage is the agent's sum so far, so its maximum is the total; a tool call
has an mcp_tool.* span, an mcp.* span and a log; tool and model spans hang under the session and not under their round;
a model span ends when its stream begins.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec import Struct

from massgen_logs.run.model import Run

MARGIN = timedelta(minutes=10)
LONGEST = timedelta(days=14)
"""The longest window that the hosted query_run takes."""


class Query(Struct, frozen=True):
    """id: the question; asks: in words; sql: to be run as it stands; note: how to read what comes back."""

    id: str
    asks: str
    sql: str
    note: str


_AGENT = "attributes->>'massgen.agent_id' AS agent"
_QUERIES: tuple[Query, ...] = (
    Query(
        "trace", "Which trace is this run",
        "SELECT trace_id, duration, start_timestamp FROM records WHERE {session} ORDER BY duration DESC LIMIT 5",
        "no row: the run was made without --logfire, or in another project",
    ),
    Query(
        "hierarchy", "What hangs under what",
        "SELECT span_name, span_id, parent_span_id, duration, start_timestamp FROM records WHERE {here} "
        "ORDER BY start_timestamp LIMIT 500",
        "tool and model spans hang under the session: their round is told by massgen.agent_id and time",
    ),
    Query(
        "rounds", "How long did each agent's round take",
        f"SELECT span_name, duration, {_AGENT}, attributes->>'massgen.round_type' AS round_type, "
        "attributes->>'massgen.outcome' AS outcome FROM records WHERE {here} AND span_name LIKE 'agent.%' "
        "ORDER BY start_timestamp LIMIT 200",
        "several spans may have the same round number: a restart does not raise it",
    ),
    Query(
        "tools", "Which tool calls were slow",
        f"SELECT span_name, duration, {_AGENT}, attributes->>'tool.input_preview' AS input, start_timestamp FROM records "
        "WHERE {here} AND span_name LIKE 'mcp.%' ORDER BY duration DESC LIMIT 50",
        "mcp.* only: mcp_tool.* and 'Tool execution:' are the same calls; tool.success is true for an exit code of 1",
    ),
    Query(
        "errors", "What raised an exception",
        "SELECT span_name, exception_type, exception_message, otel_status_message, start_timestamp FROM records "
        "WHERE {here} AND (is_exception OR otel_status_code = 'ERROR') ORDER BY start_timestamp LIMIT 100",
        "a failing command is no exception for MassGen: find_errors has it",
    ),
    Query(
        "llm", "How long did the models take",
        "SELECT span_name, (attributes->'duration')::float AS seconds, attributes->>'gen_ai.usage.input_tokens' AS input, "
        "attributes->>'gen_ai.usage.output_tokens' AS output, start_timestamp FROM records "
        "WHERE {here} AND span_name LIKE 'streaming response from%' ORDER BY start_timestamp LIMIT 200",
        "llm.* spans last only until the stream begins; OpenAI-compatible backends alone write these logs, some late",
    ),
    Query(
        "usage", "Tokens and cost of each agent",
        f"SELECT {_AGENT}, MAX((attributes->'massgen.usage.input')::bigint) AS input_tokens, "
        "MAX((attributes->'massgen.usage.output')::bigint) AS output_tokens, "
        "MAX((attributes->'massgen.usage.cost')::float) AS cost_usd FROM records WHERE {here} AND span_name LIKE 'agent.%' "
        "AND attributes->>'massgen.usage.input' IS NOT NULL GROUP BY 1 ORDER BY 1 LIMIT 50",
        "the maximum, not the sum: each span has the agent's usage so far (records of query_records: the sum)",
    ),
    Query(
        "timeline", "Answers, votes and the winner in order",
        "SELECT span_name, message, start_timestamp FROM records WHERE {here} AND (span_name LIKE 'Coordination event:%' "
        "OR span_name LIKE 'Agent answer:%' OR span_name LIKE 'Agent vote:%' OR span_name LIKE 'Winner selected:%' "
        "OR span_name LIKE 'Final answer%') ORDER BY start_timestamp LIMIT 200",
        "ignored and refused votes have no span: vote_reasons has them",
    ),
)  # fmt: skip
QUESTIONS = tuple(query.id for query in _QUERIES)


def window(run: Run) -> tuple[datetime, datetime] | None:
    """From ten minutes before the run to ten minutes after it; None where no file tells when it was."""
    if run.started is None:
        return None
    end = run.ended if run.ended is not None else run.ending.last_sign
    try:
        first = datetime.fromtimestamp(run.started, UTC)
        last = datetime.fromtimestamp(max(end or 0.0, run.started + (run.duration_s or 0.0)), UTC)
        return first - MARGIN, last + MARGIN
    except (ValueError, OverflowError, OSError):  # a log may hold any number
        return None


def queries(run: Run, around: tuple[datetime, datetime], question: str | None) -> list[Query]:
    """All queries, or the one asked for, each complete in itself."""
    start, end = (stamp(time) for time in around)
    session = (
        f"start_timestamp BETWEEN '{start}' AND '{end}' AND span_name = 'coordination.session' "
        f"AND attributes->>'massgen.log_path' LIKE '%{_path(run)}%'"
    )
    here = (
        f"start_timestamp BETWEEN '{start}' AND '{end}' AND kind <> 'pending_span' "
        f"AND trace_id IN (SELECT trace_id FROM records WHERE {session})"
    )
    return [
        Query(query.id, query.asks, query.sql.replace("{session}", session).replace("{here}", here), query.note)
        for query in _QUERIES
        if question in {None, query.id}
    ]


def stamp(time: datetime) -> str:
    """ISO 8601 in UTC, whole seconds."""
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


def _path(run: Run) -> str:
    """The log's path from its session on, as the end of massgen.log_path."""
    below = run.path.replace("\\", "/").rpartition(run.session)[2].strip("/")
    return f"{run.session}/{below}".rstrip("/").replace("'", "''")
