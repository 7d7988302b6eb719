"""What massgen.log alone tells, in every version, read in one pass over the lines that matter.

- `Failed to connect to NAME: WHY` (from 0.1.39 on with ` | Details: {...}`), one message a try, and no agent: every agent
  connects to all its servers at each start. The agent is then started without that server's tools, and a call of one of
  them is recorded as a call of a tool that doesn't exist (S25).
- `Reconfigured main log for attempt N` stands in an attempt's log once at its beginning, where restarts are allowed. After a
  restart that post-evaluation asked for, MassGen may not count on and begin attempt N again: such a course leaves requests to
  the models, no status and no events.
- `Agent ID called unknown tool 'NAME'`: also beside a valid workflow call, of which status.json has no record.
- `[ERROR] orchestrator: Error code: ...`: API errors that ended a presentation are in no other file.
- `[ERROR] orchestrator: ... after 3 attempts`: an agent's death, at once; its text in events.jsonl may be flushed much later.
- `🔄 Vote for [ID] ignored`: flushed at once, where the texts in events.jsonl are lost with a killed process. The next agent
  that starts an execution loop is the voter.

No other reader of massgen.log knows more of a line than its whole form either: one that a model wrote with a line's full
prefix, at the beginning of a line, counts as MassGen's.
"""

from __future__ import annotations

import re

from msgspec import Struct, field

from massgen_logs.attempt import Attempt
from massgen_logs.readers.base import Problem, Source, as_name, decode, lines_with
from massgen_logs.run.clock import Clock
from massgen_logs.run.model import Unconnected

ALWAYS = (b"Failed to connect to ", b"Reconfigured main log for attempt ")
UNKNOWN_TOOLS = (b" called unknown tool '",)
ERRORS = (b"[ERROR] orchestrator: ",)
VOTING = ("🗳️ Voting for [".encode(),)
IGNORED = ("🔄 Vote for [".encode(), b" starting execution loop")
"""What a line is found by; each costs a pass over a long log, so that only what other files leave open is looked for."""


def _head(level: str) -> str:
    return rf"(\d\d):(\d\d):(\d\d)(?:\.\d{{3}})? \| {level} +\| (?:[^ ]{{1,300}}:[\w<>]+:\d+ - )?"


_FAILED = re.compile(_head("ERROR") + r"Failed to connect to ([\w.-]{1,80}): (.{1,400}?)(?: \| Details: \{.*)?")
_BEGUN = re.compile(_head("INFO") + r"Reconfigured main log for attempt (\d+): .*")
_UNKNOWN_TOOL = re.compile(
    _head("WARNING") + r"\[Orchestrator\] Agent (.{1,255}?) called unknown tool '(.{1,255}?)' - not registered as .*"
)
_ERROR = re.compile(_head("ERROR") + r"\[ERROR\] orchestrator: (.+)")
_VOTE = re.compile(
    _head("INFO")
    + r"Stream chunk \[content\]: 🔄 Vote for \[(.{0,255}?)\] ignored \(reason: (.*?)(?:\) - restarting due to new answers)?"
)
_VOTING = re.compile(_head("INFO") + r"Stream chunk \[content\]: 🗳️ Voting for \[(.{0,255}?)\] \(options: .*?\) : (.*)")
_LOOP = re.compile(_head("INFO") + r"\[Orchestrator\] Agent (.{1,255}?) starting execution loop.*")


class Ignored(Struct):
    """An ignored vote. voter: None where no start of an agent follows it."""

    t: float | None
    voter: str | None
    target: str
    reason: str
    src: str


class MainLog(Struct):
    """unconnected: every try that failed, in the order of the log; begun: where this attempt was begun; unknown_tools: by agent;
    errors: (t, words, src) of the orchestrator's own error lines."""

    unconnected: list[Unconnected] = field(default_factory=list[Unconnected])
    begun: list[str] = field(default_factory=list[str])
    unknown_tools: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    errors: list[tuple[float | None, str, str]] = field(default_factory=list[tuple[float | None, str, str]])
    ignored: list[Ignored] = field(default_factory=list[Ignored])
    voting: list[Ignored] = field(default_factory=list[Ignored])
    """Calls of vote before MassGen looked at them, with the first line of the reason and the target as the model named it."""


def read(attempt: Attempt, clock: Clock, sources: list[Source], marks: tuple[bytes, ...]) -> MainLog:
    """Look through massgen.log; files are added to `sources` where they tell a try to connect.

    Args:
        attempt: the run's folder.
        clock: its clock: the log's times of day are read from its start on.
        sources: of the run; what can't be read of the log is told by those who read it whole.
        marks: ALWAYS, and those of the others that are wanted.
    """
    found, last = MainLog(), clock.start
    for path in attempt.log_parts():
        source = Source(path.name)
        before = len(found.unconnected)
        waiting: list[Ignored] = []
        for number, raw in lines_with(path, marks, source, list[Problem]()):
            line, src = decode(raw), f"{path.name}:{number}"
            if match := _LOOP.fullmatch(line):
                for one in waiting:
                    one.voter = as_name(match[4])
                waiting = []
            elif match := _VOTE.fullmatch(line):
                last = _time(clock, match, last)
                waiting.append(Ignored(last, None, match[4], match[5], src))
                found.ignored.append(waiting[-1])
            elif match := _VOTING.fullmatch(line):
                found.voting.append(Ignored(_time(clock, match, last), None, match[4], match[5], src))
            elif match := _FAILED.fullmatch(line):
                last = _time(clock, match, last)
                found.unconnected.append(Unconnected(match[4], last, match[5], src))
            elif match := _BEGUN.fullmatch(line):
                found.begun += [src] if int(match[4]) == attempt.number else []
            elif match := _UNKNOWN_TOOL.fullmatch(line):
                found.unknown_tools.setdefault(match[4], []).append(match[5])
            elif match := _ERROR.fullmatch(line):
                last = _time(clock, match, last)
                found.errors.append((last, match[4], src))
        if len(found.unconnected) > before and not any(known.file == source.file for known in sources):
            sources.append(source)
    return found


def _time(clock: Clock, match: re.Match[str], after: float | None) -> float | None:
    return clock.of_day(int(match[1]) * 3600 + int(match[2]) * 60 + int(match[3]), after)
