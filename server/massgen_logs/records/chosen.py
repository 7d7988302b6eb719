"""Which of the spans that came back are those of one attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from massgen_logs.records.received import Received
from massgen_logs.records.schema import Record
from massgen_logs.run.model import Run

SESSION = "coordination.session"
_ORPHAN_S = 1.0
"""MassGen leaves a coordination.session of 0.01 s without a log path, in a trace of its own, in every run."""
_QUARTER = 900.0


class Chosen(Struct, frozen=True):
    """spans: of this attempt, by time; left_out: how many others there were, by why; pending: names of spans that were
    announced. shift_s: what the spans' clock is ahead by, whole quarters of an hour, else 0. exported: `export --otlp` made
    them from these very logs."""

    spans: list[Received]
    traces: list[str]
    left_out: dict[str, int]
    pending: Counter[str]
    shift_s: float
    exported: bool


def choose(run: Run, local: Sequence[Record], spans: Sequence[Received]) -> Chosen:
    """The spans of the run: those of the trace whose session names its log path; else of the only trace at its time."""
    left: Counter[str] = Counter()
    pending: Counter[str] = Counter()
    seen: set[tuple[str | None, str]] = set()
    traces: dict[str | None, list[Received]] = {}
    for span in spans:
        if span.kind == "pending_span":
            pending[span.name] += 1
            left["pending"] += 1
        elif span.id is not None and (span.trace, span.id) in seen:
            left["duplicate"] += 1
        else:
            seen |= {(span.trace, span.id)} if span.id is not None else set()
            traces.setdefault(span.trace, []).append(span)
    kept: list[Received] = []
    for trace in list(traces):
        rest = [span for span in traces[trace] if not _is_orphan(span)]
        if trace is None or not rest:
            left["orphan"] += len(traces[trace]) - len(rest)
            traces[trace] = rest
    own = _own(run, local, {trace: its for trace, its in traces.items() if its})
    for trace, its in traces.items():
        if trace in own:
            kept += its
        else:
            left["other_run"] += len(its)
    made = [span for span in kept if is_exported(span)]
    if len(made) < len(kept):
        left["exported"] += len(made)
        kept = [span for span in kept if not is_exported(span)]
    kept.sort(key=lambda span: (span.start is None, span.start or 0.0, span.row))
    names = sorted({span.trace for span in kept if span.trace is not None})
    return Chosen(
        kept,
        names,
        {k: n for k, n in left.items() if n},
        pending,
        _shift(local, kept),
        bool(made) and len(made) >= len(kept),
    )


def pairs_of_rounds(local: Sequence[Record], spans: Sequence[Received]) -> list[tuple[Record | None, Received | None]]:
    """Executions of agents: the n-th of a name with the n-th of that name, by time."""
    theirs: dict[str, list[Received]] = {}
    for span in spans:
        if span.name.startswith("agent."):
            theirs.setdefault(span.name, []).append(span)
    found: list[tuple[Record | None, Received | None]] = []
    for record in local:
        if record.span_name.startswith("agent.") and record.kind == "span":
            same = theirs.get(record.span_name)
            found.append((record, same.pop(0) if same else None))
    return found + [(None, span) for rest in theirs.values() for span in rest]


def is_exported(span: Received) -> bool:
    """True for a span that was made from logs."""
    return any(name.startswith("massgen_logs.") for name in span.attributes)


def _is_orphan(span: Received) -> bool:
    short = span.duration is not None and span.duration < _ORPHAN_S
    told = span.text("massgen.log_path", "massgen.task") or span.text("massgen_logs.session")
    return span.name == SESSION and not told and (short or "GeneratorExit" in (span.failure or ""))


def _own(run: Run, local: Sequence[Record], traces: dict[str | None, list[Received]]) -> set[str | None]:
    named = {
        trace: [path for span in its if span.name == SESSION and (path := span.text("massgen.log_path"))]
        for trace, its in traces.items()
    }  # fmt: skip
    by_path = {trace for trace, paths in named.items() if any(_same_path(run, path) for path in paths)}
    if by_path:
        return by_path | ({None} & traces.keys())
    unnamed = {trace: its for trace, its in traces.items() if not named[trace]}
    first, last = (local[0].start, local[0].end or local[0].start) if local else (0.0, 0.0)
    timed = {
        trace for trace, its in unnamed.items()
        if any(span.start is not None and first - 1 <= span.start <= last + 1 for span in its)
    }  # fmt: skip
    return timed or (set(unnamed) if len(unnamed) == 1 else set())


def _same_path(run: Run, path: str) -> bool:
    def tail(of: str) -> list[str]:
        parts = of.replace("\\", "/").rstrip("/").split("/")
        return parts[parts.index(run.session) :] if run.session in parts else []

    ours, theirs = tail(run.path), tail(path)
    return bool(theirs) and theirs == ours[: len(theirs)] and (len(theirs) > 1 or len(ours) == 1)


def _shift(local: Sequence[Record], spans: Sequence[Received]) -> float:
    began = next((span.start for span in spans if span.name == SESSION and span.start is not None), None)
    if began is None or not local:
        return 0.0
    off = began - local[0].start
    whole = round(off / _QUARTER) * _QUARTER
    return whole if whole and abs(off - whole) < 5 else 0.0
