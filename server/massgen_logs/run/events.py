"""One pass over events.jsonl (0.1.46 on): calls, answers, votes, executions and moments, with the true rounds.

round_number in the file has three dialects and goes down at times: it is not used. An execution is a round_start,
except one that another round_start of the same agent follows before anything else of it. A call's round is the number
of answers that its agent had submitted before; a presentation's is one more. MassGen's own lines stand in the agents'
texts, at the start of a line; API errors, retries and ignored votes are glued to what the model wrote, too. A model may
quote them: a vote that the fairness gate refused is one only if a new start follows at once, and facts.keep_confirmed looks at
the other files.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator

from msgspec import Struct, field

from massgen_logs.attempt import Attempt
from massgen_logs.readers import events_jsonl
from massgen_logs.readers.base import (
    Problem,
    Source,
    as_label,
    as_name,
    as_names,
    mapping,
    number,
    parse_json,
    text,
    texts,
)
from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect, Outcome, output_chars
from massgen_logs.run.clock import Clock
from massgen_logs.run.model import SILENCE_S, Call, Moment, Silence
from massgen_logs.run.outcome import Said
from massgen_logs.run.planted import Places

IGNORED = re.compile(r"🔄 Vote for \[([^\n]{0,255}?)\] ignored \(reason: (.*?)\) - restarting due to new answers", re.S)
_UNKNOWN_TOOL = re.compile(r"⚠️ Unknown tool: (\S+) \(not registered\)(?=\s*🔧 used \1 tool \(not implemented\))")
_API_ERROR = re.compile(r"❌ (Error: .*)")
AGENT_ERROR = re.compile(
    r"❌ ((?:Agent (?:failed|made|used)[^\n]*?|Invalid agent_id|Cannot vote when no answers exist|Answer count limit reached"
    r"|Answer novelty requirement not met|Duplicate answer provided) after (?:\d+|max) attempts|Agent (?:failed|was|made) .*)"
)
"""What ends an agent. What the model wrote next may stand in the same line."""
_DIED = re.compile(r"(?s).*❌ ([A-Z][^\n❌]* after (?:\d+|max) attempts)\s*")
_RETRY = re.compile(r"❌ Retry \(\d+/\d+\): ")
API_RETRY = re.compile(r"⚠️ \[Gemini\] Rate limited \(HTTP [^)\n]{1,20}\)[^\n]{0,60}? Retrying attempt \d+/\d+\.\.\.")
_REFUSED = re.compile(r"⏳ Fairness gate: (.*)")
LABEL = re.compile(r"\bagent\d+\.\d+\b")
_JOB = re.compile(r"- \[(\w+)\] (\S+) \((\w+)\)\n +(?:Result|Error): (.*?)(?=\n- \[|\n=====|\Z)", re.S)
_LIMIT_HOOK = re.compile(r"round_timeout_(soft|hard)_")
_LIMIT_TIMES = re.compile(r"\((\d+)s / (\d+)s\)")
CALLS_REFUSED = "time limit and grace period of the round passed: its calls are refused from here on"
_JOB_RESULTS = ("wait_for_background_tool", "get_background_tool_result")
_ENDS_DROPPED_START = frozenset({"text", "tool_start", "agent_restart", "thinking", "answer_submitted", "vote"})


class Start(Struct):
    """One execution of an agent as events.jsonl shows it."""

    agent: str
    t: float | None
    round: int
    src: str
    context: tuple[str, ...] = ()
    chars: int = 0
    """Characters of reasoning and text since."""


class Digest(Struct):
    """What events.jsonl says; None fields: it does not say."""

    planted: Places
    said: Said = field(default_factory=Said)
    """Of the end; and the times of the first and the last event."""
    calls: list[Call] = field(default_factory=list[Call])
    refused: list[Call] = field(default_factory=list[Call])
    """Calls of which only the hook that refused them tells (before 0.1.97 they have no events of their own)"""
    answers: list[tuple[float | None, str, str | None, str, int, str]] = field(
        default_factory=list[tuple[float | None, str, "str | None", str, int, str]],
    )
    """(t, agent, label, first 500 characters, round, src)"""
    votes: list[tuple[float | None, str, str | None, str, int, str]] = field(
        default_factory=list[tuple[float | None, str, "str | None", str, int, str]],
    )
    """(t, voter, target, reason, round, src) of accepted votes"""
    ignored: list[tuple[float | None, str, str, str, int, str]] = field(
        default_factory=list[tuple[float | None, str, str, str, int, str]],
    )
    """(t, voter, target, reason, round, src) of ignored votes"""
    ignored_glued: list[tuple[float | None, str, str, str, int, str]] = field(
        default_factory=list[tuple[float | None, str, str, str, int, str]],
    )
    """Those behind words of the model in one line: MassGen's or a quotation, so they only tell the reason of a known vote"""
    starts: list[Start] = field(default_factory=list[Start])
    moments: list[Moment] = field(default_factory=list[Moment])
    silences: list[Silence] = field(default_factory=list[Silence])
    quoted: list[Moment] = field(default_factory=list[Moment])
    """Errors and refused votes that only lines in the agents' texts tell of, which a model may have quoted"""
    died: list[Moment] = field(default_factory=list[Moment])
    """Deaths that end an agent's last text: nothing of it follows; `quoted` may have them, too"""
    unknown_tools: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    final_text: str | None = None
    final_src: str = ""
    stored_final: bool = False
    injected_labels: dict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))
    """Answer labels in the texts that were injected into an agent"""
    steered: dict[str, int] = field(default_factory=lambda: defaultdict[str, int](int))
    """codex: how often an injection really reached the agent"""


