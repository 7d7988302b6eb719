"""Rules about what agents did: repetition, failures, verification."""

from __future__ import annotations

import re
from collections.abc import Iterable

from massgen_logs.analysis.findings.rule import Finding, Rule
from massgen_logs.run.model import Call, Run

STUCK = 6
"""Failures of the same command in a row before it counts as stuck (the skill: pivots after 2-3 failures is good)."""
PIVOT = (2, 3)
REPEATED = 3
AGAIN_AFTER_RESTART = 2
_GONE = re.compile(r"(?i)no such file|can't open file|cannot find|not found|does not exist")
_FILE = re.compile(r"[\w.-]+\.[A-Za-z]\w{0,7}\b")


def _commands(run: Run, *, refused: bool = False) -> dict[str, list[Call]]:
    """Each agent's own commands in order, those that never ran only with `refused`."""
    found: dict[str, list[Call]] = {}
    for call in run.calls:
        if call.command is not None and (call.ran or refused):
            found.setdefault(call.agent, []).append(call)
    return found


def _head(rule: Rule, call: Call) -> str:
    """The first two words of a command."""
    return " ".join(rule.mask(call.command or "").split()[:2])


def _start(call: Call) -> int | None:
    """Which start of its agent a call belongs to: its execution, else its coordination round."""
    return call.execution if call.execution is not None else call.round


def _places(calls: Iterable[Call]) -> list[str]:
    """Where calls and their results stand; the first and the last before those between."""
    own = list(calls)
    return [place for call in (*own[:1], *own[-1:], *own[1:-1]) for place in call.places]


def _streaks(commands: list[Call]) -> list[tuple[list[Call], Call | None]]:
    """Runs of failures with the same first two words, each with the command that came after it."""
    found: list[tuple[list[Call], Call | None]] = []
    streak: list[Call] = []
    for call in commands:
        head = (call.command or "").split()[:2]
        if call.outcome == "failed" and (not streak or head == (streak[0].command or "").split()[:2]):
            streak.append(call)
            continue
        if streak:
            found.append((streak, call))
        streak = [call] if call.outcome == "failed" else []
    return [*found, (streak, None)] if streak else found


