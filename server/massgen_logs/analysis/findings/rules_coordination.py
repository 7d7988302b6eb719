"""Rules about agents in a coordination: retries, deaths, lost votes and time, what reached them and what they took from it."""

from __future__ import annotations

from massgen_logs.analysis.findings.rule import Finding, Rule
from massgen_logs.analysis.overlap import telling, words
from massgen_logs.analysis.progression import seen_before
from massgen_logs.analysis.reliability import CHARS_LOST, RETRIES_A_ROUND, content_lost, retried, unknown_tools
from massgen_logs.analysis.restarts import lost_time
from massgen_logs.analysis.spent import executions, frame_of
from massgen_logs.run.model import Run, Unconnected

SAME_ERROR = 3
LOST_SHARE = 0.4
LOST_S = 10.0
SILENT_S = 120.0
SILENT_SHARE = 0.8
TELLING = 8
"""Telling words that others' answers must hold before taking none of them says anything."""


def _retries(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(
            one.agent if one.number is None else f"{one.agent}.{one.number}", one.sentence, one.places,
            retries=sum(one.reasons.values()), api_errors=one.api_errors,
        )
        for one in retried(run)
    ]  # fmt: skip


def _content_lost(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(agent, f"{agent} lost {chars} characters of content with retried responses", places, chars=chars)
        for agent, chars, places in content_lost(run)
    ]


def _server_not_connected(run: Run, rule: Rule) -> list[Finding]:
    tries: dict[str, list[Unconnected]] = {}
    for one in run.unconnected:
        tries.setdefault(one.server, []).append(one)
    return [
        rule.finding(
            server,
            f"MassGen failed to connect to MCP server {server} in {len(own)} tr{'ies' if len(own) > 1 else 'y'} ({own[0].why}): its tools were "
            "missing there, or calls of them never ran",
            [one.src for one in own],
            f"a call of a tool of {server} that ran right after",
            tries=len(own),
        )
        for server, own in tries.items()
    ]


