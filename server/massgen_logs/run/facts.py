"""The single facts of a Run, each by one rule.

Winner and duration: outcome.py. Restarts: status.json times_restarted; where that was reset or is missing, what this counter
is everywhere: the agent's own answers, and one more for the presentation.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable

from msgspec.structs import replace

from massgen_logs.attempt import Attempt
from massgen_logs.readers import answer_txt, execution_metadata, metrics_events, metrics_summary, status_json
from massgen_logs.readers.metrics_events import MetricsEvents
from massgen_logs.readers.status_json import RoundRecord, Status, Usage
from massgen_logs.run import backend_logs, old_logs, outcome, usage
from massgen_logs.run.backends.dialect import Dialect, Excess
from massgen_logs.run.ending import FAILURE, PRESENTED
from massgen_logs.run.events import Digest
from massgen_logs.run.files import Files
from massgen_logs.run.main_log import MainLog
from massgen_logs.run.model import ANY_AGENT, Agent, Call, Moment, Run
from massgen_logs.tree import Place

_WORKFLOW = frozenset({"vote", "new_answer", "stop"})
"""MassGen's own tools: a response that calls one that its round does not offer is refused as one without any."""


_LOG_S = 1.0
"""Seconds that a time in massgen.log may lie before the true one: it has whole ones."""


def times_from_metrics(calls: list[Call], tools: MetricsEvents, started: float | None) -> None:
    """Give calls the times of metrics_events.json: the n-th call of an agent's tool is its n-th execution since the attempt
    began, where there are as many of both; else, or where neither names the agent, the n-th with a result is the n-th with an output,
    if all are of the same size. The display doesn't show what a hook refused."""
    executed: dict[tuple[str, str], list[metrics_events.ToolExecution]] = defaultdict(list)
    agents = {call.agent for call in calls}
    for tool in sorted((t for t in tools.tools if not _is_refused(t)), key=lambda execution: execution.start or 0.0):
        if started is None or tool.end is None or tool.end > started:
            agent = tool.agent if tool.agent in agents else ANY_AGENT
            executed[agent or ANY_AGENT, tool.tool].append(tool)
    for (agent, name), executions in executed.items():
        own = [call for call in calls if (call.agent, call.tool) == (agent, name)]
        if len(own) != len(executions) or agent == ANY_AGENT:
            own = [call for call in own if call.outcome != "open"]
            executions = [execution for execution in executions if execution.output_chars]
            if [call.result_chars for call in own] != [execution.output_chars for execution in executions]:
                continue
        for call, execution in zip(own, executions, strict=True):
            call.t, call.end = execution.start, execution.end
            if call.t is not None and call.end is not None:
                call.elapsed_s = round(call.end - call.t, 6)


def add_refused(run: Run, told: list[Call], tools: MetricsEvents) -> None:
    """Add the calls that a hook refused and that have no record of their own: `told` by the hook's event, else by the error in
    metrics_events.json. No file tells their arguments."""
    executed = {tool.call_id: tool for tool in tools.tools if tool.call_id}
    for call in told:
        call.tool = executed[call.id].tool if call.id in executed else call.tool
    run.calls = [*run.calls, *told]
    known = {call.id for call in run.calls if call.id}
    shown = Counter((call.agent, call.tool) for call in run.calls if call.outcome == "denied" and call.id is None)
    for index, tool in enumerate(tools.tools):
        who = (tool.agent or ANY_AGENT, tool.tool)
        if not _is_refused(tool) or tool.call_id in known or _is_earlier(run, tool):
            continue
        if shown[who]:
            shown[who] -= 1
            continue
        src = f"metrics_events.json#tool_executions[{index}]"
        run.calls.append(
            Call(*who, None, {}, src, tool.start, tool.end, outcome="denied", error=tool.error, id=tool.call_id)
        )
    if all(call.t is not None for call in run.calls):
        run.calls.sort(key=lambda call: call.t or 0.0)


def _is_refused(tool: metrics_events.ToolExecution) -> bool:
    return (tool.error or "").startswith("Hook denied")


