"""The draft of a report: every measured part filled from the analyses, a marked place for each judgement."""

from __future__ import annotations

from datetime import UTC, datetime

from massgen_logs.analysis.commands import Command, repeated_commands
from massgen_logs.analysis.costs import costs
from massgen_logs.analysis.overview import checks, red_flags
from massgen_logs.analysis.phases import phases, slowest, tools
from massgen_logs.analysis.reliability import reliability
from massgen_logs.analysis.timeline import timeline, unended
from massgen_logs.analysis.voting import Votes, since_start, vote_reasons
from massgen_logs.report.structure import SECTIONS, TITLE, judge
from massgen_logs.run.model import Run
from massgen_logs.text.clean import flat, inline
from massgen_logs.text.table import counts, dollars, seconds, table

_ROWS = (5, 3, 2)
_SHORT = 7_000
"""Characters under which a draft stays if fewer rows a table can make it so: an answer of 2,000 tokens with its frame."""


def draft(run: Run, files: list[str], generated: datetime | None = None) -> str:
    """The whole draft as Markdown.

    Args:
        run: the run.
        files: the files of the winner's final workspace, as lines.
        generated: time of the report; default: now.
    """
    text = ""
    for most in _ROWS:
        text = _render(run, files, generated, most)
        if len(text) <= _SHORT:
            break
    return text