class _State(Struct):
    """What one pass must remember per agent."""

    answers: int = 0
    presenting: bool = False
    start: Start | None = None
    fresh: bool = False
    executions: int = 0
    open: list[Call] = field(default_factory=list[Call])
    jobs: dict[str, Call] = field(default_factory=dict[str, Call])
    edits: dict[str, Call] = field(default_factory=dict[str, Call])
    """By id, those of the tools that are recorded twice whose second record has not come."""
    at_work: bool = False
    seen: tuple[float, int] | None = None
    """Time and line of its last event while at work."""
    limits: set[str] = field(default_factory=set[str])
    """Which limits of its round (soft, hard) it has met in this execution."""
    dying: Moment | None = None
    """Its death, told at the end of its own text, if nothing of it follows."""
    refused: Moment | None = None
    """A vote refused by the fairness gate, if a new start follows."""

    @property
    def round(self) -> int:
        return self.answers + self.presenting


def digest(
    attempt: Attempt, clock: Clock, dialect_of: Callable[[str], Dialect], source: Source, problems: list[Problem], planted: Places,
) -> Digest:  # fmt: skip
    """Read events.jsonl once; texts that give orders are added to `planted`."""
    found = Digest(planted)
    said = found.said
    agents: dict[str, _State] = defaultdict(_State)
    refused: dict[str, Call] = {}
    for event in events_jsonl.read(attempt.file("events.jsonl"), source, problems):
        t = clock.iso(event.time)
        if t is not None:
            said.first = t if said.first is None else said.first
            said.last = t
        agent = event.agent or ""
        state = agents[agent]
        _silence(event.type, t, event.line, agent, state, found)
        if event.type in _ENDS_DROPPED_START:
            state.fresh = False
        if state.refused and event.type == "round_start":
            found.quoted.append(state.refused)
        state.refused = state.dying = None
        match event.type:
            case "tool_start":
                _tool_start(event, t, state, dialect_of(agent), found)
            case "tool_complete":
                _tool_complete(event, t, state, dialect_of(agent), found)
            case "text" | "thinking":
                content = event.data.get("content")
                if not isinstance(content, str):
                    continue
                if state.start:
                    state.start.chars += len(content)
                if event.type == "text":
                    _text(content, event, t, state, found)
            case "round_start":
                _round_start(event, t, agent, state, found)
            case "context_received":
                if state.start:
                    state.start.context = tuple(texts(event.data.get("context_labels")))
            case "answer_submitted":
                label = as_label(event.data.get("answer_label"))
                found.answers.append((t, agent, label, text(event.data.get("content")) or "", state.round, event.src))
                state.answers += 1
            case "vote":
                target, reason = as_name(event.data.get("target_id")), text(event.data.get("reason")) or ""
                found.votes.append((t, agent, target, reason, state.round, event.src))
            case "injection_received":
                sources = ", ".join(as_names(event.data.get("source_agents")))
                found.moments.append(Moment(t, "injection", agent, f"answers of {sources or '?'}", event.src))
            case "agent_stopped":  # decomposition: it says that its part is done
                words = f"{text(event.data.get('status')) or '?'}: {text(event.data.get('summary')) or ''}"
                found.moments.append(Moment(t, "stopped", agent, words, event.src))
            case "hook_execution":
                info = mapping(event.data.get("hook_info"))
                found.injected_labels[agent].update(LABEL.findall(text(info.get("injection_content")) or ""))
                _hook(info, event.src, state, dialect_of(agent))
                call_id = text(event.data.get("tool_call_id"))
                if info.get("decision") == "deny" and call_id:
                    reason = text(info.get("reason")) or "denied"
                    refused[call_id] = Call(agent, "?", None, {}, event.src, t, outcome="denied", error=reason, round=state.round,
                                            execution=max(0, state.executions - 1), id=call_id)  # fmt: skip
                _round_limit(info, t, agent, event.src, state, found)
            case _:
                _ending(event, t, agent, state, found)
    for agent, state in agents.items():
        found.died += [state.dying] if state.dying else []
        _silence("", said.last, 0, agent, state, found)
    for call in found.calls:
        refused.pop(call.id or "", None)
    found.refused = list(refused.values())
    return found


