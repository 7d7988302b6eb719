"""Time by phase and round, as far as MassGen recorded it."""

from __future__ import annotations

from msgspec import Struct

from massgen_logs.run.model import RoundRecord, Run


class Phase(Struct, frozen=True):
    """Seconds over all rounds of one type and all agents; share: of the sum over all phases, 0 to 1."""

    phase: str
    count: int
    avg_s: float
    max_s: float
    total_s: float
    share: float


class Operation(Struct, frozen=True):
    """A long call or round. seconds: a call's own time where its result tells it, else, with own false, MassGen's elapsed time, queueing
    included; queue_s: queueing apart, None where it can't be told; share: of the run's duration, 0 to 1."""

    what: str
    seconds: float
    own: bool
    queue_s: float | None
    share: float | None
    where: str


def _took(record: RoundRecord) -> float | None:
    return None if record.start is None or record.end is None else max(0.0, record.end - record.start)


def rounds(run: Run) -> list[RoundRecord]:
    """The recorded rounds, without the empty one that some versions leave of a first stream that was restarted at once."""
    return [
        r for r in run.rounds if not (r.outcome == "restarted" and not r.usage.input_tokens and (_took(r) or 0.0) < 1.0)
    ]


def phases(run: Run) -> list[Phase]:
    """By phase, in order of appearance; empty where the version records no rounds."""
    spent: dict[str, list[float]] = {}
    for record in rounds(run):
        took = _took(record)
        if took is not None:
            spent.setdefault(record.type or "?", []).append(took)
    total = sum(sum(values) for values in spent.values())
    return [
        Phase(
            name,
            len(v),
            round(sum(v) / len(v), 3),
            round(max(v), 3),
            round(sum(v), 3),
            round(sum(v) / total, 4) if total else 0.0,
        )
        for name, v in spent.items()
    ]


def slowest(run: Run, limit: int) -> list[Operation]:
    """The longest calls, longest first."""
    found: list[Operation] = []
    for call in run.calls:
        took = call.exec_s if call.exec_s is not None else call.elapsed_s
        if took is not None and call.ran:
            both = call.exec_s is not None and call.elapsed_s is not None and not call.background
            queue = round(max(0.0, (call.elapsed_s or 0.0) - (call.exec_s or 0.0)), 3) if both else None
            what = f"{call.agent} {call.tool}: {call.command or ''}".rstrip(": ")
            found.append(Operation(what, round(took, 3), call.exec_s is not None, queue, _share(run, took), call.src))
    return sorted(found, key=lambda one: -one.seconds)[:limit]


def slowest_rounds(run: Run, limit: int) -> list[Operation]:
    """The longest recorded rounds, longest first."""
    found = [
        Operation(
            f"{r.agent} round {r.round} ({r.type}, {r.outcome})", round(took, 3), True, None, _share(run, took), r.src
        )
        for r in rounds(run)
        if (took := _took(r)) is not None
    ]
    return sorted(found, key=lambda one: -one.seconds)[:limit]


def _share(run: Run, took: float) -> float | None:
    return round(took / run.duration_s, 4) if run.duration_s else None
