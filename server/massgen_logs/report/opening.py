"""The head of a draft, its overview, and section 1."""

from __future__ import annotations

from massgen_logs.analysis.overview import checks, red_flags
from massgen_logs.analysis.timeline import TimelineEvent, timeline
from massgen_logs.report.diagram import diagram, middle_folded
from massgen_logs.report.material import Material
from massgen_logs.report.quality import CONTRADICTED, NOT_EXACT, NOT_RECORDED, cost_floor
from massgen_logs.text.clean import flat
from massgen_logs.text.table import counts, dollars, seconds, table

_ELSEWHERE = NOT_EXACT | CONTRADICTED | NOT_RECORDED
"""Red flags that the section on data quality tells."""


def overview_section(m: Material) -> dict[str, list[str]]:
    """Executive summary and the overview's table."""
    run, say = m.run, m.say
    votes = m.votes
    voted = say(
        "{accepted} accepted, {ignored} ignored, {refused} refused, {counted} counted",
        accepted=votes.accepted, ignored=say("unknown") if votes.ignored is None else votes.ignored, refused=votes.refused,
        counted=votes.counted,
    )  # fmt: skip
    if votes.sent_back:
        voted += say(
            "; {n} more sent back: {reasons}", n=sum(votes.sent_back.values()), reasons=counts(votes.sent_back)
        )
    rows = [
        (say("Question"), m.quote(run.question or say("not recorded"), 200)),
        (say("State"), f"{run.ending.state}: {run.ending.reason}"),
        (say("Duration"), _duration(m)),
        (say("Agents"), ", ".join(f"{a.id} ({a.backend or '?'}, {a.model or '?'})" for a in run.agents.values())),
        (say("Winner"), run.winner or say("none")),
        (say("Total Cost"), total_cost(m)),
        (say("Total Answers"), len(run.answers)),
        (say("Total Votes"), voted),
        (say("Total Restarts"), _restarts(m)),
        ("MassGen", run.version or say("unknown ({range})", range=run.version_range)),
    ]
    return {
        "Executive Summary": [say.judge("2-3 sentences: the task, how it ended, the key findings")],
        "Session Overview": table(say.header("Metric", "Value"), rows, 300),
    }


def _duration(m: Material) -> str:
    run = m.run
    if run.duration_s is not None:
        return f"{seconds(run.duration_s)} s ({run.duration_src})"
    if m.times.total_s:
        return m.say("at least {s} s (no end is recorded)", s=seconds(m.times.total_s))
    return m.say("not recorded")


def total_cost(m: Material) -> str:
    """The cost, and what is known to be wrong with the recorded one."""
    spent, say = m.spent, m.say
    cost = spent.total.with_subagents_usd
    if cost is None:
        return say("unknown")
    parts = [say("a floor: {why}", why=cost_floor(m))] if spent.total.floor else []
    if any(note.id == "doubled_usage" for note in m.run.notes):
        parts.append(say("too high: tokens were added twice"))
    alone = spent.total.corrected_usd
    if alone is not None:
        told = say(
            "{alone} of this attempt alone (recorded {cost}, including {over})",
            alone=dollars(alone),
            cost=dollars(cost),
            over=spent.over,
        )
    else:
        told = dollars(cost)
        parts += [say("includes {over}", over=spent.over)] if spent.cumulative else []
    return f"{told} ({'; '.join(parts)})" if parts else told


def _restarts(m: Material) -> str:
    say, restarts = m.say, {a.id: a.restarts for a in m.run.agents.values()}
    known = [n for n in restarts.values() if n is not None]
    if not known:
        return say("unknown")
    if len(known) < len(restarts):
        each = ", ".join(f"{name} {say('unknown') if n is None else n}" for name, n in restarts.items())
        return say(
            "at least {n} ({each}; as times_restarted counts, the presentation included)", n=sum(known), each=each
        )
    each = counts({name: n or 0 for name, n in restarts.items()})
    return say(
        "{n} ({each}; as times_restarted counts, the presentation included)",
        n=sum(known),
        each=each if any(known) else say("none"),
    )


def correctness_section(m: Material) -> dict[str, list[str]]:
    """Section 1: the course as lines and as a diagram, the five checks, red flags and findings."""
    say = m.say
    events = timeline(m.run)
    status = {True: "- [x]", False: "- [ ]", None: "- [?]"}
    section = "1. Correctness Analysis"
    return {
        f"{section}/Coordination Flow": [
            *_flow(m, events),
            *([""] if events else []),
            *diagram(m.run, events, m.most, say),
        ] if events else [say("No event is recorded.")],
        f"{section}/Status": [
            f"{status[c.ok]} {say(c.id.replace('_', ' '))} — {flat(c.evidence, 160)}" for c in checks(m.run)
        ],
        f"{section}/Issues Found": _issues(m),
    }  # fmt: skip


def _flow(m: Material, events: list[TimelineEvent]) -> list[str]:
    shown = middle_folded(events, 4 * m.most)
    lines: list[str] = []
    positions = {id(event): index for index, event in enumerate(events)}
    at = -1
    for event in shown:
        skipped = positions[id(event)] - at - 1
        lines += [m.say("- ... {n} events", n=skipped)] if skipped > 2 else []
        lines.append(_event(m, event))
        at = positions[id(event)]
    return [*lines, *m.say.rest(len(shown), len(events), "coordination_timeline")]


def _event(m: Material, event: TimelineEvent) -> str:
    when = m.say("no time") if event.t is None else f"{seconds(event.t)} s"
    detail = flat(m.mask(event.detail), 60) if event.kind in {"error", "injection", "enforcement", "timeout"} else ""
    names = flat(" → ".join(x for x in (event.label, event.target) if x), 60)
    parts = [
        when,
        m.say("presents" if event.detail == "final presentation" else event.kind),
        event.agent or "",
        names,
        f'"{detail.replace(chr(34), chr(39))}"' if detail else "",
    ]
    return "- " + " ".join(part for part in parts if part) + (f" (x{event.count})" if event.count > 1 else "")


def _issues(m: Material) -> list[str]:
    say = m.say
    flags = [flag for flag in red_flags(m.run, m.findings) if flag.finding is None and flag.id not in _ELSEWHERE]
    shown, found = flags[: 2 * m.most], m.findings[: max(12, 2 * m.most)]
    lines = [
        f"- {flag.id}: {flat(m.mask(flag.text), 240)}" + (f" [{flag.evidence}]" if flag.evidence else "")
        for flag in shown
    ]
    lines += say.rest(len(shown), len(flags), 'run_overview(part="red_flags")')
    for one in found:
        code, where = f" (MAST {one.mast})" if one.mast else "", f" [{one.evidence[0]}]" if one.evidence else ""
        lines.append(f"- {one.severity} {one.rule}{code}: {flat(m.mask(one.sentence), 160)}{where}")
    lines += say.rest(len(found), len(m.findings), 'run_overview(part="findings")')
    if not lines:
        return [say("No rule found anything."), say.judge("any coordination problem that only reading shows, or: none")]
    return [*lines, say.judge("which of these matter, and any coordination problem that only reading shows")]
