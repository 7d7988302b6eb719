"""read_status_reliability: which responses MassGen refused, and what was lost."""

from __future__ import annotations

from typing import Any

from massgen_logs.analysis.reliability import reliability
from massgen_logs.run.model import Run
from massgen_logs.text.clean import flat
from massgen_logs.text.table import counts, table
from massgen_logs.tools.base import Result, Tool

_EVENTS = 16
_FLAGS = 10


def read_status_reliability(run: Run) -> Result:
    """Tell which responses MassGen refused (enforcement), by agent, reason and round, with the content lost; a failure
    that is recorded twice is also given as one incident.

    Args:
        run: the run.
    """
    return Result(reliability(run), next=('read_trace(agent=..., contains="Retry")',))


def render(data: Any) -> list[str]:
    """One row an agent, its events, the red flags."""
    if not data["recorded"]:
        lines = ["this version keeps no enforcement record in status.json: counts are unknown, not zero"]
    else:
        rows = [
            (name, counts(a["recorded"]), counts(a["incidents"]), a["retries"], a["buffer_chars_lost"], a["buffer_chars_lost_distinct"],
             ", ".join(a["unknown_tools"]))
            for name, a in data["agents"].items()
        ]  # fmt: skip
        lines = table(
            (
                "agent",
                "recorded events",
                "incidents",
                "retries",
                "chars lost (recorded)",
                "chars lost (once)",
                "unknown tools",
            ),
            rows,
        )
        events = [(name, event) for name, agent in data["agents"].items() for event in agent["events"]]
        lines += [
            f"- {name} round {e['round']} attempt {e['attempt']}/{e['max_attempts']} {e['reason']}: {flat(e['error'] or '', 120)}"
            + (f" (called {flat(', '.join(e['tool_calls']), 60)})" if e["tool_calls"] else "")
            for name, e in events[:_EVENTS]
        ]
        lines += (
            [f'- shown {_EVENTS} of {len(events)} events; all of an agent: part="agents.ID.events"']
            if len(events) > _EVENTS
            else []
        )
        lines += [
            f"- {name}: {agent['refused_as_text']} more refusals are no event, only a text and a forced restart"
            for name, agent in data["agents"].items()
            if agent["refused_as_text"]
        ]
    flags = data["red_flags"]
    lines += [f"red flag: {flat(flag, 200)}" for flag in flags[:_FLAGS]] or ["red flags: none"]
    return lines + ([f'{len(flags) - _FLAGS} more red flags: part="red_flags"'] if len(flags) > _FLAGS else [])


TOOL = Tool("read_status_reliability", "Enforcement and reliability", read_status_reliability, render)