def _silence(kind: str, t: float | None, line: int, agent: str, state: _State, found: Digest) -> None:
    """Keep how long an agent at work had shown nothing before this event of it; line 0: the file's end."""
    if not agent or t is None:
        return
    if state.at_work and state.seen is not None and t - state.seen[0] >= SILENCE_S:
        since, last = state.seen
        after = events_jsonl.source_of(line) if line else ""
        first = state.executions == 1 and state.fresh
        found.silences.append(
            Silence(agent, since, t, events_jsonl.source_of(last), after, late=kind == "text", start_up=first)
        )
    if kind in {"round_start", "answer_submitted", "vote", "agent_stopped"}:
        state.at_work = kind == "round_start"
    state.seen = (t, line)


def _round_start(event: events_jsonl.Event, t: float | None, agent: str, state: _State, found: Digest) -> None:
    if state.fresh and state.start:
        found.starts.remove(state.start)
    state.start = Start(agent, t, state.round, event.src)
    state.fresh = True
    state.limits.clear()
    found.starts.append(state.start)
    state.executions = sum(start.agent == agent for start in found.starts)


def _tool_start(event: events_jsonl.Event, t: float | None, state: _State, dialect: Dialect, found: Digest) -> None:
    data = event.data
    tool, args = as_name(data.get("tool_name")) or "?", mapping(data.get("args"))
    call = Call(
        event.agent or "", tool, dialect.command(tool, args), args, event.src, t, round=state.round,
        execution=max(0, state.executions - 1), id=text(data.get("tool_id")), background=tool.endswith("start_background_tool"),
    )  # fmt: skip
    if dialect.ids_restart:
        state.open = [c for c in state.open if (c.id, c.tool) != (call.id, tool)]
    if tool in dialect.edits_twice and call.id is not None:
        twin = state.edits.pop(call.id, None)
        if twin and twin.args == args:
            state.open.append(twin)  # the same edit, recorded at its start and at its completion
            return
        state.edits[call.id] = call
    state.open.append(call)
    found.calls.append(call)


def _tool_complete(event: events_jsonl.Event, t: float | None, state: _State, dialect: Dialect, found: Digest) -> None:
    data = event.data
    tool_id, tool = text(data.get("tool_id")), as_name(data.get("tool_name")) or "?"
    call = next((c for c in state.open if c.id == tool_id and c.tool == tool), None)
    if call is None:
        call = Call(event.agent or "", tool, None, {}, event.src, round=state.round, id=tool_id)
        found.moments.append(Moment(t, "problem", event.agent, f"completion of {tool} without a start", event.src))
    else:
        state.open.remove(call)
    result = text(data.get("result")) or ""
    is_error = data.get("is_error")
    outcome = dialect.outcome(tool, call.args, result, is_error if isinstance(is_error, bool) else None)
    if data.get("status") == "denied":  # whoever refused it, in whatever words
        outcome = Outcome("denied", error=result)
    apply(call, outcome)
    call.end, call.end_src = t, event.src
    call.elapsed_s = number(data.get("elapsed_seconds")) if dialect.own_time else None
    call.output_chars = output_chars(result, outcome)
    found.planted.look(result, f"result of {tool}", event.agent, t, event.src)
    call.recorded_ok = data.get("status") == "success" or (data.get("status") is None and not is_error)
    if outcome.job:
        call.background = True
        state.jobs[outcome.job] = call
    if tool.endswith(_JOB_RESULTS):
        _job_result(result, event.src, state, dialect)


def apply(call: Call, outcome: Outcome) -> None:
    """Write an outcome into its call."""
    call.outcome, call.exit_code, call.exec_s = outcome.kind, outcome.exit_code, outcome.exec_s
    call.error, call.hidden, call.over_limit = outcome.error, outcome.hidden, outcome.over_limit


def _hook(info: dict[str, object], src: str, state: _State, dialect: Dialect) -> None:
    """Results of background jobs come as a hook on a later, unrelated call."""
    if text(info.get("hook_name")) != "background_tool_complete":
        return
    for match in _JOB.finditer(text(info.get("injection_content")) or ""):
        _job_ended(state, dialect, match[1], match[2], match[4].strip(), match[3], src)


