"""The draft of a report: every measured part filled from the analyses, a marked place for each judgement."""

from __future__ import annotations

from datetime import UTC, datetime

from massgen_logs.analysis.commands import Command, repeated_commands
from massgen_logs.analysis.costs import costs
from massgen_logs.analysis.duplication import duplicated_work
from massgen_logs.analysis.findings import Finding, findings
from massgen_logs.analysis.overview import checks, red_flags
from massgen_logs.analysis.phases import phases, slowest
from massgen_logs.analysis.timeline import timeline, unended
from massgen_logs.analysis.times import time_breakdown
from massgen_logs.analysis.voting import Votes, vote_reasons
from massgen_logs.report.closing import costs_section, end_section, errors_section
from massgen_logs.report.language import Say
from massgen_logs.report.structure import SECTIONS, TITLE
from massgen_logs.run.model import Run
from massgen_logs.text.clean import flat, inline
from massgen_logs.text.table import counts, dollars, seconds, table

_ROWS = (5, 3, 2, 1)
_SHORT = 7_000
"""Characters under which a draft stays if fewer rows a table can make it so: an answer of 2,000 tokens with its frame."""
_EVERY = 10_000
"""Rows a table where nothing is to be left out."""


def draft(run: Run, files: list[str], generated: datetime | None = None, language: str = "en") -> str:
    """The whole draft as Markdown.

    Args:
        run: the run.
        files: the files of the winner's final workspace, as lines.
        generated: time of the report; default: now.
        language: "en" or "zh", of headings and fixed sentences; measured parts and quotes stay as they are.
    """
    text = ""
    for most in _ROWS:
        text = _render(run, files, generated, most, Say(language))
        if len(text) <= _SHORT:
            break
    return text


def measured(run: Run, language: str) -> str:
    """The draft with every row of every table: what a report's figures are compared with."""
    return _render(run, [], None, _EVERY, Say(language))


def _render(run: Run, files: list[str], generated: datetime | None, most: int, say: Say) -> str:
    when = (generated or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    bodies = {
        **_head(run, most, say),
        **_efficiency(run, most, say),
        **_commands(run, most, say),
        **_duplication(run, most, say),
        **_behaviour(run, most, say),
        **costs_section(run, most, say),
        **errors_section(run, most, say),
        **end_section(run, files, say),
    }
    lines = [
        f"# {say.heading(TITLE[2:])}", "",
        say(
            "**Session:** {session}, turn {turn}, attempt {attempt} of {attempts}  ",
            session=run.session, turn=run.turn, attempt=run.attempt, attempts=run.attempts,
        ),
        say("**Trace ID:** not queried  "),
        say("**Generated:** {when} (draft measured by massgen-logs)  ", when=when),
        say("**Logfire Link:** none"),
    ]  # fmt: skip
    for title, parts in SECTIONS:
        lines += ["", f"## {say.heading(title)}", *bodies.get(title, [])]
        for part in parts:
            lines += ["", f"### {say.heading(part)}", *bodies.get(f"{title}/{part}", [])]
        for name, body in bodies.items():
            if name.startswith(f"{title}/+"):
                lines += ["", f"### {say.heading(name.split('/+', 1)[1])}", *body]
    return "\n".join(lines) + "\n"


def _head(run: Run, most: int, say: Say) -> dict[str, list[str]]:
    votes, spent = vote_reasons(run), costs(run)
    ignored = say("unknown") if run.votes_ignored is None else run.votes_ignored
    cost = spent.total.with_subagents_usd
    restarts = {a.id: a.restarts or 0 for a in run.agents.values()}
    duration = (
        f"{seconds(run.duration_s)} s ({run.duration_src})" if run.duration_s is not None else say("not recorded")
    )
    paid = say("unknown") if cost is None else dollars(cost)
    restarted = say(
        "{n} ({each}; MassGen's times_restarted, the presentation included)",
        n=sum(restarts.values()), each=counts(restarts) if any(restarts.values()) else say("none"),
    )  # fmt: skip
    voted = say(
        "{accepted} accepted, {ignored} ignored, {refused} refused, {counted} counted",
        accepted=votes.accepted, ignored=ignored, refused=votes.refused, counted=votes.counted,
    )  # fmt: skip
    overview = [
        (say("Question"), inline(run.question or say("not recorded"), 200)),
        (say("State"), f"{run.ending.state}: {run.ending.reason}"),
        (say("Duration"), duration),
        (say("Agents"), ", ".join(f"{a.id} ({a.backend or '?'}, {a.model or '?'})" for a in run.agents.values())),
        (say("Winner"), run.winner or say("none")),
        (say("Total Cost"), say("{cost} (a floor)", cost=paid) if spent.total.floor and cost is not None else paid),
        (say("Total Answers"), len(run.answers)),
        (say("Total Votes"), voted),
        (say("Total Restarts"), restarted),
        ("MassGen", run.version or say("unknown ({range})", range=run.version_range)),
    ]
    flags, found = red_flags(run), findings(run)
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
        "Executive Summary": [say.judge("2-3 sentences: the task, how it ended, the key findings")],
        "Session Overview": table(say.header("Metric", "Value"), overview, 300),
        "1. Correctness Analysis/Coordination Flow": [*flow, *say.rest(len(flow), len(events), "coordination_timeline")],
        "1. Correctness Analysis/Status": [
            f"{status[c.ok]} {say(c.id.replace('_', ' '))} — {flat(c.evidence, 160)}" for c in checks(run)
        ],
        "1. Correctness Analysis/Issues Found": [
            *[f"- {flag.id}: {flat(flag.text, 240)}" + (f" [{flag.evidence}]" if flag.evidence else "") for flag in flags[: 2 * most]],
            *say.rest(min(2 * most, len(flags)), len(flags), "run_overview"),
            *[_finding(one) for one in found[: 2 * most]],
            *say.rest(min(2 * most, len(found)), len(found), "run_overview"),
            say.judge("which of these matter, and any coordination problem that only reading shows"),
        ],
    }  # fmt: skip


