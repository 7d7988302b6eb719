"""What massgen.log, streaming_debug.log and agent_outputs say where there is no events.jsonl.

Calls: agent_outputs/AGENT.txt (with the agent, each call once); where these hold none, massgen.log or massgen_debug.log,
then streaming_debug.log, which name no agent: their calls belong to "*". A result is paired with the open call of the
same tool whose command it repeats, else with the oldest open one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from massgen_logs.attempt import Attempt
from massgen_logs.readers import agent_outputs, massgen_log, streaming_debug
from massgen_logs.readers.base import Problem, Source, text
from massgen_logs.readers.calls_text import Piece, pieces
from massgen_logs.run.backends import GENERIC
from massgen_logs.run.backends.dialect import Dialect, output_chars
from massgen_logs.run.clock import Clock
from massgen_logs.run.events import API_RETRY, CALLS_REFUSED, IGNORED, apply, parse_args
from massgen_logs.run.model import ANY_AGENT, Call, Moment
from massgen_logs.run.planted import Places
from massgen_logs.run.refusals import Refusals

WORKFLOW = frozenset({"vote", "new_answer"})
_INVALID = re.compile(r"🔄 \[(.+?)\] Vote invalid - restarting due to new answers")
_STARTS = re.compile(r"\[Orchestrator\] Agent (\S+) starting execution loop")
_TIMEOUT = re.compile(r"⚠️ \*\*Orchestrator Timeout\*\*: (Time limit exceeded \([\d.]+s/[\d.]+s\))")
_UNKNOWN_TOOL = re.compile(r"⚠️ Unknown tool: ([\w.:-]+) \(not registered\)(?=\s*🔧 used \1 tool \(not implemented\))")
_ASKED_AGAIN = re.compile(r"\[Orchestrator\] Sending enforcement message to (\S+) \(")
_SOFT_LIMIT = re.compile(r"\[RoundTimeoutPostHook\] Soft timeout reached for (\S+) after (\d+)s")
_HARD_LIMIT = re.compile(r"\[RoundTimeoutPreHook\] DENIED tool `[^`]*` for (\S+) - .*, denial #1")
_PRESENTS = re.compile(r"🎤  ?\[(.{1,255})\] presenting final answer\s*")
_ANSWER_DONE = "✅ Answer provided"


class OldLogs(Struct):
    """calls with their agents; ignored: (time, voter or "*", target, reason, src)."""

    planted: Places
    calls: list[Call] = field(default_factory=list[Call])
    ignored: list[tuple[float | None, str, str | None, str | None, str]] = field(
        default_factory=list[tuple["float | None", str, "str | None", "str | None", str]],
    )
    invalid: list[tuple[float | None, str, str]] = field(
        default_factory=list[tuple["float | None", str, str]],
    )
    """(time, voter, src) of votes that 0.1.0 dropped before it looked at them: no other record tells of these"""
    vote_calls: int = 0
    votes_recorded: int = 0
    agents: list[str] = field(default_factory=list[str])
    """Agents in the order in which they were first started: the config's order."""
    starts: list[tuple[float | None, str, str]] = field(
        default_factory=list[tuple["float | None", str, str]],
    )
    """(time, agent, src) of their first starts"""
    moments: list[Moment] = field(default_factory=list[Moment])
    refusals: Refusals = field(default_factory=Refusals)
    vote_src: str = ""
    """Where the first vote call stands."""
    unknown_tools: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    retries: dict[str, list[tuple[float | None, str]]] = field(
        default_factory=lambda: defaultdict[str, "list[tuple[float | None, str]]"](list),
    )
    """Agent to (time, src) of each message that asked it again."""
    first: float | None = None
    last: float | None = None
    """Times of the first and the last line of massgen.log."""
    read_log: bool = False
    """massgen.log or massgen_debug.log was there."""
    read_outputs: bool = False
    read_streaming: bool = False
    no_results: bool = False
    """The calls come from a file that holds no results."""
    oldest: bool = False
    """No status.json: the version that tells each ignored vote in its log."""

    def belong_to(self, agent: str) -> None:
        """What names no agent is that of the only one in the run."""
        for call in self.calls:
            call.agent = agent
        self.ignored = [(t, agent, target, reason, src) for t, _, target, reason, src in self.ignored]
        self.refusals.found = [replace(told, agent=agent) for told in self.refusals.found]

    @property
    def read_text(self) -> bool:
        """Some file was there that tells ignored votes."""
        return self.read_log or self.read_outputs

    @property
    def read_calls(self) -> bool:
        """Some file was there that holds calls."""
        return self.read_log or self.read_outputs or self.read_streaming


