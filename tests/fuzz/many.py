"""A log root with very many entries."""

from __future__ import annotations

import os
import time
from pathlib import Path

from oracle import wrong_with

from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get


def many(root: Path, count: int, what: str) -> None:
    """A log root with `count` entries beside one run, which is older than all of them.

    what: "empty" log folders, "runs" of the oldest layout, or "files".
    """
    root.mkdir(parents=True)
    run_ = root / "log_20250101_000000_000000"
    run_.mkdir()
    log = run_ / "massgen.log"
    log.write_text("10:00:00 | INFO | Orchestrator started\n")
    for number in range(count):
        name = (
            root
            / f"log_{20260101 + number // 86400:08d}_{number // 3600 % 24:02d}{number // 60 % 60:02d}{number % 60:02d}_{number:06d}"
        )
        if what == "files":
            name.touch()
        else:
            name.mkdir()
            if what == "runs":
                if number % 30_000 == 29_999:  # a file has only so many names
                    log = name / "massgen.log"
                    log.write_text("10:00:00 | INFO | Orchestrator started\n")
                else:
                    os.link(log, name / "massgen.log")


def ask_many(root: Path) -> dict[str, tuple[float, str]]:
    """list_logs and the latest run of such a root: processor seconds and the text of each answer."""
    found: dict[str, tuple[float, str]] = {}
    for title, name, arguments in (
        ("list_logs", "list_logs", {}), ("list_logs not analyzed", "list_logs", {"analyzed": False}),
        ("list_logs limit 1000", "list_logs", {"limit": 1000}), ("latest", "run_overview", {"log": "latest"}),
    ):  # fmt: skip
        began = time.process_time()
        answer = call(get(name), {"logs_dir": str(root), **arguments})
        found[title] = (time.process_time() - began, answer.text())
        assert not wrong_with(answer), wrong_with(answer)
    return found