def _finding(one: Finding) -> str:
    where = f" [{one.evidence[0]}]" if one.evidence else ""
    return f"- {one.severity} {one.rule}{f' (MAST {one.mast})' if one.mast else ''}: {flat(one.sentence, 160)}{where}"


def _efficiency(run: Run, most: int, say: Say) -> dict[str, list[str]]:
    rows = phases(run)
    body = [say("This version records no rounds: phases are not known.")]
    if rows:
        shown = [(p.phase, p.count, p.avg_s, p.max_s, p.total_s, f"{100 * p.share:.1f}") for p in rows]
        body = table(say.header("Phase", "Count", "Avg (s)", "Max (s)", "Total (s)", "% of Total"), shown)
        body.append(say("\nSummed over agents, which work in parallel; a share of that sum, not of the run."))
        body += [f"\n{note.text}." for note in run.notes if note.id == "overwritten_rounds"]
    slow = [
        say("{n}. {what} - {s} s", n=n, what=flat(op.what, 90), s=seconds(op.seconds))
        if op.share is None
        else say(
            "{n}. {what} - {s} s ({share}% of the run)",
            n=n, what=flat(op.what, 90), s=seconds(op.seconds), share=f"{100 * op.share:.0f}",
        )
        for n, op in enumerate(slowest(run, min(most, 50)), 1)
    ]  # fmt: skip
    held = [
        say(
            "- wall time {phase}: {s} s, held by {who} ({what})",
            phase=part.name, s=seconds(part.seconds), who=flat(", ".join(part.held_by) or "-", 60), what=flat(part.ended_with, 60),
        )
        for part in time_breakdown(run).wall_phases
    ]  # fmt: skip
    return {
        "2. Efficiency Analysis/Phase Duration Breakdown": body,
        "2. Efficiency Analysis/Top Bottlenecks": [
            *(slow or [say("No times are recorded.")]),
            *held,
            say.judge("what held the run up"),
        ],
    }


def _commands(run: Run, most: int, say: Say) -> dict[str, list[str]]:
    found = repeated_commands(run, 1 if most == _EVERY else 2)
    top = found.commands[:most]
    denied = say("unknown") if found.total_denied is None else found.total_denied
    repeated = [
        say("No file holds calls: unknown.")
        if found.total_ran is None
        else say(
            "{ran} ran, {distinct} distinct, {failed} failed, {denied} tool calls denied.",
            ran=found.total_ran,
            distinct=found.distinct,
            failed=found.total_failed,
            denied=denied,
        ),
        *(
            table(
                say.header("Command", "Times Run", "Issue", "Recommendation"),
                [(c.command, c.ran, _issue(c, say), "") for c in top],
                120,
            )
            if top
            else []
        ),
        *say.rest(len(top), len(found.commands), "repeated_commands"),
        say.judge("which repetitions could be avoided, and how") if top else say("No command ran twice."),
    ]
    long = [
        (c.command, say("{n} chars", n=c.max_output_chars), "")
        for c in found.longest_output[:3]
        if (c.max_output_chars or 0) >= 1000
    ]
    slow = [(c.command, seconds(c.max_s), seconds((c.total_s or 0) / max(1, c.ran)), "") for c in found.slowest[:3]]
    return {
        "3. Command Pattern Analysis/Frequently Repeated Commands": repeated,
        "3. Command Pattern Analysis/Commands with Excessive Output": [
            *(table(say.header("Command", "Output Size", "Issue"), long, 100) if long else [say("No output over 1,000 characters is recorded.")]),
            *([say.judge("which outputs were unnecessarily long")] if long else []),
        ],
        "3. Command Pattern Analysis/Slowest Command Patterns": (
            table(say.header("Pattern", "Max Time (s)", "Avg Time (s)", "Notes"), slow, 100) if slow else [say("No command times are recorded.")]
        ),
    }  # fmt: skip


