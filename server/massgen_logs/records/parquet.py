"""Records as Parquet files, partitioned as `day=YYYY-MM-DD/session=log_.../records.parquet`: one file a day of a log.

DuckDB writes them. A file is written beside its place and renamed, so that it is whole or not there; the same log gives
the same bytes. Writing a log again replaces its own partitions and no other.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

import duckdb
import orjson

from massgen_logs.errors import MassgenLogError
from massgen_logs.records.schema import COLUMNS

FILE = "records.parquet"
_STORED = tuple(column for column in COLUMNS if column.name != "day")
"""The day is the partition's name; a column of that name besides is an error for some readers."""
_BATCH = 5000


def write(folder: Path, session: str, rows: Iterable[dict[str, object]]) -> list[Path]:
    """Write the records of a log in place of those that stand there, and say which files hold them.

    Args:
        folder: where the partitions are.
        session: the log's name.
        rows: of all its attempts, as records/rows.py makes them.

    Raises:
        MassgenLogError: if a folder or file can't be made, or the folder of a partition leads out of `folder`.
    """
    days: dict[str, list[dict[str, object]]] = {}
    for row in rows:
        days.setdefault(str(row["day"]), []).append(row)
    try:
        written = [_write(_partition(folder, day, session), days[day]) for day in sorted(days)]
        for old in folder.glob(f"day=*/session={session}/{FILE}"):
            if old not in written:
                _remove(old)
    except (OSError, duckdb.Error) as error:
        raise MassgenLogError(f"{folder}: {getattr(error, 'strerror', None) or error}") from error
    return written


def _partition(folder: Path, day: str, session: str) -> Path:
    made = folder / f"day={day}" / f"session={session}"
    made.mkdir(parents=True, exist_ok=True)
    if Path(os.path.realpath(made)) != Path(os.path.realpath(folder)) / made.relative_to(folder):
        raise MassgenLogError(f"{made} is a link to another place: nothing is written through it.")
    return made


def _write(folder: Path, rows: list[dict[str, object]]) -> Path:
    beside = folder / f".{FILE}.{os.getpid()}"
    try:
        with duckdb.connect(":memory:", config={"threads": "1", "autoinstall_known_extensions": "false"}) as base:
            base.execute("SET TimeZone='UTC'")
            base.execute(f"CREATE TABLE stored ({', '.join(f'{c.name} {_type(c.type)}' for c in _STORED)})")
            for first in range(0, len(rows), _BATCH):
                base.execute(
                    f"INSERT INTO stored SELECT {', '.join(f'r.{c.name}::{_type(c.type)}' for c in _STORED)} "
                    "FROM (SELECT unnest(from_json(?::JSON, ?)) AS r)",
                    [orjson.dumps(rows[first : first + _BATCH], option=orjson.OPT_NON_STR_KEYS).decode(), _SHAPE],
                )
            base.table("stored").write_parquet(str(beside), compression="zstd")
        with open(beside, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(beside, folder / FILE)
    finally:
        beside.unlink(missing_ok=True)
    return folder / FILE


def _type(kind: str) -> str:
    return "VARCHAR" if kind == "level" else kind


_SHAPE = json.dumps([
    {c.name: c.type if c.type in {"JSON", "VARCHAR[]"} else "VARCHAR" for c in _STORED},
])  # fmt: skip


def _remove(file: Path) -> None:
    """A partition of this log on a day on which it has no record any more, and its folders if nothing else is in them."""
    file.unlink()
    for folder in (file.parent, file.parent.parent):
        try:
            folder.rmdir()
        except OSError:
            return
