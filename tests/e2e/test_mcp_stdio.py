"""The server as a client meets it: a real process, spoken to over stdio by the SDK's client, in both protocol eras."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from massgen_logs.tools.registry import NAMES, get

ERAS = ["auto", "legacy"]
CLEAN = "s1_clean_0.1.97"


def server(root: Path | None, cwd: Path | None = None) -> StdioServerParameters:
    arguments = ["-m", "massgen_logs", "serve", *(["--logs-dir", str(root)] if root else [])]
    return StdioServerParameters(command=sys.executable, args=arguments, cwd=cwd)


async def text_of(client: Client, tool: str, **arguments: object) -> str:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is None, "a client shows the model only structured content when there is any"
    assert len(result.content) == 1
    return result.content[0].text


@pytest.mark.parametrize("era", ERAS)
async def test_tools_are_the_registry(era: str, corpus: Path) -> None:
    """Both eras list the same tools, with title, hints and a described schema."""
    async with Client(server(corpus / CLEAN), mode=era) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == list(NAMES)
    for tool in tools:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint == (tool.name != "write_report")
        assert tool.annotations.destructive_hint is False
        assert set(tool.input_schema["properties"]) == set(get(tool.name).parameters())
        assert all(p.get("description") for p in tool.input_schema["properties"].values())
        assert tool.output_schema is None


@pytest.mark.parametrize("era", ERAS)
async def test_the_workflow(era: str, copy_of) -> None:
    """The skill's workflow from the list to a saved report."""
    root = copy_of(CLEAN)
    async with Client(server(root), mode=era) as client:
        assert "log_20261122_104800_969289" in await text_of(client, "list_logs")
        overview = await text_of(client, "run_overview")
        assert "winner: agent_a" in overview
        assert "ok final_answer_delivered" in overview
        assert "npm install|5|" in await text_of(client, "repeated_commands")
        assert "agent1 ran code to verify the sum" in await text_of(client, "vote_reasons")
        assert "112639" in await text_of(client, "cost_and_tokens")
        assert "agent2.1" in await text_of(client, "coordination_timeline")
        assert "red flags: none" in await text_of(client, "read_status_reliability")
        assert "npm error Missing script" in await text_of(client, "read_trace", agent="agent_a", contains="npm test")
        draft = await text_of(client, "draft_report")
        content = draft[draft.index("# MassGen Log Analysis Report") :]
        refused = await client.call_tool("write_report", {"content": content})
        assert refused.is_error
        assert "marked place not filled" in refused.content[0].text
        filled = "\n".join(
            line.split("[[JUDGE")[0] + "Nothing to add." if "[[JUDGE" in line else line for line in content.split("\n")
        )
        assert "saved" in await text_of(client, "write_report", content=filled)
        again = await client.call_tool("write_report", {"content": filled})
        assert again.is_error
        assert "overwrite" in again.content[0].text
    report = root / "log_20261122_104800_969289" / "turn_1" / "ANALYSIS_REPORT.md"
    assert report.read_text().startswith("# MassGen Log Analysis Report")
    assert not list(report.parent.glob(".ANALYSIS_REPORT*"))


async def test_logs_are_found_from_the_working_directory(copy_of) -> None:
    """Without any argument the server finds .massgen/massgen_logs above its working directory."""
    root = copy_of(CLEAN)
    deep = root.parent.parent / "src" / "deep"
    deep.mkdir(parents=True)
    async with Client(server(None, cwd=deep)) as client:
        assert "log_20261122_104800_969289" in await text_of(client, "list_logs")


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("run_overview", {"log": "log_2020"}, "log_20261122_104800_969289"),
        ("run_overview", {"turn": 7}, "has no turn 7; it has: 1"),
        ("run_overview", {"attempt": 3}, "has no attempt 3; it has: 1"),
        ("read_trace", {"agent": "agent_z"}, "agent_a, agent_b"),
        ("read_trace", {"agent": "agent_a", "kind": "calls"}, "reasoning, text, call"),
        ("vote_reasons", {"cursor": "99"}, "2 rows"),
        ("list_logs", {"logs_dir": "/nowhere/at/all"}, "no such folder"),
        ("run_overview", {"log": "/tmp"}, "not inside a log_* folder"),
    ],
)
async def test_an_error_says_what_exists(tool: str, arguments: dict[str, object], said: str, corpus: Path) -> None:
    """The model gets the reason and what exists instead, never a traceback."""
    async with Client(server(corpus / CLEAN)) as client:
        result = await client.call_tool(tool, arguments)
    assert result.is_error
    assert said in result.content[0].text
    assert "Traceback" not in result.content[0].text
