"""What the agents of a run are doing, from events.jsonl as it grows: each look reads only the lines that were added.

An agent is at work from its round_start to its answer or vote, and from the start to the end of the presentation. A call is
open from its tool_start to its tool_complete, or to the end of the execution that made it: some clients never complete one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from msgspec import Struct, field

from massgen_logs.attempt import Attempt
from massgen_logs.readers import events_jsonl
from massgen_logs.readers.base import as_name, mapping, text
from massgen_logs.readers.growing import Growing
from massgen_logs.run.backends.dialect import Dialect
from massgen_logs.run.clock import iso_seconds


class Begun(Struct, frozen=True):
    """A call that has begun; t: seconds of the log's own clock."""

    tool: str
    command: str | None
    t: float | None


class Doing(Struct):
    """One agent so far; last: time of its last event by the log's own clock. voted_for: of its last accepted vote."""

    at_work: bool = False
    answers: int = 0
    voted_for: str | None = None
    last: float | None = None
    open: dict[tuple[str, str], Begun] = field(default_factory=dict[tuple[str, str], Begun])
    """By id and tool."""


class Told(Struct):
    """What events.jsonl has told; last: time of its last event by the log's own clock. restarting: MassGen has announced
    another attempt. final: the agent that presents or has presented."""

    agents: defaultdict[str, Doing] = field(default_factory=lambda: defaultdict[str, Doing](Doing))
    last: float | None = None
    restarting: bool = False
    final: str | None = None


def catch_up(told: Told, file: Growing, dialect_of: Callable[[str], Dialect]) -> Told:
    """`told` with the lines that were added to the file; a new one if the file begins anew."""
    for raw in file.lines():
        if file.anew:
            told, file.anew = Told(), False
        event = events_jsonl.parse(raw)
        if event is None:
            continue
        t = iso_seconds(event.time)
        told.last = t if t is not None else told.last
        if event.type == "restart_banner":
            told.restarting = True
        if event.agent:
            _tell(told, event, t, dialect_of)
    return told


def _tell(told: Told, event: events_jsonl.Event, t: float | None, dialect_of: Callable[[str], Dialect]) -> None:
    name, data = event.agent or "", event.data
    agent = told.agents[name]
    agent.last = t if t is not None else agent.last
    key = (text(data.get("tool_id")) or "", as_name(data.get("tool_name")) or "?")
    match event.type:
        case "round_start":
            agent.at_work = True
            agent.open.clear()
        case "final_presentation_start":
            agent.at_work, told.final = True, name
        case "answer_submitted":
            agent.at_work, agent.answers = False, agent.answers + 1
            agent.open.clear()
        case "vote":
            agent.at_work, agent.voted_for = False, as_name(data.get("target_id"))
            agent.open.clear()
        case "final_presentation_end" | "answer_locked":
            agent.at_work = False
            agent.open.clear()
        case "winner_selected":
            told.final = name
        case "tool_start":
            agent.open[key] = Begun(key[1], dialect_of(name).command(key[1], mapping(data.get("args"))), t)
        case "tool_complete":
            agent.open.pop(key, None)
        case _:
            pass


def begin(attempt: Attempt) -> Growing:
    """events.jsonl of an attempt, of which nothing was read yet; it need not exist."""
    return Growing(attempt.file("events.jsonl") or (attempt.log_half or attempt.path) / "events.jsonl")
