"""`gemini`: the usage of each response with a workflow JSON is added twice; call ids are counters per agent."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from massgen_logs.readers.massgen_log import LogLine
from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect, Excess, Tokens

_TRACKED = re.compile(r"\[Gemini\] Token usage tracked: input=(\d+), output=(\d+), thinking=(\d+), cached=(\d+)")
_ACTION = "structured coordination action: "


def excess(lines: Iterable[LogLine], recorded: Mapping[str, Tokens], actions: Sequence[str]) -> Excess:
    """The tracked usage of a doubled response stands again after the line that names its coordination action.

    These lines name no agent; with several gemini agents the workspace_action events, one per action and in the same
    order, do.
    """
    doubled: list[Tokens] = []
    pending: list[Tokens] = []
    last: Tokens | None = None
    for line in lines:
        if line.chunk is not None or not line.message.startswith("[Gemini]"):
            continue
        if match := _TRACKED.match(line.message):
            last = (int(match[1]), int(match[2]), int(match[3]), int(match[4]))
            if last in pending:
                pending.remove(last)
                doubled.append(last)
        elif _ACTION in line.message.lower() and last is not None:
            pending.append(last)
    owners = list(recorded) * len(doubled) if len(recorded) == 1 else list(actions)
    if len(owners) != len(doubled):
        return Excess({}, len(doubled), "")
    found: dict[str, list[Tokens]] = defaultdict(list)
    for agent, tokens in zip(owners, doubled, strict=True):
        found[agent].append(tokens)
    return Excess(found, 0, "responses with an answer or a vote were added twice")


DIALECT = Dialect(
    "gemini",
    command_line.command,
    command_line.outcome,
    excess=excess,
    caveats=("gemini: MassGen adds the usage of every response with an answer or a vote twice",),
)