def _duplication(run: Run, most: int, say: Say) -> dict[str, list[str]]:
    done = duplicated_work(run)
    kinds = [(k.kind, k.repeats, _wasted(k.wasted_s, say), say("unknown")) for k in done.by_kind]
    body = table(say.header("Work Type", "Times Repeated", "Wasted Time (s)", "Wasted Cost"), kinds) if kinds else []
    if done.compared is None:
        body = [say("No file holds calls: unknown.")]
    elif not kinds:
        body = [say("No duplicated work among {n} calls.", n=done.compared)]
    shown = done.groups[:most]
    examples = [
        say(
            "- {kind} {what}: again {n} times ({within} by the same agent, {across} by others)",
            kind=g.kind, what=inline(g.example, 24 * min(most, 10)), n=g.repeats, within=g.within_agent, across=g.across_agents,
        )
        for g in shown
    ]  # fmt: skip
    section = "4. Work Duplication Analysis"
    return {
        f"{section}/Duplicated Work Found": body,
        f"{section}/Specific Examples": [
            *examples,
            *say.rest(len(shown), len(done.groups), "duplicated_work"),
            say.judge("what the repeats were for; costly work told in words; read_trace"),
        ],
        f"{section}/Recommendations": [say.judge("how to avoid it, or: none")],
    }


def _wasted(value: float | None, say: Say) -> str:
    return say("unknown") if value is None else seconds(value)


def _issue(c: Command, say: Say) -> str:
    parts = [say("{n} after a restart", n=c.after_restart)] if c.after_restart else []
    parts += [say("{n} failed", n=c.failed)] if c.failed else []
    parts += [say("by {n} agents", n=len(c.by_agent))] if len(c.by_agent) > 1 else []
    return ", ".join(parts)


def _behaviour(run: Run, most: int, say: Say) -> dict[str, list[str]]:
    answers = [
        (
            a.label,
            a.agent,
            f"+{seconds(run.since_start(a.t))} s",
            inline(a.text, 18 * most) if a.text is not None else say("text not recorded"),
        )
        for a in run.answers[: most + 3]
    ]
    votes = vote_reasons(run)
    rows = [
        (v.voter, v.label or v.voted_for, inline(v.reason or say("not recorded"), 32 * most))
        for v in votes.votes
        if v.counted
    ][: max(8, most)]
    incomplete = [c for c in run.calls if c.outcome == "open"]
    timeouts = [m for m in run.moments if m.kind == "timeout"]
    lost = [f"- {flat(m.agent or 'orchestrator', 60)}: {flat(m.detail, 160)} [{m.src}]" for m in timeouts[:4]]
    lost += [say("- {n} tool calls have no recorded end", n=len(incomplete))] if incomplete else []
    lost += [
        say(
            "- {agent}: its last start (+{t} s, round {round}) led to no answer and no accepted vote",
            agent=e.agent, t=seconds(run.since_start(e.t)), round=e.round,
        )
        for e in unended(run)
    ]  # fmt: skip
    section = "5. Agent Behavior Analysis"
    return {
        f"{section}/Answer Progression": [
            *table(say.header("Label", "Agent", "Time", "Summary (agent's words)"), answers, 200),
            *say.rest(len(answers), len(run.answers), "coordination_timeline"),
            say.judge("what each answer claimed, and what changed between an agent's answers"),
        ] if answers else [say("No answer was submitted.")],
        f"{section}/Voting Analysis": [
            *(table(say.header("Voter", "Voted For", "Reason (agent's words)"), rows, 260) if rows else [say("No vote counts.")]),
            *say.rest(len(rows), votes.counted, "vote_reasons"),
            *_not_counted(votes, say),
        ],
        f"{section}/Vote vs New Answer Decisions": [say.judge("how agents chose between voting and a new answer; vote_reasons, read_trace")],
        f"{section}/Agent Collaboration Quality": [
            say.judge("did agents read each other's answers, build on them, evaluate genuinely: yes or no, with evidence"),
        ],
        f"{section}/Timeouts/Incomplete Rounds": lost or [say("None recorded.")],
        f"{section}/+Agent Reasoning": [
            f"- {name}: {say.judge('strategy, reaction to tool results, error recovery, decision quality, 2-3 quotes')}" for name in run.agents
        ],
    }  # fmt: skip


def _not_counted(votes: Votes, say: Say) -> list[str]:
    """Votes beside the count: by whom and how many."""
    groups: dict[str, int] = {}
    for vote in votes.votes:
        if not vote.counted:
            kind = "superseded" if vote.superseded else "ignored" if vote.ignored else "refused"
            key = f"{vote.voter} for {vote.voted_for or 'unknown'} {kind}"
            groups[key] = groups.get(key, 0) + 1
    return (
        [
            say(
                "\nNot counted: {votes} (reasons: vote_reasons).",
                votes=", ".join(f"{key} x{n}" for key, n in groups.items()),
            )
        ]
        if groups
        else []
    )
