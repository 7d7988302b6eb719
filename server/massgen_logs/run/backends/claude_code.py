"""`claude_code`: the native tool Bash; a failure is is_error with `Exit code N` as first line.

What MassGen's own rules refuse is an ordinary failed call, only its text tells. Up to 0.1.45 the shell is the MCP
command server. Times run from block arrival and hold the client's start-up; there is no other time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from massgen_logs.readers.base import text
from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect, Outcome, first_line

_EXIT = re.compile(r"Exit code (-?\d+)(?:\n|$)")
_DENIED = re.compile(
    r"Dangerous command pattern |Environment variables in Bash commands are not allowed|Backtick command substitution"
    r"|Process substitution is not allowed|Access denied: |Access denied based on context path permissions|No write permission for |Command would modify read-only"
    r"|Cannot read binary file |Hook denied tool execution|.{0,80}requires? (?:approval|permission)"
    r"|⛔ HARD TIMEOUT - TOOL `[^`]*` BLOCKED|Denied by hook|User confirmation required:|Hook error:"
    r"|Claude requested permissions to use ",
)
_TOOL_ERROR = "<tool_use_error>"
_NOT_RUN = ("No such tool available", "InputValidationError", "Sibling tool call errored")
_BACKGROUND = re.compile(r"Command running in background with ID: (\w+)")


def command(tool: str, args: Mapping[str, object]) -> str | None:
    """`args.command` of Bash, or of the MCP command server, which is offered too."""
    return text(args.get("command")) if tool == "Bash" else command_line.command(tool, args)


def outcome(tool: str, args: Mapping[str, object], result: str, is_error: bool | None) -> Outcome:
    """Outcome by the result's first words; is_error is null for a successful Read, Write, Edit or Glob.

    What the client or MassGen's rules stop never reaches the tool, whichever it is.
    """
    head, line = result[:400], first_line(result)
    if is_error and _DENIED.match(result):
        return Outcome("denied", error=line)
    is_command = command(tool, args) is not None
    stopped = head.startswith(_TOOL_ERROR) and (is_command or any(words in head for words in _NOT_RUN))
    if is_error and (stopped or "No such tool available" in head):
        return Outcome("not_run", error=line)
    if tool.startswith("mcp__command_line__"):
        return command_line.outcome(tool, args, result, is_error)
    if tool == "Bash":
        if is_error and (match := _EXIT.match(result)):
            return Outcome("failed", int(match[1]), error=first_line(result[match.end() :]) or line)
        if match := _BACKGROUND.match(result):
            return Outcome(
                "unknown", job=match[1], over_limit=bool(args.get("timeout")) and not args.get("run_in_background")
            )
        return Outcome("unknown", error=line) if is_error else Outcome("ok", 0)
    return Outcome("failed", error=line) if is_error else Outcome("ok")


DIALECT = Dialect(
    "claude_code",
    command,
    outcome,
    refusal_in_result=True,
    injections_lost_until=(0, 1, 45),
    own_time=False,
    caveats=(
        "claude_code: recorded times are the client's (block arrival, start-up in the first call), not the command's; "
        "MassGen's metrics hold no tool calls at all; reasoning tokens are always recorded as 0; stderr of a command "
        "that exited with 0, the exit code of one sent to the background and API errors that the client retried are not recorded",
    ),
)
