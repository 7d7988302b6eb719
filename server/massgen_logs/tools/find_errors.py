"""find_errors: what went wrong in a run, one row an incident, and how the tools kept their contract."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins
from msgspec.structs import replace

from massgen_logs.text import page
from massgen_logs.text.clean import cell, flat
from massgen_logs.text.table import counts, row_line, seconds, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.analysis.errors import Incident
    from massgen_logs.run.model import Run
    from massgen_logs.tree import Place

_NOTES = frozenset({
    "no_agent", "redacted", "open_calls", "no_calls", "lost_events", "status_stale", "complete_too_early", "unknown_backend",
})  # fmt: skip
_TOOLS = 6
_LIMITS = 3
_DIFFERENT = 4
_NOT_SHOWN = 8


def find_errors(run: Run, place: Place, limit: Limit = None, cursor: Cursor = None) -> Result:
    """Find what went wrong: agent and API errors, timeouts, refused responses, failed, denied and hidden-failing calls
    (also those that MassGen calls success), dead MCP servers, errors only in their stderr logs; one row an incident, with
    its sources. And per tool: failures, false successes, denied, never ran, never ended, limits, unequal results.

    Args:
        run: the run.
        place: where its files are.
        limit: incidents a page.
        cursor: of the page before.
    """
    from massgen_logs.analysis.errors import find_errors as analyse
    from massgen_logs.run.stderr import collect

    stderr = collect(place.attempt)
    found = analyse(run, stderr)
    notes = sum(min(len(n.text), 400) + 8 for n in run.notes if n.id in _NOTES)
    beside = sum(len(line) + 1 for line in _beside(to_builtins(replace(found, incidents=[]))))
    shown, where = page.take(found.incidents, cursor, limit, 30, _size, used=notes + beside + 500)
    data = replace(found, incidents=shown)
    if where.first:  # what stands beside the list is told on its first page
        data = replace(data, tools=[], limits=[], different=[], not_shown=[])
    return Result(data, where, ('read_trace(agent=..., contains="...")', "read_status_reliability"),
                  [*run.sources, *(s for s in stderr.sources if s.unreadable or any(line.file == s.file for line in stderr.lines))])  # fmt: skip


def _size(incident: Incident) -> int:
    subject = min(len(incident.command or ""), 90) + min(len(incident.tool or ""), 40)
    return 100 + subject + min(len(incident.sentence), 200) + min(len(incident.sources[0]), 90)


def _row(i: dict[str, Any]) -> str:
    when = None if i["t"] is None else f"{i['t']:.1f}"
    round_ = i["round"] if i["round_last"] is None else f"{i['round']} to {i['round_last']}"
    if i["t_last"] is not None and i["t_last"] != i["t"]:
        when = f"{when} to {i['t_last']:.1f}"
    what = flat(i["sentence"], 200)
    if i["command"] is not None:
        more = f" (+{i['variants'] - 1} alike)" if i["variants"] > 1 else ""
        what = f"`{flat(i['command'], 80)}`{more} {what}"
    elif i["tool"] and i["kind"] != "stderr_only":
        what = f"{flat(i['tool'], 60)}: {what}"
    src = flat(i["sources"][0], 80) + (f" +{len(i['sources']) - 1}" if len(i["sources"]) > 1 else "")
    return row_line((i["kind"], i["count"], i["agent"], when, round_, what, i["recorded_as"], src), 400)


_HEADER = ("kind", "n", "agent", "t", "round", "what", "recorded as", "source")


def render(data: Any) -> list[str]:
    """Totals, the incidents of this page, then on the first page the tools' contract and what can't be shown."""
    total = data["total"]
    lines = [f"{total} incident{'s' * (total > 1)}: {counts(data['totals'])}" if total else "no incident in these logs"]
    if data["calls_recorded"] and (data["tools"] or data["false_successes"]):
        own = "not recorded" if data["massgen_failures"] is None else data["massgen_failures"]
        lines[0] += (
            f"; failed calls that MassGen calls success: {data['false_successes']} (its own count of failures: {own})"
        )
    if data["incidents"]:
        lines += table(_HEADER, [])
        lines += [_row(i) for i in data["incidents"]]
    return lines + _beside(data)


def _beside(data: Any) -> list[str]:
    lines: list[str] = []
    if data["tools"]:
        lines.append("tool contract (calls by tool):")
        lines += table(
            ("tool", "calls", "ran", "failed", "recorded as success", "hid an error", "denied", "never ran", "no end", "unknown", "timed out"),
            [(t["tool"], t["calls"], t["ran"], t["failed"], t["false_successes"], t["hidden"], t["denied"], t["never_ran"],
              t["open"], t["unknown"], t["timed_out"]) for t in data["tools"][:_TOOLS]], 70,
        )  # fmt: skip
        if len(data["tools"]) > _TOOLS:
            rest = data["tools"][_TOOLS:]
            lines.append(
                f"{len(rest)} more tools ({sum(t['calls'] for t in rest)} calls, {sum(t['failed'] for t in rest)} failed): "
                'part="tools"'
            )
    if data["ends_without_start"] and data["tools"]:
        lines.append(f"{data['ends_without_start']} calls ended without a recorded start")
    for limit in data["limits"][:_LIMITS]:
        over = "timed out or over its limit" if limit["timed_out"] else "in time"
        lines.append(
            f"limit: `{_subject(limit)}` ({limit['agent']}) asked {seconds(limit['asked_s'])} s, took {seconds(limit['taken_s'])} s, "
            f"{over}, {limit['outcome']} [{flat(limit['src'], 60)}]",
        )  # fmt: skip
    if len(data["limits"]) > _LIMITS:
        lines.append(f'{len(data["limits"]) - _LIMITS} more calls with a time limit: part="limits"')
    for other in data["different"][:_DIFFERENT]:
        ends = "; ".join(f"{cell(name, 60)} x{n}" for name, n in list(other["outcomes"].items())[:5])
        more = f"; {len(other['outcomes']) - 5} more" if len(other["outcomes"]) > 5 else ""
        who = flat(", ".join(other["agents"]), 60)
        lines.append(f"same input, different output: `{_subject(other)}` ({who}): {ends}{more}")
    if len(data["different"]) > _DIFFERENT:
        lines.append(f'{len(data["different"]) - _DIFFERENT} more inputs with different output: part="different"')
    lines += [f"not in these logs: {flat(text, 200)}" for text in data["not_shown"][:_NOT_SHOWN]]
    if len(data["not_shown"]) > _NOT_SHOWN:
        lines.append(f'{len(data["not_shown"]) - _NOT_SHOWN} more that these logs don\'t show: part="not_shown"')
    return lines


def _subject(row: Any) -> str:
    if row["command"] is not None:
        return flat(row["command"], 70)
    args = row.get("args")
    return flat(row["tool"], 40) + (f" {flat(json.dumps(args, ensure_ascii=False), 60)}" if args else "")


TOOL = Tool("find_errors", "Errors of a run", find_errors, render, needs="place", notes=_NOTES)
