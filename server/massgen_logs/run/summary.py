"""The little of an attempt that a list needs, by the same rules as the full Run, from as few bytes as possible.

Cost is the sum over the agents whose backend is priced plus the recorded sub-agent cost, so a floor where one isn't.
"""

from __future__ import annotations

from msgspec import Struct

from massgen_logs.handles import kept_open
from massgen_logs.readers import coordination_events, execution_metadata, metrics_summary, status_json
from massgen_logs.readers.base import Problem, as_name, mapping, number, parse_json, read_head, text, texts
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.run import clock, ending, usage
from massgen_logs.tree import Attempt, Place, Session

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
    """Files of which something could not be read: what they alone know is missing here."""


def state_of(session: Session, turn: int, attempt: Attempt) -> str:
    """The state alone."""
    return summarise(_place(session, turn, attempt)).state


def _place(session: Session, turn: int, attempt: Attempt) -> Place:
    return Place(session, next(t for t in session.turns if t.number == turn), attempt)


def summarise(place: Place) -> Summary:
    """Read one attempt for a list. A run whose end the small files do not tell is loaded in full."""
    with kept_open():
        return _summarised(place)


def _summarised(place: Place) -> Summary:
    attempt = place.attempt
    read = status_json.read(attempt.file("status.json"))
    status = read.value
    if status.finish_reason not in {"completed", "timeout"} or status.winner is None:
        return _from_run(place)
    head = _head(attempt)
    if head.end is None or head.start is None:
        return _from_run(place)
    summary = metrics_summary.read(attempt.file("metrics_summary.json"))
    metrics, problems = summary.value, [*read.problems, *summary.problems]
    # finish_reason decides here, so no log and no clock is needed
    how = ending.decide(attempt, status, head, None, clock.make(place.session.name, []))
    duration = round(head.end - head.start, 3)
    recorded = usage.recorded(status, metrics)
    cost = usage.total_cost([usage.price(u) for u in recorded.values()], metrics.subagents)
    return Summary(
        how.state, status.question or head.question, head.agents or tuple(status.agents), status.winner, duration, cost,
        execution_metadata.read_version(attempt.file("execution_metadata.yaml")), _files(problems),
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
