"""When agents were gone: deaths at the time at which they were recorded first, silences no longer than an agent was at work.

Courses as real runs of 0.1.50 and 0.1.97 had them, whose texts were flushed when the run ended."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from massgen_logs.analysis.findings import findings
from massgen_logs.run.load import load
from massgen_logs.run.model import Run
from massgen_logs.tree import resolve

GAVE_UP = "Agent failed to use workflow tools after 3 attempts"
BEGUN = datetime(2026, 12, 1, 2, 1, 30, 500_000)


def event(after: float, agent: str | None, kind: str, **data: Any) -> dict[str, Any]:
    stamp = (BEGUN + timedelta(seconds=after)).isoformat()
    return {"timestamp": stamp, "event_type": kind, "agent_id": agent, "round_number": 0, "data": data}


def tree(tmp_path: Path, events: list[dict[str, Any]], log: list[tuple[int, str]], status: dict[str, Any]) -> Run:
    """A run of a and b that began at BEGUN; `log`: (seconds after 02:01:30, what massgen.log says)."""
    folder = tmp_path / "log_20261201_020130_500000" / "turn_1" / "attempt_1"
    folder.mkdir(parents=True)
    began = event(0, None, "system_status", message="Agents working on task...")
    rows = [began, *(event(0, agent, "round_start") for agent in "ab"), *events]
    (folder / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    second = BEGUN.replace(microsecond=0)
    lines = [f"{second:%H:%M:%S} | INFO     | Logging started"]
    lines += [f"{second + timedelta(seconds=s):%H:%M:%S} | ERROR    | [ERROR] orchestrator: {said}" for s, said in log]
    (folder / "massgen.log").write_text("\n".join(lines) + "\n")
    (folder / "status.json").write_text(json.dumps({"finish_reason": "in_progress", **status}))
    return load(resolve(tmp_path))


def of_agents(**entries: dict[str, Any]) -> dict[str, Any]:
    plain = {"status": "waiting", "answer_count": 0, "times_restarted": 0, "error": None}
    return {"agents": {agent: plain | entry for agent, entry in entries.items()}}


def stalls(run: Run) -> list[str]:
    return [one.sentence for one in findings(run) if one.rule == "stall"]


def dead(run: Run) -> list[tuple[str | None, float | None, str]]:
    return [(m.agent, run.since_start(m.t), m.src) for m in run.moments if m.detail == GAVE_UP]


def test_deaths_are_told_at_once_in_the_log_alone(tmp_path: Path) -> None:
    """b died in second 77, a in second 79; both texts were flushed at 80.2, after the last status.json, which knows a's death no more
    than the log knows who died. Of b a message at 77.4 is recorded, within the second that the log tells."""
    utc = BEGUN.timestamp()
    refused = {"round": 0, "attempt": 1, "max_attempts": 3, "reason": "api_error", "error_message": "Connection error.",
               "buffer_chars": 0, "timestamp": utc + 77.4}  # fmt: skip
    status = of_agents(a={}, b={"status": "error", "reliability": {"enforcement_attempts": [refused]}})
    status["meta"] = {"start_time": utc, "last_updated": utc + 78.6}
    events = [event(80.2, agent, "text", content=f"❌ {GAVE_UP}") for agent in "ab"]
    log = [(77, GAVE_UP), (79, GAVE_UP), (79, "❌ Unable to provide coordinated answer - no successful agents")]
    refused_a = refused | {"timestamp": utc + 78.0}
    status["agents"]["a"] |= {"reliability": {"enforcement_attempts": [refused_a]}}
    run = tree(tmp_path, events, log, status)
    assert dead(run) == [("b", 77.4, "massgen.log:2"), ("a", 78.5, "massgen.log:3")]
    assert run.agents["a"].error == GAVE_UP


def test_a_round_that_ended_with_an_error_has_the_time_of_the_death(tmp_path: Path) -> None:
    """apierr_0.1.50: flushed at 2.8 s, recorded at 0.644 s as the end of its round."""
    utc = BEGUN.timestamp()
    record = {
        "agent_id": "a",
        "round_number": 0,
        "round_type": "initial_answer",
        "outcome": "error",
        "start_time": utc,
        "end_time": utc + 0.644,
    }
    status = of_agents(a={"status": "error", "round_history": [record]}, b={})
    status["meta"] = {"start_time": utc, "last_updated": utc + 2.0}
    run = tree(tmp_path, [event(2.8, "a", "text", content=f"❌ {GAVE_UP}")], [(0, GAVE_UP)], status)
    assert dead(run) == [("a", 0.644, "massgen.log:2")]


@pytest.mark.parametrize("lines", [[], [(5, GAVE_UP), (6, GAVE_UP)]])
def test_a_death_that_no_line_of_the_log_is_alone_with_keeps_its_time(
    tmp_path: Path, lines: list[tuple[int, str]]
) -> None:
    """One death and two lines of it: it can't be told which is its own."""
    status = of_agents(a={"status": "error"}, b={})
    run = tree(tmp_path, [event(9, "a", "text", content=f"❌ {GAVE_UP}")], lines, status)
    assert dead(run) == [("a", 9.0, "events.jsonl:4")]


