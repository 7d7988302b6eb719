"""Runs every tool over broken trees, in worker processes that may be killed, and checks every answer by one oracle.

    make fuzz FUZZ="--mutants 12000 --result fuzz.json"

A worker makes a mutant, calls every tool of the registry on it and says before each call what it does. A call that takes
LIMIT_S of the processor ends its worker and counts as a hang, and so does one that waits for WAIT_S (a busy machine is
no hang). Its address space is limited to MEMORY_MB. As root, who may open every file, it works as nobody.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import itertools
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import mutator
from many import ask_many, many
from mutant import Mutant, Spec, attempts
from oracle import BUDGET, FORBIDDEN, not_told, wrong_with
from plans import chance, every_field, every_kill, every_kind

import figures as readme
from massgen_logs.errors import MassgenLogError
from massgen_logs.run import load
from massgen_logs.tools.base import Answer, call
from massgen_logs.tools.registry import NAMES, get
from massgen_logs.tree import resolve

LIMIT_S = 20.0
"""Seconds of the processor that a call may take."""
WAIT_S = 900.0
MEMORY_MB = 2048
_LISTED = ("status.json", "metrics_summary.json")


@dataclass
class Outcome:
    """What became of one mutant. calls: (tool, seconds of wall time, seconds of the processor, refused)."""

    spec: Spec
    steps: list[str] = field(default_factory=list)
    calls: list[tuple[str, float, float, bool]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    peak_mb: float = 0.0


# --- calls


_SPANS = [
    {"span_name": name, "duration": 1.5, "agent": "agent_a", "input_tokens": 5, "message": "x"}
    for name in ("coordination.session", "agent.agent_a.round_0", "mcp.command_line.execute_command", "Agent answer: agent1.1", "Agent vote: agent_a -> agent1.1", "Final answer from agent_a")
]  # fmt: skip
"""Rows that differ from any run."""


def calls_on(mutant: Mutant, other: Path, rng: random.Random) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every tool with arguments from the run itself. `other`: an unbroken log root, to compare with."""
    place: dict[str, Any] = {"logs_dir": str(mutant.root), "log": str(mutant.attempt)}
    yield "run_overview", place
    agents, labels = ["*"], ["final"]
    with contextlib.suppress(Exception):  # the tools will tell
        run = load.load(resolve(mutant.root, str(mutant.attempt)))
        agents, labels = list(run.agents)[:6] or ["*"], [a.label for a in run.answers if a.label] + ["final"]
    for name in NAMES:
        parameters = get(name).parameters()
        more: dict[str, Any] = (
            {"limit": rng.choice((1, 3, 50, 1000))} if "limit" in parameters and rng.random() < 0.5 else {}
        )
        match name:
            case "run_overview" | "write_report":
                continue
            case "list_logs":
                yield name, {"logs_dir": str(mutant.root), **more}
            case "compare_runs":
                yield (
                    name,
                    {"logs_dir": str(mutant.root), "logs": [str(mutant.attempt), str(attempts(other)[-1])]},
                )
            case "watch_run":
                yield name, {**place, "timeout_s": 0}
            case "read_trace":
                for agent in agents:
                    yield name, {**place, "agent": agent, **more}
            case "answer_progression":
                yield name, {**place, **more}
                yield name, {**place, "label": rng.choice(labels)}
            case "repeated_commands":
                yield name, {**place, "min_count": rng.choice((1, 2)), **more}
            case "draft_report":
                yield name, {**place, "language": rng.choice(("en", "en", "en", "zh"))}
            case "query_records":
                yield (
                    name,
                    {"logs_dir": str(mutant.root), "log": str(mutant.attempt), "sql": "SELECT * FROM records", **more},
                )
            case "reconcile":
                yield name, {**place, "spans": json.dumps(rng.choices(_SPANS, k=5)), **more}
            case "cost_and_tokens":
                yield name, {**place, "part": rng.choice(("problems", "sources", "notes")), **more}
            case _:
                yield name, {**place, **more}


