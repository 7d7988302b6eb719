"""A tool exists in MCP, on the command line and in the README, or nowhere; its contract changes only on purpose."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client

from massgen_logs.mcp_server import INSTRUCTIONS, make_server
from massgen_logs.tools.registry import NAMES, get

ROOT = Path(__file__).parent.parent
SNAPSHOTS = Path(__file__).parent / "snapshots"


async def mcp_tools() -> dict[str, dict[str, object]]:
    async with Client(make_server()) as client:
        tools = (await client.list_tools()).tools
    return {t.name: {"title": t.title, "description": t.description, "inputSchema": t.input_schema} for t in tools}


@pytest.mark.parametrize("name", NAMES)
async def test_schema_snapshot(name: str) -> None:
    """The contract that agents see; UPDATE_SNAPSHOTS=1 rewrites the reviewed files."""
    text = json.dumps((await mcp_tools())[name], indent=2, ensure_ascii=False) + "\n"
    file = SNAPSHOTS / f"{name}.json"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        file.write_text(text)
    assert file.read_text() == text


async def test_mcp_command_line_and_readme_have_the_same_tools() -> None:
    """Fifteen tools, everywhere under the same name and with the same arguments."""
    readme = (ROOT / "README.md").read_text()
    tools = await mcp_tools()
    assert set(tools) == set(NAMES) == {p.stem for p in SNAPSHOTS.glob("*.json")}
    listed = subprocess.run(
        [sys.executable, "-m", "massgen_logs", "--help"], capture_output=True, text=True, check=True
    )
    for name in NAMES:
        command = name.replace("_", "-")
        assert re.search(rf"^ +{command}\b", listed.stdout, re.M)
        assert re.search(rf"^\| `{name}", readme, re.M), f"{name} has no row in the README"
        shown = subprocess.run(
            [sys.executable, "-m", "massgen_logs", command, "--help"], capture_output=True, text=True, check=True
        )
        for argument in get(name).parameters():
            assert f"--{argument.replace('_', '-')}" in shown.stdout


async def test_skill_names_every_tool() -> None:
    """The agent that follows the skill learns of each tool there."""
    skill = (ROOT / "SKILL.md").read_text()
    assert all(name in skill for name in NAMES)


def test_instructions_fit_the_client() -> None:
    """Claude Code cuts server instructions at 4,096 characters."""
    assert len(INSTRUCTIONS) < 4096
    assert all(name in INSTRUCTIONS for name in NAMES)


async def test_tool_definitions_are_cheap() -> None:
    """Names, descriptions and schemas of all tools stay under 4,500 tokens of 4 characters."""
    assert sum(len(json.dumps(tool)) + len(name) for name, tool in (await mcp_tools()).items()) / 4 < 4500
