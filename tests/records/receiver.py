"""An OTLP/HTTP endpoint on the loopback that keeps what it is sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass
class Receiver:
    """requests: number that arrived; spans: all that were acknowledged; answer: status and body by request number."""

    url: str = ""
    requests: int = 0
    spans: list[Span] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    services: set[tuple[str, str]] = field(default_factory=set)
    answer: Callable[[int], tuple[int, bytes, dict[str, str]]] = lambda _: (200, b"", {})


@contextmanager
def receiver(**settings: object) -> Generator[Receiver]:
    """Serves until the block is left."""
    kept = Receiver(**settings)  # type: ignore[arg-type]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            kept.requests += 1
            kept.headers.append({k.lower(): v for k, v in self.headers.items()})
            status, answer, extra = kept.answer(kept.requests)
            if status == 200 and self.path == "/v1/traces":
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    told = {a.key: a.value.string_value for a in resource.resource.attributes}
                    kept.services.add((told["service.name"], told["service.version"]))
                    for scope in resource.scope_spans:
                        kept.spans += scope.spans
            self.send_response(status)
            for name, value in extra.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    kept.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def rejected(number: int, why: str) -> bytes:
    """The body of an acknowledgement that says so many spans were not kept."""
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans, answer.partial_success.error_message = number, why
    return answer.SerializeToString()