def one_mutant(spec: Spec, samples: Path, folder: Path, say: Any) -> Outcome:
    """Make the mutant and call every tool on it."""
    outcome = Outcome(spec)
    rng = random.Random(f"calls {spec.seed}")
    if (folder / "mutant").exists():
        _remove(folder / "mutant")  # of one that could not be made
    mutant = mutator.make(spec, own_copy(samples / spec.sample, folder), folder / "mutant" / "massgen_logs")
    outcome.steps = mutant.steps
    names = mutant.unreadable()
    stop = threading.Event()
    thread = threading.Thread(target=_grow, args=(mutant, stop)) if mutant.growing else None
    if thread:
        thread.start()

    def ask(name: str, arguments: dict[str, Any]) -> Answer | None:
        say(f"{name} {json.dumps({k: v for k, v in arguments.items() if k not in {'logs_dir', 'log', 'content'}})}")
        began, cpu = time.perf_counter(), time.process_time()
        answer, refused = None, False
        try:
            answer = call(get(name), arguments)
            outcome.failures += [f"{name}: {w}" for w in wrong_with(answer)]
            own = (
                [row for row in answer.data["logs"] if row["path"] in str(mutant.attempt)]
                if name == "list_logs"
                else []
            )
            if own and sum(len(t["attempts"]) for row in own for t in row["turns"]) == 1:
                told = {file for row in own for file in row["unreadable"]}
                outcome.failures += [
                    f"list_logs: {n} could not be read" for n in names if n in _LISTED and n not in told
                ]
            if answer.scope["session"]:
                outcome.failures += [f"{name}: {w}" for w in not_told(answer, names)]
        except MassgenLogError as error:
            refused = True
            if len(str(error)) > BUDGET or FORBIDDEN.search(str(error)):
                outcome.failures.append(f"{name}: an error of {len(str(error))} characters: {str(error)[:200]!r}")
        except (Exception, RecursionError) as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            outcome.failures.append(
                f"{name}: {type(error).__name__}: {str(error)[:200]} ({where.filename.rpartition('/')[2]}:{where.lineno})"
            )
        outcome.calls.append((name, time.perf_counter() - began, time.process_time() - cpu, refused))
        return answer

    try:
        for name, arguments in calls_on(mutant, samples / "s6_killed_0.1.97", rng):
            answer = ask(name, arguments)
            if answer and answer.page and answer.page.next_cursor and rng.random() < 0.5:
                ask(name, {**arguments, "cursor": answer.page.next_cursor})
            if answer and name == "draft_report" and rng.random() < 0.5:
                markdown = answer.data["markdown"]
                ask(
                    "write_report",
                    {"logs_dir": str(mutant.root), "log": str(mutant.attempt), "overwrite": True}
                    | (
                        {"content": re.sub(r"\[\[JUDGE.*?\]\]", "none", markdown, flags=re.S)}
                        if rng.random() < 0.5
                        else {
                            "judgements": f"Draft: {answer.data['key']}\n"
                            + "".join(f"### Place {n + 1}\nnone\n" for n in range(answer.data["to_fill"]))
                        }
                    ),
                )
    finally:
        stop.set()
        if thread:
            thread.join()
        _remove(folder / "mutant")
    outcome.peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return outcome


def own_copy(sample: Path, folder: Path) -> Path:
    """The sample's log root as this worker's own files: only these may be linked to by everyone."""
    copy = folder / "samples" / sample.name
    if not copy.exists():
        found = sorted(sample.glob(".massgen/massgen_logs")) or sorted(sample.glob("*/massgen_logs"))
        shutil.copytree(found[-1], copy, symlinks=True)
        for path in [copy, *copy.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def _grow(mutant: Mutant, stop: threading.Event) -> None:
    rest = {path: data for path, data in mutant.growing.items() if data}
    while rest and not stop.wait(0.002):
        for path, data in list(rest.items()):
            size = max(1, len(mutant.growing[path]) // 40)
            with (
                contextlib.suppress(OSError),
                os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK), "ab") as file,
            ):
                file.write(data[:size])
            rest[path] = data[size:]
            if not rest[path]:
                del rest[path]


