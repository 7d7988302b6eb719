"""The interface of a backend dialect: how one kind of agent tells a command, a result, a failure and a refusal.

The backend is a property of the agent (execution_metadata.yaml config.agents[].backend.type): several dialects can
stand in one file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct

from massgen_logs.readers.massgen_log import LogLine

_MOST_ERROR = 2000


def first_line(message: str) -> str:
    """The first line of a message, whole but for a giant one: who shows it masks it, then cuts, so that no cut halves a secret."""
    return message.split("\n", 1)[0][:_MOST_ERROR]


_EVICTED = re.compile(
    r"\[Tool Result Evicted - Too Large for Context\]\s+The result from \S+ was [\d,]+ tokens / ([\d,]+) chars "
)


def output_chars(result: str, outcome: Outcome) -> int:
    """Characters of a call's output: what a command printed, where its result tells that apart; else the whole result, and of one that
    MassGen put into a file because of its size, those of the file."""
    if outcome.printed is not None:
        return outcome.printed
    match = _EVICTED.match(result)
    return int(match[1].replace(",", "")) if match else len(result)


class Outcome(Struct, frozen=True):
    """What a result says of its call; see run.model.Call for the values of `kind`."""

    kind: str
    exit_code: int | None = None
    exec_s: float | None = None
    error: str | None = None
    hidden: str | None = None
    """A failure that the exit code hides: stderr of a command that exited with 0."""
    job: str | None = None
    """Id of a background job, whose result comes later."""
    over_limit: bool = False
    """It ran longer than its own time limit allows, and went on."""
    printed: int | None = None
    """Characters on its stdout and stderr, where they stand apart from an echo of the command and its times."""


Tokens = tuple[int, int, int, int]
"""(input, output, reasoning, cached input)"""


class Spender(Struct, frozen=True):
    """An agent whose usage massgen.log may tell: recorded tokens, configured model, and its dialect."""

    tokens: Tokens
    model: str | None
    dialect: Dialect


class Excess(Struct, frozen=True):
    """Tokens counted too much: of known agents; unowned: those whose agent can't be told; unknown: how many more there
    may be whose size can't be told either."""

    by_agent: dict[str, list[Tokens]]
    unowned: list[Tokens]
    unknown: int
    what: str
    """What was counted again, one of it."""


class DroppedVote(Struct, frozen=True):
    """A vote that the backend dropped before MassGen saw it. agent: None where it can't be told; target: as the model
    named it; seconds: time of day."""

    agent: str | None
    target: str | None
    reason: str | None
    seconds: float
    src: str


def spenders_of(name: str, spenders: Mapping[str, Spender]) -> list[str]:
    """The agents that a line of this backend may be about: its own, and those whose backend nobody knows."""
    return [agent for agent, one in spenders.items() if one.dialect.name == name or not one.dialect.known]


ExcessOf = Callable[[Iterable[LogLine], Mapping[str, Spender]], Excess]
"""(lines of massgen.log, all agents) to the excess"""
DroppedOf = Callable[[Iterable[LogLine], Mapping[str, Spender]], list[DroppedVote]]
CommandOf = Callable[[str, Mapping[str, object]], str | None]
ResultOf = Callable[[str], "tuple[str, str, Outcome, int] | None"]
"""(message) to (tool, command as its arguments have it, outcome, characters of output), None for any other message"""
OutcomeOf = Callable[[str, Mapping[str, object], str, "bool | None"], Outcome]


class Dialect(Struct, frozen=True):
    """One backend's ways. The flags are facts about MassGen's records of such an agent."""

    name: str
    command: CommandOf
    """(tool, args) to the command that the agent asked a shell to run, or None for any other tool."""
    outcome: OutcomeOf
    """(tool, args, result, is_error) to the outcome."""
    refusals_recorded: bool = True
    """False: a call refused by the client's own policy leaves nothing in MassGen's files."""
    refusal_in_result: bool = False
    """What MassGen's own rules refuse is an ordinary failed call: without its result nothing tells."""
    silent_shells: frozenset[str] = frozenset()
    """Shell tools of clients whose refusals leave nothing in MassGen's files, whatever the agent's backend is called."""
    injections_lost_until: tuple[int, int, int] | None = None
    """The last version in which no injection that is recorded as "native" reached such an agent."""
    injections_resume: bool = False
    """An injection reaches it only when MassGen says that it resumed the client's session."""
    own_time: bool = True
    """False: recorded times are the client's, with its start-up and queueing in them."""
    priced: bool = True
    """False: MassGen records 0.0 for every cost."""
    cost_is_floor: bool = False
    """Part of what it uses is never priced."""
    retries_told: bool = False
    """A request that failed after partial output and was retried stands as a text in the agent's own."""
    thinking_in_trace_only: bool = False
    """Its reasoning is in execution_trace.md and in no event."""
    ids_restart: bool = False
    """Call ids begin anew with every process of the client: an open call of an id that comes again was killed with its own."""
    edits_twice: frozenset[str] = frozenset()
    """Tools that are recorded at start and at completion, each as a whole call."""
    result_in_log: ResultOf | None = None
    """Finds the end of a command in a line of massgen.log, where the display shows no results."""
    excess: ExcessOf | None = None
    """Finds the usage that MassGen added although it had counted it before; None where it counts right."""
    dropped: DroppedOf | None = None
    """Finds votes that only massgen.log shows; None where every vote reaches MassGen."""
    caveats: tuple[str, ...] = ()
    """What this backend does not record, or records wrongly, in sentences for the reader; {thinking}: where a run has it."""
    known: bool = True
