"""AGENT/STAMP/context.txt and final/AGENT/context.txt (JSON text): what an agent was sent at the start of a round.

The final one alone shows the votes as they were counted when the winner was chosen, ignored ones included.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Read, integer, mapping, read_json, text

_ANSWER = re.compile(r"^<(agent\d+(?:\.\d+)?)> ?(.*?) ?<end of \1>", re.M | re.S)


class Context(Struct, frozen=True):
    """shown: the answers in the prompt by the tag that named each; counted: votes by agent, only in a final context."""

    is_final: bool
    shown: dict[str, str]
    counted: dict[str, int]


def read(path: Path | None) -> Read[Context]:
    """Read context.txt."""
    doc = read_json(path)
    data = doc.value
    results = mapping(data.get("complete_vote_results"))
    counted = {k: n for k, v in mapping(results.get("vote_counts")).items() if (n := integer(v)) is not None}
    user = text(data.get("user_message")) or ""
    return Read(Context(data.get("is_final") is True, dict(_ANSWER.findall(user)), counted), doc.source, doc.problems)
