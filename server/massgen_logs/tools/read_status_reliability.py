"""read_status_reliability: which responses MassGen refused, and what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from massgen_logs.text.clean import flat
from massgen_logs.text.table import counts, table
from massgen_logs.tools.base import Result, Tool

if TYPE_CHECKING:
    from massgen_logs.analysis.reliability import Reliability
    from massgen_logs.run.model import Run

_EVENTS = 16
_FLAGS = 10


def read_status_reliability(run: Run) -> Result:
    """Tell which responses MassGen refused (enforcement), by agent, reason and round, with the content lost; a failure
    that is recorded twice is also given as one incident.

    Args:
        run: the run.
    """
    from massgen_logs.analysis.reliability import reliability

    found = reliability(run)
    return Result(found, next=_next(run, found))


def _next(run: Run, found: Reliability) -> tuple[str, ...]:
    """A call that shows the refusals in this version's logs: the words that its text has, of the agent that has most."""
    from massgen_logs.run.model import ANY_AGENT

    most = max(found.agents, key=lambda name: sum((found.agents[name].incidents or {}).values()), default=None)
    if most is None or not found.agents[most].incidents:
        return ("find_errors",)
    if found.recorded:
        return (f'read_trace(agent="{most}", contains="❌ Retry (")',)
    first = next(told for told in run.refused_told or () if told.agent == most)
    named = len(run.agents) == 1 or any(source.file.startswith("agent_outputs/") for source in run.sources)
    agent = most if named else ANY_AGENT
    return (f'read_trace(agent="{agent}", contains="{first.detail[2:32]}")',)


def render(data: Any) -> list[str]:
    """One row an agent, its events, the red flags."""
    from massgen_logs.run.model import ANY_AGENT

    if not data["recorded"]:
        lines = [
            (
                "status.json, which holds the enforcement record, is missing: "
                if data["status_missing"]
                else "this version keeps no enforcement record in status.json: "
            )
            + (
                "counted here is what massgen.log's text tells; characters lost are unknown"
                if data["checkable"]
                else "counts are unknown, not zero"
            )
        ]
        if data["checkable"]:
            rows = [
                (name, counts(a["incidents"]), a["retries"], ", ".join(a["sources"][:3]))
                for name, a in data["agents"].items()
            ]
            lines += table(("agent", "incidents told by text", "retries", "first ones"), rows)
            if ANY_AGENT in data["agents"]:
                lines.append(
                    f'"{ANY_AGENT}": of which agent can\'t be told, lines of two agents lie between each other'
                )
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
    lines += [
        f"- {name}: asked again {agent['retries_unrecorded']} times without any event (massgen.log)"
        for name, agent in data["agents"].items()
        if agent["retries_unrecorded"]
    ]
    flags = data["red_flags"]
    none = "red flags: none" if data["checkable"] else "red flags: not checkable, nothing is recorded"
    lines += [f"red flag: {flat(flag, 200)}" for flag in flags[:_FLAGS]] or [none]
    return lines + ([f'{len(flags) - _FLAGS} more red flags: part="red_flags"'] if len(flags) > _FLAGS else [])


TOOL = Tool(
    "read_status_reliability",
    "Enforcement and reliability",
    read_status_reliability,
    render,
    notes=frozenset({"status_stale"}),
)
