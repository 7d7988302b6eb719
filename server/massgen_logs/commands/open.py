"""open: show a turn's report, or its log's folder, in the desktop's own program; or print its path."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from massgen_logs.commands import NOT_ANSWERED
from massgen_logs.commands.arguments import add_log, settle
from massgen_logs.errors import MassgenLogError
from massgen_logs.tree import find_root, resolve


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="massgen-logs open",
        description="Open the report of a turn, or the folder of its log where there is none, in the desktop's own program. "
        "Without one the path is printed.",
    )
    add_log(made)
    made.add_argument("--folder", action="store_true", help="the log's folder, also where there is a report")
    made.add_argument("--print", action="store_true", help="only print the path, for scripts")
    return made


def main(arguments: list[str]) -> int:
    """Open it or print its path.

    What is opened is always ANALYSIS_REPORT.md or a folder named log_* or turn_*, never a file or a program that the log
    names.

    Raises:
        MassgenLogError: for a log or turn that doesn't exist.
    """
    options = vars(parser().parse_args(arguments))
    settle(options)
    log = options["log"] or "latest"
    place = resolve(find_root(options["logs_dir"], log), log, options["turn"])
    if place.turn.analyzed and not options["folder"]:
        path = place.turn.report
    else:
        path = place.turn.path if options["turn"] is not None else place.session.path
    print(path)
    if options["print"]:
        return 0
    opener = _opener()
    if opener is None:
        print("massgen-logs: there is no desktop here to open it with", file=sys.stderr)
        return 0
    return _open(opener, path)


def _opener() -> str | None:
    """The system's program that opens a path with what the user has chosen for its kind; None without a desktop."""
    if sys.platform in {"win32", "cygwin"}:
        return shutil.which("explorer")
    if sys.platform == "darwin":
        return shutil.which("open")
    return shutil.which("xdg-open") if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") else None


def _open(opener: str, path: Path) -> int:
    try:
        done = subprocess.run([opener, str(path)], stdin=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise MassgenLogError(f"{opener}: {error.strerror or error}.") from error
    # explorer's exit code says nothing
    return 0 if done.returncode == 0 or sys.platform in {"win32", "cygwin"} else NOT_ANSWERED
