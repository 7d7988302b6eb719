"""An answer as a person sees it on a terminal: its tables as tables, everything else as it stands. Uses rich."""

from __future__ import annotations

import re

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

_CELL = re.compile(r"(?<!\\)\|")
_FENCE = re.compile(r"`{3,}")


def show(text: str, console: Console | None = None) -> None:
    """Print an answer. Log text in it is never taken for markup."""
    out = console or Console(highlight=False)
    for part in _parts(text.split("\n")):
        out.print(part, markup=False)


def _parts(lines: list[str]) -> list[RenderableType]:
    """Tables, and the lines between them; inside a fence nothing is a table."""
    found: list[RenderableType] = []
    rows: list[str] = []
    fence: str | None = None
    for line in [*lines, ""]:
        if fence is None and line.startswith("|"):
            rows.append(line)
            continue
        if rows:
            found.append(_table(rows))
            rows = []
        if fence is not None:
            fence = None if line == fence else fence
        elif match := _FENCE.match(line):
            fence = match[0]
        found.append(Text(line))
    return found[:-1]


def _table(rows: list[str]) -> Table:
    cells = [[cell.replace("\\|", "|") for cell in _CELL.split(row)[1:-1]] for row in rows]
    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for name in cells[0]:
        made.add_column(Text(name), overflow="fold")
    for row in cells[2:]:
        made.add_row(*(Text(cell) for cell in row))
    return made
