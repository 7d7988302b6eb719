"""`massgen-logs export`: records as Parquet files and over OTLP, to the loopback."""

from __future__ import annotations

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from msgspec.structs import replace
from receiver import receiver, rejected

from conftest import CORPUS
from massgen_logs.records import otlp
from massgen_logs.records.spans import records
from massgen_logs.run import ending
from massgen_logs.tools import loading

S9 = "s9_logfire_0.1.97"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def export(run_cli):
    """Exports; standard output, or standard error of a refusal."""

    def call(*arguments: str, code: int = 0) -> str:
        got, out, err = run_cli("export", *arguments)
        assert got == code, err
        return out if code == 0 else err

    return call


@pytest.fixture
def records_of(ask):
    """All records of the logs that `arguments` name, as query_records gives them."""

    def call(
        *arguments: str, sql: str = "SELECT * FROM records ORDER BY start_timestamp, span_id"
    ) -> list[dict[str, Any]]:
        return ask("query_records", "--sql", sql, *arguments, key="rows")["data"]["rows"]

    return call


def parquet(folder: Path, sql: str = "*") -> list[dict[str, Any]]:
    with duckdb.connect() as base:
        base.execute("SET TimeZone='UTC'")
        found = base.execute(
            f"SELECT {sql} FROM read_parquet('{folder}/**/*.parquet', hive_partitioning=true) ORDER BY start_timestamp, span_id"
        )
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def files(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_parquet_read_back_is_what_query_records_tells(export, records_of, tmp_path: Path) -> None:
    """Every column of every record, and the day and the log as partitions."""
    logs = ("--logs-dir", str(CORPUS / S9))
    export("--parquet", str(tmp_path / "out"), *logs)
    told = records_of(*logs)
    read = parquet(tmp_path / "out")
    assert len(read) == len(told) > 0
    for row, expected in zip(read, told, strict=True):
        assert row.pop("session") == "log_20261122_111220_908336"
        for name, value in expected.items():
            got = row[name]
            if name == "attributes":
                got, value = json.loads(got), json.loads(value) if isinstance(value, str) else value
            assert (got.isoformat() if hasattr(got, "isoformat") else got) == value, name


def test_parquet_is_partitioned_by_day_and_log_and_the_same_each_time(export, copy_of, tmp_path: Path) -> None:
    """A second export of one log leaves the other's file alone; the same log gives the same bytes."""
    root = copy_of(S9)
    other = next((CORPUS / "s21_secrets_0.1.80").glob(".massgen/massgen_logs/log_*"))
    shutil.copytree(other, root / other.name, symlinks=True)
    out = tmp_path / "out"
    export("--parquet", str(out), "--logs-dir", str(root), "--log", "all")
    before = files(out)
    names = {p.name for p in root.iterdir() if p.name.startswith("log_")}
    assert {Path(name).parts[1] for name in before} == {f"session={name}" for name in names}
    assert all(Path(name).parts[0].startswith("day=20") for name in before)
    mine = next(name for name in before if "log_20261122_111220_908336" in name)
    theirs = next(name for name in before if other.name in name)
    (out / theirs).write_bytes(b"someone else's")
    stale = out / "day=1999-01-01" / Path(mine).parts[1] / "records.parquet"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"of a day on which this log has no record any more")
    (out / mine).write_bytes(b"torn")
    export("--parquet", str(out), "--logs-dir", str(root), "--log", "log_20261122_111220_908336")
    after = files(out)
    assert after == before | {theirs: b"someone else's"}


@pytest.mark.parametrize("below", ["", "out", "log_20261122_111220_908336/turn_1", "../link/out"])
def test_parquet_is_not_written_among_the_logs(export, copy_of, below: str) -> None:
    """Nor through a link that leads there."""
    root = copy_of(S9)
    (root.parent / "link").symlink_to(root)
    before = files(root)
    assert "among the logs" in export("--parquet", str(root / below), "--logs-dir", str(root), code=2)
    assert files(root) == before


