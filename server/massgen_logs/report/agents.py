"""Section 5 of a draft: answers, votes, decisions, and how each agent worked."""

from __future__ import annotations

from massgen_logs.analysis.behaviour import Behaviour, Decision, Step
from massgen_logs.analysis.progression import AnswerRow, FinalRow
from massgen_logs.analysis.timeline import unended
from massgen_logs.report.material import TRACES, Material
from massgen_logs.run.model import ANY_AGENT
from massgen_logs.text.clean import fence, flat
from massgen_logs.text.table import counts, seconds, table

_MARKS = {"failed": " ✗", "refused": " ⊘", "never ran": " ∅", "open": " (?)", "": ""}


def behaviour_section(m: Material) -> dict[str, list[str]]:
    """Section 5."""
    section = "5. Agent Behavior Analysis"
    return {
        f"{section}/Answer Progression": _answers(m),
        f"{section}/Voting Analysis": _votes(m),
        f"{section}/Vote vs New Answer Decisions": _decisions(m),
        f"{section}/Agent Collaboration Quality": _collaboration(m),
        f"{section}/Timeouts/Incomplete Rounds": _incomplete(m),
        f"{section}/+Agent Reasoning": _reasoning(m),
    }


def _answers(m: Material) -> list[str]:
    say, rows = m.say, m.progression.answers
    final = _final(m, m.progression.final)
    if not rows:
        return [say("No answer was submitted."), *final]
    shown = rows[: m.most + 3]
    header = say.header(
        "Label",
        "Agent",
        "Time",
        "Change",
        "Similarity to Own Last",
        "Had Seen",
        "Taken Over",
        "Summary (agent's words)",
    )
    again = any(row.own_last for row in rows)
    return [
        *table(header, [_answer(m, row) for row in shown], 240),
        *say.rest(len(shown), len(rows), "answer_progression"),
        *final,
        say.judge("what each answer claimed, and what changed between an agent's answers") if again else
        say.judge("what each answer claimed"),
    ]  # fmt: skip


def _answer(m: Material, row: AnswerRow) -> tuple[object, ...]:
    say, taken = m.say, row.taken_over
    why = f" ({say.told(row.why)})" if row.change in {"substantive", "unknown"} else ""
    why += f", {say('same text as {labels}', labels=', '.join(row.duplicates))}" if row.duplicates else ""
    seen = say("unknown") if row.seen is None else ", ".join(s.label for s in row.seen) or say("none")
    share = "-" if taken is None or not taken.words else f"{taken.share:.0%} ({taken.source or '?'})"
    text = m.quote(row.head, 20 * min(m.most, 8)) if row.head else say("text not recorded")
    return (
        row.label, row.agent, f"+{seconds(row.t)} s", f"{say(row.change)}{why}", row.own_similarity, flat(seen, 100), share, text,
    )  # fmt: skip


def _final(m: Material, final: FinalRow | None) -> list[str]:
    say = m.say
    if final is None or final.similarity is None:
        return []
    line = say(
        "The final answer ({chars} characters, {where}) against {winning}, the winner's last: similarity {similarity}.",
        chars=final.chars, where=final.where, winning=final.winning, similarity=final.similarity,
    )  # fmt: skip
    return ["", line + (" " + say("They share (almost) nothing.") if final.unrelated else "")]


def _votes(m: Material) -> list[str]:
    say, votes = m.say, m.votes
    rows = [
        (v.voter, v.label or v.voted_for, "-" if v.t is None else f"+{seconds(v.t)} s", m.quote(v.reason or say("not recorded"), 32 * min(m.most, 8)))
        for v in votes.votes
        if v.counted
    ][: max(8, m.most)]  # fmt: skip
    if not rows:
        return [say("No vote counts."), *_not_counted(m)]
    own = [voter for voter, target in votes.final.items() if voter == target]
    return [
        *table(say.header("Voter", "Voted For", "Time", "Reason (agent's words)"), rows, 280),
        *say.rest(len(rows), votes.counted, "vote_reasons"),
        "",
        say("Tally: {tally}; for itself: {own}.", tally=counts(votes.tally), own=", ".join(own) or say("none")),
        *([say("By the voters' own words: {tally}.", tally=counts(votes.meant_tally))] if votes.meant_tally else []),
        *_not_counted(m),
        say.judge("whether the reasons show a real evaluation; key phrase of each"),
    ]


def _not_counted(m: Material) -> list[str]:
    """Votes beside the count: by whom and how many."""
    groups: dict[str, int] = {}
    for vote in m.votes.votes:
        if not vote.counted:
            flags = {"superseded": vote.superseded, "ignored": vote.ignored, "dropped": vote.dropped}
            kind = next((name for name, holds in flags.items() if holds), "refused")
            key = f"{vote.voter} → {vote.voted_for or m.say('unknown')} {m.say(kind)}"
            groups[key] = groups.get(key, 0) + 1
    if not groups:
        return []
    names = [f"{key} x{n}" for key, n in groups.items()]
    shown = names[: 4 * m.most]
    more = [m.say("{n} more", n=len(names) - len(shown))] if len(names) > len(shown) else []
    return ["", m.say("Not counted: {votes} (reasons: vote_reasons).", votes=", ".join([*shown, *more]))]