def _is_earlier(run: Run, tool: metrics_events.ToolExecution) -> bool:
    """It is of an attempt before this one, which later ones of the same process repeat."""
    return run.started is not None and tool.start is not None and tool.start < run.started - 1


def rounds_from_times(run: Run) -> None:
    """The round of each call with a time: the answers that its agent had submitted before. The display of 0.1.42 leaves out the mark of
    some, by which rounds are counted otherwise."""
    times = {
        agent: [a.t for a in run.answers if a.agent == agent] for agent in {c.agent for c in run.calls} - {ANY_AGENT}
    }
    for call in run.calls:
        own = times.get(call.agent, [None])
        if call.t is not None and call.round is not None and None not in own:
            call.round = sum(t is not None and t < call.t for t in own)


def fill_times(run: Run, files: Files, digest: Digest | None, old: old_logs.OldLogs | None) -> None:
    """Start, end and duration, with the file that gives the duration."""
    usable = files.headed
    first = digest.said.first if digest else old.first if old else None
    run.started = usable.start if usable else None if files.emptied else files.status.start_time
    run.started = run.started if run.started is not None else first
    found = outcome.times(run.ending, usable, run.started, digest.said if digest else None)
    run.ended, run.duration_s, run.duration_src = found.ended, found.duration_s, found.src


def fill_agents(
    run: Run, files: Files, digest: Digest | None, order: list[str],
    backends: dict[str, execution_metadata.AgentConfig], dialect_of: Callable[[str], Dialect],
) -> None:  # fmt: skip
    """The agents in config order, with their recorded status and restarts."""
    presenters = {e.agent for e in files.coordination.events if e.type == "final_round_start"}
    presenters |= {digest.said.presenter} if digest else set()
    started: dict[str, int] = defaultdict(int)
    for execution in run.executions:
        started[execution.agent] += 1
    seen = [*order, *(a.agent for a in run.answers), *(e.agent for e in run.executions)]
    for name in dict.fromkeys(seen):
        config, entry = backends.get(name), files.status.agents.get(name)
        agent = Agent(name, config.backend if config else None, config.model if config else None, dialect_of(name).name)
        agent.client_times, agent.retries_told = not dialect_of(name).own_time, dialect_of(name).retries_told
        if entry is not None and not files.emptied:
            agent.status, agent.error, agent.restarts = entry.status, entry.error, entry.times_restarted
        elif files.usable or digest is not None:
            # what MassGen's counter is wherever it is recorded: own answers, and the presentation
            agent.restarts = sum(a.agent == name for a in run.answers) + (name in presenters)
        agent.executions = max(0, started[name] - 1) if run.executions else None
        run.agents[name] = agent


def fill_winner(run: Run, attempt: Attempt, files: Files, digest: Digest | None) -> None:
    """The winner and its final answer; every file that names another winner becomes a note."""
    said = digest.said if digest else None
    named = outcome.winners(attempt, files.status, files.coordination, files.metrics, files.snapshots, said)
    if named:
        run.winner, run.winner_src = named[0]
    for agent, src in named:
        if agent != run.winner:
            run.note("winner_disagreement", f"{src} names {agent}, {run.winner_src} {run.winner}", src)
    if run.winner is None:
        return
    final = answer_txt.read(attempt.file("final", run.winner, "answer.txt"))
    run.problems += final.named(f"final/{run.winner}/answer.txt")
    if final.source and not final.unreadable:
        run.final_text, run.final_src = final.value, f"final/{run.winner}/answer.txt"
    elif digest and digest.final_text is not None:
        run.final_text, run.final_src = digest.final_text, digest.final_src


