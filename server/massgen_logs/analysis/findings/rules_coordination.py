"""Rules about answers, votes, restarts and the end of a run."""

from __future__ import annotations

from massgen_logs.analysis.findings.rule import Finding, Rule
from massgen_logs.analysis.reliability import incidents
from massgen_logs.analysis.voting import vote_reasons
from massgen_logs.run.model import Run

RETRIES_A_ROUND = 2
CHARS_LOST = 5000
LIVE_LOCK_PER_AGENT = 3
SAME_ERROR = 3


def _no_end(run: Run, rule: Rule) -> list[Finding]:
    if run.ending.state != "unfinished":
        return []
    return [rule.finding("", f"the run has no end: {run.ending.reason}", [run.ending.src], answers=len(run.answers))]


def _timed_out(run: Run, rule: Rule) -> list[Finding]:
    if run.ending.state != "timed_out":
        return []
    what = f"{run.winner} was chosen by the time-out" if run.winner else "nobody won"
    return [
        rule.finding("", f"the run timed out ({run.ending.reason}): {what}", [run.ending.src], limit_s=run.timeout_s)
    ]


def _failed_start(run: Run, rule: Rule) -> list[Finding]:
    if run.ending.state != "failed":
        return []
    return [rule.finding("", f"the run failed: {run.ending.reason}", [run.ending.src])]


def _live_lock(run: Run, rule: Rule) -> list[Finding]:
    ignored = [vote for vote in run.votes if vote.ignored]
    accepted = sum(vote.accepted for vote in run.votes)
    if len(ignored) < LIVE_LOCK_PER_AGENT * max(1, len(run.agents)) or accepted >= len(run.agents):
        return []
    text = f"live-lock: {len(ignored)} votes were ignored again and again, {accepted} accepted from {len(run.agents)} agents"
    return [rule.finding("", text, [ignored[0].src, ignored[-1].src], ignored=len(ignored), accepted=accepted)]


def _misrecorded(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(
            v.voter, f"the vote of {v.voter} was recorded for {v.voted_for}, its words mean {v.meant}", [v.src]
        )
        for v in run.votes
        if v.accepted and v.meant
    ]


def _tie(run: Run, rule: Rule) -> list[Finding]:
    votes = vote_reasons(run)
    if not votes.tie or run.winner is None:
        return []
    top = max(votes.tally.values())
    tied = [name for name, n in votes.tally.items() if n == top]
    return [
        rule.finding(
            "", f"{', '.join(tied)} have {top} votes each; {run.winner} won by order", [run.winner_src], votes=top
        )
    ]


def _own_vote_decided(run: Run, rule: Rule) -> list[Finding]:
    votes = vote_reasons(run)
    if run.winner is None or votes.final.get(run.winner) != run.winner or len(votes.final) < 2:
        return []
    without = votes.tally.get(run.winner, 0) - 1
    others = max((n for name, n in votes.tally.items() if name != run.winner), default=0)
    if without > others or (without >= 1 and others == 0):
        return []
    places = [v.src for v in run.votes if v.counted and v.voter == run.winner]
    return [
        rule.finding(
            run.winner, f"{run.winner} won with its own vote: {without} without it, {others} for the next", places
        )
    ]


