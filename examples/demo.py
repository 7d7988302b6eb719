"""The skill's workflow without an agent: a real MCP client drives the server over stdio and leaves a report.

Works on the newest log of the current directory (or above it); without one, on a copy of the bundled example. Nobody
judges here: each place that an analyst would fill says so.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import time
from pathlib import Path

from mcp import Client, StdioServerParameters

HERE = Path(__file__).parent
NOT_JUDGED = "Not judged: the demo has no analyst."


def log_root() -> Path:
    """The log root of the current directory, else a fresh copy of the example's."""
    for folder in [Path.cwd(), *Path.cwd().parents]:
        if (folder / ".massgen" / "massgen_logs").is_dir():
            return folder / ".massgen" / "massgen_logs"
    copy = HERE.parent / ".demo" / ".massgen"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(HERE / "finished" / ".massgen", copy)
    for report in copy.rglob("ANALYSIS_REPORT*.md"):
        report.unlink()
    return copy / "massgen_logs"


async def ask(client: Client, tool: str, **arguments: object) -> str:
    """Call a tool, print how long its answer took and is, return the answer."""
    start = time.perf_counter()
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text
    print(f"  {tool:26} {1000 * (time.perf_counter() - start):6.0f} ms {len(text):6} characters", file=sys.stderr)
    if result.is_error:
        raise SystemExit(text)
    return text


async def main() -> None:
    """Walk the workflow and print the report."""
    root = log_root()
    print(f"massgen-logs over stdio, logs in {root}", file=sys.stderr)
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "massgen_logs", "serve", "--logs-dir", str(root)]
    )
    async with Client(server) as client:
        overview = ""
        for tool in ("list_logs", "run_overview", "coordination_timeline", "repeated_commands", "vote_reasons",
                     "read_status_reliability", "cost_and_tokens"):  # fmt: skip
            answer = await ask(client, tool)
            overview = answer if tool == "run_overview" else overview
        if winner := re.search(r"^winner: (?!none)(\S+)", overview, re.M):
            await ask(client, "read_trace", agent=winner[1])
        draft = await ask(client, "draft_report")
        report = re.sub(r"\[\[JUDGE: .*?\]\]", NOT_JUDGED, draft[draft.index("# MassGen Log Analysis Report") :])
        if "; a report exists there." in draft:
            print("This turn has a report already: it is left as it is.", file=sys.stderr)
        else:
            print(await ask(client, "write_report", content=report), file=sys.stderr)
    print(report)


asyncio.run(main())
