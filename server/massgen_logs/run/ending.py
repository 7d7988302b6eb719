"""How an attempt ended: one rule, used by list_logs and by the full Run alike.

In this order, the first that holds:

1. `failed`: execution_metadata.yaml names a failure_stage and nothing was coordinated.
2. status.json finish_reason: "timeout" is `timed_out`, "waiting_for_review" is `finished`, and so is "completed" beside a
   file that is written only at the end, torn or not, or beside the end of the presentation in events.jsonl: MassGen says
   completed from the start of the presentation on, and after Ctrl-C in it, too: a presentation that events.jsonl tells of
   and whose answer was never locked, evaluated or begun again was interrupted, and the run is `unfinished`; unless status.json has its
   round, which is recorded when it has come to its end. Without events.jsonl a presentation that coordination_events.json tells of
   was interrupted if status.json has rounds and not this one. "error" with is_complete only means that an agent died while the others may go on, and "in_progress" stands for ever after a timeout without an
   answer: neither decides.
3. `timed_out`: an agent_timeout in coordination_events.json; an orchestrator_timeout in events.jsonl; "Orchestrator
   Timeout" in massgen.log.
4. `finished`: coordination_events.json with session_end and its final_answer; the end of the presentation in events.jsonl
   (all that an orchestration restart leaves of its first attempt); a final answer beside a file that is written only at
   the end, should that file be torn.
5. `failed`: session_end without a final answer; "no successful agents" as the orchestrator's last error in massgen.log.
6. else not ended: `in_progress` if the last sign of life is less than two minutes old, `unfinished` if older.
"""

from __future__ import annotations

import re
import time
from collections import deque
from pathlib import Path

from msgspec import Struct

from massgen_logs.attempt import Attempt
from massgen_logs.readers.base import Source, blocks, lines, read_head, read_tail
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.status_json import RoundRecord, Status
from massgen_logs.run.clock import Clock

PRESENTED = "final answer presented"
FAILURE = "execution_metadata.yaml#cli_args.failure_stage"


class Ending(Struct, frozen=True):
    """How an attempt ended. state: finished, timed_out, unfinished, failed or in_progress; src: what tells so."""

    state: str
    reason: str
    src: str
    last_sign: float | None


_TAIL = 262_144
"""Bytes of a log that are looked at from its end."""
ALIVE_S = 120.0
"""status.json is rewritten every 2 s, but nothing is written for up to 30 s while agents are being created."""

_EVENT_TIME = re.compile(rb'"timestamp": "([0-9T:.\-]+)"')
_END_FILES = (
    "coordination_events.json", "snapshot_mappings.json", "coordination_table.txt", "metrics_summary.json", "metrics_events.json",
)  # fmt: skip
"""Files that MassGen writes only at the end."""
_PRESENTED = (b'"event_type": "final_presentation_end"', b'"event_type": "answer_locked"')
CLOSING = ("answer_locked", "restart_banner", "post_evaluation")
"""Kinds of event that come only after a presentation was brought to its end."""
_CLOSED = tuple(f'"event_type": "{kind}"'.encode() for kind in (*CLOSING, "orchestrator_timeout"))
_END = 8192
"""Bytes in which a run that ended as it should has told so."""
# the whole message, as MassGen logs it: an agent may quote its words
_ALL_DEAD = re.compile(
    rb"(?m)^\d\d:\d\d:\d\d(?:\.\d{3})? \| ERROR +\| (?:\S+:\d+ - )?\[ERROR\] orchestrator: \S+ Unable to provide coordinated "
    rb"answer - no successful agents\s*$"
)
_LOG_TIMEOUT = re.compile(
    r"Stream chunk \[\w+\]: ?\r?\n?⚠️ \*\*Orchestrator Timeout\*\*: (Time limit exceeded \([\d.]+s/[\d.]+s\))[ \r]*$".encode(), re.M
)  # fmt: skip
_LOG_TIME = re.compile(rb"^(\d\d):(\d\d):(\d\d)(?:\.\d+)? [|]", re.M)


