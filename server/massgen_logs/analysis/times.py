"""Where the time of a run went: wall phases, executions, the critical path, tools.

Sources: the Run's moments, answers, votes, executions and calls (events.jsonl from 0.1.46 on, else coordination_events.json
and metrics_events.json). Seconds; start_s and end_s count from the start of the run. A value that no file records is None.
The model's own answering time is recorded by no version: think time is what is left beside the tools. It holds whatever
MassGen does around a response too (it connects the MCP servers at each start, and takes up to seconds to accept an answer).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from massgen_logs.analysis.phases import Operation, Phase, phases, rounds, slowest
from massgen_logs.run.model import ANY_AGENT, Call, Execution, Run

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class WallPhase:
    """One part of the run's wall time; the parts follow each other without a gap. share: of the total, 0 to 1.

    held_by: whose act ended it; at a time-out or an open end, all who were still waited for. ended_with: that act. last_call: the
    last call that they started in it. alone_s: how long the others had been done with the phase already.
    """

    name: str
    start_s: float
    end_s: float
    seconds: float
    share: float | None
    held_by: list[str]
    ended_with: str
    last_call: str | None
    alone_s: float | None


@dataclass(frozen=True, slots=True)
class Spent:
    """One execution of an agent, or the presentation (execution None).

    It ends with its own accepted answer or vote, its death, its next start, or the end of the coordination.
    think_s + tools_s + other_s = wall_s. tools_s: union of the intervals of its calls, so that parallel ones count once.
    other_s: from the last recorded output (an ignored or refused vote, else the last call) to the end. denied_s,
    background_wait_s: parts of tools_s, refused calls and waiting for (or queued behind) background tools.
    waited_s: from its end to its agent's next start or the end of the coordination; not part of wall_s.
    """

    agent: str
    execution: int | None
    cause: str
    start_s: float
    end_s: float
    wall_s: float
    tools_s: float | None
    think_s: float | None
    other_s: float
    first_tool_s: float | None
    background_wait_s: float | None
    denied_s: float | None
    waited_s: float
    calls: int | None
    outcome: str
    result: str | None
    src: str


@dataclass(frozen=True, slots=True)
class ToolSpent:
    """Calls of one tool that ran. elapsed_s: MassGen's time; own_s: the commands' own time as their results tell it;
    queue_s: elapsed apart from own, over the foreground calls that have both; max_s: own time where known, else elapsed.
    """

    tool: str
    calls: int
    failed: int
    denied: int
    elapsed_s: float | None
    own_s: float | None
    queue_s: float | None
    max_s: float | None


@dataclass(frozen=True, slots=True)
class Checklist:
    """An execution with checklist calls: evaluation_s from its start to the end of the last one, implementation_s the rest."""

    agent: str
    execution: int | None
    evaluation_s: float
    implementation_s: float
    where: str


@dataclass(slots=True)
class Times:
    """The times of a run. total_s is a floor where `floor`; None where no file tells when the run began or ended."""

    total_s: float | None
    total_src: str
    floor: bool
    wall_phases: list[WallPhase] = field(default_factory=list[WallPhase])
    rounds: list[Phase] = field(default_factory=list[Phase])
    executions: list[Spent] = field(default_factory=list[Spent])
    critical_path: list[Spent] = field(default_factory=list[Spent])
    slowest: list[Operation] = field(default_factory=list[Operation])
    tools: list[ToolSpent] = field(default_factory=list[ToolSpent])
    checklists: list[Checklist] = field(default_factory=list[Checklist])
    not_measurable: list[str] = field(default_factory=list[str])


@dataclass(frozen=True, slots=True)
class _Frame:
    """The borders of a run, Unix seconds."""

    start: float
    end: float
    presentation: float | None
    limit: float
    """End of the coordination: the presentation, else the time-out, else the end."""


def time_breakdown(run: Run) -> Times:
    """All times that the files of a run tell."""
    frame = _frame(run)
    floor = run.duration_s is None
    found = Times(
        None if frame is None else round(frame.end - frame.start, 3),
        run.duration_src or "last record of any file",
        floor,
    )
    found.rounds = phases(run)
    found.slowest = slowest(run, 6)
    found.tools = _tools(run)
    if frame is not None:
        found.executions = _executions(run, frame)
        found.wall_phases = _wall(run, frame)
        found.critical_path = _path(run, found.executions)
        found.checklists = _checklists(run, frame, found.executions)
    found.not_measurable = _unknown(run, found)
    return found


def union(spans: Iterable[Span]) -> float:
    """Seconds covered by at least one of the intervals."""
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        if end > reached:
            covered += end - max(start, reached)
            reached = end
    return covered


def _frame(run: Run) -> _Frame | None:
    if run.started is None:
        return None
    known = [run.ending.last_sign, *(a.t for a in run.answers), *(v.t for v in run.votes), *(m.t for m in run.moments)]
    known += [*(c.end for c in run.calls), *(c.t for c in run.calls), *(e.t for e in run.executions)]
    end = (
        run.started + run.duration_s
        if run.duration_s is not None
        else max((t for t in known if t), default=run.started)
    )
    end = max(end, run.started)

    def first(kind: str) -> float | None:
        times = [m.t for m in run.moments if m.kind == kind and m.t is not None]
        return min(times) if times else None

    presentation = first("presentation")
    limit = presentation if presentation is not None else first("timeout")
    limit = end if limit is None else min(max(limit, run.started), end)
    return _Frame(run.started, end, None if presentation is None else limit, limit)


# --- executions


def _executions(run: Run, frame: _Frame) -> list[Spent]:
    by_agent: dict[str, list[Execution]] = {}
    for execution in run.executions:
        if execution.t is not None:
            by_agent.setdefault(execution.agent, []).append(execution)
    found: list[Spent] = []
    for agent, own in by_agent.items():
        own.sort(key=lambda e: e.t or 0.0)
        for execution, after in zip(own, [*own[1:], None], strict=True):
            start = execution.t or 0.0
            edge = max(start, min(after.t if after and after.t else frame.limit, frame.limit))
            end, output, outcome, result = _outcome(run, agent, start, edge, last=after is None)
            spent = _spent(run, frame, agent, (start, end), output)
            found.append(replace(
                spent, execution=execution.index, cause=execution.cause, waited_s=round(edge - end, 3), outcome=outcome,
                result=result, src=execution.src,
            ))  # fmt: skip
    moment = next((m for m in run.moments if m.kind == "presentation"), None)
    if moment is not None and frame.presentation is not None and moment.agent:
        ends = [m.t for m in run.moments if m.kind == "final_answer" and m.t is not None and m.t >= frame.presentation]
        end = min(ends[0] if ends else frame.end, frame.end)
        spent = _spent(run, frame, moment.agent, (frame.presentation, end), end if ends else None)
        found.append(replace(spent, outcome="presented" if ends else "none", src=moment.src))
    return sorted(found, key=lambda s: s.start_s)


def _outcome(
    run: Run, agent: str, start: float, edge: float, *, last: bool,
) -> tuple[float, float | None, str, str | None]:  # fmt: skip
    """(end, last output besides calls, outcome, answer label or voted agent) of what began at `start`."""
    taken = [(a.t, "answer", a.label) for a in run.answers if a.agent == agent and a.t is not None]
    taken += [(v.t, "vote", v.voted_for) for v in run.votes if v.voter == agent and v.accepted and v.t is not None]
    taken = [event for event in taken if start <= event[0] <= edge]
    if taken:
        t, kind, what = max(taken, key=lambda event: event[0])
        return t, t, kind, what
    votes = [v for v in run.votes if v.voter == agent and v.t is not None and start <= v.t <= edge]
    errors = [m for m in run.moments if m.kind == "error" and m.agent == agent and m.t and start <= m.t <= edge]
    if errors and (not votes or (errors[-1].t or 0.0) >= (votes[-1].t or 0.0)):
        t = errors[-1].t or edge
        return (t if last else edge), t, "died" if last else "error", errors[-1].detail
    if votes:
        vote = max(votes, key=lambda v: v.t or 0.0)
        return edge, vote.t, "vote ignored" if vote.ignored else "vote refused", vote.voted_for
    if last:
        return edge, None, {"timed_out": "timed out", "finished": "none"}.get(run.ending.state, "open"), None
    return edge, None, "none", None


def _spent(run: Run, frame: _Frame, agent: str, window: Span, output: float | None) -> Spent:
    start, end = window
    wall = round(end - start, 3)
    calls = [c for c in run.calls if c.agent == agent and c.t is not None and start <= c.t < max(end, start + 1e-6)]
    reached = [t for t in (output, *(c.t for c in calls), *(c.end for c in calls)) if t is not None]
    other = round(end - min(end, max(reached, default=start)), 3)
    tools = think = first = denied = waited = None
    if _timed(run, agent):
        spans = [_clip(c, end) for c in calls]
        ran = [_clip(c, end) for c in calls if c.ran]
        tools = min(round(union(spans), 3), round(wall - other, 3))
        think = round(wall - other - tools, 3)
        first = round(min(c.t or end for c in calls) - start, 3) if calls else None
        denied = round(max(0.0, union(spans) - union(ran)), 3)
        waited = round(union(_waits(run, agent, calls, end)), 3)
    return Spent(
        agent, None, "", round(start - frame.start, 3), round(end - frame.start, 3), wall, tools, think, other, first, waited,
        denied, 0.0, len(calls) if tools is not None else None, "", None, "",
    )  # fmt: skip


def _timed(run: Run, agent: str) -> bool:
    """True if the agent's calls, or that it made none, are known with their times."""
    if not run.calls_recorded or any(c.agent == ANY_AGENT for c in run.calls):
        return False
    return all(c.t is not None and (c.end is not None or c.outcome == "open") for c in run.calls if c.agent == agent)


