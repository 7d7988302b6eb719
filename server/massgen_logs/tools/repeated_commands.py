"""repeated_commands: shell commands by how often they ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec.structs import replace

from massgen_logs.text import page
from massgen_logs.text.clean import cut, flat
from massgen_logs.text.table import seconds, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.run.model import Run


def repeated_commands(
    run: Run,
    min_count: Annotated[int, "leave out commands that ran fewer times; 1 lists every command"] = 2,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Result:
    """Count the shell commands that agents ran, each once: how often, by whom, failed (by exit code), denied, time,
    output size, runs after a restart; also the failed, the slowest and the longest-output ones.

    Args:
        run: the run.
        min_count: see above.
        limit: commands a page.
        cursor: of the page before.
    """
    from massgen_logs.analysis.commands import repeated_commands as analyse

    found = analyse(run, min_count)
    shown, where = page.take(found.commands, cursor, limit, 40, lambda c: min(len(c.command), 240) + 60, used=1800)
    data = replace(found, commands=shown)
    if where.first:  # what stands beside the list is told on its first page
        data = replace(data, failed_once=[], slowest=[], longest_output=[])
    following = ("repeated_commands(min_count=1)",) if min_count > 1 and found.distinct > len(found.commands) else ()
    return Result(data, where, (*following, 'read_trace(agent=..., contains="the command")'))


def _row(c: dict[str, Any]) -> tuple[object, ...]:
    by = " ".join(f"{agent}:{n}" for agent, n in c["by_agent"].items())
    failed = f"{c['failed']} (exit {','.join(map(str, c['exit_codes']))})" if c["failed"] else ""
    extra = [f"{c['denied']} denied"] if c["denied"] else []
    extra += [f"{c['not_run']} never ran"] if c["not_run"] else []
    extra += [f"{c['background']} in background"] if c["background"] else []
    extra += [f"{c['hidden']} hid an error"] if c["hidden"] else []
    extra += [cut(c["error"], 80)] if c["error"] else []
    times = f"{seconds(c['total_s'])}/{seconds(c['max_s'])}"
    return (
        c["command"],
        c["ran"],
        by,
        failed,
        c["after_restart"] or "",
        times,
        c["max_output_chars"],
        "; ".join(extra),
    )


_RANKED = 3
"""Of the slowest and of those with the longest output, told below the table."""
_HEADER = ("command", "ran", "by", "failed", "again after restart", "s total/max", "max output chars", "remarks")


def render(data: Any) -> list[str]:
    """Totals, the repeated commands, then failed ones, slowest, longest output."""
    denied = (
        "unknown: refusals leave no trace with one of these backends"
        if data["total_denied"] is None
        else data["total_denied"]
    )
    kind = {
        "own": "the command's own",
        "elapsed": "MassGen's elapsed",
        "mixed": "own where recorded, else elapsed",
        "client": "none of their own",
        "none": "not recorded",
    }
    lines = [
        (
            "no file of this attempt holds calls: unknown, not zero"
            if data["total_ran"] is None
            else f"{data['total_ran']} commands ran, {data['distinct']} distinct, "
            f"{'unknown (no result is recorded)' if data['total_failed'] is None else data['total_failed']} failed"
        )
        + f"; tool calls denied: {denied}"
        + (f" ({data['denied_other_tools']} of them no commands)" if data["denied_other_tools"] else "")
        + f"; times: {kind[data['times']]}",
    ]
    if data["commands"]:
        lines += table(_HEADER, [_row(c) for c in data["commands"]], 240)
    elif data["total_ran"]:
        lines.append(f"no command ran {data['min_count']} times or more")
    if data["failed_once"]:
        lines.append("failed, refused or hiding an error, below min_count:")
        lines += [f"- `{flat(c['command'], 120)}` {_end(c)}" for c in data["failed_once"]]
        lines += [f"- {data['others_failed']} more: repeated_commands(min_count=1)"] if data["others_failed"] else []
    if data["slowest"]:
        lines.append(
            "slowest: "
            + "; ".join(f"`{flat(c['command'], 60)}` {seconds(c['max_s'])} s" for c in data["slowest"][:_RANKED])
            + _more(data, "slowest")
        )
    if data["untimed"]:
        lines.append(
            f"no times of {', '.join(data['untimed'])}: only the client's are recorded (its start-up is in them), not the commands'"
        )
    if data["longest_output"]:
        lines.append("longest output: " + "; ".join(
            f"`{flat(c['command'], 60)}` {c['max_output_chars']} chars" for c in data["longest_output"][:_RANKED]) + _more(data, "longest_output"))  # fmt: skip
    return lines


def _more(data: Any, name: str) -> str:
    hidden = len(data[name]) - _RANKED
    return f'; {hidden} more: part="{name}"' if hidden > 0 else ""


def _end(c: dict[str, Any]) -> str:
    parts = [f"exit {','.join(map(str, c['exit_codes']))}"] if c["failed"] else []
    parts += ["refused"] if c["denied"] else ["never ran"] if c["not_run"] else []
    parts += ["exit 0, error hidden"] if c["hidden"] and not c["failed"] else []
    return f"{', '.join(parts)} ({', '.join(c['by_agent']) or 'nobody'}): {flat(c['error'] or '', 100)}"


TOOL = Tool(
    "repeated_commands", "Shell commands of a run", repeated_commands, render,
    notes=frozenset({"false_success", "hidden_by_pipe", "no_agent", "redacted", "open_calls", "no_calls", "lost_events", "later_attempt"}),
)  # fmt: skip
