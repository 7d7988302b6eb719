"""What `make fuzz` found: files that crashed, hid a loss or spoke out of turn, one test each."""

from __future__ import annotations

import errno
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import attempt
from massgen_logs.errors import MassgenLogError
from massgen_logs.readers import coordination_events, execution_metadata, massgen_log
from massgen_logs.readers.base import Problem, Source
from massgen_logs.tools.base import Answer, call
from massgen_logs.tools.registry import get

CLEAN = "s1_clean_0.1.97"
OLD = "s1_clean_0.1.12"
LINES = b"".join(b"10:00:0%d | INFO | line %d\n" % (n, n) for n in range(10))


def ask(tool: str, root: Path, **arguments: object) -> Answer:
    return call(get(tool), {"logs_dir": str(root), **arguments})


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes one file one that may not be opened, also for root."""

    def closed(path: Path) -> None:
        really = os.open

        def opened(name: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if name == path.name and dir_fd is not None and os.path.samestat(os.fstat(dir_fd), os.stat(path.parent)):
                raise PermissionError(errno.EACCES, "Permission denied")
            return really(name, flags, mode, dir_fd=dir_fd)

        monkeypatch.setattr(os, "open", opened)

    return closed


# --- rotated logs


def rotated(path: Path, change: Callable[[bytearray], None], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("massgen.log", LINES)
    data = bytearray(path.read_bytes())
    change(data)
    path.write_bytes(data)


def wrong_sum(data: bytearray) -> None:
    data[data.index(b"line 9") + 5] = ord("8")


def locked(data: bytearray) -> None:
    data[6] = data[data.index(b"PK\x01\x02") + 8] = 1


def torn(data: bytearray) -> None:
    del data[100:]


@pytest.mark.parametrize(
    ("change", "method"),
    [
        (wrong_sum, zipfile.ZIP_STORED), (locked, zipfile.ZIP_STORED), (torn, zipfile.ZIP_STORED),
        (lambda data: None, zipfile.ZIP_BZIP2), (lambda data: None, zipfile.ZIP_LZMA),
        (lambda data: data.__setitem__(slice(50, 70), b"\xff" * 20), zipfile.ZIP_DEFLATED),
    ],
)  # fmt: skip
def test_a_damaged_archive_is_reported(change: Callable[[bytearray], None], method: int, tmp_path: Path) -> None:
    """A wrong sum, a password, a tear, a way of packing that MassGen does not use, bytes that are no stream."""
    path = tmp_path / "massgen.2026-11-22_10-00-00_000000.log.zip"
    rotated(path, change, method)
    source, problems = Source(path.name), list[Problem]()
    list(massgen_log.read(path, source, problems))
    assert source.unreadable == 1
    assert [p.file for p in problems] == [path.name]


# --- YAML and JSON


@pytest.mark.parametrize(
    ("yaml", "said"),
    [
        ("config: " + "[" * 50_000, "nested deeper"),  # overran the C stack: the process was gone
        ("config: " + "{a: " * 101 + "1" + "}" * 101, "nested deeper"),
        ("config: &c\n  self: *c\n", "a cycle"),
        ("a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"{n}: &{n} [{', '.join(['*' + p] * 10)}]\n" for p, n in zip("abcdef", "bcdefg", strict=True)), "100000 values"),
        ("config: !!timestamp x\n", "no valid YAML"),
        ("config: !!bool x\n", "no valid YAML"),
        ("config: !!int ''\n", "no valid YAML"),
        ("config: !!python/object/apply:os.system ['true']\n", "no valid YAML"),
    ],
)  # fmt: skip
def test_hostile_yaml_is_reported(yaml: str, said: str, tmp_path: Path) -> None:
    """Deep nesting, cycles, bombs of aliases and tags that do not fit; the version is still read."""
    path = tmp_path / "execution_metadata.yaml"
    path.write_text("massgen_version: 0.1.97\n" + yaml)
    found = execution_metadata.read(path)
    assert found.source == Source("execution_metadata.yaml", 0, 1)
    assert said in found.problems[0].what
    assert found.value.version == "0.1.97"


def test_yaml_values_that_json_lacks(copy_of) -> None:
    """Large integers, dates, bytes, sets, NaN and keys of other types in a config can be told."""
    root = copy_of(CLEAN)
    path = attempt(root) / "execution_metadata.yaml"
    extra = f"{{big: {2**70}, day: 2026-01-02, raw: !!binary aGVsbG8=, some: !!set {{x}}, none: .nan, 1: one}}"
    path.write_text(path.read_text().replace("orchestrator:\n", f"odd: {extra}\n  orchestrator:\n", 1))
    config = execution_metadata.read(path).value.config
    assert config is not None
    odd = config["odd"]
    assert isinstance(odd, dict)
    assert (odd["big"], odd["day"], odd["none"], odd["1"]) == (str(2**70), "2026-01-02", None, "one")
    ask("compare_runs", root, logs=[str(attempt(root)), str(attempt(copy_of(OLD)))]).dumps()


def test_a_torn_file_whose_head_is_nested_too_deeply(tmp_path: Path) -> None:
    """The attempt to save what stands before the tear gives up."""
    path = tmp_path / "coordination_events.json"
    path.write_text('{"session_metadata": {"user_prompt": ' + "[" * 100_000 + ', "events": [')
    found = coordination_events.read(path)
    assert found.source is not None
    assert found.source.unreadable == 1
    assert found.value.events == []


# --- losses that were not told


def test_an_answer_that_can_not_be_opened_is_unknown(copy_of, refuse) -> None:
    """Not empty: its text comes from the copy in coordination_events.json, and the file is named."""
    root = copy_of(CLEAN)
    path = attempt(root) / "agent_a" / "20261122_104813_330911" / "answer.txt"
    text = path.read_text()
    refuse(path)
    answer = ask("answer_progression", root, label="agent1.1")
    assert answer.data["text"] == text
    assert "agent_a/20261122_104813_330911/answer.txt" in {p["file"] for p in answer.problems}
    assert "unreadable: agent_a/20261122_104813_330911/answer.txt" in answer.text()


def test_a_final_answer_that_can_not_be_opened_comes_from_events(copy_of, refuse) -> None:
    """And the file is named."""
    root = copy_of(CLEAN)
    path = attempt(root) / "final" / "agent_a" / "answer.txt"
    text = path.read_text()
    refuse(path)
    answer = ask("answer_progression", root, label="final")
    assert answer.data["text"].strip() == text.strip()
    assert "final/agent_a/answer.txt" in {p["file"] for p in answer.problems}


def test_a_log_that_can_not_be_opened_is_counted(copy_of, refuse) -> None:
    """events.jsonl is a source of which something is unreadable, in JSON and in the text."""
    root = copy_of(CLEAN)
    refuse(attempt(root) / "events.jsonl")
    answer = ask("run_overview", root)
    assert {"file": "events.jsonl", "rows": 0, "unreadable": 1} in answer.sources
    assert "unreadable: events.jsonl:- cannot be opened: Permission denied" in answer.text()


@pytest.mark.parametrize("name", ["agent_a", "agent_a/20261122_104813_330911", "final"])
def test_a_folder_that_can_not_be_opened_is_named(name: str, copy_of, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds is unknown, not absent."""
    root = copy_of(CLEAN)
    closed = attempt(root) / name
    monkeypatch.setattr("massgen_logs.attempt.is_open", lambda folder: folder != closed)
    answer = ask("run_overview", root)
    assert {"file": f"{name}/", "line": None, "what": "folder cannot be opened"} in answer.problems
    assert f"unreadable: {name}/:- folder cannot be opened" in answer.text()


