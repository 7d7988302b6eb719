"""read_status_reliability: which responses MassGen refused, how often, and what was lost with them.

One failure can be two events: an API error gives `api_error` and `no_tool_calls` of the same attempt and buffer; its
characters are then counted twice in MassGen's total. The fatal last attempt of a killed agent is no event.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from massgen_logs.analysis.voting import count
from massgen_logs.run.model import Enforcement, Run


@dataclass(slots=True)
class AgentReliability:
    """recorded: reason to events; incidents: reason to failures (a doubled one once, under api_error).

    buffer_chars_lost: MassGen's total; buffer_chars_lost_distinct: each incident once. by_round: coordination round to
    reasons. None everywhere: this version records nothing.
    """

    recorded: dict[str, int] | None
    incidents: dict[str, int] | None
    retries: int | None
    buffer_chars_lost: int | None
    buffer_chars_lost_distinct: int | None
    refused_as_text: int
    """Votes whose third refusal by the fairness gate is no event, only a text and a forced restart."""
    unknown_tools: list[str]
    by_round: dict[str, dict[str, int]]
    error: str | None
    events: list[Enforcement] = field(default_factory=list[Enforcement])


@dataclass(frozen=True, slots=True)
class Reliability:
    """recorded: whether the version writes enforcement records at all."""

    recorded: bool
    agents: dict[str, AgentReliability]
    red_flags: list[str]


def reliability(run: Run) -> Reliability:
    """Per agent, with red flags: two retries in a round, more than 5,000 characters lost, unknown tools."""
    agents: dict[str, AgentReliability] = {}
    flags: list[str] = []
    for name, agent in run.agents.items():
        unknown = run.unknown_tools.get(name, [])
        error = agent.error
        told = sum(m.kind == "vote_refused" and m.agent == name for m in run.moments)
        if run.enforcement is None:
            agents[name] = AgentReliability(None, None, None, None, None, told, unknown, {}, error)
            continue
        events = list(run.enforcement.get(name, ()))
        distinct = incidents(events)
        by_round: dict[str, dict[str, int]] = {}
        for event in distinct:
            reasons = by_round.setdefault(str(event.round), {})
            reasons[event.reason] = reasons.get(event.reason, 0) + 1
        lost = run.chars_lost.get(name, 0)
        once = sum(event.buffer_chars for event in distinct)
        agents[name] = AgentReliability(
            count([event.reason for event in events]), count([event.reason for event in distinct]), len(events),
            lost, once, told, unknown, by_round, error, events,
        )  # fmt: skip
        flags += [
            f"{name} round {number}: {sum(reasons.values())} refused responses ({', '.join(reasons)})"
            for number, reasons in by_round.items()
            if sum(reasons.values()) >= 2
        ]
        if once > 5000:
            flags.append(f"{name}: {once} characters of content lost")
        if unknown:
            flags.append(f"{name} called unknown tools: {', '.join(unknown)}")
    return Reliability(run.enforcement is not None, agents, flags)


def incidents(events: list[Enforcement]) -> list[Enforcement]:
    """The events without the second one of a doubled failure."""
    found: list[Enforcement] = []
    for event in events:
        twin = found[-1] if found else None
        doubled = (
            twin is not None
            and twin.reason == "api_error"
            and event.reason == "no_tool_calls"
            and (twin.round, twin.attempt, twin.buffer_chars) == (event.round, event.attempt, event.buffer_chars)
        )
        if not doubled:
            found.append(event)
    return found
