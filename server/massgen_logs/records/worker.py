"""The process in which SQL runs: `python -m massgen_logs.records.worker`, started and ended by store.py.

It gets frames on standard input (4 bytes of length, then JSON) and answers each with one. An in-memory DuckDB holds the
records; file system, network, extensions and settings are locked in the engine, and statement.py refuses everything but
one SELECT. A process of its own, because one call such as repeat('x', 4000000000) is stopped by no limit of the engine:
the system's limit on memory, and the death of the process, stop everything.
"""

from __future__ import annotations

import json
import math
import sys
import threading
from typing import Any, cast

import duckdb
import orjson

from massgen_logs.errors import MassgenLogError
from massgen_logs.records.frames import receive, send
from massgen_logs.records.schema import COLUMNS, LEVELS, NAMES
from massgen_logs.records.statement import checked, explain

MEMORY_MB = 1000
"""What the engine takes for itself."""
ADDRESS_SPACE_MB = 3000
MOST_ROWS = 50_000
MOST_CHARS = 50_000_000
"""Of one result; a question with more must aggregate or limit."""
TOO_MUCH = f"The query needs more than {MEMORY_MB:,} MB and was stopped. Narrow it, or aggregate."
_BATCH = 200
_WANTED = "CREATE TEMP TABLE wanted AS SELECT unnest(?::INTEGER[]) AS place"
_VIEW = (
    f"CREATE TEMP VIEW records AS SELECT {', '.join(NAMES)} FROM memory.main.stored "
    "WHERE place IN (SELECT place FROM temp.main.wanted)"
)
_TYPES = json.dumps([{"place": "INTEGER"} | {c.name: c.type.replace("level", "VARCHAR") for c in COLUMNS}])
_INSERT = (
    f"INSERT INTO stored SELECT r.place, {', '.join(f'r.{c.name}::{c.type}' for c in COLUMNS)} "
    "FROM (SELECT unnest(from_json(?::JSON, ?)) AS r)"
)


def opened() -> duckdb.DuckDBPyConnection:
    """An empty database that reaches nothing."""
    base = duckdb.connect(
        ":memory:",
        config={
            "enable_external_access": "false", "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
            "allow_community_extensions": "false", "python_enable_replacements": "false", "memory_limit": f"{MEMORY_MB}MB",
            "threads": "2", "temp_directory": "",
        },
    )  # fmt: skip
    base.execute("SET TimeZone='UTC'")
    base.execute(f"CREATE TYPE level AS ENUM ({', '.join(repr(name) for name in LEVELS)})")
    base.execute(f"CREATE TABLE stored (place INTEGER, {', '.join(f'{c.name} {c.type}' for c in COLUMNS)})")
    base.execute("SET lock_configuration=true")
    return base


def put(base: duckdb.DuckDBPyConnection, rows: bytes) -> None:
    """Add records: a JSON list of rows, each with its `place`."""
    base.execute(_INSERT, [rows.decode(), _TYPES])


def drop(base: duckdb.DuckDBPyConnection, numbers: list[int]) -> None:
    """Remove the records of some places; the table is made anew, because deleted rows keep their memory."""
    base.execute(
        "CREATE TABLE fresh AS SELECT * FROM stored WHERE place NOT IN (SELECT unnest(?::INTEGER[]))", [numbers]
    )
    base.execute("DROP TABLE stored")
    base.execute("ALTER TABLE fresh RENAME TO stored")


def ask(base: duckdb.DuckDBPyConnection, sql: str, numbers: list[int], seconds: float) -> dict[str, object]:
    """Answer one SELECT over the records of these places: {columns, rows}.

    Raises:
        MassgenLogError: with the engine's message, the columns and the nearest name for a question that can't be
            answered; for one that is refused, takes too long or too much memory, or has too large a result.
    """
    cursor = base.cursor()
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.start()
    try:
        sql = checked(cursor, sql)
        cursor.execute(_WANTED, [numbers])
        cursor.execute(_VIEW)
        return _fetched(cursor.execute(sql))
    except duckdb.InterruptException as error:
        raise MassgenLogError(
            f"The query took more than {seconds:g} s and was stopped. Narrow it, or add LIMIT."
        ) from error
    except (duckdb.OutOfMemoryException, MemoryError) as error:
        raise MassgenLogError(TOO_MUCH) from error
    except duckdb.Error as error:
        raise MassgenLogError(TOO_MUCH if "bad_alloc" in str(error) else explain(str(error))) from error
    finally:
        timer.cancel()
        cursor.close()


def _fetched(cursor: duckdb.DuckDBPyConnection) -> dict[str, object]:
    names = _different([str(column[0]) for column in cursor.description or ()])
    rows: list[list[object]] = []
    chars = 0
    while batch := cursor.fetchmany(_BATCH):
        for row in batch:
            rows.append([_plain(value) for value in row])
            chars += sum(len(str(value)) for value in row)
        if len(rows) > MOST_ROWS or chars > MOST_CHARS:
            raise MassgenLogError(
                f"The query gives more than {MOST_ROWS:,} rows or {MOST_CHARS // 1_000_000} MB. Aggregate, or add LIMIT."
            )
    return {"columns": names, "rows": rows}


def _different(names: list[str]) -> list[str]:
    """Names that can be keys: a second one of the same gets a number."""
    found: dict[str, None] = {}
    for name in names:
        number, made = 1, name
        while made in found:
            number += 1
            made = f"{name}_{number}"
        found[made] = None
    return list(found)


def _plain(value: object) -> object:
    """A value as JSON can hold it: times as ISO 8601, decimals as numbers."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else float(value)
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


def _answer(base: duckdb.DuckDBPyConnection, frame: bytes) -> dict[str, object]:
    """What a frame asks for, done. A frame is `p` and rows, `d` and numbers, or `a` and {sql, places, seconds}."""
    try:
        if frame[:1] == b"p":
            put(base, frame[1:])
            return {}
        told: Any = orjson.loads(frame[1:])
        if frame[:1] == b"d":
            drop(base, told)
            return {}
        return ask(base, told["sql"], told["places"], told["seconds"])
    except MassgenLogError as error:
        return {"error": str(error)}
    except (duckdb.Error, MemoryError):
        return {"error": TOO_MUCH, "broken": True}


def _limit() -> None:
    """The system's own limit on memory, where it has one."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE_MB << 20, ADDRESS_SPACE_MB << 20))
    except (ImportError, OSError, ValueError):
        return


def main() -> None:
    """Answer frames until standard input closes."""
    _limit()
    base = opened()
    while (frame := receive(sys.stdin.buffer)) is not None:
        send(sys.stdout.buffer, orjson.dumps(_answer(base, frame), option=orjson.OPT_NON_STR_KEYS))


if __name__ == "__main__":
    main()
