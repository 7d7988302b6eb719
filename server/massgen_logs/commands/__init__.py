"""The commands that are no tools, one module each: `parser()` and `main(arguments) -> exit code`, imported when it is called.

The first line of a module's docstring, after "NAME: ", is what the help says of it.
"""

from __future__ import annotations

COMMANDS = {
    "watch": "massgen_logs.commands.watch",
    "analyze": "massgen_logs.commands.analyze",
    "report": "massgen_logs.commands.report",
    "open": "massgen_logs.commands.open",
    "export": "massgen_logs.commands.export",
    "completion": "massgen_logs.commands.completion",
    "serve": "massgen_logs.commands.serve",
}
"""Name and module of each."""
ALIASES = {"list": "list-logs", "summary": "run-overview", "tools": "time-breakdown"}
"""Names that `massgen logs` has, and the tools' commands that answer them."""
NOT_ANSWERED = 2
"""Exit code of a call that could not be answered, and of wrong arguments; the reason is on standard error."""
STOPPED = 130
"""Exit code of a command that Ctrl-C ended."""
