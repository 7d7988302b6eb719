"""Who won, and how long an attempt took: one rule each, for a full Run and for a list.

Winner: status.json results.winner, else coordination_events.json final_winner, else what metrics_summary.json, events.jsonl,
snapshot_mappings.json and the final/ folder name (a time-out that re-uses a stored answer leaves the JSON winner null).
Duration: session_metadata end_time - start_time of coordination_events.json; without it the limit that the time-out's
message names, or the first to last event; a run that did not end has none.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from msgspec import Struct

from massgen_logs.attempt import Attempt
from massgen_logs.readers.base import as_name, text
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.events_jsonl import Event
from massgen_logs.readers.metrics_summary import Metrics
from massgen_logs.readers.snapshot_mappings import Snapshot
from massgen_logs.readers.status_json import Status
from massgen_logs.run.ending import CLOSING, Ending

_LIMIT = re.compile(r"\(([\d.]+)s/[\d.]+s\)")

LIMIT = "the timeout's own message"
"""Source of a duration that is the limit."""


class Said(Struct):
    """What events.jsonl says of the end; the last event of a kind holds. first, last: times of its first and last event."""

    winner: str | None = None
    winner_src: str = ""
    presenter: str | None = None
    presenter_src: str = ""
    timeout_src: str = ""
    timeout_reason: str | None = None
    timeout_selected: str | None = None
    closed: bool = False
    """The presentation came to its end: MassGen locked the answer, evaluated it or began again, before any time-out."""
    evaluated: float | None = None
    """When the last evaluation of a final answer began."""
    evaluated_src: str = ""
    first: float | None = None
    last: float | None = None

    def take(self, event: Event, t: float | None) -> None:
        """Take over what an event says; most say nothing. t: its time."""
        match event.type:
            case "final_presentation_start":
                self.presenter, self.presenter_src = event.agent or None, event.src
            case "winner_selected":
                self.winner, self.winner_src = event.agent or None, event.src
            case "orchestrator_timeout":
                self.timeout_src = event.src
                self.timeout_reason = text(event.data.get("timeout_reason"))
                self.timeout_selected = as_name(event.data.get("selected_agent"))
            case kind if kind in CLOSING:
                self.closed = self.closed or not self.timeout_src
                if kind == "post_evaluation" and event.data.get("phase") == "start":
                    self.evaluated, self.evaluated_src = t, event.src
            case _:
                pass


MARKS = tuple(
    f'"event_type": "{kind}"'.encode()
    for kind in ("final_presentation_start", "winner_selected", "orchestrator_timeout")
)
"""In each line from which `Said.take` learns who won, or when and why time ran out."""


class Times(Struct, frozen=True):
    """Unix seconds, seconds, and what the duration is from; None where it isn't recorded."""

    ended: float | None = None
    duration_s: float | None = None
    src: str = ""


def winners(
    attempt: Attempt, status: Status, coordination: Coordination, metrics: Metrics, snapshots: Sequence[Snapshot], said: Said | None,
) -> list[tuple[str, str]]:  # fmt: skip
    """(agent, source) of each record that names a winner, the one that decides first."""
    finals = [(s.agent, f"snapshot_mappings.json#{s.label}") for s in snapshots if s.type == "final_answer"]
    folders = [name for name in attempt.folders("final") if attempt.file("final", name, "answer.txt")]
    said = said or Said()
    candidates = [
        (status.winner, "status.json#results.winner"),
        (coordination.winner, "coordination_events.json#session_metadata.final_winner"),
        (metrics.winner, "metrics_summary.json#meta.winner"),
        (said.winner, said.winner_src),
        (said.presenter, said.presenter_src),
        finals[0] if finals else (None, ""),
        (folders[0], f"final/{folders[0]}/answer.txt") if len(folders) == 1 else (None, ""),
        (said.timeout_selected, said.timeout_src),
    ]
    return [(agent, src) for agent, src in candidates if agent]


def times(ending: Ending, usable: Coordination | None, started: float | None, said: Said | None) -> Times:
    """End and duration.

    Args:
        ending: how it ended.
        usable: the coordination events, None where they are missing or emptied.
        started: Unix seconds, if known.
        said: of events.jsonl, None without it.
    """
    if usable and usable.start is not None and usable.end is not None:
        took = round(usable.end - usable.start, 3)
        return Times(usable.end, took, "coordination_events.json session_metadata")
    if ending.state == "timed_out" and (match := _LIMIT.search((said and said.timeout_reason) or ending.reason)):
        took = float(match[1])
        return Times(None if started is None else started + took, took, LIMIT)
    if ending.state in {"finished", "timed_out"} and said and said.first is not None and said.last is not None:
        return Times(said.last, round(said.last - said.first, 3), "events.jsonl, first to last event")
    return Times()
