"""find_errors: what went wrong, one incident for one failure however often it is recorded, and the tool contract.

A failure stands in several records: an API error as `api_error` and `no_tool_calls` (S12) and as a text; an agent's death
in coordination_events.json, events.jsonl and status.json; the orchestrator's timeout once for each agent that had not
finished. Each is one incident here, with all its sources. Incidents that are alike but for digits are folded into one
row with their count; totals count incidents, not rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct, field

from massgen_logs.analysis.reliability import incidents as distinct
from massgen_logs.analysis.reliability import unrecorded
from massgen_logs.analysis.tool_contract import (
    Different,
    Limit,
    ToolContract,
    contract,
    different_results,
    limit_of,
    timed_out_by_message,
)
from massgen_logs.run.model import Call, Enforcement, Moment, Run
from massgen_logs.run.stderr import Stderr, StderrLine

KINDS = (
    "start_up", "massgen_error", "server_not_connected", "server_set_up", "agent_error", "server_died", "api_error", "empty_retry", "timeout", "round_timeout", "subagent", "refused_response", "failed_command",
    "failed_tool", "hidden_failure", "denied", "never_ran", "stderr_only",
)  # fmt: skip
"""In the order in which they are told. massgen_error: MassGen itself failed after coordination had begun; server_set_up: an agent
went on without its MCP tools; empty_retry: MassGen's retry sent nothing, which it calls an API error."""
_SOURCES = 6
_TWIN_S = 2.0
"""Seconds within which a text and an event of the same agent tell of the same failure."""
_DIED = re.compile(
    r"(?:Error: )?Tool call failed: .*(?:Connection closed|Broken ?[Pp]ipe|ClosedResource|Connection lost)"
)
_NO_REQUEST = re.compile(r"No user messages? found")
_EMPTY_RETRY = "MassGen's retry sent nothing; no request was made: "
_CONTEXT = re.compile(r" \| Context: .*", re.S)
_DIGITS = re.compile(r"\d+")


class Incident(Struct):
    """One row. t, t_last: seconds from the run's start of the first and the last of `count` incidents alike; None where none is recorded.

    agent: None where the record names none (or it concerns all). command: the first one's whole text, None for what is
    no command; variants: how many different commands or inputs are folded here. recorded_as: what MassGen calls it
    ("success", "failure" or a status), None where it doesn't say. sources: at most six, the first five and the last.
    """

    kind: str
    agent: str | None
    t: float | None
    round: int | None
    sentence: str
    sources: list[str]
    recorded_as: str | None = None
    tool: str | None = None
    command: str | None = None
    exit_code: int | None = None
    count: int = 1
    t_last: float | None = None
    round_last: int | None = None
    """Of the last one, where it is another round than the first's."""
    variants: int = 1


class Errors(Struct):
    """totals: kind to incidents, before any cut. limits: time-outs first, then the other calls that asked for a limit."""

    incidents: list[Incident]
    totals: dict[str, int]
    total: int
    false_successes: int
    massgen_failures: int | None
    """MassGen's own count of tool failures; None where it records none."""
    tools: list[ToolContract]
    limits: list[Limit]
    different: list[Different]
    ends_without_start: int
    calls_recorded: bool
    not_shown: list[str] = field(default_factory=list[str])


def find_errors(run: Run, stderr: Stderr) -> Errors:
    """Incidents and tool contract of a Run; stderr: what its MCP servers wrote, empty where only the run's own incidents matter."""
    found = [*_start_up(run), *_servers(run), *_api_and_refused(run), *_timeouts(run), *_subagents(run)]
    found += _agent_errors(run, found)
    found += [incident for call in run.calls if (incident := _of_call(call))]
    found += _stderr_only(stderr.lines, found)
    totals = {kind: n for kind in KINDS if (n := sum(i.count for i in found if i.kind == kind))}
    limits = [limit for call in run.calls if (limit := limit_of(call))]
    limits.sort(key=lambda limit: (not limit.timed_out, -(limit.taken_s or 0.0)))
    different = different_results(run.calls)
    rows = _fold(found)
    for row in rows:  # folding compares times as they are recorded; a reader counts from the start
        row.t, row.t_last = run.since_start(row.t), run.since_start(row.t_last)
    return Errors(
        rows, totals, sum(totals.values()),
        sum(call.outcome == "failed" and call.recorded_ok is True for call in run.calls), run.recorded_tool_failures,
        contract(run.calls), limits, different,
        sum(m.kind == "problem" for m in run.moments), run.calls_recorded, _not_shown(run, stderr),
    )  # fmt: skip


