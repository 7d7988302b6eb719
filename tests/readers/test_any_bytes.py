"""Property: no reader raises, whatever bytes the file holds; what it could not read it says."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from massgen_logs.readers import (
    agent_outputs,
    answer_txt,
    context_txt,
    coordination_events,
    coordination_table,
    events_jsonl,
    execution_metadata,
    execution_trace,
    massgen_log,
    metrics_events,
    metrics_summary,
    snapshot_mappings,
    status_json,
    streaming_debug,
    vote_json,
)
from massgen_logs.readers.base import Problem, Source

WHOLE: list[Callable[[Path | None], object]] = [
    module.read
    for module in (
        agent_outputs, answer_txt, context_txt, coordination_events, coordination_table, execution_metadata, execution_trace,
        metrics_events, metrics_summary, snapshot_mappings, status_json, vote_json,
    )
]  # fmt: skip
LINEWISE = [events_jsonl.read, massgen_log.read, streaming_debug.read]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
KEYS = st.sampled_from([
    "agents", "meta", "results", "votes", "events", "session_metadata", "tool_executions", "round_completions", "context",
    "timestamp", "event_type", "agent_id", "data", "token_usage", "reliability", "enforcement_attempts", "voter_id", "reason",
    "config", "cli_args", "backend", "type", "subagents", "round_history", "complete_vote_results", "agent_mapping",
])  # fmt: skip
schema_like = st.dictionaries(KEYS, st.dictionaries(KEYS, json_values, max_size=4) | json_values, max_size=6)
fragments = st.sampled_from([
    b"### Tool Call: x\n", b"```json\n{", b"```", b"Arguments for Calling x: {", b"Results for Calling x: ", b"12:00:00 | INFO | ",
    b"12:00:00.000 | Yielding chunk: StreamChunk(type='content', content='", b"\n", b"{\"event_type\": \"text\"", b"\x00", b"\xff\xfe",
    "🔧 MCP: ".encode(), b"Stream chunk [content]: ", b"tool_calls=[{'a': ", b"massgen_version: 0.1.97\n", b"config: [unclosed\n",
])  # fmt: skip
contents = (
    st.binary(max_size=300)
    | st.lists(fragments | st.binary(max_size=20), max_size=12).map(b"".join)
    | schema_like.map(lambda value: repr(value).encode())
    | schema_like.map(lambda value: __import__("json").dumps(value).encode())
    | st.lists(schema_like.map(lambda value: __import__("json").dumps(value).encode()), max_size=4).map(b"\n".join)
)


@settings(max_examples=150, deadline=None)
@given(contents)
def test_no_reader_raises(content: bytes) -> None:
    """Whole-file and line-wise readers alike."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        for read in WHOLE:
            read(path)
        for read in LINEWISE:
            source, problems = Source("file"), list[Problem]()
            list(read(path, source, problems))
            assert source.unreadable <= source.rows


@pytest.mark.parametrize("read", WHOLE, ids=lambda read: read.__module__.rsplit(".", 1)[1])
def test_a_missing_file_has_no_source(read: Callable[[Path | None], object]) -> None:
    """Missing is not empty."""
    assert read(None).source is None  # type: ignore[attr-defined]


def test_an_oversized_document_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported with the limit."""
    path = tmp_path / "status.json"
    path.write_bytes(b"{" + b" " * 200 + b"}")
    monkeypatch.setattr("massgen_logs.readers.base.read_text.__defaults__", (100,))
    found = status_json.read(path)
    assert found.source is not None
    assert found.source.unreadable == 1
    assert "larger than 100 bytes" in found.problems[0].what


def test_an_oversized_line_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines around it are read, and its number is told."""
    monkeypatch.setattr("massgen_logs.readers.base.MAX_LINE", 100)
    line = b'{"event_type": "round_start", "agent_id": "a", "timestamp": "x", "data": {}}\n'
    path = tmp_path / "events.jsonl"
    path.write_bytes(line + b'{"x": "' + b"y" * 500 + b'"}\n' + line)
    source, problems = Source("events.jsonl"), list[Problem]()
    assert [event.line for event in events_jsonl.read(path, source, problems)] == [1, 3]
    assert [(p.line, p.what) for p in problems] == [(2, "line longer than 100 bytes: skipped")]


@pytest.mark.parametrize(
    "document",
    [
        b"config: " + b"[" * 200_000,
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(b"%c: &%c [%s]\n" % (c, c, b",".join([b"*%c" % (c - 1)] * 9)) for c in range(98, 110)),
        b"config: &c\n  again: *c\n",
    ],
    ids=["nested", "aliases", "cycle"],
)
def test_a_hostile_config_is_a_problem(document: bytes, tmp_path: Path) -> None:
    """Deep nesting ends a process inside the YAML library's C code; aliases multiply without end."""
    file = tmp_path / "execution_metadata.yaml"
    file.write_bytes(b"massgen_version: 0.1.97\n" + document)
    code = "import sys, pathlib; from massgen_logs.readers.execution_metadata import read; r = read(pathlib.Path(sys.argv[1])); print(r.value.version, len(r.problems))"
    done = subprocess.run([sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["0.1.97", "1"], done.stderr