def test_replaced_bytes_are_told_in_the_text(copy_of) -> None:
    """No row is lost, but a text is not what was written."""
    root = copy_of(CLEAN)
    path = attempt(root) / "status.json"
    path.write_bytes(path.read_bytes().replace(b'"question": "', b'"question": "\xff', 1))
    assert "unreadable: status.json:- bytes that are not UTF-8 were replaced" in ask("run_overview", root).text()


def test_a_trace_tells_what_it_could_not_read(copy_of) -> None:
    """Also of a line that only the trace reads, not the counts: a torn piece of reasoning."""
    root = copy_of(CLEAN)
    path = attempt(root) / "events.jsonl"
    torn = b'{"timestamp": "2026-11-22T10:48:09.5", "event_type": "thinking", "agent_id": "agent_a", "da\n'
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:20], torn, *lines[20:]]))
    assert "unreadable: events.jsonl:21 no valid JSON (cut short)" in ask("read_trace", root, agent="agent_a").text()


@pytest.mark.parametrize("name", ["status.json", "metrics_summary.json"])
def test_the_list_names_unreadable_files(name: str, copy_of) -> None:
    """A row is read from few files: what one of them did not give may be missing from it."""
    root = copy_of(CLEAN)
    path = attempt(root) / name
    path.write_bytes(path.read_bytes()[:-100])
    answer = ask("list_logs", root)
    assert answer.data["logs"][0]["unreadable"] == [name]
    assert f"unreadable in log_20261122_104800_969289: {name}" in answer.text()


