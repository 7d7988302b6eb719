"""One client, two servers: ours over stdio, and a stand-in of Logfire's hosted server over streamable HTTP with s9's spans.

The client does what the skill's references say: it takes SQL and window from `logfire_queries`, finds the tool by the last
part of its name and the window's arguments in its schema, waits out the rate limit, and hands the rows to `reconcile`.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import captured
import pytest
import uvicorn
from mcp import Client, StdioServerParameters
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

LIMITED = "Rate limit exceeded for organization xxx: per minute limit reached."
ALL = "SELECT span_name, message, duration, start_timestamp, attributes FROM records"


class Hosted:
    """The stand-in: `query_run` and `project_logfire_link` as Logfire's own documentation tells of them.

    `limited`: how many queries meet the rate limit. `names`: what the window's arguments are called; published
    descriptions differ. `asked`: the SQL of every query that came.
    """

    def __init__(self, names: tuple[str, str], limited: int) -> None:
        self.names, self.limited, self.asked = names, limited, list[str]()
        self.database = captured.database()
        self.server = MCPServer("logfire")
        self.server.add_tool(self._tools()[names], name="query_run", structured_output=False)
        self.server.add_tool(self.project_logfire_link, structured_output=False)

    def _tools(self) -> dict[tuple[str, str], Any]:
        def start_end(
            query: str, project: str | None = None, start_timestamp: str | None = None, end_timestamp: str | None = None
        ) -> str:
            return self._run(query, start_timestamp, end_timestamp)

        def min_max(
            query: str, project: str | None = None, min_timestamp: str | None = None, max_timestamp: str | None = None
        ) -> str:
            return self._run(query, min_timestamp, max_timestamp)

        return {("start_timestamp", "end_timestamp"): start_end, ("min_timestamp", "max_timestamp"): min_max}

    def project_logfire_link(self, project: str, trace_id: str) -> str:
        """A link to a trace."""
        return f"https://logfire-us.pydantic.dev/org/{project}?q=trace_id%3D%27{trace_id}%27"

    def _run(self, query: str, start: str | None, end: str | None) -> str:
        self.asked.append(query)
        if len(self.asked) <= self.limited:
            raise ToolError(LIMITED)
        until = datetime.fromisoformat(end) if end else datetime.now(UTC)
        since = datetime.fromisoformat(start) if start else until - timedelta(minutes=30)
        if until - since > timedelta(days=14):
            raise ToolError("The time range may not be longer than 14 days.")
        inside = f"SELECT * FROM records WHERE start_timestamp BETWEEN '{since.isoformat()}' AND '{until.isoformat()}'"
        seen = re.sub(r"\bFROM records\b", "FROM seen", query)
        found = self.database.cursor().execute(f"WITH seen AS ({inside}) SELECT * FROM ({seen})")
        names = [column[0] for column in found.description or ()]
        return json.dumps([dict(zip(names, row, strict=True)) for row in found.fetchall()], default=str)


@contextmanager
def serving(hosted: Hosted) -> Generator[str]:
    """The stand-in's URL on the loopback."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(hosted.server.streamable_http_app(), log_level="error", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        server.should_exit = True
        thread.join(10)


async def query(there: Client, sql: str, window: tuple[str, str] | None) -> list[dict[str, Any]]:
    """As the references advise: the tool by its last name, its own window, the same query again after a rate limit."""
    tool = next(tool for tool in (await there.list_tools()).tools if tool.name.endswith("query_run"))
    first, last = (
        next(n for n in tool.input_schema["properties"] if n.startswith(w)) for w in (("start", "min"), ("end", "max"))
    )
    arguments = {"query": sql} | ({first: window[0], last: window[1]} if window else {})
    for _ in range(60):
        answer = await there.call_tool(tool.name, arguments)
        text = answer.content[0].text  # type: ignore[union-attr]
        if not answer.is_error:
            return json.loads(text)
        assert "rate limit" in text.lower(), text
        await asyncio.sleep(0.05)  # where the references say up to 60 s
    raise AssertionError("refused for too long")


