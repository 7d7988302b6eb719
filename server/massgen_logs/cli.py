"""The command line `massgen-logs`: every tool as a command, and commands/. Imports no mcp, and rich only on a terminal."""

from __future__ import annotations

import argparse
import inspect
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, get_args

from massgen_logs import __version__
from massgen_logs.errors import MassgenLogError
from massgen_logs.tools.base import Tool, call
from massgen_logs.tools.registry import NAMES, get

if TYPE_CHECKING:
    from massgen_logs.text.mask import Masked

COMMANDS = {
    "serve": "massgen_logs.commands.serve",
    "export": "massgen_logs.commands.export",
}
"""The commands that are no tools, and the module of each; a tool's command is made from the registry."""
FAILED = 2
"""Exit code of a call that could not be answered; its reason is on standard error."""


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        if arguments and (module := COMMANDS.get(arguments[0])):
            return import_module(module).main(arguments[1:])
        return _run_tool(arguments)
    except MassgenLogError as error:
        from massgen_logs.text.mask import Masker

        print(f"massgen-logs: {Masker().text(str(error))}", file=sys.stderr)  # also what fails before a tool is called
        return FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader has gone: nothing left to say
        return 0


def _run_tool(arguments: list[str]) -> int:
    # A tool and its arguments are also known by the names that they have in MCP: run_overview, --min_count.
    arguments = [_dashed(a) if a.startswith("--") or i == 0 else a for i, a in enumerate(arguments)]
    name = arguments[0].replace("-", "_") if arguments else ""
    # Only the module of the command that is called is imported; all of them for the help.
    parser = build_parser([name] if name in NAMES else list(NAMES))
    parsed, unknown = parser.parse_known_args(arguments)
    if unknown:
        parser.exit(
            FAILED, f"massgen-logs: unknown: {' '.join(unknown)}. See massgen-logs {' '.join(arguments[:1])} --help\n"
        )
    options = vars(parsed)
    command = options.pop("command", None)
    if command is None:
        parser.print_help()
        return 0
    as_json = options.pop("json")
    tool = get(str(command).replace("-", "_"))
    answer = call(tool, {key: _content(key, value) for key, value in options.items()})
    if as_json:
        sys.stdout.buffer.write(answer.dumps() + b"\n")
    else:
        _show(answer.text())
    return 0


def _dashed(argument: str) -> str:
    name, equals, value = argument.partition("=")
    return name.replace("_", "-") + equals + value


def build_parser(names: Sequence[str] = NAMES) -> argparse.ArgumentParser:
    """The parser with the commands of these tools."""
    parser = argparse.ArgumentParser(
        prog="massgen-logs",
        description="Measured facts about MassGen runs, from local log trees. `massgen-logs serve` is the MCP server.",
    )
    parser.add_argument("--version", action="version", version=f"massgen-logs {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in names:
        _add_command(commands, get(name))
    return parser


def _add_command(commands: Any, tool: Tool) -> None:
    sub = commands.add_parser(
        tool.name.replace("_", "-"), help=tool.title, description=" ".join(tool.description.split()),
        epilog=tool.details() if tool.details else None,
        formatter_class=argparse.RawDescriptionHelpFormatter if tool.details else argparse.HelpFormatter,
    )  # fmt: skip
    for name, parameter in tool.parameters().items():
        _add_argument(sub, name, parameter)
    sub.add_argument("--json", action="store_true", help="print the typed result")


def _add_argument(sub: argparse.ArgumentParser, name: str, parameter: inspect.Parameter) -> None:
    kind, text = get_args(parameter.annotation)[:2]
    flag = "--" + name.replace("_", "-")
    aliases = ["--log-dir"] if name == "logs_dir" else []
    base = str(kind).replace(" | None", "")
    if "bool" in base or kind is bool:
        if parameter.default is None:
            group = sub.add_mutually_exclusive_group()
            group.add_argument(flag, dest=name, action="store_true", default=None, help=f"only {name}")
            group.add_argument(f"--un{name}", dest=name, action="store_false", default=None, help=f"only not {name}")
        else:
            sub.add_argument(flag, action="store_true", help=text)
        return
    number = "int" in base or kind is int
    required = parameter.default is inspect.Parameter.empty
    note = "" if required or parameter.default is None else f" (default: {parameter.default})"
    more = "; @FILE reads a file, - standard input" if name in {"content", "spans"} else ""
    # `--logs A B` and `--logs A --logs B` are the same list
    several: dict[str, Any] = {"nargs": "+", "action": "extend"} if base.startswith("list[") else {}
    sub.add_argument(
        flag, *aliases, dest=name, type=int if number else str, required=required, **several,
        default=None if required else parameter.default, help=f"{text}{more}{note}".replace("%", "%%"),
    )  # fmt: skip


def _content(name: str, value: object) -> object:
    """A report, and spans, are too long for a command line: `@FILE` and `-` name where they are."""
    if name not in {"content", "spans"} or not isinstance(value, str):
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
