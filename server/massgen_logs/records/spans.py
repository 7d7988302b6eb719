"""A Run as span records: MassGen's names and attributes, in the hierarchy that its own spans lack.

MassGen hangs tool spans under the session; here they hang under their agent's execution. Usage is of the round alone;
MassGen's spans carry the agent's sum so far. Ids come from the session, turn, attempt and the thing itself, so that the
same log gives the same ids. What no file records is left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from massgen_logs.analysis.costs import costs
from massgen_logs.analysis.errors import find_errors
from massgen_logs.analysis.spent import Spent, executions, frame_of
from massgen_logs.analysis.voting import vote_reasons
from massgen_logs.records.schema import Record
from massgen_logs.run.model import Answer, Call, RoundRecord, Run, Vote
from massgen_logs.run.stderr import Stderr

PREVIEW = 200
"""Characters of previews, as in MassGen's attributes."""
_UNTIMED = "not recorded; it stands at the end of the run"
_EXCEPTIONS = frozenset({"agent_error", "api_error", "server_died", "timeout", "server_not_connected", "server_set_up"})


def records(run: Run) -> list[Record]:
    """All records of an attempt by time; none if no file tells when it began."""
    frame = frame_of(run)
    if frame is None:
        return []
    build = _Build(run)
    whence = run.duration_src or run.ending.src
    root = build.add(
        "coordination.session", "coordination.session", frame.start, frame.end, whence, None, _session(run)
    )
    if run.ending.state not in {"finished", "in_progress"}:
        root.level, root.error = "error", run.ending.reason
    build.log(
        "Coordination event: coordination_started", frame.start, root, whence,
        event_type="coordination_started", num_agents=len(run.agents), agent_ids=list(run.agents), task=run.question,
    )  # fmt: skip
    spent = executions(run, frame)
    used: set[str] = set()
    spans = [(one, _execution(build, one, root, frame.start, used)) for one in spent]
    _other_rounds(build, root, used)
    for call in run.calls:
        if call.t is not None:
            _call(build, call, _parent(call.agent, call.t - frame.start, spans, root))
    for answer in run.answers:
        _answer(build, answer, _parent(answer.agent, _after(answer.t, frame.start), spans, root), frame.end)
    for vote in run.votes:
        _vote(build, vote, _parent(vote.voter, _after(vote.t, frame.start), spans, root), frame.end)
    _moments(build, root, spans, frame.end)
    _incidents(build, root, spans, frame.start)
    return sorted(build.found, key=lambda record: (record.start, record.parent_span_id is not None))


