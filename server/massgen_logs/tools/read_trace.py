"""read_trace: the evidence itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.text import page
from massgen_logs.text.clean import cut, fence
from massgen_logs.text.page import Page
from massgen_logs.tools.base import Cursor, Limit, Result, Tool, require

if TYPE_CHECKING:
    from massgen_logs.run.model import Run
    from massgen_logs.run.trace import Item
    from massgen_logs.text.mask import Masker
    from massgen_logs.tree import Place


_LONG, _AROUND = 3000, 500
"""Characters from which on a piece that a word was found in is not shown whole, and those shown before that word (twice as many
behind it)."""


class TraceItem(Struct, frozen=True):
    """One piece of evidence. index: 1-based among all that match; part: "" or which characters of a piece too long for a
    page; whole: the `contains` that gives all of it, where a word was found in it and only what stands around that is shown."""

    index: int
    kind: str
    t: float | None
    round: int | None
    tool: str | None
    text: str
    result: str | None
    outcome: str | None
    exit_code: int | None
    part: str
    whole: str
    where: str


class Trace(Struct, frozen=True):
    """One page of an agent's trace; kinds: how many pieces of each kind match."""

    agent: str
    items: list[TraceItem]
    kinds: dict[str, int]
    there: dict[str, list[str]]
    """Kinds and rounds that the whole trace has, whatever was asked for."""


