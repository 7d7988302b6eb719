"""Calls that never ran because MassGen refused them, in the forms that its versions leave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import attempt

SHELL = "mcp__command_line__execute_command"
NPM_TEST = "call_gpt-4o-mini_9_0"
"""agent_a's ninth call, its only `npm test`, which failed."""


def refused(root: Path, *, hook: bool) -> None:
    """`npm test` of s1, as versions before 0.1.97 tell a refusal: no tool_start, no tool_complete; with or without the hook's event."""
    events, metrics = attempt(root) / "events.jsonl", attempt(root) / "metrics_events.json"
    rows = [json.loads(line) for line in events.read_text().splitlines()]
    kept: list[dict[str, Any]] = []
    for row in rows:
        if row["data"].get("tool_id") != NPM_TEST:
            kept.append(row)
        elif row["event_type"] == "tool_start" and hook:
            info = {"hook_name": "python_guard", "hook_type": "pre", "decision": "deny", "reason": "no tests today"}
            kept.append(row | {"event_type": "hook_execution", "data": {"tool_call_id": NPM_TEST, "hook_info": info}})
    events.write_text("".join(json.dumps(row) + "\n" for row in kept))
    data = json.loads(metrics.read_text())
    for tool in data["tool_executions"]:
        if tool["call_id"] == NPM_TEST:
            tool |= {"success": False, "error_message": "Hook denied tool execution: no tests today"}
    metrics.write_text(json.dumps(data))


@pytest.mark.parametrize("hook", [True, False])
def test_a_call_that_only_its_refusal_tells(hook: bool, copy_of, ask) -> None:
    """By the hook's event, or by MassGen's metrics alone: 11 of the 12 commands of s1 ran."""
    root = copy_of("s1_clean_0.1.97")
    refused(root, hook=hook)
    answer = ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1")
    assert (answer["data"]["total_ran"], answer["data"]["total_denied"]) == (11, 1)
    assert "lost_events" not in {note["id"] for note in answer["notes"]}
    (one,) = [i for i in ask("find_errors", "--logs-dir", str(root))["data"]["incidents"] if i["kind"] == "denied"]
    assert (one["agent"], one["tool"]) == ("agent_a", SHELL)
    assert "no tests today" in one["sentence"]
    assert one["sources"][0].startswith("events.jsonl:60" if hook else "metrics_events.json#tool_executions[")


def test_a_display_does_not_show_what_a_hook_refused(copy_of, ask) -> None:
    """0.1.45: metrics_events.json has a thirteenth call; the times of the others stay theirs."""
    root = copy_of("s1_clean_0.1.45")
    file = attempt(root) / "metrics_events.json"
    data = json.loads(file.read_text())
    last = max(data["tool_executions"], key=lambda tool: tool["end_time"])
    more = {"call_id": "call_late", "success": False, "error_message": "Hook denied tool execution: HARD TIMEOUT"}
    data["tool_executions"].append(last | more)
    before = ask("time_breakdown", "--logs-dir", str(root))["data"]["tools"]
    file.write_text(json.dumps(data))
    after = ask("time_breakdown", "--logs-dir", str(root))["data"]["tools"]
    assert after == [one | {"denied": int(one["tool"] == last["tool_name"])} for one in before]
    assert ask("repeated_commands", "--logs-dir", str(root))["data"]["total_denied"] == 1


@pytest.mark.parametrize("words", ["Denied by automation policy: it is high-risk.", "Approval required for it"])
def test_a_status_of_denied_decides(words: str, copy_of, ask) -> None:
    """0.1.97's permission engine, whatever its words."""
    root = copy_of("s1_clean_0.1.97")
    file = attempt(root) / "events.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    for row in rows:
        if row["event_type"] == "tool_complete" and row["data"]["tool_id"] == NPM_TEST:
            row["data"] |= {"status": "denied", "is_error": True, "result": words}
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1")["data"]
    assert (data["total_ran"], data["total_denied"]) == (11, 1)
    assert "npm test" not in [row["command"] for row in data["commands"] if row["ran"]]
