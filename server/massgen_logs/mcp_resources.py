"""The resources of the MCP server: the template of a report, the schema of the records, and the reports that exist."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource, Resource
from mcp.types import Resource as Listed

from massgen_logs.errors import MassgenLogError
from massgen_logs.handles import open_file
from massgen_logs.tree import Turn, find_root, read_session, resolve, session_names

if TYPE_CHECKING:
    from massgen_logs.text.mask import Masked

REPORT = "massgen-logs://report/{log}/{turn}"
_MARKDOWN = "text/markdown"
_LARGEST = 8_000_000
"""Bytes of a report that are read."""
_MOST = 50
"""Reports that are listed."""


def fixed() -> list[Resource]:
    """Those that are the same for every log."""
    found = [
        _text("report-template", "Template of a report", "All headings that ANALYSIS_REPORT.md must have.", _template)
    ]
    if find_spec("massgen_logs.records"):
        found.append(_text("records-schema", "Schema of the records", "Tables and columns that SQL can ask.", _schema))
    return found


def _text(name: str, title: str, description: str, read: Callable[[], str]) -> Resource:
    return FunctionResource(
        uri=f"massgen-logs://{name}", name=name, title=title, description=description, mime_type=_MARKDOWN, fn=read
    )


def _template() -> str:
    from massgen_logs.report.draft import template

    return template()


def _schema() -> str:
    return import_module("massgen_logs.records.schema").text()


def report(log: str, turn: str, logs_dir: str | None) -> Masked:
    """The report of a turn, without its run's secrets.

    Raises:
        ResourceNotFoundError: for a log or turn that doesn't exist or has no report; it names what exists.
    """
    try:
        return _read(log, turn, logs_dir)
    except MassgenLogError as error:
        raise ResourceNotFoundError(_mask(str(error))) from error
    except OSError as error:
        raise ResourceNotFoundError(f"The report can't be read: {error.strerror}.") from error


def _read(log: str, turn: str, logs_dir: str | None) -> Masked:
    from massgen_logs.tools.masking import load, masker_of

    if not (turn.isascii() and turn.isdigit() and len(turn) < 9):
        raise MassgenLogError("A report's address is massgen-logs://report/LOG/TURN, TURN a number.")
    place = resolve(find_root(logs_dir), log, int(turn))
    if not place.turn.analyzed:
        raise MassgenLogError(f"{place.session.name} turn {place.turn.number} has no report. Next: draft_report.")
    with os.fdopen(open_file(place.turn.report), "rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise MassgenLogError(f"{place.turn.report} has more than {_LARGEST} bytes: no report of ours.")
    return masker_of(load(place, orders=False)).text(content.decode("utf-8", "replace"))


def reports(logs_dir: str | None) -> list[Listed]:
    """The newest existing reports, as a client lists them; none where no log is found."""
    try:
        root = find_root(logs_dir)
    except MassgenLogError:
        return []
    found: list[Listed] = []
    for name in session_names(root):
        found += [_listed(name, turn) for turn in reversed(read_session(root / name).turns) if turn.analyzed]
        if len(found) >= _MOST:
            break
    return found[:_MOST]


def _listed(log: str, turn: Turn) -> Listed:
    return Listed(
        uri=f"massgen-logs://report/{log}/{turn.number}", name=f"{log} turn {turn.number}",
        title=f"Report of {log}, turn {turn.number}", mime_type=_MARKDOWN,
    )  # fmt: skip


def _mask(text: str) -> str:
    from massgen_logs.text.mask import Masker

    return Masker().text(text)
