"""Rules about what agents did: repetition, failures, verification."""

from __future__ import annotations

from massgen_logs.analysis.commands import repeated_commands
from massgen_logs.analysis.findings.rule import Finding, Rule
from massgen_logs.run.model import ANY_AGENT, Call, Run

STUCK = 6
"""Failures of the same command in a row before it counts as stuck (the skill: pivots after 2-3 failures is good)."""
REPEATED = 3
AGAIN_AFTER_RESTART = 2


def _agents(run: Run) -> list[str]:
    return list(dict.fromkeys(call.agent for call in run.calls))


def _stuck(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for agent in _agents(run):
        streak: list[Call] = []
        for call in [*(c for c in run.calls if c.agent == agent and c.command is not None), None]:
            head = (call.command or "").split()[:2] if call else None
            same = streak and head == (streak[0].command or "").split()[:2]
            if call is not None and call.outcome == "failed" and (not streak or same):
                streak.append(call)
                continue
            if len(streak) >= STUCK:
                words = " ".join((streak[0].command or "").split()[:2])
                text = f"{agent} ran `{words} ...` {len(streak)} times in a row although each run failed"
                found.append(
                    rule.finding(f"{agent}.{words}", text, [streak[0].src, streak[-1].src], failures=len(streak))
                )
            streak = [call] if call is not None and call.outcome == "failed" else []
    return found


def _repeated(run: Run, rule: Rule) -> list[Finding]:
    found: list[Finding] = []
    for row in repeated_commands(run, REPEATED).commands:
        for agent, times in row.by_agent.items():
            if times >= REPEATED and agent != ANY_AGENT:
                words = " ".join(row.command.split())[:80]
                found.append(
                    rule.finding(
                        f"{agent}.{words}",
                        f"{agent} ran `{words}` {times} times",
                        [row.where],
                        times=times,
                        seconds=row.total_s,
                    )
                )
    return found


def _after_restart(run: Run, rule: Rule) -> list[Finding]:
    rows = [row for row in repeated_commands(run, 2).commands if row.after_restart]
    again = sum(row.after_restart for row in rows)
    if again < AGAIN_AFTER_RESTART:
        return []
    words = ", ".join(f"`{' '.join(row.command.split())[:50]}`" for row in rows[:3])
    return [
        rule.finding(
            "",
            f"{again} runs after a restart of commands that had run before it: {words}",
            [row.where for row in rows],
            runs=again,
        )
    ]


def _false_success(run: Run, rule: Rule) -> list[Finding]:
    calls = [call for call in run.calls if call.outcome == "failed" and call.recorded_ok]
    if not calls:
        return []
    return [
        rule.finding(
            "", f"{len(calls)} failed calls are recorded as successes", [c.src for c in calls], calls=len(calls)
        )
    ]


def _hidden_by_pipe(run: Run, rule: Rule) -> list[Finding]:
    calls = [call for call in run.calls if call.hidden]
    if not calls:
        return []
    text = f"{len(calls)} commands exited with 0 while their stderr shows an error"
    return [rule.finding("", text, [call.src for call in calls], calls=len(calls))]


def _failure_before_end(run: Run, rule: Rule) -> list[Finding]:
    """The last command before an answer or a counted vote failed, and nothing was run after it."""
    found: list[Finding] = []
    ends = [(a.agent, a.t, f"submitted {a.label}") for a in run.answers]
    ends += [(v.voter, v.t, f"voted for {v.voted_for}") for v in run.votes if v.counted]
    for agent, t, what in ends:
        if t is None:
            continue
        own = [c for c in run.calls if c.agent == agent and c.command is not None and c.t is not None and c.t <= t]
        earlier = max((when for who, when, _ in ends if who == agent and when is not None and when < t), default=0.0)
        own = [call for call in own if (call.t or 0.0) > earlier]
        if own and own[-1].outcome == "failed":
            words = " ".join((own[-1].command or "").split())[:60]
            found.append(
                rule.finding(
                    f"{agent}.{what}",
                    f"{agent} {what} right after `{words}` had failed",
                    [own[-1].src],
                    exit_code=own[-1].exit_code,
                )
            )
    return found


def _nothing_run(run: Run, rule: Rule) -> list[Finding]:
    """Another agent ran tools, this one answered without a single call."""
    if not run.calls or any(call.agent == ANY_AGENT for call in run.calls):
        return []
    return [
        rule.finding(
            name, f"{name} submitted {', '.join(a.label or '?' for a in own)} without running any tool", [own[0].src]
        )
        for name in run.agents
        if (own := [a for a in run.answers if a.agent == name]) and not any(call.agent == name for call in run.calls)
    ]


def _refused_work(run: Run, rule: Rule) -> list[Finding]:
    denied = [call for call in run.calls if call.outcome == "denied"]
    if not denied:
        return []
    text = f"{len(denied)} of {len(run.calls)} tool calls were refused and never ran: {denied[0].error or ''}"
    return [rule.finding("", text, [call.src for call in denied], denied=len(denied), calls=len(run.calls))]


_SEED = "the skill's good and bad signs"
_RECORD = "the calls' own results"

RULES = (
    Rule("stuck_on_failure", "high", f">= {STUCK} failures in a row of commands with the same first two words", _SEED,
         "a changed approach between two of the failures", _stuck, "FM-1.3"),
    Rule("repeated_command", "low", f"the same command >= {REPEATED} times by one agent", _SEED, "a changed state that made the run necessary", _repeated, "FM-1.3"),
    Rule("again_after_restart", "medium", f">= {AGAIN_AFTER_RESTART} runs of commands that the agent had run before a restart", _SEED,
         "a workspace that was emptied in between", _after_restart, "FM-2.1"),
    Rule("false_success", "medium", "any failed call that MassGen records as a success", _RECORD, "a result that is no failure", _false_success),
    Rule("hidden_by_pipe", "medium", "any command with exit code 0 and an error on stderr", _RECORD, "a harmless warning on stderr", _hidden_by_pipe, "FM-3.2"),
    Rule("failure_before_end", "medium", "the last command before an answer or a counted vote failed", _RECORD,
         "a check of the failure by other means; read_trace", _failure_before_end, "FM-3.2"),
    Rule("answered_without_tools", "low", "an agent answered without a call while others used tools", _SEED, "a question that needs no tool", _nothing_run, "FM-3.2"),
    Rule("refused_work", "medium", "any tool call that was refused", _RECORD, "a run of the same call that was let through", _refused_work),
)  # fmt: skip
