"""Records in an in-memory DuckDB: what was made of unchanged logs is kept, and SQL over it is read-only and bounded.

Nothing can be reached from SQL but `records`: file system, network, extensions and settings are locked in the engine, and
statement.py refuses everything but one SELECT first. Time, memory, and rows and size of a result are bounded.
"""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import duckdb
import orjson

from massgen_logs.errors import MassgenLogError
from massgen_logs.records.schema import COLUMNS, LEVELS, NAMES
from massgen_logs.records.statement import checked, explain
from massgen_logs.run.model import Secret
from massgen_logs.tree import Signature

SECONDS = 20.0
MEMORY = "1GB"
KEPT = 300_000_000
"""Bytes of records, as JSON, that are kept; those used least lately go first."""
MOST_ROWS = 50_000
MOST_CHARS = 50_000_000
"""Of one result; a question with more must aggregate or limit."""
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Table:
    """A result: names of its columns, made different where two are the same, and its rows as plain values."""

    columns: list[str]
    rows: list[dict[str, object]]


@dataclass(frozen=True, slots=True)
class Kept:
    """An attempt in the store. signature: of its files; state, secrets: of its run; rows: how many records it has."""

    signature: Signature | None
    state: str
    secrets: list[Secret]
    rows: int
    number: int
    bytes: int


