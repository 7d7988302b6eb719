"""The little of an attempt that a list needs, by the same rules as the full Run, from as few bytes as possible.

Cost is the sum of what is recorded, sub-agents included, so a floor where a backend records no price.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from massgen_logs.attempt import Attempt
from massgen_logs.handles import kept_open
from massgen_logs.readers import (
    coordination_events,
    events_jsonl,
    metrics_summary,
    snapshot_mappings,
    status_json,
)
from massgen_logs.readers.base import (
    Problem,
    Read,
    Source,
    as_name,
    lines_with,
    mapping,
    number,
    parse_json,
    read_head,
    read_tail,
    text,
    texts,
)
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.metrics_summary import Metrics
from massgen_logs.readers.status_json import Status
from massgen_logs.run import clock, ending, outcome, usage
from massgen_logs.run.files import clock_of, version_of
from massgen_logs.tree import Place

_HEAD = 65_536


class Summary(Struct, frozen=True):
    """One attempt in a list; times in seconds, cost in US dollars."""

    state: str
    question: str | None
    agents: tuple[str, ...]
    winner: str | None
    duration_s: float | None
    cost_usd: float | None
    version: str | None
    unreadable: tuple[str, ...]
    """Files of those read for this, of which something could not be: what they alone know is missing here."""


def summarise(place: Place) -> Summary:
    """Read one attempt for a list: of a finished run the small files alone; of one that was killed or timed out also the
    lines of its events.jsonl that tell of its end; any other, such as one without these files, is loaded in full."""
    with kept_open():
        return _summarised(place)


def _summarised(place: Place) -> Summary:
    attempt = place.attempt
    read = status_json.read(attempt.file("status.json"))
    status = read.value
    if status.finish_reason not in {"completed", "timeout"} or status.winner is None:
        return _from_events(place, read) or _from_run(place)
    head = _head(attempt)
    if head.end is None or head.start is None:
        return _from_events(place, read) or _from_run(place)
    summary = metrics_summary.read(attempt.file("metrics_summary.json"))
    metrics, problems = summary.value, [*read.problems, *summary.problems]
    # where finish_reason decides, no log and no clock is needed
    how = ending.decide(attempt, status, head, None, clock.make(place.session.name, []))
    if how.state not in {"finished", "timed_out"}:
        return _from_events(place, read) or _from_run(place)
    took = outcome.times(how, head, head.start, None).duration_s
    return _told(place, status, head, metrics, how.state, status.winner, took, problems)


def _from_events(place: Place, read: Read[Status]) -> Summary | None:
    """Of a run that was killed or timed out; None where what is read here does not decide all."""
    attempt, status, events = place.attempt, read.value, place.attempt.file("events.jsonl")
    coordinated = coordination_events.read(attempt.file("coordination_events.json"))
    coordination = coordinated.value
    if events is None or not status.agents or ending.is_emptied(coordination):
        return None
    time = clock_of(place, status, coordination, None)
    torn = _torn(events)
    if torn is None or not time.known or not (status.question or coordination.question):
        return None
    source, said = Source(events.name), outcome.Said()
    problems = [*read.problems, *coordinated.problems, *torn]
    for at, raw in lines_with(events, outcome.MARKS, source, problems):
        if event := events_jsonl.parse(raw):
            event.line = at
            said.take(event, None)
        else:
            problems.append(Problem(events.name, at, "no valid JSON"))
    summary = metrics_summary.read(attempt.file("metrics_summary.json"))
    snapshots = snapshot_mappings.read(attempt.file("snapshot_mappings.json"))
    problems += [*summary.problems, *snapshots.problems]
    how = ending.decide(attempt, status, coordination, None, time)  # with agents in status.json no start-up has failed
    took = outcome.times(how, coordination if coordination.events else None, None, said).duration_s
    if took is None and how.state in {"finished", "timed_out"}:
        return None
    named = outcome.winners(attempt, status, coordination, summary.value, snapshots.value, said)
    winner = named[0][0] if named else None
    return _told(place, status, coordination, summary.value, how.state, winner, took, problems)


def _torn(events: Path) -> list[Problem] | None:
    """What is wrong with the last line, on which a killed process may have been; None where it is too long to be looked at."""
    tail = read_tail(events, _HEAD)
    last = tail[tail.rfind(b"\n") + 1 :]
    try:
        if last.strip():
            parse_json(last)
    except ValueError:
        return None if len(last) == _HEAD else [Problem(events.name, None, "cut short")]
    return []


def _told(
    place: Place, status: Status, coordination: Coordination, metrics: Metrics, state: str, winner: str | None,
    took: float | None, problems: list[Problem],
) -> Summary:  # fmt: skip
    recorded = usage.recorded(status, metrics)
    cost = usage.total_cost([usage.price(u) for u in recorded.values()], metrics.subagents)
    return Summary(
        state, status.question or coordination.question, coordination.agents or tuple(status.agents), winner, took, cost,
        version_of(place), _files(problems),
    )  # fmt: skip


def _files(problems: list[Problem]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(problem.file for problem in problems))


def _from_run(place: Place) -> Summary:
    from massgen_logs.run.load import load  # here: most logs need it not

    run = load(place, orders=False)
    cost = usage.total_cost([u.recorded.cost_usd for u in run.usage.values()], run.subagents)
    return Summary(
        run.ending.state, run.question, tuple(run.agents), run.winner, run.duration_s, cost, run.version, _files(run.problems),
    )  # fmt: skip


def _head(attempt: Attempt) -> Coordination:
    """session_metadata from the first bytes of coordination_events.json; the whole file if that does not suffice."""
    path = attempt.file("coordination_events.json")
    raw = read_head(path, _HEAD)
    end = raw.find(b'"events": [')
    if end > 0:
        try:
            meta = mapping(mapping(parse_json(raw[:end].rstrip().rstrip(b",") + b"}")).get("session_metadata"))
        except ValueError:
            meta = {}
        if meta:
            return Coordination(
                text(meta.get("user_prompt")), tuple(texts(meta.get("agent_ids"))), number(meta.get("start_time")),
                number(meta.get("end_time")), as_name(meta.get("final_winner")),
            )  # fmt: skip
    return coordination_events.read(path).value
