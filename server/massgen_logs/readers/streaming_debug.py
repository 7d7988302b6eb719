"""streaming_debug.log (0.1.28 to 0.1.45): Python reprs of stream chunks, without agent ids.

A command is in up to three chunks of one call. Chat completions, Claude and Gemini have whole `Arguments for Calling`
lines; the OpenAI Responses backend cuts these to 50 characters and has the arguments only in its tool_calls chunks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Problem, Source, blocks, decode, mapping, mappings

_LINE = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{3}) \| .*?Yielding chunk: (Text)?StreamChunk\((.*)", re.S)
_BEGIN = re.compile(rb"\d\d:\d\d:\d\d\.\d{3} \| ")
_CALLS_MARKS = (b" for Calling ", b"tool_calls=[{")
_STRING = r"('(?:[^'\\]++|\\.)*+'|\"(?:[^\"\\]++|\\.)*+\")"
_CONTENT = re.compile(r"content=" + _STRING, re.S)
_CALLS = re.compile(r"tool_calls=(\[\{.*?\}\])(?:, \w+=|\)$)", re.S)


class Chunk(Struct, frozen=True):
    """One chunk: time of day in seconds, its text, and its tool_calls as they stand there."""

    line: int
    seconds: float
    content: str
    quoted_calls: str

    @property
    def calls(self) -> tuple[tuple[str, str], ...]:
        """(name, arguments as text) of its tool_calls; taken apart when asked for."""
        return tuple(_calls(self.quoted_calls)) if self.quoted_calls else ()


def read(path: Path | None, source: Source, problems: list[Problem]) -> Iterator[Chunk]:
    """The chunks that may tell of a call, in file order, and now and then another one (so that times of day can be followed); a chunk
    may span lines. They are looked for in the bytes: of a long log they are the smallest part."""
    for number, block in blocks(path, source, problems, _BEGIN):
        first = number
        starts = {0} if _BEGIN.match(block) else set[int]()
        for mark in _CALLS_MARKS:
            at = block.find(mark)
            while at >= 0:
                start, end = _record(block, at)
                starts.add(start)
                at = block.find(mark, end)
        counted = 0
        for start in sorted(starts):
            number, counted = number + block.count(b"\n", counted, start), start
            chunk = _chunk(number, decode(block[start : _record(block, start)[1]].rstrip(b"\r\n")))
            if chunk:
                yield chunk
        source.rows += number - first + block.count(b"\n", counted) + (not block.endswith(b"\n"))


def _record(block: bytes, at: int) -> tuple[int, int]:
    """Beginning and end of the chunk that this place is in."""
    start = block.rfind(b"\n", 0, at) + 1
    while start and not _BEGIN.match(block, start):
        start = block.rfind(b"\n", 0, start - 1) + 1
    end = block.find(b"\n", at) + 1
    while end and not _BEGIN.match(block, end):
        end = block.find(b"\n", end) + 1
    return start, end or len(block)


def _chunk(line: int, text: str) -> Chunk | None:
    match = _LINE.match(text)
    if match is None:
        return None
    body = match[5]
    content, calls = _CONTENT.search(body), _CALLS.search(body)
    seconds = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
    return Chunk(line, seconds, _literal(content[1]) if content else "", calls[1] if calls else "")


def _literal(quoted: str) -> str:
    """What a Python string literal says; one with none but the commonest escapes needs no compiler."""
    if "\0" not in quoted and "\r" not in quoted:
        parts = quoted[1:-1].replace("\n", "\\n").split("\\\\")
        parts = [_plain(part) if "\\" in part else part for part in parts]
        if not any("\\" in part for part in parts):
            return "\\".join(parts)
    try:
        value: object = ast.literal_eval(quoted.replace("\n", "\\n"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return quoted[1:-1]
    return value if isinstance(value, str) else quoted[1:-1]


def _plain(part: str) -> str:
    """A stretch of a literal that holds no escaped backslash; with the backslashes of other escapes left."""
    return part.replace("\\n", "\n").replace("\\'", "'").replace('\\"', '"').replace("\\t", "\t")


def _calls(quoted: str) -> Iterator[tuple[str, str]]:
    try:
        value: object = ast.literal_eval(quoted)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return
    for entry in mappings(value):
        call = mapping(entry.get("function")) or entry
        yield str(call.get("name") or "?"), str(call.get("arguments") or "")
