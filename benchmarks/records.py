"""One question over the runs of a log root, asked twice in one process: of query_records, or of DuckDB over the same files. Prints
the wall seconds of both times as JSON."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

SPANS = "SELECT span_name, count(*) AS n, sum(duration) AS s FROM records GROUP BY span_name ORDER BY n DESC"
FILES = """
SELECT json_extract_string(data, '$.tool_name') AS tool, count(*) AS n,
       sum(CAST(json_extract_string(data, '$.elapsed_seconds') AS DOUBLE)) AS s
FROM read_json('{root}/log_*/turn_*/attempt_*/events.jsonl', format='newline_delimited', ignore_errors=true,
               columns={{timestamp: 'VARCHAR', event_type: 'VARCHAR', agent_id: 'VARCHAR', data: 'JSON'}})
WHERE event_type = 'tool_complete' GROUP BY tool ORDER BY n DESC
"""


def ours(root: str) -> Callable[[], object]:
    """The tool, over all logs."""
    from massgen_logs.tools.base import call
    from massgen_logs.tools.registry import get

    return lambda: call(get("query_records"), {"sql": SPANS, "log": "all", "logs_dir": root}).text()


def theirs(root: str) -> Callable[[], object]:
    """DuckDB."""
    import duckdb

    connection = duckdb.connect()
    return lambda: connection.execute(FILES.format(root=root)).fetchall()


def main() -> None:
    """Ask twice."""
    ask = {"ours": ours, "duckdb": theirs}[sys.argv[1]](sys.argv[2])
    took: dict[str, float] = {}
    for name in ("first", "again"):
        begun = time.perf_counter()
        ask()
        took[name] = time.perf_counter() - begun
    print(json.dumps(took))


if __name__ == "__main__":
    main()
