"""Sections 2 to 4 of a draft: time, commands, duplicated work."""

from __future__ import annotations

from massgen_logs.analysis.commands import Command
from massgen_logs.analysis.phases import slowest, slowest_rounds
from massgen_logs.analysis.times import ToolSpent
from massgen_logs.analysis.work_kinds import work_of_command
from massgen_logs.report.material import EVERY, Material
from massgen_logs.run.model import ANY_AGENT
from massgen_logs.text.clean import flat
from massgen_logs.text.table import seconds, table

_LONG = 1000
"""Characters of output from which on it is listed as long."""


def efficiency_section(m: Material) -> dict[str, list[str]]:
    """Section 2: rounds by type, the run's wall time by phase, what took longest."""
    say, times = m.say, m.times
    rounds = [say("This version records no rounds: phases are not known.")]
    if times.rounds:
        shown = [(say(p.phase), p.count, p.avg_s, p.max_s, p.total_s, f"{100 * p.share:.1f}") for p in times.rounds]
        rounds = table(say.header("Phase", "Count", "Avg (s)", "Max (s)", "Total (s)", "% of Total"), shown)
        rounds += ["", say("Summed over agents, which work in parallel; a share of that sum, not of the run.")]
        told = [f"{flat(note.text, 300)}." for note in m.run.notes if note.id == "overwritten_rounds"]
        rounds += [line for one in told for line in ("", one)]
    wall = [
        (say(p.name), seconds(p.start_s), seconds(p.end_s), seconds(p.seconds), "-" if p.share is None else f"{100 * p.share:.1f}",
         flat(", ".join(say(name) for name in p.held_by) or "-", 80), flat(say.told(m.mask(p.ended_with)), 80))
        for p in times.wall_phases
    ]  # fmt: skip
    body = [*rounds, "", say("Wall time of the run, without overlap:"), "", *table(
        say.header("Phase", "Start (s)", "End (s)", "Seconds", "% of Run", "Held By", "Ended With"), wall
    )] if wall else rounds  # fmt: skip
    calls = slowest(m.run, min(m.most, 50))
    operations = calls or slowest_rounds(m.run, min(m.most, 3))
    slow = [] if calls or not operations else [say("No call has a recorded time; the longest rounds:")]
    slow += [
        say("{n}. {what} - {s} s", n=n, what=flat(m.mask(op.what), 90), s=seconds(op.seconds))
        if op.share is None
        else say(
            "{n}. {what} - {s} s ({share}% of the run)",
            n=n, what=flat(m.mask(op.what), 90), s=seconds(op.seconds), share=f"{100 * op.share:.0f}",
        )
        for n, op in enumerate(operations, 1)
    ]  # fmt: skip
    return {
        "2. Efficiency Analysis/Phase Duration Breakdown": body,
        "2. Efficiency Analysis/Top Bottlenecks": [
            *(slow or [say("No times are recorded.")]),
            *_client_times(m, [agent.id for agent in m.run.agents.values() if agent.client_times]),
            *say.rest(
                len(operations),
                _timed(m, calls=bool(calls)),
                "repeated_commands(min_count=1)" if calls else "time_breakdown",
            ),
            *([say.judge("what held the run up")] if slow or wall else []),
        ],
    }


def _client_times(m: Material, agents: list[str]) -> list[str]:
    """What the times leave out."""
    left_out = "\n{agents}: only their client's times are recorded, not their calls' own; left out."
    return [m.say(left_out, agents=", ".join(agents))] if agents else []


def _timed(m: Material, *, calls: bool) -> int:
    """Calls, or rounds, with a recorded time."""
    if not calls:
        return sum(phase.count for phase in m.times.rounds)
    return sum((c.exec_s if c.exec_s is not None else c.elapsed_s) is not None and c.ran for c in m.run.calls)


def command_section(m: Material) -> dict[str, list[str]]:
    """Section 3."""
    say, found = m.say, m.commands
    repeated = [c for c in found.commands if max(c.ran, c.denied, c.not_run) > 1]
    top = (found.commands if m.most == EVERY else repeated)[: m.most]
    denied = say("unknown") if found.total_denied is None else found.total_denied
    body = [
        say("No file holds calls: unknown.")
        if found.total_ran is None
        else say(
            "{ran} ran, {distinct} distinct, {failed} failed, {denied} tool calls denied.",
            ran=found.total_ran, distinct=found.distinct, denied=denied,
            failed=say("unknown") if found.total_failed is None else found.total_failed,
        ),
    ]  # fmt: skip
    if top:
        body += table(
            say.header("Command", "Times Run", "Issue", "Recommendation"),
            [(m.mask(c.command), c.ran, _issue(m, c), _advice(m, c)) for c in top], 160,
        )  # fmt: skip
        body += say.rest(len(top), len(repeated), "repeated_commands")
        body += [say.judge("which repetitions could be avoided, and how")] if repeated else []
    elif found.total_ran:
        body.append(say("No command ran twice."))
    section = "3. Command Pattern Analysis"
    return {
        f"{section}/Frequently Repeated Commands": body,
        f"{section}/Commands with Excessive Output": _long_output(m),
        f"{section}/Slowest Command Patterns": _slow_commands(m),
    }


def _long_output(m: Material) -> list[str]:
    say = m.say
    sized = [c for c in m.commands.commands if (c.max_output_chars or 0) >= _LONG]
    sized.sort(key=lambda c: -(c.max_output_chars or 0))
    shown = sized[: m.most]
    if not shown:
        return [say("No output over 1,000 characters is recorded.")]
    rows = [
        (
            m.mask(c.command),
            say("{n} chars", n=c.max_output_chars),
            say("read {n} times", n=c.ran) if c.ran > 1 else say("read once"),
        )
        for c in shown
    ]
    return [
        *table(say.header("Command", "Output Size", "Issue"), rows, 120),
        *say.rest(len(shown), len(sized), "repeated_commands(min_count=1)"),
        say.judge("which outputs were unnecessarily long"),
    ]