class _Build:
    """The records so far, and how often a name was used: ids are made from both."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.trace = _digest(f"{run.session}/{run.turn}/{run.attempt}", 32)
        self.found: list[Record] = []
        self.used: dict[str, int] = {}

    def add(
        self, name: str, message: str, start: float, end: float | None, where: str, parent: Record | None,
        attributes: dict[str, object], *, log: bool = False,
    ) -> Record:  # fmt: skip
        key = f"{name}\0{parent.span_id if parent else ''}"
        self.used[key] = self.used.get(key, 0) + 1
        record = Record(
            self.trace, _digest(f"{self.trace}\0{key}\0{self.used[key]}", 16), parent.span_id if parent else None,
            "log" if log else "span", name, message, start, start if log else end, where, version=self.run.version,
            attributes={k: v for k, v in attributes.items() if v is not None},
        )  # fmt: skip
        self.found.append(record)
        return record

    def log(self, name: str, t: float, parent: Record, where: str, message: str = "", **attributes: object) -> Record:
        return self.add(name, message or name, t, t, where, parent, attributes, log=True)


def _digest(text: str, length: int) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def _session(run: Run) -> dict[str, object]:
    spent = costs(run).total
    timeless = sum(call.t is None for call in run.calls)
    return {
        "massgen.task": run.question, "massgen.num_agents": len(run.agents), "massgen.agent_ids": ",".join(run.agents),
        "massgen.log_path": run.path, "massgen_logs.session": run.session, "massgen_logs.turn": run.turn,
        "massgen_logs.attempt": run.attempt, "massgen_logs.state": run.ending.state, "massgen_logs.winner": run.winner,
        "massgen_logs.models": ",".join(dict.fromkeys(a.model for a in run.agents.values() if a.model)) or None,
        "massgen_logs.winner_model": run.agents[run.winner].model if run.winner in run.agents else None,
        "massgen_logs.cost_usd": spent.with_subagents_usd,
        "massgen_logs.input_tokens": spent.input_tokens, "massgen_logs.output_tokens": spent.output_tokens,
        "massgen_logs.usage_corrected": [f"{agent}: {u.why}" for agent, u in run.usage.items() if u.why] or None,
        "massgen_logs.cumulative_over": run.cumulative_over, "massgen_logs.calls_without_time": timeless or None,
    }  # fmt: skip


def _execution(build: _Build, spent: Spent, root: Record, began: float, used: set[str]) -> Record:
    """An execution of an agent, or its presentation; the place of its round's usage goes to `used`.

    A presentation ends when its answer was saved. MassGen's own span goes on until the winner's MCP servers are let go.
    """
    run, presenting = build.run, spent.execution is None
    start = next((e for e in run.executions if e.agent == spent.agent and e.index == spent.execution), None)
    number = start.round if start else None
    rounds = [record for record in run.rounds if record.agent == spent.agent and record.src not in used]
    usage = _round_of(rounds, spent, began, number)
    if presenting:
        name, number = f"agent.{spent.agent}.presentation", usage.round if usage else None
    else:
        name = f"agent.{spent.agent}.round_{'x' if number is None else number}"
    agent = run.agents.get(spent.agent)
    attributes: dict[str, object] = {
        "massgen.agent_id": spent.agent, "massgen.round": number,
        "massgen.round_type": "presentation" if presenting else "initial_answer" if not number else "voting",
        "massgen.backend": agent.backend if agent else None, "massgen_logs.model": agent.model if agent else None,
        "massgen.num_context_answers": len(start.context) if start else None,
        "massgen.context_labels": list(start.context) if start else None,
        "massgen_logs.execution": spent.execution, "massgen_logs.cause": spent.cause or None,
        "massgen_logs.outcome": spent.outcome,
    }  # fmt: skip
    if presenting:
        tally = vote_reasons(run).tally
        attributes |= {
            "massgen.is_winner": spent.agent == run.winner, "massgen.vote_count": tally.get(spent.agent, 0),
        }  # fmt: skip
    if usage is not None:
        used.add(usage.src)
        attributes |= _usage(run, usage)
    attributes |= _outcome(run, spent)
    record = build.add(name, name, began + spent.start_s, began + spent.end_s, spent.src, root, attributes)
    if spent.outcome in {"died", "error"}:
        record.level, record.error = "error", spent.result
    return record


def _other_rounds(build: _Build, root: Record, used: set[str]) -> None:
    """Rounds with usage that lie in no execution: those of logs without starts, and those after the presentation."""
    for one in build.run.rounds:
        if (
            one.src in used
            or one.start is None
            or one.end is None
            or not (one.usage.input_tokens or one.usage.cost_usd)
        ):
            continue
        counted = one.type in {"initial_answer", "voting"} and one.round is not None
        agent = build.run.agents.get(one.agent or "")
        name = f"agent.{one.agent}.{f'round_{one.round}' if counted else one.type or 'round_x'}"
        build.add(name, name, one.start, one.end, one.src, root, {
            "massgen.agent_id": one.agent, "massgen.round": one.round, "massgen.round_type": one.type,
            "massgen.backend": agent.backend if agent else None, "massgen_logs.model": agent.model if agent else None,
            "massgen_logs.outcome": one.outcome, **_usage(build.run, one),
        })  # fmt: skip


def _outcome(run: Run, spent: Spent) -> dict[str, object]:
    if spent.outcome == "answer":
        return {"massgen.outcome": "answer", "massgen.answer_label": spent.result}
    if spent.outcome == "vote":
        labels = [v.label for v in run.votes if v.accepted and v.voter == spent.agent and v.voted_for == spent.result]
        return {
            "massgen.outcome": "vote", "massgen.voted_for": spent.result, "massgen.voted_for_label": labels[-1] if labels else None,
        }  # fmt: skip
    if spent.outcome in {"died", "error"}:
        return {"massgen.outcome": "error", "massgen.error_message": spent.result}
    return {}


def _usage(run: Run, record: RoundRecord) -> dict[str, object]:
    usage, of_agent = record.usage, run.usage.get(record.agent or "")
    return {
        "massgen.usage.input": usage.input_tokens, "massgen.usage.output": usage.output_tokens,
        "massgen.usage.reasoning": usage.reasoning_tokens, "massgen.usage.cached_input": usage.cached_input_tokens,
        "massgen.usage.cost": None if of_agent is not None and of_agent.unpriced else usage.cost_usd, "massgen_logs.usage_source": record.src,
    }  # fmt: skip


def _round_of(rounds: Iterable[RoundRecord], spent: Spent, began: float, number: int | None) -> RoundRecord | None:
    """The agent's round record that lies in this execution by its times; one without times is found by its number."""
    start, end = began + spent.start_s, began + spent.end_s
    best: tuple[float, RoundRecord] | None = None
    untimed: list[RoundRecord] = []
    for record in rounds:
        if record.start is None or record.end is None:
            untimed += [record] if record.round == number and spent.execution is not None else []
        elif (record.type == "presentation") == (spent.execution is None):
            shared = min(end, record.end) - max(start, record.start)
            if shared > 0.5 * (record.end - record.start) and (best is None or shared > best[0]):
                best = (shared, record)
    if best is not None:
        return best[1]
    return untimed[0] if len(untimed) == 1 else None