def _remove(folder: Path) -> None:
    for path, folders, _ in os.walk(folder):
        for name in folders:
            if not os.path.islink(os.path.join(path, name)):
                os.chmod(os.path.join(path, name), 0o755)
    shutil.rmtree(folder)


# --- workers


def _work(pipe: Connection, samples: Path, folder: Path, limit_s: float, each: Any) -> None:
    def say(what: str) -> None:
        signal.setitimer(signal.ITIMER_PROF, limit_s)  # its signal ends the process, also inside C code
        pipe.send(what)

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MB << 20,) * 2)
    if os.geteuid() == 0:
        _import_all(samples, folder)
        os.chown(folder, 65534, 65534)
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    while (spec := pipe.recv()) is not None:
        try:
            pipe.send(each(spec, samples, folder, say))
        except Exception:
            pipe.send(Outcome(spec, failures=[f"the mutator or the runner failed: {traceback.format_exc()[-1500:]}"]))


def _import_all(samples: Path, folder: Path) -> None:
    """Import what the tools import late: nobody may not read a package that lies in a private folder."""
    for name in (
        "bz2",
        "lzma",
        "difflib",
        "encodings.cp437",
        *(f"encodings.utf_{n}{e}" for n in (16, 32) for e in ("", "_be", "_le")),
        "unicodedata",
    ):
        importlib.import_module(name)
    for sample in ("s1_clean_0.1.97", "s1_clean_0.1.12"):
        one_mutant(Spec(0, sample, ("report",)), samples, folder, lambda _: None)
    shutil.rmtree(folder / "samples")


@dataclass
class _Worker:
    process: Any
    pipe: Connection
    folder: Path
    spec: Spec | None = None
    doing: str = "starting"
    since: float = 0.0


def run(
    plan: Sequence[Spec], samples: Path, workers: int = 1, limit_s: float = LIMIT_S, report: Any = None, each: Any = one_mutant
) -> list[Outcome]:  # fmt: skip
    """Every mutant of the plan, by `each`; a worker that hangs or dies is replaced."""
    context = multiprocessing.get_context("spawn")
    todo, done = deque(plan), list[Outcome]()
    base = Path(tempfile.mkdtemp(prefix="fuzz_"))
    base.chmod(0o755)
    names = itertools.count()

    def start() -> _Worker:
        here, there = context.Pipe()
        folder = base / f"worker_{next(names)}"
        folder.mkdir()
        process = context.Process(target=_work, args=(there, samples, folder, limit_s, each), daemon=True)
        process.start()
        there.close()
        worker = _Worker(process, here, folder)
        give(worker)
        return worker

    def give(worker: _Worker) -> None:
        worker.spec = todo.popleft() if todo else None
        worker.since, worker.doing = time.monotonic(), "making the mutant"
        worker.pipe.send(worker.spec)

    team = [start() for _ in range(min(workers, len(plan)))]
    try:
        while any(w.spec for w in team):
            ready = wait([w.pipe for w in team if w.spec], timeout=1.0)
            for index, worker in enumerate(team):
                if worker.spec is None:
                    continue
                failure = None
                if worker.pipe in ready:
                    try:
                        said = worker.pipe.recv()
                    except (EOFError, ConnectionError):
                        worker.process.join()
                        code = worker.process.exitcode
                        ended = (
                            f"no answer within {limit_s} s of the processor"
                            if code == -signal.SIGPROF
                            else f"the process died ({code})"
                        )
                        failure = f"{worker.doing}: {ended}"
                    else:
                        worker.since = time.monotonic()
                        if isinstance(said, Outcome):
                            done.append(said)
                            if report:
                                report(said, len(done))
                            give(worker)
                        else:
                            worker.doing = said
                elif time.monotonic() - worker.since > WAIT_S:
                    failure = f"{worker.doing}: no answer within {WAIT_S} s"
                if failure:
                    worker.process.kill()
                    worker.process.join()
                    done.append(Outcome(worker.spec, failures=[failure]))
                    if report:
                        report(done[-1], len(done))
                    _remove(worker.folder)
                    team[index] = start()
    finally:
        for worker in team:
            worker.process.kill() if worker.spec else worker.process.join(5)
        _remove(base)
    return done


