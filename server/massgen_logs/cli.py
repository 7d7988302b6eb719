"""The command line `massgen-logs`: every tool as a command, and commands/. Imports no mcp, and rich only on a terminal."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from massgen_logs.commands import ALIASES, COMMANDS, NOT_ANSWERED, STOPPED
from massgen_logs.commands.arguments import FROM_FILE, build_parser, settle
from massgen_logs.errors import MassgenLogError
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import NAMES, get

if TYPE_CHECKING:
    from massgen_logs.text.mask import Masked


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    gc.set_threshold(100_000, 50, 100)  # a long log makes millions of objects that live on, and no cycles
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments and (module := COMMANDS.get(arguments[0])):
            return import_module(module).main(arguments[1:])
        return _run_tool(arguments)
    except MassgenLogError as error:
        from massgen_logs.text.mask import Masker

        print(f"massgen-logs: {Masker().text(str(error))}", file=sys.stderr)  # also what fails before a tool is called
        return NOT_ANSWERED
    except KeyboardInterrupt:
        return STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: nothing left to say
        return 0


def _run_tool(arguments: list[str]) -> int:
    # A tool and its arguments are also known by the names that they have in MCP: run_overview, --min_count.
    arguments = [_dashed(a) if a.startswith("--") or i == 0 else a for i, a in enumerate(arguments)]
    name = ALIASES.get(arguments[0], arguments[0]).replace("-", "_") if arguments else ""
    # Only the module of the command that is called is imported; all of them for the help.
    parser = build_parser([name], []) if name in NAMES else build_parser()
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.exit(
            NOT_ANSWERED,
            f"massgen-logs: unknown: {' '.join(unknown)}. See massgen-logs {' '.join(arguments[:1])} --help\n",
        )
    options = vars(parsed)
    command = options.pop("command", None)
    if command is None:
        parser.print_help()
        return 0
    as_json = options.pop("json")
    settle(options)
    tool = get(ALIASES.get(str(command), str(command)).replace("-", "_"))
    answer = call(tool, {key: _content(key, value) for key, value in options.items()})
    if as_json:
        sys.stdout.buffer.write(answer.dumps() + b"\n")
    else:
        _show(answer.text())
    return 0


def _dashed(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


def _content(name: str, value: object) -> object:
    """What `@FILE` or `-` stands for, in the arguments that take one."""
    if name not in FROM_FILE or not isinstance(value, str):
        return value
    try:
        if value == "-":
            return sys.stdin.read()
        if value.startswith("@"):
            with open(value[1:], encoding="utf-8") as handle:
                return handle.read()
    except (OSError, UnicodeError) as error:
        raise MassgenLogError(f"--{name} {value}: {getattr(error, 'strerror', None) or error}") from error
    return value


def _show(text: Masked) -> None:
    if sys.stdout.isatty():
        from massgen_logs import terminal

        terminal.show(text)
        return
    sys.stdout.buffer.write(text.encode("utf-8", "replace") + b"\n")
