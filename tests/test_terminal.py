"""What a person sees on a terminal: tables as tables, every other line as it stands."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys

from rich.console import Console

from conftest import CORPUS
from massgen_logs import terminal


def on_a_terminal(*arguments: str, code: int = 0) -> list[str]:
    """The lines that the command line prints to a pseudo-terminal of 160 columns, without styles."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"COLUMNS": "160", "TERM": "xterm", "LINES": "50"}
    with subprocess.Popen(
        [sys.executable, "-m", "massgen_logs", *arguments], stdout=theirs, stdin=theirs, env=environment
    ) as process:
        os.close(theirs)
        seen = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            seen += piece
    os.close(ours)
    assert process.returncode == code
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r", "").split("\n")


def test_an_overview_keeps_its_lines() -> None:
    """No line flows into the next, none becomes a row of a table."""
    lines = on_a_terminal("run-overview", "--logs-dir", str(CORPUS / "s1_clean_0.1.97"))
    assert lines[0].startswith("run_overview · log_20261122_104800_969289 · turn 1")
    assert lines[1].startswith("question (user's words): ")
    assert lines[2].startswith("winner: agent_a")
    assert "checks:" in lines
    assert sum(line.startswith("- ok ") for line in lines) == 5
    header = next(i for i, line in enumerate(lines) if line.split()[:3] == ["agent", "backend", "model"])
    assert set(lines[header + 1].strip()) == {"─"}
    assert [line.split()[0] for line in lines[header + 2 : header + 4]] == ["agent_a", "agent_b"]


def test_log_text_is_no_markup() -> None:
    """Brackets, links and table rows in a fence are printed as they stand; an escaped pipe is a pipe."""
    console = Console(record=True, width=100)
    fenced = ["````text", "|no|table|", "|-|-|", "[bold red]x[/] [link=http://x]y[/link]", "```", "````"]
    terminal.show("\n".join(["[bold]head[/]", "|a|b|", "|-|-|", r"|x \| y|[b]z[/b]|", *fenced, "end"]), console)
    printed = [line.rstrip() for line in console.export_text().split("\n")]
    assert printed[0] == "[bold]head[/]"
    assert any(line.split() == ["x", "|", "y", "[b]z[/b]"] for line in printed)
    assert printed[-len(fenced) - 2 :] == [*fenced, "end", ""]
