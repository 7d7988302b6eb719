"""list_logs: which MassGen logs there are."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct, to_builtins

from massgen_logs import stop
from massgen_logs.errors import MassgenLogError
from massgen_logs.text.clean import flat
from massgen_logs.text.page import DEFAULT_CHARS, MAX_CHARS, Page, check_limit
from massgen_logs.text.table import dollars, row_line, seconds, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.tree import Session


class AttemptRow(Struct, frozen=True):
    """One attempt and how it ended."""

    attempt: int
    state: str


class TurnRow(Struct, frozen=True):
    """One turn; analyzed: it has an ANALYSIS_REPORT.md. stale: the log changed after it; None without a report, or where
    no ANALYSIS_REPORT.json beside it tells what it came from."""

    turn: int
    analyzed: bool
    stale: bool | None
    attempts: list[AttemptRow]


class LogRow(Struct, frozen=True):
    """One log: the facts are those of its last attempt. started_at: local time of the machine that ran it. stale: True if
    one of its reports is, None if that of one can't be known or there is none. unreadable: those of the last attempt's
    files that tell it, of which something could not be read; any other tool looks at all of them."""

    session: str
    path: str
    started_at: str | None
    state: str
    analyzed: bool
    stale: bool | None
    turns: list[TurnRow]
    question: str | None
    agents: list[str]
    winner: str | None
    duration_s: float | None
    cost_usd: float | None
    massgen_version: str | None
    unreadable: list[str]


class Logs(Struct, frozen=True):
    """not_logs: log_* folders without a run in them, passed over on this page (the page's total counts them too)."""

    root: str
    logs: list[LogRow]
    not_logs: int


def list_logs(
    root: Path,
    limit: Limit = None,
    analyzed: Annotated[bool | None, "true: only logs with a report; false: only logs without one"] = None,
    cursor: Cursor = None,
) -> Result:
    """List MassGen logs, newest first: state, question, agents, winner, duration, cost, and whether each has a report (stale: the
    log changed after it).

    Args:
        root: the log root.
        limit: logs a page, 20 by default.
        analyzed: filter by the existence of ANALYSIS_REPORT.md.
        cursor: of the page before.
    """
    from massgen_logs.tree import analyzed_names, read_session, session_names

    check_limit(limit)
    every = session_names(root)
    reported = set[str]() if analyzed is None else analyzed_names(root, every)
    names = every if analyzed is None else [name for name in every if (name in reported) == analyzed]
    last, known = _cursor(cursor, every)
    first = sum(name >= last for name in names) if last else 0
    rows: list[LogRow] = []
    empty, following = 0, None
    room = DEFAULT_CHARS if limit is None else MAX_CHARS
    for name in names[first:]:
        if len(rows) == (limit or 20) or (rows and room < 0):
            following = f"{rows[-1].session}/{len(names)}"
            break
        stop.check()
        session = read_session(root / name)
        empty += not session.turns
        if session.turns:
            rows.append(_row(session))
            room -= len(row_line(_cells(to_builtins(rows[-1]))))
    where = Page(len(rows), len(names), following, first, known is not None and known != len(names))
    return Result(
        Logs(str(root), rows, empty), where,
        (f'run_overview(log="{rows[0].session}")',) if rows else (), [],
    )  # fmt: skip


def _cursor(cursor: str | None, names: list[str]) -> tuple[str, int | None]:
    """The last log of the page before, and how many logs the list had then: newer ones, or ones that a report has moved
    out of the list since, shift no page."""
    from massgen_logs.tree import SESSION

    if not cursor:
        return "", None
    name, _, total = cursor.partition("/")
    if not SESSION.fullmatch(name) or not (total.isascii() and total.isdigit()):
        raise MassgenLogError(
            f"cursor={cursor!r} is none of this list ({len(names)} logs). Leave it out for the first page."
        )
    return name, int(total)


def _row(session: Session) -> LogRow:
    from massgen_logs.report.fingerprints import stale
    from massgen_logs.run.summary import summarise
    from massgen_logs.tree import Place

    last = session.turns[-1]
    facts = summarise(Place(session, last, last.attempts[-1]))
    turns = [
        TurnRow(turn.number, turn.analyzed, stale(session, turn), [
            AttemptRow(a.number, facts.state if a is last.attempts[-1] else summarise(Place(session, turn, a)).state) for a in turn.attempts
        ])
        for turn in session.turns
    ]  # fmt: skip
    return LogRow(
        session.name, str(session.path), _started(session.name), facts.state, any(t.analyzed for t in turns), _stale(turns), turns,
        facts.question, list(facts.agents), facts.winner, facts.duration_s, facts.cost_usd, facts.version,
        list(facts.unreadable),
    )  # fmt: skip


def _stale(turns: list[TurnRow]) -> bool | None:
    known = [turn.stale for turn in turns if turn.analyzed]
    if any(known):
        return True
    return False if known and None not in known else None


def _started(name: str) -> str | None:
    try:
        return datetime.fromisoformat(name[4:19].replace("_", "T")).isoformat(" ")
    except ValueError:
        return None


def render(data: Any) -> list[str]:
    """A table, and the root it was read from."""
    rows = [_cells(log) for log in data["logs"]]
    header = ("log", "state", "report", "which turns", "agents", "winner", "s", "cost", "MassGen", "question")
    lines = [f"root: {data['root']}"]
    lines += table(header, rows) if rows else ["no logs"]
    for log in data["logs"]:
        files = log["unreadable"]
        lines += (
            [
                f"unreadable in {log['session']}: {flat(', '.join(files[:3]))}"
                + ("" if len(files) < 4 else f" and {len(files) - 3} more")
            ]
            if files
            else []
        )
    return lines + ([f"{data['not_logs']} log_* folders hold no run"] if data["not_logs"] else [])


def _cells(log: dict[str, Any]) -> tuple[object, ...]:
    report = "stale" if log["stale"] else "yes" if log["analyzed"] else "no"
    return (
        log["session"], log["state"], report, _turns(log["turns"]), len(log["agents"]), log["winner"],
        seconds(log["duration_s"]), dollars(log["cost_usd"]), log["massgen_version"], flat(log["question"] or "", 60),
    )  # fmt: skip


def _turns(turns: list[dict[str, Any]]) -> str:
    parts: list[str] = []
    for turn in turns:
        many = len(turn["attempts"]) > 1
        parts.append(f"{turn['turn']}" + (f" ({len(turn['attempts'])} attempts)" if many else ""))
    return ", ".join(parts)


TOOL = Tool("list_logs", "List MassGen logs", list_logs, render, needs="root", parts=False)
