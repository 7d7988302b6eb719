"""read_status_reliability: which responses MassGen refused, how often, and what was lost with them.

One failure can be two events: an API error gives `api_error` and `no_tool_calls` of the same attempt and buffer; its
characters are then counted twice in MassGen's total. The fatal last attempt of a killed agent is no event, or, where the API
failed, one that no retry followed. An MCP server whose set-up failed is an event too, though nothing was refused. A response that
broke off can be tried again without an event (openai up to 0.1.45): then only massgen.log shows that the agent was asked again.
Versions up to 0.1.36 record none of it: there the refusals are counted that massgen.log's text tells (run/refusals.py).
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct, field

from massgen_logs.analysis.voting import count
from massgen_logs.run.model import ANY_AGENT, API_ERRORS, Enforcement, Run

RETRIES_A_ROUND = 2
CHARS_LOST = 5000


class AgentReliability(Struct):
    """recorded: reason to events; incidents: reason to failures (a doubled one once, under api_error); retries: those after
    which MassGen asked again.

    buffer_chars_lost: MassGen's total; buffer_chars_lost_distinct: each incident once. by_round: coordination round to
    reasons. None: not recorded. recorded_as: where the incidents come from, "status.json", "text" (massgen.log) or None
    for nowhere. sources: where the first ones stand, five at most.
    """

    recorded: dict[str, int] | None
    incidents: dict[str, int] | None
    retries: int | None
    buffer_chars_lost: int | None
    buffer_chars_lost_distinct: int | None
    refused_as_text: int
    """Votes whose third refusal by the fairness gate is no event, only a text and a forced restart."""
    retries_unrecorded: int
    """Times that the agent was asked again without any event; only massgen.log of versions up to 0.1.45 is read for them."""
    unknown_tools: list[str]
    by_round: dict[str, dict[str, int]]
    error: str | None
    recorded_as: str | None = None
    sources: list[str] = field(default_factory=list[str])
    events: list[Enforcement] = field(default_factory=list[Enforcement])


class Reliability(Struct, frozen=True):
    """recorded: whether the version writes enforcement records at all; checkable: a record or a text tells of refusals;
    status_missing: the version may write them, but status.json is not there."""

    recorded: bool
    checkable: bool
    status_missing: bool
    agents: dict[str, AgentReliability]
    red_flags: list[str]


class Retries(Struct, frozen=True):
    """An agent that needed two or more retries in a round, or, where only text tells, in one of its executions.

    number: the round, None for text; reasons: to incidents; places: where they stand.
    """

    agent: str
    number: int | None
    reasons: dict[str, int]
    places: list[str]

    @property
    def api_errors(self) -> int:
        """How many of them were failures of the model's API."""
        return sum(n for reason, n in self.reasons.items() if reason in API_ERRORS)

    @property
    def sentence(self) -> str:
        """What was retried, API errors apart."""
        api = self.api_errors
        refused = {reason: n for reason, n in self.reasons.items() if reason not in API_ERRORS}
        parts = [f"{api} API error{'s' * (api != 1)}"] if api else []
        parts += [f"{sum(refused.values())} refused: {', '.join(refused)}"] if refused else []
        when = "as massgen.log's text tells" if self.number is None else f"in round {self.number}"
        return f"{self.agent} needed {sum(self.reasons.values())} retries {when} ({', '.join(parts)})"


def reliability(run: Run) -> Reliability:
    """Per agent, with red flags: two retries in a round, more than 5,000 characters lost, unknown tools."""
    agents = {name: _of_agent(run, name) for name in run.agents}
    if any(told.agent == ANY_AGENT for told in run.refused_told or ()):
        agents[ANY_AGENT] = _of_agent(run, ANY_AGENT)
    flags = [one.sentence for one in retried(run)]
    flags += [
        f"{name} was asked again without a record of why, {len(alone)} x ({alone[0][1]})"
        for name in run.enforcement or {}
        if (alone := unrecorded(run, name))
    ]
    flags += [
        f"{name} lost {chars} characters of content with retried responses" for name, chars, _ in content_lost(run)
    ]
    flags += [sentence for _, sentence in unknown_tools(run)]
    recorded = run.enforcement is not None
    return Reliability(recorded, recorded or run.refused_told is not None, run.status_missing, agents, flags)


