"""All tools, in the order in which an agent needs them. A module is imported only when its tool is asked for."""

from __future__ import annotations

from importlib import import_module

from massgen_logs.tools.base import Tool

NAMES = (
    "list_logs", "run_overview", "coordination_timeline", "repeated_commands", "vote_reasons", "read_status_reliability",
    "cost_and_tokens", "time_breakdown", "duplicated_work", "answer_progression", "find_errors", "compare_runs",
    "read_trace", "query_records", "logfire_queries", "reconcile", "draft_report", "write_report", "watch_run",
)  # fmt: skip


def get(name: str) -> Tool:
    """The tool of that name.

    Raises:
        KeyError: for a name that is not in NAMES.
    """
    if name not in NAMES:
        raise KeyError(name)
    return import_module(f"massgen_logs.tools.{name}").TOOL
