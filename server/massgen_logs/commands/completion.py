"""completion: print the completion script of a shell."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import cast

from massgen_logs.commands.arguments import build_parser

SHELLS = ("bash", "zsh", "fish")
_NAMES = {
    "bash": "_massgen_logs_names",
    "zsh": "_massgen_logs_names",
    "fish": "(_massgen_logs_names)",
}
_LIST = "ls -1 .massgen/massgen_logs \"$MASSGEN_LOG_BASE_DIR\" ~/.massgen/massgen_logs 2>/dev/null | grep '^log_' | sort -ru"
_PREAMBLE = {
    "bash": f'_massgen_logs_names() {{ compgen -W "latest $({_LIST})" -- "$1"; }}',
    "zsh": f'_massgen_logs_names() {{ local -a names; names=(latest ${{(f)"$({_LIST})"}}); compadd -a names; }}',
    "fish": f"function _massgen_logs_names; echo latest; {_LIST}; end",
}
"""Names of the logs where they are usually found: no Python is started for a key press."""


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="massgen-logs completion",
        description="Print the completion script of a shell: "
        'eval "$(massgen-logs completion bash)"; '
        "massgen-logs completion zsh > FOLDER_OF_FPATH/_massgen-logs; "
        "massgen-logs completion fish > ~/.config/fish/completions/massgen-logs.fish",
    )
    made.add_argument("shell", choices=SHELLS)
    return made


def main(arguments: list[str]) -> int:
    """Print it."""
    shell: str = parser().parse_args(arguments).shell
    import shtab  # here: no other command needs it

    every = build_parser()
    for action in _actions(every):
        if action.dest in {"log", "logs", "given"}:
            vars(action)["complete"] = _NAMES
        elif action.dest in {"logs_dir", "log_dir"}:
            vars(action)["complete"] = shtab.DIRECTORY
        elif action.dest in {"output", "config"}:
            vars(action)["complete"] = shtab.FILE
    print(shtab.complete(every, shell, preamble=_PREAMBLE[shell]))
    return 0


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """The arguments of a parser and of all its commands."""
    for action in parser._actions:  # pyright: ignore[reportPrivateUsage]  (argparse tells them in no other way)
        yield action
        if isinstance(action, argparse._SubParsersAction):  # pyright: ignore[reportPrivateUsage]
            for command in cast("dict[str, argparse.ArgumentParser]", action.choices).values():
                yield from _actions(command)
