"""coordination_timeline: what happened in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

from massgen_logs.text import page
from massgen_logs.text.clean import flat
from massgen_logs.text.table import row_line, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.analysis.timeline import TimelineEvent
    from massgen_logs.run.model import Run


class Timeline(Struct, frozen=True):
    """events of this page; kinds: how many of each kind there are on all pages."""

    events: list[TimelineEvent]
    kinds: dict[str, int]


def coordination_timeline(run: Run, limit: Limit = None, cursor: Cursor = None) -> Result:
    """List what happened in order: starts, answers, votes (ignored ones too), restarts with the answer that caused each,
    injections, enforcement, errors, time-outs, winner, final answer; without poll noise. t is seconds from the start.

    Args:
        run: the run.
        limit: events a page.
        cursor: of the page before.
    """
    from massgen_logs.analysis.timeline import timeline

    events = timeline(run)
    shown, where = page.take(events, cursor, limit, 80, lambda event: len(_line(_plain(event))) + 1)
    return Result(Timeline(shown, _kinds(events)), where, ("read_trace", "vote_reasons"))


def _kinds(events: list[TimelineEvent]) -> dict[str, int]:
    """How many of each kind, those included for which one event stands."""
    found: dict[str, int] = {}
    for event in events:
        found[event.kind] = found.get(event.kind, 0) + event.count
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def _plain(event: TimelineEvent) -> dict[str, Any]:
    return {
        name: getattr(event, name)
        for name in ("t", "kind", "agent", "round", "label", "target", "detail", "count", "t_last")
    }


def _cells(event: dict[str, Any]) -> tuple[object, ...]:
    t = "-" if event["t"] is None else f"{event['t']:.1f}"
    detail = str(event["detail"])
    if event["count"] > 1:
        until = "" if event["t_last"] is None else f" until {event['t_last']:.1f}"
        detail = f"x{event['count']}{until}" + (f": {detail}" if detail else "")
    what = event["label"] or ""
    if event["target"]:
        what = f"by {event['target']}" if event["kind"] == "restart" else f"{what} for {event['target']}".strip()
    return (t, event["kind"], event["agent"], event["round"], what, flat(detail, 140))


def _line(event: dict[str, Any]) -> str:
    return row_line(_cells(event))


def render(data: Any) -> list[str]:
    """One row an event."""
    return [
        "all events: " + ", ".join(f"{kind} {n}" for kind, n in data["kinds"].items()),
        *table(("t", "kind", "agent", "round", "what", "detail"), [_cells(event) for event in data["events"]]),
    ]


TOOL = Tool(
    "coordination_timeline", "Timeline of a run", coordination_timeline, render,
    notes=frozenset({"begun_again", "emptied_by_restart", "not_delivered", "ignored_unknown"}),
)  # fmt: skip