def is_emptied(coordination: Coordination) -> bool:
    """True for the file that an orchestration restart leaves: session_start and session_end, no event of an agent, and no question."""
    events = coordination.events
    return bool(events) and coordination.question is None and not any(event.agent for event in events)


def decide(
    attempt: Attempt,
    status: Status,
    coordination: Coordination,
    failure: tuple[str, str] | None,
    clock: Clock,
    now: float | None = None,
) -> Ending:
    """Apply the rule.

    Args:
        attempt: the run directory, whose logs are looked at from the end where the JSON files do not decide.
        status: status.json, empty when missing.
        coordination: coordination_events.json, empty when missing.
        failure: (failure_stage, failure_error) of execution_metadata.yaml, or None.
        clock: of the run.
        now: Unix seconds, for tests; default: now.
    """
    kinds = {event.type for event in coordination.events}
    ended = "session_end" in kinds and not is_emptied(coordination)
    last = status.last_updated
    # those of a status in progress tell what went on when it was saved
    details = None if status.finish_reason == "in_progress" else status.finish_details
    if failure and not status.agents and not kinds:
        return Ending("failed", f"{failure[0]}: {failure[1]}".strip(": "), FAILURE, last)
    if status.finish_reason == "timeout":
        return Ending("timed_out", status.finish_details or "timeout", "status.json#finish_reason", last)
    ended_files = any(attempt.file(name) for name in _END_FILES)
    cut = "" if status.finish_reason == "waiting_for_review" or _presented(status) else _cut(attempt)
    if cut:
        events, logs = read_tail(attempt.file("events.jsonl"), _TAIL), _log_ends(attempt)
        return _not_ended(
            attempt, events, logs, clock, last, now, ("interrupted before its final answer was locked", cut)
        )
    if unpresented := _unpresented(attempt, status, coordination):
        return Ending("unfinished", "interrupted while its final answer was presented", unpresented, last)
    if status.finish_reason == "waiting_for_review" or (status.finish_reason == "completed" and ended_files):
        return Ending("finished", status.finish_details or status.finish_reason, "status.json#finish_reason", last)
    for event in coordination.events:
        if event.type == "agent_timeout":
            return Ending("timed_out", event.details.removeprefix("TIMEOUT: "), event.src, last)
    events = read_tail(attempt.file("events.jsonl"), _TAIL)
    logs = _log_ends(attempt)
    told = next(((name, found[1].decode()) for name, log in logs if (found := _LOG_TIMEOUT.search(log))), None)
    if b'"event_type": "orchestrator_timeout"' in events:
        src = _place(attempt, "events.jsonl", b'"event_type": "orchestrator_timeout"')
        return Ending("timed_out", told[1] if told else "orchestrator timeout", src, last)
    if told:
        return Ending("timed_out", told[1], _place(attempt, told[0], b"**Orchestrator Timeout**"), last)
    session_end = next((event.src for event in reversed(coordination.events) if event.type == "session_end"), "")
    if ended and "final_answer" in kinds:
        return Ending("finished", details or PRESENTED, session_end, last)
    for mark in _PRESENTED:
        if mark in events:
            return Ending("finished", PRESENTED, _place(attempt, "events.jsonl", mark), last)
    presented = (f"final/{name}/answer.txt" for name in attempt.folders("final"))
    if ended_files and (place := next((p for p in presented if attempt.file(*p.split("/"))), None)):
        return Ending("finished", PRESENTED, place, last)
    if ended:
        return Ending("failed", details or "ended without a final answer", session_end, last)
    if dead := next((name for name, log in logs if _ALL_DEAD.search(log)), None):
        return Ending("failed", "no agent was left to answer", _place(attempt, dead, b"no successful agents"), last)
    names = ("events.jsonl", *(path.name for path in attempt.log_parts()[-1:]))
    name = next((name for name in names if attempt.file(name)), "")
    src = _place(attempt, name, b"") if name else "status.json#finish_reason" if attempt.file("status.json") else ""
    return _not_ended(
        attempt, events, logs, clock, last, now, ("no end was recorded: killed, crashed or copied while running", src)
    )


