"""`Arguments for Calling X: {json}` and `Results for Calling X: ...` as MassGen prints them, in any of its texts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from msgspec import Struct

_CALLING = " for Calling "
_MARK = re.compile(r"(?:🔧 MCP: )?(Arguments|Results) for Calling ([\w.:-]+): ")
_MCP = "🔧 MCP: "
"""May stand before a mark, and before what ends a result."""
# What ends a result when nothing else does: the line that says that the tool has ended, an injected text, or the next call.
# Each alternative begins with its own sign: then re looks for these signs alone, which is ten times faster.
_RESULT_END = re.compile(
    r"📥 \[INJECTION\]|✅ (?:\[(?:MCP|Custom) ?Tool\] )?[\w.:-]+ (?:completed|failed)|❌ (?:\[(?:MCP|Custom) ?Tool\] )?[\w.:-]+ (?:completed|failed)"
    r"|🔧 (?:\[MCP Tool\] )?Calling [\w.:-]+\.\.\.",
)
_TOOL_ENDED = re.compile(r"([✅❌]) (?:\[(?:MCP|Custom) ?Tool\] )?([\w.:-]+) (completed|failed)")
_TOOL_ERROR = re.compile(r"(?:🔧 MCP: )?❌ \[(?:MCP|Custom) Tool Error\] ([^\n🔧❌]*)")
"""In the place of a result: the call could not be made. What an agent says next may follow in the same line."""
_ERROR_END = " | Context: "
_NEAR = 2000
"""Characters within which that line follows a result."""
_DECODER = json.JSONDecoder(strict=False)


class Piece(Struct, frozen=True):
    """kind: args, result or text. place: line and column where it begins, "12:5", 1-based; tool is None for text.

    ok: of a result, True or False by the line after it that says that the tool completed or failed; None without one.
    """

    kind: str
    tool: str | None
    content: str
    place: str
    ok: bool | None = None


def pieces(text: str) -> Iterator[Piece]:
    """Cut `text` into arguments, results and what stands between them, in order."""
    at, line, counted = 0, 1, 0

    def place(offset: int) -> str:
        nonlocal line, counted
        line, counted = line + text.count("\n", counted, offset), offset
        return f"{line}:{offset - text.rfind(chr(10), 0, offset)}"

    while match := _mark(text, at):
        if match.start() > at:
            yield Piece("text", None, text[at : match.start()], place(at))
        start = match.end()
        end = _json_end(text, start) or _result_end(text, start)
        kind = "args" if match[1] == "Arguments" else "result"
        ok = _ended_well(text, end, match[2]) if kind == "result" else None
        yield Piece(kind, match[2], text[start:end], place(match.start()), ok)
        at = end
        while kind == "args" and (error := _TOOL_ERROR.match(text, at)):
            said, mark, _ = error[1].partition(_ERROR_END)
            yield Piece("result", match[2], said, place(at), ok=False)
            at = error.start(1) + len(said) if mark else error.end()
    if at < len(text):
        yield Piece("text", None, text[at:], place(at))


def _mark(text: str, at: int) -> re.Match[str] | None:
    """The next mark; looked for by what all of them have."""
    found = text.find(_CALLING, at)
    while found >= 0:
        for word in ("Arguments", "Results"):
            start = found - len(word)
            match = _MARK.match(text, _begin(text, start, at)) if start >= at and text.startswith(word, start) else None
            if match:
                return match
        found = text.find(_CALLING, found + 1)
    return None


def _begin(text: str, start: int, at: int) -> int:
    """Where a mark begins, with what may stand before it."""
    before = start - len(_MCP)
    return before if before >= at and text.startswith(_MCP, before) else start


def _json_end(text: str, start: int) -> int | None:
    """End of the JSON value that begins at `start`; None when there is none (a plain result, or broken by redaction)."""
    if text[start : start + 1] not in {"{", "["}:
        return None
    try:
        return _DECODER.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def _ended_well(text: str, end: int, tool: str) -> bool | None:
    """What the line says that ends this call, with at most an injected text before it."""
    following = _MARK.search(text, end, end + _NEAR)
    match = _TOOL_ENDED.search(text, end, following.start() if following else end + _NEAR)
    return None if match is None or match[2] != tool else match[1] == "✅" and match[3] == "completed"


def _result_end(text: str, start: int) -> int:
    mark = _mark(text, start)
    end = _RESULT_END.search(text, start, mark.start() if mark else len(text))
    if end:
        return _begin(text, end.start(), start)
    return mark.start() if mark else len(text)
