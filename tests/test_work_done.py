"""What a call may cost, in things that can be counted without a clock: modules, files, bytes, rows parsed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import orjson
import pytest

from conftest import made_run
from massgen_logs import handles
from massgen_logs.analysis import commands
from massgen_logs.readers import base, streaming_debug
from massgen_logs.readers.base import Problem, Source
from massgen_logs.run import load, planted
from massgen_logs.run.model import Call
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import NAMES, get

_MODULES = "import json, sys; from massgen_logs import {0}; {1}; json.dump(sorted(sys.modules), sys.stderr)"


def modules(imported: str, done: str, *arguments: str) -> set[str]:
    """Those that a process has after it did this."""
    probe = [sys.executable, "-c", _MODULES.format(imported, done), *arguments]
    return set(json.loads(subprocess.run(probe, capture_output=True, text=True, check=True).stderr))


def test_a_server_starts_without_what_its_tools_need() -> None:
    """It lists all tools and has imported no reader, no analysis, no report; each tool's module, and little else."""
    seen = {name for name in modules("mcp_server", "mcp_server.make_server()") if name.startswith("massgen_logs.")}
    for part in ("readers", "run", "analysis", "records", "report", "text.find", "commands"):
        assert not {name for name in seen if name.startswith(f"massgen_logs.{part}")}, part
    assert len(seen) <= len(NAMES) + 15


def test_a_command_imports_only_what_it_needs(corpus: Path) -> None:
    """A question about commands: no library of other tools, no finding, no report."""
    seen = modules("cli", "cli.main(sys.argv[1:])", "repeated-commands", "--logs-dir", str(corpus / "s1_clean_0.1.97"))
    for name in ("mcp", "pydantic", "duckdb", "rich", "rapidfuzz", "asyncio"):
        assert name not in seen, name
    assert not {name for name in seen if name.startswith(("massgen_logs.report", "massgen_logs.analysis.findings"))}
    assert {name for name in seen if name.startswith("massgen_logs.tools.")} <= {
        f"massgen_logs.tools.{name}" for name in ("base", "registry", "masking", "repeated_commands")
    }


_PROBE = """
import json, sys
from massgen_logs import cli, handles
opened, plain = [], handles.Folder.open
def noted(folder, name):
    opened.append(str(folder.path / name))
    return plain(folder, name)
handles.Folder.open = noted
code = cli.main(sys.argv[1:])
json.dump({"code": code, "modules": sorted(sys.modules), "opened": opened}, sys.stderr)
"""


