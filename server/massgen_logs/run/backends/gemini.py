"""`gemini`: the usage of each response with a workflow JSON is added twice; call ids are counters per agent."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping

from massgen_logs.readers.massgen_log import LogLine
from massgen_logs.run.backends import command_line
from massgen_logs.run.backends.dialect import Dialect, Excess, Spender, Tokens, spenders_of

_TRACKED = re.compile(r"\[Gemini\] Token usage tracked: input=(\d+), output=(\d+), thinking=(\d+), cached=(\d+)")
_ACTION = re.compile(r"\[Gemini\] .*coordination action: (\w+)", re.I)
_TAKEN = re.compile(
    r"\[Orchestrator(?:\] Agent (\S+) voting from options|\._save_agent_snapshot\] Called for agent_id=([^,\s]+),.*is_final=False"
    r"|\] Agent (\S+) workflow enforcement attempt [^1\s])",
)
_RECENT = 16
"""Responses after which an action's usage is no longer expected to come again."""


def excess(lines: Iterable[LogLine], spenders: Mapping[str, Spender]) -> Excess:
    """The tracked usage of a doubled response stands again after the line that names its coordination action.

    These lines name no agent; the orchestrator's next line about a vote, an answer or a retry does. Where two responses
    wait for such a line of the same kind, whose is whose can't be told.
    """
    agents = spenders_of("gemini", spenders)
    found: dict[str, list[Tokens]] = defaultdict(list)
    unowned: list[Tokens] = []
    recent: deque[Tokens] = deque(maxlen=_RECENT)
    actions: deque[tuple[str, Tokens]] = deque(maxlen=_RECENT)
    waiting: list[tuple[str, Tokens]] = []
    told: set[str] = set()  # agents whose refused vote is known already when their retry begins
    for line in lines:
        if line.chunk is not None:
            continue
        if match := _TRACKED.match(line.message):
            tokens = (int(match[1]), int(match[2]), int(match[3]), int(match[4]))
            if actions and tokens in recent:
                recent.remove(tokens)
                action = next((one for one in actions if one[1] == tokens), actions[0])
                actions.remove(action)
                waiting.append((action[0], tokens))
            else:
                recent.append(tokens)
        elif (match := _ACTION.match(line.message)) and recent:
            actions.append((match[1], recent[-1]))
        elif (match := _TAKEN.match(line.message)) and (agent := match[1] or match[2] or match[3]) in agents:
            if match[3] and agent in told:
                told.discard(agent)
                continue
            told = told | {agent} if match[1] else told - {agent}
            own = [one for one in waiting if match[3] or one[0] == ("vote" if match[1] else "new_answer")]
            waiting = [one for one in waiting if one not in own]
            if len(own) == 1:
                found[agent].append(own[0][1])
            else:
                unowned += [tokens for _, tokens in own]
    unowned += [tokens for _, tokens in waiting]
    if len(agents) == 1 and unowned:
        found[agents[0]] += unowned
        unowned = []
    return Excess(dict(found), unowned, 0, "a response with an answer or a vote")


DIALECT = Dialect(
    "gemini",
    command_line.command,
    command_line.outcome,
    retries_told=True,
    excess=excess,
    caveats=("gemini: MassGen adds the usage of every response with an answer or a vote twice",),
)
