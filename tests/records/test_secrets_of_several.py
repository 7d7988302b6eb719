"""A secret that only one run's files show to be one, and that stands bare in another run's records."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shutil
from pathlib import Path

import duckdb
import pytest
from receiver import receiver

from conftest import CORPUS
from massgen_logs import cli
from massgen_logs.tools import query_records
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

VALUE = "Xq7vRt" + "92LmKp4wZs81"
"""No format tells it: only `DB_PASSWORD=` before it does."""
OWNER, BARE = "log_20261122_100453_711042", "log_20261122_111220_908336"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """OWNER's massgen.log tells VALUE to be a password; BARE was asked about it."""
    made = tmp_path / "massgen_logs"
    for sample, name in (("s1_clean_0.1.97", OWNER), ("s9_logfire_0.1.97", BARE)):
        (log,) = (CORPUS / sample / ".massgen" / "massgen_logs").glob("log_*")
        shutil.copytree(log, made / name, symlinks=True)
    with (made / OWNER / "turn_1" / "attempt_1" / "massgen.log").open("a") as file:
        file.write(f"export DB_PASSWORD={VALUE}\n")
    for name in ("status.json", "events.jsonl", "coordination_events.json", "execution_metadata.yaml"):
        file = made / BARE / "turn_1" / "attempt_1" / name
        text = file.read_text()
        file.write_text(text.replace("from 1 to 100", f"from 1 to {VALUE}"))
        assert name == "events.jsonl" or VALUE in file.read_text()
    query_records._store.cache_clear()
    return made


def asked(root: Path, log: str, sql: str) -> tuple[list[dict[str, object]], str]:
    """The rows, and all of the answer."""
    answer = call(get("query_records"), {"logs_dir": str(root), "log": log, "sql": sql})
    return answer.data["rows"], json.dumps(answer.json()) + answer.text()


TASK = "SELECT attributes->>'massgen.task' AS task FROM records WHERE span_name = 'coordination.session' AND attributes->>'massgen_logs.session' = '{}'"


def test_sql_meets_a_tag_whatever_it_does_with_the_text(root: Path) -> None:
    """Reversed or cut it is no secret to any pattern, so it must be gone before: in both orders of asking, with one tag."""
    ((row,), _) = asked(root, BARE, TASK.format(BARE))
    assert VALUE in str(row["task"]), "alone, nothing shows it to be a secret"
    both = f"{OWNER},{BARE}"
    for _ in range(2):
        ((row,), whole) = asked(root, both, TASK.format(BARE))
        (tag,) = re.findall(r"\[masked:[a-z-]+#\d+\]", str(row["task"]))
        assert VALUE not in whole
        for how in ("reverse({})", "substr({}, 35, 12)", "replace({}, '7', '/')", "md5({})", "length({})"):
            sql = f"SELECT {how.format('task')} AS x, {how.format(chr(39) + str(row['task']) + chr(39))} AS y FROM ({TASK.format(BARE)})"
            ((cut,), _) = asked(root, both, sql)
            assert cut["x"] == cut["y"], "made of the masked text"
    query_records._store.cache_clear()
    ((row,), _) = asked(root, "all", TASK.format(BARE))
    assert tag in str(row["task"])


def test_exports_of_several_runs_mask_it_in_all(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Parquet files and in spans, with the same tag in both runs' records; where nothing masks it, it stands."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    answer = next((root / OWNER / "turn_1" / "attempt_1").glob("agent_a/*/answer.txt"))
    answer.write_text(f"{answer.read_text()} DB_PASSWORD={VALUE}")
    logs = ["--logs-dir", str(root), "--log", "all"]
    with contextlib.redirect_stdout(io.StringIO()) as told, receiver() as there:
        assert cli.main(["export", "--parquet", str(tmp_path / "out"), *logs]) == 0
        assert cli.main(["export", "--otlp", there.url, *logs]) == 0
    assert told.getvalue().count("masked secrets: 1\n") == 2
    files = duckdb.sql(
        f"SELECT session, attributes::VARCHAR FROM read_parquet('{tmp_path}/out/**/*.parquet', hive_partitioning=true)"
    )
    sent = [(OWNER if OWNER in str(span) else "", str(span)) for span in there.spans]
    for rows in (files.fetchall(), sent):
        assert rows
        assert VALUE not in str(rows)
        assert {tag for _, text in rows for tag in re.findall(r"\[masked:[^\]]+\]", text)} == {"[masked:assignment#1]"}
    tagged = {session for session, text in files.fetchall() if "[masked:" in text}
    assert tagged == {OWNER, BARE}


def test_reconcile_masks_in_spans_what_the_logs_show(root: Path) -> None:
    """A span that came back holds the bare value; the run's own file shows what it is."""
    spans = [{
        "span_name": f"agent.{VALUE}.round_0", "kind": "span", "start_timestamp": "2026-11-22T10:05:00Z", "duration": 1.0,
        "attributes": {"massgen.agent_id": VALUE},
    }]  # fmt: skip
    for log, masked in ((OWNER, True), (BARE, False)):
        answer = call(get("reconcile"), {"logs_dir": str(root), "log": log, "spans": json.dumps(spans)})
        whole = json.dumps(answer.json()) + answer.text()
        assert (VALUE in whole) is not masked
        assert ("[masked:" in whole) is masked
