"""What massgen.log alone tells, in every version: MCP servers that MassGen could not connect to, and orchestrations begun
again without an attempt of their own.

`Failed to connect to NAME: WHY` (from 0.1.39 on with ` | Details: {...}`), one message a try, and no agent: every agent
connects to all its servers at each start. The agent is then started without that server's tools, and a call of one of
them is recorded as a call of a tool that doesn't exist (S25).

`Reconfigured main log for attempt N` stands in an attempt's log once at its beginning, where restarts are allowed. After a
restart that post-evaluation asked for, MassGen may not count on and begin attempt N again: such a course leaves requests to
the models, no status and no events.

No other reader of massgen.log knows more of a line than its whole form either: one that a model wrote with a line's full
prefix, at the beginning of a line, counts as MassGen's.
"""

from __future__ import annotations

import re

from massgen_logs.readers.base import Problem, Source, decode, lines_with
from massgen_logs.run.clock import Clock
from massgen_logs.run.model import Unconnected
from massgen_logs.tree import Attempt

_SAYS = b"Failed to connect to "
_FAILED = re.compile(
    r"(\d\d):(\d\d):(\d\d)(?:\.\d{3})? \| ERROR +\| (?:[^ ]{1,300}:[\w<>]+:\d+ - )?Failed to connect to ([\w.-]{1,80}): (.{1,400}?)"
    r"(?: \| Details: \{.*)?"
)
_AGAIN = b"Reconfigured main log for attempt "
_BEGUN = re.compile(
    rb"[\d:.]{8,12} \| INFO +\| (?:[^ ]{1,300}:[\w<>]+:\d+ - )?Reconfigured main log for attempt (\d+): "
)


def unconnected(
    attempt: Attempt, clock: Clock, started: float | None, sources: list[Source],
) -> tuple[list[Unconnected], list[str]]:  # fmt: skip
    """Every try that failed, in the order of the log, and where this attempt was begun.

    Files are added to `sources` where they tell a try.

    Args:
        attempt: the run's folder.
        clock: its clock.
        started: Unix seconds of its start: the log's times of day are read from there on.
        sources: of the run; what can't be read of the log is told by those who read it whole.
    """
    found, begun = list[Unconnected](), list[str]()
    last = started
    for path in attempt.log_parts():
        source = Source(path.name)
        before = len(found)
        for number, raw in lines_with(path, (_SAYS, _AGAIN), source, list[Problem]()):
            if _AGAIN in raw and (match := _BEGUN.match(raw)) and int(match[1]) == attempt.number:
                begun.append(f"{path.name}:{number}")
            if _SAYS not in raw or (match := _FAILED.fullmatch(decode(raw))) is None:
                continue
            t = last = clock.of_day(int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]), last)
            found.append(Unconnected(match[4], t, match[5], f"{path.name}:{number}"))
        if len(found) > before and not any(known.file == source.file for known in sources):
            sources.append(source)
    return found, begun