def _duplicate_answer(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    seen: dict[str, str | None] = {}
    for answer in run.answers:
        key = " ".join((answer.text or "").split())
        if key and key in seen:
            text = f"{answer.label} is the same text as {seen[key]} and was accepted"
            found.append(rule.finding(answer.label or "?", text, [answer.src]))
        seen.setdefault(key, answer.label)
    return found


def _retries(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for agent, events in (run.enforcement or {}).items():
        rounds: dict[int | None, list[str]] = {}
        for event in incidents(list(events)):
            rounds.setdefault(event.round, []).append(event.reason)
        for number, reasons in rounds.items():
            if len(reasons) >= RETRIES_A_ROUND:
                text = f"{agent} had {len(reasons)} responses refused in round {number}: {', '.join(reasons)}"
                place = f"status.json#agents.{agent}.reliability"
                found.append(rule.finding(f"{agent}.{number}", text, [place], refused=len(reasons)))
    return found


def _content_lost(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for agent, events in (run.enforcement or {}).items():
        lost = sum(event.buffer_chars for event in incidents(list(events)))
        if lost > CHARS_LOST:
            text = f"{agent} lost {lost} characters of content with refused responses"
            found.append(rule.finding(agent, text, [f"status.json#agents.{agent}.reliability"], chars=lost))
    return found


def _unknown_tools(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(
            agent,
            f"{agent} called tools that do not exist: {', '.join(tools)}",
            [f'read_trace(agent="{agent}", contains="{tools[0]}")'],
        )
        for agent, tools in run.unknown_tools.items()
        if tools
    ]


def _agent_died(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(
            a.id,
            f"{a.id} ended with an error: {a.error}",
            [f"status.json#agents.{a.id}"],
            answers=sum(x.agent == a.id for x in run.answers),
        )
        for a in run.agents.values()
        if a.error
    ]


def _error_loop(run: Run, rule: Rule) -> list[Finding]:
    groups: dict[tuple[str | None, str], list[str]] = {}
    for moment in run.moments:
        if moment.kind == "error" and moment.agent:
            groups.setdefault((moment.agent, moment.detail), []).append(moment.src)
    return [
        rule.finding(
            agent or "?",
            f"{agent} was started again and again into the same error, {len(places)} times: {detail}",
            places,
            times=len(places),
        )
        for (agent, detail), places in groups.items()
        if len(places) >= SAME_ERROR
    ]


def _undelivered(run: Run, rule: Rule) -> list[Finding]:
    return [rule.finding("", note.text, [note.evidence]) for note in run.notes if note.id == "not_delivered"]


def _stored_final(run: Run, rule: Rule) -> list[Finding]:
    return [rule.finding("", note.text, [note.evidence]) for note in run.notes if note.id == "stored_final"]


def _silent_subagent(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(
            s.id,
            f"sub-agent {s.id} made no model call and is recorded with status {s.status}",
            ["metrics_summary.json#subagents"],
        )
        for s in run.subagents
        if s.api_calls == 0
    ]


_SEED = "the skill's red flags"
_RECORD = "MassGen's own record"

RULES = (
    Rule("no_end", "high", "no file records an end, last sign of life over two minutes old", _RECORD,
         "a later event or a final answer in the tree", _no_end, "FM-3.1"),
    Rule("timed_out", "high", "the orchestrator's time limit ended the run", _RECORD, "a final presentation before the limit", _timed_out, "FM-1.5"),
    Rule("failed", "high", "the run ended without a final answer, or never started", _RECORD, "a final answer in the tree", _failed_start),
    Rule("live_lock", "high", f"ignored votes >= {LIVE_LOCK_PER_AGENT} an agent, fewer accepted than agents", "three restarts of everybody without progress",
         "an accepted vote of every agent", _live_lock, "FM-2.1"),
    Rule("misrecorded_vote", "high", "the voter's words name another agent than was recorded", "run/meaning.py",
         "a reason that means the recorded agent", _misrecorded),
    Rule("tie", "medium", "the two highest counts are equal", _RECORD, "another count of the accepted votes", _tie),
    Rule("own_vote_decided", "low", "without its own vote the winner would not lead", _RECORD, "another count of the accepted votes", _own_vote_decided),
    Rule("duplicate_answer", "medium", "equal text after white space, accepted twice", _RECORD, "a difference between the two answers", _duplicate_answer, "FM-1.3"),
    Rule("refused_responses", "medium", f">= {RETRIES_A_ROUND} refused responses in a round", _SEED, "events of one failure only", _retries),
    Rule("content_lost", "medium", f"> {CHARS_LOST} characters, each failure once", _SEED, "the lost content elsewhere in the answers", _content_lost, "FM-1.4"),
    Rule("unknown_tools", "low", "any call of a tool that does not exist", _SEED, "the tool in the agent's tool list", _unknown_tools),
    Rule("agent_died", "high", "an agent's status is an error", _RECORD, "a later answer or vote of that agent", _agent_died, "FM-3.1"),
    Rule("error_loop", "high", f"the same agent error >= {SAME_ERROR} times", "an agent is killed after three failures in later versions",
         "progress of that agent between two errors", _error_loop, "FM-1.5"),
    Rule("not_delivered", "medium", "an injection was recorded and never reached the model", "measured by backend", "the injected text in a request", _undelivered, "FM-2.4"),
    Rule("stored_final", "medium", "the presented answer is the stored one, after a time-out", _RECORD, "a presentation request", _stored_final, "FM-3.1"),
    Rule("silent_subagent", "medium", "a sub-agent with no model call", _RECORD, "a call in the child's own logs", _silent_subagent, "FM-2.6"),
)  # fmt: skip