def _clip(call: Call, end: float) -> Span:
    start = call.t or 0.0
    return start, max(start, min(call.end if call.end is not None else start, end))


def _waits(run: Run, agent: str, calls: list[Call], end: float) -> list[Span]:
    """Calls that only wait for a background tool, and the queueing of others while one ran.

    A background job runs from its start for its own time; a call queues from its start until its own time before its end.
    """
    jobs = [(c.t, c.t + c.exec_s) for c in run.calls
            if c.agent == agent and c.background and c.t is not None and c.exec_s is not None]  # fmt: skip
    found: list[Span] = []
    for call in calls:
        start, stop = _clip(call, end)
        if call.tool.endswith("wait_for_background_tool"):
            found.append((start, stop))
        elif not call.background and call.exec_s is not None and call.end is not None:
            queued = min(stop, max(start, call.end - call.exec_s))
            found += [(max(start, a), min(queued, b)) for a, b in jobs if min(queued, b) > max(start, a)]
    return found


# --- phases of the wall time


def _wall(run: Run, frame: _Frame) -> list[WallPhase]:
    """Start-up, initial answers, voting, presentation, post-evaluation: each begins where the one before ends."""
    leaves = _leaves(run, frame)
    signs = [(c.t, c.agent) for c in run.calls if c.t is not None]
    signs += [(e.t, agent) for agent, own in (run.enforcement or {}).items() for e in own if e.t is not None]
    first_answer = min((t for t, _, _ in leaves), default=frame.limit)
    signs = [sign for sign in signs if frame.start < sign[0] < first_answer]
    found: list[WallPhase] = []
    reached = frame.start
    if signs:
        t, agent = min(signs)
        found.append(
            _phase(run, frame, "start_up", (reached, t), [agent], "the first recorded call or response of any agent")
        )
        reached = t
    if leaves:
        end = min(max(t for t, _, _ in leaves), frame.limit)
        held = [leave for leave in leaves if leave[0] >= end - 0.001]
        others = [t for t, _, _ in leaves if t < end - 0.001]
        found.append(_phase(
            run, frame, "initial_answer", (reached, max(reached, end)), [agent for _, agent, _ in held], held[0][2] if held else "",
            end - max(others) if others else None,
        ))  # fmt: skip
        reached = max(reached, end)
    if frame.limit > reached:
        found.append(_voting(run, frame, reached))
        reached = frame.limit
    if frame.presentation is not None and frame.end > reached:
        who = next((m.agent for m in run.moments if m.kind == "presentation" and m.agent), None)
        after = [r.start for r in rounds(run) if r.type == "post_evaluation" and r.start is not None]
        border = min([t for t in after if reached <= t <= frame.end], default=frame.end)
        held_by = [who] if who else []
        done = any(m.kind == "final_answer" for m in run.moments)
        what = "final answer" if done else "no final answer is recorded"
        found.append(_phase(run, frame, "presentation", (reached, border), held_by, what))
        if border < frame.end:
            found.append(
                _phase(run, frame, "post_evaluation", (border, frame.end), held_by, "evaluation of the final answer")
            )
    elif frame.end > reached:
        found.append(
            _phase(run, frame, "after_timeout", (reached, frame.end), [], "end of the run; no presentation is recorded")
        )
    return [phase for phase in found if phase.seconds > 0 or phase.name == "initial_answer"]