def keep_confirmed(digest: Digest, files: Files, log: MainLog) -> None:
    """Of what MassGen's own lines in the agents' texts tell, keep what no complete record denies: a model may quote them.

    status.json (0.1.39 on) has a record of each API error and refused vote, massgen.log of each unknown tool;
    coordination_events.json of each agent that ended with an error.
    """
    recorded = any(entry.reliability_recorded for entry in files.status.agents.values())
    if recorded:
        digest.unknown_tools = {
            agent: kept
            for agent, tools in digest.unknown_tools.items()
            if (kept := [tool for tool in tools if tool in log.unknown_tools.get(agent, ())])
        }
    digest.moments += [moment for moment in digest.quoted if _confirmed(moment, files, recorded)]
    saved = files.status.last_updated or 0.0
    digest.moments += [
        m
        for m in digest.died
        if m not in digest.moments and (_confirmed(m, files, recorded) or ((m.t or 0.0) > saved and not files.usable))
    ]


def _confirmed(moment: Moment, files: Files, recorded: bool) -> bool:
    entry = files.status.agents.get(moment.agent or "")
    records = entry.enforcement if entry else ()
    if moment.kind == "vote_refused":
        return not recorded or any(record.is_fairness_gate for record in records)
    if moment.detail.startswith("Error: "):
        errors = [record.error or "" for record in records if record.is_api_error]
        return not recorded or any(error[:40] in moment.detail for error in errors)
    return files.usable is None and (entry is None or entry.status in {None, "error"})


def add_errors(run: Run, files: Files, log: MainLog, digest: Digest | None) -> None:
    """What no event tells: a failure of MassGen itself after something was coordinated, and API errors of the presenter, which
    only massgen.log has."""
    if files.failure and files.failure[0] != "system_exit" and run.ending.src != FAILURE:
        run.moments.append(Moment(None, "error", None, f"{files.failure[0]}: {files.failure[1]}", FAILURE))
    if digest is None or digest.said.presenter is None:
        return
    told = [(record.t, record.error or "") for records in (run.enforcement or {}).values() for record in records]
    told += [(moment.t, moment.detail) for moment in run.moments if moment.kind in {"error", "api_retry"}]
    begun = next((moment.t for moment in run.moments if moment.kind == "presentation"), None)
    for t, words, src in log.errors:
        of_api = run.presentation_cut or words.startswith("Error code: ")
        if not of_api or t is None or begun is None or t < begun - _LOG_S:
            continue
        if not any(words[:60] in one and (at is None or abs(at - t) <= _LOG_S) for at, one in told):
            run.moments.append(Moment(t, "error", digest.said.presenter, words, src))


def drop_later_turns(run: Run) -> None:
    """Leave out what massgen.log and streaming_debug.log tell after this turn's end: with --continue, 0.1.45 goes on in the
    first turn's files."""
    if run.ended is None:
        return

    def own(t: float | None, src: str) -> bool:
        return t is None or t <= end or not src.startswith(("massgen", "streaming_debug"))

    end = run.ended + 1  # its times of day have whole seconds
    run.calls = [call for call in run.calls if own(call.t, call.src)]
    run.moments = [moment for moment in run.moments if own(moment.t, moment.src)]
    run.unconnected = [one for one in run.unconnected if own(one.t, one.src)]
    if run.refused_told is not None:
        run.refused_told = [told for told in run.refused_told if own(told.t, told.src)]
    run.retries_sent = {agent: [(t, src) for t, src in sent if own(t, src)] for agent, sent in run.retries_sent.items()}


def fill_moments(run: Run, files: Files, digest: Digest | None, old: old_logs.OldLogs | None) -> None:
    """Moments of the coordination events; events.jsonl adds what these lack and replaces them where they are missing."""
    kinds = {
        "update_injected": "injection", "agent_error": "error", "agent_timeout": "timeout",
        "final_round_start": "presentation", "final_agent_selected": "winner", "final_answer": "final_answer",
    }  # fmt: skip
    found: list[Moment] = []
    if files.usable:
        for event in files.usable.events:
            if kind := kinds.get(event.type):
                detail = re.sub(r"^(ERROR|TIMEOUT|UPDATE_INJECTED): ", "", event.details)
                found.append(Moment(event.t, kind, event.agent, detail, event.src))
    have = {moment.kind for moment in found}
    errors = {(moment.agent, moment.detail) for moment in found if moment.kind == "error"}
    for moment in digest.moments if digest else old.moments if old else ():
        if moment.kind == "injection":
            found = [m for m in found if m.kind != "injection" or m.src.startswith("events.jsonl")]
        elif moment.kind in have and moment.kind != "error":
            continue
        if moment.kind == "error" and ((moment.agent, moment.detail) in errors or (old and "error" in have)):
            continue
        found.append(moment)
    found.sort(key=lambda moment: moment.t if moment.t is not None else float("inf"))
    run.moments = [m for i, m in enumerate(found) if not _repeats(m, found[:i])]
    for moment in run.moments:
        if moment.kind == "error" and moment.agent in run.agents and not run.agents[moment.agent].error:
            died = run.ending.state == "failed" and digest is not None and moment.detail.endswith(" attempts")
            run.agents[moment.agent].error = (
                moment.detail if died or run.agents[moment.agent].status == "error" else None
            )