def _not_ended(
    attempt: Attempt, events: bytes, logs: list[tuple[str, bytes]], clock: Clock, last: float | None, now: float | None, why: tuple[str, str],
) -> Ending:  # fmt: skip
    """in_progress after a recent sign of life, else unfinished for this reason, with its source."""
    signs = [last, *(clock.iso(stamp.decode("ascii", "replace")) for stamp in _EVENT_TIME.findall(events)[-1:])]
    log = attempt.file("massgen.log") or attempt.file("massgen_debug.log")
    begun = next((clock.of_day(_seconds(found)) for found in _LOG_TIME.findall(read_head(log, 4096))[:1]), None)
    signs += [clock.of_day(_seconds(found), begun) for _, tail in logs[:1] for found in _LOG_TIME.findall(tail)[-1:]]
    last = max((sign for sign in signs if sign is not None), default=None)
    now = time.time() if now is None else now
    if last is not None and -ALIVE_S < now - last < ALIVE_S:
        return Ending("in_progress", "still running", "last sign of life in the logs", last)
    return Ending("unfinished", *why, last)


def _presented(status: Status) -> bool:
    """A presentation of this attempt came to its end."""
    return any(record.type == "presentation" for record in _rounds(status))


def _unpresented(attempt: Attempt, status: Status, coordination: Coordination) -> str:
    """Where a run without events.jsonl began a presentation that did not come to its end; "" for others, and where time ran out."""
    events = {event.type: event.src for event in coordination.events}
    recorded = _rounds(status) and not _presented(status)
    if (
        attempt.file("events.jsonl") is not None
        or not recorded
        or "agent_timeout" in events
        or "session_end" not in events
    ):
        return ""
    return events.get("final_round_start", "")


def _rounds(status: Status) -> list[RoundRecord]:
    """Those of this attempt: a later attempt's or turn's status.json has those of earlier ones, too."""
    began = (status.start_time or 0.0) - 1
    return [record for entry in status.agents.values() for record in entry.rounds if (record.start or 0.0) >= began]


def _cut(attempt: Attempt) -> str:
    """Where events.jsonl ends a presentation after which no answer was locked; "" where it tells of none such."""
    path = attempt.file("events.jsonl")
    if path is None or any(mark in read_tail(path, _END) for mark in _CLOSED):
        return ""
    events = read_tail(path, _TAIL)
    if _PRESENTED[0] not in events or any(mark in events for mark in _CLOSED):
        return ""
    return _place(attempt, path.name, _PRESENTED[0])


def _seconds(time_of_day: tuple[bytes, bytes, bytes]) -> int:
    hours, minutes, seconds = time_of_day
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds)


def _place(attempt: Attempt, name: str, mark: bytes) -> str:
    """File and line of the last `mark`, b"" for the last line; the file alone where it can't be found."""
    found = 0
    for first, block in blocks(attempt.file(name), Source(name), []):
        at = block.rfind(mark, 0, len(block) - block.endswith(b"\n"))
        if at >= 0:
            found = first + block.count(b"\n", 0, at)
    return f"{name}:{found}" if found else name


def _log_ends(attempt: Attempt) -> list[tuple[str, bytes]]:
    """Name and last bytes of massgen.log or massgen_debug.log; where it is short, also of what was last rotated away."""
    parts = attempt.log_parts()
    found = [(path.name, _end(path)) for path in parts[-1:]]
    if found and len(found[0][1]) < _TAIL:
        found += [(path.name, _end(path)) for path in parts[-2:-1]]
    return found


def _end(path: Path) -> bytes:
    if path.suffix != ".zip":
        return read_tail(path, _TAIL)
    return b"\n".join(deque((line for _, line in lines(path, Source(path.name), [])), maxlen=2000))[-_TAIL:]
