"""The evidence of one agent in order, read as a stream: reasoning, text, tool calls with full arguments and results.

Source: events.jsonl (0.1.46 on); before it, and with --debug, agent_outputs/AGENT.txt; in 0.1.0 and 0.1.12 massgen.log,
which names no agent: there the only agent is "*". Claude agents have no thinking in either: theirs comes from the
execution_trace.md of the same execution, before the call that it precedes there. A retry begins a new trace; what came before
it, and an execution that ended in an ignored vote, left none. A call stands where it was started.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import orjson
from msgspec import Struct

from massgen_logs.attempt import Attempt
from massgen_logs.errors import MassgenLogError
from massgen_logs.readers import agent_outputs, events_jsonl, execution_trace, massgen_log
from massgen_logs.readers.base import Problem, Source, as_label, as_name, mapping, text
from massgen_logs.readers.calls_text import Piece, pieces
from massgen_logs.run.backends import choose
from massgen_logs.run.clock import Clock, stamp_seconds
from massgen_logs.run.events import IGNORED, parse_args
from massgen_logs.run.model import ANY_AGENT, Answer, Call, Run, Vote
from massgen_logs.run.old_logs import WORKFLOW
from massgen_logs.tree import Place

KINDS = ("reasoning", "text", "call", "answer", "vote", "injection", "final")
_HELD = 400
"""Items held back at most while an earlier call has not ended."""
_APART_S = 1.0
"""Seconds after an execution's start or a retry from which a trace that begins then is of something else."""
_ANSWERED, _VOTED = "✅ Answer provided", "✅ Vote recorded for ["
_MARKS = re.compile(
    rf"({_ANSWERED}|✅ Vote recorded for \[[^\]\n]*\]|(?:🔧 MCP: )?📥 \[INJECTION\] .*?(?=(?:🔧 MCP: )?[✅❌] |\Z)|🔄 Vote for \[[^\]\n]*\] ignored \(reason: .*?\) - restarting due to new answers|(?=🧠 \[Reasoning Started\])|(?=📋 \[Reasoning Summary\]))",
    re.S,
)
_INJECTED = re.compile(r"(?:🔧 MCP: )?📥 \[INJECTION\] ")
_REASONING = re.compile(r"🧠 \[Reasoning Started\]|📋 \[Reasoning Summary\]")
_NOISE = re.compile(
    r"\A=== \S{1,80} OUTPUT LOG ===\n|(?:🔧 MCP: )?(?:[✅❌] \[MCP(?: Tool)?\] [^\n🔧]*?(?:completed|failed|servers|Session completed)|🔧 \[MCP Tool\] Calling [\w.:-]+\.\.\."
    r"|🔧 \[MCP\] \d+ tools available|🔧 Calling [\w.:-]+\.\.\.|✅ \[MCP\] Session completed)",
)


class Item(Struct):
    """One piece of evidence. t: Unix seconds; text: the words, or a call's arguments; result: a call's full result."""

    kind: str
    t: float | None
    round: int | None
    text: str
    src: str
    tool: str | None = None
    result: str | None = None
    call: Call | None = None
    open: bool = False
    id: str | None = None
    until: int = 0
    """Line of its last event, where MassGen cut one stretch of words into several."""

    def at(self, place: str) -> bool:
        """Whether a place, `FILE:LINE`, is where it stands, or its result."""
        if place == self.src or (self.call is not None and place == self.call.end_src):
            return True
        file, _, line = place.rpartition(":")
        own, _, first = self.src.rpartition(":")
        return file == own and line.isdecimal() and first.isdecimal() and int(first) <= int(line) <= self.until


def agents_with_trace(run: Run, attempt: Attempt) -> list[str]:
    """Agents whose evidence can be read one by one, and "*" for what names none and may be of several."""
    if attempt.file("events.jsonl"):
        return list(run.agents)
    named = [agent for agent in run.agents if attempt.file("agent_outputs", f"{agent}.txt")]
    if not named and len(run.agents) == 1:
        return list(run.agents)
    unnamed = not named or any(call.agent == ANY_AGENT for call in run.calls)
    return [*(run.agents if named else ()), *[ANY_AGENT] * unnamed]


