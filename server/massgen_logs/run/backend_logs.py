"""What massgen.log alone tells of the agents of some backends: usage that was counted again, votes that were dropped.

Its lines name no agent as a rule; each dialect says how it tells them apart. An agent whose backend nobody knows may be of
any of these backends: the lines themselves say which one wrote them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from massgen_logs.attempt import Attempt
from massgen_logs.readers import massgen_log
from massgen_logs.readers.base import Problem, Source
from massgen_logs.readers.status_json import Usage
from massgen_logs.run.backends import KNOWN
from massgen_logs.run.backends.dialect import Dialect, DroppedVote, Excess, Spender


def spenders(
    agents: Iterable[str], recorded: Mapping[str, Usage], models: Mapping[str, str | None], dialect_of: Callable[[str], Dialect],
) -> dict[str, Spender]:  # fmt: skip
    """All agents of a run, with what the dialects need to know of them."""
    found: dict[str, Spender] = {}
    for agent in dict.fromkeys([*agents, *recorded]):
        usage = recorded.get(agent) or Usage(None, None, None, None, None)
        tokens = (
            usage.input_tokens or 0, usage.output_tokens or 0, usage.reasoning_tokens or 0, usage.cached_input_tokens or 0,
        )  # fmt: skip
        found[agent] = Spender(tokens, models.get(agent), dialect_of(agent))
    return found


def excess(attempt: Attempt, agents: Mapping[str, Spender], problems: list[Problem]) -> list[Excess]:
    """What was counted too much, one entry per dialect that does so."""
    return [
        dialect.excess(massgen_log.read_parts(attempt.log_parts(), list[Source](), problems), agents)
        for dialect in _dialects(agents)
        if dialect.excess
    ]


def dropped(attempt: Attempt, agents: Mapping[str, Spender]) -> list[DroppedVote]:
    """Votes that a backend dropped; what can't be read of the log is told by those who read it for all agents."""
    found: list[DroppedVote] = []
    for dialect in _dialects(agents):
        if dialect.dropped:
            lines = massgen_log.read_parts(attempt.log_parts(), list[Source](), list[Problem]())
            found += dialect.dropped(lines, agents)
    return found


def _dialects(agents: Mapping[str, Spender]) -> list[Dialect]:
    own = {one.dialect.name for one in agents.values()}
    anyone = any(not one.dialect.known for one in agents.values())
    return [dialect for dialect in KNOWN if anyone or dialect.name in own]
