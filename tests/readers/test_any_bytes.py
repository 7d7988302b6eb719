"""Properties of every reader module: none raises, whatever bytes the file holds; what it could not read it says."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import pkgutil
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import to_builtins

from conftest import CORPUS
from massgen_logs import readers
from massgen_logs.readers import events_jsonl, status_json
from massgen_logs.readers.base import Problem, Read, Source, lines, lines_with

EXAMPLES: dict[str, tuple[str, ...]] = {
    "agent_outputs": ("agent_outputs/*.txt",),
    "answer_txt": ("*/answer.txt",),
    "calls_text": ("agent_outputs/*.txt", "massgen.log"),
    "context_txt": ("*/context.txt",),
    "coordination_events": ("coordination_events.json",),
    "coordination_table": ("coordination_table.txt",),
    "events_jsonl": ("events.jsonl",),
    "execution_metadata": ("execution_metadata.yaml",),
    "execution_trace": ("*/execution_trace.md",),
    "massgen_log": ("massgen.log", "massgen_debug.log"),
    "metrics_events": ("metrics_events.json",),
    "metrics_summary": ("metrics_summary.json",),
    "snapshot_mappings": ("snapshot_mappings.json",),
    "status_json": ("status.json",),
    "stderr_log": ("mcp_*_stderr.log",),
    "streaming_debug": ("streaming_debug.log",),
    "update_message": ("*/update_message.txt",),
    "vote_json": ("*/vote.json",),
}
"""Files of the samples that each reader reads."""
MODULES: dict[str, ModuleType] = {
    info.name: importlib.import_module(f"massgen_logs.readers.{info.name}")
    for info in pkgutil.iter_modules(readers.__path__)
    if info.name not in {"base", "growing"}  # how lines are read; test_growing.py
}
DOCUMENTS = [name for name, globs in EXAMPLES.items() if globs[0].endswith(".json")] + ["context_txt", "update_message"]


def linewise(name: str) -> bool:
    """True for a reader that fills a Source while it is iterated."""
    return "source" in inspect.signature(MODULES[name].read).parameters


WHOLE = [name for name, module in MODULES.items() if hasattr(module, "read") and not linewise(name)]


def read(name: str, path: Path) -> tuple[Any, Source, list[Problem]]:
    """What a module gives for a file: its rows or value, the source and the problems."""
    module = MODULES[name]
    if not hasattr(module, "read"):  # a text within a file of another module
        text = path.read_bytes().decode("utf-8", "replace")
        return list(module.pieces(text)), Source(path.name, 1), []
    if linewise(name):
        source, problems = Source(path.name), list[Problem]()
        return list(module.read(path, source, problems)), source, problems
    found: Read[Any] = module.read(path)
    assert found.source is not None
    return found.value, found.source, found.problems


def check(name: str, content: bytes) -> None:
    """The promises of a reader for a file of this content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        value, source, problems = read(name, path)
    assert min(source.rows, source.unreadable) >= 0
    if name in WHOLE and source.unreadable:
        assert problems
    if name in DOCUMENTS:
        try:
            is_object = isinstance(json.loads(content), dict)
        except (ValueError, RecursionError):
            is_object = False
        assert is_object or problems or name == "context_txt"
    rows = value if isinstance(value, list) else [value]
    for row in rows:  # what is handed on can be told: no NaN, no number of more than 64 bits, no lone surrogate
        plain = to_builtins(row)
        assert "NaN" not in json.dumps(plain, default=list) or "NaN" in content.decode("utf-8", "replace")
        orjson.dumps(plain, option=orjson.OPT_NON_STR_KEYS)


@functools.cache
def lines_of(name: str) -> list[bytes]:
    """Up to 400 different lines of the samples' files of that kind."""
    files = [
        p for glob in EXAMPLES[name] for p in sorted(CORPUS.rglob(glob)) if "workspace" not in p.parts and p.is_file()
    ]
    assert files, f"no sample holds a file for {name}"
    some = random.Random(0).sample(files, min(6, len(files)))
    lines = {line for path in some for line in path.read_bytes().splitlines(keepends=True) if len(line) < 4000}
    return random.Random(0).sample(sorted(lines), min(400, len(lines)))


@functools.cache
def keys_of(name: str) -> list[str]:
    """The keys that a module asks for, and those of the modules it hands parts on to."""
    source = inspect.getsource(MODULES[name]) + inspect.getsource(status_json)
    return [*sorted(set(re.findall(r"""(?:get\(|\[)"(\w+)""", source))), "agent_a", "agent1.1", ""]


def shaped(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with the keys that a reader looks for, and values of any type below them."""
    keys = st.sampled_from(keys_of(name)) | st.text(max_size=3)
    numbers = st.integers() | st.floats() | st.sampled_from([2**63, 2**64, -(2**63), 10**400, 1e308, -0.0])
    texts = st.text(max_size=12) | st.sampled_from(
        ["agent_a", "new_answer", "vote_cast", "iteration_start", "20261122_104813_330911"]
    )
    return st.recursive(
        st.dictionaries(keys, st.none() | st.booleans() | numbers | texts, max_size=8),
        lambda inner: st.dictionaries(keys, inner | st.lists(inner | texts | numbers, max_size=3), max_size=6),
        max_leaves=12,
    )


def test_every_reader_is_tested() -> None:
    """A new module of the package needs its sample files named here."""
    assert set(MODULES) == set(EXAMPLES)


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=20, deadline=None)
@given(content=st.binary(max_size=300))
def test_any_bytes(name: str, content: bytes) -> None:
    """Bytes of no meaning."""
    check(name, content)


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_lines_of_its_own_kind(name: str, data: st.DataObject) -> None:
    """Real lines in any order, cut anywhere, with anything between them."""
    lines = st.sampled_from(lines_of(name))
    cut = st.tuples(lines, st.integers(0, 80)).map(lambda pair: pair[0][: pair[1]])
    pieces = st.lists(
        lines
        | lines
        | cut
        | st.binary(max_size=8)
        | st.sampled_from([b"\n", b"```\n", b"{", b"\x00", b"\xff", b"\r\n"]),
        max_size=20,
    )
    check(name, b"".join(data.draw(pieces)))


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_objects_of_its_own_shape(name: str, data: st.DataObject) -> None:
    """Its keys at any place with values of any type, as one document (JSON is YAML too) or one a line."""
    objects = data.draw(st.lists(shaped(name), min_size=1, max_size=3))
    check(name, b"\n".join(json.dumps(value).encode() for value in objects))


@pytest.mark.parametrize("name", WHOLE)
def test_a_missing_file_has_no_source(name: str) -> None:
    """Missing is not empty."""
    whole: Callable[[Path | None], Read[Any]] = MODULES[name].read
    assert whole(None).source is None


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


@given(content=st.lists(st.sampled_from([b"\n", b"\r\n", b"a", b"mark", b"other", b"m", b"\xff"])).map(b"".join))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_with_a_mark_are_those_of_all_lines(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With their numbers, wherever the stretches that are looked through end; the others are counted."""
    monkeypatch.setattr("massgen_logs.readers.base._BLOCK", 16)
    path, source = tmp_path / "massgen.log", Source("massgen.log")
    path.write_bytes(content)
    every = list(lines(path, Source("massgen.log"), []))
    assert list(lines_with(path, (b"mark", b"other"), source, [])) == [
        (number, line) for number, line in every if b"mark" in line or b"other" in line
    ]
    assert source.rows == len(every)


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
