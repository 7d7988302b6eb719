"""Times of massgen.log: whole seconds, so that what a line tells may have come up to a second later.

It came not before the run's start, nor before what caused it where that is in the same second. A time-out came when its message says,
a presentation when its recorded round began.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec.structs import replace

from massgen_logs.run.model import Answer, Execution, Moment, Run, Vote

_TOOK = re.compile(r"Time limit exceeded \(([\d.]+)s/")


def place(run: Run) -> None:
    """All but the votes: moments, calls, refused responses and tries to connect that the log alone tells."""
    start = run.started or 0.0
    for call in run.calls:
        if _whole(call.t, call.src):
            call.t, call.end = _after(call.t, (start,)), _after(call.end, (start,))
    answered = min((a.t for a in run.answers if a.t is not None), default=None)
    if run.refused_told is not None:
        run.refused_told = [
            replace(one, t=_after(one.t, (start, answered if one.reason == "invalid_vote_id" else None)))
            for one in run.refused_told
        ]
    run.unconnected = [replace(one, t=_after(one.t, (start,))) for one in run.unconnected]
    acts = [*(a.t for a in run.answers), *(v.t for v in run.votes if v.accepted), start]
    placed: list[Moment] = []
    for moment in run.moments:
        t = moment.t
        if _whole(t, moment.src):
            t = _after(t, (start,))
            if moment.kind == "timeout" and (match := _TOOK.search(moment.detail)):
                t = _after(t, (start + float(match[1]),))
            if moment.kind == "presentation":
                begun = [r.start for r in run.rounds if r.type == "presentation" and r.agent == moment.agent]
                t = (
                    _after(t, begun)
                    if any(begun)
                    else _after(t, (*acts, *(m.t for m in placed if m.kind == "timeout")))
                )
        placed.append(moment if t == moment.t else replace(moment, t=t))
    run.moments = sorted(placed, key=lambda moment: moment.t if moment.t is not None else float("inf"))


def place_votes(
    votes: list[Vote], answers: Iterable[Answer], executions: Iterable[Execution], start: float | None,
) -> list[Vote]:  # fmt: skip
    """Ignored votes: after the voter's first start, and the answer of another agent in that second, for which they were ignored."""
    first = {e.agent: e.t for e in executions if e.index == 0}
    told = [(a.agent, a.t) for a in answers]
    return [
        replace(v, t=_after(v.t, (start, first.get(v.voter), *(t for agent, t in told if agent != v.voter))))
        if v.ignored and _whole(v.t, v.src)
        else v
        for v in votes
    ]


def _whole(t: float | None, src: str) -> bool:
    return t is not None and src.startswith("massgen") and abs(t - round(t)) < 1e-6


def _after(t: float | None, bounds: Iterable[float | None]) -> float | None:
    """The latest bound that is less than a second later, if any."""
    return None if t is None else max([t, *(b for b in bounds if b is not None and b < t + 1)])
