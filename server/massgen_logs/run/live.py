"""The state of a run that may still be going on, by looks that read only what has changed since the one before.

How long something has been going on is told by the logs' own clock up to the last event, and from there by the age of the
file: no time zone is needed. Ended is what run/ending.py says; a run that its last look found so is not over while MassGen
is still writing its end, nor while it may begin another attempt.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from massgen_logs.attempt import Attempt
from massgen_logs.handles import file_status, listing
from massgen_logs.readers import coordination_events, execution_metadata, status_json
from massgen_logs.readers.base import Problem, Read, Source, T, integer, mapping
from massgen_logs.readers.execution_metadata import Metadata
from massgen_logs.readers.growing import Growing
from massgen_logs.readers.metrics_summary import Metrics
from massgen_logs.readers.status_json import Status
from massgen_logs.run import ending, usage
from massgen_logs.run.backends import GENERIC, choose
from massgen_logs.run.files import clock_of, with_config
from massgen_logs.run.live_events import Doing, Told, begin, catch_up
from massgen_logs.run.model import Ending
from massgen_logs.tree import RUN_FILES, Place, read_session, resolve

SETTLED_S = 10.0
"""Seconds without a write after which an end is believed that status.json does not tell, or that a restart may follow."""
_DECIDE_S = 5.0
"""Seconds after which the state of a run whose files have not changed is looked at again."""
_TOLD_BY = {"finished": ("completed", "waiting_for_review"), "timed_out": ("timeout",)}
_DEAD = frozenset({"error", "timeout"})
_AT_WORK = frozenset({"streaming", "restarting"})


class OpenCall(Struct, frozen=True):
    """A tool call without a result yet. command: what it asked a shell to run, None for other tools."""

    tool: str
    command: str | None
    open_s: float | None


class LiveAgent(Struct, frozen=True):
    """One agent. doing: tool (a call is open), model (at work, no call open), working (at work; the version records no
    calls while it runs), waiting, dead, or unknown. quiet_s: since its last event, or
    the last write of its output where events aren't recorded. answers and voted_for as far as they
    are known now; voted_for is an agent."""

    id: str
    status: str | None
    error: str | None
    answers: int | None
    voted_for: str | None
    doing: str
    open_calls: tuple[OpenCall, ...]
    quiet_s: float | None
    cost_usd: float | None


class LiveRun(Struct, frozen=True):
    """A run at one moment. Times in seconds, cost in US dollars.

    over: it has ended, and nothing more is expected of it. completion: MassGen's own percentage, which is a guess.
    quiet_s: since the last event of any agent (events.jsonl; else since the last write of a log or output). written_s: since the
    last write of any of its files; status_s: of status.json, which a living MassGen rewrites every two seconds.
    """

    session: str
    path: str
    turn: int
    attempt: int
    attempts: int
    massgen_version: str | None
    state: str
    reason: str
    over: bool
    phase: str | None
    completion: float | None
    winner: str | None
    votes: dict[str, int]
    elapsed_s: float | None
    cost_usd: float | None
    cost_is_floor: bool
    agents: list[LiveAgent]
    quiet_s: float | None
    written_s: float | None
    status_s: float | None
    calls_recorded: bool
    """False for versions before 0.1.46 and for --debug: what runs now is not in their logs by agent."""
    skipped_bytes: int
    """Of events.jsonl, from its start: so much was not read, and a call that began there is not seen."""
    sources: list[Source]
    problems: list[Problem]


class Watch(Struct):
    """A run under watch: its place, and what is kept of its files from one look to the next.

    pinned: the caller named the attempt, so that no later one takes its place.
    """

    place: Place
    pinned: bool
    events: Growing
    told: Told = field(default_factory=Told)
    kept: dict[str, tuple[object, Any]] = field(default_factory=dict[str, "tuple[object, Any]"])
    decided: tuple[object, float, Ending] | None = None


def watch(root: Path, log: str) -> Watch:
    """Put a run under watch.

    Raises:
        MassgenLogError: as tree.resolve.
    """
    place = resolve(root, log)
    return Watch(place, place.attempt.path != place.session.turns[-1].attempts[-1].path, begin(place.attempt))


def look(on: Watch, now: float | None = None) -> LiveRun:
    """The run as it stands.

    Args:
        on: the run; what this look has read is kept in it.
        now: Unix seconds, for tests; default: now.
    """
    moment = time.time() if now is None else now
    _follow(on)
    attempt = on.place.attempt
    metadata = _kept(on, "execution_metadata.yaml", execution_metadata.read)
    with_config(metadata.value, on.place)
    status = _kept(on, "status.json", status_json.read)
    dialects = {one.id: choose(one.backend) for one in metadata.value.agents}
    on.told = catch_up(on.told, on.events, lambda agent: dialects.get(agent, GENERIC))
    written = _written(attempt)
    age = {name: max(0.0, moment - t) for name, t in written.items()}
    how = _ending(on, status.value, metadata.value, written, moment)
    quiet = min(age.values(), default=None)
    between = on.told.restarting and how.state == "finished" and quiet is not None and quiet < ending.ALIVE_S
    state = "in_progress" if between and not on.pinned else how.state
    over = state != "in_progress" and _settled(how, status.value, metadata.value, written, moment)
    recorded = on.events.written is not None
    outputs = {name: age.get(f"agent_outputs/{name}.txt") for name in _names(on, status.value, metadata.value)}
    logs = [one for name, one in age.items() if name.endswith((".log", ".txt"))]
    costs = {name: usage.price(one) for name, one in usage.recorded(status.value, Metrics()).items()}
    floor = None in costs.values() or any(not d.priced or d.cost_is_floor for d in dialects.values())
    elapsed = status.value.elapsed_s
    if elapsed is not None and state == "in_progress":
        elapsed += age.get("status.json", 0.0)
    event_age = None if not recorded else age.get("events.jsonl", 0.0) if state == "in_progress" else 0.0
    return LiveRun(
        session=on.place.session.name,
        path=str(attempt.path),
        turn=on.place.turn.number,
        attempt=attempt.number,
        attempts=len(on.place.turn.attempts),
        massgen_version=metadata.value.version,
        state=state,
        reason=how.reason,
        over=over,
        phase=status.value.phase,
        completion=status.value.completion,
        winner=status.value.winner or on.told.final,
        votes=status.value.votes,
        elapsed_s=elapsed,
        cost_usd=usage.total_cost(costs.values(), ()),
        cost_is_floor=floor,
        agents=[_agent(name, on, status.value, costs.get(name), event_age, output) for name, output in outputs.items()],
        quiet_s=age.get("events.jsonl") if recorded else min(logs, default=None),
        written_s=quiet,
        status_s=age.get("status.json"),
        calls_recorded=recorded,
        skipped_bytes=on.events.skipped,
        sources=[*(s for s in (metadata.source, status.source) if s), *([on.events.source] if recorded else [])],
        problems=[*metadata.problems, *status.problems],
    )


def _follow(on: Watch) -> None:
    """Go on to the newest attempt of the session, if the caller named none."""
    session = read_session(on.place.session.path)
    if on.pinned or not session.turns:
        return
    turn = session.turns[-1]
    if turn.attempts[-1].path != on.place.attempt.path:
        on.events, on.told, on.kept, on.decided = begin(turn.attempts[-1]), Told(), {}, None
    on.place = Place(session, turn, turn.attempts[-1])


def _kept(on: Watch, name: str, read: Callable[[Path | None], Read[T]]) -> Read[T]:
    """A file of the attempt, read again only when it has changed. One that can't be read while it is being rewritten
    leaves what the look before knew."""
    path = on.place.attempt.file(name)
    info = file_status(path) if path else None
    stamp = (info.st_ino, info.st_size, info.st_mtime_ns) if info else None
    before = on.kept.get(name)
    if before is not None and before[0] == stamp:
        return before[1]
    found = read(path)
    if before is not None and (found.source is None or found.unreadable):
        return before[1]
    on.kept[name] = (stamp, found)
    return found


def _written(attempt: Attempt) -> dict[str, float]:
    """When each file that a living run writes was last written, Unix seconds."""
    found: dict[str, float] = {}
    for folder in (attempt.log_half, attempt.path):
        found |= {name: info.st_mtime for name, info in listing(folder) if name in RUN_FILES} if folder else {}
    outputs = attempt.path / "agent_outputs"
    return found | {f"agent_outputs/{name}": info.st_mtime for name, info in listing(outputs) if name.endswith(".txt")}


def _ending(on: Watch, status: Status, metadata: Metadata, written: dict[str, float], now: float) -> Ending:
    """As run/ending.py decides; asked again when a file has changed, and of a run in progress now and then: time alone ends a
    dead one."""
    known = on.decided
    late = known is not None and known[2].state == "in_progress" and now - known[1] > _DECIDE_S
    if on.decided is None or on.decided[0] != written or late:
        coordination = _kept(on, "coordination_events.json", coordination_events.read).value
        failure = (metadata.failure_stage, metadata.failure_error or "") if metadata.failure_stage else None
        how = ending.decide(
            on.place.attempt, status, coordination, failure, clock_of(on.place, status, coordination, metadata), now
        )
        on.decided = (written, now, how)
    return on.decided[2]


def _settled(how: Ending, status: Status, metadata: Metadata, written: dict[str, float], now: float) -> bool:
    """Whether nothing more is to come. MassGen may still present an answer after a timeout (up to 0.1.60), write the files of
    the end, status.json last, or evaluate the answer and begin another attempt."""
    last = max(written.values(), default=0.0)
    if how.last_sign is None or now - how.last_sign > ending.ALIVE_S or now - last > SETTLED_S:
        return True
    if (integer(mapping((metadata.orchestrator or {}).get("coordination")).get("max_orchestration_restarts")) or 0) > 0:
        return False
    if status.finish_reason not in _TOLD_BY.get(how.state, ()):
        return how.state == "unfinished"
    return written.get("status.json", 0.0) >= written.get("coordination_events.json", now)


def _names(on: Watch, status: Status, metadata: Metadata) -> list[str]:
    return list(dict.fromkeys([*(one.id for one in metadata.agents), *status.agents, *on.told.agents]))


def _agent(
    name: str, on: Watch, status: Status, cost: float | None, event_age: float | None, output_age: float | None
) -> LiveAgent:
    """event_age: of events.jsonl, 0 for a run that is not going on, None where there is none; output_age: of the agent's file
    in agent_outputs, which tells how long it has been quiet then."""
    entry, told = status.agents.get(name), on.told.agents.get(name, Doing())
    state = entry.status if entry else None

    def ago(t: float | None) -> float | None:
        if t is None or on.told.last is None or event_age is None:
            return None
        return round(max(0.0, on.told.last - t) + event_age, 1)

    if state in _DEAD:
        doing = "dead"
    elif event_age is None:
        doing = "working" if state in _AT_WORK else "waiting" if state == "voted" else "unknown"
    else:
        doing = "tool" if told.open else "model" if told.at_work else "waiting"
    return LiveAgent(
        name, state, entry.error if entry else None,
        max((n for n in (entry.answer_count if entry else None, told.answers or None) if n is not None), default=None),
        told.voted_for or (entry.voted_for if entry else None), doing,
        tuple(OpenCall(c.tool, c.command, ago(c.t)) for c in told.open.values()), ago(told.last) if event_age is not None else output_age, cost,
    )  # fmt: skip
