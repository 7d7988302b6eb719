"""A run's own records beside the spans that came back for it: where they agree, where they differ, and why if it is known.

Compared is what both sides have. MassGen's own spans are known to differ from its logs in the ways of REASONS; a
difference that none of them explains has no reason, and is the one to look at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from massgen_logs.records import calls, usage
from massgen_logs.records.chosen import SESSION, Chosen, choose, pairs_of_rounds
from massgen_logs.records.received import Reading, Received
from massgen_logs.records.schema import Record
from massgen_logs.records.verdicts import Book, Compared, Difference
from massgen_logs.run.model import Run

_SECONDS, _SHARE = 0.25, 0.01
_LIMITS = frozenset({10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10000})
REASONS = {
    "clock_zone": "the clocks differ by whole quarters of an hour: one side read a local time in another zone; other times are compared after that shift",
    "cumulative_usage": "the value that came back is a sum of MassGen's running totals: each span holds its agent's usage so far, so take the maximum",
    "doubled_usage": "the logs prove their own figure doubled or cumulative; the spans agree with the corrected one",
    "presentation_tail": "the presentation's span ends with final_presentation_end (events.jsonl), after the winner's connections to its MCP servers were closed (half a second in a run of 0.1.97); the logs' presentation ends when its answer was saved",
    "exit_code": "tool.success only says that the call came back; the exit code in its result says that it failed",
    "still_open": "only its pending span came back: the span was still open when the process ended, or hasn't arrived yet",
    "never_ran": "the logs say that the call never ran, so MassGen may have opened no span for it",
    "redacted": "one side is masked, redacted or cut, so the texts can't be compared",
    "restart_logs": "MassGen logs a restart for every agent at every answer, also where none follows; the logs' executions are counted here",
    "no_span_for_vote": "MassGen has no span for ignored and refused votes",
    "no_model_records": "no file of a log tree holds single model requests",
    "llm_opens_only": "llm.*.stream spans last only until the stream is open: no model time is in them",
    "no_model_spans": "no llm.* span and no response log came back: the query left them out, or this backend's client isn't instrumented",
    "no_context": "MassGen hands no context to its tools: their spans hang under the session; go by massgen.agent_id and time",
    "late_streams": "MassGen closes most model streams only at the end of the run: their recorded durations run until then and are no model times",
    "generator_exit": "MassGen closes a model stream early; so it is in every run, and nothing failed",
    "no_exception_span": "MassGen ends no span with this failure; the logs alone tell it",
    "not_in_rows": "no row holds one: the query left them out or a LIMIT cut them, or they never arrived",
    "client_times": "the logs' times of this backend are its client's, with start-up and queueing",
}


class Reconciled(Struct, frozen=True):
    """by: massgen (its own spans), massgen-logs (made from these logs: that they agree proves nothing) or None without a
    span of this run. left_out: rows that were not compared, by why. shift_s: seconds that the spans' clock is ahead.
    compared: what was compared how often; differences: everything else; reasons: of those in it."""

    by: str | None
    traces: list[str]
    rows: int
    unreadable: int
    used: int
    left_out: dict[str, int]
    shift_s: float
    cut: bool
    compared: list[Compared]
    differences: list[Difference]
    reasons: dict[str, str] = field(default_factory=dict[str, str])


def reconcile(run: Run, local: Sequence[Record], reading: Reading) -> Reconciled:
    """Compare.

    Args:
        run: the run.
        local: its records.
        reading: what came back.
    """
    chosen = choose(run, local, reading.spans)
    book = Book(chosen.shift_s)
    if chosen.spans:
        _session(book, run, local, chosen)
        _rounds(book, local, chosen)
        calls.compare(book, run, local, chosen)
        _answers(book, local, chosen)
        _votes(book, run, local, chosen)
        _winner(book, run, local, chosen)
        usage.compare(book, run, local, chosen)
        _models(book, run, chosen)
        _hierarchy(book, local, chosen)
        _failures(book, local, chosen)
    found = sorted(book.differences, key=lambda d: (d.reason is not None, d.verdict == "unchecked"))
    used = {d.reason for d in found if d.reason}
    return Reconciled(
        ("massgen-logs" if chosen.exported else "massgen") if chosen.spans else None, chosen.traces, reading.rows,
        reading.unreadable, len(chosen.spans), chosen.left_out, chosen.shift_s, reading.rows in _LIMITS,
        book.compared(), found, {name: text for name, text in REASONS.items() if name in used},
    )  # fmt: skip


def _named(spans: Iterable[Received], *starts: str) -> list[Received]:
    return [span for span in spans if span.name.startswith(starts)]


def _session(book: Book, run: Run, local: Sequence[Record], chosen: Chosen) -> None:
    span = next((span for span in chosen.spans if span.name == SESSION), None)
    if span is None or not local:  # a log without any time has no records
        book.unchecked("session", "coordination.session", len(local[:1]))
        return
    ours = local[0]
    at = (ours.where, span.row)
    if book.shift_s:
        book.differ("session", SESSION, "start", ours.start, span.start, "s", reason="clock_zone", at=at)
    book.check("session", SESSION, "start", ours.start, book.time(span.start), "s", within=1.0, at=at)
    _duration(book, "session", SESSION, ours, span)
    task = span.text("massgen.task")
    book.text("session", SESSION, "task", run.question, task, at=at)


def _duration(book: Book, what: str, name: str, ours: Record, span: Received, reason: str | None = None) -> None:
    took = None if ours.end is None else ours.end - ours.start
    within = max(_SECONDS, _SHARE * (took or 0.0))
    book.check(
        what, name, "duration", took, span.duration, "s", within=within, at=(ours.where, span.row), reason=reason
    )


def _rounds(book: Book, local: Sequence[Record], chosen: Chosen) -> None:
    pairs = pairs_of_rounds(local, chosen.spans)
    if not any(span for _, span in pairs) and not any(name.startswith("agent.") for name in chosen.pending):
        book.unchecked("round", "agent.*", sum(ours is not None for ours, _ in pairs))
        return
    for ours, span in pairs:
        if ours is None or span is None:
            waiting = ours is not None and chosen.pending[ours.span_name] > 0
            book.alone("round", ours, span, reason="still_open" if waiting else None)
            continue
        name, at = ours.span_name, (ours.where, span.row)
        book.met("round")
        book.check("round", name, "start", ours.start, book.time(span.start), "s", within=1.0, at=at)
        tail = name.endswith(".presentation") and (span.duration or 0.0) > (ours.end or ours.start) - ours.start
        _duration(book, "round", name, ours, span, "presentation_tail" if tail else None)
        for measure, key in (
            ("outcome", "massgen.outcome"),
            ("answer", "massgen.answer_label"),
            ("vote", "massgen.voted_for"),
        ):
            value = ours.attributes.get(key)
            book.check("round", name, measure, value if isinstance(value, str) else None, span.text(key), at=at)


def _answers(book: Book, local: Sequence[Record], chosen: Chosen) -> None:
    theirs = {span.name: span for span in _named(chosen.spans, "Agent answer:")}
    ours = {record.span_name: record for record in local if record.span_name.startswith("Agent answer:")}
    if ours and not theirs:
        book.unchecked("answer", "Agent answer:*", len(ours))
        return
    for name in dict.fromkeys([*ours, *theirs]):
        record, span = ours.get(name), theirs.get(name)
        if record is None or span is None:
            book.alone("answer", record, span)
            continue
        at = (record.where, span.row)
        book.met("answer")
        book.check(
            "answer", name, "agent", record.attributes.get("agent_id"), span.text("agent_id", "massgen.agent_id"), at=at
        )
        book.check("answer", name, "time", _timed(record), book.time(span.start), "s", within=1.0, at=at)
        book.text("answer", name, "text", record.attributes.get("answer_preview"), span.text("answer_preview"), at=at)


def _timed(record: Record) -> float | None:
    return None if "massgen_logs.time" in record.attributes else record.start


def _votes(book: Book, run: Run, local: Sequence[Record], chosen: Chosen) -> None:
    theirs = _named(chosen.spans, "Agent vote:")
    ours = [record for record in local if record.span_name.startswith("Agent vote: ")]
    if ours and not theirs:
        book.unchecked("vote", "Agent vote:*", len(ours))
        return
    for record in ours:
        span = next((span for span in theirs if span.name == record.span_name), None)
        if span is None:
            book.alone("vote", record, None)
            continue
        theirs.remove(span)
        at = (record.where, span.row)
        book.met("vote")
        book.check("vote", record.span_name, "time", _timed(record), book.time(span.start), "s", within=1.0, at=at)
        book.text(
            "vote",
            record.span_name,
            "reason",
            record.attributes.get("reason"),
            span.text("reason", "massgen.vote.reason"),
            at=at,
        )
    for span in theirs:
        book.alone("vote", None, span)
    dropped = sum(not vote.accepted for vote in run.votes)
    if dropped and not chosen.exported:
        first = next(vote for vote in run.votes if not vote.accepted)
        book.differ(
            "vote", "ignored and refused votes", "count", dropped, 0, at=(first.src, None), reason="no_span_for_vote"
        )


def _winner(book: Book, run: Run, local: Sequence[Record], chosen: Chosen) -> None:
    span = next(iter(_named(chosen.spans, "Winner selected:")), None)
    span = span or next(iter(_named(chosen.spans, "Coordination event: winner_selected")), None)
    if span is None:
        if run.winner is not None:
            book.unchecked("winner", "Winner selected:*", 1)
    else:
        said = span.text("winner_agent_id", "agent_id", "massgen.agent_id")
        book.check("winner", "winner", "agent", run.winner or "none", said, at=(run.winner_src, span.row))
    final = next(iter(_named(chosen.spans, "Final answer from")), None)
    if final is not None:
        book.text(
            "winner",
            "final answer",
            "text",
            run.final_text,
            final.text("answer_preview"),
            at=(run.final_src, final.row),
        )
    restarts = len(_named(chosen.spans, "Agent restart:"))
    counted = sum(record.span_name.startswith("Agent restart:") for record in local)
    if restarts and restarts != counted:
        book.differ(
            "restart",
            "Agent restart",
            "count",
            counted,
            restarts,
            reason="restart_logs" if restarts > counted else None,
        )


def _models(book: Book, run: Run, chosen: Chosen) -> None:
    """Model requests, which no log holds: their number, their tokens beside the agents' totals, and whose times are real."""
    session = next((span for span in chosen.spans if span.name == SESSION), None)
    done = _named(chosen.spans, "streaming response from")
    asked = _named(chosen.spans, "Chat Completion with") or _named(chosen.spans, "llm.")
    if not done and not asked:
        if session is not None and not chosen.exported:
            book.differ("model", "model requests", "count", None, 0, reason="no_model_spans", verdict="unchecked")
        return
    book.differ(
        "model",
        "model requests",
        "count",
        None,
        max(len(asked), len(done)),
        reason="no_model_records",
        verdict="only_spans",
    )
    if not done:
        book.differ("model", "responses", "count", None, 0, reason="llm_opens_only", verdict="unchecked")
    for measure, key in (("input", "gen_ai.usage.input_tokens"), ("output", "gen_ai.usage.output_tokens")):
        told = [value for span in done if (value := span.number(key)) is not None]
        totals = [usage.recorded(use.recorded, measure) for use in run.usage.values()]
        if len(told) == len(done) >= len(asked) and None not in totals:
            total = sum(value for value in totals if value is not None)
            book.check(
                "model",
                "tokens of all requests",
                measure,
                total,
                sum(told),
                "tokens",
                at=("token_usage of all agents", None),
            )
    if session is not None and session.end is not None:
        late = sum(span.start is not None and span.start >= session.end for span in done)
        if late:
            book.differ(
                "model",
                "responses noted after the run's end",
                "count",
                None,
                late,
                reason="late_streams",
                verdict="only_spans",
            )


