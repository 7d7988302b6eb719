"""A listing starts fast: it imports no big library, and reads only what its rows need."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

_PROBE = """
import json, sys
from massgen_logs import cli, handles
opened, plain = [], handles.Folder.open
def noted(folder, name):
    opened.append(str(folder.path / name))
    return plain(folder, name)
handles.Folder.open = noted
code = cli.main(sys.argv[1:])
json.dump({"code": code, "modules": sorted(sys.modules), "opened": opened}, sys.stderr)
"""


def probe(*arguments: str) -> dict[str, object]:
    done = subprocess.run([sys.executable, "-c", _PROBE, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stderr)


def test_list_logs_imports_no_big_library(corpus: Path) -> None:
    """Neither mcp nor its companions, nor DuckDB, rich, pydantic or yaml."""
    seen = probe("list-logs", "--logs-dir", str(corpus / "s7a_multiturn_0.1.97"))
    assert seen["code"] == 0
    for module in ("mcp", "mcp_types", "pydantic", "duckdb", "rich", "yaml", "httpx2", "anyio", "asyncio", "shtab"):
        assert module not in seen["modules"], module


def test_list_logs_opens_only_what_its_rows_need(corpus: Path) -> None:
    """One row of two logs: not a file of the other log is opened; of the shown one's event log the end is read."""
    seen = probe("list-logs", "--limit", "1", "--logs-dir", str(corpus / "s7a_multiturn_0.1.97"))
    opened = [path for path in seen["opened"] if "massgen_logs/log_" in path]
    assert opened
    assert not [path for path in opened if "log_20261122_111522_854215" in path]
    assert {Path(path).name for path in opened} <= {
        "status.json", "metrics_summary.json", "coordination_events.json", "execution_metadata.yaml", "events.jsonl",
    }  # fmt: skip
