"""report: draft the report of a turn, measured parts filled, judgements marked; to standard output or a file."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from massgen_logs.commands.arguments import add_log, settle
from massgen_logs.errors import MassgenLogError
from massgen_logs.handles import SESSION
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get


def parser() -> argparse.ArgumentParser:
    """Its arguments."""
    made = argparse.ArgumentParser(
        prog="massgen-logs report",
        description="Draft ANALYSIS_REPORT.md: every measured part filled, [[JUDGE: ...]] where a judgement belongs. Nothing is "
        "saved beside the log: massgen-logs write-report --content @FILE does that with the finished report.",
    )
    add_log(made)
    made.add_argument("--attempt", type=int, help="attempt number; default: the last")
    made.add_argument("--language", choices=("en", "zh"), default="en", help="default: en")
    made.add_argument(
        "--output", "-o", metavar="FILE", help="write the draft there, outside the logs; an existing file is kept"
    )
    return made


def main(arguments: list[str]) -> int:
    """Print or write the draft; what is left to do is told on standard error.

    Raises:
        MassgenLogError: if the run can't be read or the file not be written.
    """
    options = vars(parser().parse_args(arguments))
    settle(options)
    output: str | None = options.pop("output")
    options["log"] = options["log"] or "latest"
    data = call(get("draft_report"), options).data
    draft = data["markdown"].rstrip() + "\n"
    if output is None:
        sys.stdout.buffer.write(draft.encode("utf-8", "replace"))
        where = "the draft"
    else:
        _write(Path(output), draft)
        where = output
    note = f"{data['to_fill']} [[JUDGE: ...]] places to fill in {where}; then massgen-logs write-report saves it (--content @FILE) to"
    print(f"{note} {data['path']}{', where a report exists' if data['exists'] else ''}", file=sys.stderr)
    return 0


def _write(path: Path, draft: str) -> None:
    """A new file that is no part of a log: a draft there would count as its report."""
    folder = Path(os.path.realpath(path.parent))
    if any(SESSION.fullmatch(part) for part in folder.parts):
        raise MassgenLogError(
            f"--output {path}: is inside a log; write the draft elsewhere, write-report saves the finished report."
        )
    try:
        with (folder / path.name).open("x", encoding="utf-8", errors="replace") as file:
            file.write(draft)
    except FileExistsError as error:
        raise MassgenLogError(f"--output {path}: exists already; remove it or name another file.") from error
    except OSError as error:
        raise MassgenLogError(f"--output {path}: {error.strerror or error}.") from error
