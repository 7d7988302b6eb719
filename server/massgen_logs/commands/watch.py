"""watch: show what running runs do until they end: on a terminal as a display, else a line for every change."""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Iterator

from massgen_logs.analysis import living
from massgen_logs.commands import STOPPED
from massgen_logs.commands.arguments import add_logs_dir, settle
from massgen_logs.errors import MassgenLogError
from massgen_logs.run.live import LiveRun
from massgen_logs.text.mask import Masker
from massgen_logs.tools.watch_run import begin, brief, looks

ENDED_OTHERWISE = 1
STILL_RUNNING = 3


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="massgen-logs watch",
        description="Show what one or several running runs do, until all have ended. Exit codes: 0 all finished; 1 one timed "
        "out, failed or left no end; 2 not answered; 3 still running after --timeout, or changed with --until change; 130 "
        "Ctrl-C. It only reads: the run itself goes on.",
    )
    made.add_argument(
        "given", nargs="*", metavar="LOG", help="latest (default), a name, a unique prefix, or a path inside it"
    )
    made.add_argument("--log", action="append", default=[], help="the same")
    made.add_argument("--until", choices=("end", "change"), default="end", help="default: end")
    made.add_argument("--timeout", type=float, default=math.inf, metavar="S", help="seconds; default: without an end")
    made.add_argument("--interval", type=float, default=1.0, metavar="S", help="seconds between two looks; default: 1")
    add_logs_dir(made)
    return made


def main(arguments: list[str]) -> int:
    """Watch until the end, the timeout or Ctrl-C.

    Raises:
        MassgenLogError: for an unknown log.
    """
    options = vars(parser().parse_args(arguments))
    options["log"] = ",".join([*options.pop("given"), *options["log"]]) or "latest"
    settle(options)
    if not options["interval"] >= 0.1:
        raise MassgenLogError("--interval must be 0.1 or more.")
    watches = begin(options["logs_dir"], options["log"])
    begun = time.monotonic()
    every = looks(watches, lambda: options["timeout"] - (time.monotonic() - begun), options["interval"])
    until_change = options["until"] == "change"
    try:
        last = _display(every, until_change) if sys.stdout.isatty() else _lines(every, until_change)
    except KeyboardInterrupt:
        return STOPPED
    if not all(run.over for run in last):
        return STILL_RUNNING
    return 0 if all(run.state == "finished" for run in last) else ENDED_OTHERWISE


def _until(every: Iterator[list[LiveRun]], change: bool) -> Iterator[list[LiveRun]]:
    """The looks up to the one that finds every run ended or, if a change is waited for, one changed."""
    known = ""
    for runs in every:
        yield runs
        mark = living.mark(runs)
        if all(run.over for run in runs) or (change and known and mark != known):
            return
        known = mark


def _lines(every: Iterator[list[LiveRun]], change: bool) -> list[LiveRun]:
    """A line for each run at the start and whenever it has changed."""
    masker, told = Masker(), dict[str, str]()
    runs: list[LiveRun] = []
    for runs in _until(every, change):
        for run in runs:
            if told.get(run.session) != (mark := living.mark([run])):
                told[run.session] = mark
                print(masker.text(brief(run, masker)), flush=True)
    return runs


def _display(every: Iterator[list[LiveRun]], change: bool) -> list[LiveRun]:
    """The state in place, redrawn at each look."""
    from massgen_logs.commands.watch_display import display  # here: a pipe needs no rich

    runs: list[LiveRun] = []
    with display() as show:
        for runs in _until(every, change):
            show(runs)
    return runs
