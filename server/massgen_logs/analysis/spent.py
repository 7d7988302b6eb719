"""One agent's time: what each of its executions, and the presentation, spent in tools, thinking and waiting."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from massgen_logs.run.model import ANY_AGENT, Call, Execution, Run

Span = tuple[float, float]


class Spent(Struct, frozen=True):
    """One execution of an agent, or the presentation (execution None).

    It ends with its own accepted answer or vote, its death, its next start, or the end of the coordination.
    think_s + tools_s + other_s = wall_s. tools_s: union of the intervals of its calls, so that parallel ones count once.
    other_s: from the last recorded output (an ignored or refused vote, else the last call) to the end; None where it is not known
    when output came: of a presentation that did not end, or of calls without times. denied_s,
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
    other_s: float | None
    first_tool_s: float | None
    background_wait_s: float | None
    denied_s: float | None
    waited_s: float
    calls: int | None
    outcome: str
    result: str | None
    src: str


class Frame(Struct, frozen=True):
    """The borders of a run, Unix seconds."""

    start: float
    end: float
    presentation: float | None
    limit: float
    """End of the coordination: the presentation, else the time-out, else the end."""


def frame_of(run: Run) -> Frame | None:
    """The borders of a run; None where no file tells when it began."""
    if run.started is None:
        return None
    known = [run.ending.last_sign, *(a.t for a in run.answers), *(v.t for v in run.votes), *(m.t for m in run.moments)]
    known += [*(c.end for c in run.calls), *(c.t for c in run.calls), *(e.t for e in run.executions)]
    known += [r.end for r in run.rounds]
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
    return Frame(run.started, end, None if presentation is None else limit, limit)


def executions(run: Run, frame: Frame) -> list[Spent]:
    """Every execution with a recorded start, and the presentation, by start."""
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
        spent = spent if ends else replace(spent, other_s=None, think_s=None)
        outcome = "cut" if run.presentation_cut else "presented" if ends else "none"
        outcome = f"{not_presented(run)}stored answer" if run.stored_answer is not None else outcome
        found.append(replace(spent, outcome=outcome, result=run.stored_answer, src=moment.src))
    return sorted(found, key=lambda s: s.start_s)


def not_presented(run: Run) -> str:
    """Why a stored answer stands as the final one, where its presentation had begun."""
    return "cut by the limit, " if run.ending.state == "timed_out" else "presentation failed, "


def union(spans: Iterable[Span]) -> float:
    """Seconds covered by at least one of the intervals."""
    covered, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        if end > reached:
            covered += end - max(start, reached)
            reached = end
    return covered


def _outcome(
    run: Run, agent: str, start: float, edge: float, *, last: bool,
) -> tuple[float, float | None, str, str | None]:  # fmt: skip
    """(end, last output besides calls, outcome, answer label or voted agent) of what began at `start`."""
    taken = [(a.t, "answer", a.label) for a in run.answers if a.agent == agent and a.t is not None]
    taken += [(v.t, "vote", v.voted_for) for v in run.votes if v.voter == agent and v.accepted and v.t is not None]
    taken += [
        (m.t, "stopped", m.detail) for m in run.moments if m.kind == "stopped" and m.agent == agent and m.t is not None
    ]
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


def _spent(run: Run, frame: Frame, agent: str, window: Span, output: float | None) -> Spent:
    start, end = window
    wall = round(end - start, 3)
    calls = [c for c in run.calls if c.agent == agent and c.t is not None and start <= c.t < max(end, start + 1e-6)]
    reached = [t for t in (output, *(c.t for c in calls), *(c.end for c in calls)) if t is not None]
    timed = _timed(run, agent)
    other = round(end - min(end, max(reached, default=start)), 3) if timed or output is not None else None
    tools = think = first = denied = waited = None
    if timed and other is not None:
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
