"""query_records: SQL over span records of one run, several, or all."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct
from msgspec.structs import replace

from massgen_logs import stop
from massgen_logs.text import page
from massgen_logs.text.clean import flat
from massgen_logs.text.table import row_line, table
from massgen_logs.tools.base import Cursor, Limit, Result, Tool

if TYPE_CHECKING:
    from massgen_logs.records.store import Kept, Store
    from massgen_logs.tree import Place

_CELL = 160


class Rows(Struct, frozen=True):
    """columns in the order of the query; rows: column to value; attempts: how many were searched; unfinished: those of them
    whose figures are floors; without_records: those of which no file tells when they began."""

    columns: list[str]
    rows: list[dict[str, object]]
    attempts: int
    unfinished: list[str]
    without_records: list[str]


@cache
def _store() -> Store:
    """One for the process; a log is read again only when its files have changed."""
    from massgen_logs.records.store import Store

    return Store()


def query_records(
    root: Path,
    sql: Annotated[str, "one SELECT over records"],
    log: Annotated[str, 'latest, "all", or several with commas'] = "latest",
    limit: Limit = None,
    cursor: Cursor = None,
) -> Result:
    """SQL over span records with Logfire's columns, across runs too; usage is per round. Schema: resource records-schema.

    Args:
        root: the log root.
        sql: see above.
        log: see above.
        limit: rows a page.
        cursor: of the page before.
    """
    from massgen_logs.records.collect import places
    from massgen_logs.text.mask import Masker

    store = _store()
    kept = _kept(store, places(root, log))
    secrets = [
        replace(secret, places=[f"{key.split(':')[0]}:{place}" for place in secret.places])
        for key, one in kept.items()
        for secret in one.secrets
    ]
    masker = Masker(secrets, store.numbers)
    found = store.ask(sql, list(kept.values()))
    shown, where = page.take(found.rows, cursor, limit, 50, lambda row: len(row_line(list(row.values()), _CELL)))
    for row in shown:
        for name, value in row.items():
            masker.recall(str(value), f"rows.{name}")
    unfinished = [key for key, one in kept.items() if one.state not in {"finished", "timed_out"}]
    timeless = [key for key, one in kept.items() if not one.rows]
    return Result(Rows(found.columns, shown, len(kept), unfinished, timeless), where, sources=[], masker=masker)


def _kept(store: Store, wanted: Sequence[Place]) -> dict[str, Kept]:
    """The attempts' records in the store, made anew where files have changed, without the secrets of any of them."""
    from massgen_logs.records.rows import rows
    from massgen_logs.text.mask import Masker
    from massgen_logs.tools.loading import load_all

    kept: dict[str, Kept] = {}
    absent: list[Place] = []
    for place in wanted:
        stop.check()
        known = store.find(str(place.attempt.path))
        if known is not None and known.signature is not None and place.attempt.is_still(known.signature):
            kept[_name(place)] = known
        else:
            absent.append(place)
    for place, found in zip(absent, load_all(absent), strict=True):
        made = rows(found.records(), Masker(found.secrets, store.numbers))
        signature = None if found.state == "in_progress" else found.signature
        kept[_name(place)] = store.put(str(place.attempt.path), signature, found.state, found.secrets, made)
    known_secrets = [secret for one in kept.values() for secret in one.secrets]
    masker, values = Masker(known_secrets, store.numbers), frozenset(secret.value for secret in known_secrets)
    return {
        _name(place): store.without(str(place.attempt.path), kept[_name(place)], masker, values) for place in wanted
    }


def _name(place: Place) -> str:
    return f"{place.session.name}:{place.turn.number}:{place.attempt.number}"


def render(data: Any) -> list[str]:
    """What was searched, then the rows as a table; values are the run's own text."""
    head = f"records of {data['attempts']} attempt{'' if data['attempts'] == 1 else 's'}"
    head += _some("not finished, figures are floors", data["unfinished"])
    head += _some("without records: no file tells when they began", data["without_records"])
    if not data["rows"]:
        return [head, "no rows"]
    cells = [[row[name] for name in data["columns"]] for row in data["rows"]]
    return [
        f"{head}; values hold the run's own text:",
        *table([flat(name, 60) for name in data["columns"]], cells, _CELL),
    ]


def _some(what: str, keys: list[str]) -> str:
    more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
    return f" · {len(keys)} {what} ({', '.join(keys[:3])}{more})" if keys else ""


def _details() -> str:
    from massgen_logs.records import schema

    return schema.text()


TOOL = Tool("query_records", "SQL over records", query_records, render, needs="root", parts=False, details=_details)
