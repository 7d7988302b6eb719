"""Accepted answers. Rule: a label's agent is what snapshot_mappings.json says, else coordination_events.json, else
events.jsonl; never what its number suggests, which differs by version. Answers of a killed run come from events.jsonl
and, before 0.1.46, from the time-stamped folders, labelled by status.json historical_workspaces or, failing that, by
the agent's latest label there. The text is answer.txt in the folder that snapshot_mappings.json or historical_workspaces
names, where neither does by order; without it the copy in coordination_events.json, or the first 500 characters in
events.jsonl.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from massgen_logs.attempt import Attempt
from massgen_logs.readers import answer_txt
from massgen_logs.readers.base import Problem, as_label, mapping
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.snapshot_mappings import Snapshot
from massgen_logs.readers.status_json import Status
from massgen_logs.run.clock import Clock, stamp_seconds
from massgen_logs.run.events import Digest
from massgen_logs.run.model import Answer


def collect(
    attempt: Attempt,
    coordination: Coordination,
    snapshots: list[Snapshot],
    digest: Digest | None,
    status: Status,
    clock: Clock,
    order: list[str],
    problems: list[Problem],
) -> list[Answer]:
    """All accepted answers by time. `order`: agents in config order, for labels that must be inferred."""
    folders = {
        agent: [stamp for stamp in stamps if attempt.file(agent, stamp, "answer.txt")]
        for agent, stamps in attempt.agent_folders().items()
    }
    found: dict[str, Answer] = {}

    def add(label: str, agent: str, t: float | None, round: int | None, src: str, content: str | None) -> None:
        old = found.get(label)
        if old is None:
            found[label] = Answer(label, agent, t, round, content, src)
        else:
            when = t if src.startswith("coordination") else old.t
            found[label] = Answer(label, old.agent, when, old.round if old.round is not None else round,
                                  old.text if old.text is not None else content, old.src)  # fmt: skip

    for snapshot in snapshots:
        if snapshot.type == "answer":
            local = stamp_seconds(snapshot.stamp or "")
            t = None if local is None else local - clock.offset_s
            add(snapshot.label, snapshot.agent, t, snapshot.round, "snapshot_mappings.json#" + snapshot.label, None)
    copies: dict[str, str] = {}
    for event in coordination.events:
        label = as_label(event.context.get("label"))
        if event.type == "new_answer" and label and event.agent:
            add(label, event.agent, event.t, event.round, event.src, None)
        elif event.type == "final_agent_selected":
            copies |= {k: v for k, v in mapping(event.context.get("answers_for_context")).items() if isinstance(v, str)}
    for t, agent, label, head, round_, src in digest.answers if digest else ():
        if label and agent:
            add(label, agent, t, round_, src, head if len(head) < 500 else None)
    _from_folders(found, folders, status, clock, order)
    for agent, stamps in attempt.agent_folders().items():
        named = {entry.label: entry.stamp for entry in status.stored if entry.agent == agent and entry.stamp in stamps}
        named |= {s.label: s.stamp for s in snapshots if s.agent == agent and s.type == "answer" and s.stamp in stamps}
        unnamed = [stamp for stamp in folders[agent] if stamp not in named.values()]
        for answer in sorted((a for a in found.values() if a.agent == agent), key=lambda a: a.t or 0.0):
            stamp = named.get(answer.label) or (unnamed.pop(0) if unnamed else None)
            if stamp is None:
                continue
            file = attempt.file(agent, stamp, "answer.txt")
            read = answer_txt.read(file)
            problems += read.named(f"{agent}/{stamp}/answer.txt")
            content = answer.text if file is None or read.unreadable else read.value
            found[answer.label or ""] = replace(answer, text=content, folder=f"{agent}/{stamp}")
    for label, content in copies.items():
        if (answer := found.get(label)) and answer.text is None:
            found[label] = replace(answer, text=content)
    return sorted(found.values(), key=lambda answer: answer.t if answer.t is not None else float("inf"))


def _from_folders(
    found: dict[str, Answer], folders: dict[str, list[str]], status: Status, clock: Clock, order: list[str],
) -> None:  # fmt: skip
    """Answers of a killed run that only their folders show."""
    stored = {(entry.agent, entry.stamp): entry.label for entry in status.stored}
    for agent, stamps in folders.items():
        if len(stamps) <= sum(answer.agent == agent for answer in found.values()):
            continue
        for index, stamp in enumerate(stamps, 1):
            label = stored.get((agent, stamp)) or _inferred_label(agent, index, status, order)
            local = stamp_seconds(stamp)
            if label not in found:
                t = None if local is None else local - clock.offset_s
                found[label] = Answer(label, agent, t, index - 1, None, f"{agent}/{stamp}/answer.txt")


def _inferred_label(agent: str, index: int, status: Status, order: list[str]) -> str:
    entry = status.agents.get(agent)
    match = re.fullmatch(r"(.+)\.\d+", (entry.latest_label if entry else None) or "")
    if match:
        return f"{match[1]}.{index}"
    return f"agent{order.index(agent) + 1}.{index}" if agent in order else f"{agent}/{index}"
