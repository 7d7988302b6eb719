"""analyze: print the order to analyse a log, for a coding CLI; or have a team of agents do it (--mode self)."""

from __future__ import annotations

import argparse
from importlib import import_module

from massgen_logs.commands.arguments import add_log, settle
from massgen_logs.errors import MassgenLogError

_SELF_ONLY = ("force", "config", "ui", "model", "backend", "base_url")


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
    made.add_argument("--config", help="with --mode self: a MassGen config of your own, to which the server is added")
    made.add_argument(
        "--ui",
        choices=("automation", "rich_terminal", "webui"),
        help="with --mode self: how MassGen shows the analysis; default: rich_terminal on a terminal, else automation",
    )
    made.add_argument(
        "--model", nargs="+", action="extend", help="with --mode self: one for the team or three; or MASSGEN_LOGS_MODEL"
    )
    made.add_argument("--backend", help="with --mode self: MassGen's name of the provider; or MASSGEN_LOGS_BACKEND")
    made.add_argument("--base-url", help="with --mode self: an OpenAI-compatible provider; or MASSGEN_LOGS_BASE_URL")
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
    if unfit := [f"--{name.replace('_', '-')}" for name in _SELF_ONLY if getattr(options, name)]:
        raise MassgenLogError(f"{', '.join(unfit)} needs --mode self.")
    from massgen_logs.report import prompts

    print(prompts.analyze(options.log, options.turn, options.logs_dir))
    return 0
