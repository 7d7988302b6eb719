"""SQL reaches records and nothing else, whatever it says, and every query ends."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conftest import CORPUS
from massgen_logs.errors import MassgenLogError
from massgen_logs.records.rows import rows
from massgen_logs.records.schema import Record
from massgen_logs.records.store import Kept, Store
from massgen_logs.text.mask import Masker

ROW = {
    "start_timestamp": "2026-01-01T00:00:00Z", "span_name": "x", "message": "m", "kind": "log", "level": "info",
    "is_exception": False, "attributes": {}, "tags": [], "day": "2026-01-01",
}  # fmt: skip
REFUSED = """COPY records TO '/tmp/x.csv'|COPY (SELECT 1) TO '/tmp/x'|ATTACH '/tmp/x.db'|INSTALL httpfs|LOAD httpfs
EXPORT DATABASE '/tmp/x'|IMPORT DATABASE '/tmp/x'|CREATE SECRET (TYPE s3)|CREATE TABLE t (i int)|DROP TABLE stored
DELETE FROM stored|INSERT INTO records VALUES (1)|UPDATE records SET span_name = 'x'|PRAGMA database_list
SET enable_external_access = true|SET memory_limit = '100GB'|RESET lock_configuration|CALL pragma_version()|VACUUM
CHECKPOINT|BEGIN|USE memory|PREPARE x AS SELECT 1|EXPLAIN ANALYZE SELECT 1|SELECT 1; DROP TABLE stored|DESCRIBE records
SELECT * FROM read_csv('/etc/passwd')|SELECT * FROM read_text('/etc/passwd')|SELECT * FROM read_blob('/etc/passwd')
SELECT * FROM read_json('/etc/passwd')|SELECT * FROM read_parquet('x')|SELECT * FROM '/etc/passwd'|SELECT * FROM glob('/etc/*')
SELECT * FROM 'https://example.com/x.csv'|SELECT getenv('HOME')|SELECT current_setting('memory_limit')|SELECT version()
SELECT * FROM duckdb_settings()|SELECT * FROM duckdb_secrets()|SELECT * FROM which_secret('s3://x', 's3')
SELECT * FROM pragma_table_info('stored')|SELECT * FROM query('select * from stored')|SELECT * FROM query_table('stored')
SELECT * FROM stored|SELECT * FROM memory.main.stored|SELECT * FROM temp.main.wanted|SELECT * FROM information_schema.tables
SELECT (SELECT count(*) FROM stored)|WITH a AS (SELECT * FROM stored) SELECT * FROM a|SELECT write_log('x')
SELECT * FROM records UNION ALL SELECT * FROM stored|SELECT * FROM records, LATERAL (SELECT * FROM stored)
SELECT * FROM json_execute_serialized_sql('{}')|SELECT nextval('x')""".replace("\n", "|").split("|")
STOPPED = (
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t",
    "SELECT count(*) FROM range(1000000) a, range(1000000) b",
    "SELECT count(*) FROM generate_series(1, 1000000000000)",
    "SELECT repeat('x', 1000000000)",
    "SELECT repeat('x', 4000000000) FROM records",
    "SELECT printf('%2000000000d', 1)",
    "SELECT lpad('x', 2000000000, 'y')",
    "SELECT range(1000000000000)",
    "SELECT * FROM generate_series(1, 1000000000000)",
    "SELECT " + "(" * 5000 + "1" + ")" * 5000,
    "SELECT '" + "x" * 200_000 + "'",
)


@pytest.fixture(scope="module")
def store() -> Iterator[tuple[Store, Kept]]:
    store = Store(seconds=0.5)
    yield store, store.put("a", None, "finished", [], [{"trace_id": "t", **ROW}])
    store.close()


@pytest.mark.parametrize("sql", REFUSED)
def test_what_reaches_beyond_records_is_refused(store: tuple[Store, Kept], sql: str) -> None:
    """By a message that says what is allowed; more than 40 ways."""
    with pytest.raises(MassgenLogError, match=r"Only SELECT|one statement|no table|not allowed"):
        store[0].ask(sql, [store[1]])


@pytest.mark.parametrize("sql", STOPPED, ids=range(len(STOPPED)))
def test_what_would_not_end_is_stopped(store: tuple[Store, Kept], sql: str) -> None:
    """Even where only the death of the worker stops it; the next question is answered again."""
    with pytest.raises(MassgenLogError, match=r"stopped|more than|not supported|depth limit|may have"):
        store[0].ask(sql, [store[1]])
    assert store[0].ask("SELECT count(*) AS n FROM records", [store[1]]).rows == [{"n": 1}]


def test_a_wrong_name_is_answered_with_the_nearest(run_cli) -> None:
    """With the columns there are, on the command line too."""
    root = str(CORPUS / "s1_clean_0.1.97" / ".massgen" / "massgen_logs")
    code, _, err = run_cli("query-records", "--logs-dir", root, "--sql", "SELECT span_nam FROM records")
    assert code == 2
    assert "Nearest: span_name" in err
    assert "Columns of records: start_timestamp, end_timestamp" in err


def test_a_source_whose_name_is_no_text_is_a_row() -> None:
    """A file's name may be bytes that are no UTF-8: its records have a mark in their place."""
    record = Record("t", "s", None, "log", "x", "m", 0.0, None, "agent\udcff/answer.txt")
    row = rows([record], Masker())[0]
    assert row["attributes"] == {"massgen_logs.source": "agent?/answer.txt"}