def _slow_commands(m: Material) -> list[str]:
    say = m.say
    timed = sorted((c for c in m.commands.commands if c.max_s is not None), key=lambda c: -(c.max_s or 0.0))
    shown = timed[: m.most]
    if not shown:
        return [say("No command times are recorded."), *_client_times(m, m.commands.untimed)]
    rows = [
        (
            m.mask(c.command),
            seconds(c.max_s),
            seconds((c.total_s or 0) / max(1, c.ran)),
            _issue(m, c) or say("ran once"),
        )
        for c in shown
    ]
    times = {
        "elapsed": say("Times are MassGen's, with queueing."),
        "mixed": say("Some times are MassGen's, with queueing."),
    }
    return [
        *table(say.header("Pattern", "Max Time (s)", "Avg Time (s)", "Notes"), rows, 120),
        *say.rest(len(shown), len(timed), "repeated_commands(min_count=1)"),
        *(["", times[m.commands.times]] if m.commands.times in times else []),
        *_client_times(m, m.commands.untimed),
    ]


def _issue(m: Material, c: Command) -> str:
    """What was measured about a command, besides its runs."""
    say = m.say
    parts = [say("{n} after a restart", n=c.after_restart)] if c.after_restart else []
    parts += [say("{n} failed", n=c.failed)] if c.failed else []
    parts += [say("{n} hid an error", n=c.hidden)] if c.hidden else []
    parts += [say("{n} denied", n=c.denied)] if c.denied else []
    parts += [say("by {n} agents", n=len(c.by_agent))] if len(c.by_agent) > 1 else []
    if parts or c.ran < 2:
        return ", ".join(parts)
    unknown = ANY_AGENT in c.by_agent
    return (
        say("{n} runs, by which agents is not recorded", n=c.ran) if unknown else say("{n} runs by one agent", n=c.ran)
    )


def _advice(m: Material, c: Command) -> str:
    """A remedy where its kind and its outcome suggest one; else a place for the analyst's."""
    say, work = m.say, work_of_command(c.command)
    if not c.ran:
        return say("allow it, or tell the agents that it is refused")
    if c.failed == c.ran:
        return say("mend the cause before another try")
    match work.kind:
        case "install":
            return say("install once and keep the packages over restarts")
        case "skill":
            return say("read once; keep a summary over restarts")
        case "web_fetch":
            return say("keep the download")
        case "file_read" if c.after_restart:
            return say("keep what was read over restarts")
        case _ if work.cheap:
            return say("cheap; a narrower call where its output is long")
        case _:
            return say.judge("needed again, or how to avoid it") if c.ran > 1 else ""


def duplication_section(m: Material) -> dict[str, list[str]]:
    """Section 4."""
    say, done = m.say, m.work
    kinds = [(k.kind, k.repeats, _wasted(m, k.wasted_s), say("unknown")) for k in done.by_kind]
    body = table(say.header("Work Type", "Times Repeated", "Wasted Time (s)", "Wasted Cost"), kinds) if kinds else []
    if done.compared is None:
        body = [say("No file holds calls: unknown.")]
    elif not kinds:
        body = [say("No duplicated work among {n} calls.", n=done.compared)]
    else:
        body += ["", say(
            "{repeats} repeats among {n} calls: {within} by the same agent, {across} by others, {restart} after a restart; {retries} "
            "retries after a failure don't count.",
            repeats=done.repeats, n=done.compared, within=_known(m, done.within_agent), across=_known(m, done.across_agents),
            restart=_known(m, done.after_restart), retries=done.retries,
        )]  # fmt: skip
    shown = done.groups[: m.most]
    examples = [
        say(
            "- {kind} {what}: again {n} times ({within} by the same agent, {across} by others), first at {where}",
            kind=g.kind, what=m.quote(g.example, 160), n=g.repeats, within=_known(m, g.within_agent), across=_known(m, g.across_agents),
            where=g.members[0].where,
        )
        for g in shown
    ]  # fmt: skip
    section = "4. Work Duplication Analysis"
    return {
        f"{section}/Duplicated Work Found": body,
        f"{section}/Specific Examples": [
            *examples, *say.rest(len(shown), len(done.groups), "duplicated_work"),
            say.judge("what the repeats were for, and what sharing or caching would have saved"),
        ] if examples else [say("None found.")],
        f"{section}/Recommendations": [say.judge("how to avoid it, or: none")] if examples else [say("None.")],
    }  # fmt: skip


def _known(m: Material, value: int | None) -> object:
    return m.say("unknown") if value is None else value


def _wasted(m: Material, value: float | None) -> str:
    return m.say("unknown") if value is None else seconds(value)


def tool_note(m: Material, tool: ToolSpent) -> str:
    """What a tool's time is made of, and how its calls ended."""
    say = m.say
    parts = [say("{n} failed", n=tool.failed)] if tool.failed else []
    parts += [say("{n} denied", n=tool.denied)] if tool.denied else []
    parts += [say("{n} never ran", n=tool.never_ran)] if tool.never_ran else []
    parts += [say("longest {s} s", s=seconds(tool.max_s))] if tool.max_s is not None and tool.calls > 1 else []
    if tool.queue_s and tool.own_s is not None:
        parts.append(say("{s} s more in queues and clients", s=seconds(tool.queue_s)))
    if tool.own_s is None and tool.elapsed_s is not None:
        parts.append(say("MassGen's time, with queueing"))
    return ", ".join(parts)
