"""`massgen-logs serve`: the MCP server over standard input and output."""

from __future__ import annotations

import argparse


def main(arguments: list[str]) -> int:
    """Serve until the input closes or a signal ends it."""
    parser = argparse.ArgumentParser(
        prog="massgen-logs serve", description="MCP server over standard input and output."
    )
    parser.add_argument(
        "--logs-dir", "--log-dir", help="folder of the log_* folders; default: found from the working directory upward"
    )
    options = parser.parse_args(arguments)
    from massgen_logs import mcp_server  # here: `serve --help` need not wait for it

    mcp_server.serve(options.logs_dir)
    return 0
