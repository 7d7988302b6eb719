"""coordination_timeline: what happened in order, without poll noise; equal things in a row are one event with a count."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct
from msgspec.structs import replace

from massgen_logs.run.model import Execution, Run, Unconnected


class TimelineEvent(Struct, frozen=True):
    """t: seconds from the start; round: the agent's coordination round; label: an answer; target: voted-for agent or
    causing answer; count: how many equal events of this agent stand for, until t_last."""

    t: float | None
    kind: str
    agent: str | None
    round: int | None
    label: str | None
    target: str | None
    detail: str
    where: str
    count: int = 1
    t_last: float | None = None


_BURST_S = 2.0
_IMPLY_RESTART = frozenset({"error", "vote_ignored", "enforcement"})


def timeline(run: Run) -> list[TimelineEvent]:
    """Events by time; those without a time come last."""
    found = [*_starts(run), *_answers(run), *_votes(run), *_moments(run), *_enforcement(run), *_servers(run)]
    if run.winner and not any(event.kind == "winner" for event in found):
        t = max((e.t for e in found if e.t is not None), default=None)
        found.append(TimelineEvent(t, "winner", run.winner, None, None, None, run.winner_src, run.winner_src))
    found.sort(
        key=lambda event: (event.t is None, event.t, event.kind == "restart")
    )  # after its cause of the same moment
    return _fold(found)


def unended(run: Run) -> list[Execution]:
    """The last execution of each agent that led to no answer and no accepted vote, nor ended by the agent's own stop."""
    last = {execution.agent: execution for execution in run.executions}
    ends = [(a.agent, a.t) for a in run.answers] + [(v.voter, v.t) for v in run.votes if v.accepted]
    ends += [(m.agent or "", m.t) for m in run.moments if m.kind == "stopped"]
    return [
        e
        for e in last.values()
        if not any(agent == e.agent and t is not None and e.t is not None and t >= e.t for agent, t in ends)
    ]


def _starts(run: Run) -> list[TimelineEvent]:
    found: list[TimelineEvent] = []
    for start in run.executions:
        seen = ", ".join(start.context)
        t = run.since_start(start.t)
        if start.index == 0:
            found.append(
                TimelineEvent(t, "round_start", start.agent, start.round, None, None, "first start", start.src)
            )
            if start.context:
                found.append(
                    TimelineEvent(t, "context", start.agent, start.round, None, None, f"sees {seen}", start.src)
                )
        elif start.cause.startswith("its vote"):
            pass  # the ignored or refused vote is an event of its own, and nothing else is new
        else:
            found.append(
                TimelineEvent(
                    t, "restart", start.agent, start.round, None, start.cause, f"sees {seen or 'no answer'}", start.src
                ),
            )
    return found


def _answers(run: Run) -> list[TimelineEvent]:
    return [
        TimelineEvent(
            run.since_start(a.t), "answer", a.agent, a.round, a.label, None,
            f"{len(a.text)} chars" if a.text is not None else "text not recorded", a.src,
        )
        for a in run.answers
    ]  # fmt: skip


def _votes(run: Run) -> list[TimelineEvent]:
    found: list[TimelineEvent] = []
    for vote in run.votes:
        kind = "vote" if vote.accepted else "vote_ignored" if vote.ignored else "enforcement"
        detail = "refused by the fairness gate" if vote.refused else "superseded later" if vote.superseded else ""
        if vote.meant:
            detail = f"its words name {vote.meant}"
        found.append(
            TimelineEvent(
                run.since_start(vote.t), kind, vote.voter, vote.round, vote.label, vote.voted_for, detail, vote.src
            ),
        )
    return found


def _moments(run: Run) -> list[TimelineEvent]:
    kinds = {"injection": "injection", "error": "error", "api_retry": "error", "stopped": "stop", "timeout": "timeout", "round_timeout": "timeout", "winner": "winner", "final_answer": "final_answer",
             "presentation": "round_start", "orchestration_restart": "restart"}  # fmt: skip
    found: list[TimelineEvent] = []
    for moment in run.moments:
        if kind := kinds.get(moment.kind):
            detail = "final presentation" if moment.kind == "presentation" else moment.detail
            found.append(
                TimelineEvent(run.since_start(moment.t), kind, moment.agent, None, None, None, detail, moment.src)
            )
    return found


def _enforcement(run: Run) -> list[TimelineEvent]:
    found: list[TimelineEvent] = []
    for agent, events in (run.enforcement or {}).items():
        for event in events:
            if event.is_fairness_gate:
                continue  # told as the refused vote that it is
            detail = f"{event.reason} ({event.attempt}/{event.max_attempts}), {event.buffer_chars} chars lost"
            found.append(
                TimelineEvent(
                    run.since_start(event.t), "enforcement", agent, event.round, None, None, detail, event.src
                )
            )
    return found


def _servers(run: Run) -> list[TimelineEvent]:
    """Servers that were not connected, in bursts: all agents try at about the same time."""
    bursts: list[list[Unconnected]] = []
    for one in run.unconnected:
        last = bursts[-1][-1].t if bursts else None
        near = last is not None and one.t is not None and one.t - last <= _BURST_S
        if near:
            bursts[-1].append(one)
        else:
            bursts.append([one])
    found: list[TimelineEvent] = []
    for burst in bursts:
        tries = ", ".join(
            f"{server} x{n}" if n > 1 else server for server, n in Counter(one.server for one in burst).items()
        )
        text = f"MassGen failed to connect to MCP servers: {tries}"
        found.append(TimelineEvent(run.since_start(burst[0].t), "error", None, None, None, None, text, burst[0].src))
    return found


def _fold(events: list[TimelineEvent]) -> list[TimelineEvent]:
    """Join an agent's equal errors and ignored votes as long as nothing else of that agent stands between."""
    found: list[TimelineEvent] = []
    last: dict[str | None, int] = {}
    for event in events:
        index = last.get(event.agent)
        twin = found[index] if index is not None else None
        same = twin is not None and (
            (twin.kind, twin.agent, twin.target, twin.detail, twin.label)
            == (event.kind, event.agent, event.target, event.detail, event.label)
        )
        if same and twin is not None and index is not None and event.kind in {"error", "vote_ignored", "timeout"}:
            found[index] = replace(twin, count=twin.count + 1, t_last=event.t)
            continue
        if (
            twin is not None
            and event.kind == "restart"
            and event.target == "no new answer"
            and twin.kind in _IMPLY_RESTART
        ):
            continue  # nothing new but what its own error or refused response says already
        last[event.agent] = len(found)
        found.append(event)
    return found
