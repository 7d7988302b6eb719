"""Log trees of any size, made from the real sample runs in tests/data: their own lines, repeated, with later times and other commands.

What is repeated keeps the mix of the run it comes from. `python benchmarks/generate.py --help` makes a tree by hand.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tarfile
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
DATA = HERE / ".data"
SAMPLES = HERE.parent / "tests" / "data" / "corpus.tar.xz"
LARGE = "s13b_large_agent_dead_0.1.97"
"""190 calls of three agents, 12 MB: what long runs are made from."""
OLD = "s1_clean_0.1.45"
"""A run of the last version that wrote a streaming_debug.log."""
SMALL = (
    "s1_clean_0.1.97",
    "s3_enforcement_0.1.97",
    "s2_three_agents_0.1.97",
    "s1_clean_0.1.61",
    "s5b_orch_timeout_one_answer_0.1.97",
    "s6_killed_0.1.97",
)
"""What a folder of many runs is made from: four finished, one timed out, one killed."""
_TIME = re.compile(rb'(?<="timestamp": ")[0-9T:.\-]{26}')
_COMMAND = re.compile(rb'"args": \{"command": "((?:[^"\\]|\\.)*)"')
_ID = re.compile(rb'"tool_id": "[^"]*')
_BODY = (b"tool_start", b"tool_complete", b"thinking", b"text", b"hook_execution")


def samples() -> Path:
    """The sample runs, unpacked once."""
    folder = DATA / "corpus"
    if not folder.is_dir():
        DATA.mkdir(exist_ok=True)
        with tarfile.open(SAMPLES) as archive:
            archive.extractall(DATA / "unpacking", filter="data")
        inner = DATA / "unpacking"
        found = next(p.parent for p in sorted(inner.rglob(LARGE)))
        found.rename(folder)
        shutil.rmtree(inner, ignore_errors=True)
    return folder


def log_of(sample: str) -> Path:
    """The only log folder of a sample run."""
    return next(
        p for p in sorted((samples() / sample / ".massgen" / "massgen_logs").iterdir()) if p.name.startswith("log_")
    )


def attempt_of(log: Path) -> Path:
    """Its first attempt."""
    return log / "turn_1" / "attempt_1"


def sessions(root: Path, count: int) -> Path:
    """`count` logs in `root`/.massgen/massgen_logs, one a minute: copies of small runs whose files are hard links, without workspaces.
    Every tenth has a report."""
    logs = root / ".massgen" / "massgen_logs"
    logs.mkdir(parents=True, exist_ok=True)
    originals = [_files(log_of(name)) for name in SMALL]
    weights = [0] * 6 + [1, 1, 2, 3] * 3 + [4, 5]
    start = datetime(2026, 1, 1)
    for number in range(count):
        log = logs / (start + timedelta(minutes=number)).strftime("log_%Y%m%d_%H%M%S_000000")
        base, folders, files = originals[weights[number % len(weights)]]
        log.mkdir()
        for folder in folders:
            os.mkdir(log / folder)
        for file in files:
            os.link(base / file, log / file)
        if number % 10 == 0:
            (log / "turn_1" / "ANALYSIS_REPORT.md").write_text("# Report\n")
    return logs


def _files(log: Path) -> tuple[Path, list[str], list[str]]:
    """A copy on this file system to link from, its folders and its files, without workspaces."""
    base = DATA / "originals" / log.name
    if not base.is_dir():
        shutil.copytree(log, base, ignore=shutil.ignore_patterns("workspace"))
    folders, files = list[str](), list[str]()
    for path, inner, names in os.walk(base):
        here = Path(path).relative_to(base)
        folders += [str(here / name) for name in inner]
        files += [str(here / name) for name in names]
    return base, folders, files


def events(path: Path, size: int) -> None:
    """An events.jsonl of about `size` bytes: the lines of the large run; its calls, reasoning and text again and again before its
    end, each time later, every other command with a number of its own."""
    lines = (attempt_of(log_of(LARGE)) / "events.jsonl").read_bytes().splitlines(keepends=True)
    ending = next(i for i, line in enumerate(lines) if b'"final_presentation_start"' in line[:90])
    body = [line for line in lines[:ending] if line.split(b'"event_type": "', 1)[1].startswith(_BODY)]
    times = [datetime.fromisoformat(_TIME.search(line)[0].decode()) for line in body]  # type: ignore[index]
    took = times[-1] - times[0] + timedelta(seconds=1)
    room = size - sum(map(len, lines))
    with path.open("wb") as file:
        file.writelines(lines[:ending])
        copy = 0
        while room > 0:
            copy += 1
            made = b"".join(_again(line, time + took * copy, copy) for line, time in zip(body, times, strict=True))
            room -= file.write(made)
        file.writelines(_TIME.sub(_stamp(times[-1] + took * (copy + 1)), line, count=1) for line in lines[ending:])


def _stamp(time: datetime) -> bytes:
    return time.isoformat(timespec="microseconds").encode()


def _again(line: bytes, time: datetime, copy: int) -> bytes:
    line = _TIME.sub(_stamp(time), line, count=1)
    if b'"tool_id": "' in line[:200]:
        line = _ID.sub(lambda match: match[0] + b"_%d" % copy, line, count=1)
        line = _COMMAND.sub(lambda match: _numbered(match, copy), line, count=1)
    return line


def _numbered(match: re.Match[bytes], copy: int) -> bytes:
    """Half of the commands again as they were (work done twice), half as new ones."""
    return match[0] if len(match[1]) % 2 else match[0][:-1] + b' # %d"' % copy


def streaming(path: Path, size: int, quiet: int = 40) -> None:
    """A streaming_debug.log of about `size` bytes: the lines of a run of 0.1.45, with the small reasoning and content chunks `quiet` times
    (the sample run's scripted model wrote some words between its calls; a real one writes hundreds), every other command numbered."""
    text = (attempt_of(log_of(OLD)) / "streaming_debug.log").read_bytes()
    chunks = re.split(rb"(?m)^(?=\d\d:\d\d:\d\d\.\d{3} \| )", text)
    said = [
        chunk
        for chunk in chunks
        if b"StreamChunk(type='reasoning'" in chunk[:120] or b"StreamChunk(type='content', content='" in chunk[:120]
    ]
    said = [chunk for chunk in said if len(chunk) < 800]
    small = set(said)
    room, copy = size, 0
    with path.open("wb") as file:
        while room > 0:
            copy += 1
            parts = [
                chunk * quiet
                if chunk in small
                else re.sub(rb'(?<="command": ")npm install(?=")', b"npm install # %d" % copy, chunk)
                for chunk in chunks
            ]
            room -= file.write(b"".join(parts))


def large_events(root: Path, size: int) -> Path:
    """The large run with an events.jsonl of this size, and nothing else enlarged."""
    log = _copied(root, LARGE)
    events(_new(attempt_of(log) / "events.jsonl"), size)
    return log


def large_streaming(root: Path, size: int) -> Path:
    """A run of 0.1.45 of which only streaming_debug.log tells the commands, of this size."""
    log = _copied(root, OLD)
    attempt = attempt_of(log)
    for name in ("massgen.log", "agent_outputs"):
        path = attempt / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    streaming(_new(attempt / "streaming_debug.log"), size)
    return log


def large_attempt(root: Path, size: int) -> Path:
    """The large run with all its logs enlarged alike until the attempt has about `size` bytes."""
    log = _copied(root, LARGE)
    attempt = attempt_of(log)
    factor = max(1, round(size / sum(p.stat().st_size for p in attempt.rglob("*") if p.is_file())))
    source = attempt_of(log_of(LARGE))
    events(_new(attempt / "events.jsonl"), factor * (source / "events.jsonl").stat().st_size)
    data = json.loads((source / "coordination_events.json").read_bytes())
    happened = data["events"]
    waits = [event for event in happened if event["event_type"] == "iteration_start"]
    data["events"] = happened[:-1] + waits * (factor - 1) + happened[-1:]
    _new(attempt / "coordination_events.json").write_text(json.dumps(data, indent=2))
    for path in [
        *attempt.glob("*/*/execution_trace.md"),
        *attempt.glob("agent_outputs/*.txt"),
        attempt / "massgen.log",
    ]:
        text = path.read_bytes()
        with _new(path).open("wb") as file:
            for _ in range(factor):
                file.write(text)
    return log


def _copied(root: Path, sample: str) -> Path:
    log = log_of(sample)
    new = root / ".massgen" / "massgen_logs" / log.name
    shutil.copytree(log, new, ignore=shutil.ignore_patterns("workspace"))
    return new


def _new(path: Path) -> Path:
    """The path without the read-only file that was there."""
    path.unlink(missing_ok=True)
    return path


def main() -> None:
    """Make one tree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["sessions", "events", "streaming", "attempt"])
    parser.add_argument("root", type=Path)
    parser.add_argument("size", type=float, help="logs, or megabytes")
    options = parser.parse_args()
    if options.kind == "sessions":
        print(sessions(options.root, int(options.size)))
    else:
        make = {"events": large_events, "streaming": large_streaming, "attempt": large_attempt}[options.kind]
        print(make(options.root, int(options.size * 1_000_000)))


if __name__ == "__main__":
    main()
