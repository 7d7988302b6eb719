"""Runs that MassGen is still writing, many clients at once, calls that are cancelled, servers that are told to go."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client
from test_mcp_stdio import CLEAN, server, text_of

from conftest import CORPUS
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

WRITER = """
import json, os, shutil, sys, time
source, target = sys.argv[1:]
lines = {name: open(f"{source}/{name}", "rb").readlines() for name in ("events.jsonl", "massgen.log")}
os.makedirs(target)
shutil.copy(f"{source}/execution_metadata.yaml", target)
status = json.load(open(f"{source}/status.json"))
status |= {"finish_reason": "in_progress", "is_complete": False}
status["results"] = {"votes": {}, "winner": None, "final_answer_preview": None}
files = {name: open(f"{target}/{name}", "ab", buffering=0) for name in lines}
steps = 120
for step in range(steps):
    for name, rows in lines.items():
        for row in rows[len(rows) * step // steps : len(rows) * (step + 1) // steps]:
            files[name].write(row[: len(row) // 2])  # a reader may come between
            files[name].write(row[len(row) // 2 :])
    if step % 6 == 5:  # whole, by a rename, as MassGen writes it
        status["meta"]["last_updated"] = time.time()
        with open(f"{target}/status.json.tmp", "w") as file:
            json.dump(status, file)
        os.replace(f"{target}/status.json.tmp", f"{target}/status.json")
    time.sleep(0.02)
for folder in sorted(os.listdir(source)):
    if os.path.isdir(f"{source}/{folder}"):
        shutil.copytree(f"{source}/{folder}", f"{target}/{folder}", symlinks=True)
for name in ("snapshot_mappings.json", "coordination_events.json", "metrics_events.json", "metrics_summary.json"):
    with open(f"{source}/{name}") as read, open(f"{target}/{name}", "w", buffering=1) as write:  # no rename: torn for a while
        for piece in iter(lambda: read.read(20_000), ""):
            write.write(piece)
            time.sleep(0.004)
shutil.copy(f"{source}/status.json", target)
"""


def consistent(root: str) -> dict[str, Any]:
    """One look at a run with every claim that an answer makes twice held against its twin; the overview's data."""
    arguments = {"logs_dir": root}
    answer = call(get("run_overview"), arguments)
    data = answer.data
    assert data["state"] == answer.scope["state"]
    assert sum(data["tally"].values()) == data["votes"]["counted"] <= data["votes"]["accepted"]
    assert data["answers"] == sum(len(row["answers"]) for row in data["agent_rows"])
    checks = {check["id"]: check["ok"] for check in data["checks"]}
    assert (checks["winner_selected"] is True) == (data["winner"] is not None)
    assert not (data["state"] == "in_progress" and checks["coordination_completed"])
    votes = call(get("vote_reasons"), arguments | {"limit": 500}).data
    assert votes["accepted"] == sum(vote["accepted"] for vote in votes["votes"])
    assert votes["counted"] == sum(vote["counted"] for vote in votes["votes"]) == len(votes["final"])
    commands = call(get("repeated_commands"), arguments | {"min_count": 1, "limit": 500}).data
    if commands["total_ran"] is not None:
        assert commands["total_ran"] == sum(row["ran"] for row in commands["commands"])
        assert all(sum(row["by_agent"].values()) == row["ran"] for row in commands["commands"] if row["ran"])
    return data


@pytest.mark.parametrize("name", [CLEAN, "s2_three_agents_0.1.97", "s14_mixed_0.1.97"])
def test_a_run_that_is_being_written_is_told_without_contradiction(name: str, tmp_path: Path) -> None:
    """A writer replays a real run; each look agrees with itself, nothing shrinks, and the last look is the whole run."""
    source = next((CORPUS / name).glob(".massgen/massgen_logs/*/turn_1/attempt_1"))
    target = tmp_path / source.parent.parent.name / "turn_1" / "attempt_1"
    ran, looks = 0, 0
    with subprocess.Popen([sys.executable, "-c", WRITER, str(source), str(target)]) as writer:
        while not (target / "events.jsonl").exists():
            time.sleep(0.01)
        while writer.poll() is None:
            data = consistent(str(tmp_path))
            assert data["commands_ran"] is None or data["commands_ran"] >= ran
            ran, looks = data["commands_ran"] or ran, looks + 1
    assert writer.returncode == 0
    assert looks > 1, "the writer was done before a second look"
    whole, last = (
        call(get("run_overview"), {"logs_dir": str(source.parent.parent.parent)}).data,
        consistent(str(tmp_path)),
    )
    for key in (
        "winner",
        "answers",
        "votes",
        "tally",
        "commands_ran",
        "commands_failed",
        "cost_usd",
        "state",
        "restarts",
    ):
        assert last[key] == whole[key], key


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("list_logs", {}),
    ("run_overview", {}),
    ("coordination_timeline", {}),
    ("repeated_commands", {"min_count": 1}),
    ("vote_reasons", {}),
    ("read_trace", {"agent": "agent_a"}),
    ("find_errors", {}),
    ("time_breakdown", {}),
]


async def test_sixteen_clients_of_one_server_get_the_answers_of_one(figure) -> None:
    """Sixteen loops on one process, in different orders."""
    root = CORPUS / CLEAN
    async with Client(server(root)) as client:
        alone = {tool: await text_of(client, tool, **arguments) for tool, arguments in CALLS}
        wrong: list[str] = []

        async def ask(shift: int) -> None:
            for tool, arguments in [*CALLS[shift % 8 :], *CALLS[: shift % 8]] * 2:
                if await text_of(client, tool, **arguments) != alone[tool]:
                    wrong.append(tool)

        async with anyio.create_task_group() as group:
            for n in range(16):
                group.start_soon(ask, n)
    assert wrong == []
    figure("clients at once on one server", "{clients}, {other} answers other than one client's", clients=16, other=0)


async def test_eight_servers_on_one_tree_get_the_answers_of_one(figure) -> None:
    """Each its own process."""
    root = CORPUS / CLEAN
    answers: list[list[str]] = []

    async def ask() -> None:
        async with Client(server(root)) as client:
            answers.append([await text_of(client, tool, **arguments) for tool, arguments in CALLS])

    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(ask)
    assert len(answers) == 8
    assert all(answer == answers[0] for answer in answers)
    figure("servers at once on one tree", "{servers}, {other} answers other than one server's", servers=8, other=0)


def _cpu_of_children() -> dict[int, float]:
    """CPU seconds of each server process below this one."""
    found: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rsplit(")", 1)[1].split() if entry.name.isdigit() else []
            if fields and int(fields[1]) == os.getpid() and b"massgen_logs" in (entry / "cmdline").read_bytes():
                found[int(entry.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            continue
    return found


@pytest.fixture(scope="module")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose events.jsonl is 200 MB: several seconds of work."""
    root = tmp_path_factory.mktemp("long")
    source = next((CORPUS / CLEAN).glob(".massgen/massgen_logs/log_*"))
    shutil.copytree(source, root / source.name, symlinks=True)
    file = root / source.name / "turn_1" / "attempt_1" / "events.jsonl"
    text = {"timestamp": "2026-11-22T10:48:01.000001", "event_type": "text", "agent_id": "agent_a", "round_number": 0}
    line = json.dumps({**text, "data": {"content": "word " * 80}}).encode() + b"\n"
    rest = file.read_bytes()
    with file.open("wb") as out:
        for _ in range(200_000_000 // (1000 * len(line))):
            out.write(line * 1000)
        out.write(rest)
    return root


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see what a process does")
async def test_a_cancelled_call_stops_its_work(long_log: Path) -> None:
    """The server's process is idle soon after, and answers the next call."""
    async with Client(server(long_log)) as client:
        await client.list_tools()
        before = _cpu_of_children()
        with anyio.move_on_after(1.0) as scope:
            await client.call_tool("run_overview", {})
        assert scope.cancelled_caught, "the call must be long enough to be cancelled"
        assert sum(_cpu_of_children().values()) > sum(before.values()), "it had begun"
        await anyio.sleep(2.0)
        settled = _cpu_of_children()
        await anyio.sleep(1.0)
        assert sum(_cpu_of_children().values()) - sum(settled.values()) < 0.3, "it goes on working"
        assert "log_2" in await text_of(client, "list_logs", limit=1)


def _begin(root: Path) -> subprocess.Popen[bytes]:
    """A server process that has answered `initialize`."""
    process = subprocess.Popen(
        [sys.executable, "-m", "massgen_logs", "serve", "--logs-dir", str(root)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    hello = {
        "jsonrpc": "2.0", "id": 1, "method": "initialize",
        "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
    }  # fmt: skip
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(hello).encode() + b"\n")
    process.stdin.flush()
    assert b'"result"' in process.stdout.readline()
    return process


def _call(process: subprocess.Popen[bytes], tool: str) -> None:
    assert process.stdin
    for message in (
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": tool, "arguments": {}}},
    ):
        process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in a call"])
@pytest.mark.parametrize("how", ["eof", "SIGTERM", "SIGINT"])
def test_a_server_goes_when_it_is_told_to(how: str, busy: bool, long_log: Path) -> None:
    """At the end of its input and at both signals, also in the middle of a long call; no process stays behind."""
    process = _begin(long_log if busy else CORPUS / CLEAN)
    if busy:
        _call(process, "run_overview")
        time.sleep(0.5)
    if how == "eof":
        assert process.stdin
        process.stdin.close()
    else:
        os.killpg(process.pid, signal.Signals[how])
    try:
        process.wait(20)
    finally:
        process.kill()
        process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)


def test_the_test_run_has_no_network() -> None:
    """Neither in this process nor in one that it starts; the whole suite passes without a connection."""
    import socket

    with pytest.raises(AssertionError, match="no network"), socket.socket() as one:
        one.connect(("192.0.2.1", 80))
    with pytest.raises(AssertionError, match="no network"):
        socket.getaddrinfo("example.com", 80)
    code = "import socket; socket.create_connection(('example.com', 80), 1)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "the test run has no network" in child.stderr
