"""watch_run: what a run is doing now; waits for a change or the end."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from massgen_logs import stop
from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.text.clean import flat, inline
from massgen_logs.text.table import counts, dollars, seconds, table
from massgen_logs.tools.base import LogsDir, Result, Tell, Tool

if TYPE_CHECKING:
    from massgen_logs.run.live import LiveAgent, LiveRun, Watch
    from massgen_logs.text.mask import Masker

POLL_S = 1.0
"""Seconds between two looks."""
LONGEST_S = 3600.0
MOST = 16
"""Runs watched by one call."""
_MARK = re.compile(r"[0-9a-f]{8}")


class Seen(Struct, frozen=True):
    """A run as the last look found it. state and told: in words, with the evidence. pace: see analysis/living.py."""

    run: LiveRun
    state: str
    pace: str
    told: str


class Watched(Struct, frozen=True):
    """mark: to be given as `until` for a change since this answer. ended_by: change, end or timeout."""

    runs: list[Seen]
    waited_s: float
    ended_by: str
    mark: str


def watch_run(
    logs_dir: LogsDir,
    tell: Tell | None,
    log: Annotated[str, "as elsewhere; commas between several"] = "latest",
    timeout_s: Annotated[float, "0: only look"] = 45,
    until: Annotated[str, "change, end, or the mark in an answer: a change since"] = "change",
) -> Result:
    """Tell what a live run is doing: phase, winner, agents, what runs now and how long, stuck or slow, cost so far; wait until it
    changes or ends.

    Args:
        logs_dir: of the log_* folders.
        tell: progress.
        log: see above.
        timeout_s: see above.
        until: see above.
    """
    from massgen_logs.analysis import living
    from massgen_logs.run.model import Source
    from massgen_logs.text.mask import Masker

    if until not in {"change", "end"} and not _MARK.fullmatch(until):
        raise MassgenLogError(f'until={quoted(until)}: give "change", "end" or the mark of an earlier answer.')
    if not 0 <= timeout_s <= LONGEST_S:
        raise MassgenLogError(f"timeout_s={timeout_s:g} must be from 0 to {LONGEST_S:g}; call again to wait on.")
    watches = begin(logs_dir, log)
    begun, known = time.monotonic(), "" if until in {"change", "end"} else until
    masker, why = Masker(), "timeout"
    runs: list[LiveRun] = []
    for runs in looks(watches, lambda: timeout_s - (time.monotonic() - begun), POLL_S):
        mark = living.mark(runs)
        known = known or mark
        if all(run.over for run in runs):
            why = "end"
            break
        if until != "end" and mark != known:
            why = "change"
            break
        stop.check()
        if tell is not None:
            line = masker.text(" | ".join(brief(run, masker) for run in runs))
            tell(time.monotonic() - begun, timeout_s, flat(line, 400))
    mark = living.mark(runs)
    seen = [Seen(run, state_of(run), living.pace(run), sentence(run, masker)) for run in runs]
    sources = [
        Source(f"{run.session}/{s.file}" if len(runs) > 1 else s.file, s.rows, s.unreadable)
        for run in runs
        for s in run.sources
    ]
    return Result(
        Watched(seen, round(time.monotonic() - begun, 1), why, mark), next=_next(runs, mark, log), sources=sources,
        problems=[problem for run in runs for problem in run.problems], masker=masker,
    )  # fmt: skip


def begin(logs_dir: str | None, log: str) -> list[Watch]:
    """Put each log that `log` names under watch, each once.

    Raises:
        MassgenLogError: for an unknown log, none, or more than MOST.
    """
    from massgen_logs.run import live
    from massgen_logs.tree import find_root

    names = [log] if os.path.lexists(os.path.expanduser(log)) else [name.strip() for name in log.split(",")]
    if len(names) > MOST:
        raise MassgenLogError(f"log names {len(names)} logs; at most {MOST} are watched at once.")
    found = {
        str(one.place.attempt.path): one for name in names for one in [live.watch(find_root(logs_dir, name), name)]
    }
    return list(found.values())


def looks(watches: list[Watch], left: Callable[[], float], every: float) -> Iterator[list[LiveRun]]:
    """All runs, again and again; the last time when `left`, the seconds that remain, is used up. Between two looks it waits
    `every` seconds, in which a caller who goes is noticed at once."""
    from massgen_logs.run import live

    while True:
        yield [live.look(one) for one in watches]
        remaining = left()
        if remaining <= 0:
            return
        stop.wait(min(every, remaining))


def brief(run: LiveRun, masker: Masker) -> str:
    """One line for people, its command masked."""
    from massgen_logs.analysis import living

    if run.state != "in_progress":
        return f"{run.session} · {state_of(run)} · {run.reason}"
    parts = [run.session, state_of(run), *(f"{a.id}: {a.doing}" for a in run.agents), f"cost {dollars(run.cost_usd)}"]
    return " · ".join([*parts, sentence(run, masker)] if living.pace(run) != "working" else parts)


def state_of(run: LiveRun) -> str:
    """State and phase in words."""
    if run.state != "in_progress":
        return run.state.replace("_", " ") + ("" if run.over else ", still being written")
    done = "" if run.completion is None else f", {run.completion:g} % by MassGen's count of answers and votes"
    return f"in progress: {run.phase or 'starting'}{done}"


def sentence(run: LiveRun, masker: Masker) -> str:
    """What `pace` means, with its evidence."""
    from massgen_logs.analysis import living

    found = living.pace(run)
    if found == "silent":
        return (
            f"silent: no file of this run was written for {seconds(run.written_s)} s, and a living MassGen rewrites status.json "
            "every 2 s: its process has ended or hangs"
        )
    told = [
        f"{agent.id}: no event for {seconds(agent.quiet_s)} s while {_open(agent, masker)}"
        for agent in run.agents if living.agent_pace(agent) in {"stuck", "slow"}
    ]  # fmt: skip
    if found in {"stuck", "slow"}:
        return f"{found}: " + (
            "; ".join(told) or f"nothing was logged for {seconds(run.quiet_s)} s; which call is open isn't recorded"
        )
    return found or run.reason


def _open(agent: LiveAgent, masker: Masker) -> str:
    from massgen_logs.analysis import living

    call = living.longest(agent.open_calls)
    if call is None:
        return "no call of it is open: it waits for its model, or MassGen starts its tools"
    command = f" {inline(flat(masker.text(call.command), 80))}" if call.command else ""
    more = f" ({len(agent.open_calls) - 1} more calls)" if len(agent.open_calls) > 1 else ""
    return f"{call.tool}{command} is open for {seconds(call.open_s)} s{more}"


def _next(runs: list[LiveRun], mark: str, log: str) -> tuple[str, ...]:
    """Names for logs that were named so, else the caller's own paths: a name alone may be looked for elsewhere."""
    given = log if os.sep in log else ",".join(run.session for run in runs)
    if all(run.over for run in runs):
        return tuple(f'run_overview(log="{name}")' for name in given.split(",")[:3])
    return (f'watch_run(log="{given}", until="{mark}")',)


