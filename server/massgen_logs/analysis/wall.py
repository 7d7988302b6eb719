"""The wall time of a run by phase, who held each phase up, and the critical path."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from massgen_logs.analysis.phases import rounds
from massgen_logs.analysis.spent import Frame, Span, Spent, not_presented
from massgen_logs.run.model import ANY_AGENT, Run


class WallPhase(Struct, frozen=True):
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


def wall_phases(run: Run, frame: Frame) -> list[WallPhase]:
    """Start-up, initial answers, voting (refinement where agents stop instead), presentation, post-evaluation: each begins
    where the one before ends."""
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
        what = "cut" if run.presentation_cut else what
        what = f"{not_presented(run)}stored answer {run.stored_answer}" if run.stored_answer else what
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


def _leaves(run: Run, frame: Frame) -> list[tuple[float, str, str]]:
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


def _voting(run: Run, frame: Frame, start: float) -> WallPhase:
    name = "refinement" if not run.votes and any(m.kind == "stopped" for m in run.moments) else "voting"
    acts = [(v.t, v.voter, f"vote for {v.voted_for}") for v in run.votes if v.accepted and v.t is not None]
    acts += [(a.t, a.agent, f"answer {a.label}") for a in run.answers if a.t is not None]
    acts += [(m.t, m.agent, "stop") for m in run.moments if m.kind == "stopped" and m.agent and m.t is not None]
    dead = {agent.id for agent in run.agents.values() if agent.status == "error"}
    acts += [
        (m.t, m.agent, f"died: {m.detail[:60]}")
        for m in run.moments
        if m.kind == "error" and m.agent in dead and m.t is not None
    ]
    lasts: dict[str, tuple[float, str]] = {}
    for t, agent, what in sorted(acts):
        if t <= frame.limit:
            lasts[agent] = (t, what)
    out = [m for m in run.moments if m.kind == "timeout" and m.t is not None and m.t <= frame.limit + 0.05]
    ended = frame.presentation is not None or run.ending.state == "finished"
    counted = {v.voter for v in run.votes if v.counted}
    open_ = [a.id for a in run.agents.values() if a.id not in counted and a.status != "error"]
    if open_ and (out or not ended):
        how = run.ending.state.replace("_", " ")
        return _phase(run, frame, name, (start, frame.limit), open_, f"{how}: no vote of theirs counted")
    if not lasts:
        return _phase(run, frame, name, (start, frame.limit), [], "no answer or vote is recorded")
    who = max(lasts, key=lambda agent: lasts[agent][0])
    before = [t for agent, (t, _) in lasts.items() if agent != who]
    alone = lasts[who][0] - max([start, *before]) if before else None
    return _phase(run, frame, name, (start, frame.limit), [who], lasts[who][1], alone)


def _phase(
    run: Run, frame: Frame, name: str, span: Span, held_by: list[str], what: str, alone: float | None = None,
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


def critical_path(run: Run, executions: Sequence[Spent]) -> list[Spent]:
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
