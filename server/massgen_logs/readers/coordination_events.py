"""coordination_events.json (all versions; written at the end): what the coordination tracker saw.

It holds no tool calls, no results and no enforcement. 60-95 % of its events are iteration_start, a poll counter: they
are dropped here.
"""

from __future__ import annotations

import json
from pathlib import Path

from msgspec import Struct, field

from massgen_logs.readers.base import (
    Read,
    as_name,
    as_names,
    integer,
    mapping,
    mappings,
    number,
    read_json,
    read_text,
    text,
)

NOISE = frozenset({"iteration_start", "iteration_end", "status_change"})


class Event(Struct, frozen=True):
    """One event; t in Unix seconds, round is the agent's coordination round, context the event's own keys."""

    t: float | None
    type: str
    agent: str | None
    details: str
    round: int | None
    context: dict[str, object]
    index: int

    @property
    def src(self) -> str:
        """Where this event can be looked up."""
        return f"coordination_events.json#events[{self.index}]"


class Coordination(Struct):
    """session_metadata and the events without poll noise; times in Unix seconds, agents in config order. torn: the file
    breaks off, and later events are lost."""

    question: str | None = None
    agents: tuple[str, ...] = ()
    start: float | None = None
    end: float | None = None
    winner: str | None = None
    events: list[Event] = field(default_factory=list[Event])
    torn: bool = False


def read(path: Path | None) -> Read[Coordination]:
    """Read coordination_events.json."""
    doc = read_json(path)
    torn = not doc.value and doc.source is not None and doc.source.unreadable > 0
    if torn:
        doc.value = _salvaged(read_text(path).value)
    meta = mapping(doc.value.get("session_metadata"))
    found = Coordination(
        text(meta.get("user_prompt")), tuple(as_names(meta.get("agent_ids"))), number(meta.get("start_time")),
        number(meta.get("end_time")), as_name(meta.get("final_winner")), torn=torn,
    )  # fmt: skip
    entries = mappings(doc.value.get("events"))
    for index, entry in enumerate(entries):
        kind = text(entry.get("event_type")) or "?"
        if kind in NOISE:
            continue
        context = mapping(entry.get("context"))
        found.events.append(
            Event(
                number(entry.get("timestamp")),
                kind,
                as_name(entry.get("agent_id")),
                text(entry.get("details")) or "",
                integer(context.get("round")),
                context,
                index,
            ),
        )
    if doc.source:
        doc.source.rows = len(entries)
    return Read(found, doc.source, doc.problems)


def _salvaged(torn: str) -> dict[str, object]:
    """session_metadata and the complete events before the tear; {} if not even the former is whole."""
    decoder = json.JSONDecoder()
    start, events = torn.find('"session_metadata":'), torn.find('"events":')
    if start < 0 or events < start:
        return {}
    try:
        meta = decoder.raw_decode(torn, torn.index("{", start))[0]
        at = torn.index("[", events) + 1
    except (ValueError, RecursionError):
        return {}
    found: list[object] = []
    while True:
        brace = torn.find("{", at)
        if brace < 0 or torn[at:brace].strip(", \n\r\t"):
            break
        try:
            event, at = decoder.raw_decode(torn, brace)
        except (ValueError, RecursionError):
            break
        found.append(event)
    return {"session_metadata": meta, "events": found}
