"""Measures massgen-logs beside what a user would do instead, and writes results.json, RESULTS.md, the plots and the README's table.

`make bench SIZE=0.01` takes some minutes; SIZE=1 measures at 10,000 logs and 1 GB. CPU time is told, not wall time: a machine that
does other things too hardly changes it; each pair is run in turn (A B A B), figures are medians.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import generate
import peers
import write
from measure import Cost, Server, command, in_turn, listing, median

HERE = Path(__file__).parent
OURS = HERE.parent / ".venv" / "bin"
LOGS = str(OURS / "massgen-logs")
GROWTH = (1 / 16, 1 / 4, 1.0)


@dataclass(slots=True)
class Point:
    """One size of a row: medians, and what the peer's CPU time is divided by ours, run by run."""

    size: str
    ours: Cost
    peer: Cost | None
    ratio: float | None


@dataclass(slots=True)
class Row:
    """work, peer, at_least: as in the table; unit of the sizes; points from small to large; note: what must be known to read it."""

    id: str
    work: str
    peer: str
    at_least: str
    points: list[Point] = field(default_factory=list[Point])
    figures: dict[str, float] = field(default_factory=dict[str, float])
    note: str = ""
    skipped: str = ""


class Bench:
    """The rows, at a size."""

    def __init__(self, size: float, runs: int, work: Path) -> None:
        self.size, self.runs, self.work = size, runs, work

    def _fresh(self, name: str) -> Path:
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _compare(
        self, row: Row, name: str, make: Callable[[Path, float], tuple[str, list[str], list[str] | None, Path]],
        growth: tuple[float, ...] = GROWTH,
    ) -> Row:  # fmt: skip
        """Measure at each size; `make` prepares one and gives its name, our command, the peer's, and where to run them."""
        for part in growth:
            folder = self._fresh(name)
            size, ours, theirs, cwd = make(folder, part * self.size)
            for warm in (ours, theirs):
                if warm and part == growth[0]:
                    command(warm, cwd)
            first, second = in_turn(
                partial(command, ours, cwd), partial(command, theirs, cwd) if theirs else None, self.runs
            )
            ratio = statistics.median(b.cpu / a.cpu for a, b in zip(first, second, strict=True)) if second else None
            row.points.append(Point(size, median(first), median(second) if second else None, ratio))
            print(f"{row.id} {size}: {row.points[-1]}", flush=True)
            shutil.rmtree(folder)
        return row

    def _list(self, row: Row, *ours: str, theirs: tuple[str, ...]) -> Row:
        base = peers.massgen()

        def make(folder: Path, part: float) -> tuple[str, list[str], list[str] | None, Path]:
            count = max(10, round(10_000 * part))
            generate.sessions(folder, count)
            limit = str(count)
            peer = [str(base / "bin" / "massgen"), "logs", "list", *(a.format(limit) for a in theirs)] if base else None
            return f"{count:,} logs", [LOGS, "list-logs", *ours], peer, folder

        return self._compare(row, "list", make)

    def list_twenty(self) -> Row:
        """The first row."""
        return self._list(
            Row("list", "list-logs --limit 20", "massgen logs list --limit 20", "60 times less CPU; under 60 MB"),
            "--limit", "20", theirs=("--limit", "20"),
        )  # fmt: skip

    def list_unanalyzed(self) -> Row:
        """With the filter, which must look into each log."""
        return self._list(
            Row("list-unanalyzed", "list-logs --unanalyzed --limit 20", "massgen logs list --unanalyzed --limit 20", "30 times"),
            "--unanalyzed", "--limit", "20", theirs=("--unanalyzed", "--limit", "20"),
        )  # fmt: skip

    def list_all(self) -> Row:
        """All rows: page by page, since an answer has a limit."""
        row = Row("list-all", "list-logs, all rows", "massgen logs list --limit COUNT", "30 times; linear in rows")
        row.note = (
            "ours: all pages in one process (benchmarks/all_rows.py), since no answer is longer than 10,000 tokens"
        )
        base = peers.massgen()

        def make(folder: Path, part: float) -> tuple[str, list[str], list[str] | None, Path]:
            count = max(10, round(10_000 * part))
            generate.sessions(folder, count)
            peer = [str(base / "bin" / "massgen"), "logs", "list", "--limit", str(count)] if base else None
            return f"{count:,} logs", [str(OURS / "python"), str(HERE / "all_rows.py"), str(folder)], peer, folder

        return self._compare(row, "list-all", make)

    def server(self) -> Row:
        """Spawn to tools/list."""
        row = Row(
            "server", "server process: spawn to tools/list", "an empty MCPServer of the same SDK", "at most 1.15 times"
        )
        folder = self._fresh("server")
        generate.sessions(folder, 10)
        empty = [str(OURS / "python"), "-c", "from mcp.server import MCPServer; MCPServer('empty').run('stdio')"]
        ours = [LOGS, "serve"]
        first, second = in_turn(partial(listing, ours, folder), partial(listing, empty, folder), self.runs * 3)
        first, second = first[1:], second[1:]  # the first of each fills the disk cache
        ratio = statistics.median(a.cpu / b.cpu for a, b in zip(first, second, strict=True))
        row.points.append(Point("-", median(first), median(second), 1 / ratio))
        row.figures = {"times the empty server's CPU": ratio}
        return row

    def running(self) -> Row:
        """Calls in a running server: absolute figures."""
        row = Row(
            "running",
            "a call in a running server: overview of a 1 MB attempt",
            "-",
            "first under 50 ms, repeated under 5 ms",
        )
        folder = self._fresh("running")
        generate.large_attempt(folder / "warm", 1)
        first, again = list[float](), list[float]()
        for number in range(max(3, self.runs)):
            tree = folder / str(number)
            shutil.copytree(
                generate.log_of("s1_clean_0.1.97"),
                tree / ".massgen" / "massgen_logs" / generate.log_of("s1_clean_0.1.97").name,
            )
            server = Server([LOGS, "serve"], folder)
            server.call("run_overview", logs_dir=str(folder / "warm"))  # imports
            first.append(server.call("run_overview", logs_dir=str(tree)))
            again += [server.call("run_overview", logs_dir=str(tree)) for _ in range(5)]
            server.end()
        row.figures = {"first, ms": statistics.median(first) * 1000, "repeated, ms": statistics.median(again) * 1000}
        row.note = "wall time; the sample run s1_clean_0.1.97 (0.7 MB), after another run's overview"
        return row

    def streaming(self) -> Row:
        """A long streaming_debug.log."""
        row = Row(
            "streaming",
            "repeated-commands, 1 GB streaming_debug.log",
            "the seed's grep, sed, sort, uniq in the C locale",
            "no slower, and right",
        )
        row.note = "the pipeline counts each command twice, and none with a quote in it"

        def make(folder: Path, part: float) -> tuple[str, list[str], list[str] | None, Path]:
            attempt = generate.attempt_of(_made("streaming", folder, 1000 * part))
            return (
                _megabytes(attempt / "streaming_debug.log"),
                [LOGS, "repeated-commands"],
                peers.shell(peers.SEED.format(file=peers.quoted(attempt / "streaming_debug.log"))),
                folder,
            )

        return self._compare(row, "streaming", make)

    def events(self) -> Row:
        """A long events.jsonl."""
        row = Row(
            "events",
            "repeated-commands, 1 GB events.jsonl",
            "jq with sort and uniq",
            "12 times faster; memory that doesn't grow with the file",
        )
        row.note = "jq lists the commands only; ours pairs each with its result, exit code and time, and reads all other facts of the run"

        def make(folder: Path, part: float) -> tuple[str, list[str], list[str] | None, Path]:
            attempt = generate.attempt_of(_made("events", folder, 1000 * part))
            peer = (
                peers.shell(peers.COUNT.format(file=peers.quoted(attempt / "events.jsonl")))
                if shutil.which("jq")
                else None
            )
            return _megabytes(attempt / "events.jsonl"), [LOGS, "repeated-commands"], peer, folder

        return self._compare(row, "events", make)

    def _attempt(self, row: Row, tool: str, script: str) -> Row:
        def make(folder: Path, part: float) -> tuple[str, list[str], list[str] | None, Path]:
            attempt = generate.attempt_of(_made("attempt", folder, 100 * part))
            whole = f"cd {peers.quoted(attempt)} && {{ {script}\n}}"
            size = sum(p.stat().st_size for p in attempt.rglob("*") if p.is_file())
            return f"{size / 1e6:,.1f} MB", [LOGS, tool], peers.shell(whole) if shutil.which("jq") else None, folder

        return self._compare(row, tool, make)

    def overview(self) -> Row:
        """A large attempt: what happened."""
        row = Row("overview", "run-overview, 100 MB attempt", "the skill's jq commands", "5 times faster")
        return self._attempt(row, "run-overview", peers.OVERVIEW)

    def times(self) -> Row:
        """A large attempt: where time went."""
        row = Row(
            "times",
            "time-breakdown, 100 MB attempt",
            "the skill's python program, and jq over events.jsonl",
            "5 times faster",
        )
        (self.work / "rounds.py").write_text(peers.rounds_script() or "")
        script = f"{peers.quoted(OURS / 'python')} {peers.quoted(self.work / 'rounds.py')}\n"
        script += """jq -r 'select(.event_type == "tool_complete") | [.agent_id, .data.tool_name, .data.elapsed_seconds] | @tsv' events.jsonl | sort"""
        return self._attempt(row, "time-breakdown", script)

    def draft(self) -> Row:
        """A large attempt: everything."""
        row = Row("draft", "draft-report, 100 MB attempt", "all of the skill's commands", "5 times faster")
        return self._attempt(row, "draft-report", peers.DRAFT)

    def records(self) -> Row:
        """SQL over many runs in one process, first and again; DuckDB reads the JSON files anew each time."""
        count = max(10, round(1000 * self.size))
        row = Row(
            "records",
            f"query-records over {count:,} runs, first and again",
            "DuckDB read_json on the same files",
            "no slower the second time",
        )
        folder = self._fresh("records")
        logs = generate.sessions(folder, count)
        base = peers.duckdb()
        if base is None:
            row.skipped = "DuckDB could not be fetched"
            return row
        done = subprocess.run(
            [OURS / "python", HERE / "records.py", "ours", logs], capture_output=True, text=True, check=True
        )
        theirs = subprocess.run(
            [base / "bin" / "python", HERE / "records.py", "duckdb", logs], capture_output=True, text=True, check=True
        )
        row.figures = {f"ours, {name}, s": value for name, value in json.loads(done.stdout).items()}
        row.figures |= {f"DuckDB, {name}, s": value for name, value in json.loads(theirs.stdout).items()}
        row.note = f"{count} runs; wall time in one process each; the question: calls and their seconds by tool, which DuckDB must take out of events.jsonl"
        shutil.rmtree(folder)
        return row

    def tokens(self) -> Row:
        """What an agent reads for the standard analysis."""
        row = Row(
            "tokens",
            "tokens an agent reads for the whole standard analysis of a run",
            "MassGen's own skill: its text and the files that it says to read",
            "10 times fewer",
        )
        import tokens

        own = peers.skill()
        if own is None:
            row.skipped = "MassGen's package could not be fetched"
            return row
        for sample in ("s1_clean_0.1.97", "s13b_large_agent_dead_0.1.97"):
            ours, theirs = tokens.ours(generate.log_of(sample)), tokens.theirs(generate.log_of(sample), own)
            row.figures |= {
                f"{sample}, ours": ours,
                f"{sample}, the skill's": theirs,
                f"{sample}, times": theirs / ours,
                f"{sample}, of the report, not written by the agent": tokens.draft(generate.log_of(sample)),
            }
        row.note = (
            "4 characters a token; both with their skill's text; ours with the server's instructions, all tools' names, the schemas of "
            "those that are called (as Claude Code shows them), the overview, the draft, the answers that it names where it cuts a "
            "table, and a page of each agent's trace. The skill's agent writes its whole report; "
            "ours writes its judgements, and write_report puts the measured part in"
        )
        return row


