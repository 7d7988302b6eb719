"""The columns of `records`: Logfire's names, so that a query runs on both, and what this log reader puts in each."""

from __future__ import annotations

from msgspec import Struct, field

LEVELS = ("trace", "debug", "info", "notice", "warn", "error", "fatal")


class Column(Struct, frozen=True):
    """name and meaning as in Logfire; type: DuckDB's."""

    name: str
    type: str
    meaning: str


COLUMNS: tuple[Column, ...] = (
    Column("start_timestamp", "TIMESTAMPTZ", "when it began (UTC)"),
    Column("end_timestamp", "TIMESTAMPTZ", "when it ended; of a log its own time"),
    Column("duration", "DOUBLE", "seconds; null for a log, and where an end is not recorded"),
    Column("trace_id", "VARCHAR", "one trace an attempt; the same log gives the same id"),
    Column("span_id", "VARCHAR", "16 hexadecimal digits, the same for the same log"),
    Column("parent_span_id", "VARCHAR", "null for coordination.session"),
    Column("kind", "VARCHAR", "span (has a duration) or log (a moment)"),
    Column("span_name", "VARCHAR", "low-cardinality name, as MassGen gives it"),
    Column("message", "VARCHAR", "what happened, in one line"),
    Column("level", "level", "info, warn or error; compares in that order"),
    Column("is_exception", "BOOLEAN", "an agent or API error, a lost server, a timeout"),
    Column("exception_type", "VARCHAR", "kind of the incident, such as api_error"),
    Column("exception_message", "VARCHAR", "its text"),
    Column("exception_stacktrace", "VARCHAR", "null: logs hold none"),
    Column("attributes", "JSON", "MassGen's attributes, and massgen_logs.* of this reader"),
    Column("tags", "VARCHAR[]", "empty"),
    Column("otel_status_code", "VARCHAR", "ERROR for what failed, else UNSET"),
    Column("otel_status_message", "VARCHAR", "why it failed"),
    Column("otel_scope_name", "VARCHAR", "massgen-logs"),
    Column("service_name", "VARCHAR", "massgen"),
    Column("service_version", "VARCHAR", "MassGen's version, null where the log has none"),
    Column("deployment_environment", "VARCHAR", "null: logs hold none"),
    Column("day", "DATE", "of start_timestamp, UTC"),
)
NAMES = tuple(column.name for column in COLUMNS)

SPANS: tuple[tuple[str, str], ...] = (
    ("coordination.session", "the attempt; massgen.task, massgen.agent_ids, massgen.log_path, massgen_logs.session/turn/attempt/state/winner/cost_usd"),
    ("agent.ID.round_N", "one execution of an agent; massgen.agent_id, .round, .round_type, .num_context_answers, .context_labels, .outcome, "
     ".answer_label, .voted_for, .voted_for_label, .error_message, .usage.input/.output/.reasoning/.cached_input/.cost (of this round alone)"),
    ("agent.ID.presentation", "the winner's final presentation; massgen.is_winner, massgen.vote_count, massgen.usage.*"),
    ("mcp.SERVER.TOOL, tool.NAME", "a tool call, under its agent's round; tool.name, tool.success (by its own result), tool.execution_time_ms, "
     "tool.input_preview, tool.output_chars, massgen_logs.outcome, massgen_logs.exit_code, massgen_logs.recorded_success (MassGen's word)"),
    ("Tool execution: NAME", "the same call as a log at its end"),
    ("Agent answer: LABEL · Agent vote: A -> LABEL · Agent restart: {agent_id} (reason: {reason})", "what MassGen's tracker emits"),
    ("Agent vote ignored · Agent vote refused · Agent injection · Agent enforcement", "what no span of MassGen tells"),
    ("Coordination event: coordination_started / winner_selected · Winner selected: LABEL · Final answer from ID", "as MassGen names them"),
    ("Incident: KIND", "agent_error, api_error, server_died, timeout ...: is_exception is true"),
)  # fmt: skip
ABSENT = (
    "llm.PROVIDER.stream: no file of a log tree holds single model requests, so there are none, in any version",
    "massgen.iteration: a scheduler's poll counter",
)


class Record(Struct):
    """One row. Times in Unix seconds; attributes as plain values. `where` is what massgen_logs.source says."""

    trace_id: str
    span_id: str
    parent_span_id: str | None
    kind: str
    span_name: str
    message: str
    start: float
    end: float | None
    where: str
    level: str = "info"
    error: str | None = None
    exception: tuple[str, str] | None = None
    version: str | None = None
    attributes: dict[str, object] = field(default_factory=dict[str, object])


def text() -> str:
    """The schema as agents and people read it."""
    lines = ["records: one row a span or log, of every attempt of the logs asked for", ""]
    lines += [f"{c.name} {c.type}: {c.meaning}" for c in COLUMNS]
    lines += [
        "",
        "Spans and their attributes (attributes->>'massgen.agent_id', (attributes->'massgen.usage.input')::int):",
        "",
    ]
    lines += [f"{name}: {what}" for name, what in SPANS]
    lines += [
        "",
        "Every row has massgen_logs.source: the file (and line or key) it was read from. Never there:",
        "",
        *ABSENT,
    ]
    return "\n".join(lines)