def _round_limit(info: dict[str, object], t: float | None, agent: str, src: str, state: _State, found: Digest) -> None:
    """An agent's time limit of a round: a warning at a call after it ("soft"), then refused calls ("hard"), each once an
    execution. Only a call shows it: an agent that makes none is not warned."""
    match = _LIMIT_HOOK.match(text(info.get("hook_name")) or "")
    if match is None or match[1] in state.limits:
        return
    state.limits.add(match[1])
    took = _LIMIT_TIMES.search((text(info.get("injection_content")) or "")[:2000])
    said = f" ({took[1]} s of {took[2]} s)" if took else ""
    detail = f"time limit of the round passed{said}: told to wrap up" if match[1] == "soft" else CALLS_REFUSED
    found.moments.append(Moment(t, "round_timeout", agent, detail, src))


def _job_result(result: str, src: str, state: _State, dialect: Dialect) -> None:
    """An agent that waits for a background job, or asks for its result, gets it as this call's result."""
    data = parse_args(result)
    ended = text(data.get("status"))
    if ended in {"completed", "error"} and (job := text(data.get("job_id"))):
        told = text(data.get("result")) or text(data.get("error")) or ""
        _job_ended(state, dialect, job, as_name(data.get("tool_name")) or "?", told, ended, src)


def _job_ended(state: _State, dialect: Dialect, job: str, tool: str, result: str, status: str, src: str) -> None:
    call = state.jobs.get(job)
    if call is not None:
        outcome = dialect.outcome(tool, command_line.inner_args(call.args), result, status == "error")
        apply(call, outcome)
        call.output_chars, call.end_src = output_chars(result, outcome), src


def _text(content: str, event: events_jsonl.Event, t: float | None, state: _State, found: Digest) -> None:
    agent = event.agent or ""
    found.planted.look(content, "text", agent, t, event.src)
    if not any(mark in content for mark in ("🔄", "❌", "⚠", "⏳", "📋", "[Steering")):
        return
    own = [match.start() for match in _lines(IGNORED, content)]
    for match in IGNORED.finditer(content):
        told = found.ignored if match.start() in own else found.ignored_glued
        told.append((t, agent, match[1], match[2], state.round, event.src))
    for match in _lines(_UNKNOWN_TOOL, content):
        found.unknown_tools[agent].append(match[1])
    said = [*_lines(AGENT_ERROR, content)]
    if (died := _DIED.fullmatch(content)) and AGENT_ERROR.fullmatch(f"❌ {died[1]}"):
        state.dying = Moment(t, "error", agent, died[1], event.src)
    for match in [*_API_ERROR.finditer(content), *said]:
        found.quoted.append(Moment(t, "error", agent, match[1], event.src))
    if _RETRY.search(content):
        found.moments.append(Moment(t, "retry", agent, "a refused response is tried again", event.src))
    found.moments += [Moment(t, "api_retry", agent, m[0], event.src) for m in API_RETRY.finditer(content)]
    for match in _lines(_REFUSED, content):
        state.refused = Moment(t, "vote_refused", agent, match[1], event.src)
    found.steered[agent] += content.count("[Steering delivered")
    if "Using stored answer as final presentation" in content:
        found.stored_final = True


def _lines(pattern: re.Pattern[str], content: str) -> Iterator[re.Match[str]]:
    """The matches that begin a line."""
    return (m for m in pattern.finditer(content) if m.start() == 0 or content[m.start() - 1] == "\n")


def _ending(event: events_jsonl.Event, t: float | None, agent: str, state: _State, found: Digest) -> None:
    data = event.data
    found.said.take(event, t)
    match event.type:
        case "final_presentation_start":
            state.presenting = True
            found.moments.append(Moment(t, "presentation", agent, "final presentation starts", event.src))
        case "final_answer":
            found.final_text, found.final_src = text(data.get("content")), event.src
            found.moments.append(Moment(t, "final_answer", agent, "", event.src))
        case "orchestrator_timeout":
            said = found.said
            why = text(data.get("selection_reason")) or ""
            detail = f"{said.timeout_reason or ''}; selected {said.timeout_selected or 'nobody'} ({why})"
            found.moments.append(Moment(t, "timeout", None, detail, event.src))
        case "restart_banner":
            detail = f"orchestration restart: {text(data.get('reason')) or ''}"
            found.moments.append(Moment(t, "orchestration_restart", None, detail, event.src))
        case "error":
            found.moments.append(Moment(t, "error", event.agent, text(data.get("message")) or str(data), event.src))
        case _:
            pass


def parse_args(raw: str) -> dict[str, object]:
    """Arguments printed as JSON; {} when they are none."""
    try:
        return mapping(parse_json(raw))
    except ValueError:
        return {}
