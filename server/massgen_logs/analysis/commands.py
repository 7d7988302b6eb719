"""repeated_commands: what shell commands ran, how often, by whom, how long, with which end."""

from __future__ import annotations

from msgspec import Struct, field

from massgen_logs.run.model import Call, Run


class Command(Struct):
    """One command text. Times in seconds, own time where the result tells it, else MassGen's elapsed time.

    ran counts executions (background ones too); denied ones never ran. failed: ran with a non-zero exit code.
    failed is None where no result is recorded. after_restart: ran again by the same agent in a later execution than its first. hidden: exit 0, error on stderr.
    """

    command: str
    ran: int = 0
    by_agent: dict[str, int] = field(default_factory=dict[str, int])
    failed: int | None = 0
    denied: int = 0
    total_s: float | None = None
    max_s: float | None = None
    max_output_chars: int | None = None
    after_restart: int = 0
    exit_codes: list[int] = field(default_factory=list[int])
    error: str | None = None
    hidden: int = 0
    background: int = 0
    not_run: int = 0
    where: str = ""


class Commands(Struct):
    """All commands of a run (totals None where no file holds calls; total_failed where none holds results), those that matter first: repeated, then failed or denied, then by time."""

    commands: list[Command]
    distinct: int
    total_ran: int | None
    total_failed: int | None
    total_denied: int | None
    denied_other_tools: int
    min_count: int
    failed_once: list[Command]
    """Failed, refused or silently failing ones that are not in the list; at most ten, others_failed more."""
    others_failed: int
    slowest: list[Command]
    longest_output: list[Command]
    times: str
    """What the times are: "own" (execution_time of the result), "elapsed" (MassGen's), "mixed", "client" (of these commands
    only times of their client are recorded, which are not theirs and left out) or "none"."""
    untimed: list[str]
    """Agents whose commands have no time here for that reason, beside others that may have one."""


def repeated_commands(run: Run, min_count: int) -> Commands:
    """Group the run's calls by command text; commands that ran fewer than `min_count` times are left out of the list."""
    groups: dict[str, Command] = {}
    first_execution: dict[tuple[str, str], int | None] = {}
    own = elapsed = 0
    untimed: dict[str, None] = {}
    for call in run.calls:
        if call.command is None:
            continue
        row = groups.setdefault(call.command, Command(call.command, where=call.src))
        if call.outcome == "denied":
            row.denied += 1
            row.error = row.error or call.error
        elif call.outcome == "not_run":
            row.not_run += 1
            row.error = row.error or call.error
        else:
            own += call.exec_s is not None
            elapsed += call.exec_s is None and call.elapsed_s is not None
            if call.exec_s is None and call.agent in run.agents and run.agents[call.agent].client_times:
                untimed[call.agent] = None
            _add(row, call, first_execution)
    if not run.results_recorded:
        for row in groups.values():
            row.failed = None
    rows = sorted(groups.values(), key=_rank)
    timed = [row for row in rows if row.max_s is not None]
    sized = [row for row in rows if row.max_output_chars]
    denied = sum(call.outcome == "denied" for call in run.calls)
    listed, others = list[Command](), list[Command]()
    for row in rows:
        (listed if max(row.ran, row.denied, row.not_run) >= min_count else others).append(row)
    below = [row for row in others if row.failed or row.denied or row.not_run or row.hidden]
    return Commands(
        listed,
        sum(row.ran > 0 for row in rows),
        sum(row.ran for row in rows) if run.calls_recorded else None,
        sum(row.failed or 0 for row in rows) if run.results_recorded else None,
        denied if run.denied_recorded else None,
        sum(call.outcome == "denied" and call.command is None for call in run.calls),
        min_count,
        below[:10],
        max(0, len(below) - 10),
        sorted(timed, key=lambda row: -(row.max_s or 0))[:5],
        sorted(sized, key=lambda row: -(row.max_output_chars or 0))[:5],
        "mixed" if own and elapsed else "own" if own else "elapsed" if elapsed else "client" if untimed else "none",
        list(untimed),
    )


def _add(row: Command, call: Call, first_execution: dict[tuple[str, str], int | None]) -> None:
    row.ran += 1
    row.by_agent[call.agent] = row.by_agent.get(call.agent, 0) + 1
    row.background += call.background
    row.hidden += call.hidden is not None
    if call.outcome == "failed":
        row.failed = (row.failed or 0) + 1
        row.error = row.error or call.error
        if call.exit_code is not None and call.exit_code not in row.exit_codes:
            row.exit_codes.append(call.exit_code)
    row.error = row.error or call.hidden
    took = call.exec_s if call.exec_s is not None else call.elapsed_s
    if took is not None:
        row.total_s = round((row.total_s or 0.0) + took, 3)
        row.max_s = round(max(row.max_s or 0.0, took), 3)
    if call.output_chars is not None:
        row.max_output_chars = max(row.max_output_chars or 0, call.output_chars)
    start = call.execution if call.execution is not None else call.round
    first = first_execution.setdefault((row.command, call.agent), start)
    row.after_restart += first is not None and start is not None and start > first


def _rank(row: Command) -> tuple[int, float]:
    if row.ran > 1:
        return (0, -row.ran)
    if row.failed or row.denied or row.hidden or row.not_run:
        return (1, -((row.failed or 0) + row.denied + row.hidden))
    return (2, -(row.total_s or 0.0))