def test_a_partition_that_is_a_link_is_not_written_through(export, copy_of, tmp_path: Path) -> None:
    """The folder it leads to stays as it is."""
    root, out, else_ = copy_of(S9), tmp_path / "out", tmp_path / "else"
    out.mkdir()
    else_.mkdir()
    (out / "day=2026-11-22").symlink_to(else_)
    assert "link" in export("--parquet", str(out), "--logs-dir", str(root), code=2)
    assert not files(else_)


def test_an_export_that_is_killed_leaves_the_file_as_it_was(export, tmp_path: Path, monkeypatch) -> None:
    """What was being written beside it is gone or no .parquet file."""
    logs = ("--logs-dir", str(CORPUS / S9))
    out = tmp_path / "out"
    export("--parquet", str(out), *logs)
    before = files(out)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert "No space left" in export("--parquet", str(out), *logs, code=2)
    assert files(out) == before


def test_exports_mask_secrets(export, copy_of, tmp_path: Path) -> None:
    """A key in a command stands in no Parquet file and in no request."""
    secret = b"sk-test-0123456789abcdef0123"
    root = copy_of(S9)
    for file in (f for f in root.rglob("*") if f.is_file()):
        file.write_bytes(file.read_bytes().replace(b"npm test", b"npm test --key=" + secret))
    assert "masked secrets: 1" in export("--parquet", str(tmp_path / "out"), "--logs-dir", str(root))
    with receiver() as there:
        assert "masked secrets: 1" in export("--otlp", there.url, "--logs-dir", str(root))
        sent = b"".join(span.SerializeToString() for span in there.spans)
    written = repr(parquet(tmp_path / "out")).encode()
    for made in (written, sent):
        assert secret not in made
        assert b"npm test --key=[masked:" in made


def test_otlp_sends_the_records_with_their_own_times_ids_and_parents(export, records_of) -> None:
    """A span for each, decoded from the requests as any collector would."""
    logs = ("--logs-dir", str(CORPUS / S9))
    with receiver() as there:
        export("--otlp", there.url, *logs, "--header", "Authorization=Bearer t", "x-team=a=b")
        assert there.services == {("massgen", "0.1.97")}
        assert there.headers[0]["authorization"] == "Bearer t"
        assert there.headers[0]["x-team"] == "a=b"
    told = {row["span_id"]: row for row in records_of(*logs)}
    assert len(there.spans) == len(told)
    for span in there.spans:
        row = told[span.span_id.hex()]
        assert (span.trace_id.hex(), span.parent_span_id.hex() or None) == (row["trace_id"], row["parent_span_id"])
        assert span.name == row["span_name"]
        for sent, column in (
            (span.start_time_unix_nano, "start_timestamp"),
            (span.end_time_unix_nano, "end_timestamp"),
        ):
            assert sent == round(datetime.fromisoformat(row[column]).timestamp() * 1e6) * 1000
    names = [span.name for span in there.spans]
    assert names.count("mcp.command_line.execute_command") == 12
    rounds = {span.span_id: span.name for span in there.spans if span.name.startswith("agent.")}
    calls = [span for span in there.spans if span.name.startswith("mcp.")]
    assert sorted(rounds[call.parent_span_id] for call in calls) == sorted(
        ["agent.agent_a.round_0"] * 6
        + ["agent.agent_a.round_1"] * 3
        + ["agent.agent_b.round_0"] * 2
        + ["agent.agent_b.round_1"]
    )


def test_a_second_export_adds_nothing(export, cache: Path) -> None:
    """Unless it is asked for, or the note of the first is deleted; another endpoint has its own note."""
    logs = ("--logs-dir", str(CORPUS / S9))
    with receiver() as there, receiver() as elsewhere:
        export("--otlp", there.url, *logs)
        first = [span.span_id for span in there.spans]
        requests = there.requests
        told = export("--otlp", f"{there.url}/v1/traces", *logs)
        assert f"0 records of 1 attempts sent to {there.url}/v1/traces" in told
        assert f"{len(first)} that it has had before" in told
        assert there.requests == requests
        assert len(first) == len(set(first))
        export("--otlp", elsewhere.url, *logs)
        assert sorted(span.span_id for span in elsewhere.spans) == sorted(first)
        export("--otlp", there.url, *logs, "--again")
        assert [span.span_id for span in there.spans] == first * 2
        shutil.rmtree(cache)
        export("--otlp", there.url, *logs)
        assert [span.span_id for span in there.spans] == first * 3


