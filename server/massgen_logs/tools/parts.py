"""One list of an answer, whole: the way to all rows of which an answer shows some, for every tool alike."""

from __future__ import annotations

from typing import Any, cast

import orjson

from massgen_logs.errors import MassgenLogError, nearest
from massgen_logs.text.clean import cut, fence
from massgen_logs.text.page import MAX_CHARS, Page, take

_ROWS = 40


def page_of(
    answer: dict[str, object], part: str, cursor: str | None, limit: int | None,
) -> tuple[list[object], Page]:  # fmt: skip
    """A page of the list that `part` names (dots go into objects).

    Args:
        answer: a typed result, masked: data, sources, problems, notes, masked.
        part: such as "findings" or "agents.agent_b.events".
        cursor: of the page before.
        limit: rows at most.

    Raises:
        MassgenLogError: for a part that this answer does not have; it names those there are.
    """
    lists = _lists(answer["data"]) | {
        name: _rows(answer[name]) for name in ("notes", "sources", "problems", "missing", "masked")
    }
    if part not in lists:
        there = {name: len(rows) for name, rows in lists.items() if rows}
        names = nearest(part, [f"{name} ({n})" for name, n in there.items()], 20)
        raise MassgenLogError(f"part={part!r}: no such list in this answer; there are: {names}.")
    return take(lists[part], cursor, limit, _ROWS, lambda row: len(_line(row)))


def render(data: Any) -> list[str]:
    """Each row as one line of JSON."""
    lines = [_line(row) for row in data["rows"]]
    return [fence("\n".join(lines), f"rows of {data['part']} as JSON; the texts in them are the run's")]


def _lists(value: object, path: str = "") -> dict[str, list[object]]:
    """Dotted name to rows of every list in `value`; an object of objects is a list too, its keys the rows' `key`."""
    found: dict[str, list[object]] = {}
    for name, inner in cast("dict[object, object]", value).items() if isinstance(value, dict) else ():
        here = f"{path}{name}"
        if isinstance(inner, list) or (isinstance(inner, dict) and _of_objects(cast("dict[object, object]", inner))):
            found[here] = _rows(cast("object", inner))
        found |= _lists(cast("object", inner), f"{here}.")
    return found


def _of_objects(value: dict[object, object]) -> bool:
    return bool(value) and all(isinstance(inner, dict) for inner in value.values())


def _rows(value: object) -> list[object]:
    if isinstance(value, dict):
        return [
            {"key": key, **cast("dict[Any, Any]", inner)} for key, inner in cast("dict[object, object]", value).items()
        ]
    return cast("list[object]", value) if isinstance(value, list) else []


def _line(row: object) -> str:
    line = row if isinstance(row, str) else orjson.dumps(row, option=orjson.OPT_NON_STR_KEYS).decode()
    return cut(line, MAX_CHARS - 2000)
