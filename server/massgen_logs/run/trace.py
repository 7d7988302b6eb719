"""The evidence of one agent in order, read as a stream: reasoning, text, tool calls with full arguments and results.

Source: events.jsonl (0.1.46 on); before it, and with --debug, agent_outputs/AGENT.txt; in 0.1.0 and 0.1.12 massgen.log,
which names no agent: there the only agent is "*". Claude agents have no thinking in events.jsonl: theirs comes from
execution_trace.md and stands before the answer or vote of the same execution. A call stands where it was started.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from massgen_logs.errors import MassgenLogError
from massgen_logs.readers import agent_outputs, events_jsonl, execution_trace, massgen_log
from massgen_logs.readers.base import Problem, Source, mapping, text
from massgen_logs.readers.calls_text import Piece, pieces
from massgen_logs.run.clock import Clock
from massgen_logs.run.files import clock_for
from massgen_logs.run.model import ANY_AGENT, Call, Run
from massgen_logs.run.old_logs import WORKFLOW
from massgen_logs.tree import Attempt, Place

KINDS = ("reasoning", "text", "call", "answer", "vote", "injection", "final")
_HELD = 400
"""Items held back at most while an earlier call has not ended."""
_NOISE = re.compile(
    r"(?:🔧 MCP: )?(?:[✅❌] \[MCP(?: Tool)?\] [^\n🔧]*?(?:completed|failed|servers|Session completed)|🔧 \[MCP Tool\] Calling [\w.:-]+\.\.\."
    r"|🔧 \[MCP\] \d+ tools available|🔧 Calling [\w.:-]+\.\.\.|✅ \[MCP\] Session completed)",
)


@dataclass(slots=True)
class Item:
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
    id: str | None = field(default=None, repr=False)


def agents_with_trace(run: Run, attempt: Attempt) -> list[str]:
    """Agents whose evidence can be read one by one; ["*"] where the version names none."""
    if attempt.file("events.jsonl") or any(attempt.file("agent_outputs", f"{agent}.txt") for agent in run.agents):
        return list(run.agents)
    return [ANY_AGENT]


def items(run: Run, place: Place, agent: str, source: Source, problems: list[Problem]) -> Iterator[Item]:
    """The agent's items in order; `source` and `problems` are filled while the iteration goes on.

    Raises:
        MassgenLogError: when no file holds a trace of this agent.
    """
    attempt = place.attempt
    if attempt.file("events.jsonl"):
        source.file = "events.jsonl"
        return _from_events(run, attempt, agent, clock_for(place), source, problems)
    outputs = agent_outputs.read(attempt.file("agent_outputs", f"{agent}.txt"))
    if outputs.source:
        source.file, source.rows = outputs.source.file, outputs.source.rows
        problems += outputs.problems
        return _from_pieces(run, agent, outputs.value, source.file)
    path = attempt.file("massgen.log") or attempt.file("massgen_debug.log")
    if path is None:
        raise MassgenLogError(
            f"No file of this attempt holds a trace of {agent}. Next: run_overview names what there is."
        )
    source.file = path.name
    return _from_log(run, attempt, clock_for(place), source, problems)


def _from_events(
    run: Run, attempt: Attempt, agent: str, clock: Clock, source: Source, problems: list[Problem],
) -> Iterator[Item]:  # fmt: skip
    calls = {call.src: call for call in run.calls if call.agent == agent}
    traces = _trace_reasoning(attempt, agent)
    held: list[Item] = []
    answers, presenting, thinking = 0, False, False
    for event in events_jsonl.read(attempt.file("events.jsonl"), source, problems):
        if event.agent != agent:
            continue
        t = clock.iso(event.time)
        round_ = answers + presenting
        data = event.data
        content = text(data.get("content")) or ""
        match event.type:
            case "thinking":
                thinking = True
                last = held[-1] if held else None
                if last is not None and last.kind == "reasoning" and last.round == round_:
                    last.text += content
                elif content:
                    held.append(Item("reasoning", t, round_, content, event.src))
                continue
            case "text":
                last = held[-1] if held else None
                if last is not None and last.kind == "text" and last.round == round_:
                    last.text += content  # MassGen cuts one stretch of text into several events
                else:
                    held.append(Item("text", t, round_, content, event.src))
            case "tool_start":
                if event.src not in calls:
                    continue  # the second record of one edit
                tool = text(data.get("tool_name")) or "?"
                args = orjson.dumps(mapping(data.get("args"))).decode()
                held.append(
                    Item(
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
                )
            case "tool_complete":
                _complete(held, data)
            case "hook_execution" | "injection_received":
                info = mapping(data.get("hook_info"))
                if event.type == "hook_execution" and text(info.get("injection_content")):
                    held.append(Item("injection", t, round_, text(info.get("injection_content")) or "", event.src))
            case "answer_submitted" | "vote":
                if not thinking:
                    held += [
                        Item("reasoning", None, round_, body, src)
                        for body, src in next(traces, list[tuple[str, str]]())
                    ]
                if event.type == "vote":
                    words = f"for {text(data.get('target_id'))}: {text(data.get('reason')) or ''}"
                    held.append(Item("vote", t, round_, words, event.src))
                else:
                    label = text(data.get("answer_label"))
                    full = next((a.text for a in run.answers if a.label == label and a.text is not None), content)
                    held.append(Item("answer", t, round_, f"{label}: {full}", event.src))
                    answers += 1
            case "final_presentation_start":
                presenting = True
            case "final_answer":
                held.append(Item("final", t, round_, content, event.src))
            case _:
                continue
        while held and (len(held) > _HELD or (not held[0].open and len(held) > 1)):
            yield held.pop(0)
    yield from held


def _complete(held: list[Item], data: dict[str, object]) -> None:
    tool_id, tool = text(data.get("tool_id")), text(data.get("tool_name"))
    for item in held:
        if item.open and item.id == tool_id and item.tool == tool:
            item.result, item.open = text(data.get("result")) or "", False
            return


def _trace_reasoning(attempt: Attempt, agent: str) -> Iterator[list[tuple[str, str]]]:
    """(reasoning, src) lists, one per execution that ended in an answer or an accepted vote."""
    for stamp in attempt.agent_folders().get(agent, []):
        if not (attempt.file(agent, stamp, "answer.txt") or attempt.file(agent, stamp, "vote.json")):
            continue
        name = f"{agent}/{stamp}/execution_trace.md"
        rows = execution_trace.read(attempt.file(agent, stamp, "execution_trace.md")).value
        yield [(row.body, f"{name}:{row.line}") for row in rows if row.kind == "Reasoning"]


def _from_pieces(run: Run, agent: str, rows: list[Piece], file: str) -> Iterator[Item]:
    calls = {call.src: call for call in run.calls if call.agent == agent}
    open_items: list[Item] = []
    ready: list[Item] = []
    answers = 0
    for row in rows:
        src = f"{file}@{row.offset}"
        if row.kind == "text":
            words = _NOISE.sub("", row.content).strip("\n ")
            if words:
                ready.append(Item("text", None, answers, words, src))
            answers += row.content.count("✅ Answer provided")
        else:
            _join(row, src, calls, open_items, ready, answers)
    yield from ready


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


def _from_log(run: Run, attempt: Attempt, clock: Clock, source: Source, problems: list[Problem]) -> Iterator[Item]:
    calls = {call.src: call for call in run.calls}
    open_items: list[Item] = []
    ready: list[Item] = []
    words: list[str] = []
    words_src, last = "", None
    path = attempt.file("massgen.log") or attempt.file("massgen_debug.log")
    for line in massgen_log.read(path, source, problems):
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