def _start_up(run: Run) -> list[Incident]:
    if run.ending.state != "failed" or not run.ending.src.startswith("execution_metadata"):
        return []
    return [Incident("start_up", None, run.started, None, run.ending.reason, [run.ending.src])]


def _servers(run: Run) -> list[Incident]:
    return [
        Incident("server_not_connected", None, one.t, None, f"MassGen failed to connect to this MCP server: {one.why}", [one.src], tool=one.server)
        for one in run.unconnected
    ]  # fmt: skip


def _api_and_refused(run: Run) -> list[Incident]:
    """Enforcement records, a doubled one once; then what stands only in a log or as a text."""
    found: list[Incident] = []
    for agent, events in (run.enforcement or {}).items():
        own: list[Incident] = []
        kept = {id(event) for event in distinct(list(events))}
        for event in events:
            if event.is_set_up or id(event) in kept:
                own.append(_refusal(agent, event))
            else:
                own[-1].sources.append(event.src)
        found += own
    found += [
        Incident("refused_response", told.agent, told.t, None, f"{told.reason}: {told.detail[2:]}", [told.src], "text")
        for told in run.refused_told or ()
    ]
    found += [
        Incident("refused_response", agent, t, None, "MassGen asked the agent again without a record of why: the response had broken off, "
                 "or was refused without an event", [src])
        for agent in run.agents
        for t, src in unrecorded(run, agent)
    ]  # fmt: skip
    found += [
        Incident("api_error", m.agent, m.t, None, f"the API failed and was retried; MassGen calls it rate limited, whatever the code was: {m.detail}",
                 [m.src])
        for m in run.moments
        if m.kind == "api_retry"
    ]  # fmt: skip
    found += [
        Incident("refused_response", m.agent, m.t, None, f"vote refused for the third time, agent restarted: {m.detail}", [m.src])
        for m in run.moments
        if m.kind == "vote_refused"
    ]  # fmt: skip
    return found


def _refusal(agent: str, event: Enforcement) -> Incident:
    src = event.src
    if event.is_set_up:
        return Incident("server_set_up", agent, event.t, event.round, event.error or event.reason, [src])
    if event.is_api_error and _NO_REQUEST.search(event.error or ""):
        return Incident("empty_retry", agent, event.t, event.round, f"{_EMPTY_RETRY}{event.error}", [src])
    if event.is_api_error:
        fatal = " (fatal)" if event.reason != "api_error" else ""
        return Incident("api_error", agent, event.t, event.round, f"{event.error or 'no message'}{fatal}", [src])
    called = f" (called {', '.join(event.tool_calls)})" if event.tool_calls else ""
    return Incident(
        "refused_response", agent, event.t, event.round, f"{event.reason}{called}: {event.error or ''}".strip(), [src]
    )