def fill_stored_answer(run: Run, files: Files, digest: Digest | None) -> None:
    """MassGen may use the winner's stored answer as the final one: no presentation was made, it failed or was empty (the display
    then says so), or the limit cut it. A presentation that was cut may stand as the final answer, too."""
    if run.final_text is None:
        return
    final = run.final_text.strip()
    same = [a.label for a in run.answers if a.agent == run.winner and a.text is not None and a.text.strip() == final]
    begun = any(event.type == "final_round_start" for event in files.coordination.events)
    if digest is not None:
        told = digest.final_text is not None and not digest.stored_final
        presented = told and (not same or (digest.final_text or "").strip() == final)
    else:
        presented = run.ending.state != "timed_out" or begun
    if not presented and same:
        run.stored_answer = same[-1]
        if run.ending.reason == PRESENTED:
            run.ending = replace(run.ending, reason="the winner's stored answer stands as the final one")
    elif digest.said.presenter if digest is not None else begun:
        # the round of a presentation is recorded when it has come to its end, whatever follows; also a broken one is locked
        rounds = _rounds(run, files)
        closed = digest is None or digest.said.closed
        run.presentation_cut = not any(r.type == "presentation" for r in rounds) and (bool(rounds) or not closed)
        if run.presentation_cut and run.ending.reason == PRESENTED:
            run.ending = replace(run.ending, reason="the final answer's presentation broke off")


def fill_presentation(run: Run, files: Files, digest: Digest | None) -> None:
    """What its recorded round tells of a presentation whose events a restart emptied; and without events.jsonl, a run that was killed while
    it presented after a time-out went on for longer than the limit that the time-out names."""
    own = [r for r in run.rounds if r.type == "presentation" and r.start is not None]
    kinds = {moment.kind for moment in run.moments}
    for record in own[-1:] if files.emptied else ():
        if "presentation" not in kinds:
            run.moments.append(
                Moment(record.start, "presentation", record.agent, "final presentation starts", record.src)
            )
        if "final_answer" not in kinds and record.end is not None and run.final_text is not None:
            run.moments.append(Moment(record.end, "final_answer", record.agent, "", record.src))
    run.moments.sort(key=lambda moment: moment.t if moment.t is not None else float("inf"))
    presented = any(moment.kind == "presentation" for moment in run.moments)
    if (
        digest is None
        and presented
        and run.duration_src == outcome.LIMIT
        and not any(m.kind == "final_answer" for m in run.moments)
    ):
        run.ended, run.duration_s, run.duration_src = None, None, ""


def _rounds(run: Run, files: Files) -> list[RoundRecord]:
    """Those of this attempt: a later one's files have those of earlier ones, too."""
    rounds = files.tools.rounds or [r for entry in files.status.agents.values() for r in entry.rounds]
    return [r for r in rounds if _of_this_attempt(r, run.started)]


def _repeats(moment: Moment, before: list[Moment]) -> bool:
    """One injection is recorded once per parallel call; session ends and final answers are sometimes doubled."""
    if moment.kind not in {"injection", "final_answer"}:
        return False
    for other in reversed(before[-6:]):
        if (other.kind, other.agent, other.detail) == (moment.kind, moment.agent, moment.detail):
            return (moment.t or 0.0) - (other.t or 0.0) < 1.0
    return False


