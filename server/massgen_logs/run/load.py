"""Build the Run of one attempt from its files; each file is read at most once, and again only when it has changed.

Rules for the single facts: winner is status.json results.winner, else coordination_events.json final_winner, else what
events.jsonl, snapshot_mappings.json and the final/ folder name (a timeout that re-uses a stored answer leaves the JSON
winner null). Duration is session_metadata end_time - start_time of coordination_events.json; without it the limit that
the timeout message names; a run that did not end has none. Restarts are status.json times_restarted (the winner has one
more for the presentation), before 0.1.12 the restart_completed events.
"""

from __future__ import annotations

import re
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from massgen_logs.readers import (
    answer_txt,
    coordination_events,
    coordination_table,
    execution_metadata,
    metrics_events,
    metrics_summary,
    snapshot_mappings,
    status_json,
)
from massgen_logs.readers.base import Problem, Read, Source, T
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.execution_metadata import Metadata
from massgen_logs.readers.metrics_events import MetricsEvents
from massgen_logs.readers.metrics_summary import Metrics
from massgen_logs.readers.snapshot_mappings import Snapshot
from massgen_logs.readers.status_json import Status, Usage
from massgen_logs.run import answers, clock, ending, events, executions, notes, old_logs, usage, versions, votes
from massgen_logs.run.backends import choose
from massgen_logs.run.backends.dialect import Dialect
from massgen_logs.run.clock import Clock
from massgen_logs.run.events import Digest
from massgen_logs.run.model import Agent, Call, Moment, Run
from massgen_logs.tree import Attempt, Place

_CACHED = 8
_cache: OrderedDict[str, tuple[object, Run]] = OrderedDict()
_lock = Lock()
_LIMIT = re.compile(r"\(([\d.]+)s/[\d.]+s\)")


@dataclass(slots=True)
class Files:
    """What the readers returned for one attempt."""

    metadata: Metadata
    status: Status
    coordination: Coordination
    snapshots: list[Snapshot]
    metrics: Metrics
    tools: MetricsEvents
    emptied: bool
    """coordination_events.json is what an orchestration restart leaves."""

    @property
    def usable(self) -> Coordination | None:
        """The coordination events, unless they are missing or emptied."""
        return self.coordination if self.coordination.events and not self.emptied else None


def load(place: Place) -> Run:
    """The Run of an attempt; unchanged files are not read again."""
    key = str(place.attempt.path)
    signature = place.attempt.signature()
    with _lock:
        if key in _cache and _cache[key][0] == signature:
            _cache.move_to_end(key)
            return _cache[key][1]
    run = build(place)
    with _lock:
        _cache[key] = (signature, run)
        _cache.move_to_end(key)
        while len(_cache) > _CACHED:
            _cache.popitem(last=False)
    return run


