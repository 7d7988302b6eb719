"""AGENT/STAMP/execution_trace.md (0.1.39 on): one execution of an agent, without call ids and times.

Chat completions agents have every MCP call twice and its result once; other backends once (run/backends). The fences
have no escaping, so a heading inside a result can't be told from a real one: a heading counts only outside a fence, or
right after the closing fence line.
"""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from massgen_logs.readers.base import Read, read_head, read_text

_STARTED = re.compile(r"\*\*Started\*\*: (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)")
_HEADING = re.compile(
    r"^### (Reasoning|Tool Call|Tool Result|Tool Error|Content|Answer Submitted|Vote Cast)\b:? ?(.*)$"
)


class Entry(Struct, frozen=True):
    """One section: kind is its heading, name what follows it (a tool, a label), body its text without the fence."""

    kind: str
    name: str
    body: str
    line: int


def started(path: Path | None) -> str | None:
    """When the traced execution, or the retry that the trace is of, began: local time in ISO form, in whole seconds."""
    match = _STARTED.search(read_head(path, 1000).decode("utf-8", "replace"))
    return f"{match[1]}T{match[2]}" if match else None


def read(path: Path | None) -> Read[list[Entry]]:
    """The sections of a trace in file order."""
    found = read_text(path)
    rows: list[Entry] = []
    fenced, start, head, body = False, 0, None, list[str]()
    for number, line in enumerate(found.value.split("\n"), 1):
        match = None if fenced else _HEADING.match(line)
        if match or (not fenced and line == "## Errors"):
            if head:
                rows.append(_entry(head, body, start))
            head, start, body = match, number, []
            continue
        if line.startswith("```"):
            fenced = not fenced and len(line) <= 8 if not fenced else line.strip() != "```"
        body.append(line)
    if head:
        rows.append(_entry(head, body, start))
    if found.source:
        found.source.rows = len(rows)
    return Read(rows, found.source, found.problems)


def _entry(head: re.Match[str], body: list[str], line: int) -> Entry:
    text = "\n".join(body).strip("\n")
    text = re.sub(r"\A\*\*Args\*\*:\n", "", text)
    text = re.sub(r"\A```\w*\n(.*?)\n?```\Z", r"\1", text, flags=re.S)
    return Entry(head[1], head[2].strip(), text, line)