def fill_enforcement(run: Run, status: Status, digest: Digest | None, old: old_logs.OldLogs | None) -> None:
    """Refused responses per agent; left None where the version records none at all, and then from massgen.log's text.

    MassGen's own list of unknown tools is always empty: they are named in the records of responses without a workflow
    tool, and in the agents' texts (with a record in massgen.log).
    """
    run.retries_sent = old.retries if old else {}
    if any(entry.reliability_recorded for entry in status.agents.values()):
        run.enforcement = {name: entry.enforcement for name, entry in status.agents.items()}
        run.chars_lost = {n: e.chars_lost or 0 for n, e in status.agents.items()}
    elif old is not None and old.read_log:
        run.refused_told = old.refusals.found
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for name, entry in status.agents.items():
        found[name].update(entry.unknown_tools)
        for record in entry.enforcement:
            if record.reason == "no_workflow_tool":
                # once a response: the openai backend hands each call on twice
                found[name].update({*record.tool_calls} - _WORKFLOW)
    for name, tools in (digest.unknown_tools if digest else old.unknown_tools if old else {}).items():
        found[name] |= Counter(tools)  # the same calls, told as text
    run.unknown_tools = {name: dict(tools) for name, tools in found.items() if tools}


def fill_usage(
    run: Run, place: Place, files: Files, dialect_of: Callable[[str], Dialect],
) -> list[Excess]:  # fmt: skip
    """Returns what was counted too much."""
    found = usage.recorded(files.status, files.metrics)
    earlier: dict[str, Usage] | None = None
    if usage.is_cumulative(files.status, files.metrics, run.started):
        before, name = _before(place)
        run.cumulative_over = name
        if before:
            status = status_json.read(before.file("status.json")).value
            earlier = usage.recorded(status, metrics_summary.read(before.file("metrics_summary.json")).value)
    models = {agent.id: agent.model for agent in run.agents.values()}
    spenders = backend_logs.spenders(run.agents, found, models, dialect_of)
    doubles = backend_logs.excess(place.attempt, spenders, run.problems) if found else []
    run.unowned = usage.total([tokens for more in doubles for tokens in more.unowned])
    run.usage = usage.collect(found, earlier, doubles, dialect_of)
    run.rounds = [_stopped(run, r) for r in _rounds(run, files)]
    run.subagents = files.metrics.subagents
    run.total_cost = files.metrics.total_cost if files.metrics.total_cost is not None else files.status.total_cost
    run.recorded_tool_failures = (
        files.metrics.tool_failures if files.metrics.tool_failures is not None else files.status.tool_failures
    )
    return doubles


def _of_this_attempt(record: RoundRecord, started: float | None) -> bool:
    """The attempt before ends some tenths of a second before this one begins, with its presentation and post-evaluation."""
    if started is None or record.start is None:
        return True
    return record.start >= started - 1 and (record.end is None or record.end > started)


def _stopped(run: Run, record: RoundRecord) -> RoundRecord:
    """MassGen records the round of an agent that stopped (decomposition) as one that came to a vote."""
    stops = [m.t for m in run.moments if m.kind == "stopped" and m.agent == record.agent and m.t is not None]
    end = record.end
    if record.outcome != "vote" or end is None or not any(abs(t - end) < 1 for t in stops):
        return record
    return replace(record, outcome="stop")


def _before(place: Place) -> tuple[Attempt | None, str]:
    """The attempt whose totals this one's figures include."""
    attempts = place.turn.attempts
    index = next((i for i, a in enumerate(attempts) if a.number == place.attempt.number), 0)
    if index:
        return attempts[index - 1], f"attempt {attempts[index - 1].number}"
    turns = [turn for turn in place.session.turns if turn.number < place.turn.number]
    if turns:
        return turns[-1].attempts[-1], f"turn {turns[-1].number}"
    return None, "an earlier turn or attempt that is not in this log"
