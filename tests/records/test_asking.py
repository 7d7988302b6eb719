"""Questions to `query_records` over time: in pages, of logs that grow, given up, with wrong names."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator

import anyio
import pytest
from mcp import Client

from conftest import CORPUS
from massgen_logs import stop
from massgen_logs.errors import MassgenLogError
from massgen_logs.mcp_server import make_server
from massgen_logs.records import store as stores
from massgen_logs.records.store import Store
from massgen_logs.tools import query_records
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

S9 = str(CORPUS / "s9_logfire_0.1.97")
ENDLESS = "SELECT count(*) FROM range(1000000) a, range(1000000) b"
ROW = {
    "start_timestamp": "2026-01-01T00:00:00Z", "span_name": "x", "message": "m", "kind": "log", "level": "info",
    "is_exception": False, "attributes": {}, "tags": [], "day": "2026-01-01",
}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Set once a query has gone to the worker."""
    event = threading.Event()

    def send(stream, frame: bytes) -> None:
        real(stream, frame)
        if frame[:1] == b"a":
            event.set()

    real = stores.send
    monkeypatch.setattr(stores, "send", send)
    return event


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """One whose queries may take longer than any test."""
    made = Store(seconds=600)
    yield made
    made.close()


def test_a_query_that_nobody_waits_for_ends_with_its_worker(store: Store, asked: threading.Event) -> None:
    """At once, long before its own limit; the next question has a new worker."""
    kept = store.put("a", None, "finished", [], [{"trace_id": "t", **ROW}])
    errors: list[str] = []

    def ask() -> None:
        with pytest.raises(MassgenLogError) as error:
            store.ask(ENDLESS, [kept])
        errors.append(str(error.value))

    with stop.when_left():
        thread = threading.Thread(target=contextvars.copy_context().run, args=(ask,))
        thread.start()
        assert asked.wait(60)
    thread.join(60)
    assert errors == ["The call was cancelled."]
    assert store.ask("SELECT count(*) AS n FROM records", [kept]).rows == [{"n": 1}]


async def test_a_client_that_cancels_frees_the_worker_for_others(
    asked: threading.Event, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next call of the same client is answered, though the first one's query would have gone on for ten minutes."""
    monkeypatch.setattr(query_records, "_store", lambda: store)
    async with Client(make_server(S9)) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(client.call_tool, "query_records", {"sql": ENDLESS})
            assert await anyio.to_thread.run_sync(asked.wait, 60)
            group.cancel_scope.cancel()
        answer = await client.call_tool(
            "query_records", {"sql": "SELECT count(*) AS n FROM records WHERE span_name LIKE 'mcp.%'"}
        )
    assert "|n|\n|-|\n|12|" in answer.content[0].text


@pytest.mark.parametrize(
    ("sql", "nearest"),
    [
        ("SELECT r.span_nam FROM records r", "span_name"),
        ("SELECT duraton FROM records", "duration"),
        ("SELECT * EXCLUDE (atributes) FROM records", "attributes"),
        ("SELECT count(*) FROM records a JOIN records b USING (tracid)", "trace_id"),
        ("SELECT x.Start_Time FROM (SELECT * FROM records) x", "start_timestamp"),
        ("SELECT span_name, count(*) FROM records", None),
        ("SELECT zzz FROM records", None),
    ],
)
def test_a_wrong_column_is_answered_with_the_nearest(store: Store, sql: str, nearest: str | None) -> None:
    """Wherever it stands; no name is offered where none is near or none was wrong; where else to look is always told."""
    with pytest.raises(MassgenLogError, match="All else stands in attributes") as error:
        store.ask(sql, [])
    said = str(error.value)
    assert said.partition("Nearest: ")[2].startswith(nearest) if nearest else "Nearest" not in said


LOG = "SELECT span_name, message, attributes FROM records ORDER BY start_timestamp, span_id"


def test_pages_put_together_are_the_whole(ask, copy_of) -> None:
    """Each row once and in order, by several limits and without one; a log that changed in between is told."""
    root = copy_of("s9_logfire_0.1.97")
    place = ("--logs-dir", str(root), "--sql", LOG)
    whole = ask("query_records", *place, "--limit", "5000")
    rows, total = whole["data"]["rows"], whole["page"]["total"]
    assert (len(rows), whole["page"]["next_cursor"]) == (total, None)
    for limit in ((), ("--limit", "7")):
        assert ask("query_records", *place, *limit, key="rows")["data"]["rows"] == rows
    first = ask("query_records", *place, "--limit", "7")["page"]
    assert (first["shown"], first["total"], first["changed"]) == (7, total, False)
    again = ("--limit", "7", "--cursor", first["next_cursor"])
    assert ask("query_records", *place, *again)["page"]["changed"] is False
    status = root / "log_20261122_111220_908336" / "turn_1" / "attempt_1" / "status.json"
    status.write_text(status.read_text().replace("from 1 to 100", "from 1 to 1000"))
    events = status.with_name("events.jsonl")
    events.write_text(events.read_text().replace("from 1 to 100", "from 1 to 1000"))
    assert ask("query_records", *place, *again)["page"]["changed"] is True


def test_a_log_that_grows_is_read_again(copy_of) -> None:
    """A run cut after its first answers, asked about, then whole: the second question sees all of it, each record once."""
    root = copy_of("s9_logfire_0.1.97")
    events = root / "log_20261122_111220_908336" / "turn_1" / "attempt_1" / "events.jsonl"
    lines = events.read_bytes().splitlines(keepends=True)

    def calls() -> list[dict[str, object]]:
        sql = "SELECT count(*) AS n, count(DISTINCT span_id) AS ids FROM records WHERE span_name LIKE 'mcp.%'"
        return call(get("query_records"), {"logs_dir": str(root), "sql": sql}).data["rows"]

    grown: list[object] = []
    started: list[int] = []
    for end in (len(lines) // 4, len(lines) // 2, len(lines)):
        events.write_bytes(b"".join(lines[:end]))
        started.append(sum(b'"tool_start"' in line and b"execute_command" in line for line in lines[:end]))
        (row,) = calls()
        grown.append(row["n"])
        assert row["ids"] == row["n"]
    assert grown == started
    assert 0 < started[0] < started[1] < started[2] == 12
