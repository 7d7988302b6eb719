"""When agents were gone: what a death, a time-out or the run's end cuts short.

coordination_events.json has each death at its time. Without it the words stand at the end of the agent's text in events.jsonl,
which may be flushed at the run's end only. Earlier are the end of a round that is recorded with the outcome "error", and the
line of the same words in massgen.log. That names no agent: where there are as many as deaths, they are in the order in which
the agents were last heard of.
"""

from __future__ import annotations

from msgspec.structs import replace

from massgen_logs.run.main_log import MainLog
from massgen_logs.run.model import SILENCE_S, Moment, Run, Silence


def deaths(run: Run) -> dict[str, Moment]:
    """Agent to its death: the last error of one whose status is an error, or that ended it and nothing of it came later."""
    found: dict[str, Moment] = {}
    for name, agent in run.agents.items():
        last = next(
            (m for m in reversed(run.moments) if m.kind == "error" and m.agent == name and m.t is not None), None
        )
        if last is None:
            continue
        gone = last.detail.endswith(" attempts") and _heard(run, name, None) <= (last.t or 0.0)
        if agent.status == "error" or gone:
            found[name] = last
    return found


def place(run: Run, log: MainLog) -> None:
    """Give each death that only a text of events.jsonl tells the time at which it was recorded first."""
    late = {a: m for a, m in deaths(run).items() if m.src.startswith("events.jsonl") and m.detail.endswith(" attempts")}
    true: dict[str, Moment] = {}
    for words in dict.fromkeys(m.detail for m in late.values()):
        own = sorted((_heard(run, a, m.t), a) for a, m in late.items() if m.detail == words)
        lines = [line for line in log.errors if line[1] == words]
        for (heard, agent), (t, _, src) in zip(own, lines, strict=True) if len(own) == len(lines) else ():
            if t is not None:  # of a whole second: nothing that the agent did came after it
                true[agent] = replace(late[agent], t=max(t, heard), src=src)
    for agent, moment in late.items():
        ends = [r.end for r in run.rounds if r.agent == agent and r.outcome == "error" and r.end is not None]
        found = replace(true.get(agent, moment), t=ends[-1]) if ends else true.get(agent, moment)
        if (found.t or 0.0) < (moment.t or 0.0):
            run.moments[run.moments.index(moment)] = found
    run.moments.sort(key=lambda moment: moment.t if moment.t is not None else float("inf"))


def at_work(run: Run, found: list[Silence]) -> list[Silence]:
    """The silences, none longer than its agent was at work: to its death, the orchestrator's time-out or the run's end."""
    ends = [(m.agent, m.t, m.src) for m in run.moments if m.kind == "timeout" and m.t is not None]
    ends += [(None, run.ended, "")] if run.ended is not None else []
    ends += [(agent, m.t, m.src) for agent, m in deaths(run).items() if m.t is not None]
    kept: list[Silence] = []
    for one in found:
        own = [(t, src) for agent, t, src in ends if agent in {None, one.agent}]
        end, after = min([(one.end, one.after), *own], key=lambda border: border[0])
        if end - one.start >= SILENCE_S:
            lost = not one.after and run.ending.state in {"unfinished", "in_progress"}
            kept.append(replace(one, end=end, after=after, late=one.late or lost))
    return kept


def _heard(run: Run, agent: str, before: float | None) -> float:
    """When something of the agent besides errors was recorded last."""
    times = [a.t for a in run.answers if a.agent == agent] + [v.t for v in run.votes if v.voter == agent]
    times += [e.t for e in run.executions if e.agent == agent] + [c.end or c.t for c in run.calls if c.agent == agent]
    times += [e.t for e in (run.enforcement or {}).get(agent, ())]
    return max((t for t in times if t is not None and (before is None or t <= before)), default=0.0)
