"""agent_outputs/AGENT.txt (0.1.36 on, 0.1.28 by source): what the display showed of one agent.

In 0.1.36 to 0.1.45, and in --debug runs, the only file that ties a command to an agent outside the traces. Each
`Arguments for Calling` stands exactly once per call, whole, with every backend; from 0.1.46 on other text is doubled by
a second writer, so nothing but these calls may be counted.
"""

from __future__ import annotations

from pathlib import Path

from massgen_logs.readers.base import Read, read_text
from massgen_logs.readers.calls_text import Piece, pieces

MAX_OUTPUTS = 64 * 1024 * 1024
"""Bytes of a file of outputs; a larger one is reported and not read."""


def read(path: Path | None) -> Read[list[Piece]]:
    """Calls, results and the text between them, in order."""
    found = read_text(path, MAX_OUTPUTS)
    rows = list(pieces(found.value))
    if found.source and path:
        found.source.file = f"agent_outputs/{path.name}"
        found.source.rows = len(rows)
    return Read(rows, found.source, found.problems)