def _leaves(run: Run, frame: _Frame) -> list[tuple[float, str, str]]:
    """(when, agent, by what) each agent was done with its initial answer: its first answer, its first vote or its death;
    one that did none of these, when anyone first voted, else at the end of the coordination."""
    found: list[tuple[float, str, str]] = []
    first_vote = min((v.t for v in run.votes if v.t is not None), default=None)
    for agent in run.agents or dict.fromkeys(e.agent for e in run.executions):
        acts = [(a.t, f"answer {a.label}") for a in run.answers if a.agent == agent and a.t is not None]
        if not acts:
            acts = [(v.t, f"vote for {v.voted_for}") for v in run.votes if v.voter == agent and v.t is not None]
        died = run.agents[agent].status == "error" if agent in run.agents else False
        if not acts and died:
            deaths = [m for m in run.moments if m.kind == "error" and m.agent == agent and m.t is not None]
            acts = [(deaths[-1].t or frame.limit, f"died: {deaths[-1].detail}")] if deaths else []
        if acts:
            t, what = min(acts)
            found.append((t, agent, what))
        elif first_vote is not None:
            found.append((first_vote, agent, "the first vote of any agent (it had not answered)"))
        else:
            found.append((frame.limit, agent, f"{run.ending.state.replace('_', ' ')}: it had not answered"))
    return found


