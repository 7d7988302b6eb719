"""Executions: each start of an agent, and the answer that made it start anew.

Source: events.jsonl round_start (run/events.py); before 0.1.46 the context_received events of coordination_events.json,
where two with the same round and context in a row are one start (a first stream that was restarted at once). Where that
file is missing and no agent answered, the first starts are those of massgen.log. The cause of a new start is the newest
answer in its context that was not in its agent's last one, unless an error had ended it; with an unchanged context it is the
agent's own ignored or refused vote, or an enforcement.
"""

from __future__ import annotations

from massgen_logs.readers.base import texts
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.run.events import Digest
from massgen_logs.run.model import Answer, Execution, Vote
from massgen_logs.run.old_logs import OldLogs

_ENDS = frozenset({"agent_error", "new_answer", "vote_cast", "vote_ignored"})
"""Events that end an execution."""


def collect(
    coordination: Coordination | None, digest: Digest | None, old: OldLogs | None, answers: list[Answer], votes: list[Vote],
    begun: float | None,
) -> list[Execution]:  # fmt: skip
    """All executions by time; `begun`: the run's start, before which none was (massgen.log has whole seconds)."""
    starts: list[tuple[float | None, str, int | None, tuple[str, ...], str, int | None]] = []
    if digest is not None and digest.starts:
        starts = [(s.t, s.agent, s.round, s.context, s.src, s.chars) for s in digest.starts]
    elif coordination is not None:
        last: dict[str, tuple[int | None, tuple[str, ...]]] = {}
        for event in coordination.events:
            if event.type != "context_received" or not event.agent:
                continue
            context = tuple(texts(event.context.get("available_answer_labels")))
            if last.get(event.agent) == (event.round, context) and not context:
                continue
            last[event.agent] = (event.round, context)
            starts.append((event.t, event.agent, event.round, context, event.src, None))
    elif old is not None and not answers:
        starts = [
            (t if begun is None else max(t or begun, begun), agent, 0, (), src, None) for t, agent, src in old.starts
        ]
    events = coordination.events if coordination else ()
    ends = [(e.agent, e.t, e.type) for e in events if e.type in _ENDS and e.t is not None]
    when = {answer.label: answer.t or 0.0 for answer in answers}
    seen: dict[str, Execution] = {}
    found: list[Execution] = []
    for t, agent, round_, context, src, chars in sorted(starts, key=lambda start: start[0] or 0.0):
        before = seen.get(agent)
        index = before.index + 1 if before else 0
        own = [
            (end, kind) for who, end, kind in ends if who == agent and before and (before.t or 0.0) <= end <= (t or 0.0)
        ]
        failed = max(own, default=(0.0, ""))[1] == "agent_error"
        cause = _cause(before, context, when, votes, t, failed=failed)
        execution = Execution(agent, index, t, round_, context, cause, src, chars)
        seen[agent] = execution
        found.append(execution)
    return found


def _cause(
    before: Execution | None, context: tuple[str, ...], when: dict[str | None, float], votes: list[Vote], t: float | None,
    *, failed: bool,
) -> str:  # fmt: skip
    if before is None:
        return ""
    new = [label for label in context if label not in before.context]
    if new and failed:
        return "its error"
    if new:
        return max(new, key=lambda label: when.get(label, 0.0))
    own = [
        v
        for v in votes
        if v.voter == before.agent and (before.t or 0.0) <= (v.t or 0.0) <= (t or 0.0) and (v.ignored or v.refused)
    ]
    return "its vote was ignored" if own and own[-1].ignored else "its vote was refused" if own else "no new answer"
