"""Records as rows: secrets masked before anything else can cut, join or compare them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, cast

from massgen_logs.records.schema import Record
from massgen_logs.records.spans import PREVIEW
from massgen_logs.text.clean import clean, cut, encodable
from massgen_logs.text.mask import Masker

_TEXTS = ("span_name", "message", "exception_message", "otel_status_message")
_PREVIEWS = frozenset({"tool.input_preview", "arguments_preview", "answer_preview"})


def rows(records: Iterable[Record], masker: Masker) -> list[dict[str, object]]:
    """One dict a record, keyed by the names of schema.COLUMNS; times as ISO 8601 in UTC; all text is valid UTF-8."""
    return [cast("dict[str, object]", encodable(_row(record, masker))) for record in records]


def again(row: dict[str, Any], masker: Masker) -> dict[str, Any]:
    """A row whose texts have gone through another Masker too."""
    texts = {name: _text(row[name], masker) for name in _TEXTS if row[name] is not None}
    attributes: dict[str, object] = row["attributes"]
    source = "massgen_logs.source"
    return row | texts | {"attributes": _attributes(attributes, masker) | {source: attributes[source]}}


def _row(record: Record, masker: Masker) -> dict[str, object]:
    ended = record.end is not None and record.kind == "span"
    exception, message = record.exception or (None, None), _text(record.message, masker)
    return {
        "start_timestamp": iso(record.start),
        "end_timestamp": None if record.end is None else iso(record.end),
        "duration": round(record.end - record.start, 6) if ended and record.end is not None else None,
        "trace_id": record.trace_id,
        "span_id": record.span_id,
        "parent_span_id": record.parent_span_id,
        "kind": record.kind,
        "span_name": _text(record.span_name, masker),
        "message": message[:PREVIEW] if record.kind == "span" else message,
        "level": record.level,
        "is_exception": record.exception is not None,
        "exception_type": exception[0],
        "exception_message": None if exception[1] is None else _text(exception[1], masker),
        "exception_stacktrace": None,
        "attributes": {**_attributes(record.attributes, masker), "massgen_logs.source": record.where},
        "tags": [],
        "otel_status_code": "ERROR" if record.error is not None else "UNSET",
        "otel_status_message": None if record.error is None else _text(record.error, masker),
        "otel_scope_name": "massgen-logs",
        "service_name": "massgen",
        "service_version": record.version,
        "deployment_environment": None,
        "day": iso(record.start)[:10],
    }


def iso(t: float) -> str:
    """Unix seconds as ISO 8601 with microseconds, UTC; a time that no calendar has is the epoch."""
    try:
        return datetime.fromtimestamp(t, UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC).isoformat(timespec="microseconds")


def _text(text: str, masker: Masker) -> str:
    return clean(masker.text(text))


def _attributes(attributes: dict[str, object], masker: Masker) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in attributes.items():
        masked = _text(value, masker) if isinstance(value, str) else masker.value(value)
        found[name] = cut(masked, PREVIEW) if name in _PREVIEWS and isinstance(masked, str) else masked
    return found