def _decisions(m: Material) -> list[str]:
    """Each agent's answers and votes in order: what a decision between voting and answering was made after."""
    say = m.say
    rows = [
        f"- {one.agent}: {_folded([_decided(m, d) for d in one.decisions], m.most + 2, say('{n} more'))}"
        for one in m.behaviour
        if one.decisions
    ]
    shown = rows[: m.most + 4]
    if not shown:
        return [say("No agent answered or voted.")]
    return [
        *shown, *say.rest(len(shown), len(rows), "coordination_timeline"),
        say.judge("how agents chose between voting and a new answer; vote_reasons, read_trace"),
    ]  # fmt: skip


def _decided(m: Material, decision: Decision) -> str:
    parts = [] if decision.t is None else [f"+{seconds(decision.t)} s"]
    parts += [] if decision.calls is None else [m.say("{n} calls", n=decision.calls)]
    return m.say.told(decision.what) + (f" ({', '.join(parts)})" if parts else "")


def _folded(parts: list[str], most: int, more: str) -> str:
    """Parts joined by arrows; of too many the middle is left out, and how many these were is told."""
    if len(parts) > most:
        head, left = (most + 1) // 2, len(parts) - most
        parts = [*parts[:head], f"… {more.format(n=left)} …", *parts[head + left :]]
    return " → ".join(parts)


def _collaboration(m: Material) -> list[str]:
    say, run = m.say, m.run
    if len(run.agents) < 2 or not run.answers:
        return [say("Nothing to read: one agent, or no answer.")]
    rows: list[str] = []
    for name in run.agents:
        own = [row for row in m.progression.answers if row.agent == name]
        contexts = [e.context for e in run.executions if e.agent == name]
        seen = dict.fromkeys(label for context in contexts for label in context)
        injected = sum(moment.kind == "injection" and moment.agent == name for moment in run.moments)
        shares = [row.taken_over.share for row in own if row.taken_over]
        taken = f"{max(shares):.0%}" if shares else say("unknown") if own else say("none")
        rows.append(say(
            "- {agent}: had in its contexts {seen}; {injected} updates injected; {later} answers after its first; at most {taken} "
            "of an answer's words taken over from others",
            agent=name, seen=flat(", ".join(seen), 120) or say("none") if contexts else say("unknown"), injected=injected,
            later=max(0, len(own) - 1), taken=taken,
        ))  # fmt: skip
    shown = rows[: m.most + 4]
    mark = say.judge("yes or no, with evidence")
    return [
        *shown,
        *say.rest(len(shown), len(rows), "answer_progression"),
        f"- {say('Did agents read the answers of others?')} {mark}",
        f"- {say('Did agents build upon previous work?')} {mark}",
        f"- {say('Did agents provide genuine evaluation?')} {mark}",
    ]


def _incomplete(m: Material) -> list[str]:
    say, run = m.say, m.run
    opened = sum(call.outcome == "open" for call in run.calls)
    told = [x for x in run.moments if x.kind in {"timeout", "round_timeout"}]
    lost = [f"- {flat(x.agent or 'orchestrator', 60)}: {flat(m.mask(x.detail), 160)} [{x.src}]" for x in told[: m.most]]
    lost += say.rest(len(lost), len(told), "find_errors")
    lost += [say("- {n} tool calls have no recorded end", n=opened)] if opened else []
    lost += [
        say(
            "- {agent}: its last start (+{t} s, round {round}) led to no answer and no accepted vote",
            agent=e.agent, t=seconds(run.since_start(e.t)), round=e.round,
        )
        for e in unended(run)
    ]  # fmt: skip
    return lost or [say("None recorded.")]


def _reasoning(m: Material) -> list[str]:
    """A table to compare by, then each agent's material and a place for the judgement."""
    say = m.say
    header = say.header("Agent", "Calls", "Failed", "Refused", "Answers", "Votes", "Checks", "Tools (s)", "Think (s)")
    lines = table(header, [_row(m, one) for one in m.behaviour])
    lines += [
        "",
        say(
            "✗ failed, ⊘ refused, ∅ never ran, (?) no recorded end; xN: N in a row. Failed: also an error behind exit code 0. Checks: commands that test, check, verify, lint or diff."
        ),
    ]
    shown = m.behaviour[: min(TRACES, 3 * m.most + 2)]
    for one in shown:
        lines += ["", f"#### {flat(one.agent, 60)}", *_agent(m, one)]
    lines += say.rest(len(shown), len(m.behaviour), "read_trace")
    if len(m.run.agents) > 1:
        lines += [
            "",
            f"#### {say('Comparison')}",
            say.judge("whose process was better, whoever won, and which patterns led there"),
        ]
    return lines