def build(place: Place) -> Run:
    """Read the files of an attempt and normalise them."""
    attempt = place.attempt
    sources: list[Source] = []
    problems: list[Problem] = []

    def take(read: Read[T]) -> T:
        if read.source:
            sources.append(read.source)
        problems.extend(read.problems)
        return read.value

    coordination = take(coordination_events.read(attempt.file("coordination_events.json")))
    files = Files(
        _with_config(take(execution_metadata.read(attempt.file("execution_metadata.yaml"))), place),
        take(status_json.read(attempt.file("status.json"))),
        coordination,
        take(snapshot_mappings.read(attempt.file("snapshot_mappings.json"))),
        take(metrics_summary.read(attempt.file("metrics_summary.json"))),
        take(metrics_events.read(attempt.file("metrics_events.json"))),
        ending.is_emptied(coordination),
    )
    time = clock_of(place, files.status, coordination)
    backends = {agent.id: agent for agent in files.metadata.agents}
    chosen: dict[str, Dialect] = {}

    def dialect_of(agent: str) -> Dialect:
        if agent not in chosen:
            chosen[agent] = choose(backends[agent].backend if agent in backends else None)
        return chosen[agent]

    digest = _digest(attempt, time, dialect_of, sources, problems)
    order = _agent_order(files, digest, take, attempt)
    old = None
    if digest is None:
        old = old_logs.read(attempt, order or list(attempt.agent_folders()), dialect_of, time, sources, problems)
        order = order or old.agents or list(attempt.agent_folders())
        _times_from_metrics(old.calls, files.tools)
    how = ending.decide(attempt, files.status, coordination, failure(files.metadata), time)
    version = versions.parse(files.metadata.version)
    run = Run(
        place.session.name, place.turn.number, attempt.number, len(place.turn.attempts), str(attempt.path),
        files.metadata.version, None if files.metadata.version else versions.inferred_range(attempt),
        files.status.question or coordination.question or files.metadata.query or files.metrics.question, {}, how,
    )  # fmt: skip
    run.sources, run.problems, run.timeout_s = sources, problems, files.metadata.timeout_s
    settings = files.metadata.orchestrator or {}
    run.config = {key: value for key, value in settings.items() if isinstance(value, str | int | float | bool)}
    run.answers = answers.collect(attempt, coordination, files.snapshots, digest, files.status, time, order)
    run.votes = votes.collect(attempt, files.usable, digest, old, files.status, problems)
    run.votes_ignored = votes.count_ignored(
        run.votes, files.usable, digest, old, version, has_status=attempt.file("status.json") is not None,
    )  # fmt: skip
    run.calls = digest.calls if digest else old.calls if old else []
    run.executions = executions.collect(files.usable, digest, run.answers, run.votes)
    _fill_times(run, files, digest, old)
    _fill_agents(run, files, digest, order, backends, dialect_of)
    _fill_winner(run, attempt, files, digest)
    _fill_moments(run, files, digest, old)
    for moment in run.moments:
        if moment.kind == "error" and moment.agent in run.agents and not run.agents[moment.agent].error:
            run.agents[moment.agent].error = moment.detail if run.agents[moment.agent].status == "error" else None
    _fill_enforcement(run, files.status, digest)
    doubled_unknown = _fill_usage(run, place, files, digest, dialect_of)
    run.denied_recorded = all(dialect_of(agent).refusals_recorded for agent in run.agents)
    ended = how.state == "finished" or (how.state == "timed_out" and bool(run.answers))
    expected = versions.expected_files(attempt, version, ended=ended, debug=bool(files.metadata.debug))
    run.missing = [name for name in expected if attempt.file(name) is None]
    notes.add(run, attempt, files, digest, dialect_of, doubled_unknown)
    return run


def _with_config(metadata: Metadata, place: Place) -> Metadata:
    """The metadata of a restarted attempt names no config: that of its session's other attempts applies."""
    others = (a for turn in place.session.turns for a in turn.attempts if a.path != place.attempt.path)
    for other in others if not metadata.agents else ():
        config = execution_metadata.read(other.file("execution_metadata.yaml")).value
        if config.agents:
            metadata.agents, metadata.timeout_s = config.agents, metadata.timeout_s or config.timeout_s
            break
    return metadata


def failure(metadata: Metadata) -> tuple[str, str] | None:
    """(stage, error) of a failed start-up."""
    return (metadata.failure_stage, metadata.failure_error or "") if metadata.failure_stage else None


def clock_for(place: Place) -> Clock:
    """The clock of a run, read from its files."""
    status = status_json.read(place.attempt.file("status.json")).value
    return clock_of(place, status, coordination_events.read(place.attempt.file("coordination_events.json")).value)


def clock_of(place: Place, status: Status, coordination: Coordination) -> Clock:
    """The clock of a run, from the moments that stand in local time and in Unix seconds."""
    stamp = place.session.name.removeprefix("log_")
    pairs: list[tuple[str, float]] = []
    answered = [
        event for event in coordination.events if event.type in {"new_answer", "vote_cast"} and event.t is not None
    ]
    for agent, stamps in place.attempt.agent_folders().items():
        own = [event.t for event in answered if event.agent == agent and event.t is not None]
        pairs += list(zip(stamps[:1], own[:1], strict=False))
    for start in (status.start_time, coordination.start):
        if start is not None:
            pairs.append((stamp, start))
    return clock.make(place.session.name, pairs)


def _digest(
    attempt: Attempt, time: Clock, dialect_of: Callable[[str], Dialect], sources: list[Source], problems: list[Problem],
) -> Digest | None:  # fmt: skip
    if attempt.file("events.jsonl") is None:
        return None
    source = Source("events.jsonl")
    sources.append(source)
    digest = events.digest(attempt, time, dialect_of, source, problems)
    return digest if digest.last is not None or digest.calls else None


def _agent_order(
    files: Files, digest: Digest | None, take: Callable[[Read[coordination_table.Table]], coordination_table.Table],
    attempt: Attempt,
) -> list[str]:  # fmt: skip
    """Agents in config order, from the first file that names them."""
    if files.coordination.agents:
        return list(files.coordination.agents)
    if files.metadata.agents:
        return [agent.id for agent in files.metadata.agents]
    if files.status.agents:
        return list(files.status.agents)
    table = take(coordination_table.read(attempt.file("coordination_table.txt")))
    if table.agents:
        return list(table.agents)
    return list(dict.fromkeys(start.agent for start in digest.starts)) if digest else []


