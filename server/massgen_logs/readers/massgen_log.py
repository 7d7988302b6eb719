"""massgen.log and massgen_debug.log: the only place where 0.1.0 and 0.1.12 keep a command; no agent id on most lines.

`HH:MM:SS | LEVEL | message` (with --debug: milliseconds and module:function:line), no date; further lines of a message
have no prefix. One call stands in up to four lines; only `Stream chunk [...]: ...` lines are used, each call once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Problem, Source, decode, lines

_PREFIX = re.compile(r"(\d\d):(\d\d):(\d\d)(\.\d{3})? \| [A-Z]+ *\| (.*)")
_DEBUG_PLACE = re.compile(r"[^\n]{1,300}?:[\w<>]+:\d+ - ")
_CHUNK = re.compile(r"Stream chunk \[([\w.]+)\]: ?")
_RESTART = re.compile(r"ORCHESTRATION RESTART \(Attempt (\d{1,4})/")


class LogLine(Struct, frozen=True):
    """One message with its further lines. seconds: time of day; chunk: the kind of a `Stream chunk`, else None."""

    line: int
    seconds: float
    chunk: str | None
    message: str
    file: str

    @property
    def src(self) -> str:
        """Where this message can be looked up."""
        return f"{self.file}:{self.line}"


def read(path: Path | None, source: Source, problems: list[Problem]) -> Iterator[LogLine]:
    """Messages in file order, without the `Yielding chunk:` repetitions."""
    start, head, parts = 0, None, list[str]()
    for number, raw in lines(path, source, problems):
        source.rows += 1
        line = decode(raw)
        match = _PREFIX.match(line)
        if match is None:
            if head is None:
                source.unreadable += bool(line.strip())
            else:
                parts.append(line)
            continue
        if head is not None and (done := _message(start, head, parts, source.file)):
            yield done
        start, head, parts = number, match, [match[5]]
    if head is not None and (done := _message(start, head, parts, source.file)):
        yield done


def read_parts(paths: Iterable[Path], sources: list[Source], problems: list[Problem]) -> Iterator[LogLine]:
    """Messages of a log and of its parts that MassGen rotated away, in the order of `paths`; each file is a source."""
    for path in paths:
        sources.append(Source(path.name))
        yield from read(path, sources[-1], problems)


def of_attempt(rows: Iterable[LogLine], number: int) -> Iterator[LogLine]:
    """Those messages of a log that several attempts share which are of one: a banner begins each but the first."""
    at = 1
    for line in rows:
        if line.chunk == "status" and (banner := _RESTART.search(line.message)):
            at = int(banner[1])
        if at == number:
            yield line


def _message(line: int, head: re.Match[str], parts: list[str], file: str) -> LogLine | None:
    message = "\n".join(parts)
    if place := _DEBUG_PLACE.match(message):
        message = message[place.end() :]
    if "Yielding chunk: " in message[:40]:
        return None
    chunk = _CHUNK.match(message)
    seconds = int(head[1]) * 3600 + int(head[2]) * 60 + int(head[3]) + float(head[4] or 0)
    return LogLine(line, seconds, chunk[1] if chunk else None, message[chunk.end() :] if chunk else message, file)
