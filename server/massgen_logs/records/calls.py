"""Tool calls of both sides, paired. MassGen tells each call three times (mcp.*, mcp_tool.*, Tool execution): one is taken."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, cast

import orjson

from massgen_logs.records.chosen import Chosen
from massgen_logs.records.received import Received
from massgen_logs.records.schema import Record
from massgen_logs.records.verdicts import Book
from massgen_logs.run.model import Run

_FAMILIES = ("mcp.", "mcp_tool.", "tool.", "Tool execution: ")
_SECONDS, _SHARE = 0.25, 0.01
_NEAR_S = 5.0


def compare(book: Book, run: Run, local: Sequence[Record], chosen: Chosen) -> None:
    """Compare number, duration, success and command of the calls of each agent and tool."""
    ours = [record for record in local if is_call(record)]
    theirs, counts = one_each(chosen.spans)
    if not theirs:
        book.unchecked("call", "mcp.*", len(ours))
        return
    _same_number(book, counts)
    by_agent = all(_agent(span) for span in theirs)
    grouped: dict[tuple[str, str], tuple[list[Record], list[Received]]] = defaultdict(lambda: ([], []))
    for record in ours:
        agent = str(record.attributes.get("massgen.agent_id")) if by_agent else ""
        grouped[agent, str(record.attributes.get("tool.name"))][0].append(record)
    for span in theirs:
        grouped[(_agent(span) or "") if by_agent else "", tool(span)][1].append(span)
    for (agent, _), (records, spans) in grouped.items():
        pairs = _pairs(book, records, spans)
        client = agent in run.agents and run.agents[agent].client_times
        for record, span in pairs:
            _compare(book, record, span, client=client)
        met = {id(record) for record, _ in pairs}, {id(span) for _, span in pairs}
        for record in records:
            if id(record) not in met[0]:
                never = record.attributes.get("massgen_logs.outcome") in {"denied", "not_run"}
                book.alone("call", record, None, "never_ran" if never else None)
        for span in spans:
            if id(span) not in met[1]:
                book.alone("call", None, span)


def is_call(record: Record) -> bool:
    """True for the span of a tool call."""
    return record.kind == "span" and record.span_name.startswith(("mcp.", "tool."))


def tool(span: Received) -> str:
    """The tool's name as the model calls it."""
    told = span.text("tool.name", "tool_name")
    if told:
        return told
    family = next((start for start in _FAMILIES if span.name.startswith(start)), "")
    name = span.name.removeprefix(family)
    return f"mcp__{name.replace('.', '__', 1)}" if family == "mcp." else name


def _agent(span: Received) -> str | None:
    return span.text("massgen.agent_id", "agent_id")


def one_each(spans: Sequence[Received]) -> tuple[list[Received], dict[str, dict[str, int]]]:
    """One span a call, of the first family that a tool has; and how many each family has, by tool."""
    found: dict[str, dict[str, list[Received]]] = defaultdict(lambda: defaultdict(list))
    for span in spans:
        family = next((start for start in _FAMILIES if span.name.startswith(start)), None)
        if family is not None:
            found[tool(span)][family].append(span)
    taken = [
        one for families in found.values() for one in families[next(f for f in _FAMILIES if f in families)]
    ]  # fmt: skip
    return taken, {name: {f: len(its) for f, its in families.items()} for name, families in found.items()}


def _same_number(book: Book, counts: dict[str, dict[str, int]]) -> None:
    for name, families in counts.items():
        if len(set(families.values())) > 1:
            told = ", ".join(f"{family.rstrip(' :.')} {n}" for family, n in families.items())
            book.differ("call", name, "spans of each kind", None, told, verdict="only_spans")


def _pairs(book: Book, records: list[Record], spans: list[Received]) -> list[tuple[Record, Received]]:
    """The same command first, in the order of time; then what is nearest in time."""
    pairs: list[tuple[Record, Received]] = []
    by_text: dict[str, list[Received]] = defaultdict(list)
    for span in spans:
        by_text[_given(span) or ""].append(span)
    rest: list[Record] = []
    same: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        same[_own(record)].append(record)
    for text, own in same.items():
        candidates = by_text.pop(text, [])
        if text and len(own) == len(candidates):
            pairs += zip(own, candidates, strict=True)
            continue
        left = _nearest(book, own, candidates, pairs, float("inf") if text else _NEAR_S)
        rest += left[0]
        by_text[text] = left[1]
    others = sorted(
        (span for its in by_text.values() for span in its), key=lambda s: (s.start is None, s.start or 0.0, s.row)
    )
    _nearest(book, rest, others, pairs, _NEAR_S)
    return pairs


def _nearest(
    book: Book, records: list[Record], spans: list[Received], pairs: list[tuple[Record, Received]], most: float,
) -> tuple[list[Record], list[Received]]:  # fmt: skip
    """Pair each record with the span that is nearest in time, one of the next few; what is left of both."""
    left, waiting = list[Record](), list(spans)
    for index, record in enumerate(sorted(records, key=lambda r: r.start)):
        spare = max(0, len(waiting) - (len(records) - index))  # so many may be passed over
        offs = [(_off(book, record, span), place) for place, span in enumerate(waiting[: spare + 1])]
        off, place = min(offs, default=(float("inf"), -1))
        if place >= 0 and off <= most:
            pairs.append((record, waiting.pop(place)))
        else:
            left.append(record)
    return left, waiting


def _off(book: Book, record: Record, span: Received) -> float:
    at = book.time(span.start)
    if at is None:
        return 0.0
    ours = record.start if span.duration or record.end is None else record.end  # a log stands at the call's end
    return abs(at - ours)


def _compare(book: Book, record: Record, span: Received, *, client: bool) -> None:
    attributes = record.attributes
    name = str(attributes.get("massgen_logs.command") or record.span_name)
    book.met("call")
    took = None if record.end is None else record.end - record.start
    milliseconds = span.number("tool.execution_time_ms", "execution_time_ms")
    theirs = span.duration or (None if milliseconds is None else milliseconds / 1000)
    book.check(
        "call", name, "duration", took, theirs, "s", within=max(_SECONDS, _SHARE * (took or 0.0)), at=(record.where, span.row),
        reason="client_times" if client else None,
    )  # fmt: skip
    ok = attributes.get("tool.success")
    said = span.attributes.get("tool.success", span.attributes.get("success"))
    said = {"true": True, "false": False}.get(str(said).lower())
    known = ok is False and said is True and attributes.get("massgen_logs.outcome") == "failed"
    if isinstance(ok, bool) and said is not None:
        book.check(
            "call", name, "success", str(ok).lower(), str(said).lower(), at=(record.where, span.row),
            reason="exit_code" if known and attributes.get("massgen_logs.recorded_success") is not False else None,
        )  # fmt: skip
    book.text("call", name, "command", _own(record), _given(span), at=(record.where, span.row))


def _own(record: Record) -> str:
    command = record.attributes.get("massgen_logs.command")
    return command if isinstance(command, str) else _plain(str(record.attributes.get("tool.input_preview") or ""))


def _given(span: Received) -> str | None:
    told = span.text("massgen_logs.command", "tool.input_preview", "arguments_preview", "tool.input")
    return None if told is None else _plain(told)


def _plain(text: str) -> str:
    """The command in a call's arguments, else the arguments with their keys in order."""
    for whole in (text, text.rstrip(".…") + '"}'):  # a preview is cut
        try:
            value = orjson.loads(whole)
            break
        except orjson.JSONDecodeError:
            value = None
    if isinstance(value, dict):
        command = cast("dict[str, Any]", value).get("command")
        return command if isinstance(command, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    return text
