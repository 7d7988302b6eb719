"""Spans that came back from elsewhere: rows as a Logfire query returns them, or OTLP in JSON. Untrusted, like all text.

Taken are, in any mixture and nesting: what query_run gives ({"columns": [...], "rows": [...]}), what the old server gives
(rows, one JSON text each, or a list of them), columns with their values, the contents of an MCP result, OTLP requests
({"resourceSpans": ...}), and captured spans ({"resource", "scope", "span"}), as one document, as lines, or one after the
other. A row that a query made of a few columns is read by their names, a MassGen attribute also by its last word.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import orjson
from msgspec import Struct, field

from massgen_logs import stop
from massgen_logs.handles import open_file
from massgen_logs.run.model import Problem

MOST_CHARS = 64_000_000
_DEEP = 12
_TOLD = 50
_LONG = 100_000
"""Characters of an attribute that is kept; a longer one is dropped, not cut: a cut can halve a secret."""
_COLUMNS = frozenset({
    "start_timestamp", "end_timestamp", "duration", "trace_id", "span_id", "parent_span_id", "kind", "span_name", "message",
    "level", "is_exception", "exception_type", "exception_message", "exception_stacktrace", "attributes", "tags", "created_at",
    "otel_status_code", "otel_status_message", "otel_scope_name", "service_name", "service_version", "day",
})  # fmt: skip
_NAMED = {
    "agent": "massgen.agent_id", "agent_id": "massgen.agent_id", "round": "massgen.round", "round_type": "massgen.round_type",
    "outcome": "massgen.outcome", "answer_label": "massgen.answer_label", "voted_for": "massgen.voted_for",
    "voted_for_label": "massgen.voted_for_label", "input_tokens": "massgen.usage.input", "output_tokens": "massgen.usage.output",
    "reasoning_tokens": "massgen.usage.reasoning", "cached_tokens": "massgen.usage.cached_input",
    "cached_input_tokens": "massgen.usage.cached_input", "cost": "massgen.usage.cost", "cost_usd": "massgen.usage.cost",
    "log_path": "massgen.log_path", "tool": "tool.name", "tool_input": "tool.input_preview", "success": "tool.success",
    "input": "tool.input_preview",
}  # fmt: skip
"""Names that queries give to columns, and the attribute that each is."""
_OF_MODELS = _NAMED | {"input": "gen_ai.usage.input_tokens", "output": "gen_ai.usage.output_tokens"}
_HEAVY = frozenset({"request_data", "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.definitions"})
_HEX = re.compile(r"[0-9a-fA-F]{16}(?:[0-9a-fA-F]{16})?")


class Received(Struct, frozen=True):
    """One span, log or row. Times in Unix seconds, ids as lower-case hexadecimal digits; None for what its row doesn't hold."""

    row: int
    name: str
    kind: str | None
    trace: str | None
    id: str | None
    parent: str | None
    start: float | None
    end: float | None
    duration: float | None
    failure: str | None
    attributes: Mapping[str, object]

    def text(self, *names: str) -> str | None:
        """The first of these attributes that there is, as text; MassGen's "null" is none."""
        for name in names:
            value = self.attributes.get(name)
            if value is not None and value != "null":
                return value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
        return None

    def number(self, *names: str) -> float | None:
        """The first of these attributes that is a number."""
        found = (number(self.attributes.get(name)) for name in names)
        return next((value for value in found if value is not None), None)


class Reading(Struct):
    """spans: what could be read; rows: how many there were, the unreadable ones too."""

    spans: list[Received] = field(default_factory=list[Received])
    rows: int = 0
    unreadable: int = 0
    problems: list[Problem] = field(default_factory=list[Problem])

    def lost(self, name: str, line: int | None, what: str) -> None:
        """Count an unreadable row; the first ones are told."""
        self.unreadable += 1
        if len(self.problems) < _TOLD:
            self.problems.append(Problem(name, line, what))


def read(text: str, name: str) -> Reading:
    """All spans in a text; what is no span is counted and told.

    Args:
        text: JSON, in any of the forms above.
        name: of the file or argument, for problems.
    """
    found = Reading()
    for line, document in _documents(text, name, found):
        for row in _rows(document, 0):
            found.rows += 1
            if not found.rows % 1000:
                stop.check()
            span = _span(row, found.rows)
            if span is None:
                found.lost(name, line, f"row {found.rows} is no span and no row of one")
            else:
                found.spans.append(span)
    return found


