"""What massgen.log, streaming_debug.log and agent_outputs say where there is no events.jsonl.

Calls: agent_outputs/AGENT.txt (with the agent, each call once); without these files massgen.log or massgen_debug.log,
then streaming_debug.log, which name no agent: their calls belong to "*". A result is paired with the open call of the
same tool whose command it repeats, else with the oldest open one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from massgen_logs.readers import agent_outputs, massgen_log, streaming_debug
from massgen_logs.readers.base import Problem, Source, integer, mapping, text
from massgen_logs.readers.calls_text import Piece, pieces
from massgen_logs.run import planted
from massgen_logs.run.backends import GENERIC
from massgen_logs.run.backends.dialect import Dialect
from massgen_logs.run.clock import Clock
from massgen_logs.run.events import IGNORED, apply, parse_args
from massgen_logs.run.model import ANY_AGENT, Call, Moment, Planted
from massgen_logs.run.refusals import Refusals
from massgen_logs.tree import Attempt

WORKFLOW = frozenset({"vote", "new_answer"})
_INVALID = re.compile(r"🔄 \[(.+?)\] Vote invalid - restarting due to new answers")
_STARTS = re.compile(r"\[Orchestrator\] Agent (\S+) starting execution loop")
_ANSWER_DONE = "✅ Answer provided"


@dataclass(slots=True)
class OldLogs:
    """calls with their agents; ignored: (time, voter or "*", target, reason, src)."""

    calls: list[Call] = field(default_factory=list[Call])
    ignored: list[tuple[float | None, str, str | None, str | None, str]] = field(
        default_factory=list[tuple["float | None", str, "str | None", "str | None", str]],
    )
    vote_calls: int = 0
    votes_recorded: int = 0
    agents: list[str] = field(default_factory=list[str])
    """Agents in the order in which they were first started: the config's order."""
    moments: list[Moment] = field(default_factory=list[Moment])
    planted: list[Planted] = field(default_factory=list[Planted])
    refusals: Refusals = field(default_factory=Refusals)
    vote_src: str = ""
    """Where the first vote call stands."""
    first: float | None = None
    last: float | None = None
    read_log: bool = False
    """massgen.log or massgen_debug.log was there."""
    read_outputs: bool = False
    read_streaming: bool = False
    oldest: bool = False
    """No status.json: the version that tells each ignored vote in its log."""

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
) -> OldLogs:
    """Read what there is, in the order of the module's rule."""
    found = OldLogs(oldest=attempt.file("status.json") is None and attempt.file("execution_metadata.yaml") is None)
    for agent in agents:
        outputs = agent_outputs.read(attempt.file("agent_outputs", f"{agent}.txt"))
        problems += outputs.problems
        if outputs.source:
            sources.append(outputs.source)
            found.read_outputs = True
            _outputs(agent, outputs.value, dialect_of(agent), outputs.source.file, found)
    _massgen_log(attempt, clock, found, sources, problems, calls=not found.read_outputs)
    if not found.calls and not found.read_outputs and attempt.file("streaming_debug.log"):
        _streaming(attempt, clock, found, sources, problems)
    return found


def _outputs(agent: str, rows: list[Piece], dialect: Dialect, file: str, found: OldLogs) -> None:
    open_calls: list[Call] = []
    answers = 0
    for row in rows:
        src = f"{file}:{row.place}"
        if row.kind == "text":
            answers += row.content.count(_ANSWER_DONE)
            found.planted += planted.look(row.content, "text", agent, None, src)
            found.ignored += [(None, agent, m[1], m[2], src) for m in IGNORED.finditer(row.content)]
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
    apply(call, dialect.outcome(tool, call.args, row.content, None))
    call.output_chars, call.end, call.recorded_ok, call.end_src = len(row.content), t, True, src
    found.planted += planted.look(row.content, f"result of {tool}", agent, t, src)


def _massgen_log(
    attempt: Attempt, clock: Clock, found: OldLogs, sources: list[Source], problems: list[Problem], *, calls: bool,
) -> None:  # fmt: skip
    open_calls: list[Call] = []
    ignored_here: list[tuple[float | None, str, str | None, str | None, str]] = []
    voted_chunks = provider_votes = 0
    for line in _log_lines(attempt, sources, problems):
        found.read_log = True
        t = clock.of_day(line.seconds, found.last)
        found.first = t if found.first is None else found.first
        found.last = t if t is not None else found.last
        found.refusals.take(line, t)
        if line.chunk is None:
            if line.message.startswith("Codex raw event: "):
                _codex_result(line.message, line.src, found)
            elif match := _STARTS.search(line.message):
                if match[1] not in found.agents:
                    found.agents.append(match[1])
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
        elif match := _INVALID.search(line.message):
            ignored_here.append((t, match[1], None, None, line.src))
        elif match := IGNORED.search(line.message):
            ignored_here.append((t, ANY_AGENT, match[1], match[2], line.src))
        elif line.chunk == "error":
            found.moments.append(Moment(t, "error", None, line.message[:500], line.src))
        elif calls and " for Calling " in line.message[:80]:
            row = next(pieces(line.message))
            if row.kind != "text":  # a chunk that only quotes such a line begins with something else
                _piece(row, ANY_AGENT, GENERIC, line.src, t, None, open_calls, found)
    found.vote_calls = max(voted_chunks, provider_votes)
    if not found.ignored:
        found.ignored = ignored_here


def _codex_result(message: str, src: str, found: OldLogs) -> None:
    """The exit code of a codex command, which its display lacks, from the client's own event: by command, in order."""
    item = mapping(parse_args(message.removeprefix("Codex raw event: ")).get("item"))
    code = integer(item.get("exit_code"))
    if item.get("type") != "command_execution" or code is None:
        return
    for call in found.calls:
        if call.outcome == "open" and call.tool == "codex_shell" and call.args.get("command") == item.get("command"):
            output = text(item.get("aggregated_output")) or ""
            call.outcome, call.exit_code, call.output_chars = "failed" if code else "ok", code, len(output)
            call.end_src = src
            call.error = output.strip().split("\n", 1)[0][:200] if code else None
            return


def _log_lines(attempt: Attempt, sources: list[Source], problems: list[Problem]) -> Iterator[massgen_log.LogLine]:
    """massgen.log or massgen_debug.log with the parts that MassGen rotated away (zip), oldest first."""
    for path in attempt.log_parts():
        source = Source(path.name)
        sources.append(source)
        yield from massgen_log.read(path, source, problems)


def _streaming(attempt: Attempt, clock: Clock, found: OldLogs, sources: list[Source], problems: list[Problem]) -> None:
    source = Source("streaming_debug.log")
    sources.append(source)
    found.read_streaming = True
    open_calls: list[Call] = []
    from_chunks: list[Call] = []
    for chunk in streaming_debug.read(attempt.file("streaming_debug.log"), source, problems):
        t, src = clock.of_day(chunk.seconds, found.last), f"streaming_debug.log:{chunk.line}"
        found.last = t if t is not None else found.last
        for tool, arguments in chunk.calls:
            args = parse_args(arguments)
            if tool not in WORKFLOW:
                from_chunks.append(Call(ANY_AGENT, tool, GENERIC.command(tool, args), args, src, t))
        for row in list(pieces(chunk.content))[:1] if " for Calling " in chunk.content[:80] else ():
            if row.kind != "text" and not (row.kind == "args" and row.content.endswith("...")):
                _piece(row, ANY_AGENT, GENERIC, src, t, None, open_calls, found)
    if not found.calls:
        found.calls = from_chunks  # the OpenAI dialect: whole arguments only in its tool_calls chunks
