"""snapshot_mappings.json (all versions; written at the end): label to agent and file, in order of time.

The only safe link from a label to its agent: what N means in agentN.K differs by version.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Read, as_label, as_name, integer, mapping, read_json, text


class Snapshot(Struct, frozen=True):
    """One entry. type: answer, vote or final_answer; stamp: the folder's time stamp, or the literal "final"."""

    label: str
    type: str
    agent: str
    stamp: str | None
    round: int | None


def read(path: Path | None) -> Read[list[Snapshot]]:
    """Read snapshot_mappings.json."""
    doc = read_json(path)
    rows: list[Snapshot] = []
    for label, value in doc.value.items():
        entry = mapping(value)
        agent = as_name(entry.get("agent_id"))
        if agent is None:
            continue
        rows.append(
            Snapshot(
                as_label(entry.get("label")) or as_label(label) or "?",
                text(entry.get("type")) or "?",
                agent,
                text(entry.get("timestamp")),
                integer(entry.get("round")),
            ),
        )
    if doc.source:
        doc.source.rows = len(rows)
    return Read(rows, doc.source, doc.problems)