def _hierarchy(book: Book, local: Sequence[Record], chosen: Chosen) -> None:
    """Under how many rounds their calls hang, and spans whose parent did not come back."""
    by_id = {span.id: span for span in chosen.spans if span.id is not None}
    taken, _ = calls.one_each(chosen.spans)
    taken = [span for span in taken if span.parent is not None]
    under = sum(any(above.name.startswith("agent.") for above in _above(span, by_id)) for span in taken)
    rounds = {record.span_id for record in local if record.span_name.startswith("agent.")}
    ours = sum(record.parent_span_id in rounds for record in local if calls.is_call(record))
    if taken and under < len(taken) and under != ours:
        book.differ("hierarchy", "calls below their agent's round", "count", ours, under, reason="no_context")
    lost = sum(span.parent is not None and span.parent not in by_id for span in chosen.spans)
    if lost:
        book.differ(
            "hierarchy", "spans whose parent is missing", "count", 0, lost, reason="not_in_rows", verdict="only_spans"
        )


def _above(span: Received, by_id: Mapping[str, Received]) -> Iterator[Received]:
    """Parents of a span, as far as they are there; a circle ends."""
    for _ in range(20):
        parent = by_id.get(span.parent or "")
        if parent is None:
            return
        yield parent
        span = parent


def _failures(book: Book, local: Sequence[Record], chosen: Chosen) -> None:
    for span in chosen.spans:
        if span.failure is not None and not span.name.startswith(("mcp", "Tool execution")):
            known = "generator_exit" if "GeneratorExit" in span.failure else None
            ours = next((r for r in local if r.span_name == span.name and r.error is not None), None)
            if ours is None:
                book.differ(
                    "failure",
                    span.name,
                    "error",
                    None,
                    span.failure,
                    at=("", span.row),
                    reason=known,
                    verdict="only_spans",
                )
    told = {span.name for span in chosen.spans}
    for record in local:
        if record.exception is not None and record.span_name not in told:
            book.differ(
                "failure",
                record.span_name,
                "error",
                record.message,
                None,
                at=(record.where, None),
                reason="no_exception_span",
                verdict="only_local",
            )
