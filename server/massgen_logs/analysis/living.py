"""Whether a run that goes on is working, slow, stuck or silent, and what of it counts as a change."""

from __future__ import annotations

import zlib
from collections.abc import Iterable

from massgen_logs.run.live import LiveAgent, LiveRun, OpenCall

SLOW_S = 30.0
"""Seconds without an event from which on an agent at work is called slow; models often take that long."""
STUCK_S = 180.0
"""Seconds without an event from which on it is called stuck: no proof, but worth a look."""
SILENT_S = 30.0
"""Seconds in which no file was written at all, from which on a run is called silent: MassGen itself writes every two."""


def pace(run: LiveRun) -> str:
    """The worst that holds: silent (of the run), stuck, slow, working; "" for a run that is not in progress."""
    if run.state != "in_progress":
        return ""
    if run.status_s is not None and run.written_s is not None and run.written_s >= SILENT_S:
        return "silent"
    of_agents = {agent_pace(agent) for agent in run.agents} if run.calls_recorded else {_pace(run.quiet_s)}
    return next((one for one in ("stuck", "slow") if one in of_agents), "working")


def agent_pace(agent: LiveAgent) -> str:
    """stuck, slow, working, or "" for an agent that is not at work or whose events aren't recorded."""
    return _pace(agent.quiet_s) if agent.doing in {"tool", "model"} else ""


def _pace(quiet_s: float | None) -> str:
    if quiet_s is None:
        return ""
    return "stuck" if quiet_s >= STUCK_S else "slow" if quiet_s >= SLOW_S else "working"


def longest(calls: Iterable[OpenCall]) -> OpenCall | None:
    """The call that has been open for the longest time."""
    return max(calls, key=lambda call: call.open_s or 0.0, default=None)


def mark(runs: Iterable[LiveRun]) -> str:
    """Eight characters that stay the same until something happens that counts: another attempt, state, phase or winner, an
    agent's status, error, answers or vote, or that a run or an agent gets stuck or silent, or moves again."""
    seen = [
        (run.path, run.state, run.over, run.phase, run.winner, _bad(pace(run)), [
            (a.id, a.status, a.error, a.answers, a.voted_for, _bad(agent_pace(a))) for a in run.agents
        ])
        for run in runs
    ]  # fmt: skip
    return f"{zlib.crc32(repr(seen).encode('utf-8', 'replace')):08x}"


def _bad(found: str) -> str:
    return found if found in {"stuck", "silent"} else ""
