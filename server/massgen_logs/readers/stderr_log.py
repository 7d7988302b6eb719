"""mcp_SERVER_stderr.log: what an MCP server wrote to its standard error.

One file per server name, shared by all agents and grown at each reconnect (S24), so a line names neither its agent nor,
mostly, its time. Only lines that tell of an error are kept; a traceback is one row, its exception's own line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Problem, Source, decode, lines

MAX_BYTES = 64 * 1024 * 1024
"""Bytes of one file that are looked at; what follows is reported and not read."""
_LONG = 4000
_OPEN_BLOCK = 400
"""Lines after which a traceback without its exception's line is given up."""
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)")
_INSIDE = re.compile(r"[\s│╭╰┃┏┗├|+]|$")
_QUIET = re.compile(
    r"(?:^|\s|\[)(?:INFO|DEBUG|TRACE|NOTICE|WARN|WARNING)(?:\s|\]|:|$)|\w*Warning\b|npm warn|No errors?\b|\b0 errors\b"
)
_LOUD = re.compile(
    r"(?:^|\s|\[|-|=)(?:ERROR|CRITICAL|FATAL)(?:\s|\]|:|$)|^(?:[A-Za-z_][\w.]*)?(?:Error|Exception)\b(?::|\s|$)"
    r"|^(?:fatal|error|panic|npm error|npm ERR!)\b|command not found|No such file or directory|Permission denied"
    r"|Segmentation fault|^Killed\b|(?:Broken pipe|Connection refused|EADDRINUSE|out of memory)"
)


class StderrLine(Struct, frozen=True):
    """One error line. line: 1-based, of the line that says what went wrong; start: of its traceback, else the same."""

    file: str
    line: int
    start: int
    message: str

    @property
    def src(self) -> str:
        """Where it can be looked up."""
        return f"{self.file}:{self.line}"


def read(path: Path | None, source: Source, problems: list[Problem]) -> Iterator[StderrLine]:
    """The error lines in file order; source.rows counts all lines that were read."""
    size = 0
    start: int | None = None
    for number, raw in lines(path, source, problems):
        size += len(raw) + 1
        if size > MAX_BYTES:
            problems.append(Problem(source.file, number, f"only the first {MAX_BYTES} bytes were read"))
            source.unreadable += 1
            return
        source.rows += 1
        line = _ANSI.sub("", decode(raw[:_LONG])).rstrip()
        if _TRACEBACK.search(line):
            start = number if start is None else start
        elif start is not None and number - start <= _OPEN_BLOCK:
            if not _INSIDE.match(line) and not line.startswith(("During handling", "The above exception")):
                yield StderrLine(source.file, number, start, line)
                start = None
        elif _LOUD.search(line) and not _QUIET.search(line):
            start = None
            yield StderrLine(source.file, number, number, line.strip())
    if start is not None:
        yield StderrLine(source.file, start, start, "a traceback without its exception: the file ends inside it")
