"""watch_run and `massgen-logs watch` on runs that are being written: progress, several at once, cancelling, exit codes."""

from __future__ import annotations

import contextlib
import contextvars
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest
from mcp import Client
from test_living_runs import WRITER
from test_mcp_stdio import CLEAN, server, text_of

from conftest import CORPUS
from massgen_logs import stop
from massgen_logs.errors import MassgenLogError
from massgen_logs.tools import watch_run
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get
from test_terminal import on_a_terminal

THREE = "s2_three_agents_0.1.97"
NEVER_OVER = "log_20261231_000000_000000"


_GATE = """
while not os.path.exists(f"{os.path.dirname(target)}/go"):
    time.sleep(0.02)
"""


@contextlib.contextmanager
def replayed(root: Path, *names: str) -> Iterator[list[Path]]:
    """Real runs that are being written at speed, each by a process, which writes the end only when there is a file `go` in the
    turn; their turns."""
    sources = [next((CORPUS / name).glob(".massgen/massgen_logs/*/turn_1/attempt_1")) for name in names]
    targets = [root / source.parent.parent.name / "turn_1" / "attempt_1" for source in sources]
    script = WRITER.replace("for folder in sorted(", f"{_GATE}for folder in sorted(", 1)
    assert script != WRITER
    with contextlib.ExitStack() as stack:
        for source, target in zip(sources, targets, strict=True):
            stack.enter_context(subprocess.Popen([sys.executable, "-c", script, str(source), str(target)]))
        while not all((target / "status.json").exists() for target in targets):
            time.sleep(0.01)
        yield [target.parent for target in targets]


@pytest.fixture
def never_over(tmp_path: Path) -> Path:
    """The log root of a run whose last sign of life will be in ten minutes: it is in progress whenever it is looked at."""
    attempt = tmp_path / NEVER_OVER / "turn_1" / "attempt_1"
    attempt.mkdir(parents=True)
    status = {
        "finish_reason": "in_progress", "is_complete": False, "meta": {"last_updated": time.time() + 60, "elapsed_seconds": 5.0},
        "coordination": {"phase": "initial_answer", "completion_percentage": 0},
        "agents": {"agent_a": {"status": "streaming", "answer_count": 0}}, "results": {"votes": {}, "winner": None},
    }  # fmt: skip
    (attempt / "status.json").write_text(json.dumps(status))
    return tmp_path


async def test_two_runs_are_watched_to_their_end_with_progress(tmp_path: Path) -> None:
    """The answer comes when both have ended; before it, progress that only grows and names both runs."""
    told: list[tuple[float, float | None, str | None]] = []
    async with Client(server(tmp_path)) as client:
        await client.list_tools()
        with replayed(tmp_path, CLEAN, THREE) as turns:
            names = [turn.parent.name for turn in turns]

            async def note(progress: float, total: float | None, message: str | None) -> None:
                told.append((progress, total, message))
                for turn in turns[: len(told) - 1]:  # the second may end only after the first
                    (turn / "go").touch()

            text = (
                await client.call_tool(
                    "watch_run", {"log": ",".join(names), "until": "end", "timeout_s": 120}, progress_callback=note
                )
            ).content[0].text  # type: ignore[union-attr]  # fmt: skip
    for name, winner in zip(names, ("agent_a", "alpha"), strict=True):
        assert f"{name} · turn 1 · attempt 1 of 1 · MassGen 0.1.97 · finished" in text
        assert f"ending: Winner: {winner}" in text
        assert f'run_overview(log="{name}")' in text
    assert "nothing more is to come" in text
    assert len(told) >= 3
    assert [progress for progress, _, _ in told] == sorted({progress for progress, _, _ in told})
    assert all(total == 120 and message and all(name in message for name in names) for _, total, message in told)


