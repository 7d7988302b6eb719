"""One client, two servers: ours, and the last logfire-mcp that serves, before a stand-in of Logfire's API with s9's spans.

Run by `make beside`, which installs that server in an environment of its own; skipped where it is not installed.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import captured
import pytest
from mcp import Client, StdioServerParameters

ROOT = Path(__file__).parents[2]
OLD = ROOT / ".logfire-mcp" / "bin" / "logfire-mcp"
LIMITED = b'{"detail":"Rate limit exceeded for organization xxx: per minute limit reached."}'
A_MONTH = 302_400

pytestmark = pytest.mark.skipif(not OLD.exists(), reason="make beside installs logfire-mcp 0.8.0")


@contextmanager
def logfire(refused: int) -> Generator[tuple[str, list[dict[str, Any]]]]:
    """A loopback API: its address and the queries it got; the first `refused` ones meet the rate limit."""
    database, lock, got = captured.database(), threading.Lock(), list[dict[str, Any]]()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._send(200, json.dumps({"organization_name": "org", "project_name": "runs"}).encode())

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with lock:
                got.append(asked)
                if len(got) <= refused:
                    return self._send(429, LIMITED)
                found = database.execute(f"SELECT * FROM ({asked['sql']}) LIMIT {asked.get('limit', 100)}")
                names = [column[0] for column in found.description or ()]
                rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
            fields = [{"name": name, "data_type": "Utf8", "nullable": True} for name in names]
            return self._send(200, json.dumps({"schema": {"fields": fields}, "data": rows}, default=str).encode())

        def _send(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", got
    finally:
        server.shutdown()
        server.server_close()


async def test_both_answer_one_client(corpus: Path) -> None:
    """The old server's tools are those that the references name; a refused query is answered when sent again, as they
    advise; both servers give the run's tokens for the same SQL."""
    reference = (ROOT / "skill_assets" / "logfire.md").read_text(encoding="utf-8")
    sql = reference.split("Tokens and cost per agent", 1)[1].split("```sql\n", 1)[1].split("```", 1)[0]
    environment = {"PATH": os.environ["PATH"], "LOGFIRE_READ_TOKEN": "stand-in"}
    ours = ["-m", "massgen_logs", "serve", "--logs-dir", str(corpus / "s9_logfire_0.1.97")]
    with logfire(refused=1) as (url, got):
        old = StdioServerParameters(command=str(OLD), env=environment | {"LOGFIRE_BASE_URL": url})
        async with Client(old) as there, Client(StdioServerParameters(command=sys.executable, args=ours)) as here:
            tools = {tool.name: tool for tool in (await there.list_tools()).tools}
            assert set(tools) == {"find_exceptions_in_file", "arbitrary_query", "logfire_link", "schema_reference"}
            assert all(f"`{name}" in reference for name in tools)
            assert tools["arbitrary_query"].input_schema["required"] == ["query", "age"]

            find = "SELECT trace_id FROM records WHERE span_name = 'coordination.session' AND NOT is_exception"
            refused = await there.call_tool("arbitrary_query", {"query": find, "age": 60})
            assert refused.is_error
            assert "per minute limit reached" in refused.content[0].text
            again = await there.call_tool("arbitrary_query", {"query": find, "age": A_MONTH})
            ((trace,),) = [row.values() for row in again.structured_content["result"]]
            answer = await there.call_tool("arbitrary_query", {"query": sql.replace("TRACE", trace), "age": A_MONTH})
            sent = [list(row.values()) for row in answer.structured_content["result"]]
            assert "limit" not in got[-1]
            assert got[-1].keys() >= {"min_timestamp"}
            assert "max_timestamp" not in got[-1]
            too_far = await there.call_tool("arbitrary_query", {"query": find, "age": A_MONTH + 1})
            assert too_far.is_error
            link = await there.call_tool("logfire_link", {"trace_id": trace})
            assert trace in link.content[0].text

            mine = await here.call_tool("query_records", {"sql": find})
            trace = mine.content[0].text.split("|trace_id|\n|-|\n|", 1)[1].split("|", 1)[0]
            mine = await here.call_tool("query_records", {"sql": sql.replace("TRACE", trace)})
    assert sent == [["agent_a", 113885, 956, 0.017464], ["agent_b", 36491, 422, 0.094168]]
    assert "|agent_a|113885|956|0.017464|\n|agent_b|36491|422|0.094168|" in mine.content[0].text