# --- names


def renamed(root: Path, name: str) -> None:
    """agent_a has another name, in every file and folder of the attempt."""
    for path in sorted(attempt(root).rglob("*"), reverse=True):
        if path.is_file() and path.suffix in {".json", ".jsonl"}:
            path.write_text(path.read_text().replace("agent_a", json.dumps(name)[1:-1]))
        if path.name == "agent_a":
            path.rename(path.with_name(name))


TOOLS = (
    "run_overview",
    "vote_reasons",
    "answer_progression",
    "coordination_timeline",
    "cost_and_tokens",
    "time_breakdown",
    "draft_report",
)


@pytest.mark.parametrize("tool", TOOLS)
def test_a_name_begins_no_line_and_holds_no_control_character(tool: str, copy_of) -> None:
    """An agent whose id holds a line break, an escape code, a bell and a mark that turns the text around."""
    root = copy_of(CLEAN)
    renamed(root, "x\nPLANTED\x1b[31m\x07\u202e")
    text = ask(tool, root).text()
    assert "PLANTED" in text
    assert not [line for line in text.split("\n") if line.lstrip("-# ").startswith("PLANTED")]
    assert not set(text) & set("\x1b\x07\u202e")


def test_an_error_holds_no_control_character(copy_of) -> None:
    """It names the agents there are."""
    root = copy_of(CLEAN)
    renamed(root, "bell\x07")
    with pytest.raises(MassgenLogError, match="there are: bell, agent_b"):
        ask("read_trace", root, agent="agent_x")


def test_a_file_name_that_is_no_utf8(copy_of) -> None:
    """JSON and a report can still be made of a workspace that holds it."""
    root = copy_of(CLEAN)
    (attempt(root) / "final" / "agent_a" / "workspace" / os.fsdecode(b"odd\xff.py")).write_text("x")
    for tool in ("run_overview", "answer_progression", "draft_report"):
        ask(tool, root).dumps()
    os.rename(attempt(root) / "agent_b", attempt(root) / os.fsdecode(b"agent_\xff"))
    draft = ask("draft_report", root).data["markdown"].replace("[[JUDGE", "([JUDGE")
    ask("write_report", root, content=draft + "\udcff")
    assert json.loads(ask("run_overview", root).dumps())["tool"] == "run_overview"


def test_a_label_of_any_length_fills_no_answer(copy_of) -> None:
    """A label of 160,008 characters is cut with the number left out, wherever it is read."""
    root = copy_of(CLEAN)
    path = attempt(root) / "snapshot_mappings.json"
    labels = json.loads(path.read_text())
    for entry in labels.values():
        entry["label"] = entry["label"] + "x" * 160_000
    path.write_text(json.dumps(labels))
    answer = ask("answer_progression", root).text()
    assert len(answer) < 8000
    assert "agent1.1" + "x" * 112 + "…[+159888 chars]" in answer


def test_a_label_of_any_length_fills_no_draft(copy_of) -> None:
    """The same in events.jsonl, which the draft's part on each agent reads."""
    root = copy_of(CLEAN)
    path = attempt(root) / "events.jsonl"
    events = [json.loads(line) for line in path.read_text().splitlines()]
    told = [event["data"] for event in events if "answer_label" in event["data"]]
    for data in told:
        data["answer_label"] += "x" * 160_000
    path.write_text("".join(json.dumps(event) + "\n" for event in events))
    assert told
    assert len(ask("draft_report", root).text()) < 40_000


def test_a_number_of_any_size_is_told(copy_of) -> None:
    """2**70 in a call's arguments: more than 64 bits hold, which no JSON writer here takes."""
    root = copy_of(CLEAN)
    file = attempt(root) / "events.jsonl"
    file.write_text(file.read_text().replace('"args": {', '"args": {"n": 1180591620717411303424, ', 1))
    answer = ask("read_trace", root, agent="agent_a")
    assert "1.18" in answer.text()
    assert answer.dumps()
