"""logfire_queries: what to ask Logfire about this run, and how."""

from __future__ import annotations

from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from massgen_logs.errors import MassgenLogError
from massgen_logs.tools.base import Result, Tool, require

if TYPE_CHECKING:
    from massgen_logs.records.logfire import Query
    from massgen_logs.run.model import Run


class LogfireQueries(Struct, frozen=True):
    """logfire: whether the run was made with --logfire, None where that isn't recorded. window: UTC, ISO 8601. age_minutes: from
    its beginning to now, for the old tool. too_old: the run began more than 14 days ago. call: how to ask."""

    logfire: bool | None
    window_start: str
    window_end: str
    age_minutes: int
    too_old: bool
    queries: list[Query]
    call: list[str]


def logfire_queries(
    run: Run,
    question: Annotated[str | None, "rounds, tools, usage ..."] = None,
) -> Result:
    """Ready SQL for Logfire about this run, and the MCP tool to give it to.

    Args:
        run: the run.
        question: one of QUESTIONS; all of them by default.
    """
    from massgen_logs.records.logfire import LONGEST, QUESTIONS, queries, stamp, window

    if question is not None:
        require("question", question, list(QUESTIONS), "question")
    around = window(run)
    if around is None:
        raise MassgenLogError(
            "No file of this attempt tells when it ran, so no window can be given. Next: run_overview."
        )
    age = datetime.now(UTC) - around[0]
    minutes, too_old = max(1, ceil(age.total_seconds() / 60)), age > LONGEST
    start, end = map(stamp, around)
    call = [
        f"query_run (hosted server; whatever its prefix): the SQL, and {start} to {end} as its start_timestamp and end_timestamp "
        "(or min_ and max_: see its schema); by itself it looks back 30 minutes; a window may be 14 days long",
        f"arbitrary_query (old logfire-mcp): the SQL, and age={minutes} (minutes)",
        "project_logfire_link (old: logfire_link) with the trace_id makes a link to share",
        "on a rate limit wait up to 60 s and call again; don't fall back to other data for it",
        "better asked locally: commands, exit codes, ignored votes, refused responses, corrected tokens; better of Logfire: "
        "stack traces, times of model requests, runs of other machines, live runs, links",
    ]
    if too_old:
        call.insert(
            0,
            "the run began more than 14 days ago: without the window nothing is found; if it is refused or empty, ask query_records",
        )
    return Result(
        LogfireQueries(run.logfire, start, end, minutes, too_old, queries(run, around, question), call),
        next=("query_records", "reconcile"),
    )  # fmt: skip


def render(data: Any) -> list[str]:
    """How to call, then each query in a fence; only their names for a run that sent nothing."""
    said = {
        True: "made with --logfire",
        False: "NOT made with --logfire: expect no rows",
        None: "--logfire not recorded",
    }
    lines = [f"{said[data['logfire']]} · window (UTC): {data['window_start']} to {data['window_end']}"]
    lines += [f"- {line}" for line in data["call"]]
    if data["logfire"] is False and len(data["queries"]) > 1:  # why should anybody read SQL that finds nothing
        lines += [f"- {query['id']}: {query['asks']}?" for query in data["queries"]]
        return [*lines, 'the SQL of one: question="rounds"']
    for query in data["queries"]:
        lines += [f"{query['id']}: {query['asks']}? {query['note']}", "```sql", query["sql"], "```"]
    return lines


TOOL = Tool("logfire_queries", "SQL for Logfire", logfire_queries, render, parts=False)