def read_file(path: Path, name: str) -> Reading:
    """The same of a file.

    Raises:
        OSError: if it can't be opened or is no regular file.
    """
    with os.fdopen(open_file(path), "rb") as file:
        return read(file.read(MOST_CHARS + 1).decode("utf-8", "replace"), name)


def number(value: object) -> float | None:
    """A finite number, also one in a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        made = float(value)
    except (ValueError, OverflowError):
        return None
    return made if math.isfinite(made) else None


def _documents(text: str, name: str, found: Reading) -> Iterator[tuple[int | None, object]]:
    """(line, value) of each JSON document."""
    if len(text) > MOST_CHARS:
        found.lost(name, None, f"longer than {MOST_CHARS} characters: not read")
        return
    whole = _parsed(text)
    if whole is not None:
        yield None, whole
        return
    lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    parsed = [(n, _parsed(line)) for n, line in lines]
    if 2 * sum(value is not None for _, value in parsed) < len(parsed):
        yield from _in_sequence(text, name, found)
        return
    for n, value in parsed:
        if value is None:
            found.rows += 1
            found.lost(name, n, "no JSON")
        else:
            yield n, value


def _in_sequence(text: str, name: str, found: Reading) -> Iterator[tuple[int | None, object]]:
    """Documents one after the other, each over several lines: texts of an MCP result, copied together."""
    decoder, at, failed = json.JSONDecoder(), 0, 0
    while match := re.compile(r"[\[{]").search(text, at):
        try:
            value, at = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            failed += 1
            following = re.compile(r"\n[\[{]").search(text, match.start())
            if following is None or failed > 100:
                break
            at = following.start()
            continue
        yield text.count("\n", 0, match.start()) + 1, value
    if failed or not at:
        found.rows += 1
        found.lost(name, None, "parts of it are no JSON" if at else "no JSON")


def _parsed(text: str) -> object | None:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _mapping(value: object) -> dict[str, object]:
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _rows(value: object, depth: int) -> Iterator[object]:
    """The rows in a document, whatever it is wrapped in."""
    if depth > _DEEP:
        yield None
        return
    if isinstance(value, str) and value.lstrip()[:1] in {"[", "{"}:
        value = _parsed(value) or value
    if isinstance(value, list):
        for item in _list(cast("object", value)):
            yield from _rows(item, depth + 1)
        return
    entry = _mapping(value)
    if "resourceSpans" in entry or "resource_spans" in entry:
        for resource in map(_mapping, _list(entry.get("resourceSpans") or entry.get("resource_spans"))):
            for scope in map(_mapping, _list(resource.get("scopeSpans") or resource.get("scope_spans"))):
                yield from ({"span": span} for span in _list(scope.get("spans")))
        return
    columns = [_mapping(column) for column in _list(entry.get("columns"))]
    if columns and all(isinstance(column.get("values"), list) for column in columns):
        names = [str(column.get("name")) for column in columns]
        yield from (
            dict(zip(names, cells, strict=False)) for cells in zip(*(_list(c["values"]) for c in columns), strict=False)
        )
        return
    if not _COLUMNS & entry.keys() and "span" not in entry:
        for key in ("rows", "structuredContent", "result", "content", "data", "text"):
            if isinstance(entry.get(key), list | dict | str):
                yield from _rows(entry[key], depth + 1)
                return
    yield value


def _span(row: object, at: int) -> Received | None:
    entry = _mapping(row)
    if isinstance(entry.get("span"), dict):
        return _of_otlp(_mapping(entry["span"]), at)
    if "traceId" in entry or "startTimeUnixNano" in entry:
        return _of_otlp(entry, at)
    return _of_row(entry, at)


def _of_row(row: dict[str, object], at: int) -> Received | None:
    given = row.get("attributes")
    attributes = _mapping(_parsed(given) if isinstance(given, str) else given)
    name = row.get("span_name")
    name = name if isinstance(name, str) else ""
    meant = _OF_MODELS if name.startswith("streaming response") else _NAMED
    for column, value in row.items():
        if column not in _COLUMNS and value is not None:
            attributes.setdefault(meant.get(column, column), value)
    if not name and not attributes and not _COLUMNS & row.keys():
        return None
    start, end = _time(row.get("start_timestamp")), _time(row.get("end_timestamp"))
    duration = number(row.get("duration"))
    if duration is None and start is not None and end is not None:
        duration = end - start
    if end is None and start is not None and duration is not None:
        end = start + duration
    failure = next((row[k] for k in ("exception_type", "exception_message", "otel_status_message") if row.get(k)), None)
    failed = failure or row.get("is_exception") is True or row.get("otel_status_code") == "ERROR"
    kind = row.get("kind")
    return _received(
        at, name, kind if isinstance(kind, str) else None, (row.get("trace_id"), row.get("span_id"), row.get("parent_span_id")),
        (start, end, duration), str(failure or "error") if failed else None, attributes,
    )  # fmt: skip


def _of_otlp(span: dict[str, object], at: int) -> Received | None:
    if not isinstance(span.get("name"), str):
        return None
    attributes = _attributes(span.get("attributes"))
    start, end = number(span.get("startTimeUnixNano")), number(span.get("endTimeUnixNano"))
    start, end = (None if t is None else t / 1e9 for t in (start, end))
    status = _mapping(span.get("status"))
    failure: str | None = None
    if status.get("code") in ("STATUS_CODE_ERROR", "ERROR", 2):
        failure = str(status.get("message") or "error")
    for event in map(_mapping, _list(span.get("events"))):
        if event.get("name") == "exception":
            told = _attributes(event.get("attributes"))
            failure = f"{told.get('exception.type')}: {told.get('exception.message')}"
    duration = None if start is None or end is None else end - start
    return _received(
        at, str(span["name"]), None, (span.get("traceId"), span.get("spanId"), span.get("parentSpanId")),
        (start, end, duration), failure, attributes,
    )  # fmt: skip


def _received(
    at: int, name: str, kind: str | None, ids: tuple[object, object, object],
    times: tuple[float | None, float | None, float | None], failure: str | None, attributes: dict[str, object],
) -> Received:  # fmt: skip
    kept = {k: v for k, v in attributes.items() if k not in _HEAVY and not (isinstance(v, str) and len(v) > _LONG)}
    told = kind or kept.get("logfire.span_type")
    trace, own, parent = map(_id, ids)
    return Received(
        at, name, told if isinstance(told, str) else None, trace, own, parent, *times,
        failure or None, kept,
    )  # fmt: skip


def _attributes(value: object) -> dict[str, object]:
    """OTLP's list of keys and typed values."""
    found: dict[str, object] = {}
    for entry in map(_mapping, _list(value)):
        if isinstance(entry.get("key"), str):
            found[str(entry["key"])] = _value(entry.get("value"), 0)
    return found