def _times_from_metrics(calls: list[Call], tools: MetricsEvents) -> None:
    """Give calls without times those of metrics_events.json, where its list fits the agent's calls one to one."""
    by_agent: dict[str, list[metrics_events.ToolExecution]] = defaultdict(list)
    for tool in tools.tools:
        by_agent[tool.agent or ""].append(tool)
    for agent, executions_ in by_agent.items():
        own = [call for call in calls if call.agent == agent]
        executions_.sort(key=lambda execution: execution.start or 0.0)
        if [c.tool for c in own] != [e.tool for e in executions_]:
            continue
        for call, execution in zip(own, executions_, strict=True):
            call.t, call.end = execution.start, execution.end
            if call.t is not None and call.end is not None:
                call.elapsed_s = round(call.end - call.t, 6)


def _fill_times(run: Run, files: Files, digest: Digest | None, old: old_logs.OldLogs | None) -> None:
    usable = files.usable
    first = digest.first if digest else old.first if old else None
    run.started = usable.start if usable else None if files.emptied else files.status.start_time
    run.started = run.started if run.started is not None else first
    if usable and usable.start is not None and usable.end is not None:
        run.ended, run.duration_s = usable.end, round(usable.end - usable.start, 3)
        run.duration_src = "coordination_events.json session_metadata"
        return
    if run.ending.state == "timed_out" and (
        match := _LIMIT.search((digest and digest.timeout_reason) or run.ending.reason)
    ):
        run.duration_s, run.duration_src = float(match[1]), "the timeout's own message"
        run.ended = None if run.started is None else run.started + run.duration_s
    elif (
        run.ending.state in {"finished", "timed_out"}
        and digest
        and digest.first is not None
        and digest.last is not None
    ):
        run.ended, run.duration_s = digest.last, round(digest.last - digest.first, 3)
        run.duration_src = "events.jsonl, first to last event"


def _fill_agents(
    run: Run, files: Files, digest: Digest | None, order: list[str],
    backends: dict[str, execution_metadata.AgentConfig], dialect_of: Callable[[str], Dialect],
) -> None:  # fmt: skip
    completed: dict[str, int] = defaultdict(int)
    for event in files.coordination.events:
        if event.type == "restart_completed" and event.agent:
            completed[event.agent] += 1
    started: dict[str, int] = defaultdict(int)
    for execution in run.executions:
        started[execution.agent] += 1
    seen = [*order, *(a.agent for a in run.answers), *(e.agent for e in run.executions)]
    for name in dict.fromkeys(seen):
        config, entry = backends.get(name), files.status.agents.get(name)
        agent = Agent(name, config.backend if config else None, config.model if config else None, dialect_of(name).name)
        if entry is not None and not files.emptied:
            agent.status, agent.error, agent.restarts = entry.status, entry.error, entry.times_restarted
        elif digest is not None:
            agent.restarts = digest.restarts().get(name, 0)
        elif files.usable:
            agent.restarts = completed[name]
        agent.executions = max(0, started[name] - 1) if run.executions else None
        run.agents[name] = agent


def _fill_winner(run: Run, attempt: Attempt, files: Files, digest: Digest | None) -> None:
    finals = [snapshot.agent for snapshot in files.snapshots if snapshot.type == "final_answer"]
    folders = [name for name in attempt.folders("final") if attempt.file("final", name, "answer.txt")]
    candidates = [
        (files.status.winner, "status.json#results.winner"),
        (files.coordination.winner, "coordination_events.json#session_metadata.final_winner"),
        (files.metrics.winner, "metrics_summary.json#meta.winner"),
        (digest.winner if digest else None, "events.jsonl winner_selected"),
        (digest.presenter if digest else None, "events.jsonl final_presentation_start"),
        (finals[0] if finals else None, "snapshot_mappings.json final_answer"),
        (folders[0] if len(folders) == 1 else None, "final/ folder"),
        (digest.timeout_selected if digest else None, "events.jsonl orchestrator_timeout"),
    ]
    named = [(agent, src) for agent, src in candidates if agent]
    if named:
        run.winner, run.winner_src = named[0]
    for agent, src in named:
        if agent != run.winner:
            run.note("winner_disagreement", f"{src} names {agent}, {run.winner_src} {run.winner}", src)
    if run.winner is None:
        return
    final = answer_txt.read(attempt.file("final", run.winner, "answer.txt"))
    if final.source:
        run.final_text, run.final_src = final.value, f"final/{run.winner}/answer.txt"
    elif digest and digest.final_text is not None:
        run.final_text, run.final_src = digest.final_text, digest.final_src