def test_an_export_that_broke_off_goes_on(export, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what was not acknowledged, each record once, whatever made it stop."""
    monkeypatch.setattr(otlp, "_SPANS", 10)
    logs = ("--logs-dir", str(CORPUS / S9))
    with receiver(answer=lambda n: (400 if n == 3 else 200, b"", {})) as there:
        told = export("--otlp", there.url, *logs, code=2)
        assert "took 20 records, then no more" in told
        assert "400" in told
        assert len(there.spans) == 20
        export("--otlp", there.url, *logs)
        ids = [span.span_id for span in there.spans]
        assert len(ids) == len(set(ids)) > 20
        assert there.spans[0].name == "coordination.session"


def test_an_export_that_is_killed_goes_on_without_duplicates(export, copy_of, cache: Path) -> None:
    """SIGKILL while the third request waits for its answer: the next export sends what was not acknowledged, of both logs."""
    root = copy_of(S9)
    other = next((CORPUS / "s1_clean_0.1.97").glob(".massgen/massgen_logs/log_*"))
    shutil.copytree(other, root / other.name, symlinks=True)
    logs = ("--logs-dir", str(root), "--log", "all")
    waiting, killed = threading.Event(), threading.Event()

    def answer(number: int) -> tuple[int, bytes, dict[str, str]]:
        if number == 3:
            waiting.set()
            killed.wait(60)
        return (503 if number == 3 else 200), b"", {}

    code = "import sys; from massgen_logs.records import otlp; otlp._SPANS = 10; from massgen_logs.cli import main; sys.exit(main(sys.argv[1:]))"
    with receiver(answer=answer) as there, receiver() as whole:
        with subprocess.Popen([sys.executable, "-c", code, "export", "--otlp", there.url, *logs]) as process:
            assert waiting.wait(60)
            process.kill()
            assert process.wait() == -signal.SIGKILL
            killed.set()
        assert len(there.spans) == 20
        assert "20 that it has had before were not sent again" in export("--otlp", there.url, *logs)
        export("--otlp", whole.url, *logs)
        ids = [span.span_id for span in there.spans]
        assert len(ids) == len(set(ids))
        assert sorted(ids) == sorted(span.span_id for span in whole.spans)
        requests = there.requests
        assert "0 records of 2 attempts" in export("--otlp", there.url, *logs)
        assert there.requests == requests


def test_a_torn_log_among_all_takes_nothing_from_the_others(export, copy_of, tmp_path: Path) -> None:
    """Files cut in their middle, one of noise, an empty log: what they still tell is exported, the other log's records whole."""
    root = copy_of(S9)
    other = next((CORPUS / "s1_clean_0.1.97").glob(".massgen/massgen_logs/log_*"))
    shutil.copytree(other, root / other.name, symlinks=True)
    (root / "log_20261101_000000_000000").mkdir()
    torn = root / other.name / "turn_1" / "attempt_1"
    for name in ("events.jsonl", "status.json", "coordination_events.json", "metrics_events.json"):
        content = (torn / name).read_bytes()
        (torn / name).write_bytes(content[: len(content) // 2])
    (torn / "metrics_summary.json").write_bytes(bytes(range(256)))
    export("--parquet", str(tmp_path / "one"), "--logs-dir", str(root), "--log", "log_20261122_111220_908336")
    alone = parquet(tmp_path / "one")
    told = export("--parquet", str(tmp_path / "all"), "--logs-dir", str(root), "--log", "all")
    assert "of 2 attempts" in told
    rows = parquet(tmp_path / "all")
    assert [row for row in rows if row["session"] == "log_20261122_111220_908336"] == alone
    left = [row for row in rows if row["session"] == other.name]
    assert 0 < len(left) < len(alone)
    with receiver() as there:
        export("--otlp", there.url, "--logs-dir", str(root), "--log", "all")
        assert len(there.spans) == len(rows)


def test_an_endpoint_that_keeps_only_some_is_told(export) -> None:
    """Its own words; OTLP forbids to send those again."""
    logs = ("--logs-dir", str(CORPUS / S9))
    with receiver(answer=lambda _: (200, rejected(3, "too old"), {})) as there:
        assert "refused by it for good: 3 records (too old)" in export("--otlp", there.url, *logs)
        assert "0 records" in export("--otlp", there.url, *logs)


def test_no_other_endpoint_gets_anything(export) -> None:
    """A redirection is an error, not a way."""
    logs = ("--logs-dir", str(CORPUS / S9))
    with receiver() as other, receiver(answer=lambda _: (307, b"", {"Location": f"{other.url}/v1/traces"})) as there:
        assert "took 0 records, then no more" in export("--otlp", there.url, *logs, code=2)
        assert (there.requests >= 1, other.requests, other.spans) == (True, 0, [])


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("localhost:4318", "no URL"), ("ftp://localhost", "no URL"), ("http://", "no URL"), ("http://localhost:x", "no URL"),
        ("https://user:hunter2@localhost", "no user or password"), ("http://localhost/?a=b", "no URL"),
    ],
)  # fmt: skip
def test_an_endpoint_that_is_none_is_refused(export, endpoint: str, said: str) -> None:
    """With what would be one; a password in it is not repeated."""
    told = export("--otlp", endpoint, "--logs-dir", str(CORPUS / S9), code=2)
    assert said in told
    assert "hunter2" not in told


def test_without_the_extra_export_says_what_to_install(tmp_path: Path) -> None:
    """And Parquet, and everything else, needs no OpenTelemetry."""
    code = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http'] = None; from massgen_logs.cli import main; "
        f"logs = ['--logs-dir', {str(CORPUS / S9)!r}]; assert main(['export', '--parquet', {str(tmp_path / 'out')!r}, *logs]) == 0; "
        "assert not any(name.startswith('opentelemetry.sdk') for name in sys.modules); "
        "sys.exit(main(['export', '--otlp', 'http://127.0.0.1:9', *logs]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "massgen-logs[otlp]" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_whose_name_is_no_text_is_exported(export, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record's source names it with marks in the place of its bytes, in either form."""
    monkeypatch.setattr(
        loading, "records", lambda run: [replace(r, where="agent\udcff/answer.txt") for r in records(run)]
    )
    logs = ("--logs-dir", str(CORPUS / S9))
    export("--parquet", str(tmp_path / "out"), *logs)
    assert {json.loads(row["attributes"])["massgen_logs.source"] for row in parquet(tmp_path / "out")} == {
        "agent?/answer.txt"
    }
    with receiver() as there:
        export("--otlp", there.url, *logs)
        assert len(there.spans) == len(parquet(tmp_path / "out"))


def test_a_run_in_progress_is_not_sent(export, copy_of, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its spans have no end yet, and what was sent can't be taken back."""
    root = copy_of("s6_killed_0.1.97")
    monkeypatch.setattr(ending, "ALIVE_S", 1e10)  # as if its last sign of life were new
    with receiver() as there:
        told = export("--otlp", there.url, "--logs-dir", str(root))
        assert "still in progress, not sent: log_" in told
        assert there.spans == []


def test_a_terminal_gets_a_progress_bar_and_a_pipe_does_not(tmp_path: Path) -> None:
    """On standard error, so that standard output stays the same."""
    command = [
        sys.executable,
        "-m",
        "massgen_logs",
        "export",
        "--parquet",
        str(tmp_path / "out"),
        "--logs-dir",
        str(CORPUS / S9),
    ]
    ours, theirs = pty.openpty()
    try:
        on_terminal = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=theirs, check=True, env={**os.environ, "TERM": "xterm"}
        )
        assert b"logs" in os.read(ours, 65536)
    finally:
        os.close(ours)
        os.close(theirs)
    piped = subprocess.run(command, capture_output=True, check=True)
    assert piped.stderr == b""
    assert piped.stdout == on_terminal.stdout