# --- figures


def figures(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What a run of mutants gave, for the table of a README."""
    calls = [(outcome, *made) for outcome in outcomes for made in outcome.calls]
    kinds = Counter(step.split(":")[0] for outcome in outcomes for step in outcome.steps)
    tools = {
        name: {
            "calls": len(own), "refused": sum(c[4] for c in own), "worst_cpu_s": round(max((c[3] for c in own), default=0), 2),
            "worst_wall_s": round(max((c[2] for c in own), default=0), 2),
        }
        for name in NAMES for own in [[c for c in calls if c[1] == name]]
    }  # fmt: skip
    worst = max(calls, key=lambda c: c[3], default=None)
    heaviest = max(outcomes, key=lambda o: o.peak_mb, default=None)
    failures = [{"spec": asdict(o.spec), "steps": o.steps, "what": o.failures} for o in outcomes if o.failures]
    return {
        "mutants": len(outcomes), "samples": len({o.spec.sample for o in outcomes}), "calls": len(calls),
        "refused": sum(c[4] for c in calls), "failures": len(failures),
        "worst_call": worst and {"tool": worst[1], "cpu_s": round(worst[3], 2), "wall_s": round(worst[2], 2), "steps": worst[0].steps, "spec": asdict(worst[0].spec)},
        "peak_memory_mb": heaviest and round(heaviest.peak_mb), "limit_s": LIMIT_S, "memory_limit_mb": MEMORY_MB,
        "kinds": dict(sorted(kinds.items())), "tools": tools, "failed": failures[:200],
    }  # fmt: skip


def main() -> int:
    """The nightly run; the exit code is 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Every tool over broken trees.")
    parser.add_argument("--mutants", type=int, default=12_000, help="at least so many; those by chance fill up")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=max(1, (os.cpu_count() or 2) - 1))
    parser.add_argument("--types", type=int, default=6, help="wrong types for each JSON field, of six")
    parser.add_argument("--entries", type=int, default=100_000, help="entries of the log root with very many")
    parser.add_argument("--result", type=Path, help="write the figures to this file")
    parser.add_argument("--readme", action="store_true", help="write the figures into the README too")
    parser.add_argument("--samples", type=Path, help="default: the corpus of the tests")
    options = parser.parse_args()
    if options.samples is None:
        from conftest import CORPUS

        options.samples = CORPUS
    began = time.monotonic()
    plan = [*every_kind(options.samples, options.seed), *every_kill(), *every_field(options.samples, options.types)]
    plan = plan + chance(max(0, options.mutants - len(plan)), options.samples, options.seed)
    random.Random(options.seed).shuffle(plan)
    plan = plan[: options.mutants] if options.mutants < len(plan) else plan

    def report(outcome: Outcome, number: int) -> None:
        for failure in outcome.failures[:3]:
            print(f"FAILED {outcome.spec}\n  {outcome.steps}\n  {failure}", flush=True)
        if number % 500 == 0:
            print(f"{number} of {len(plan)} mutants, {time.monotonic() - began:.0f} s", flush=True)

    found = figures(run(plan, options.samples, options.workers, report=report))
    found |= {"seed": options.seed, "many": {}}
    for what in ("empty", "runs", "files") if options.entries else ():
        with tempfile.TemporaryDirectory() as folder:
            many(Path(folder) / "massgen_logs", options.entries, what)
            asked = ask_many(Path(folder) / "massgen_logs")
            found["many"][f"{options.entries} {what}"] = {title: round(s, 2) for title, (s, _) in asked.items()}
    found["seconds"] = round(time.monotonic() - began)
    if options.result:
        options.result.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps({k: v for k, v in found.items() if k != "failed"}, indent=1))
    if options.readme:
        title = f"{readme.NIGHT}broken trees"
        readme.write(
            {
                title: f"{found['mutants']} mutants, {found['calls']} calls: {found['failures']} failed; the slowest took {found['worst_call']['cpu_s']} s of the processor, at most {found['peak_memory_mb']} MB"
            }
        )
    return 1 if found["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