def _row(m: Material, one: Behaviour) -> tuple[object, ...]:
    own = [s for s in m.times.executions if s.agent == one.agent]
    tools = [s.tools_s for s in own if s.tools_s is not None]
    think = [s.think_s for s in own if s.think_s is not None]
    known = bool(own) and len(tools) == len(own)
    unknown = m.say("unknown")
    named = one.agent != ANY_AGENT
    return (
        one.agent,
        *(unknown if n is None else n for n in (one.calls, one.failed, one.refused)),
        sum(a.agent == one.agent for a in m.run.answers) if named else "-",
        sum(v.voter == one.agent and v.accepted for v in m.run.votes) if named else "-",
        unknown if one.calls is None else one.checks,
        seconds(sum(tools)) if known else unknown,
        seconds(sum(think)) if known else unknown,
    )


def _agent(m: Material, one: Behaviour) -> list[str]:
    say = m.say
    if one.calls is None and not one.decisions:
        return [say("Its calls are not recorded, and it neither answered nor voted.")]
    steps = [_step(m, step) for step in one.steps]
    lines = [f"- {say('Strategy')}: {_folded(steps, 5 * m.most, say('{n} more')) or say('no step is recorded')}"]
    if one.calls is None:
        lines.append(f"- {say('Its tool calls are recorded without an agent, or not at all.')}")
    else:
        lines += _around(m, one)
    quotes = [
        f"[{q.where}{'' if q.round is None else f', round {q.round}'}] {q.kind} {say.told(q.when)}: {q.text}"
        for q in one.quotes[: max(4, m.most)]
    ]
    if quotes:
        lines += ["", fence("\n".join(quotes), say("Its words"))]
        lines += say.rest(len(quotes), len(one.quotes), "read_trace")
    if not one.reasoning:
        lines.append(say("No reasoning of it is recorded: only its tool sequence and text tell."))
    lines.append(say.judge("strategy, reaction to tool results, error recovery, decision quality, 2-3 quotes"))
    return lines


def _around(m: Material, one: Behaviour) -> list[str]:
    """What it did after failures, and what it had run before each decision."""
    say = m.say
    reactions = [
        say(
            "`{what}` {mark} once: then {then}{recovered} [{where}]"
            if r.failures == 1
            else "`{what}` {mark} {n} times ({row} in a row): then {then}{recovered} [{where}]",
            what=_code(r.what), mark=say(r.mark), n=r.failures, row=r.in_a_row, then=_then(m, r.then),
            recovered=say(", and it succeeded later") if r.recovered else "", where=r.where,
        )
        for r in one.reactions
    ]  # fmt: skip
    checked = [_checked(m, d) for d in one.decisions]
    lines = [f"- {say('After failures')}: {_some(m, reactions) or say('no failed call')}"]
    if one.agent != ANY_AGENT:
        lines.append(f"- {say('Before deciding')}: {_some(m, checked) or say('it neither answered nor voted')}")
    return lines


def _code(word: str) -> str:
    return flat(word, 60).replace("`", "'")


def _some(m: Material, parts: list[str]) -> str:
    """Parts of one line, as many as there is room for."""
    shown = parts[: m.most + 1]
    more = [m.say("{n} more: read_trace", n=len(parts) - len(shown))] if len(parts) > len(shown) else []
    return "; ".join([*shown, *more])


def _step(m: Material, step: Step) -> str:
    word = f"`{_code(step.word)}`" if step.kind == "call" else f"**{m.say.told(flat(step.word, 60))}**"
    return word + _MARKS[step.mark] + (f" x{step.count}" if step.count > 1 else "")


def _then(m: Material, then: dict[str, int]) -> str:
    """What followed, the most frequent first; "again" and "nothing" are words of ours."""
    parts = sorted(then.items(), key=lambda item: -item[1])
    shown = [
        (m.say(word) if word in {"again", "nothing"} else f"`{m.say.told(_code(word))}`") + (f" x{n}" if n > 1 else "")
        for word, n in parts[:4]
    ]
    return ", ".join([*shown, *([m.say("{n} more", n=len(parts) - 4)] if len(parts) > 4 else [])])


def _checked(m: Material, d: Decision) -> str:
    say, what = m.say, m.say.told(d.what)
    if d.last is None:
        return f"{what}: {say('no call')}"
    checks = say("{n} checks ({failed} failed)", n=d.checks, failed=d.failed_checks) if d.checks else say("no check")
    return f"{what}: {say('{n} calls', n=d.calls)}, {checks}, {say('last')} `{_code(d.last)}`{_MARKS[d.last_mark]}"