def retried(run: Run) -> list[Retries]:
    """By agent and round."""
    found: list[Retries] = []
    for agent, events in (run.enforcement or {}).items():
        rounds: dict[int | None, list[Enforcement]] = {}
        for event in incidents(list(events)):
            if event.is_retried:
                rounds.setdefault(event.round, []).append(event)
        found += [
            Retries(agent, number, count([event.reason for event in own]), [event.src for event in own])
            for number, own in rounds.items()
            if len(own) >= RETRIES_A_ROUND
        ]
    for agent in run.agents:
        told = [one for one in run.refused_told or () if one.agent == agent]
        # attempts count up within an execution: two in a row of which the second is higher are of the same one
        if any(after.attempt > before.attempt for before, after in pairwise(told)):
            found.append(Retries(agent, None, count([one.reason for one in told]), [one.src for one in told]))
    return found


def content_lost(run: Run) -> list[tuple[str, int, list[str]]]:
    """(agent, characters, places) of agents that lost more than CHARS_LOST characters, each failure once."""
    found: list[tuple[str, int, list[str]]] = []
    for agent, events in (run.enforcement or {}).items():
        own = [event for event in incidents(list(events)) if event.buffer_chars]
        lost = sum(event.buffer_chars for event in own)
        if lost > CHARS_LOST:
            found.append((agent, lost, [event.src for event in own]))
    return found


def unknown_tools(run: Run) -> list[tuple[str, str]]:
    """(agent, sentence) of each agent that called a tool which it did not have, and the servers that may be why."""
    found: list[tuple[str, str]] = []
    for agent, tools in run.unknown_tools.items():
        told = ", ".join(f"{tool} x{n}" if n > 1 else tool for tool, n in tools.items())
        servers = {tool: server for tool in tools if (server := run.server_of(tool))}
        maybe = sorted({one.server for one in run.unconnected}) if any(not t.startswith("mcp__") for t in tools) else []
        if servers:
            told += "; MassGen had failed to connect to the server of " + ", ".join(servers)
        elif maybe:
            told += f"; MassGen had failed to connect to {', '.join(maybe)}: it may be a tool of theirs"
        which = "that it was not given" if servers or maybe else "that do not exist"
        found.append((agent, f"{agent} called tools {which}: {told}"))
    return found


def _of_agent(run: Run, name: str) -> AgentReliability:
    error = run.agents[name].error if name in run.agents else None
    as_text = sum(m.kind == "vote_refused" and m.agent == name for m in run.moments)
    unknown = list(run.unknown_tools.get(name, ()))
    if run.enforcement is None:
        made = AgentReliability(None, None, None, None, None, as_text, len(unrecorded(run, name)), unknown, {}, error)
        if run.refused_told is not None:
            told = [one for one in run.refused_told if one.agent == name]
            made.incidents, made.retries, made.recorded_as = count([one.reason for one in told]), len(told), "text"
            made.sources = [one.src for one in told][:5]
        return made
    events = run.enforcement.get(name, ())
    distinct = incidents(list(events))
    by_round: dict[str, dict[str, int]] = {}
    for event in distinct:
        reasons = by_round.setdefault(str(event.round), {})
        reasons[event.reason] = reasons.get(event.reason, 0) + 1
    return AgentReliability(
        count([event.reason for event in events]), count([event.reason for event in distinct]), sum(event.is_retried for event in distinct),
        run.chars_lost.get(name, 0), sum(event.buffer_chars for event in distinct), as_text,
        len(unrecorded(run, name)), unknown, by_round, error, "status.json", [event.src for event in distinct[:5]], list(events),
    )  # fmt: skip


def unrecorded(run: Run, agent: str) -> list[tuple[float | None, str]]:
    """(time, src) of the messages that asked an agent again and follow no recorded event of it, nor a refusal told as text."""
    left = list(run.retries_sent.get(agent, ()))
    known = [event.t for event in incidents(list((run.enforcement or {}).get(agent, ())))]
    known += [told.t for told in run.refused_told or () if told.agent in {agent, ANY_AGENT}]
    for t in known:
        own = next((one for one in left if t is None or one[0] is None or one[0] >= t - 1), None)
        if own:
            left.remove(own)
    return left


def incidents(events: list[Enforcement]) -> list[Enforcement]:
    """The events without the second one of a doubled failure, and without failed set-ups of MCP servers."""
    found: list[Enforcement] = []
    for event in events:
        if event.is_set_up:
            continue
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