def read_trace(
    run: Run,
    place: Place,
    agent: Annotated[str, 'agent id; "*" where the version names no agent'],
    round: Annotated[int | None, "coordination round of the agent: 0 until its first answer, then 1 ..."] = None,
    kind: Annotated[str | None, "reasoning, text, call, answer, vote, injection or final"] = None,
    contains: Annotated[
        str | None, "only pieces whose text, arguments or result hold this (any case), or the one at events.jsonl:LINE"
    ] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Result:
    """Read an agent's evidence in order: reasoning, text, tool calls with full arguments and results, each once; or find
    a text in it.

    Args:
        run: the run.
        place: where it is.
        agent: see above.
        round: see above.
        kind: see above.
        contains: see above.
        limit: pieces a page.
        cursor: of the page before.
    """
    from massgen_logs.run.model import Problem, Source
    from massgen_logs.run.trace import KINDS, agents_with_trace, items
    from massgen_logs.tools.masking import masker_of

    require("agent", agent, agents_with_trace(run, place.attempt), "agent with a trace of its own")
    if kind is not None:
        require("kind", kind, list(KINDS), "kind")
    page.check_limit(limit)
    start, offset, mark = _cursor(cursor)
    most = limit if limit is not None else 60
    budget = page.DEFAULT_CHARS if limit is None else page.MAX_CHARS
    sources, problems, masker = list[Source](), list[Problem](), masker_of(run)
    shown: list[TraceItem] = []
    kinds: dict[str, int] = {}
    there: dict[str, list[str]] = {"kinds": [], "rounds": []}
    index, following, changed = 0, None, False
    at = (contains or "").strip("[] ")
    told = "00000000"  # the checksum of all pieces up to the one at hand
    for item in items(run, place, agent, sources, problems):
        for name, value in (("kinds", item.kind), ("rounds", str(item.round))):
            if value not in there[name] and value != "None":
                there[name].append(value)
        if not _wanted(item, round, kind, contains, at):
            continue
        index += 1
        if index >= start and following is None:  # the page and its neighbours: a secret may be split over two pieces
            masker.follow(item.kind, item.text)
            masker.follow(f"{item.kind}.result", item.result or "")
        before, told = told, page.checksum([told, item.kind, item.text, item.result or ""])
        if index == start + (offset > 0):
            changed = mark is not None and mark != told
        kinds[item.kind] = kinds.get(item.kind, 0) + 1
        if index <= start or following is not None:
            continue
        if len(shown) >= most or (shown and budget < 400):
            following = f"{index - 1}-{before}"
            continue
        around = contains if contains and not item.at(at) else None
        piece, end = _piece(item, index, offset if index == start + 1 else 0, budget, run, masker, around)
        budget -= len(piece.text) + len(piece.result or "") + 120
        shown.append(piece)
        following = f"{index - 1}.{end}-{told}" if end else None
    if start > index or (offset and not shown):
        raise MassgenLogError(
            f"cursor={quoted(cursor or '')} is none of this list ({index} pieces). Leave it out for the first page."
        )
    return Result(
        Trace(agent, shown, kinds, there), Page(len(shown), index, following, start, changed),
        sources=sources, problems=problems, masker=masker,
    )  # fmt: skip


def _cursor(cursor: str | None) -> tuple[int, int, str | None]:
    """Pieces before the page, characters before it of its first piece, and the checksum of the pieces it has told of."""
    match = re.fullmatch(r"([0-9]{1,12})(?:\.([0-9]{1,12}))?(?:-([0-9a-f]{8}))?", cursor or "0")
    if match is None:
        raise MassgenLogError(
            f"cursor={quoted(cursor or '')} is no cursor of this list. Leave it out for the first page."
        )
    return int(match[1]), int(match[2] or 0), match[3]


def _wanted(item: Item, round: int | None, kind: str | None, contains: str | None, at: str) -> bool:
    if (round is not None and item.round != round) or (kind is not None and item.kind != kind):
        return False
    if contains is None:
        return True
    needle = contains.casefold()
    return (
        item.at(at)
        or needle in item.text.casefold()
        or needle in (item.result or "").casefold()
        or needle in _plain(item).casefold()
    )


def _plain(item: Item) -> str:
    """A command as it was typed: the arguments are JSON, in which quotes and newlines are escaped."""
    return item.call.command or "" if item.call else ""


def _piece(
    item: Item, index: int, offset: int, budget: int, run: Run, masker: Masker, around: str | None,
) -> tuple[TraceItem, int]:  # fmt: skip
    """The item from `offset` of its text and result on, cut at `budget`; the offset to go on at, or 0. Of a long one that was found
    by a word, what stands around that."""
    text, output = masker.text(item.text), masker.text(item.result or "")
    whole = text + output
    end = min(len(whole), offset + max(budget, 400))
    found = whole.casefold().find(around.casefold()) if around and not offset and len(whole) > _LONG else -1
    if found >= 0:
        offset, end = max(0, found - _AROUND), min(len(whole), found + len(around or "") + 2 * _AROUND)
    if offset > len(whole):
        raise MassgenLogError(
            f"Piece {index} has {len(whole)} characters, none from {offset + 1} on. Leave cursor out."
        )
    border = len(text)
    words = whole[min(offset, border) : min(end, border)]
    if found >= border:  # in a result: what it is the result of belongs to it
        offset, words = max(offset, border), cut(text, _AROUND)
    result = whole[max(offset, border) : max(end, border)] if item.result is not None else None
    part = f"characters {offset + 1} to {end} of {len(whole)}" if offset or end < len(whole) else ""
    call = item.call
    made = TraceItem(
        index, item.kind, run.since_start(item.t), item.round, item.tool, words, result,
        call.outcome if call else None, call.exit_code if call else None, part, item.src if found >= 0 else "", item.src,
    )  # fmt: skip
    return made, end if end < len(whole) and found < 0 else 0


def render(data: Any) -> list[str]:
    """A heading and a fence for each piece."""
    lines = ["matching: " + ", ".join(f"{kind} {n}" for kind, n in data["kinds"].items())]
    if not data["kinds"]:
        there = data["there"]
        lines = [
            f"matching: nothing; this trace has {', '.join(there['kinds']) or 'nothing'}; rounds {', '.join(there['rounds']) or 'unknown'}"
        ]
    for item in data["items"]:
        when = "" if item["t"] is None else f" t={item['t']:.1f}"
        round_ = "" if item["round"] is None else f" round {item['round']}"
        end = f" {item['outcome']}" if item["outcome"] else ""
        end += f" exit {item['exit_code']}" if item["exit_code"] is not None else ""
        tool = f" {item['tool']}" if item["tool"] else ""
        rest = f'all of it: contains="{item["whole"]}"' if item["whole"] else f'cursor="{item["index"]}" skips it'
        part = f" ({item['part']}; {rest})" if item["part"] else ""
        body = item["text"]
        if item["result"]:
            body = f"{body}\n→ {item['result']}" if body else f"→ {item['result']}"
        lines.append(
            fence(
                body,
                f"{item['index']}. {data['agent']} {item['kind']}{tool}{round_}{when}{end}{part} [{item['where']}]",
            )
        )
    return lines


TOOL = Tool(
    "read_trace", "Read an agent's trace", read_trace, render, needs="place", notes=frozenset({"redacted"}), parts=False,
)  # fmt: skip
