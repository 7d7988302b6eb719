"""events.jsonl (0.1.46 on; not with --debug): one event a line, flushed as it happens.

Times are naive local ISO; round_number has three dialects by version and is not handed on: segment by the order of
round_start instead (run/executions.py). From 0.1.76 on its strings were redacted by MassGen, which can break JSON
inside results.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from msgspec import Struct

from massgen_logs.readers.base import MAX_NAME, Problem, Source, as_name, lines, mapping, parse_json, text


class Event(Struct):
    """One line: its number, naive local ISO time, type, agent and data. Not frozen, which makes one three times as fast: a long
    file has a million."""

    line: int
    time: str
    type: str
    agent: str | None
    data: dict[str, object]

    @property
    def src(self) -> str:
        """Where this event can be looked up."""
        return source_of(self.line)


def source_of(line: int) -> str:
    """How a line of the file is named."""
    return f"events.jsonl:{line}"


_LONG = 2000
"""Bytes of a line from which a look at its beginning is cheaper than to parse it."""
SKIPPED = ("evaluation_criteria_set", "final_presentation_chunk")
"""Types that no fact comes from: left out, and unparsed where they are long."""
_UNESCAPED = re.compile(r"[\w.-]{1,255}", re.ASCII)
"""A name that stands in JSON as it is."""
_MARKS = frozenset(kind.encode() for kind in SKIPPED)


def _kind(raw: bytes) -> bytes:
    """The type as it stands near the beginning of a line, before any parsing."""
    found = raw.find(b'"event_type": "', 0, 90)
    return raw[found + 15 : raw.find(b'"', found + 15, found + 60)] if found >= 0 else b""


def parse(raw: bytes) -> Event | None:
    """One line whose number is not known (0); None for one that is no event, and for what `read` leaves out."""
    if _kind(raw) in _MARKS:
        return None
    try:
        entry = mapping(parse_json(raw))
    except ValueError:
        return None
    kind = text(entry.get("event_type"))
    return _event(0, kind, entry) if kind is not None else None


def _event(line: int, kind: str, entry: dict[str, object]) -> Event:
    time, agent, data = entry.get("timestamp"), entry.get("agent_id"), entry.get("data")
    # the checks stand here and not in base's functions: a long file has a million lines
    return Event(
        line, time if isinstance(time, str) else "", kind,
        agent if isinstance(agent, str) and len(agent) <= MAX_NAME else as_name(agent),
        cast("dict[str, object]", data) if isinstance(data, dict) else {},
    )  # fmt: skip


def read(
    path: Path | None, source: Source, problems: list[Problem], *, agent: str | None = None,
) -> Iterator[Event]:  # fmt: skip
    """Events in file order, without evaluation_criteria_set and final_presentation_chunk.

    `source` and `problems` are filled while the iteration goes on. With an agent, whole lines that do not name it are
    skipped unparsed; others may still be of another one.
    """
    name = f'"{agent}"'.encode() if agent is not None and _UNESCAPED.fullmatch(agent) else None
    for number, raw in lines(path, source, problems):
        source.rows += 1
        if len(raw) > _LONG and _kind(raw) in _MARKS:
            continue
        if name is not None and name not in raw and raw.startswith(b"{") and raw.endswith(b"}"):
            continue
        try:
            entry = parse_json(raw)
        except ValueError:
            if not raw.strip():
                continue
            source.unreadable += 1
            what = "no valid JSON (cut short)" if raw.startswith(b"{") else "no valid JSON"
            problems.append(Problem(source.file, number, what))
            continue
        entry = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
        kind = entry.get("event_type")
        if not isinstance(kind, str):
            source.unreadable += 1
            problems.append(Problem(source.file, number, "no event_type"))
            continue
        if kind in SKIPPED:
            continue
        yield _event(number, kind, entry)
