"""What the tools cost an agent that is shown all of them: `make tool-budget` prints it, and puts it into the README."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path

from mcp import Client

from massgen_logs.mcp_server import make_server

README = Path(__file__).parent.parent / "README.md"
LINE = re.compile(r"(input schemas of all )\d+( tools are )[\d,]+( tokens)")


async def budget() -> dict[str, int]:
    """Tokens (of 4 characters) of each tool's name, title, description and input schema."""
    async with Client(make_server()) as client:
        tools = (await client.list_tools()).tools
    shown = [(t.name, {"title": t.title, "description": t.description, "inputSchema": t.input_schema}) for t in tools]
    return {name: round((len(name) + len(json.dumps(rest))) / 4) for name, rest in shown}


def main() -> None:
    """Print the table and renew the README's figures."""
    found = asyncio.run(budget())
    for name, tokens in found.items():
        print(f"{name:26}{tokens:6}")
    print(f"{'all':26}{sum(found.values()):6}  (must stay under 4,500)")
    README.write_text(LINE.sub(rf"\g<1>{len(found)}\g<2>{sum(found.values()):,}\g<3>", README.read_text()))


if __name__ == "__main__":
    main()
