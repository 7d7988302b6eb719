"""The arguments of the command line, made from the registry for tools; those of other commands are in their modules."""

from __future__ import annotations

import argparse
import inspect
import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any, get_args

from massgen_logs import __version__
from massgen_logs.commands import ALIASES, COMMANDS
from massgen_logs.tools.base import Tool
from massgen_logs.tools.registry import NAMES, get
from massgen_logs.tree import root_around

FROM_FILE = frozenset({"content", "judgements", "spans"})
"""Arguments that are too long for a command line: `@FILE` and `-` name where they are."""


def build_parser(tools: Sequence[str] = NAMES, commands: Sequence[str] = tuple(COMMANDS)) -> argparse.ArgumentParser:
    """The parser with these tools and commands; their modules are imported."""
    parser = argparse.ArgumentParser(
        prog="massgen-logs",
        description="Measured facts about MassGen runs, from local log trees. `massgen-logs serve` is the MCP server.",
    )
    parser.add_argument("--version", action="version", version=f"massgen-logs {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in tools:
        _add_tool(subparsers, get(name))
    for name in commands:
        module = import_module(COMMANDS[name])
        told: argparse.ArgumentParser = module.parser()
        subparsers.add_parser(
            name, parents=[told], add_help=False, help=(module.__doc__ or "").split("\n")[0].partition(": ")[2], description=told.description,
        )  # fmt: skip
    return parser


def _add_tool(commands: Any, tool: Tool) -> None:
    name = tool.name.replace("_", "-")
    sub = commands.add_parser(
        name,
        aliases=[alias for alias, of in ALIASES.items() if of == name],
        help=tool.title,
        description=" ".join(tool.description.split()),
        epilog=tool.details() if tool.details else None,
        formatter_class=argparse.RawDescriptionHelpFormatter if tool.details else argparse.HelpFormatter,
    )
    for argument, parameter in tool.parameters().items():
        _add_argument(sub, argument, parameter)
    sub.add_argument("--json", action="store_true", help="print the typed result")


def _add_argument(sub: argparse.ArgumentParser, name: str, parameter: inspect.Parameter) -> None:
    kind, text = get_args(parameter.annotation)[:2]
    flag = "--" + name.replace("_", "-")
    if name == "logs_dir":
        add_logs_dir(sub)
        return
    base = str(kind).replace(" | None", "")
    if "bool" in base or kind is bool:
        if parameter.default is None:
            group = sub.add_mutually_exclusive_group()
            group.add_argument(flag, dest=name, action="store_true", default=None, help=f"only {name}")
            group.add_argument(f"--un{name}", dest=name, action="store_false", default=None, help=f"only not {name}")
        else:
            sub.add_argument(flag, action="store_true", help=text)
        return
    reads = int if "int" in base or kind is int else float if kind is float else str
    required = parameter.default is inspect.Parameter.empty
    note = "" if required or parameter.default is None else f" (default: {parameter.default})"
    more = "; @FILE reads a file, - standard input" if name in FROM_FILE else ""
    # `--logs A B` and `--logs A --logs B` are the same list
    several: dict[str, Any] = {"nargs": "+", "action": "extend"} if base.startswith("list[") else {}
    sub.add_argument(
        flag, dest=name, type=reads, required=required, **several,
        default=None if required else parameter.default, help=f"{text}{more}{note}".replace("%", "%%"),
    )  # fmt: skip


def add_logs_dir(parser: argparse.ArgumentParser) -> None:
    """`--logs-dir`, and `--log-dir` as `massgen logs` has it: there it names one log."""
    parser.add_argument(
        "--logs-dir", help="folder of the log_* folders; default: found from the working directory upward"
    )
    parser.add_argument("--log-dir", help="one log's folder, as for `massgen logs`; or as --logs-dir")


def add_log(parser: argparse.ArgumentParser, *, turn: bool = True) -> None:
    """Which log and turn, and where logs are, as every tool takes them; the log also without `--log`."""
    parser.add_argument(
        "given", nargs="?", metavar="LOG", help="latest (default), a name, a unique prefix, or a path inside it"
    )
    parser.add_argument("--log", help="the same")
    if turn:
        parser.add_argument("--turn", "-t", type=int, help="turn number; default: the last")
    add_logs_dir(parser)


def settle(options: dict[str, Any]) -> None:
    """Turn `given` and `log_dir` into `log` and `logs_dir`: a folder that is a log, or in one, names that log."""
    given, folder = options.pop("given", None), options.pop("log_dir", None)
    if given is not None:
        options["log"] = given
    if folder is None:
        return
    if root_around(os.path.abspath(os.path.expanduser(folder))) is None:
        options["logs_dir"] = options.get("logs_dir") or folder
    elif options.get("log") in {None, "latest"} and "log" in options:
        options["log"] = folder
    else:
        options["logs_dir"] = options.get("logs_dir") or folder