def test_a_change_is_waited_for_and_the_end_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A winner appears with the presentation, before the files of the end are there; each mark is given back."""
    monkeypatch.setattr(watch_run, "POLL_S", 0.05)
    winners: list[tuple[str, str | None]] = []
    until = "change"
    with replayed(tmp_path, CLEAN) as turns:
        while not winners or winners[-1][0] != "end":
            data = call(get("watch_run"), {"logs_dir": str(tmp_path), "until": until, "timeout_s": 60}).data
            winners.append((data["ended_by"], data["runs"][0]["run"]["winner"]))
            until = data["mark"]
            if winners[-1][1]:
                (turns[0] / "go").touch()
    assert winners[0] in {("change", None), ("change", "agent_a")}
    assert winners[-1] == ("end", "agent_a")


def test_a_look_does_not_wait_and_a_timeout_says_so(never_over: Path) -> None:
    """0 seconds; then the mark of before, to no avail."""
    first = call(get("watch_run"), {"logs_dir": str(never_over), "timeout_s": 0})
    assert first.data["ended_by"] == "timeout"
    run = first.data["runs"][0]["run"]
    assert (run["state"], run["over"], run["phase"], run["calls_recorded"]) == (
        "in_progress",
        False,
        "initial_answer",
        False,
    )
    assert [agent["doing"] for agent in run["agents"]] == ["working"]
    assert "what runs now is not recorded" in first.text()
    again = call(get("watch_run"), {"logs_dir": str(never_over), "timeout_s": 0.2, "until": first.data["mark"]})
    assert (again.data["ended_by"], again.data["mark"]) == ("timeout", first.data["mark"])
    other = call(get("watch_run"), {"logs_dir": str(never_over), "timeout_s": 60, "until": "00000000"})
    assert other.data["ended_by"] == "change"


@pytest.mark.parametrize(("arguments", "message"), [
    ({"until": "forever"}, "until='forever'"), ({"timeout_s": -1}, "timeout_s=-1"), ({"timeout_s": float("nan")}, "timeout_s=nan"),
    ({"log": f"{NEVER_OVER},log_x"}, "log_x"), ({"log": ",".join(f"log_{n}" for n in range(17))}, "17 logs"),
])  # fmt: skip
def test_what_cannot_be_watched_is_refused(never_over: Path, arguments: dict[str, object], message: str) -> None:
    """With the reason."""
    with pytest.raises(MassgenLogError, match=message):
        call(get("watch_run"), {"logs_dir": str(never_over), **arguments})


def test_a_call_that_nobody_waits_for_ends(never_over: Path) -> None:
    """Although it was to wait for ten minutes."""
    ended: list[str] = []

    def watch() -> None:
        with pytest.raises(MassgenLogError, match="cancelled"):
            call(get("watch_run"), {"logs_dir": str(never_over), "timeout_s": 600})
        ended.append("ended")

    with stop.when_left():
        thread = threading.Thread(target=contextvars.copy_context().run, args=(watch,), daemon=True)
        thread.start()
    thread.join(20)
    assert ended == ["ended"]


async def test_a_cancelled_watch_leaves_the_server_free(never_over: Path) -> None:
    """The next call is answered, and the server ends with its input."""
    async with Client(server(never_over)) as client:
        with anyio.move_on_after(1.0) as scope:
            await client.call_tool("watch_run", {"timeout_s": 600, "until": "end"})
        assert scope.cancelled_caught
        assert NEVER_OVER in await text_of(client, "list_logs")


@pytest.mark.parametrize(
    ("name", "code"), [(CLEAN, 0), ("s6_killed_0.1.97", 1), ("s5a_orch_timeout_no_answers_0.1.97", 1)]
)
def test_exit_codes_of_ended_runs(name: str, code: int, run_cli) -> None:
    """0: finished; 1: another end. One line, as the output is no terminal."""
    found, out, err = run_cli("watch", "--logs-dir", str(CORPUS / name))
    assert (found, err, len(out.splitlines())) == (code, "", 1)


def test_exit_codes_of_a_running_run(never_over: Path, run_cli) -> None:
    """3: still running; 2: no such log."""
    code, out, _ = run_cli("watch", "--log-dir", str(never_over), "--timeout", "0.3", "--interval", "0.1")
    assert code == 3
    assert out.splitlines() == [f"{NEVER_OVER} · in progress: initial_answer, 0 % by MassGen's count of answers and votes · "
                                "agent_a: working · cost unknown"]  # fmt: skip
    assert run_cli("watch", "log_x", "--logs-dir", str(never_over))[0] == 2


def test_ctrl_c_ends_it_with_130(never_over: Path) -> None:
    """Without a traceback."""
    command = [sys.executable, "-m", "massgen_logs", "watch", "--logs-dir", str(never_over)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert NEVER_OVER in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
        assert process.stderr.read() == ""


def test_a_terminal_gets_a_display(never_over: Path, tmp_path: Path) -> None:
    """Head, table and what it means; log text in it is no markup."""
    file = never_over / NEVER_OVER / "turn_1" / "attempt_1" / "status.json"
    status = json.loads(file.read_text())
    status["agents"]["agent_a"]["error"] = "[bold]no[/bold] such model"
    file.write_text(json.dumps(status))
    lines = on_a_terminal("watch", "--logs-dir", str(never_over), "--timeout", "0.2", code=3)
    shown = "\n".join(lines)
    assert f"{NEVER_OVER} · turn 1 · attempt 1 of 1 · in progress: initial_answer" in shown
    row = next(line for line in lines if line.split()[:1] == ["agent_a"])
    assert "streaming" in row
    assert "[bold]no[/bold] such model" in row