def test_an_agent_that_died_or_stopped_is_not_at_work(tmp_path: Path) -> None:
    """a died at 4 s, and its text was flushed at 36; b stopped at 5 s and was heard of again at 150."""
    events = [
        event(3.9, "a", "text", content="Vote. "),
        event(5, "b", "agent_stopped", summary="done", status="complete"),
        event(150, "b", "text", content="late"),
        event(151, "a", "text", content=f"❌ {GAVE_UP}"),
    ]
    run = tree(tmp_path, events, [(4, GAVE_UP)], of_agents(a={"status": "error"}, b={}))
    assert (run.silences, stalls(run)) == ([], [])


def test_a_silence_ends_with_the_time_out(tmp_path: Path) -> None:
    """The text of a, flushed two seconds after the time-out, doesn't make its silence longer."""
    events = [
        event(1, "a", "tool_start", tool_id="1", tool_name="x", args={}),
        event(2, "b", "answer_submitted", content="b", answer_number=1, answer_label="agent2.1"),
        event(
            140, None, "orchestrator_timeout", timeout_reason="Time limit exceeded (140.0s/140s)", selected_agent="b"
        ),
        event(142, "a", "text", content="I start and then hang"),
    ]
    run = tree(tmp_path, events, [], of_agents(a={}, b={}))
    (silence,) = run.silences or []
    assert (run.since_start(silence.start), run.since_start(silence.end), silence.after) == (
        1.0,
        140.0,
        "events.jsonl:6",
    )


@pytest.mark.parametrize(
    ("events", "tail"),
    [
        ([event(140, "a", "tool_start", tool_id="1", tool_name="x", args={})], ", not even text"),
        ([event(140, "a", "text", content="I begin")], " (its text of that time may be recorded later, or lost)"),
        ([event(140, "b", "text", content="b goes on")], " (its text of that time may be recorded later, or lost)"),
    ],
    ids=["a call", "a text", "a killed run"],
)
def test_a_silence_is_no_more_than_events_can_tell(tmp_path: Path, events: list[dict[str, Any]], tail: str) -> None:
    """Text is flushed when something else happens, or at the end: only another event proves that none came before it."""
    first = event(10, "a", "tool_start", tool_id="0", tool_name="x", args={})
    other = event(9, "b", "answer_submitted", content="b", answer_number=1, answer_label="agent2.1")
    run = tree(tmp_path, [other, first, *events], [], of_agents(a={}, b={}))
    assert stalls(run) == [f"a was at work and showed nothing for 130.0 s from +10.0 s on{tail}"]


def test_a_silence_from_the_first_start_on_holds_the_start_up(tmp_path: Path) -> None:
    """Servers are connected before the first request, and nothing of the agent is recorded until its first response."""
    answer = event(140, "b", "answer_submitted", content="b", answer_number=1, answer_label="agent2.1")
    run = tree(tmp_path, [event(5, "a", "agent_stopped"), answer], [], of_agents(a={}, b={}))
    assert stalls(run) == [
        "b was at work and showed nothing for 140.0 s from +0.0 s on, not even text; its start-up, with the connecting of its "
        "servers, is part of it"
    ]