def _parent(agent: str | None, at: float | None, spans: list[tuple[Spent, Record]], root: Record) -> Record:
    """The execution of the agent that was going on; the session where none was."""
    own = [(spent, record) for spent, record in spans if spent.agent == agent]
    if at is None or not own:
        return root
    inside = [record for spent, record in own if spent.start_s - 0.5 <= at <= spent.end_s + 0.5]
    return inside[-1] if inside else root


def _after(t: float | None, began: float) -> float | None:
    return None if t is None else t - began


def _call(build: _Build, call: Call, parent: Record) -> None:
    parts = call.tool.split("__", 2)
    name = f"mcp.{parts[1]}.{parts[2]}" if parts[0] == "mcp" and len(parts) == 3 else f"tool.{call.tool}"
    given = call.command if call.command is not None else json.dumps(call.args, ensure_ascii=False, default=str)
    ok = {"ok": True, "failed": False, "denied": False, "not_run": False}.get(call.outcome)
    took = call.elapsed_s
    if took is None and call.t is not None and call.end is not None:
        took = call.end - call.t
    attributes: dict[str, object] = {
        "massgen.agent_id": call.agent, "massgen.round": call.round, "tool.name": call.tool,
        "tool.type": "mcp" if parts[0] == "mcp" else "custom" if call.tool.startswith("custom_tool__") else "native",
        "mcp.server": parts[1] if name.startswith("mcp.") else None, "mcp.tool": parts[2] if name.startswith("mcp.") else None,
        "tool.success": ok, "tool.execution_time_ms": None if took is None else round(1000 * took, 3),
        "tool.input_preview": given, "tool.output_chars": call.output_chars,
        "massgen_logs.command": call.command, "massgen_logs.exec_s": call.exec_s, "massgen_logs.outcome": call.outcome, "massgen_logs.exit_code": call.exit_code,
        "massgen_logs.recorded_success": call.recorded_ok, "massgen_logs.background": call.background or None,
    }  # fmt: skip
    start = call.t or 0.0
    span = build.add(name, f"{name} {given}", start, call.end, call.src, parent, attributes)
    done = build.log(
        f"Tool execution: {call.tool}", call.end if call.end is not None else start, parent, call.src,
        agent_id=call.agent, tool_name=call.tool, tool_type=attributes["tool.type"], success=ok, round_number=call.round,
        execution_time_ms=attributes["tool.execution_time_ms"], arguments_preview=given, error_message=call.error,
    )  # fmt: skip
    if call.outcome in {"failed", "denied", "not_run"}:
        span.error = done.error = call.error or call.outcome
        span.level, done.level = ("error", "error") if call.outcome == "failed" else ("warn", "warn")


