"""Where the time went in runs that ended while they presented, or whose events of it are lost: the coordination was over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from conftest import CORPUS
from massgen_logs.analysis.times import Times, time_breakdown
from massgen_logs.analysis.wall import WallPhase
from massgen_logs.run.load import load
from massgen_logs.run.model import Run
from massgen_logs.tree import resolve

AT_THE_END = ("coordination_events.json", "coordination_table.txt", "snapshot_mappings.json", "metrics_summary.json",
              "metrics_events.json")  # fmt: skip
PRESENTS = "presenting final answer"


def killed(root: Path, log: str, mark: str) -> Run:
    """The run without what is written at its end, killed after the line of `log` that has `mark`."""
    folder = next(root.rglob("status.json")).parent
    for name in AT_THE_END:
        (folder / name).unlink()
    for file in folder.glob("final/*/answer.txt"):
        file.unlink()
    file = folder / log
    lines = file.read_text().splitlines(keepends=True)
    (at,) = [i for i, line in enumerate(lines) if mark in line]
    file.write_text("".join(lines[: at + 1]))
    status = folder / "status.json"
    data = json.loads(status.read_text())
    data["finish_reason"] = "in_progress"
    for entry in data["agents"].values():
        entry["round_history"] = [r for r in entry.get("round_history", []) if r["round_type"] != "presentation"]
    status.write_text(json.dumps(data))
    return load(resolve(root))


def phases(found: Times) -> dict[str, WallPhase]:
    return {phase.name: phase for phase in found.wall_phases}


@pytest.mark.parametrize(
    ("name", "log", "mark"),
    [("s1_clean_0.1.45", "massgen.log", PRESENTS), ("s1_clean_0.1.97", "events.jsonl", '"final_presentation_start"')],
)
def test_a_run_killed_while_it_presents_has_voted(copy_of, name: str, log: str, mark: str) -> None:
    """Both votes counted, the last one agent_a's: it ended the voting, and the presentation follows it."""
    run = killed(copy_of(name), log, mark)
    found = phases(time_breakdown(run))
    assert run.ending.state == "unfinished"
    assert (found["voting"].held_by, found["voting"].ended_with) == (["agent_a"], "vote for agent_a")
    last = max(run.since_start(vote.t) or 0.0 for vote in run.votes)
    assert found["presentation"].start_s == pytest.approx(last, abs=0.3)
    assert found["presentation"].start_s >= last
    assert found["presentation"].ended_with == "no final answer is recorded"


def test_a_run_killed_while_it_presents_after_a_time_out(copy_of) -> None:
    """s1d_livelock_0.1.36: status.json was saved after the limit of 45 s, while agent_a presented: the limit is not the end."""
    run = killed(copy_of("s1d_livelock_0.1.36"), "massgen.log", PRESENTS)
    times = time_breakdown(run)
    found = phases(times)
    limit = run.timeout_s or 0.0
    assert (run.ending.state, times.floor) == ("timed_out", True)
    assert found["voting"].ended_with == "timed out: no vote of theirs counted"
    assert "after_timeout" not in found
    assert found["presentation"].start_s == limit
    assert found["presentation"].held_by == [run.winner]
    assert found["presentation"].end_s == pytest.approx((run.ending.last_sign or 0.0) - (run.started or 0.0), abs=0.001)


def test_a_time_out_that_no_event_tells_ended_the_voting() -> None:
    """Of s1_clean agent_a's vote is left out, and status.json alone says that time ran out: agent_a was waited for."""
    run = load(resolve(CORPUS / "s1_clean_0.1.97" / ".massgen" / "massgen_logs"))
    late = replace(
        run, votes=[vote for vote in run.votes if vote.voter == "agent_b"], moments=[],
        ending=replace(run.ending, state="timed_out"),
    )  # fmt: skip
    voting = phases(time_breakdown(late))["voting"]
    assert (voting.held_by, voting.ended_with) == (["agent_a"], "timed out: no vote of theirs counted")


def test_rounds_tell_of_a_presentation_whose_events_a_restart_emptied(copy_of) -> None:
    """An orchestration restart leaves session_start and session_end alone; metrics_events.json still has the round."""
    root = copy_of("s1_clean_0.1.45")
    file = next(root.rglob("coordination_events.json"))
    data = json.loads(file.read_text())
    data["events"] = [event for event in data["events"] if event["event_type"] in {"session_start", "session_end"}]
    data["session_metadata"]["user_prompt"] = None
    file.write_text(json.dumps(data))
    rounds = json.loads((file.parent / "metrics_events.json").read_text())["round_completions"]
    (own,) = [r for r in rounds if r["round_type"] == "presentation"]
    run = load(resolve(root))
    told = [(m.kind, m.agent, m.t) for m in run.moments if m.kind in {"presentation", "final_answer"}]
    assert told == [("presentation", "agent_a", own["start_time"]), ("final_answer", "agent_a", own["end_time"])]
    found = phases(time_breakdown(run))
    assert found["presentation"].start_s == pytest.approx(own["start_time"] - (run.started or 0.0), abs=0.001)
    assert found["voting"].ended_with == "vote for agent_a"
