"""Torn, empty, missing and wrong things: a clear answer each, never a traceback."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from conftest import attempt
from massgen_logs.tools.registry import NAMES

CLEAN = "s1_clean_0.1.97"
SESSION = "log_20261122_104800_969289"
MORE = {"list_logs", "write_report", "read_trace", "compare_runs", "reconcile"}
READING = [name for name in NAMES if name not in MORE]


def every_tool_answers(run_cli, root: Path) -> dict[str, str]:
    answers = {}
    for name in [*READING, "list_logs"]:
        more = ["--sql", "SELECT * FROM records"] if name == "query_records" else []
        code, out, err = run_cli(name.replace("_", "-"), "--logs-dir", str(root), *more)
        assert code == 0, err
        assert "Traceback" not in out + err
        answers[name] = out
    return answers


def test_torn_events_jsonl(copy_of, run_cli, ask) -> None:
    """The last line is cut in the middle: its number is named, the rest is told."""
    root = copy_of(CLEAN)
    file = attempt(root) / "events.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:60]) + lines[60][:50])
    answers = every_tool_answers(run_cli, root)
    assert "unreadable: events.jsonl:61 no valid JSON (cut short)" in answers["run_overview"]
    data = ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1")
    assert data["data"]["total_ran"] == sum(b'"tool_start"' in line for line in lines[:60])
    source = next(s for s in data["sources"] if s["file"] == "events.jsonl")
    assert source == {"file": "events.jsonl", "rows": 61, "unreadable": 1}


@pytest.mark.parametrize("content", [b"", b"   ", b'{"meta": {', b"\x00\xff\xfe", b"[]", b"null", b'"text"'])
def test_status_json_that_says_nothing(content: bytes, copy_of, run_cli, ask) -> None:
    """The other files still tell who won; what the file alone knows is unknown, not zero."""
    root = copy_of(CLEAN)
    (attempt(root) / "status.json").write_bytes(content)
    answers = every_tool_answers(run_cli, root)
    assert "winner: agent_a" in answers["run_overview"]
    assert "status.json (1 unreadable)" in answers["run_overview"]
    reliability = ask("read_status_reliability", "--logs-dir", str(root))["data"]
    assert reliability["recorded"] is False
    tokens = ask("cost_and_tokens", "--logs-dir", str(root))["data"]["agents"]["agent_a"]["input_tokens"]
    assert tokens == 112639  # metrics_summary.json has it too


@pytest.mark.parametrize(
    "name", ["events.jsonl", "status.json", "coordination_events.json", "execution_metadata.yaml", "massgen.log"]
)
def test_a_missing_file_is_named(name: str, copy_of, run_cli, ask) -> None:
    """Each file may be missing."""
    root = copy_of(CLEAN)
    (attempt(root) / name).unlink()
    every_tool_answers(run_cli, root)
    answer = ask("run_overview", "--logs-dir", str(root))
    if name != "execution_metadata.yaml":
        assert name in answer["missing"]
    else:
        assert answer["scope"]["massgen_version"] is None
        assert answer["scope"]["massgen_version_range"] == "0.1.46 or later"
    assert answer["data"]["winner"] == "agent_a"


@pytest.mark.parametrize("name", ["events.jsonl", "status.json", "coordination_events.json", "massgen.log"])
def test_a_folder_where_a_file_should_be(name: str, copy_of, run_cli) -> None:
    """It is not read, and nothing breaks."""
    root = copy_of(CLEAN)
    file = attempt(root) / name
    file.unlink()
    file.mkdir()
    every_tool_answers(run_cli, root)


def test_a_link_out_of_the_root_is_not_followed(copy_of, run_cli, tmp_path: Path) -> None:
    """Neither a file nor a folder that a link leads to is read."""
    root = copy_of(CLEAN)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "answer.txt").write_text("PLANTED OUTSIDE THE ROOT")
    shutil.rmtree(attempt(root) / "final" / "agent_a")
    (attempt(root) / "final" / "agent_a").symlink_to(outside)
    (attempt(root) / "status.json").unlink()
    (outside / "status.json").write_text(json.dumps({"results": {"winner": "PLANTED"}}))
    (attempt(root) / "status.json").symlink_to(outside / "status.json")
    assert "PLANTED" not in "".join(every_tool_answers(run_cli, root).values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--log", "log_19990101_000000"], SESSION),
        (["--log", "no such log"], SESSION),
        (["--turn", "2"], "has no turn 2; it has: 1"),
        (["--attempt", "9"], "has no attempt 9; it has: 1"),
    ],
)
def test_a_wrong_place_is_answered_with_what_exists(arguments: list[str], said: str, copy_of, run_cli) -> None:
    """Exit code 2 and one message on standard error."""
    root = copy_of(CLEAN)
    code, out, err = run_cli("run-overview", "--logs-dir", str(root), *arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_folder_that_is_no_log(tmp_path: Path, run_cli) -> None:
    """Said so by its name, and left out of the list with a count."""
    (tmp_path / "log_20260101_000000_000000" / "nothing").mkdir(parents=True)
    code, out, err = run_cli("run-overview", "--logs-dir", str(tmp_path), "--log", "log_20260101_000000_000000")
    assert code == 2
    assert "holds no MassGen run" in err
    code, out, _ = run_cli("list-logs", "--logs-dir", str(tmp_path))
    assert code == 0
    assert "1 log_* folders hold no run" in out


def test_an_unknown_agent(copy_of, run_cli) -> None:
    """The agents that exist are named."""
    code, _, err = run_cli("read-trace", "--agent", "agent_x", "--logs-dir", str(copy_of(CLEAN)))
    assert code == 2
    assert "agent_a, agent_b" in err


def test_wrong_types_in_every_field(copy_of, run_cli) -> None:
    """Numbers where texts should be, lists for objects, NaN: nothing raises."""
    root = copy_of(CLEAN)

    def twist(value: object, depth: int = 0) -> object:
        if isinstance(value, dict):
            return (
                [twist(v) for v in value.values()] if depth == 2 else {k: twist(v, depth + 1) for k, v in value.items()}
            )
        if isinstance(value, list):
            return {"x": value[:1]}
        return 7 if isinstance(value, str) else float("nan") if isinstance(value, float) else "seven"

    for name in (
        "status.json",
        "metrics_summary.json",
        "metrics_events.json",
        "coordination_events.json",
        "snapshot_mappings.json",
    ):
        file = attempt(root) / name
        file.write_text(json.dumps(twist(json.loads(file.read_text()))))
    every_tool_answers(run_cli, root)


@pytest.mark.parametrize("name", ["agent_a", "agent1.1", "agent1", "mcp__command_line__execute_command"])
@pytest.mark.parametrize("sample", [CLEAN, "s6_killed_0.1.97"])
def test_names_of_any_length_are_cut(sample: str, name: str, copy_of, run_cli) -> None:
    """An agent, a label, an anonymous name or a tool of 100,000 characters in every file: each answer stays one."""
    root = copy_of(sample)
    folder = next(root.glob("log_*"))
    for file in [*folder.rglob("*.json"), *folder.rglob("*.jsonl"), *folder.rglob("*.yaml")]:
        file.write_text(file.read_text().replace(f'"{name}"', f'"{name}{"x" * 100_000}"'))
    for tool, out in every_tool_answers(run_cli, root).items():
        assert len(out) < 40_000, tool
