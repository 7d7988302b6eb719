"""The error lines of an attempt's MCP servers (mcp_SERVER_stderr.log), which no other file of MassGen holds."""

from __future__ import annotations

import re

from msgspec import Struct, field

from massgen_logs.attempt import Attempt
from massgen_logs.readers import stderr_log
from massgen_logs.readers.base import Problem, Source
from massgen_logs.readers.stderr_log import StderrLine as StderrLine

MAX_FILES = 200
MAX_LINES = 5000
"""Error lines that are kept of one attempt."""
_NAME = re.compile(r"mcp_.+_stderr\.log")


class Stderr(Struct):
    """lines: error lines, file by file; dropped: error lines beyond the limit, counted and not kept."""

    lines: list[StderrLine] = field(default_factory=list[StderrLine])
    dropped: int = 0
    sources: list[Source] = field(default_factory=list[Source])
    problems: list[Problem] = field(default_factory=list[Problem])


def collect(attempt: Attempt) -> Stderr:
    """Read the stderr logs of an attempt; a folder that can't be listed has none."""
    found = Stderr()
    names = {name for name in attempt.names() if _NAME.fullmatch(name)}
    if len(names) > MAX_FILES:
        found.problems.append(Problem("mcp_*_stderr.log", None, f"{len(names)} files: {MAX_FILES} were read"))
    for name in sorted(names)[:MAX_FILES]:
        path = attempt.file(name)
        if path is None:
            continue
        source = Source(name)
        found.sources.append(source)
        for line in stderr_log.read(path, source, found.problems):
            if len(found.lines) < MAX_LINES:
                found.lines.append(line)
            else:
                found.dropped += 1
    return found