def _fill_moments(run: Run, files: Files, digest: Digest | None, old: old_logs.OldLogs | None) -> None:
    """Moments of the coordination events; events.jsonl adds what these lack and replaces them where they are missing."""
    kinds = {
        "update_injected": "injection", "agent_error": "error", "agent_timeout": "timeout",
        "final_round_start": "presentation", "final_agent_selected": "winner", "final_answer": "final_answer",
    }  # fmt: skip
    found: list[Moment] = []
    if files.usable:
        for event in files.usable.events:
            if kind := kinds.get(event.type):
                detail = re.sub(r"^(ERROR|TIMEOUT|UPDATE_INJECTED): ", "", event.details)
                found.append(Moment(event.t, kind, event.agent, detail, event.src))
    have = {moment.kind for moment in found}
    errors = {(moment.agent, moment.detail) for moment in found if moment.kind == "error"}
    for moment in digest.moments if digest else old.moments if old else ():
        if moment.kind == "injection":
            found = [m for m in found if m.kind != "injection" or m.src.startswith("events.jsonl")]
        elif moment.kind in have and moment.kind != "error":
            continue
        if moment.kind == "error" and ((moment.agent, moment.detail) in errors or (old and "error" in have)):
            continue
        found.append(moment)
    found.sort(key=lambda moment: moment.t if moment.t is not None else float("inf"))
    run.moments = [m for i, m in enumerate(found) if not _repeats(m, found[:i])]


def _repeats(moment: Moment, before: list[Moment]) -> bool:
    """One injection is recorded once per parallel call; session ends and final answers are sometimes doubled."""
    if moment.kind not in {"injection", "final_answer"}:
        return False
    for other in reversed(before[-6:]):
        if (other.kind, other.agent, other.detail) == (moment.kind, moment.agent, moment.detail):
            return (moment.t or 0.0) - (other.t or 0.0) < 1.0
    return False


def _fill_enforcement(run: Run, status: Status, digest: Digest | None) -> None:
    if any(entry.reliability_recorded for entry in status.agents.values()):
        run.enforcement = {name: entry.enforcement for name, entry in status.agents.items()}
        run.chars_lost = {n: e.chars_lost or 0 for n, e in status.agents.items()}
        run.unknown_tools = {n: list(e.unknown_tools) for n, e in status.agents.items() if e.unknown_tools}
    for name, tools in digest.unknown_tools.items() if digest else ():
        own = run.unknown_tools.setdefault(name, [])
        own += [tool for tool in tools if tool not in own]


def _fill_usage(
    run: Run, place: Place, files: Files, digest: Digest | None, dialect_of: Callable[[str], Dialect],
) -> int:  # fmt: skip
    """Returns how often usage was counted again whose agent can't be told."""
    found = usage.recorded(files.status, files.metrics)
    earlier: dict[str, Usage] | None = None
    if usage.is_cumulative(files.status, files.metrics, run.started):
        before, name = _before(place)
        run.cumulative_over = name
        if before:
            status = status_json.read(before.file("status.json")).value
            earlier = usage.recorded(status, metrics_summary.read(before.file("metrics_summary.json")).value)
    actions = digest.workflow_actions if digest else []
    doubles = usage.excess(place.attempt, found, actions, dialect_of, run.problems)
    run.usage = usage.collect(found, earlier, doubles, dialect_of)
    run.rounds = files.tools.rounds or [r for entry in files.status.agents.values() for r in entry.rounds]
    run.subagents = files.metrics.subagents
    run.total_cost = files.metrics.total_cost if files.metrics.total_cost is not None else files.status.total_cost
    run.recorded_tool_failures = (
        files.metrics.tool_failures if files.metrics.tool_failures is not None else files.status.tool_failures
    )
    return sum(more.unresolved for more in doubles)


def _before(place: Place) -> tuple[Attempt | None, str]:
    """The attempt whose totals this one's figures include."""
    attempts = place.turn.attempts
    index = next((i for i, a in enumerate(attempts) if a.number == place.attempt.number), 0)
    if index:
        return attempts[index - 1], f"attempt {attempts[index - 1].number}"
    turns = [turn for turn in place.session.turns if turn.number < place.turn.number]
    if turns:
        return turns[-1].attempts[-1], f"turn {turns[-1].number}"
    return None, "an earlier turn or attempt that is not in this log"
