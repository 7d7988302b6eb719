"""read_status_reliability: which responses MassGen refused, and what was lost."""

from __future__ import annotations

from typing import Any

from massgen_logs.analysis.reliability import reliability
from massgen_logs.run.model import Run
from massgen_logs.text.clean import flat
from massgen_logs.text.table import counts, table
from massgen_logs.tools.base import Result, Tool


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
        for name, agent in data["agents"].items():
            lines += [
                f"- {name} round {e['round']} attempt {e['attempt']}/{e['max_attempts']} {e['reason']}: {flat(e['error'] or '', 160)}"
                + (f" (called {', '.join(e['tool_calls'])})" if e["tool_calls"] else "")
                for e in agent["events"][:12]
            ]
            if agent["refused_as_text"]:
                lines.append(
                    f"- {name}: {agent['refused_as_text']} more refusals are no event, only a text and a forced restart"
                )
            lines += (
                [f"- {name}: {len(agent['events']) - 12} more events in --json"] if len(agent["events"]) > 12 else []
            )
    lines += [f"red flag: {flat(flag, 200)}" for flag in data["red_flags"]]
    return lines if data["red_flags"] else [*lines, "red flags: none"]


TOOL = Tool("read_status_reliability", "Enforcement and reliability", read_status_reliability, render)