class Store:
    """An in-memory database of the records of attempts, each kept until its files change or room is needed."""

    def __init__(self) -> None:
        self._base = duckdb.connect(
            ":memory:",
            config={
                "enable_external_access": "false", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
                "allow_community_extensions": "false", "python_enable_replacements": "false", "memory_limit": MEMORY,
                "threads": "2", "temp_directory": "",
            },
        )  # fmt: skip
        self._base.execute("SET TimeZone='UTC'")
        self._base.execute(f"CREATE TYPE level AS ENUM ({', '.join(repr(name) for name in LEVELS)})")
        self._base.execute(f"CREATE TABLE stored (place INTEGER, {', '.join(f'{c.name} {c.type}' for c in COLUMNS)})")
        self._base.execute("SET lock_configuration=true")
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()
        self._next = self._dead = 0
        self.numbers: dict[str, int] = {}
        """Of the secrets in the kept records, for every Masker of them."""

    def find(self, key: str) -> Kept | None:
        """What is kept of an attempt; whether it is still true is for the caller to see by its signature."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
        return kept

    def put(
        self, key: str, signature: Signature | None, state: str, secrets: list[Secret], rows: list[dict[str, object]]
    ) -> Kept:
        """Keep the records of one attempt, in place of earlier ones.

        Args:
            key: its path.
            signature: of its files; None for one that is true only for now.
            state: of its run.
            secrets: that its files hold.
            rows: as rows.py makes them.

        Raises:
            MassgenLogError: if they don't fit into memory.
        """
        dumped = orjson.dumps(rows, option=orjson.OPT_NON_STR_KEYS)
        with self._lock:
            self._next += 1
            kept = Kept(signature, state, secrets, len(rows), self._next, len(dumped))
            try:
                if rows:
                    self._base.execute(_INSERT, [kept.number, dumped.decode(), _TYPES])
                self._drop([key])
                self._kept[key] = kept
                self._make_room()
            except duckdb.Error as error:
                raise MassgenLogError(f"These records don't fit into {MEMORY}. Name fewer logs.") from error
        return kept

    def _make_room(self) -> None:
        total, old = sum(kept.bytes for kept in self._kept.values()), list[str]()
        for key, kept in self._kept.items():
            if total <= KEPT:
                break
            old.append(key)
            total -= kept.bytes
        self._drop(old)
        if self._dead > KEPT // 4:  # deleted rows keep their memory until the table is made anew
            self._base.execute("BEGIN")
            self._base.execute("CREATE TABLE fresh AS SELECT * FROM stored")
            self._base.execute("DROP TABLE stored")
            self._base.execute("ALTER TABLE fresh RENAME TO stored")
            self._base.execute("COMMIT")
            self._dead = 0

    def _drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            kept = self._kept.pop(key, None)
            if kept is not None and kept.rows:
                self._base.execute("DELETE FROM stored WHERE place = ?", [kept.number])
                self._dead += kept.bytes

    def _numbers_of(self, keys: Iterable[str]) -> list[int]:
        keys = list(keys)
        if missing := [key for key in keys if key not in self._kept]:
            raise MassgenLogError(
                f"The records of these {len(keys)} attempts need more than {KEPT // 1_000_000} MB, {len(missing)} had to go. "
                "Name fewer logs."
            )
        return [self._kept[key].number for key in keys]

    def ask(self, sql: str, keys: Iterable[str]) -> Table:
        """Answer one SELECT over the records of these attempts, as they are kept now.

        Raises:
            MassgenLogError: with the engine's message, the columns and the nearest name for a question that can't be
                answered; for one that is refused, takes too long or too much memory, or has too large a result.
        """
        cursor = self._base.cursor()
        timer = threading.Timer(SECONDS, cursor.interrupt)
        timer.start()
        try:
            sql = checked(cursor, sql)
            with self._lock:  # what others put or drop from here on is not seen
                cursor.execute("BEGIN")
                cursor.execute(_WANTED, [self._numbers_of(keys)])
                cursor.execute(_VIEW)
            cursor.execute(sql)
            return _fetched(cursor)
        except duckdb.InterruptException as error:
            raise MassgenLogError(
                f"The query took more than {SECONDS:g} s and was stopped. Narrow it, or add LIMIT."
            ) from error
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            raise MassgenLogError(
                f"The query needs more than {MEMORY} and was stopped. Narrow it, or aggregate."
            ) from error
        except duckdb.Error as error:
            raise MassgenLogError(explain(str(error))) from error
        finally:
            timer.cancel()
            cursor.close()


_WANTED = "CREATE TEMP TABLE wanted AS SELECT unnest(?::INTEGER[]) AS place"
_VIEW = (
    f"CREATE TEMP VIEW records AS SELECT {', '.join(NAMES)} FROM memory.main.stored "
    "WHERE place IN (SELECT place FROM temp.main.wanted)"
)
_TYPES = json.dumps([{c.name: c.type.replace("level", "VARCHAR") for c in COLUMNS}])
_INSERT = (
    f"INSERT INTO stored SELECT ?, {', '.join(f'r.{c.name}::{c.type}' for c in COLUMNS)} "
    "FROM (SELECT unnest(from_json(?::JSON, ?)) AS r)"
)


def _fetched(cursor: duckdb.DuckDBPyConnection) -> Table:
    names = _different([str(column[0]) for column in cursor.description or ()])
    rows: list[dict[str, object]] = []
    chars = 0
    while batch := cursor.fetchmany(_BATCH):
        rows += [dict(zip(names, map(_plain, row), strict=True)) for row in batch]
        chars += sum(len(str(value)) for row in batch for value in row)
        if len(rows) > MOST_ROWS or chars > MOST_CHARS:
            raise MassgenLogError(
                f"The query gives more than {MOST_ROWS:,} rows or {MOST_CHARS // 1_000_000} MB. Aggregate, or add LIMIT."
            )
    return Table(names, rows)


def _different(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        number, made = 1, name
        while made in found:
            number += 1
            made = f"{name}_{number}"
        found.append(made)
    return found


def _plain(value: object) -> object:
    """A value as JSON can hold it: times as ISO 8601, decimals as numbers."""
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list | tuple):
        return [_plain(one) for one in cast("list[object]", value)]
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in cast("dict[object, object]", value).items()}
    if hasattr(value, "isoformat"):
        return cast("Any", value).isoformat()
    try:
        return float(cast("Any", value))
    except (TypeError, ValueError):
        return str(value)
