"""The spans that MassGen sent in the run s9, in a table `records` with Logfire's columns, as Logfire would keep them."""

from __future__ import annotations

import base64
import json
import lzma
from datetime import UTC, datetime
from typing import Any

import duckdb

from conftest import DATA

COLUMNS = {
    "trace_id": "VARCHAR", "span_id": "VARCHAR", "parent_span_id": "VARCHAR", "kind": "VARCHAR", "span_name": "VARCHAR",
    "message": "VARCHAR", "start_timestamp": "TIMESTAMPTZ", "end_timestamp": "TIMESTAMPTZ", "duration": "DOUBLE",
    "is_exception": "BOOLEAN", "exception_type": "VARCHAR", "exception_message": "VARCHAR", "service_name": "VARCHAR",
    "service_version": "VARCHAR", "otel_scope_name": "VARCHAR", "otel_status_code": "VARCHAR",
    "otel_status_message": "VARCHAR", "attributes": "JSON",
}  # fmt: skip


def database() -> duckdb.DuckDBPyConnection:
    """A database with `records`: 126 captured lines without the pending spans, which Logfire keeps in records_all."""
    with lzma.open(DATA / "s9_spans.jsonl.xz", "rt", encoding="utf-8") as file:
        rows = [row for line in file if (row := _row(json.loads(line)))["kind"] != "pending_span"]
    made = duckdb.connect(":memory:")
    made.execute("SET TimeZone='UTC'")
    made.execute(f"CREATE TABLE records ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
    values = [[row[name] for name in COLUMNS] for row in rows]
    made.executemany(f"INSERT INTO records VALUES ({', '.join('?' * len(COLUMNS))})", values)
    return made


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    span = entry["span"]
    attributes, resource = _plain(span["attributes"]), _plain(entry["resource"]["attributes"])
    start, end = int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"])
    raised = next((_plain(e["attributes"]) for e in span.get("events", ()) if e["name"] == "exception"), {})
    kind = attributes["logfire.span_type"]
    return {
        "trace_id": _hex(span["traceId"]), "span_id": _hex(span["spanId"]), "parent_span_id": _hex(span.get("parentSpanId")),
        "kind": kind, "span_name": span["name"], "message": attributes["logfire.msg"],
        "start_timestamp": datetime.fromtimestamp(start / 1e9, UTC), "end_timestamp": datetime.fromtimestamp(end / 1e9, UTC),
        "duration": None if kind == "log" else (end - start) / 1e9, "is_exception": bool(raised),
        "exception_type": raised.get("exception.type"), "exception_message": raised.get("exception.message"),
        "service_name": resource["service.name"], "service_version": resource["service.version"],
        "otel_scope_name": entry["scope"]["name"],
        "otel_status_code": span.get("status", {}).get("code", "STATUS_CODE_UNSET").removeprefix("STATUS_CODE_"),
        "otel_status_message": span.get("status", {}).get("message"),
        "attributes": json.dumps({k: v for k, v in attributes.items() if not k.startswith("logfire.")}),
    }  # fmt: skip


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    """Attributes of OTLP by their key; numbers of 64 bits are text there."""
    pairs = ((one["key"], *one["value"].items()) for one in attributes)
    return {key: int(value) if kind == "intValue" else value for key, (kind, value), *_ in pairs}


def _hex(text: str | None) -> str | None:
    return base64.b64decode(text).hex() if text else None
