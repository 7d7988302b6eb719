"""AGENT/STAMP/context.txt and final/AGENT/context.txt (JSON text): what an agent was sent at the start of a round.

The final one alone shows the votes as they were counted when the winner was chosen, ignored ones included.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Read, as_name, integer, mapping, mappings, read_json, text

_ANSWER = re.compile(r"^<(agent\d+(?:\.\d+)?)> ?(.*?) ?<end of \1>", re.M | re.S)


class Context(Struct, frozen=True):
    """shown: the answers in the prompt by the tag that named each; the rest only in a final context."""

    is_final: bool
    shown: dict[str, str]
    counted: dict[str, int]
    is_tie: bool | None
    stated: tuple[tuple[str, str, str], ...]
    """(voter, voted for, reason) of every vote at the time of selection."""


def read(path: Path | None) -> Read[Context]:
    """Read context.txt."""
    doc = read_json(path)
    data = doc.value
    results = mapping(data.get("complete_vote_results"))
    tie = results.get("is_tie")
    stated = tuple(
        (as_name(vote.get("voter")) or "?", target, text(vote.get("reason")) or "")
        for target, votes in mapping(results.get("voter_details")).items()
        for vote in mappings(votes)
    )
    counted = {k: n for k, v in mapping(results.get("vote_counts")).items() if (n := integer(v)) is not None}
    user = text(data.get("user_message")) or ""
    return Read(
        Context(
            data.get("is_final") is True, dict(_ANSWER.findall(user)), counted,
            tie if isinstance(tie, bool) else None, stated,
        ),
        doc.source, doc.problems,
    )  # fmt: skip