def _stuck(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for agent, commands in _commands(run).items():
        for streak, _ in _streaks(commands):
            if len(streak) >= STUCK:
                head = _head(rule, streak[0])
                text = (
                    f"{agent} ran `{head} ...` {len(streak)} times, no other command between, although each run failed"
                )
                why = f"a change by {agent} between two of these runs that could have mended `{head}`"
                found.append(rule.finding(f"{agent}.{head}", text, _places(streak), why, failures=len(streak)))
    return found


def _pivot(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for agent, commands in _commands(run).items():
        for streak, after in _streaks(commands):
            if not PIVOT[0] <= len(streak) <= PIVOT[1] or after is None or after.outcome != "ok" or after.hidden:
                continue
            head, words = _head(rule, streak[0]), rule.short(after.command)
            if (after.command or "").split()[:2] != (streak[0].command or "").split()[:2]:
                text = f"{agent} left `{head} ...` after {len(streak)} failures and went on with `{words}`"
                found.append(rule.finding(f"{agent}.{head}", text, _places([*streak, after]), failures=len(streak)))
    return found


def _repeated(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for agent, commands in _commands(run).items():
        for command, own in _groups(commands).items():
            if len(own) >= REPEATED:
                words = rule.short(command, 80)
                took = [c.exec_s if c.exec_s is not None else c.elapsed_s for c in own]
                known = [t for t in took if t is not None]
                text = f"{agent} ran `{words}` {len(own)} times"
                places = [call.src for call in (own[0], own[-1], *own[1:-1])]
                why = f"a change between two of these runs that gave `{words}` something new to do"
                found.append(rule.finding(
                    f"{agent}.{words}", text, places, why, times=len(own), seconds=round(sum(known), 3) if known else None,
                ))  # fmt: skip
    return found


def _groups(commands: list[Call]) -> dict[str, list[Call]]:
    found: dict[str, list[Call]] = {}
    for call in commands:
        found.setdefault(call.command or "", []).append(call)
    return found


def _after_restart(run: Run, rule: Rule) -> list[Finding]:
    again: list[Call] = []
    first: dict[tuple[str, str], int] = {}
    for call in (call for own in _commands(run).values() for call in own):
        start = _start(call)
        if start is not None and first.setdefault((call.agent, call.command or ""), start) < start:
            again.append(call)
    if len(again) < AGAIN_AFTER_RESTART:
        return []
    shown = list(dict.fromkeys(rule.short(call.command, 50) for call in again))
    words = ", ".join(f"`{one}`" for one in shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
    by = ", ".join(f"{agent} {sum(c.agent == agent for c in again)}" for agent in dict.fromkeys(c.agent for c in again))
    text = f"{len(again)} runs after a restart of commands that the same agent had run before it ({by}): {words}"
    return [rule.finding("", text, [call.src for call in again], runs=len(again), commands=len(shown))]


def _false_success(run: Run, rule: Rule) -> list[Finding]:
    calls = [call for call in run.calls if call.outcome == "failed" and call.recorded_ok]
    if not calls:
        return []
    own = "not recorded" if run.recorded_tool_failures is None else str(run.recorded_tool_failures)
    failed = (
        "1 failed call is recorded as a success"
        if len(calls) == 1
        else f"{len(calls)} failed calls are recorded as successes"
    )
    text = f"{failed} (MassGen's own count of failures: {own})"
    places = [call.end_src or call.src for call in calls]
    return [rule.finding("", text, places, calls=len(calls), massgen_failures=run.recorded_tool_failures)]


def _hidden_by_pipe(run: Run, rule: Rule) -> list[Finding]:
    calls = [call for call in run.calls if call.hidden]
    if not calls:
        return []
    what = (
        "1 command exited with 0 while its" if len(calls) == 1 else f"{len(calls)} commands exited with 0 while their"
    )
    text = f"{what} stderr shows an error: {rule.short(calls[0].hidden, 100)}"
    return [rule.finding("", text, [call.end_src or call.src for call in calls], calls=len(calls))]


def _emptied(run: Run, rule: Rule) -> list[Finding]:
    """Failures for want of a file that the agent had used before its own answer: MassGen empties the workspace then."""
    found: list[Finding] = []
    for agent, commands in _commands(run).items():
        answered = min((a.t for a in run.answers if a.agent == agent and a.t is not None), default=None)
        if answered is None:
            continue
        before = {
            name
            for call in run.calls
            if call.agent == agent
            and call.outcome == "ok"
            and not call.hidden
            and call.t is not None
            and call.t < answered
            for name in _FILE.findall(
                " ".join([call.command or "", *(v for v in call.args.values() if isinstance(v, str) and len(v) < 300)])
            )
        }
        lost: dict[str, list[Call]] = {}
        for call in commands:
            error = call.error or call.hidden or ""
            if (
                call.t is not None
                and call.t > answered
                and (call.outcome == "failed" or call.hidden)
                and _GONE.search(error)
            ):
                for name in dict.fromkeys(_FILE.findall(error)):
                    if name in before and name in (call.command or ""):
                        lost.setdefault(name, []).append(call)
                        break
        label = next(a.label for a in run.answers if a.agent == agent and a.t == answered)
        for name, calls in lost.items():
            text = (
                f"{len(calls)} command{'s' * (len(calls) > 1)} of {agent} failed for want of {name}, which it had before its answer "
                f"{label}: MassGen empties the workspace at an answer"
            )
            why = f"{agent} itself removing {name}, or {name} missing before {label}"
            hidden = sum(call.hidden is not None for call in calls)
            found.append(rule.finding(f"{agent}.{name}", text, _places(calls), why, commands=len(calls), hidden=hidden))
    return found


def _failure_before_end(run: Run, rule: Rule) -> list[Finding]:
    """The last command before an answer or a counted vote failed, in the same execution, and nothing was run or decided between."""
    found: list[Finding] = []
    ends = [(a.agent, a.t, f"submitted {a.label}", a.src) for a in run.answers]
    ends += [(v.voter, v.t, f"voted for {v.voted_for}", v.src) for v in run.votes if v.counted]
    commands = _commands(run, refused=True)  # a refused one after the failure was an attempt to go on
    borders = [(a.agent, a.t) for a in run.answers] + [(v.voter, v.t) for v in run.votes]
    borders += [(e.agent, e.t) for e in run.executions]
    for agent, t, what, src in ends:
        if t is None:
            continue
        earlier = max((when for who, when in borders if who == agent and when is not None and when < t), default=0.0)
        own = [c for c in commands.get(agent, ()) if c.t is not None and earlier < c.t <= t]
        if own and own[-1].outcome == "failed":
            words = rule.short(own[-1].command)
            found.append(rule.finding(
                f"{agent}.{what}", f"{agent} {what} right after `{words}` had failed", [*own[-1].places, src],
                f"a check by {agent} of what `{words}` was to show, by other means: read_trace(agent=\"{agent}\")",
                exit_code=own[-1].exit_code,
            ))  # fmt: skip
    return found


def _nothing_run(run: Run, rule: Rule) -> list[Finding]:
    """Another agent ran tools, this one answered without a single call."""
    if not run.calls:
        return []
    return [
        rule.finding(
            name,
            f"{name} submitted {', '.join(a.label or '?' for a in own)} without running any tool",
            [a.src for a in own],
            others_calls=len(run.calls),
        )
        for name in run.agents
        if (own := [a for a in run.answers if a.agent == name]) and not any(call.agent == name for call in run.calls)
    ]


def _refused_work(run: Run, rule: Rule) -> list[Finding]:
    denied = [call for call in run.calls if call.outcome == "denied"]
    if not denied:
        return []
    text = (
        f"{len(denied)} of {len(run.calls)} tool calls were refused and never ran: {rule.short(denied[0].error, 120)}"
    )
    return [rule.finding("", text, _places(denied), denied=len(denied), calls=len(run.calls))]


_SEED = "the skill's good and bad signs"
_RECORD = "the calls' own results"

RULES = (
    Rule("stuck_on_failure", "high", f">= {STUCK} failures in a row of commands with the same first two words", _SEED,
         "a changed approach between two of the failures", _stuck, "FM-1.3", needs=("calls", "callers")),
    Rule("again_after_restart", "medium", f">= {AGAIN_AFTER_RESTART} runs of commands that the agent had run before a restart", _SEED,
         "a workspace that was emptied in between", _after_restart, "FM-2.1", needs=("calls", "callers")),
    Rule("false_success", "medium", "any failed call that MassGen records as a success", _RECORD, "a result that is no failure", _false_success,
         flag="false_success", needs=("calls",)),
    Rule("hidden_by_pipe", "medium", "any command with exit code 0 and an error on stderr", _RECORD, "a harmless warning on stderr", _hidden_by_pipe, "FM-3.2",
         "hidden_by_pipe", ("calls",)),
    Rule("workspace_emptied", "medium", "any command that failed for want of a file that its agent had used before its own answer", "MassGen empties the workspace at an answer",
         "the agent itself removing the file", _emptied, "FM-1.4", needs=("calls", "callers")),
    Rule("failure_before_end", "medium", "the last command before an answer or a counted vote failed", _RECORD,
         "a check of the failure by other means; read_trace", _failure_before_end, "FM-3.2", needs=("calls", "callers")),
    Rule("refused_work", "medium", "any tool call that was refused", _RECORD, "a run of the same call that was let through", _refused_work,
         flag="denied", needs=("calls", "refusals")),
    Rule("repeated_command", "low", f"the same command >= {REPEATED} times by one agent", _SEED, "a changed state that made the run necessary", _repeated, "FM-1.3",
         needs=("calls", "callers")),
    Rule("answered_without_tools", "low", "an agent answered without a call while others used tools", _SEED, "a question that needs no tool", _nothing_run, "FM-3.2",
         needs=("calls", "callers")),
    Rule("pivot", "info", f"a good sign: {PIVOT[0]} or {PIVOT[1]} failures in a row, then another command that worked", _SEED,
         "a next command that goes on with the same approach", _pivot, needs=("calls", "callers")),
)  # fmt: skip