def render(data: Any) -> list[str]:
    """Each run with its agents; what it means first."""
    lines: list[str] = []
    for seen in data["runs"]:
        run = seen["run"]
        lines += [
            f"{run['session']} · turn {run['turn']} · attempt {run['attempt']} of {run['attempts']} · "
            f"MassGen {run['massgen_version'] or 'of unknown version'} · {seen['state']}",
            f"pace: {seen['told']}" if seen["pace"] else f"ending: {flat(seen['told'])}",
        ]
        floor = " (a floor: not all is priced)" if run["cost_is_floor"] and run["cost_usd"] is not None else ""
        ran = (
            ""
            if run["elapsed_s"] is None
            else f"{'runs for' if seen['pace'] else 'ran'} {seconds(run['elapsed_s'])} s · "
        )
        lines.append(
            f"{ran}cost{' so far' if seen['pace'] else ''}: {dollars(run['cost_usd'])}{floor} · winner: {run['winner'] or 'none'} · "
            f"accepted votes by label: {counts(run['votes'])}"
        )
        if run["agents"]:
            header = ("agent", "status", "answers", "votes for", "now", "quiet s", "cost", "error")
            lines += table(header, [_cells(agent, run["state"] == "in_progress") for agent in run["agents"]])
        if not run["calls_recorded"]:
            lines.append("what runs now is not recorded: this run has no events.jsonl (before 0.1.46, or --debug)")
        if run["skipped_bytes"]:
            lines.append(
                f"the first {run['skipped_bytes']} bytes of events.jsonl were not read: a call open since then is not seen"
            )
    ended = {"change": "something changed", "end": "nothing more is to come", "timeout": "the time was up"}[
        data["ended_by"]
    ]
    return [*lines, f"waited {seconds(data['waited_s'])} s: {ended} · mark: {data['mark']}"]


def _cells(agent: dict[str, Any], live: bool) -> tuple[object, ...]:
    calls = agent["open_calls"]
    now = agent["doing"] if live or agent["doing"] == "dead" else "-"
    if calls:
        call = max(calls, key=lambda call: call["open_s"] or 0.0)
        more = f" +{len(calls) - 1} more" if len(calls) > 1 else ""
        now = f"{'' if live else 'no end of '}{call['tool']} {call['command'] or ''} {seconds(call['open_s'])} s{more}"
    return (
        agent["id"], agent["status"], agent["answers"], agent["voted_for"], flat("not recorded" if now == "unknown" else now, 120), seconds(agent["quiet_s"]) if live else "-",
        dollars(agent["cost_usd"]), agent["error"],
    )  # fmt: skip


TOOL = Tool("watch_run", "Watch runs", watch_run, render, needs="live", parts=False)