def _render(run: Run, files: list[str], generated: datetime | None, most: int) -> str:
    when = (generated or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    bodies = {
        **_head(run, most),
        **_efficiency(run, most),
        **_commands(run, most),
        **_behaviour(run, most),
        **_costs(run, most),
        **_errors(run, most),
        **_end(run, files),
    }
    lines = [
        TITLE, "",
        f"**Session:** {run.session}, turn {run.turn}, attempt {run.attempt} of {run.attempts}  ",
        "**Trace ID:** not queried  ",
        f"**Generated:** {when} (draft measured by massgen-logs)  ",
        "**Logfire Link:** none",
    ]  # fmt: skip
    for title, parts in SECTIONS:
        lines += ["", f"## {title}", *bodies.get(title, [])]
        for part in parts:
            lines += ["", f"### {part}", *bodies.get(f"{title}/{part}", [])]
        for name, body in bodies.items():
            if name.startswith(f"{title}/+"):
                lines += ["", f"### {name.split('/+', 1)[1]}", *body]
    return "\n".join(lines) + "\n"


def _rest(shown: int, total: int, tool: str) -> list[str]:
    return [f"\nshown {shown} of {total}; the rest: {tool}"] if total > shown else []


def _head(run: Run, most: int) -> dict[str, list[str]]:
    votes, spent = vote_reasons(run), costs(run)
    ignored = "unknown" if run.votes_ignored is None else run.votes_ignored
    cost = spent.total.with_subagents_usd
    restarts = {a.id: a.restarts or 0 for a in run.agents.values()}
    duration = f"{seconds(run.duration_s)} s ({run.duration_src})" if run.duration_s is not None else "not recorded"
    overview = [
        ("Question", inline(run.question or "not recorded", 200)), ("State", f"{run.ending.state}: {run.ending.reason}"),
        ("Duration", duration), ("Agents", ", ".join(f"{a.id} ({a.backend or '?'}, {a.model or '?'})" for a in run.agents.values())),
        ("Winner", run.winner or "none"), ("Total Cost", dollars(cost) + (" (a floor)" if spent.total.floor and cost is not None else "")),
        ("Total Answers", len(run.answers)),
        ("Total Votes", f"{votes.accepted} accepted, {ignored} ignored, {votes.refused} refused, {votes.counted} counted"),
        ("Total Restarts", f"{sum(restarts.values())} ({counts(restarts)}; MassGen's times_restarted, the presentation included)"),
        ("MassGen", run.version or f"unknown ({run.version_range})"),
    ]  # fmt: skip
    flags = red_flags(run)
    events = [
        e
        for e in timeline(run)
        if e.kind in {"answer", "vote", "vote_ignored", "restart", "timeout", "winner", "final_answer"}
    ]
    flow = [
        f"- {seconds(e.t)} s {e.kind} {e.agent or ''} {flat(' → '.join(x for x in (e.label, e.target) if x), 60)}"
        f"{f' (x{e.count})' if e.count > 1 else ''}"
        for e in events[: 3 * most]
    ]
    status = {True: "- [x]", False: "- [ ]", None: "- [?]"}
    return {
        "Executive Summary": [judge("2-3 sentences: the task, how it ended, the key findings")],
        "Session Overview": table(("Metric", "Value"), overview, 300),
        "1. Correctness Analysis/Coordination Flow": [*flow, *_rest(len(flow), len(events), "coordination_timeline")],
        "1. Correctness Analysis/Status": [
            f"{status[c.ok]} {c.id.replace('_', ' ')} — {flat(c.evidence, 160)}" for c in checks(run)
        ],
        "1. Correctness Analysis/Issues Found": [
            *[f"- {flag.id}: {flat(flag.text, 240)}" + (f" [{flag.evidence}]" if flag.evidence else "") for flag in flags[: 2 * most]],
            *_rest(min(2 * most, len(flags)), len(flags), "run_overview"),
            judge("which of these matter, and any coordination problem that only reading shows"),
        ],
    }  # fmt: skip


def _efficiency(run: Run, most: int) -> dict[str, list[str]]:
    rows = phases(run)
    body = ["This version records no rounds: phases are not known."]
    if rows:
        shown = [(p.phase, p.count, p.avg_s, p.max_s, p.total_s, f"{100 * p.share:.1f}") for p in rows]
        body = table(("Phase", "Count", "Avg (s)", "Max (s)", "Total (s)", "% of Total"), shown)
        body.append("\nSummed over agents, which work in parallel; a share of that sum, not of the run.")
        body += [f"\n{note.text}." for note in run.notes if note.id == "overwritten_rounds"]
    slow = [
        f"{n}. {flat(op.what, 90)} - {seconds(op.seconds)} s"
        + (f" ({100 * op.share:.0f}% of the run)" if op.share is not None else "")
        for n, op in enumerate(slowest(run, most), 1)
    ]
    return {
        "2. Efficiency Analysis/Phase Duration Breakdown": body,
        "2. Efficiency Analysis/Top Bottlenecks": [
            *(slow or ["No times are recorded."]),
            judge("what held the run up"),
        ],
    }


def _commands(run: Run, most: int) -> dict[str, list[str]]:
    found = repeated_commands(run, 2)
    top = found.commands[:most]
    denied = "unknown" if found.total_denied is None else found.total_denied
    repeated = [
        "No file holds calls: unknown."
        if found.total_ran is None
        else f"{found.total_ran} ran, {found.distinct} distinct, {found.total_failed} failed, {denied} tool calls denied.",
        *(
            table(
                ("Command", "Times Run", "Issue", "Recommendation"),
                [(c.command, c.ran, _issue(c), "") for c in top],
                120,
            )
            if top
            else []
        ),
        *_rest(len(top), len(found.commands), "repeated_commands"),
        judge("which repetitions could be avoided, and how") if top else "No command ran twice.",
    ]
    long = [
        (c.command, f"{c.max_output_chars} chars", "")
        for c in found.longest_output[:3]
        if (c.max_output_chars or 0) >= 1000
    ]
    slow = [(c.command, seconds(c.max_s), seconds((c.total_s or 0) / max(1, c.ran)), "") for c in found.slowest[:3]]
    return {
        "3. Command Pattern Analysis/Frequently Repeated Commands": repeated,
        "3. Command Pattern Analysis/Commands with Excessive Output": [
            *(table(("Command", "Output Size", "Issue"), long, 100) if long else ["No output over 1,000 characters is recorded."]),
            *([judge("which outputs were unnecessarily long")] if long else []),
        ],
        "3. Command Pattern Analysis/Slowest Command Patterns": (
            table(("Pattern", "Max Time (s)", "Avg Time (s)", "Notes"), slow, 100) if slow else ["No command times are recorded."]
        ),
        "4. Work Duplication Analysis/Duplicated Work Found": [
            *([f"Same command again: {sum(c.ran - 1 for c in found.commands)} runs, "
               f"{sum(c.after_restart for c in found.commands)} of them after a restart."] if top else []),
            judge("table Work Type | Times Repeated | Wasted Time | Wasted Cost: expensive work that was redone"),
        ],
        "4. Work Duplication Analysis/Specific Examples": [judge("examples with their prompts or commands; read_trace")],
        "4. Work Duplication Analysis/Recommendations": [judge("how to avoid it, or: none")],
    }  # fmt: skip


def _issue(c: Command) -> str:
    parts = [f"{c.after_restart} after a restart"] if c.after_restart else []
    parts += [f"{c.failed} failed"] if c.failed else []
    parts += [f"by {len(c.by_agent)} agents"] if len(c.by_agent) > 1 else []
    return ", ".join(parts)


def _behaviour(run: Run, most: int) -> dict[str, list[str]]:
    answers = [
        (
            a.label,
            a.agent,
            f"+{seconds(since_start(run, a.t))} s",
            inline(a.text, 18 * most) if a.text is not None else "text not recorded",
        )
        for a in run.answers[: most + 3]
    ]
    votes = vote_reasons(run)
    rows = [
        (v.voter, v.label or v.voted_for, inline(v.reason or "not recorded", 32 * most))
        for v in votes.votes
        if v.counted
    ][:8]
    incomplete = [c for c in run.calls if c.outcome == "open"]
    timeouts = [m for m in run.moments if m.kind == "timeout"]
    lost = [f"- {flat(m.agent or 'orchestrator', 60)}: {flat(m.detail, 160)} [{m.src}]" for m in timeouts[:4]]
    lost += [f"- {len(incomplete)} tool calls have no recorded end"] if incomplete else []
    lost += [
        f"- {e.agent}: its last start (+{seconds(since_start(run, e.t))} s, round {e.round}) led to no answer and no accepted vote"
        for e in unended(run)
    ]
    section = "5. Agent Behavior Analysis"
    return {
        f"{section}/Answer Progression": [
            *table(("Label", "Agent", "Time", "Summary (agent's words)"), answers, 200),
            *_rest(len(answers), len(run.answers), "coordination_timeline"),
            judge("what each answer claimed, and what changed between an agent's answers"),
        ] if answers else ["No answer was submitted."],
        f"{section}/Voting Analysis": [
            *(table(("Voter", "Voted For", "Reason (agent's words)"), rows, 260) if rows else ["No vote counts."]),
            *_rest(len(rows), votes.counted, "vote_reasons"),
            *_not_counted(votes),
        ],
        f"{section}/Vote vs New Answer Decisions": [judge("how agents chose between voting and a new answer; vote_reasons, read_trace")],
        f"{section}/Agent Collaboration Quality": [
            judge("did agents read each other's answers, build on them, evaluate genuinely: yes or no, with evidence"),
        ],
        f"{section}/Timeouts/Incomplete Rounds": lost or ["None recorded."],
        f"{section}/+Agent Reasoning": [
            f"- {name}: {judge('strategy, reaction to tool results, error recovery, decision quality, 2-3 quotes')}" for name in run.agents
        ],
    }  # fmt: skip


def _not_counted(votes: Votes) -> list[str]:
    """Votes beside the count: by whom and how many."""
    groups: dict[str, int] = {}
    for vote in votes.votes:
        if not vote.counted:
            kind = "superseded" if vote.superseded else "ignored" if vote.ignored else "refused"
            key = f"{vote.voter} for {vote.voted_for or 'unknown'} {kind}"
            groups[key] = groups.get(key, 0) + 1
    return (
        [f"\nNot counted: {', '.join(f'{key} x{n}' for key, n in groups.items())} (reasons: vote_reasons)."]
        if groups
        else []
    )


def _costs(run: Run, most: int) -> dict[str, list[str]]:
    spent = costs(run)
    section = "6. Cost & Token Analysis"
    body = ["This version records no tokens and no cost: unknown, not zero."]
    cache = ["Not recorded."]
    if spent.recorded:
        rows = [
            (name, a.input_tokens, a.output_tokens, a.reasoning_tokens, dollars(a.cost_usd))
            for name, a in [*spent.agents.items(), ("**Total**", spent.total)]
        ]
        body = table(("Agent", "Input Tokens", "Output Tokens", "Reasoning", "Cost"), rows)
        body += [
            f"\nCorrected {name}: input {a.corrected.input_tokens}, output {a.corrected.output_tokens} ({a.corrected.why})."
            for name, a in spent.agents.items()
            if a.corrected
        ]
        body += [f"\nThe figures include {spent.over}."] if spent.cumulative else []
        total, cached = spent.total.input_tokens, spent.total.cached_input_tokens
        if total and cached is not None:
            cache = [f"Cached input tokens: {cached} ({100 * cached / total:.1f}% cache hit rate)"]
    rows_tools = [
        (t.tool, t.calls, seconds(t.seconds), f"{t.failed} failed" if t.failed else "") for t in tools(run)[:most]
    ]
    return {
        f"{section}/Cost Breakdown": body,
        f"{section}/Cache Efficiency": cache,
        f"{section}/Tool Cost Impact": table(("Tool", "Calls", "Time (s)", "Notes"), rows_tools)
        if rows_tools
        else ["No tool calls."],
    }


def _errors(run: Run, most: int) -> dict[str, list[str]]:
    errors = [m for m in run.moments if m.kind == "error"]
    api = [m for m in errors if "Error" in m.detail]
    failed = [c for c in run.calls if c.outcome in {"failed", "denied", "not_run"}]
    shown = [
        f"- {c.agent} {c.tool} {inline(c.command or '', 70) if c.command else ''} {c.outcome}"
        f"{f' exit {c.exit_code}' if c.exit_code is not None else ''}: {inline(c.error or '', 16 * most)} [{c.src}]"
        for c in failed[:most]
    ]
    agents = list(dict.fromkeys(f"- {m.agent or '?'}: {flat(m.detail, 160)}" for m in errors if m not in api))
    found = reliability(run)
    refused = [
        f"- {n}: {counts(a.incidents)}, {a.buffer_chars_lost_distinct} characters lost"
        for n, a in found.agents.items()
        if a.incidents
    ]
    section = "7. Errors & Issues"
    return {
        f"{section}/Exceptions": list(
            dict.fromkeys(f"- {m.agent or '?'}: {flat(m.detail, 160)} [{m.src}]" for m in api)
        )[:most]
        or ["None recorded."],
        f"{section}/Failed Tool Calls": [*shown, *_rest(len(shown), len(failed), "repeated_commands(min_count=1)")]
        or ["None."],
        f"{section}/Agent Errors": agents[:most] + _rest(most, len(agents), "coordination_timeline")
        or ["None recorded."],
        f"{section}/Timeouts": [f"- {run.ending.reason} [{run.ending.src}]"]
        if run.ending.state == "timed_out"
        else ["None recorded."],
        f"{section}/+Tool Reliability": [
            judge("same input with different output, false successes, likely root causes")
        ],
        f"{section}/+Enforcement": (refused or ["None recorded."])
        if found.recorded
        else ["This version keeps no record of refused responses."],
    }


def _end(run: Run, files: list[str]) -> dict[str, list[str]]:
    settings = [("timeout_s", run.timeout_s), *run.config.items()]
    config = [f"- {flat(key, 60)}: {flat(value, 100)}" for key, value in settings if value is not None]
    agents = [
        f"- {a.id}: backend {a.backend or 'not recorded'}, model {a.model or 'not recorded'}"
        for a in run.agents.values()
    ]
    limits = [
        f"- {flat(note.text, 240)}"
        for note in run.notes
        if note.id in {"backend", "version_unknown", "no_agent", "unknown_backend"}
    ]
    unknown = (
        []
        if run.enforcement is not None
        else ["- responses that MassGen refused (no enforcement record in this version)"]
    )
    unknown += [] if run.usage else ["- tokens and cost"]
    unknown += [] if run.votes_ignored is not None else ["- how many votes were ignored"]
    unknown += [] if run.denied_recorded else ["- tool calls that the client itself refused"]
    missing = [f"- missing files: {', '.join(run.missing)}"] if run.missing else []
    return {
        "8. Recommendations/High Priority": [judge("1. issue: what to do about it; or: none")],
        "8. Recommendations/Medium Priority": [judge("as above")],
        "8. Recommendations/Low Priority / Future Improvements": [judge("as above")],
        "9. Suggested Linear Issues": [
            "| Priority | Title | Description | Labels |", "|-|-|-|-|",
            judge("rows; labels: log-analysis and an area. Created only after the user's approval"),
        ],
        "Appendix/Configuration Used": [*agents, *config[:12]],
        "Appendix/Files Generated": files or ["No files in the final workspace."],
        "Appendix/+What Was Not Recorded": [*unknown, *limits, *missing] or ["Nothing known to be missing."],
    }  # fmt: skip
