"""streaming_debug.log (0.1.28 to 0.1.45): Python reprs of stream chunks, without agent ids.

A command is in up to three chunks of one call. Chat completions, Claude and Gemini have whole `Arguments for Calling`
lines; the OpenAI Responses backend cuts these to 50 characters and has the arguments only in its tool_calls chunks.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from massgen_logs.readers.base import Problem, Source, decode, lines, mapping, mappings

_LINE = re.compile(r"(\d\d):(\d\d):(\d\d\.\d{3}) \| .*?Yielding chunk: (Text)?StreamChunk\((.*)", re.S)
_STRING = r"('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"
_CONTENT = re.compile(r"content=" + _STRING, re.S)
_TYPE = re.compile(r"type=(?:<ChunkType\.\w+: )?'?(\w+)'?")
_CALLS = re.compile(r"tool_calls=(\[\{.*?\}\])(?:, \w+=|\)$)", re.S)


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: time of day in seconds, its type, its text, and (name, arguments as text) of its tool_calls."""

    line: int
    seconds: float
    type: str
    content: str
    calls: tuple[tuple[str, str], ...]


def read(path: Path | None, source: Source, problems: list[Problem]) -> Iterator[Chunk]:
    """Chunks in file order; a chunk may span lines."""
    start, parts = 0, list[str]()
    for number, raw in lines(path, source, problems):
        source.rows += 1
        line = decode(raw)
        if re.match(r"\d\d:\d\d:\d\d\.\d{3} \| ", line):
            if parts and (chunk := _chunk(start, "\n".join(parts))):
                yield chunk
            start, parts = number, [line]
        elif parts:
            parts.append(line)
    if parts and (chunk := _chunk(start, "\n".join(parts))):
        yield chunk


def _chunk(line: int, text: str) -> Chunk | None:
    match = _LINE.match(text)
    if match is None:
        return None
    body = match[5]
    kind, content, calls = _TYPE.search(body[:80]), _CONTENT.search(body), _CALLS.search(body)
    seconds = int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])
    return Chunk(
        line, seconds, kind[1] if kind else "?", _literal(content[1]) if content else "",
        tuple(_calls(calls[1])) if calls else (),
    )  # fmt: skip


def _literal(quoted: str) -> str:
    try:
        value: object = ast.literal_eval(quoted.replace("\n", "\\n"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return quoted[1:-1]
    return value if isinstance(value, str) else quoted[1:-1]


def _calls(quoted: str) -> Iterator[tuple[str, str]]:
    try:
        value: object = ast.literal_eval(quoted)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return
    for entry in mappings(value):
        call = mapping(entry.get("function")) or entry
        yield str(call.get("name") or "?"), str(call.get("arguments") or "")
