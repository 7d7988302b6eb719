"""analyze: print the order to analyse a log, for a coding CLI; or have a team of agents do it (--mode self)."""

from __future__ import annotations

import argparse
from importlib import import_module

from massgen_logs.commands.arguments import add_log, settle
from massgen_logs.errors import MassgenLogError

_SELF_ONLY = ("force", "config", "ui")


def parser() -> argparse.ArgumentParser:
    """Its arguments; those of `massgen logs analyze` and --log, --logs-dir."""
    made = argparse.ArgumentParser(
        prog="massgen-logs analyze",
        description="Print the order to analyse a log with the skill, ready for a coding CLI: "
        'claude "$(massgen-logs analyze)". With --mode self, a team of MassGen agents analyses it and writes the report.',
    )
    add_log(made)
    made.add_argument("--mode", choices=("prompt", "self"), default="prompt", help="default: prompt")
    made.add_argument(
        "--force", "-f", action="store_true", help="with --mode self: replace an existing report without asking"
    )
    made.add_argument("--config", help="with --mode self: a MassGen config of your own")
    made.add_argument(
        "--ui",
        choices=("automation", "rich_terminal", "webui"),
        help="with --mode self: how MassGen shows the analysis",
    )
    return made


def main(arguments: list[str]) -> int:
    """Print the order, or run the analysis.

    Raises:
        MassgenLogError: for a log or turn that doesn't exist, or arguments that don't fit the mode.
    """
    options = parser().parse_args(arguments)
    settle(vars(options))
    options.log = options.log or "latest"
    if options.mode == "self":
        return import_module("massgen_logs.commands.self_analysis").main(options)
    if unfit := [f"--{name}" for name in _SELF_ONLY if getattr(options, name)]:
        raise MassgenLogError(f"{', '.join(unfit)} needs --mode self.")
    from massgen_logs.report import prompts

    print(prompts.analyze(options.log, options.turn, options.logs_dir))
    return 0