def items(run: Run, place: Place, agent: str, sources: list[Source], problems: list[Problem]) -> Iterator[Item]:
    """The agent's items in order; `sources` and `problems` are filled while the iteration goes on.

    Raises:
        MassgenLogError: when no file holds a trace of this agent.
    """
    attempt = place.attempt
    if attempt.file("events.jsonl"):
        return _from_events(run, attempt, agent, run.clock, sources, problems)
    outputs = agent_outputs.read(attempt.file("agent_outputs", f"{agent}.txt"))
    if outputs.source:
        sources.append(outputs.source)
        problems += outputs.problems
        return _from_pieces(run, attempt, agent, outputs.value, outputs.source.file, sources)
    if not attempt.log_parts():
        raise MassgenLogError(
            f"No file of this attempt holds a trace of {agent}. Next: run_overview names what there is."
        )
    return _from_log(run, attempt, run.clock, sources, problems)


def _from_events(
    run: Run, attempt: Attempt, agent: str, clock: Clock, sources: list[Source], problems: list[Problem],
) -> Iterator[Item]:  # fmt: skip
    calls = {call.src: call for call in run.calls if call.agent == agent}
    source = Source("events.jsonl")
    sources.append(source)
    reasoning: dict[str, list[tuple[int, str, str]]] = {}
    later: list[tuple[float, list[tuple[int, str, str]]]] = []
    if _thinks_in_traces(run, agent):
        reasoning, later = _trace_reasoning(run, attempt, agent, clock, sources)
    pending: list[tuple[int, str, str]] = []
    held: list[Item] = []
    answers, presenting, started = 0, False, 0
    for event in events_jsonl.read(attempt.file("events.jsonl"), source, problems, agent=agent):
        if event.agent != agent:
            continue
        t = clock.iso(event.time)
        data = event.data
        content = text(data.get("content")) or ""
        begins = reasoning.get(event.src)
        if later and t is not None and t >= later[0][0]:
            pending, started = later.pop(0)[1], 0
        elif begins and event.type != "text":
            pending, started = list(begins), 0
        elif event.type == "final_presentation_start":
            presenting = True
            pending, started = list(reasoning.get("final", ())), 0
        round_ = answers + presenting
        ended = event.type in {"answer_submitted", "vote", "final_answer"}
        while pending and (ended or (event.type in {"text", "tool_start"} and pending[0][0] <= started)):
            _, body, src = pending.pop(0)
            held.append(Item("reasoning", None, round_, body, src))
        started += event.type == "tool_start"
        last = held[-1] if held else None
        match event.type:
            case "thinking" | "text":
                kind = "text" if event.type == "text" else "reasoning"
                if last is not None and last.kind == kind and last.round == round_ and last.src.startswith("events"):
                    last.text += content  # MassGen cuts one stretch into several events
                    last.until = event.line
                elif content and not (presenting and content.strip() == (run.final_text or "").strip()):
                    held.append(Item(kind, t, round_, content, event.src))
            case "tool_start":
                if event.src in calls:  # else the second record of one edit
                    tool = as_name(data.get("tool_name")) or "?"
                    args = orjson.dumps(mapping(data.get("args"))).decode()
                    made = Item(
                        "call",
                        t,
                        round_,
                        args,
                        event.src,
                        tool,
                        None,
                        calls[event.src],
                        True,
                        text(data.get("tool_id")),
                    )
                    held.append(made)
            case "tool_complete":
                _complete(held, data)
            case "hook_execution":
                injected = text(mapping(data.get("hook_info")).get("injection_content"))
                if injected:
                    held.append(Item("injection", t, round_, injected, event.src))
            case "vote":
                words = f"for {as_name(data.get('target_id'))}: {text(data.get('reason')) or ''}"
                held.append(Item("vote", t, round_, words, event.src))
            case "answer_submitted":
                label = as_label(data.get("answer_label"))
                full = next((a.text for a in run.answers if a.label == label and a.text is not None), content)
                held.append(Item("answer", t, round_, f"{label}: {full}", event.src))
                answers += 1
            case "final_answer":
                held.append(Item("final", t, round_, content, event.src))
            case _:
                continue
        if begins and event.type == "text":  # MassGen's own line about a retry: what follows is the new trace's
            pending, started = list(begins), 0
        while held and (len(held) > _HELD or (not held[0].open and len(held) > 1)):
            yield held.pop(0)
    yield from held


def _complete(held: list[Item], data: dict[str, object]) -> None:
    tool_id, tool = text(data.get("tool_id")), as_name(data.get("tool_name"))
    for item in held:
        if item.open and item.id == tool_id and item.tool == tool:
            item.result, item.open = text(data.get("result")) or "", False
            return


