"""Records as OpenTelemetry spans, sent by the SDK's own OTLP/HTTP exporter: the one place that uses the network.

Times and ids are the records' own. Logfire reads kind, level and message from `logfire.*` attributes; to any other
collector they are attributes like all. The optional extra `otlp` holds the SDK, which is imported when something is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

import orjson

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.text.clean import flat

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from requests import Response

PATH = "/v1/traces"
_SPANS, _CHARS = 256, 2_000_000
"""Of one request: collectors refuse large ones."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEVELS = {"trace": 1, "debug": 5, "info": 9, "notice": 10, "warn": 13, "error": 17, "fatal": 21}
_ABSENT = (
    "export --otlp needs the optional extra: install massgen-logs[otlp] "
    "(uv tool install 'massgen-logs[otlp]'; in a checkout: make setup)."
)


def address(endpoint: str) -> str:
    """The URL that spans are posted to; a base URL gets OTLP's path.

    Raises:
        MassgenLogError: if it is no http or https URL, or holds credentials.
    """
    try:
        parts = urlsplit(endpoint)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        known, parts = False, urlsplit("")
    if not known or parts.query or parts.fragment:
        raise MassgenLogError(f"--otlp {quoted(endpoint)}: no URL such as http://localhost:4318 or https://HOST{PATH}.")
    if "@" in parts.netloc:
        raise MassgenLogError("--otlp: no user or password in the URL; --header 'Authorization=...' sends them.")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith(PATH) else path + PATH}"


def batches(rows: Sequence[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    """Rows in requests that a collector takes."""
    batch: list[dict[str, object]] = []
    chars = 0
    for row in rows:
        size = len(orjson.dumps(row["attributes"], option=orjson.OPT_NON_STR_KEYS)) + 500
        if batch and (len(batch) == _SPANS or chars + size > _CHARS):
            yield batch
            batch, chars = [], 0
        batch.append(row)
        chars += size
    if batch:
        yield batch


class Sender:
    """An exporter to one address. It follows no redirection, which would be another endpoint. refused: how many records
    the endpoint said, with its acknowledgement, that it did not keep, and why: OTLP forbids to send those again."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        try:
            import requests
            from opentelemetry.exporter.otlp.proto.http import Compression
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError as error:
            raise MassgenLogError(_ABSENT) from error
        session = requests.Session()
        session.max_redirects = 0
        session.hooks["response"].append(self._keep)
        self._exporter: SpanExporter = OTLPSpanExporter(
            url, headers=headers, compression=Compression.Gzip, session=session
        )
        self._resources: dict[object, Resource] = {}
        self._answer = b""
        self.refused: list[str] = []

    def send(self, rows: Sequence[dict[str, object]]) -> str | None:
        """Post rows; None when they were acknowledged, else why not."""
        from opentelemetry.sdk.trace.export import SpanExportResult

        with _told() as reasons:
            result = self._exporter.export([self._span(row) for row in rows])
        if result is not SpanExportResult.SUCCESS:
            return flat("; ".join(reasons[-2:]), 600).rstrip(".") or "no reason given"
        self._note_refused()
        return None

    def _keep(self, response: Response, **_: object) -> None:
        self._answer = response.content

    def _note_refused(self) -> None:
        from google.protobuf.message import DecodeError
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

        try:
            partial = ExportTraceServiceResponse.FromString(self._answer).partial_success
        except DecodeError:  # an endpoint may answer with anything
            return
        if partial.rejected_spans > 0:
            self.refused.append(f"{partial.rejected_spans} records ({flat(partial.error_message, 200)})")

    def close(self) -> None:
        """Close its connections."""
        self._exporter.shutdown()

    def _span(self, row: dict[str, object]) -> ReadableSpan:
        version = row["service_version"]
        if version not in self._resources:
            from opentelemetry.sdk.resources import Resource

            told = {"service.name": str(row["service_name"])} | ({"service.version": str(version)} if version else {})
            self._resources[version] = Resource(told)
        return span(row, self._resources[version])


def span(row: dict[str, object], resource: Resource) -> ReadableSpan:
    """A row of records/rows.py as a span; one without a recorded end ends at its start and says so."""
    from opentelemetry.sdk.trace import Event, ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
    from opentelemetry.trace.status import Status, StatusCode

    def context(span_id: object) -> SpanContext:
        trace, flags = int(str(row["trace_id"]), 16), TraceFlags(TraceFlags.SAMPLED)
        return SpanContext(trace, int(str(span_id), 16), is_remote=False, trace_flags=flags)

    start = _nanoseconds(row["start_timestamp"])
    end = start if row["end_timestamp"] is None else _nanoseconds(row["end_timestamp"])
    failed = row["otel_status_code"] == "ERROR"
    events: list[Event] = []
    if row["is_exception"]:
        told = {"exception.type": row["exception_type"], "exception.message": row["exception_message"]}
        events.append(Event("exception", {key: str(text) for key, text in told.items() if text is not None}, end))
    return ReadableSpan(
        str(row["span_name"]), context(row["span_id"]), context(row["parent_span_id"]) if row["parent_span_id"] else None,
        resource, _attributes(row), events, (), SpanKind.INTERNAL, None,
        Status(StatusCode.ERROR, str(row["otel_status_message"] or "")) if failed else Status(StatusCode.UNSET),
        start, end, InstrumentationScope(str(row["otel_scope_name"])),
    )  # fmt: skip


def _nanoseconds(iso: object) -> int:
    since = datetime.fromisoformat(str(iso)) - _EPOCH
    return since // timedelta(microseconds=1) * 1000


_Plain = str | bool | int | float


def _attributes(row: dict[str, object]) -> dict[str, _Plain]:
    """What a span can hold: texts, numbers, truth values; lists and objects as JSON, which Logfire's schema tells."""
    found: dict[str, _Plain] = {}
    kinds: dict[str, object] = {}
    for name, value in cast("dict[str, object]", row["attributes"]).items():
        if isinstance(value, str | bool | float) or (isinstance(value, int) and abs(value) < 1 << 63):
            found[name] = value
        elif value is not None:
            found[name] = orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
            kinds[name] = {"type": "array" if isinstance(value, list) else "object"}
    if kinds:
        found["logfire.json_schema"] = orjson.dumps({"type": "object", "properties": kinds}).decode()
    if row["end_timestamp"] is None:
        found["massgen_logs.end_recorded"] = False
    found["logfire.span_type"] = "log" if row["kind"] == "log" else "span"
    found["logfire.level_num"] = _LEVELS.get(str(row["level"]), 9)
    found["logfire.msg"] = str(row["message"])
    return found


@contextmanager
def _told() -> Generator[list[str]]:
    """What the exporter logs meanwhile, kept from standard error: its result holds no reason."""
    reasons: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            reasons.append(record.getMessage())

    logger, handler = logging.getLogger("opentelemetry"), Keep(logging.WARNING)
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield reasons
    finally:
        logger.removeHandler(handler)
        logger.propagate = before