def _voting(run: Run, frame: _Frame, start: float) -> WallPhase:
    acts = [(v.t, v.voter, f"vote for {v.voted_for}") for v in run.votes if v.accepted and v.t is not None]
    acts += [(a.t, a.agent, f"answer {a.label}") for a in run.answers if a.t is not None]
    lasts: dict[str, tuple[float, str]] = {}
    for t, agent, what in sorted(acts):
        if t <= frame.limit:
            lasts[agent] = (t, what)
    out = [m for m in run.moments if m.kind == "timeout" and m.t is not None and m.t <= frame.limit + 0.05]
    if out or run.ending.state in {"unfinished", "in_progress"}:
        counted = {v.voter for v in run.votes if v.counted and (v.t or frame.limit) >= start}
        open_ = [a.id for a in run.agents.values() if a.id not in counted and a.status != "error"]
        how = run.ending.state.replace("_", " ")
        return _phase(run, frame, "voting", (start, frame.limit), open_, f"{how}: no vote of theirs counted")
    if not lasts:
        return _phase(run, frame, "voting", (start, frame.limit), [], "no answer or vote is recorded")
    who = max(lasts, key=lambda agent: lasts[agent][0])
    before = [t for agent, (t, _) in lasts.items() if agent != who]
    alone = lasts[who][0] - max([start, *before]) if before else None
    return _phase(run, frame, "voting", (start, frame.limit), [who], lasts[who][1], alone)


def _phase(
    run: Run, frame: _Frame, name: str, span: Span, held_by: list[str], what: str, alone: float | None = None,
) -> WallPhase:  # fmt: skip
    start, end = (round(t - frame.start, 3) for t in span)
    whole = frame.end - frame.start
    own = [c for c in run.calls if c.agent in held_by and c.t is not None and span[0] <= c.t <= span[1]]
    last = max(own, key=lambda c: c.t or 0.0, default=None)
    seconds = round(end - start, 3)
    return WallPhase(
        name, start, end, seconds, round(seconds / whole, 4) if whole else None,
        [agent if agent != ANY_AGENT else "not recorded" for agent in held_by], what,
        None if last is None else f"{last.tool}: {last.command}" if last.command else last.tool,
        None if alone is None else round(max(0.0, alone), 3),
    )  # fmt: skip


def _path(run: Run, executions: Sequence[Spent]) -> list[Spent]:
    """The executions that the end of the coordination waited for, in order: before the last one to end comes what made it
    start, the execution that gave the new answer, or its agent's own one where that ended later."""
    own = [s for s in executions if s.execution is not None]
    if not own:
        return []
    by_index = {(s.agent, s.execution): s for s in own}
    author = {a.label: a.agent for a in run.answers if a.label}
    by_label = {(s.agent, s.result): s for s in own if s.outcome == "answer"}
    step: Spent | None = max(own, key=lambda s: (s.end_s, s.outcome in {"answer", "vote"}))
    path: list[Spent] = []
    while step is not None and step not in path:
        path.append(step)
        cause = by_label.get((author.get(step.cause, ""), step.cause))
        before = by_index.get((step.agent, (step.execution or 0) - 1))
        if before is not None and cause is not None and before.outcome != "none" and before.end_s > cause.end_s:
            cause = None  # it went on with its old context after that answer: itself held it up
        step = cause or before
    return path[::-1]