def _made(kind: str, folder: Path, size: float) -> Path:
    """The log, made by another process: a child's peak memory is never told as less than its parent's."""
    made = [sys.executable, str(HERE / "generate.py"), kind, str(folder), str(size)]
    return Path(subprocess.run(made, capture_output=True, text=True, check=True).stdout.strip())


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:,.0f} MB"


ROWS = ("list_twenty", "list_unanalyzed", "list_all", "server", "running", "streaming", "events", "overview", "times", "draft", "records", "tokens")  # fmt: skip


def _machine() -> dict[str, str]:
    """Its kind, and the versions of everything; no host's name."""
    model = platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        model = next(
            (line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")),
            model,
        )
    return {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {model}",
        "Python": platform.python_version(),
        "massgen-logs": importlib.metadata.version("massgen-logs"),
        "mcp": importlib.metadata.version("mcp"),
        "massgen": peers.MASSGEN.partition("==")[2],
        "jq": peers.version("jq"),
        "grep": peers.version("grep"),
    }


def main() -> None:
    """Measure the rows that were asked for; results of others stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.01, help="1: 10,000 logs, 1 GB, 100 MB (default: 0.01)")
    parser.add_argument("--runs", type=int, default=3, help="of each pair")
    parser.add_argument("--rows", default=",".join(ROWS), help="names, with commas between")
    parser.add_argument(
        "--out", type=Path, default=None, help="folder of the results (default: benchmarks/ at size 1, else .data)"
    )
    options = parser.parse_args()
    work = generate.DATA / "work"
    work.mkdir(parents=True, exist_ok=True)
    bench = Bench(options.size, options.runs, work)
    out: Path = options.out or (HERE if options.size >= 1 else generate.DATA)
    file = out / "results.json"
    kept = json.loads(file.read_text()) if file.exists() else {"rows": {}}
    for name in options.rows.split(","):
        row: Row = getattr(bench, name)()
        kept["rows"][row.id] = asdict(row) | {"scale": options.size, "runs": options.runs}
        kept |= _machine()
        file.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"{row.id}: {row.skipped or row.figures or ''}", flush=True)
    shutil.rmtree(work, ignore_errors=True)
    write.everything(kept, out, HERE.parent / "README.md" if out == HERE else None)
    print(out / "RESULTS.md")


if __name__ == "__main__":
    sys.exit(main())