def read(
    attempt: Attempt,
    agents: Iterable[str],
    dialect_of: Callable[[str], Dialect],
    clock: Clock,
    sources: list[Source],
    problems: list[Problem],
    planted: Places,
    *,
    doubled: bool,
) -> OldLogs:
    """Read what there is, in the order of the module's rule; texts that give orders are added to `planted`. doubled: this version's
    agent_outputs have all texts but calls twice."""
    found = OldLogs(
        planted, oldest=attempt.file("status.json") is None and attempt.file("execution_metadata.yaml") is None
    )
    for agent in agents:
        outputs = agent_outputs.read(attempt.file("agent_outputs", f"{agent}.txt"))
        problems += outputs.problems
        if outputs.source:
            sources.append(outputs.source)
            found.read_outputs = True
            _outputs(agent, outputs.value, dialect_of(agent), outputs.source.file, found, 2 if doubled else 1)
    _massgen_log(attempt, clock, found, sources, problems, calls=not found.calls)
    if not found.calls and attempt.file("streaming_debug.log"):
        _streaming(attempt, clock, found, sources, problems)
    return found


def _outputs(agent: str, rows: list[Piece], dialect: Dialect, file: str, found: OldLogs, times: int) -> None:
    """One agent's; times: how often each text stands there."""
    open_calls: list[Call] = []
    answers = 0
    told = Counter[str]()

    def first(words: str) -> bool:
        told[words] += 1
        return told[words] % times == 1 % times

    for row in rows:
        src = f"{file}:{row.place}"
        if row.kind == "text":
            answers += row.content.count(_ANSWER_DONE)
            found.planted.look(row.content, "text", agent, None, src)
            found.ignored += [(None, agent, m[1], m[2], src) for m in IGNORED.finditer(row.content) if first(m[0])]
            found.unknown_tools[agent] += [m[1] for m in _UNKNOWN_TOOL.finditer(row.content) if first(m[0])]
            found.moments += [
                Moment(None, "api_retry", agent, m[0], src) for m in API_RETRY.finditer(row.content) if first(m[0])
            ]
        else:
            _piece(row, agent, dialect, src, None, answers, open_calls, found)


def _piece(
    row: Piece, agent: str, dialect: Dialect, src: str, t: float | None, answers: int | None,
    open_calls: list[Call], found: OldLogs,
) -> None:  # fmt: skip
    tool = row.tool or "?"
    if tool in WORKFLOW:
        return
    if row.kind == "args":
        args = parse_args(row.content)
        call = Call(agent, tool, dialect.command(tool, args), args, src, t, round=answers)
        open_calls.append(call)
        found.calls.append(call)
        return
    said = text(parse_args(row.content).get("command"))
    call = next((c for c in open_calls if c.tool == tool and said is not None and c.command == said), None)
    call = call or next((c for c in open_calls if c.tool == tool), None)
    if call is None:
        return
    open_calls.remove(call)
    outcome = dialect.outcome(tool, call.args, row.content, True if row.ok is False else None)
    apply(call, outcome)
    call.output_chars, call.result_chars = output_chars(row.content, outcome), len(row.content)
    call.end, call.end_src = t, src
    call.recorded_ok = False if row.ok is False else None if row.content.startswith("Error") else True
    found.planted.look(row.content, f"result of {tool}", agent, t, src)


