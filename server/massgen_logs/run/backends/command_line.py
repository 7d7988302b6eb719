"""MassGen's own MCP command server and its background tools: the dialect that most backends share.

A failing command is a "success" for MassGen with any exit code; only exit_code in the result's JSON tells. A command
that the server's own sanitizer refuses has exit_code -1 and never ran, one that timed out has -1 too and did run.
MassGen's redaction and mid-stream injections can make the JSON unreadable; the exit code stands before the output, stderr
after it, and both are then found by pattern. A background tool's start names its inner tool's arguments in any of three ways.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from massgen_logs.readers.base import as_name, integer, mapping, number, parse_json, text
from massgen_logs.run.backends.dialect import Outcome, first_line

_EXIT = re.compile(r'"exit_code": ?(-?\d+)')
_TIME = re.compile(r'"execution_time": ?([\d.eE+-]+)')
_REFUSED = re.compile(
    r"Potentially dangerous command detected|Command not in allowed list|Command matches blocked pattern|Path validation error",
)
_STDERR = re.compile(r'"stderr": ?"')
_STDERR_END = re.compile(r'", ?"execution_time"')
_HOOK = "Hook denied tool execution"
_RAW = re.compile(r'\s*\{\s*"command"\s*:\s*"((?:[^"\\]|\\.)*)')
_NOT_RUN = re.compile(
    r"Server '[^']*' not connected|Working directory (?:does not exist|is not a directory)"
    r"|(?:Unknown|unknown) tool\b|No such tool available|Docker mode (?:enabled but|requires)|is not available in this MCP session",
)
_NO_PERMISSION = re.compile(r"Error: Permission denied for tool '")
_INVALID = re.compile(r"\d+ validation errors? for call\[")
_HIDDEN = re.compile(
    r"command not found|\bsh: (?:line )?\d+: .*: not found|No such file or directory|can't open file|Traceback \(most recent|Permission denied|not recognized as",
)


def command(tool: str, args: Mapping[str, object]) -> str | None:
    """`args.command` of an execute_command call, also when it is started through custom_tool__start_background_tool."""
    if tool.endswith("start_background_tool"):
        inner = as_name(args.get("tool_name")) or as_name(args.get("tool")) or ""
        return command(inner, inner_args(args)) if inner != tool else None
    if tool.endswith(("execute_command", "start_background_shell")):
        return text(args.get("command")) if "command" in args else _repaired(args)
    return None


def _repaired(args: Mapping[str, object]) -> str | None:
    """The command of arguments that the model wrote as broken JSON, which MassGen records as they are and repairs."""
    raw = text(args.get("raw"))
    match = _RAW.match(raw) if raw and len(args) == 1 else None
    return match[1].replace('\\"', '"').replace("\\n", "\n").replace("\\\\", "\\") if match else None


def inner_args(args: Mapping[str, object]) -> dict[str, object]:
    """The inner tool's arguments of a background tool's start: `arguments` or `args`, as JSON too, else beside its name."""
    given = args.get("arguments") if args.get("arguments") is not None else args.get("args")
    if isinstance(given, str):
        given = _json(given.strip())
    beside = {key: value for key, value in args.items() if key not in {"tool_name", "tool", "arguments", "args"}}
    return {**beside, **mapping(given)}


def outcome(tool: str, args: Mapping[str, object], result: str, is_error: bool | None) -> Outcome:
    """Outcome of a call by its result text."""
    # a result in JSON that has the hook's words is a command's own output
    by_hook = _HOOK in result[:200] and not result.startswith("{")
    if by_hook or _NO_PERMISSION.match(result):
        return Outcome("denied", error=first_line(result.strip()))
    is_command = command(tool, args) is not None
    data = _json(result)
    code = integer(data.get("exit_code"))
    seconds = number(data.get("execution_time"))
    stderr = text(data.get("stderr")) or ""
    if is_command and code is None and (match := _EXIT.search(result)):
        code = int(match[1])
        seconds = float(found[1]) if (found := _TIME.search(result)) else None
        stderr = _broken_stderr(result)
    if is_command and code is not None:
        both = [data.get("stdout"), data.get("stderr")]
        printed = (
            sum(len(part) for part in both if isinstance(part, str)) if all(isinstance(p, str) for p in both) else None
        )
        return _command_outcome(code, seconds, stderr, printed)
    if _NOT_RUN.search(result[:300]) and (is_error is not False or result.startswith("Error")):
        return Outcome("not_run", error=first_line(result.strip()))
    if is_command and _INVALID.match(result):  # the server refused the arguments: nothing ran
        return Outcome("not_run", error=first_line(result.strip()))
    if is_command and (job := text(data.get("job_id")) or text(data.get("shell_id"))):
        return Outcome("unknown", job=job)
    if is_command and tool.endswith("start_background_tool") and data.get("success") is False:
        return Outcome("not_run", error=text(data.get("error")) or first_line(result.strip()))
    if is_command:
        return Outcome("unknown", error=first_line(result.strip()) if is_error or result.startswith("Error") else None)
    if is_error or data.get("success") is False or data.get("status") == "validation_error":
        return Outcome("failed", error=text(data.get("error")) or first_line(result.strip()))
    if _INVALID.match(result) or re.match(r"Error[: ]|E[A-Z]{3,}: ", result):
        return Outcome("failed", error=first_line(result.strip()))
    return Outcome("ok", exec_s=seconds)


def _command_outcome(code: int, seconds: float | None, stderr: str, printed: int | None) -> Outcome:
    if code == -1 and _REFUSED.search(stderr):
        return Outcome("denied", code, error=first_line(stderr.strip()))
    if code == -1 and _NOT_RUN.search(stderr):
        return Outcome("not_run", code, error=first_line(stderr.strip()))
    if code != 0:
        return Outcome("failed", code, seconds, first_line(stderr.strip()) or None, printed=printed)
    hidden = next((line for line in stderr.splitlines() if _HIDDEN.search(line)), None)
    return Outcome("ok", 0, seconds, hidden=first_line(hidden) if hidden else None, printed=printed)


def _broken_stderr(result: str) -> str:
    """The stderr of a result that can't be parsed: its last one, since the command's output may hold the word too."""
    at = max((match.end() for match in _STDERR.finditer(result)), default=None)
    if at is None:
        return ""
    end = _STDERR_END.search(result, at)
    return re.sub(r"\\+n", "\n", result[at : end.start() if end else len(result)]).replace('\\"', '"')


def _json(result: str) -> dict[str, object]:
    if result[:1] != "{":
        return {}
    try:
        return mapping(parse_json(result))
    except ValueError:
        return {}
