"""A tool exists in MCP, on the command line and in the README, or nowhere; its contract changes only on purpose."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client

import tool_budget
from conftest import CORPUS
from massgen_logs.errors import MassgenLogError
from massgen_logs.mcp_server import INSTRUCTIONS, make_server
from massgen_logs.tools.base import call
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
    """All tools, everywhere under the same name and with the same arguments."""
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


async def test_unknown_arguments_are_refused() -> None:
    """Over MCP too: an answer that ignored one would be an answer to another question."""
    async with Client(make_server(str(CORPUS / "s1_clean_0.1.97"))) as client:
        result = await client.call_tool("run_overview", {"turn_number": 7})
        assert result.is_error
        assert "run_overview has no argument turn_number; it has: log, turn, attempt" in result.content[0].text  # type: ignore[union-attr]
        assert not (await client.call_tool("run_overview", {"turn": 1})).is_error
        wrong = await client.call_tool("run_overview", {"turn": "seven"})
        assert wrong.is_error


@pytest.mark.parametrize(
    "name", [name for name in NAMES if "limit" in get(name).parameters() and name != "compare_runs"]
)
@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_below_one_is_refused(name: str, limit: int) -> None:
    """By every tool that takes one: a page always makes progress."""
    required: dict[str, object] = {"agent": "agent_a"} if name == "read_trace" else {}
    required |= {"spans": "[]"} if name == "reconcile" else {}
    required |= {"part": "findings"} if name == "run_overview" else {}
    required |= {"sql": "SELECT 1"} if name == "query_records" else {}
    required |= {"part": "agents"} if name in {"cost_and_tokens", "read_status_reliability"} else {}
    with pytest.raises(MassgenLogError, match="limit must be 1 or more"):
        call(get(name), {"logs_dir": str(CORPUS / "s1_clean_0.1.97"), **required, "limit": limit})


@pytest.mark.parametrize("cursor", ["1.99999999", "1.5x", "٣", "5-zz", "99999"])
def test_a_cursor_that_no_page_of_a_trace_gave_is_refused(cursor: str) -> None:
    """Not answered with an empty page."""
    with pytest.raises(MassgenLogError, match="cursor"):
        call(get("read_trace"), {"logs_dir": str(CORPUS / "s1_clean_0.1.97"), "agent": "agent_a", "cursor": cursor})


def test_a_report_that_is_no_utf8_is_refused(tmp_path: Path, run_cli) -> None:
    """With its name, not with a traceback."""
    (tmp_path / "latin1.md").write_bytes("# caf\u00e9".encode("latin-1"))
    code, _, err = run_cli(
        "write-report", "--logs-dir", str(CORPUS / "s1_clean_0.1.97"), "--content", f"@{tmp_path / 'latin1.md'}"
    )
    assert code == 2
    assert "latin1.md" in err


def test_a_long_list_of_logs_stays_within_ten_thousand_tokens(tmp_path: Path) -> None:
    """Whatever limit is asked for; the rest is on the next pages."""
    source = next((CORPUS / "s1_clean_0.1.12").glob(".massgen/massgen_logs/log_*"))
    for n in range(420):
        run = tmp_path / f"log_20260101_000000_{n:06}" / "turn_1"
        run.mkdir(parents=True)
        shutil.copy(source / "turn_1" / "status.json", run)
    seen: list[str] = []
    cursor = None
    while True:
        answer = call(get("list_logs"), {"logs_dir": str(tmp_path), "limit": 500, "cursor": cursor})
        assert len(answer.text()) < 40_000
        seen += [log["session"] for log in answer.data["logs"]]
        cursor = answer.page.next_cursor  # type: ignore[union-attr]
        if cursor is None:
            break
    assert seen == [f"log_20260101_000000_{n:06}" for n in reversed(range(420))]


async def test_tool_definitions_are_cheap() -> None:
    """Names, descriptions and schemas of all tools stay under 4,500 tokens of 4 characters, as the README says of how many."""
    found = await tool_budget.budget()
    assert sum(found.values()) < 4500
    said = tool_budget.LINE.search((ROOT / "README.md").read_text())
    assert said is not None
    assert said[0].endswith(f"all {len(found)} tools are {sum(found.values()):,} tokens"), "make tool-budget renews it"
