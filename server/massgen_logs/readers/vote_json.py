"""AGENT/STAMP/vote.json (all versions): one accepted vote, with the mapping by which its target was resolved."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Read, as_label, as_name, mapping, number, read_json, text


class VoteFile(Struct, frozen=True):
    """vote.json. anon: what the model wrote (agentN); mapping resolves it; labels maps answer labels to agents.

    t in Unix seconds. coordination_round isn't read: it is the highest round of all agents, not the voter's.
    """

    voter: str
    voted_for: str | None
    label: str | None
    anon: str | None
    reason: str
    t: float | None
    mapping: dict[str, str]
    labels: dict[str, str]


def read(path: Path | None) -> Read[VoteFile | None]:
    """Read vote.json; None when it names no voter."""
    doc = read_json(path)
    data = doc.value
    voter = as_name(data.get("voter_id"))
    if voter is None:
        return Read(None, doc.source, doc.problems)
    vote = VoteFile(
        voter, as_name(data.get("voted_for")), as_label(data.get("voted_for_label")), as_name(data.get("voted_for_anon")),
        text(data.get("reason")) or "", number(data.get("unix_timestamp")),
        _strings(data.get("agent_mapping")), _strings(data.get("answer_label_to_agent")),
    )  # fmt: skip
    return Read(vote, doc.source, doc.problems)


def _strings(value: object) -> dict[str, str]:
    return {key: name for key, item in mapping(value).items() if (name := as_name(item)) is not None}
