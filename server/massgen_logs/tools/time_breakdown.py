"""time_breakdown: where the time of a run went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from massgen_logs.text import page
from massgen_logs.text.clean import flat
from massgen_logs.text.table import seconds, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.run.model import Run


def time_breakdown(run: Run, limit: Limit = None, cursor: Cursor = None) -> Result:
    """Where the time went: wall time by phase and who held each up, the critical path, per execution of an agent time in
    tools (parallel calls once), thinking and waiting, slowest operations, tools by own time and queueing; what can't be measured.

    Args:
        run: the run.
        limit: executions a page.
        cursor: of the page before.
    """
    from massgen_logs.analysis.times import time_breakdown as analyse

    found = analyse(run)
    shown, where = page.take(found.executions, cursor, limit, 14, lambda _: 110, used=3600)
    data = replace(found, executions=shown)
    if where.first:  # what stands beside the list is told on its first page
        data = replace(
            data,
            wall_phases=[],
            rounds=[],
            critical_path=[],
            slowest=[],
            slowest_rounds=[],
            tools=[],
            checklists=[],
            not_measurable=[],
        )
    return Result(data, where, ("read_trace(agent=..., round=...)", "repeated_commands"))


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _name(s: dict[str, Any]) -> str:
    return f"{s['agent']} {'presentation' if s['execution'] is None else s['execution']}"


def _end(s: dict[str, Any], limit: int = 40) -> str:
    return s["outcome"] + (f" {flat(s['result'], limit)}" if s["result"] else "")


def render(data: Any) -> list[str]:
    """Total, phases, critical path, rounds, executions, tools, slowest, what is unknown."""
    total = data["total_s"]
    lines: list[str] = []
    if total is None:
        lines.append("total unknown")
    else:
        lines.append(f"total {seconds(total)} s{' at least' if data['floor'] else ''} ({data['total_src']})")
    lines += _phases(data)
    lines += _rounds(data)
    if data["executions"]:
        lines.append(
            "executions in s (start: from the run's; wall = tools + think + other; other: after its last recorded output; waited: idle after its end):"
        )
        rows = [(
            _name(s), seconds(s["start_s"]), seconds(s["wall_s"]), seconds(s["tools_s"]), seconds(s["think_s"]), seconds(s["other_s"]),
            seconds(s["first_tool_s"]), seconds(s["background_wait_s"]) if s["background_wait_s"] else "",
            seconds(s["denied_s"]) if s["denied_s"] else "", seconds(s["waited_s"]), _end(s),
        ) for s in data["executions"]]  # fmt: skip
        header = (
            "execution",
            "start",
            "wall",
            "tools",
            "think",
            "other",
            "first tool after",
            "background wait",
            "denied",
            "waited",
            "end",
        )
        lines += table(header, rows, 60)
    lines += _tools(data)
    lines += [f"not measurable: {flat(said, 240)}" for said in data["not_measurable"]]
    return lines


def _phases(data: Any) -> list[str]:
    lines: list[str] = []
    if data["wall_phases"]:
        rows = [(
            p["name"], f"{seconds(p['start_s'])}-{seconds(p['end_s'])}", seconds(p["seconds"]), _share(p["share"]),
            ", ".join(p["held_by"]), flat(p["ended_with"], 80), seconds(p["alone_s"]), flat(p["last_call"] or "-", 60),
        ) for p in data["wall_phases"]]  # fmt: skip
        header = (
            "wall phase",
            "from-to s",
            "s",
            "share",
            "ended by or waiting for",
            "ended with",
            "others done s before",
            "its last call",
        )
        lines += table(header, rows, 100)
    path = data["critical_path"]
    if path:
        shown = path[-8:]
        cut = f' (last {len(shown)} of {len(path)}; all: part="critical_path")' if len(shown) < len(path) else ""
        steps = [f"{flat(_name(s), 40)} {seconds(s['wall_s'])} s ({_end(s, 30)})" for s in shown]
        lines.append(f"critical path{cut}: {' -> '.join(steps)}")
    return lines


def _rounds(data: Any) -> list[str]:
    if not data["rounds"]:
        return []
    rows = [(
        r["phase"], r["count"], seconds(r["avg_s"]), seconds(r["max_s"]), seconds(r["total_s"]), _share(r["share"]),
    ) for r in data["rounds"]]  # fmt: skip
    head = "recorded rounds over all agents (they run side by side: the sum is more than the wall time):"
    slow = "; ".join(
        f"{flat(o['what'], 60)} {seconds(o['seconds'])} s ({_share(o['share'])})" for o in data["slowest_rounds"][:3]
    )
    return [
        head,
        *table(("round type", "count", "avg s", "max s", "total s", "% of total"), rows),
        f"longest rounds: {slow}" + ('; more: part="slowest_rounds"' if len(data["slowest_rounds"]) > 3 else ""),
    ]


def _tools(data: Any) -> list[str]:
    lines: list[str] = []
    if data["tools"]:
        shown = data["tools"][:8]
        rows = [(
            t["tool"], t["calls"], t["failed"] or "", t["denied"] + t["never_ran"] or "", seconds(t["elapsed_s"]), seconds(t["own_s"]),
            seconds(t["queue_s"]), seconds(t["max_s"]),
        ) for t in shown]  # fmt: skip
        header = ("tool", "ran", "failed", "denied or never ran", "elapsed s", "own s", "queueing s", "max s")
        lines += table(header, rows, 60)
        if len(shown) < len(data["tools"]):
            lines.append(f'tools: shown {len(shown)} of {len(data["tools"])}; all: part="tools"')
    for c in data["checklists"][:6]:
        lines.append(
            f"checklist: {flat(c['agent'], 40)} execution {c['execution']}: evaluation {seconds(c['evaluation_s'])} s "
            f"(to its last submit_checklist), implementation {seconds(c['implementation_s'])} s (after it)"
        )
    if len(data["checklists"]) > 6:
        lines.append(f'checklist: shown 6 of {len(data["checklists"])}; all: part="checklists"')
    if data["slowest"]:
        rows = [
            (
                flat(o["what"], 70),
                seconds(o["seconds"]) + ("" if o["own"] else " elapsed"),
                seconds(o["queue_s"]),
                _share(o["share"]),
                o["where"],
            )
            for o in data["slowest"]
        ]
        lines += table(("slowest calls", "s", "queueing s", "share of the run", "where"), rows, 90)
    return lines


TOOL = Tool(
    "time_breakdown", "Where the time of a run went", time_breakdown, render,
    notes=frozenset({"backend", "lost_events", "floor", "cumulative", "overwritten_rounds", "split_turn"}),
)  # fmt: skip