def _trace_reasoning(
    run: Run, attempt: Attempt, agent: str, clock: Clock, sources: list[Source],
) -> tuple[dict[str, list[tuple[int, str, str]]], list[tuple[float, list[tuple[int, str, str]]]]]:  # fmt: skip
    """By the src of what a trace begins with (an execution's start, a retry's line) or "final": (calls before it,
    reasoning, src) as its trace file has them; and by time those that begin with nothing of this kind."""
    starts = [(e.t, e.src) for e in run.executions if e.agent == agent and e.t is not None]
    starts += [(m.t, m.src) for m in run.moments if m.kind == "retry" and m.agent == agent and m.t is not None]
    starts.sort()
    found: dict[str, list[tuple[int, str, str]]] = {}
    later: list[tuple[float, list[tuple[int, str, str]]]] = []
    for stamp, path in _trace_files(attempt, agent):
        rows = _trace_rows(agent, stamp, path, sources)
        # its first line has whole seconds; without one, it is of the last execution that began before it was saved
        began = clock.iso(execution_trace.started(path) or "")
        saved = stamp_seconds(stamp)
        limit = began + 1 if began is not None else None if saved is None else saved - clock.offset_s
        t, key = next(((t, src) for t, src in reversed(starts) if limit is not None and t < limit), (None, None))
        calls = 0
        thoughts: list[tuple[int, str, str]] = []
        for row, src in rows:
            calls += row.kind == "Tool Call"
            if row.kind == "Reasoning":
                thoughts.append((calls, row.body, src))
        if stamp == "final":
            found[stamp] = thoughts
        elif began is not None and t is not None and began - t > _APART_S:
            later.append((began, thoughts))
        elif key is not None:
            found.setdefault(key, []).extend(thoughts)
    return found, later


def _trace_files(attempt: Attempt, agent: str) -> list[tuple[str, Path]]:
    """(folder's stamp or "final", path), oldest first."""
    places = [
        (stamp, attempt.file(agent, stamp, "execution_trace.md")) for stamp in attempt.agent_folders().get(agent, [])
    ]
    places.append(("final", attempt.file("final", agent, "execution_trace.md")))
    return [(stamp, path) for stamp, path in places if path is not None]


def _trace_rows(
    agent: str, stamp: str, path: Path, sources: list[Source],
) -> list[tuple[execution_trace.Entry, str]]:  # fmt: skip
    """The sections of a trace, each with its src."""
    read = execution_trace.read(path)
    if read.source is None:
        return []
    read.source.file = f"final/{agent}/{path.name}" if stamp == "final" else f"{agent}/{stamp}/{path.name}"
    sources.append(read.source)
    return [(row, f"{read.source.file}:{row.line}") for row in read.value]


def _add_reasoning(ready: list[Item], attempt: Attempt, agent: str, sources: list[Source]) -> list[Item]:
    """Put the traces' reasoning before the calls that it precedes there; the calls, with their arguments, tell where.

    Parallel calls stand in the display in the order in which they ended.
    """
    at = 0
    for stamp, path in _trace_files(attempt, agent):
        own = {id(item): parse_args(item.text) for item in ready[at:] if item.kind == "call"}
        pending: list[Item] = []
        for row, src in _trace_rows(agent, stamp, path, sources):
            if row.kind == "Reasoning":
                pending.append(Item("reasoning", None, None, row.body, src))
            if row.kind != "Tool Call" or row.name in WORKFLOW:
                continue
            args = parse_args(row.body)
            index = next((i for i, one in enumerate(ready) if one.tool == row.name and own.get(id(one)) == args), None)
            if index is not None:
                del own[id(ready[index])]
                place = _insert(ready, max(at, index), pending)
                at, pending = place + (index >= at), []
        end = next((i for i, item in enumerate(ready[at:], at) if item.kind in {"answer", "vote", "final"}), len(ready))
        at = min(_insert(ready, end, pending) + 1, len(ready))
    return ready


def _insert(ready: list[Item], index: int, pending: list[Item]) -> int:
    """Put `pending` before the item at `index` and the text of the same response; returns where that item is then."""
    place = index
    while place and ready[place - 1].kind == "text" and "❌ Retry (" not in ready[place - 1].text:
        place -= 1
    near = ready[index] if index < len(ready) else ready[-1] if ready else None
    for item in pending:
        item.round = near.round if near else None
    ready[place:place] = pending
    return index + len(pending)


