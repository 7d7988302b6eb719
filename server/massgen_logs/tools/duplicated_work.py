"""duplicated_work: what was done again that had been done already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from massgen_logs.text import page
from massgen_logs.text.clean import flat
from massgen_logs.text.table import seconds, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.analysis.duplication import Group
    from massgen_logs.run.model import Run


def duplicated_work(run: Run, limit: Limit = None, cursor: Cursor = None) -> Result:
    """Find work that was done again: media generation, web fetches and searches, installs, skill reading, file reads and
    writes, commands and other calls with the same or nearly the same arguments, within an agent, across agents, after a
    restart; with the seconds and characters wasted. Retries after a failure and
    reruns after the agent changed files are counted apart.

    Args:
        run: the run.
        limit: groups a page.
        cursor: of the page before.
    """
    from massgen_logs.analysis.duplication import duplicated_work as analyse

    found = analyse(run)
    shown, where = page.take(found.groups, cursor, limit, 25, _size, used=2400)
    data = replace(found, groups=shown)
    if where.first:  # what stands beside the list is told on its first page
        data = replace(data, by_kind=[], retried=[])
    return Result(data, where, ("repeated_commands", 'read_trace(agent=..., contains="...")'))


def _size(group: Group) -> int:
    return min(len(group.example), 160) + sum(len(m.where) + len(m.agent) for m in group.members[:4]) + 130


def _by(members: list[dict[str, Any]]) -> str:
    agents = list(dict.fromkeys(m["agent"] for m in members))
    return " ".join(f"{agent}:{sum(m['agent'] == agent for m in members)}" for agent in agents)


def _row(group: dict[str, Any]) -> tuple[object, ...]:
    members = group["members"]
    bad = sum(m["role"] == "repeat" and m["outcome"] == "failed" for m in members)
    extra = [f"{bad} of the repeats failed"] if bad else []
    extra += [f"{group['retries']} retries"] if group["retries"] else []
    extra += [f"{group['rechecks']} reruns after own changes"] if group["rechecks"] else []
    extra += [f"{group['untimed']} untimed"] if group["untimed"] else []
    match = f"similar {group['similarity']:.2f}" if group["match"] == "similar" else group["match"]
    how = "/".join(
        "?" if group[key] is None else str(group[key]) for key in ("within_agent", "across_agents", "after_restart")
    )
    first = [m for m in members if m["role"] == "first"]
    repeats = [m for m in members if m["role"] == "repeat"]
    places = " ".join(f"{m['agent']} {m['where']}" for m in (first or members[:1])) + " again "
    places += " ".join(f"{m['agent']} {m['where']}" for m in repeats[:2])
    places += f" +{len(repeats) - 2}" if len(repeats) > 2 else ""
    return (
        group["kind"], group["example"], group["repeats"], _by(members),
        how,
        seconds(group["wasted_s"]), group["wasted_chars"], match, places, "; ".join(extra),
    )  # fmt: skip


_HEADER = ("kind", "work", "repeats", "runs by", "within/across/after restart", "wasted s", "wasted chars", "match", "where", "remarks")  # fmt: skip


def render(data: Any) -> list[str]:
    """Totals, sums by kind, the groups, then what was only retried and what was left out."""
    from massgen_logs.analysis.duplication import CHEAP_CHARS, CHEAP_S, SMALL_CHARS, SMALL_S

    if data["compared"] is None:
        return ["no file of this attempt holds calls: unknown, not zero"]
    lines = [_totals(data)]
    if data["groups"]:
        if len(data["by_kind"]) > 1:
            lines.append(
                "by kind: "
                + "; ".join(
                    f"{k['kind']} {k['repeats']} repeats, {seconds(k['wasted_s'])} s, {_known(k['wasted_chars'])} chars"
                    for k in data["by_kind"]
                )
            )
        lines += table(_HEADER, [_row(group) for group in data["groups"]], 160)
    if data["retried"]:
        lines.append("only tried again after failures (no duplication):")
        lines += [
            f"- `{flat(g['example'], 100)}` {len(g['members'])} tries ({_by(g['members'])}), "
            + ("worked in the end" if g["succeeded"] else "never worked")
            for g in data["retried"][:5]
        ]
        more = len(data["retried"]) - 5
        lines += [f'- {more} more: part="retried"'] if more > 0 else []
    lines.append(
        f"rules: nearly the same = similarity {data['threshold']} or more with equal numbers (media prompts, searches, subagent "
        f"tasks, other tools' texts); commands, URLs, installs and files exactly after normalising; reads, writes, commands "
        f"and other calls from {SMALL_S} s or {SMALL_CHARS} chars wasted, listings and their like from {CHEAP_S:g} s or "
        f"{CHEAP_CHARS:,} chars: {data['left_out']} smaller groups left out"
    )
    if data["not_compared"]:
        lines.append(f"{data['not_compared']} texts too many or too long for similarity were compared exactly only")
    return lines


def _known(value: object) -> object:
    return "unknown" if value is None else value


def _totals(data: Any) -> str:
    if not data["repeats"]:
        line = f"no duplicated work among {data['compared']} compared calls"
    else:
        whose = (
            "whose it was is not recorded, so within an agent or across agents can't be told"
            if data["within_agent"] is None
            else f"{data['within_agent']} within an agent ({_known(data['after_restart'])} after its restart), "
            f"{data['across_agents']} across agents"
        )
        line = (
            f"{data['repeats']} of {data['compared']} compared calls repeated work: {whose}; wasted "
            + (
                "time unknown"
                if data["wasted_s"] is None
                else f"{seconds(data['wasted_s'])} s of {seconds(data['total_s'])} s in calls (sums: parallel calls add up)"
            )
            + (f", {data['untimed']} repeats untimed" if data["untimed"] else "")
            + f", {_known(data['wasted_chars'])} chars; cost of a call is not recorded: unknown"
        )
    return line + f"; retries after a failure: {data['retries']}; reruns after own changes: {data['rechecks']}"


TOOL = Tool(
    "duplicated_work", "Work done again", duplicated_work, render,
    notes=frozenset({"false_success", "no_agent", "redacted", "open_calls", "no_calls", "lost_events", "later_attempt"}),
)  # fmt: skip