def _answer(build: _Build, answer: Answer, parent: Record, end: float) -> None:
    name = f"Agent answer: {answer.label or '?'}"
    build.log(
        name, answer.t if answer.t is not None else end, parent, answer.src, name,
        event_type="new_answer", agent_id=answer.agent, answer_label=answer.label, round=answer.round,
        answer_preview=answer.text, **{"massgen_logs.time": _UNTIMED if answer.t is None else None},
    )  # fmt: skip


def _vote(build: _Build, vote: Vote, parent: Record, end: float) -> None:
    target = vote.label or vote.voted_for or "?"
    name = (
        f"Agent vote: {vote.voter} -> {target}"
        if vote.accepted
        else f"Agent vote {'ignored' if vote.ignored else 'refused'}"
    )
    build.log(
        name, vote.t if vote.t is not None else end, parent, vote.src, f"{vote.voter} -> {target}",
        event_type="vote_cast" if vote.accepted else "vote_ignored" if vote.ignored else "vote_refused", agent_id=vote.voter,
        voted_for=vote.voted_for, voted_for_label=vote.label, reason=vote.reason, round=vote.round,
        **{"massgen_logs.time": _UNTIMED if vote.t is None else None, "massgen_logs.counted": vote.counted, "massgen_logs.superseded": vote.superseded, "massgen_logs.meant": vote.meant},
    )  # fmt: skip


def _moments(build: _Build, root: Record, spans: list[tuple[Spent, Record]], end: float) -> None:
    """Restarts, injections, refusals, the winner and the final answer."""
    run = build.run
    for start in run.executions:
        if start.index and start.t is not None:
            build.log(
                "Agent restart: {agent_id} (reason: {reason})", start.t, root, start.src, f"Agent restart: {start.agent} ({start.cause})",
                event_type="restart", agent_id=start.agent, reason=start.cause, restart_count=start.index,
            )  # fmt: skip
    for moment in run.moments:
        if moment.kind == "injection" and moment.t is not None:
            parent = _parent(moment.agent, moment.t - root.start, spans, root)
            build.log("Agent injection", moment.t, parent, moment.src, moment.detail, agent_id=moment.agent)
    for agent, events in (run.enforcement or {}).items():
        for event in events:
            at = event.t if event.t is not None else end
            record = build.log(
                "Agent enforcement", at, _parent(agent, at - root.start, spans, root), event.src, f"{agent}: {event.reason}", agent_id=agent,
                reason=event.reason, round=event.round, attempt=event.attempt, buffer_chars=event.buffer_chars, error_message=event.error,
            )  # fmt: skip
            record.level = "warn"
    if run.winner is None:
        return
    final = next((record for spent, record in spans if spent.execution is None), None)
    votes = vote_reasons(run)
    labels = [a.label for a in run.answers if a.agent == run.winner and a.label]
    at = final.start if final else end
    build.log(
        "Coordination event: winner_selected", at, root, run.winner_src, event_type="winner_selected", agent_id=run.winner,
        vote_count=votes.tally.get(run.winner, 0), num_answers=len(run.answers),
    )  # fmt: skip
    build.log(
        f"Winner selected: {labels[-1] if labels else run.winner}", at, final or root, run.winner_src, event_type="winner_selected",
        winner_agent_id=run.winner, winner_label=labels[-1] if labels else None, vote_counts=votes.tally,
    )  # fmt: skip
    if run.final_text is not None:
        closing = final.end if final and final.end is not None else end
        build.log(
            f"Final answer from {run.winner}", closing, final or root, run.final_src, event_type="final_answer", agent_id=run.winner,
            answer_preview=run.final_text,
        )  # fmt: skip


def _incidents(build: _Build, root: Record, spans: list[tuple[Spent, Record]], began: float) -> None:
    """What went wrong besides single calls, as exceptions."""
    for incident in find_errors(build.run, Stderr()).incidents:
        if incident.kind not in _EXCEPTIONS:
            continue
        at = began + incident.t if incident.t is not None else (root.end or root.start)
        record = build.log(
            f"Incident: {incident.kind}", at, _parent(incident.agent, at - began, spans, root), incident.sources[0], incident.sentence,
            agent_id=incident.agent, count=incident.count,
        )  # fmt: skip
        record.level, record.error, record.exception = "error", incident.sentence, (incident.kind, incident.sentence)
