"""The skill's workflow without an agent: a real MCP client drives the server over stdio and leaves a report.

Works on a copy of the newest log of the current directory (or above it), without one of the bundled example, in .demo/.
Nobody judges here: each place that an analyst would fill says so.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import time
from pathlib import Path

from mcp import Client, StdioServerParameters

from massgen_logs.tree import read_session, session_names

HERE = Path(__file__).parent
NOT_JUDGED = "Not judged: the demo has no analyst."


def log_root() -> Path:
    """A copy of the newest log of the current directory (or above it), else of the example, without its report.

    A copy, because a report that nobody has judged must not stand in a real log.
    """
    target = HERE.parent / ".demo" / ".massgen" / "massgen_logs"
    shutil.rmtree(target.parent.parent, ignore_errors=True)
    folders = [folder / ".massgen" / "massgen_logs" for folder in [Path.cwd(), *Path.cwd().parents]]
    for root in [*folders, HERE / "finished" / ".massgen" / "massgen_logs"]:
        for name in session_names(root):
            if read_session(root / name).turns:
                print(f"a copy of {root / name}", file=sys.stderr)
                shutil.copytree(root / name, target / name, symlinks=True)
                for report in target.rglob("ANALYSIS_REPORT*"):
                    report.unlink()
                return target
    raise SystemExit("the bundled example is missing")


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
        places = re.findall(r"\[\[JUDGE: .*? #(\d+)\]\]", draft)
        key = re.search(r"^Draft: [0-9a-f]{6}$", draft, re.M)
        judgements = "\n".join([key[0] if key else "", *(f"### Place {number}\n{NOT_JUDGED}" for number in places)])
        saved = await ask(client, "write_report", judgements=judgements)
        print(saved, file=sys.stderr)
    print(Path(saved.split("saved ", 1)[1].split(" (", 1)[0]).read_text().rstrip())


asyncio.run(main())