def _from_pieces(
    run: Run, attempt: Attempt, agent: str, rows: list[Piece], file: str, sources: list[Source],
) -> Iterator[Item]:  # fmt: skip
    calls = {call.src: call for call in run.calls if call.agent == agent}
    open_items: list[Item] = []
    ready: list[Item] = []
    answers = 0
    own = [a for a in run.answers if a.agent == agent]
    votes = [v for v in run.votes if v.voter == agent and v.accepted]
    ignored = [v.t for v in run.votes if v.voter == agent and v.ignored]
    marked = sum(row.content.count(_ANSWERED) for row in rows if row.kind == "text") >= len(own)
    for row in rows:
        src = f"{file}:{row.place}"
        if row.kind != "text":
            _join(row, src, calls, open_items, ready, answers)
            continue
        for part in _MARKS.split(row.content):
            if part == _ANSWERED:
                ready += [_answer(own[answers], answers)] if answers < len(own) and marked else []
                answers += marked
            elif part.startswith(_VOTED):
                ready += [_vote(votes.pop(0))] if votes else []
            elif match := _INJECTED.match(part):
                ready.append(Item("injection", None, answers, part[match.end() :].strip(), src))
            elif match := IGNORED.match(part):
                when = ignored.pop(0) if ignored else None
                ready.append(Item("vote", when, answers, f"for {match[1]} (ignored): {match[2]}", src))
            elif words := _NOISE.sub("", part).strip("\n "):
                ready.append(Item("reasoning" if _REASONING.match(words) else "text", None, answers, words, src))
    if not marked:  # 0.1.42 leaves out the mark of some answers
        _place_answers(ready, own)
    for vote in votes:  # of which the display shows no mark
        ready.insert(_before(ready, vote.t), _vote(vote))
    if run.winner == agent and run.final_text is not None:
        ready.append(Item("final", run.ended, None, run.final_text, run.final_src))
    yield from _add_reasoning(ready, attempt, agent, sources) if _thinks_in_traces(run, agent) else ready


def _place_answers(ready: list[Item], own: list[Answer]) -> None:
    """Put answers between the items by their times, and give these the rounds that follow."""
    for number, answer in enumerate(own):
        ready.insert(_before(ready, answer.t), _answer(answer, number))
    before = 0
    for item in ready:
        if item.kind == "answer":
            before += 1
        elif item.round is not None:
            item.round = before


def _before(ready: list[Item], t: float | None) -> int:
    """Where something of this time belongs: before the first item that is later, else at the end."""
    later = (n for n, item in enumerate(ready) if item.t is not None and t is not None and item.t > t)
    return next(later, len(ready))


def _answer(answer: Answer, round_: int) -> Item:
    return Item("answer", answer.t, round_, f"{answer.label}: {answer.text}", answer.src)


def _vote(vote: Vote) -> Item:
    return Item("vote", vote.t, vote.round, f"for {vote.voted_for}: {vote.reason or ''}", vote.src)


def _thinks_in_traces(run: Run, agent: str) -> bool:
    return agent in run.agents and choose(run.agents[agent].backend).thinking_in_trace_only


def _join(
    row: Piece, src: str, calls: dict[str, Call], open_items: list[Item], ready: list[Item], round_: int | None
) -> None:
    if row.tool in WORKFLOW:
        return
    if row.kind == "args":
        call = calls.get(src)
        item = Item("call", call.t if call else None, round_, row.content, src, row.tool, None, call, True)
        open_items.append(item)
        ready.append(item)
        return
    said = re.search(r'"command": ?("(?:[^"\\]|\\.)*")', row.content)
    item = next((i for i in open_items if i.tool == row.tool and said and said[1] in i.text), None)
    item = item or next((i for i in open_items if i.tool == row.tool), None)
    if item is not None:
        item.result, item.open = row.content, False
        open_items.remove(item)


def _from_log(
    run: Run, attempt: Attempt, clock: Clock, sources: list[Source], problems: list[Problem],
) -> Iterator[Item]:  # fmt: skip
    calls = {call.src: call for call in run.calls}
    open_items: list[Item] = []
    ready: list[Item] = []
    words: list[str] = []
    words_src, last = "", None
    rows = massgen_log.read_parts(attempt.log_parts(), sources, problems)
    for line in massgen_log.of_attempt(rows, attempt.number) if attempt.shares_log else rows:
        last = clock.of_day(line.seconds, last) or last
        if line.chunk == "content" and " for Calling " not in line.message[:80]:
            if not _NOISE.match(line.message):
                words_src = words_src or line.src
                words.append(line.message)
            continue
        if line.chunk is None or " for Calling " not in line.message[:80]:
            continue
        if words:
            ready.append(Item("text", last, None, "".join(words), words_src))
            words, words_src = [], ""
        row = next(pieces(line.message))
        if row.kind != "text":
            _join(row, line.src, calls, open_items, ready, None)
    if words:
        ready.append(Item("text", last, None, "".join(words), words_src))
    yield from ready
