"""`massgen-logs serve`: the MCP server over standard input and output."""

from __future__ import annotations

import argparse

from massgen_logs.commands.arguments import add_logs_dir, settle


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(prog="massgen-logs serve", description="MCP server over standard input and output.")
    add_logs_dir(made)
    made.add_argument("--read-only", action="store_true", help="without write_report")
    return made


def main(arguments: list[str]) -> int:
    """Serve until the input closes or a signal ends it."""
    options = vars(parser().parse_args(arguments))
    settle(options)
    from massgen_logs import mcp_server  # here: its help need not wait for it

    mcp_server.serve(options["logs_dir"], read_only=options["read_only"])
    return 0
