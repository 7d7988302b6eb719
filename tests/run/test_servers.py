"""MCP servers that MassGen could not connect to, told by massgen.log alone; its lines as MassGen's source prints them."""

from __future__ import annotations

from pathlib import Path

import pytest

WHY = "<TimeoutError: no message>"
DETAILS = " | Details: {'exception_type': 'TimeoutError', 'exception_message': '', 'exception_args': None}"


def add(root: Path, *lines: str) -> None:
    """Further lines of the run's massgen.log."""
    (log,) = root.glob("log_*/turn_1/attempt_1/massgen.log")
    with log.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


@pytest.mark.parametrize(
    "line",
    [
        f"CLOCK | ERROR    | Failed to connect to command_line: {WHY}{DETAILS}",
        f"CLOCK | ERROR    | Failed to connect to command_line: {WHY}",
        f"CLOCK.214 | ERROR    | massgen.mcp_tools.client:_connect_server:292 - Failed to connect to command_line: {WHY}{DETAILS}",
    ],
    ids=["0.1.45 on", "to 0.1.36", "--debug"],
)
def test_a_failed_connection_is_an_incident_a_finding_and_an_event(copy_of, ask, line: str) -> None:
    """Two tries of one server and one of another, in each form of the line: their kind, server, cause, time and place."""
    root = copy_of("s3_enforcement_0.1.97")
    (log,) = root.glob("log_*/turn_1/attempt_1/massgen.log")
    first = len(log.read_text().splitlines()) + 1
    clock = next(text[:8] for text in log.read_text().splitlines() if text[2:3] == ":")
    line = line.replace("CLOCK", clock)
    add(root, line, line.replace("command_line", "planning"), line)
    place = ("--logs-dir", str(root))
    data = ask("find_errors", *place, key="incidents")["data"]
    assert data["totals"]["server_not_connected"] == 3
    told = [
        (i["tool"], i["count"], i["agent"], i["sources"])
        for i in data["incidents"]
        if i["kind"] == "server_not_connected"
    ]
    assert told == [
        ("command_line", 2, None, [f"massgen.log:{first}", f"massgen.log:{first + 2}"]),
        ("planning", 1, None, [f"massgen.log:{first + 1}"]),
    ]
    assert all(WHY in i["sentence"] for i in data["incidents"] if i["kind"] == "server_not_connected")
    flags = {
        f["finding"]: f for f in ask("run_overview", *place)["data"]["red_flags"] if f["id"] == "server_not_connected"
    }
    assert set(flags) == {"server_not_connected:command_line", "server_not_connected:planning"}
    assert "in 2 tries" in flags["server_not_connected:command_line"]["text"]
    events = [
        e for e in ask("coordination_timeline", *place, key="events")["data"]["events"] if "connect" in e["detail"]
    ]
    assert [e["detail"] for e in events] == ["MassGen failed to connect to MCP servers: command_line x2, planning"]
    assert events[0]["t"] is not None
    assert abs(events[0]["t"]) < 60


def test_a_tool_of_a_missing_server_is_no_fault_of_its_agent(copy_of, ask) -> None:
    """agent_b's call of frobnicate: by its bare name it may be the server's, by its full name it is."""
    root = copy_of("s3_enforcement_0.1.97")
    place = ("--logs-dir", str(root))
    add(root, f"10:53:01 | ERROR    | Failed to connect to tools: {WHY}{DETAILS}")
    says = "agent_b called tools that it was not given: "
    after = "MassGen had failed to connect to"
    assert told(ask, *place) == f"{says}frobnicate; {after} tools: it may be a tool of theirs"
    (status,) = root.glob("log_*/turn_1/attempt_1/status.json")
    status.write_text(status.read_text().replace('"frobnicate"', '"mcp__tools__frobnicate"'))
    log = status.with_name("massgen.log")
    log.write_text(log.read_text().replace("'frobnicate'", "'mcp__tools__frobnicate'"))
    assert told(ask, *place) == f"{says}mcp__tools__frobnicate; {after} the server of mcp__tools__frobnicate"


def told(ask, *place: str) -> str:
    """The one finding about unknown tools; read_status_reliability says the same."""
    (found,) = [f["sentence"] for f in ask("run_overview", *place)["data"]["findings"] if f["rule"] == "unknown_tools"]
    assert found in ask("read_status_reliability", *place)["data"]["red_flags"]
    return found


def test_a_quoted_line_is_no_connection(copy_of, ask) -> None:
    """What a model says of such a line, or a line of another level, counts for nothing."""
    root = copy_of("s3_enforcement_0.1.97")
    add(root, "10:53:01 | INFO     | Stream chunk [content]: Failed to connect to tools: no", "Failed to connect to tools: no",
        "10:53:01 | INFO     | Failed to connect to tools: no")  # fmt: skip
    assert "server_not_connected" not in ask("find_errors", "--logs-dir", str(root))["data"]["totals"]


def test_an_orchestration_begun_again_without_an_attempt_is_told(copy_of, ask) -> None:
    """0.1.65 and 0.1.97 begin attempt 1 again after some restarts; its own beginning, that of another and a quoted one are none."""
    root = copy_of("s7b_orch_restart_0.1.97")
    place = ("--logs-dir", str(root), "--attempt", "1")

    def flags() -> dict[str, str]:
        return {
            f["evidence"]: f["text"]
            for f in ask("run_overview", *place)["data"]["red_flags"]
            if f["id"] == "begun_again"
        }

    assert flags() == {}
    (log,) = root.glob("log_*/turn_1/attempt_1/massgen.log")
    first = len(log.read_text().splitlines()) + 1
    line = "11:16:06 | INFO     | Reconfigured main log for attempt 1: x/turn_1/attempt_1/massgen.log"
    with log.open("a") as file:
        file.write(
            f"{line}\n{line}\n{line.replace('attempt 1:', 'attempt 2:')}\n{line.replace('Reconf', 'Stream chunk [content]: Reconf')}\n"
        )
    ((where, told),) = flags().items()
    assert where == f"massgen.log:{first}"
    assert told.startswith("MassGen began the orchestration 2 more times in this attempt's folder")


def test_a_call_without_a_server_before_events_jsonl(copy_of, ask) -> None:
    """0.1.45 prints an error in the place of a result, and what the agent says next behind it: the call never ran."""
    root = copy_of("s1_clean_0.1.45")
    place = ("--logs-dir", str(root))
    ran = ask("run_overview", *place)["data"]["commands_ran"]
    (outputs,) = root.glob("log_*/turn_1/attempt_1/agent_outputs/agent_b.txt")
    tool = "mcp__command_line__execute_command"
    with outputs.open("a") as file:
        file.write(
            f'🔧 MCP: 🔧 [MCP Tool] Calling {tool}...🔧 MCP: Arguments for Calling {tool}: {{"command": "date"}}🔧 MCP: ❌ [MCP Tool Error] '
            "Error: Server 'command_line' not connected | Context: server_name=command_lineAnd on."
        )
    data = ask("find_errors", *place, key="incidents")["data"]
    (never,) = [i for i in data["incidents"] if i["kind"] == "never_ran"]
    assert (never["agent"], never["command"], never["recorded_as"]) == ("agent_b", "date", "failure")
    assert never["sentence"] == "never ran: Error: Server 'command_line' not connected"
    told = ask("run_overview", *place)["data"]
    assert (told["commands_ran"], told["never_ran"]) == (ran, 1)
    items = ask("read_trace", *place, "--agent", "agent_b", key="items")["data"]["items"]
    assert any(item["kind"] == "text" and item["text"].endswith("And on.") for item in items)