def _massgen_log(
    attempt: Attempt, clock: Clock, found: OldLogs, sources: list[Source], problems: list[Problem], *, calls: bool,
) -> None:  # fmt: skip
    open_calls: list[Call] = []
    ignored_here: list[tuple[float | None, str, str | None, str | None, str]] = []
    voted_chunks = provider_votes = 0
    last: float | None = None
    rows = massgen_log.read_parts(attempt.log_parts(), sources, problems)
    for line in massgen_log.of_attempt(rows, attempt.number) if attempt.shares_log else rows:
        found.read_log = True
        t = last = clock.of_day(line.seconds, last)
        found.first = t if found.first is None else found.first
        found.refusals.take(line, t)
        if line.chunk is None:
            _late_result(line.message, line.src, found)
            if match := _ASKED_AGAIN.match(line.message):
                found.retries[match[1]].append((t, line.src))
            elif match := _STARTS.match(line.message):
                if match[1] not in found.agents:
                    found.agents.append(match[1])
                    found.starts.append((t, match[1], line.src))
            elif match := _SOFT_LIMIT.fullmatch(line.message):
                detail = f"time limit of the round passed (after {match[2]} s): told to wrap up"
                found.moments.append(Moment(t, "round_timeout", match[1], detail, line.src))
            elif match := _HARD_LIMIT.fullmatch(line.message):
                found.moments.append(Moment(t, "round_timeout", match[1], CALLS_REFUSED, line.src))
            elif line.message.startswith("Provider function calls detected") and "'vote'" in line.message:
                provider_votes += 1
                found.vote_src = found.vote_src or line.src
            continue
        if line.chunk == "tool_calls":
            voted_chunks += line.message.count("'name': 'vote'")
            if "'name': 'vote'" in line.message:
                found.vote_src = found.vote_src or line.src
        elif "Vote recorded for [" in line.message[:40]:
            found.votes_recorded += 1
        elif match := _INVALID.match(line.message):
            found.invalid.append((t, match[1], line.src))
        elif match := IGNORED.match(line.message):
            ignored_here.append((t, ANY_AGENT, match[1], match[2], line.src))
        elif match := _TIMEOUT.fullmatch(line.message.strip()):
            found.moments.append(Moment(t, "timeout", None, match[1], line.src))
        elif line.chunk == "status" and (match := _PRESENTS.fullmatch(line.message)):
            found.moments.append(Moment(t, "presentation", match[1], "final presentation starts", line.src))
        elif line.chunk == "error":
            found.moments.append(Moment(t, "error", None, line.message, line.src))
        elif calls and " for Calling " in line.message[:80]:
            row = next(pieces(line.message))
            if row.kind != "text":  # a chunk that only quotes such a line begins with something else
                _piece(row, ANY_AGENT, GENERIC, line.src, t, None, open_calls, found)
    found.last = last
    found.vote_calls = max(voted_chunks, provider_votes)
    if not found.ignored:
        found.ignored = ignored_here


def _late_result(message: str, src: str, found: OldLogs) -> None:
    """The end of a command whose display lacks it: of the first open call of that command."""
    ended = GENERIC.result_in_log(message) if GENERIC.result_in_log else None
    if ended is None:
        return
    tool, command, outcome, chars = ended
    for call in found.calls:
        if call.outcome == "open" and call.tool == tool and call.args.get("command") == command:
            apply(call, outcome)
            call.output_chars = call.result_chars = chars
            call.end_src = src
            return


def _streaming(attempt: Attempt, clock: Clock, found: OldLogs, sources: list[Source], problems: list[Problem]) -> None:
    source = Source("streaming_debug.log")
    sources.append(source)
    found.read_streaming = True
    open_calls: list[Call] = []
    from_chunks: list[Call] = []
    last: float | None = None
    for chunk in streaming_debug.read(attempt.file("streaming_debug.log"), source, problems):
        t = last = clock.of_day(chunk.seconds, last)
        src = f"streaming_debug.log:{chunk.line}"
        for tool, arguments in () if found.calls else chunk.calls:
            args = parse_args(arguments)
            if tool not in WORKFLOW:
                from_chunks.append(Call(ANY_AGENT, tool, GENERIC.command(tool, args), args, src, t))
        for row in list(pieces(chunk.content))[:1] if " for Calling " in chunk.content[:80] else ():
            if row.kind != "text" and not (row.kind == "args" and row.content.endswith("...")):
                _piece(row, ANY_AGENT, GENERIC, src, t, None, open_calls, found)
    if not found.calls:
        found.calls = from_chunks  # the OpenAI dialect: whole arguments only in its tool_calls chunks
        found.no_results = bool(from_chunks)