# --- tools


def _tools(run: Run) -> list[ToolSpent]:
    groups: dict[str, list[Call]] = {}
    for call in run.calls:
        groups.setdefault(call.tool, []).append(call)

    def total(values: Iterable[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return round(sum(known), 3) if known else None

    found: list[ToolSpent] = []
    for tool, calls in groups.items():
        ran = [c for c in calls if c.ran]
        both = [max(0.0, c.elapsed_s - c.exec_s) for c in ran
                if c.elapsed_s is not None and c.exec_s is not None and not c.background]  # fmt: skip
        took = [c.exec_s if c.exec_s is not None else c.elapsed_s for c in ran]
        found.append(ToolSpent(
            tool, len(ran), sum(c.outcome == "failed" for c in ran), len(calls) - len(ran), total(c.elapsed_s for c in ran),
            total(c.exec_s for c in ran), total(both), max((t for t in took if t is not None), default=None),
        ))  # fmt: skip
    return sorted(found, key=lambda t: -(t.own_s if t.own_s is not None else t.elapsed_s or 0.0))


def _checklists(run: Run, frame: _Frame, executions: Sequence[Spent]) -> list[Checklist]:
    found: list[Checklist] = []
    for spent in executions:
        start, end = frame.start + spent.start_s, frame.start + spent.end_s
        calls = [c for c in run.calls if c.agent == spent.agent and c.tool.endswith("submit_checklist") and c.t is not None
                 and start <= c.t <= end and c.ran]  # fmt: skip
        if calls:
            border = min(end, max(c.end or c.t or start for c in calls))
            evaluation = min(round(border - start, 3), spent.wall_s)
            rest = round(spent.wall_s - evaluation, 3)
            found.append(Checklist(spent.agent, spent.execution, evaluation, rest, calls[-1].src))
    return found


# --- what can't be known


def _unknown(run: Run, found: Times) -> list[str]:
    """A sentence for each thing that the files of this run don't tell."""
    said: list[str] = []
    if found.total_s is None:
        said.append("no file tells when the run began: nothing can be placed in time")
    elif found.floor:
        said.append("no end is recorded: the total is the time to the last record of any file, a floor")
    if not run.executions:
        said.append("no file records when agents started: no time per agent")
    if not run.calls_recorded:
        said.append("no file of this attempt holds calls: tool and think time are unknown")
    elif nobody := sum(c.agent == ANY_AGENT for c in run.calls):
        said.append(
            f"{nobody} of {len(run.calls)} calls are recorded without their agent: tool and think time per agent are unknown"
        )
    for agent in dict.fromkeys(c.agent for c in run.calls if c.agent != ANY_AGENT):
        own = [c for c in run.calls if c.agent == agent]
        if bad := sum(c.t is None or (c.end is None and c.outcome != "open") for c in own):
            said.append(
                f"{agent}: {bad} of {len(own)} calls have no recorded times: its tool and think time are unknown"
            )
    if opened := sum(c.outcome == "open" for c in run.calls):
        said.append(f"{opened} calls have no recorded end: how long they took is unknown, they count 0 s of tool time")
    ran = [c for c in run.calls if c.ran]
    if run.calls_recorded and (bare := sum(c.exec_s is None for c in ran)):
        said.append(
            f"{bare} of {len(ran)} calls don't tell their own time: queueing can't be told from execution there"
        )
    if found.wall_phases and found.wall_phases[0].name != "start_up":
        said.append(
            "start-up is not visible: the first recorded sign of an agent is an answer, so it is part of initial_answer"
        )
    elif found.wall_phases:
        said.append(
            "start_up ends with the first recorded call or refused response: the first model response is part of it"
        )
    if not found.rounds:
        said.append("no round records: the table by round type is empty")
    said.append("the model's own answering time is recorded by no version: think is what is left beside tools, MassGen's "
                "connecting of servers and taking of answers included")  # fmt: skip
    return said