def _agent_errors(run: Run, known: list[Incident]) -> list[Incident]:
    """Errors told as moments: joined to an API error that they repeat, and to each other."""
    found: list[Incident] = []
    for moment in run.moments:
        if moment.kind != "error":
            continue
        twin = next((i for i in known if i.kind in {"api_error", "empty_retry"} and _same_failure(i, moment)), None)
        twin = twin or next((i for i in found if i.sources[-1] != moment.src and _twin(i, moment)), None)
        if twin:
            twin.sources.append(moment.src)
            continue
        api = re.match(r"(?:Error: )?.{0,40}(?:Error code: \d|API|Streaming error)", moment.detail)
        own = moment.agent is None and moment.src.startswith("execution_metadata")
        kind = "massgen_error" if own else "api_error" if api else "agent_error"
        found.append(Incident(kind, moment.agent, moment.t, None, moment.detail, [moment.src]))
    for name, agent in run.agents.items():
        told = any(m.kind == "error" and m.agent == name for m in run.moments)
        if not agent.error or (agent.status != "error" and told):
            continue
        src = f"status.json#agents.{name}.error"
        own = [i for i in found if i.agent == name]
        own = own or [
            i for i in known if i.agent == name and i.kind == "api_error" and _core(i.sentence) in agent.error
        ]
        if own:
            own[-1].sources.append(src)
        else:
            own.append(Incident("agent_error", name, None, None, agent.error, [src]))
            found += own
        own[-1].recorded_as = agent.status
    return found


def _core(sentence: str) -> str:
    return re.sub(r"^Error: | \(fatal\)$", "", sentence.removeprefix(_EMPTY_RETRY)).strip()[:60]


def _near(a: float | None, b: float | None) -> bool:
    return a is None or b is None or abs(a - b) <= _TWIN_S


def _same_failure(incident: Incident, moment: Moment) -> bool:
    """The text repeats what the API error says, for the same agent at the same time."""
    core = _core(incident.sentence)
    same_agent = moment.agent is None or incident.agent == moment.agent
    return bool(core) and same_agent and core in moment.detail and _near(incident.t, moment.t)


def _twin(incident: Incident, moment: Moment) -> bool:
    """An event of one file and the text of another; events of one file are never joined."""
    apart = incident.sources[0].split(":")[0].split("#")[0] != moment.src.split(":")[0].split("#")[0]
    same = _core(incident.sentence) == _core(moment.detail)
    return apart and incident.agent == moment.agent and same and _near(incident.t, moment.t)


def _timeouts(run: Run) -> list[Incident]:
    """The orchestrator's timeout, which is recorded once for each agent that had not finished; the agents' round limits."""
    rounds = [
        Incident("round_timeout", m.agent, m.t, None, m.detail, [m.src])
        for m in run.moments
        if m.kind == "round_timeout"
    ]
    told = [moment for moment in run.moments if moment.kind == "timeout"]
    if run.ending.state != "timed_out" and not told:
        return rounds
    agents = [moment.agent for moment in told if moment.agent]
    sentence = told[0].detail if told else run.ending.reason
    if agents:
        sentence += f"; recorded for {', '.join(dict.fromkeys(agents))}"
    sources = list(dict.fromkeys(moment.src for moment in told))
    if run.ending.state == "timed_out" and run.ending.src not in sources:
        sources.append(run.ending.src)
    t = told[0].t if told else run.ended
    return [Incident("timeout", None, t, None, f"orchestrator: {sentence}", sources), *rounds]


def _subagents(run: Run) -> list[Incident]:
    """S36: a subagent that never called a model and has a status all the same."""
    return [
        Incident(
            "subagent", None, None, None, f"subagent {sub.id} ended without one API call", [sub.src],
            recorded_as=sub.status, tool="spawn_subagents",
        )
        for sub in run.subagents
        if sub.api_calls == 0
    ]  # fmt: skip


def _of_call(call: Call) -> Incident | None:
    """The incident that a call is, if any."""
    kind = _kind_of(call)
    if kind is None:
        return None
    error = _CONTEXT.sub("", call.error or call.hidden or "").strip()
    error = "" if re.fullmatch(r"(?i)exit(?: code)? -?\d+", error) else error
    begin = {
        "failed_command": f"exit {call.exit_code}",
        "hidden_failure": "exit 0, the error only on stderr",
        "timeout": "timed out",
        "denied": "refused, never ran",
        "never_ran": "never ran",
        "server_died": "the MCP server died during the call",
    }.get(kind, "failed" if call.outcome == "failed" else "an error, outcome not recorded")
    recorded = None if call.recorded_ok is None else "success" if call.recorded_ok else "failure"
    return Incident(
        kind, call.agent, call.t, call.round, f"{begin}: {error}" if error else begin, call.places,
        recorded, call.tool, call.command, call.exit_code,
    )  # fmt: skip