@pytest.mark.parametrize("names", [("start_timestamp", "end_timestamp"), ("min_timestamp", "max_timestamp")])
async def test_our_queries_bring_the_right_rows_from_the_hosted_server(corpus: Path, names: tuple[str, str]) -> None:
    """Rows by SCENARIO.md of s9: 12 calls, two answers, two votes, the winner, tokens and cost; the first query meets the
    rate limit and is answered when sent again; the default window of 30 minutes has none of them."""
    hosted = Hosted(names, limited=1)
    ours = ["-m", "massgen_logs", "serve", "--logs-dir", str(corpus / "s9_logfire_0.1.97")]
    with serving(hosted) as url:
        async with Client(url) as there, Client(StdioServerParameters(command=sys.executable, args=ours)) as here:
            told = await here.call_tool("logfire_queries", {})
            text = told.content[0].text  # type: ignore[union-attr]
            window = re.search(r"window \(UTC\): (\S+) to (\S+)", text)
            assert window
            queries = dict(re.findall(r"^(\w+): .*?\n```sql\n(.*?)\n```", text, flags=re.M | re.S))
            rows = {name: await query(there, sql, window.groups()) for name, sql in queries.items()}  # type: ignore[arg-type]
            assert hosted.asked[0] == hosted.asked[1]
            assert len(hosted.asked) == len(queries) + 1
            assert await query(there, queries["trace"], None) == []
            wide = await there.call_tool(
                "query_run", {"query": ALL, names[0]: "2026-11-01T00:00:00Z", names[1]: "2026-11-30T00:00:00Z"}
            )
            assert wide.is_error
            spans = await query(there, f"{ALL} WHERE trace_id = '{rows['trace'][0]['trace_id']}'", window.groups())  # type: ignore[arg-type]
            compared = await here.call_tool("reconcile", {"spans": json.dumps(spans)})
            link = await there.call_tool(
                "project_logfire_link", {"project": "runs", "trace_id": rows["trace"][0]["trace_id"]}
            )
    assert len(rows["trace"]) == 1
    assert rows["trace"][0]["duration"] == pytest.approx(18.6, abs=0.1)
    assert rows["trace"][0]["trace_id"] in link.content[0].text  # type: ignore[union-attr]
    assert {row["span_name"] for row in rows["rounds"]} == {
        "agent.agent_a.round_0", "agent.agent_b.round_0", "agent.agent_a.round_1", "agent.agent_b.round_1",
        "agent.agent_a.presentation",
    }  # fmt: skip
    commands = [row for row in rows["tools"] if row["span_name"].endswith(".execute_command")]
    assert {agent: sum(row["agent"] == agent for row in commands) for agent in ("agent_a", "agent_b")} == {
        "agent_a": 9,
        "agent_b": 3,
    }
    assert [[*row.values()] for row in rows["usage"]] == [
        ["agent_a", 113885, 956, pytest.approx(0.017464)],
        ["agent_b", 36491, 422, pytest.approx(0.094168)],
    ]
    names_in_order = [row["span_name"] for row in rows["timeline"]]
    assert [n for n in names_in_order if n.startswith("Agent answer:")] == [
        "Agent answer: agent1.1",
        "Agent answer: agent2.1",
    ]
    assert [n for n in names_in_order if n.startswith("Agent vote:")] == [
        "Agent vote: agent_b -> agent1.1",
        "Agent vote: agent_a -> agent1.1",
    ]
    assert len(rows["llm"]) == 16
    assert rows["errors"] == []
    said = compared.content[0].text  # type: ignore[union-attr]
    assert "call: count 12 of 12" in said
    assert {row.split("|")[8] for row in said.splitlines() if row.startswith("|") and "|" in row[1:]} - {"why", "-"} == {
        "presentation_tail", "exit_code", "restart_logs", "no_model_records", "late_streams",
    }  # fmt: skip