def _value(value: object, depth: int) -> object:
    told = _mapping(value)
    if not told or depth > _DEEP:
        return None
    kind, inner = next(iter(told.items()))
    if kind == "intValue":
        exact = number(inner)
        return int(exact) if exact is not None and abs(exact) < 1 << 63 else None
    if kind == "arrayValue":
        return [_value(one, depth + 1) for one in _list(_mapping(inner).get("values"))]
    if kind == "kvlistValue":
        return {
            str(one.get("key")): _value(one.get("value"), depth + 1) for one in map(_mapping, _list(_mapping(inner).get("values")))
        }  # fmt: skip
    return inner


def _id(value: object) -> str | None:
    """Hexadecimal digits; OTLP in JSON has them as such, protobuf's JSON has base64."""
    if not isinstance(value, str) or not value or len(value) > 64:
        return None
    if _HEX.fullmatch(value):
        return value.lower()
    try:
        made = base64.b64decode(value, validate=True).hex()
    except (binascii.Error, ValueError):
        return value
    return made if len(made) in {16, 32} else value


def _time(value: object) -> float | None:
    """Unix seconds of ISO 8601 (without a zone: UTC, as Logfire's are) or of a number in s, ms, us or ns."""
    exact = number(value)
    if exact is not None:
        return exact / next((unit for limit, unit in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)) if exact > limit), 1)
    try:
        made = datetime.fromisoformat(str(value)) if isinstance(value, str) else None
        return None if made is None else (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