def _kind_of(call: Call) -> str | None:
    if call.outcome in {"denied", "not_run"}:
        return "denied" if call.outcome == "denied" else "never_ran"
    if call.outcome == "ok":
        return "hidden_failure" if call.hidden else None
    if call.outcome == "open" or (call.outcome == "unknown" and not call.error):
        return None
    if call.exit_code is None and _DIED.match(call.error or ""):
        return "server_died"
    if timed_out_by_message(call):
        return "timeout"
    return "failed_command" if call.command is not None and call.exit_code is not None else "failed_tool"


def _stderr_only(lines: Iterable[StderrLine], known: list[Incident]) -> list[Incident]:
    """Error lines of the servers; one that a recorded failure repeats is a further source of that failure."""
    found: list[Incident] = []
    for line in lines:
        core = line.message.strip()
        twin = next((i for i in known if len(core) >= 20 and core in i.sentence and i.kind != "stderr_only"), None)
        if twin:
            twin.sources.append(line.src)
            continue
        server = line.file.removeprefix("mcp_").removesuffix("_stderr.log")
        found.append(Incident("stderr_only", None, None, None, f"MCP server {server}: {core}", [line.src], tool=server))
    return found


def _fold(found: list[Incident]) -> list[Incident]:
    """Rows: alike but for digits, by kind and time. Refusals fold whatever was refused, failures with their command."""
    rows: dict[tuple[object, ...], Incident] = {}
    inputs: dict[int, set[str | None]] = {}
    for one in sorted(found, key=lambda i: (KINDS.index(i.kind), i.t if i.t is not None else float("inf"))):
        command = None if one.kind in {"denied", "never_ran"} else _DIGITS.sub("#", one.command or "")
        key = (one.kind, one.agent, one.tool, command, one.exit_code, _DIGITS.sub("#", one.sentence), one.recorded_as)
        row = rows.setdefault(key, one)
        seen = inputs.setdefault(id(row), set())
        seen.add(one.command)
        row.variants = len(seen)
        if row is not one:
            row.count += one.count
            row.sources += one.sources
            row.t_last = one.t if one.t is not None else row.t_last
            row.round_last = one.round if one.round != row.round else row.round_last
    for row in rows.values():
        sources = list(dict.fromkeys(row.sources))
        row.sources = sources if len(sources) <= _SOURCES else [*sources[: _SOURCES - 1], sources[-1]]
    return list(rows.values())


def _not_shown(run: Run, stderr: Stderr) -> list[str]:
    """What the logs of this run can't show, so that nothing is read as zero."""
    found = [f"{problem.file}: {problem.what}" for problem in stderr.problems]
    if stderr.dropped:
        found.append(f"{stderr.dropped} more error lines of the stderr logs: they were counted and not kept")
    if run.ending.state == "failed" and not run.calls:
        return found
    if run.enforcement is None and run.refused_told is None:
        found.append("refused responses and API errors: no file of these logs holds them")
    elif run.enforcement is None:
        found.append(
            "refused responses and API errors have no record "
            + ("here, status.json is missing or unreadable" if run.status_missing else "in this version")
            + ": told is what massgen.log's text tells"
        )
    else:
        told = ", ".join(agent.id for agent in run.agents.values() if agent.retries_told)
        found.append("HTTP errors that the API client retried with success leave no trace"
                     + (f", but for those of {told} after partial output, whose text tells them" if told else ""))  # fmt: skip
    if not run.calls_recorded:
        found.append("tool calls: no file that holds them could be read")
    if not run.denied_recorded:
        found.append("refused calls: one of these backends leaves no trace of them")
    if not stderr.sources:
        found.append("server errors: there is no mcp_*_stderr.log")
    return found
