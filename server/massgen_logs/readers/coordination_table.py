"""coordination_table.txt (all versions; written at the end): a fixed-width picture of coordination_events.json.

Cells are cut with `...` and ignored votes are missing, so it is read only to name the agents when
coordination_events.json is torn.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Read, read_text

_AGENT = re.compile(r"Agent \d+ \(([^)]+)\)")


class Table(Struct):
    """Agents in config order, and the number of the table's rows."""

    agents: tuple[str, ...] = ()
    rows: int = 0


def read(path: Path | None) -> Read[Table]:
    """Read coordination_table.txt."""
    found = read_text(path)
    lines = [line for line in found.value.split("\n") if line.startswith("|")]
    header = next((line for line in lines if "Agent 1" in line), "")
    table = Table(tuple(_AGENT.findall(header)), len(lines))
    if found.source:
        found.source.rows = table.rows
    return Read(table, found.source, found.problems)
