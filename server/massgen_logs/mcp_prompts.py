"""The prompts of the MCP server, and the completion of their arguments. The words are those of report/prompts.py."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.shared.exceptions import MCPError
from mcp.types import INVALID_PARAMS, Completion

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.tree import find_root, resolve, session_names

if TYPE_CHECKING:
    from massgen_logs.text.mask import Masked

_LOG = PromptArgument(name="log", description="latest (default), a log's name, a unique prefix, or a path inside it")
_TURN = PromptArgument(name="turn", description="turn number; default: the last")
_MOST = 100
"""Values that one completion may have."""


def prompts(logs_dir: str | None) -> list[Prompt]:
    """All prompts; `logs_dir` is the default log root."""

    def analyze(log: str = "", turn: str = "") -> Masked:
        from massgen_logs.report import prompts as orders

        return orders.analyze(log or "latest", _number(turn), logs_dir)

    def compare(logs: str) -> Masked:
        from massgen_logs.report import prompts as orders

        return orders.compare(_separate(logs), logs_dir)

    def debug_agent(agent: str, log: str = "", turn: str = "") -> Masked:
        from massgen_logs.report import prompts as orders

        return orders.debug_agent(agent, log or "latest", _number(turn), logs_dir)

    logs = PromptArgument(name="logs", description="2 to 8 logs, NAME, NAME:turn or NAME:turn:attempt", required=True)
    agent = PromptArgument(name="agent", description="the agent's id", required=True)
    return [
        _prompt(analyze, "Analyse a MassGen run", "Analyse a turn of a log and save ANALYSIS_REPORT.md.", [_LOG, _TURN]),
        _prompt(compare, "Compare MassGen runs", "Compare two to eight runs and find the causes of what differs.", [logs]),
        _prompt(debug_agent, "Debug an agent", "Find out what one agent did and what went wrong for it.", [agent, _LOG, _TURN]),
    ]  # fmt: skip


def _prompt(write: Callable[..., Masked], title: str, description: str, arguments: list[PromptArgument]) -> Prompt:
    known = {argument.name for argument in arguments}

    def written(**given: str) -> str:
        if unknown := set(given) - known:
            raise MCPError(INVALID_PARAMS, f"no argument {', '.join(sorted(unknown))}; there are: {', '.join(known)}.")
        try:
            return write(**given)
        except MassgenLogError as error:
            raise MCPError(INVALID_PARAMS, _mask(str(error))) from error

    return Prompt(
        name=write.__name__, title=title, description=description, arguments=arguments, fn=written, context_kwarg=None
    )


def _number(turn: str) -> int | None:
    if not turn:
        return None
    if not re.fullmatch(r"[0-9]{1,8}", turn):
        raise MassgenLogError(f"turn={quoted(turn)} is no number. Leave it out for the last turn.")
    return int(turn)


def _separate(logs: str) -> list[str]:
    return [name for name in re.split(r"[\s,]+", logs) if name]


def complete(argument: str, value: str, given: dict[str, str], logs_dir: str | None) -> Completion:
    """The values of an argument that go on as `value` begins: logs (newest first), turns, agents.

    Args:
        argument: its name; one that has no list of values gets none.
        value: what is typed so far.
        given: the other arguments, which say whose turns or agents are meant.
        logs_dir: the default log root.
    """
    try:
        values = _values(argument, value, given, logs_dir)
    except MassgenLogError:
        values = []
    values = [_mask(one) for one in values]
    return Completion(values=list(values[:_MOST]), total=len(values), has_more=len(values) > _MOST)


def _values(argument: str, value: str, given: dict[str, str], logs_dir: str | None) -> list[str]:
    root = find_root(logs_dir)
    if argument == "log":
        return [name for name in ["latest", *session_names(root)] if name.startswith((value, f"log_{value}"))]
    if argument == "logs":
        before, last = re.fullmatch(r"(.*[\s,])?([^\s,]*)", value, re.S).groups("")  # type: ignore[union-attr]
        known = [name for name in session_names(root) if name not in _separate(before)]
        return [before + name for name in known if name.startswith((last, f"log_{last}"))]
    place = resolve(root, given.get("log") or "latest", _number(given.get("turn", "")) if argument == "agent" else None)
    if argument == "turn":
        return [str(turn.number) for turn in place.session.turns if str(turn.number).startswith(value)]
    if argument == "agent":
        from massgen_logs.run.summary import summarise

        return [name for name in summarise(place).agents if name.startswith(value)]
    return []


def _mask(text: str) -> str:
    from massgen_logs.text.mask import Masker

    return Masker().text(text)
