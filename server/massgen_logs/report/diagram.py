"""A run as a mermaid sequence diagram: rounds, answers, restarts and votes, as GitHub renders it.

Agents take part under ids of our own, so that no name can break the diagram; their names, labels and every other word of
the log keep only letters, digits and a few signs that mean nothing to mermaid.
"""

from __future__ import annotations

import re

from massgen_logs.analysis.timeline import TimelineEvent
from massgen_logs.report.language import Say
from massgen_logs.run.model import Run
from massgen_logs.text.clean import clean
from massgen_logs.text.table import seconds

AGENTS = 10
"""Agents a diagram shows: more don't fit the width of a page."""
EVENTS = 60
"""Events it shows at most, where the draft has the room."""
_DRAWN = frozenset({
    "round_start", "answer", "restart", "vote", "vote_ignored", "enforcement", "injection", "timeout", "error", "winner", "final_answer",
})  # fmt: skip
_FIRST = ("answer", "vote", "winner", "final_answer", "timeout")
"""What stays where a run is too long."""


def diagram(run: Run, events: list[TimelineEvent], most: int, say: Say) -> list[str]:
    """The fenced diagram, and a line for what was left out; nothing for a run without events."""
    drawn = [event for event in events if event.kind in _DRAWN]
    if not drawn:
        return []
    busy = {name: sum(event.agent == name or event.target == name for event in drawn) for name in run.agents}
    kept = sorted(run.agents, key=lambda name: -busy[name])[:AGENTS]
    ids = {name: f"a{number}" for number, name in enumerate((n for n in run.agents if n in kept), 1)}
    mine = [event for event in drawn if event.agent is None or event.agent in ids]
    shown = middle_folded(mine, min(6 * most, EVENTS))
    lines = ["```mermaid", "sequenceDiagram", "    participant m as MassGen"]
    lines += [f"    participant {id_} as {plain(name) or id_}" for name, id_ in ids.items()]
    lines += [line for event in shown for line in _event(event, ids, say)]
    lines.append("```")
    cut = [] if len(ids) == len(run.agents) else [
        say("The diagram shows {shown} of {total} agents, those with the most events.", shown=len(ids), total=len(run.agents))
    ]  # fmt: skip
    return [*lines, *cut, *say.rest(len(shown), len(drawn), "coordination_timeline")]


def middle_folded(events: list[TimelineEvent], most: int) -> list[TimelineEvent]:
    """At most `most` events in their order: first go those that only say how answers and votes came about, then the middle."""
    if len(events) <= most:
        return events
    first = [event for event in events if event.kind in _FIRST]
    if len(first) <= most:  # fill up with the others, from the beginning
        room = most - len(first)
        others = {id(event) for event in [event for event in events if event.kind not in _FIRST][:room]}
        return [event for event in events if event.kind in _FIRST or id(event) in others]
    head = most // 2
    return [*first[:head], *first[len(first) - (most - head) :]]


def plain(text: str, limit: int = 48) -> str:
    """Words of the log without any sign that mermaid reads: letters, digits, blanks and . , ( ) + / _ - stay."""
    words = " ".join(re.sub(r"[^\w .,()+/-]|_{2,}", " ", clean(text)).split())
    words = re.sub(r"-{2,}", "-", words).strip("-+(), ")
    return words if len(words) <= limit else words[: limit - 3].rstrip() + "..."


def _event(event: TimelineEvent, ids: dict[str, str], say: Say) -> list[str]:
    own = ids.get(event.agent or "", "m")
    other = ids.get(event.target or "", "m")
    when = "" if event.t is None else f"{seconds(event.t)} s "
    times = f" x{event.count}" if event.count > 1 else ""
    label, target = plain(event.label or ""), plain(event.target or "")
    match event.kind:
        case "round_start":
            return [
                f"    Note over {own}: {when}{say('starts') if event.detail != 'final presentation' else say('presents')}"
            ]
        case "answer":
            return [f"    {own}->>m: {when}{say('answer')} {label}"]
        case "restart":
            return [f"    m-->>{own}: {when}{say('restart')}{f' ({target})' if target else ''}"]
        case "injection":
            return [f"    m-->>{own}: {when}{say('update injected')}{times}"]
        case "vote":
            return [f"    {own}->>{other}: {when}{say('vote for')} {label or target or '?'}"]
        case "vote_ignored":
            return [f"    {own}-x{other}: {when}{say('vote ignored')} {label or target}{times}"]
        case "enforcement" if event.target:
            return [f"    {own}-x{other}: {when}{say('vote refused')} {label or target}{times}"]
        case "enforcement":
            return [f"    {own}-xm: {when}{say('response refused')}{times}"]
        case "error" | "timeout":
            return [f"    Note over {own}: {when}{say('error') if event.kind == 'error' else say('time-out')}{times}"]
        case "winner":
            return [f"    Note over {own}: {when}{say('winner')}"]
        case _:
            return [f"    {own}->>m: {when}{say('final answer')}"]
