"""reconcile: the run's logs beside the spans that came back from Logfire."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import to_builtins
from msgspec.structs import replace

from massgen_logs.errors import MassgenLogError, quoted
from massgen_logs.text import page
from massgen_logs.text.clean import cut, flat
from massgen_logs.text.table import dollars, row_line, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.records.received import Reading
    from massgen_logs.records.verdicts import Difference, Value
    from massgen_logs.run.model import Run
    from massgen_logs.text.mask import Masker
    from massgen_logs.tree import Place

_TEXT = 400


def reconcile(
    run: Run,
    place: Place,
    spans: Annotated[str, "JSON rows, OTLP JSON, or a file in the log root"],
    limit: Limit = None,
    cursor: Cursor = None,
) -> Result:
    """Where the logs and spans from Logfire differ, and why.

    Args:
        run: the run.
        place: where it is.
        spans: see above.
        limit: differences a page.
        cursor: of the page before.
    """
    from massgen_logs.records.reconcile import reconcile as compare
    from massgen_logs.records.spans import records
    from massgen_logs.run.model import Source
    from massgen_logs.tools.masking import masker_of

    name, reading = _read(spans, place.session.path.parent)
    masker = masker_of(run)
    found = compare(run, records(run), reading)
    rows = [_short(difference, masker) for difference in found.differences]
    shown, where = page.take(rows, cursor, limit, 40, lambda row: len(row_line(_cells(to_builtins(row)))), used=1800)
    source = Source(name, reading.rows, reading.unreadable)
    return Result(
        replace(found, differences=shown),
        where,
        ("query_records", "find_errors"),
        sources=[source, *run.sources],
        problems=reading.problems,
        masker=masker,
    )


def _read(spans: str, root: Path) -> tuple[str, Reading]:
    """The spans, and the name of what they were read from.

    Raises:
        MassgenLogError: for what is neither JSON nor a file in the log root.
    """
    from massgen_logs.records.received import read, read_file

    if "\n" in spans.strip() or spans.lstrip()[:1] in {"[", "{", '"'}:
        return "spans", read(spans, "spans")
    wrong = "neither JSON nor a file in the log root. Give rows as query_run returns them, or a path below"
    try:
        path = root / Path(spans).expanduser()
        real = Path(os.path.realpath(path))
        return str(real.relative_to(root)), read_file(path, real.name)
    except (OSError, ValueError, RuntimeError) as error:
        raise MassgenLogError(f"spans={quoted(spans)} is {wrong} {root}.") from error


def _short(row: Difference, masker: Masker) -> Difference:
    """Its texts masked, then cut."""

    def short(value: Value) -> Value:
        return cut(masker.text(value), _TEXT) if isinstance(value, str) else value

    return replace(row, name=str(short(row.name)), local=short(row.local), spans=short(row.spans))


def _cells(row: Any) -> tuple[object, ...]:
    unit = row["unit"]
    local, spans, off = (_value(row[name], unit) for name in ("local", "spans", "difference"))
    known = row["reason"] or "unknown"
    return (
        row["what"], flat(row["name"], 60), row["measure"], row["verdict"], local, spans, off, known, row["where"] or None, row["row"],
    )  # fmt: skip


def _value(value: Any, unit: str) -> object:
    if value is None or isinstance(value, str):
        return None if value is None else flat(value, 80)
    if unit == "USD":
        return dollars(value) if value >= 0 else "-" + dollars(-value)
    return f"{value:.3f}" if unit == "s" else f"{value:g}" if abs(value) < 1e6 else str(int(value))


def render(data: Any) -> list[str]:
    """Whose spans they are, what agreed, what differs, the reasons."""
    lines = [_head(data)]
    if data["shift_s"]:
        lines.append(f"the spans' clock is {data['shift_s']:g} s ahead of the logs': times are compared without that")
    if data["cut"]:
        lines.append(f"exactly {data['rows']} rows came back: a LIMIT may have cut them")
    if data["by"] is None:
        return [*lines, "nothing to compare: no row names this run's log path, and none lies at its time alone"]
    if data["by"] == "massgen-logs":
        lines.append("these spans were exported from these very logs: that they agree proves nothing")
    kinds: dict[str, list[str]] = {}
    for row in data["compared"]:
        within = f" (within {_value(row['within'], row['unit'])})" if row["within"] else ""
        kinds.setdefault(row["what"], []).append(f"{row['measure']} {row['agree']} of {row['compared']}{within}")
    lines += [f"agree, {what}: {', '.join(told)}" for what, told in kinds.items()]
    if not data["differences"]:
        return [*lines, "no difference" + (" on this page" if data["reasons"] else "")]
    header = ("what", "of", "measure", "verdict", "logs", "spans", "spans - logs", "why", "where in the logs", "row")
    lines += table(header, [_cells(row) for row in data["differences"]])
    return lines + [f"{name}: {text}" for name, text in data["reasons"].items()]


def _head(data: Any) -> str:
    whose = {"massgen": "MassGen's own spans", "massgen-logs": "exported records", None: "no span of this run"}[
        data["by"]
    ]
    parts = [f"{data['used']} of {data['rows']} rows compared", whose]
    parts += [f"trace {', '.join(data['traces'][:3])}"] if data["traces"] else []
    left = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in data["left_out"].items())
    parts += [f"left out: {left}"] if left else []
    parts += [f"unreadable: {data['unreadable']}"] if data["unreadable"] else []
    return " · ".join(parts)


TOOL = Tool(
    "reconcile", "Logs beside spans", reconcile, render, needs="place", notes=frozenset({"doubled_usage", "lost_events"}), parts=False
)  # fmt: skip