def probe(*arguments: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", _PROBE, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stderr)


def test_list_logs_imports_no_big_library(corpus: Path) -> None:
    """Neither mcp nor its companions, nor DuckDB, rich, pydantic or yaml."""
    seen = probe("list-logs", "--logs-dir", str(corpus / "s7a_multiturn_0.1.97"))
    assert seen["code"] == 0
    for module in ("mcp", "mcp_types", "pydantic", "duckdb", "rich", "yaml", "httpx2", "anyio", "asyncio", "shtab"):
        assert module not in seen["modules"], module


def test_list_logs_opens_only_what_its_rows_need(corpus: Path) -> None:
    """One row of two logs: not a file of the other log is opened; of the shown one's event log the end is read."""
    seen = probe("list-logs", "--limit", "1", "--logs-dir", str(corpus / "s7a_multiturn_0.1.97"))
    opened = [path for path in seen["opened"] if "massgen_logs/log_" in path]
    assert opened
    assert not [path for path in opened if "log_20261122_111522_854215" in path]
    assert {Path(path).name for path in opened} <= {
        "status.json", "metrics_summary.json", "coordination_events.json", "execution_metadata.yaml", "events.jsonl",
    }  # fmt: skip


class Counted(io.BufferedReader):
    """A file that counts what is read from it."""

    total = 0

    def _add(self, data: bytes) -> bytes:
        Counted.total += len(data)
        return data

    def read(self, size: int | None = -1) -> bytes:
        return self._add(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._add(super().read1(size))

    def readline(self, size: int | None = -1) -> bytes:
        return self._add(super().readline(size))


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Opened files by name, and under "" the JSON texts that were parsed; bytes are in Counted.total."""
    seen = Counter[str]()
    plain = handles.Folder.open

    def noted(folder: handles.Folder, name: str) -> int:
        seen[str(folder.path / name)] += 1
        return plain(folder, name)

    def loads(value: str | bytes) -> object:
        seen[""] += 1
        return orjson.loads(value)

    class Parser:
        JSONDecodeError = orjson.JSONDecodeError

    Parser.loads = staticmethod(loads)  # type: ignore[attr-defined]
    monkeypatch.setattr(handles.Folder, "open", noted)
    monkeypatch.setattr(os, "fdopen", lambda descriptor, _mode, _size=0: Counted(io.FileIO(descriptor)))
    monkeypatch.setattr(base, "orjson", Parser)
    load._cache.clear()
    Counted.total = 0
    return seen


def test_a_first_call_reads_each_byte_twice_at_most(copy_of, work: Counter[str]) -> None:
    """Once for its facts and once for secrets; and parses each line of events.jsonl once, each result in it once."""
    root = copy_of("s1_clean_0.1.97")
    attempt = next(root.glob("log_*/turn_1/attempt_1"))
    files = [path for path in attempt.rglob("*") if path.is_file() and "workspace" not in path.parts]
    events = [json.loads(line) for line in (attempt / "events.jsonl").read_text().splitlines()]
    call(get("run_overview"), {"logs_dir": str(root)})
    assert Counted.total <= 2.2 * sum(path.stat().st_size for path in files)
    opened = {name: times for name, times in work.items() if name}
    assert max(opened.values()) <= 6
    assert sum(opened.values()) <= 3 * len(files)
    results = sum(event["event_type"] == "tool_complete" for event in events)
    assert work[""] <= len(events) + 2 * results + len(files)


@pytest.mark.parametrize("tool", [n for n in NAMES if get(n).needs == "run"])
def test_a_repeated_call_reads_nothing(tool: str, corpus: Path, work: Counter[str]) -> None:
    """What did not change is neither opened nor parsed again."""
    arguments = {"logs_dir": str(corpus / "s1_clean_0.1.97")}
    extra = {"agent": "agent_a"} if "agent" in get(tool).parameters() else {}
    call(get(tool), {**arguments, **extra})
    work.clear()
    Counted.total = 0
    call(get(tool), {**arguments, **extra})
    assert not work
    assert Counted.total == 0


def test_commands_are_listed_without_comparing_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand different commands: no two of them are compared, as a search in a list would."""

    def compared(*_: object) -> bool:
        raise AssertionError("two commands were compared")

    monkeypatch.setattr(commands.Command, "__eq__", compared)
    calls = [Call("a", "execute_command", f"echo {n}", {}, f"events.jsonl:{n}", outcome="ok") for n in range(10_000)]
    assert commands.repeated_commands(made_run(calls=calls), 2).distinct == 10_000


def test_only_chunks_that_may_tell_a_call_are_taken_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2,000 chunks of reasoning and one call in their middle two are: the first, and the call."""
    quiet = (
        "10:00:00.000 | 🔹 [chat] Yielding chunk: StreamChunk(type='reasoning', content='so it is', tool_calls=None)\n"
    )
    telling = (
        "10:00:01.000 | 🔹 [chat] Yielding chunk: StreamChunk(type='tool_calls', content=None, tool_calls=[{'id': 'c', 'function': "
        "{'name': 'execute_command', 'arguments': '{\"command\": \"ls\"}'}}], error=None)\n"
    )
    path = tmp_path / "streaming_debug.log"
    path.write_text(quiet * 1000 + telling + quiet * 1000)
    taken = list[int]()
    plain = streaming_debug._chunk
    monkeypatch.setattr(streaming_debug, "_chunk", lambda line, text: taken.append(line) or plain(line, text))
    source = Source(path.name)
    found = [chunk.calls for chunk in streaming_debug.read(path, source, list[Problem]())]
    assert taken == [1, 1001]
    assert found[1] == (("execute_command", '{"command": "ls"}'),)
    assert source.rows == 2001


def test_ordinary_text_never_reaches_the_slow_patterns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick look alone says that a text orders nothing."""

    def compiled(pattern: str) -> None:
        raise AssertionError(pattern)

    monkeypatch.setattr(planted, "_compiled", compiled)
    text = "The instructions in README.md say: run npm install, then the tests. Note that agents vote. " * 200
    assert list(planted.look(text, "text", "a", None, "f:1")) == []