def _unknown_tools(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for agent, sentence in unknown_tools(run):
        tools = run.unknown_tools[agent]
        first = next(iter(tools))
        found.append(rule.finding(
            agent, sentence, [f'read_trace(agent="{agent}", contains="{first}")'], f"{first} in the tool list that {agent} was given",
            tools=len(tools), calls=sum(tools.values()),
        ))  # fmt: skip
    return found


def _agent_died(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for a in run.agents.values():
        if not a.error:
            continue
        told = [m.src for m in run.moments if m.kind == "error" and m.agent == a.id]
        recorded = [f"status.json#agents.{a.id}"] if a.status == "error" or not told else []
        found.append(rule.finding(
            a.id, f"{a.id} ended with an error: {a.error}", [*recorded, *told], answers=sum(x.agent == a.id for x in run.answers),
        ))  # fmt: skip
    return found


def _error_loop(run: Run, rule: Rule) -> list[Finding]:
    """One error an execution: what is tried again within one is a retry, not a new start."""
    groups: dict[tuple[str, str], dict[int, str]] = {}
    for moment in run.moments:
        if moment.kind == "error" and moment.agent:
            begun = sum(e.agent == moment.agent and (e.t or 0.0) <= (moment.t or 0.0) for e in run.executions)
            groups.setdefault((moment.agent, moment.detail), {}).setdefault(begun, moment.src)
    return [
        rule.finding(
            agent,
            f"{agent} was started again and again into the same error, {len(places)} times: {detail}",
            list(places.values()),
            times=len(places),
        )
        for (agent, detail), places in groups.items()
        if len(places) >= SAME_ERROR
    ]


def _votes_lost(run: Run, rule: Rule) -> list[Finding]:
    frame = frame_of(run)
    if frame is None or frame.end <= frame.start:
        return []
    whole = frame.end - frame.start
    found: list[Finding] = []
    for agent, (lost, own) in lost_time(run, executions(run, frame)).items():
        if lost < LOST_S or lost / whole < LOST_SHARE:
            continue
        kinds = {one.outcome.removeprefix("vote ") for one in own}
        text = (
            f"{agent} spent {lost:.1f} s of {whole:.1f} s ({lost / whole:.0%}) in {len(own)} execution{'s' * (len(own) > 1)} that "
            f"ended in votes that were {' or '.join(sorted(kinds))}"
        )
        said = [v.src for v in run.votes if v.voter == agent and (v.ignored or v.refused)]
        found.append(rule.finding(
            agent, text, [own[0].src, *said], f"something of these executions in a later answer or vote of {agent}",
            seconds=lost, share=round(lost / whole, 4), executions=len(own),
        ))  # fmt: skip
    return found


def _stall(run: Run, rule: Rule) -> list[Finding]:
    frame = frame_of(run)
    found: list[Finding] = []
    for one in run.silences or () if frame else ():
        took, whole = one.end - one.start, frame.end - frame.start if frame else 0.0
        if took < SILENT_S and took < SILENT_SHARE * whole:
            continue
        at = run.since_start(one.start)
        text = f"{one.agent} was at work and showed nothing for {took:.1f} s from +{at:.1f} s on"
        text += " (its text of that time may be recorded later, or lost)" if one.late else ", not even text"
        text += "; its start-up, with the connecting of its servers, is part of it" if one.start_up else ""
        found.append(rule.finding(
            f"{one.agent}@{at:.0f}", text, [one.before, one.after], f"output of {one.agent} in that time in another file",
            seconds=round(took, 3), share=round(took / whole, 4) if whole else None,
        ))  # fmt: skip
    return found


def _undelivered(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(note.agent or "", note.text, [note.evidence]) for note in run.notes if note.id == "not_delivered"
    ]


def _silent_subagent(run: Run, rule: Rule) -> list[Finding]:
    return [
        rule.finding(
            s.id,
            f"sub-agent {s.id} made no model call and is recorded with status {s.status}",
            [s.src],
            f"a model call in the own logs of {s.id}",
            api_calls=0,
            seconds=s.elapsed_s,
        )
        for s in run.subagents
        if s.api_calls == 0
    ]


def _ignored_input(run: Run, rule: Rule) -> list[Finding]:
    """An answer without one telling word of what its author had just been shown. What may not have arrived is left out."""
    found: list[Finding] = []
    by_label = {answer.label: answer for answer in run.answers if answer.label}
    for answer in run.answers:
        seen, _ = seen_before(run, answer)
        known = [by_label[label] for label, how in (seen or {}).items() if label in by_label and "doubtful" not in how]
        others = [other for other in known if other.agent != answer.agent and other.text]
        if not others or not answer.text:
            continue
        own = [a.text or "" for a in run.answers if a.agent == answer.agent and (a.t or 0.0) < (answer.t or 0.0)]
        old = {word for text in (*own, run.question or "") for word in words(text)[0]}
        shown = {word for other in others for word in telling(words(other.text or "")[0])} - old
        if len(shown) < TELLING or shown & set(words(answer.text)[0]):
            continue
        labels = ", ".join(other.label or "?" for other in others)
        text = f"{answer.label} of {answer.agent} took none of the {len(shown)} telling words of what it had seen ({labels})"
        found.append(rule.finding(
            answer.label or "?", text, [answer.src, *(other.src for other in others)],
            f"an idea of {labels} in {answer.label} in other words, or in a file of its workspace", words=len(shown), answers=len(others),
        ))  # fmt: skip
    return found


_SEED = "the skill's red flags"
_RECORD = "MassGen's own record"

RULES = (
    Rule("agent_died", "high", "an agent's status is an error", _RECORD, "a later answer or vote of that agent", _agent_died, "FM-3.1", "agent_error"),
    Rule("error_loop", "high", f"the same agent error in >= {SAME_ERROR} executions", "an agent is killed after three failures in later versions",
         "progress of that agent between two errors", _error_loop, "FM-1.5"),
    Rule("retries", "medium", f">= {RETRIES_A_ROUND} retries in a round (in an execution, where only text tells), API errors counted apart", _SEED,
         "two events of one failure", _retries, flag="reliability", needs=("retries",)),
    Rule("content_lost", "medium", f"> {CHARS_LOST} characters, each failure once", _SEED, "the lost content elsewhere in the answers", _content_lost, "FM-1.4",
         "reliability", ("enforcement",)),
    Rule("votes_lost", "medium", f"an agent spent >= {LOST_SHARE:.0%} of the run, and {LOST_S:.0f} s, in executions that ended in ignored or refused votes",
         "measured on the sample runs", "something of them in what came later", _votes_lost, "FM-2.1", needs=("starts",)),
    Rule("stall", "medium", f"an agent at work without any event for {SILENT_S:.0f} s, or for {SILENT_SHARE:.0%} of the run and 10 s",
         "a model's answer takes seconds to a minute", "output in that time in another file", _stall, needs=("silences",)),
    Rule("not_delivered", "medium", "an injection was recorded and never reached the model", "measured by backend", "the injected text in a request", _undelivered, "FM-2.4",
         "not_delivered"),
    Rule("silent_subagent", "medium", "a sub-agent with no model call", _RECORD, "a call in the child's own logs", _silent_subagent, "FM-2.6"),
    Rule("server_not_connected", "medium", "any try to connect to an MCP server that failed", "massgen.log alone tells it",
         "a call of one of its tools that ran", _server_not_connected, flag="server_not_connected"),
    Rule("unknown_tools", "low", "any call of a tool that does not exist", _SEED, "the tool in the agent's tool list", _unknown_tools, flag="reliability"),
    Rule("ignored_input", "low", f"an answer without one of the telling words ({TELLING} or more) that its author was shown in others' answers",
         "analysis/overlap.py: a paraphrase keeps names and numbers", "an idea of them in other words", _ignored_input, "FM-2.5", needs=("starts",)),
)  # fmt: skip
