"""An agent whose backend is unknown or not recorded: every shell that any known backend has is recognised."""

from __future__ import annotations

from collections.abc import Mapping

from massgen_logs.run.backends import claude_code, codex, command_line
from massgen_logs.run.backends.dialect import Dialect, Outcome


def command(tool: str, args: Mapping[str, object]) -> str | None:
    """The command of any known shell tool."""
    return claude_code.command(tool, args) or codex.command(tool, args)


def outcome(tool: str, args: Mapping[str, object], result: str, is_error: bool | None) -> Outcome:
    """Outcome by the dialect to which the tool's name belongs."""
    if tool == "codex_shell":
        return codex.outcome(tool, args, result, is_error)
    if "__" not in tool and tool[:1].isupper():
        return claude_code.outcome(tool, args, result, is_error)
    return command_line.outcome(tool, args, result, is_error)


DIALECT = Dialect(
    "generic",
    command,
    outcome,
    silent_shells=frozenset({"codex_shell"}),
    edits_twice=codex.DIALECT.edits_twice,
    result_in_log=codex.result_in_log,
    known=False,
)
