"""How each tool keeps its word: failures told as success, time limits, the same input with different output."""

from __future__ import annotations

import json
import re

from msgspec import Struct

from massgen_logs.run.model import Call

SAME_CHARS = 40
"""Characters by which two outputs of the same call may differ: the digits of its own execution_time (S30) vary."""
_TIMED_OUT = re.compile(r"(?i)\btimed out\b|\btimeout (?:after|of|expired|exceeded)|TimeoutError|TimeoutExpired")
_AFTER = re.compile(r"(?i)timed out after (\d+(?:\.\d+)?) ?(ms|s\b|sec|m\b|min)?")


class ToolContract(Struct):
    """One tool's calls. ran: executed, or may have been (open ones too); false_successes: failed, recorded as success.

    hidden: exit 0 with an error on stderr. open: started, no end recorded. unknown: ended, outcome not recorded.
    """

    tool: str
    calls: int = 0
    ran: int = 0
    failed: int = 0
    false_successes: int = 0
    hidden: int = 0
    denied: int = 0
    never_ran: int = 0
    open: int = 0
    unknown: int = 0
    timed_out: int = 0


class Limit(Struct, frozen=True):
    """A call with a time limit, in seconds. asked_s: by its arguments, or as the time-out's message names it.

    taken_s: its own time, else MassGen's elapsed; None where none is recorded.
    """

    tool: str
    agent: str
    command: str | None
    asked_s: float | None
    taken_s: float | None
    timed_out: bool
    outcome: str
    src: str


class Different(Struct, frozen=True):
    """The same tool with the same arguments, and more than one result. outcomes: what came out to how often."""

    tool: str
    command: str | None
    args: dict[str, object]
    runs: int
    agents: list[str]
    outcomes: dict[str, int]
    src: str


def timed_out_by_message(call: Call) -> bool:
    """By its own message, of a call that a tool or its client ended: no command's exit code speaks against it."""
    ended = call.exit_code in {None, -1, 124, 137, 143}
    return call.outcome in {"failed", "unknown"} and ended and bool(_TIMED_OUT.search(call.error or ""))


def contract(calls: list[Call]) -> list[ToolContract]:
    """Per tool, those with trouble first."""
    rows: dict[str, ToolContract] = {}
    for call in calls:
        row = rows.setdefault(call.tool, ToolContract(call.tool))
        row.calls += 1
        row.ran += call.ran
        row.failed += call.outcome == "failed"
        row.false_successes += call.outcome == "failed" and call.recorded_ok is True
        row.hidden += call.hidden is not None
        row.denied += call.outcome == "denied"
        row.never_ran += call.outcome == "not_run"
        row.open += call.outcome == "open"
        row.unknown += call.outcome == "unknown"
        row.timed_out += timed_out_by_message(call)
    trouble = {r.tool: r.failed + r.hidden + r.denied + r.never_ran + r.open + r.unknown for r in rows.values()}
    return sorted(rows.values(), key=lambda r: (-trouble[r.tool], -r.calls, r.tool))


def limit_of(call: Call) -> Limit | None:
    """The call's time limit against its time; None for a call without a limit that did not time out either."""
    if not call.ran:
        return None
    asked = _asked(call)
    timed_out = timed_out_by_message(call)
    if asked is None and timed_out and (match := _AFTER.search(call.error or "")):
        unit = match[2] or "s"
        asked = float(match[1]) * (0.001 if unit == "ms" else 60 if unit.startswith("m") else 1)
    if asked is None and not timed_out:
        return None
    taken = call.exec_s if call.exec_s is not None else call.elapsed_s
    over = asked is not None and taken is not None and taken >= asked
    return Limit(
        call.tool, call.agent, call.command, asked, taken, timed_out or over or call.over_limit, call.outcome, call.src
    )


def _asked(call: Call) -> float | None:
    """Seconds that the arguments allow: milliseconds for claude_code's tools and for keys that say so."""
    inner = call.args.get("arguments")
    places: list[object] = [call.args, inner]
    for place in places:
        if not isinstance(place, dict):
            continue
        for key in (
            "timeout",
            "timeout_seconds",
            "timeout_s",
            "timeout_sec",
            "timeout_ms",
            "timeoutMs",
            "max_wait_seconds",
        ):
            value: object = place.get(key)  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
            if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
                in_ms = key in {"timeout_ms", "timeoutMs"} or (key == "timeout" and call.tool == "Bash")
                return round(value / 1000 if in_ms else float(value), 3)
    return None


def different_results(calls: list[Call]) -> list[Different]:
    """Equal calls that ran and ended with different outcomes, exit codes or output sizes."""
    groups: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        if call.ran and call.outcome not in {"open", "unknown"} and call.args:
            key = json.dumps(call.args, sort_keys=True, default=str)
            groups.setdefault((call.tool, key), []).append(call)
    found: list[Different] = []
    for (tool, _), group in groups.items():
        outcomes: dict[str, int] = {}
        sizes: list[tuple[str, int | None]] = []
        for call in group:
            how = _how(call)
            near = next((s for s in sizes if s[0] == how and _near_size(s[1], call.output_chars)), None)
            if near is None:
                near = (how, call.output_chars)
                sizes.append(near)
            name = near[0] if near[1] is None else f"{near[0]}, ~{near[1]} chars"
            outcomes[name] = outcomes.get(name, 0) + 1
        if len(outcomes) > 1:
            first = group[0]
            agents = list(dict.fromkeys(call.agent for call in group))
            found.append(Different(tool, first.command, first.args, len(group), agents, outcomes, first.src))
    ends = {id(d): len({name.split(", ~")[0] for name in d.outcomes}) for d in found}
    found.sort(key=lambda d: (-ends[id(d)], -d.runs))
    return found


def _how(call: Call) -> str:
    if call.exit_code is not None:
        return f"exit {call.exit_code}" + (" with an error on stderr" if call.hidden else "")
    return call.outcome


def _near_size(a: int | None, b: int | None) -> bool:
    return a is None or b is None or abs(a - b) <= SAME_CHARS
