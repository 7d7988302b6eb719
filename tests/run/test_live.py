"""A run that goes on: what is told of it, from how little reading, and when it is over."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import CORPUS_SAMPLES, END_FILES, Sample, place_of, sample_id
from massgen_logs.analysis import living
from massgen_logs.readers import growing
from massgen_logs.readers.growing import Growing
from massgen_logs.run import live
from massgen_logs.text.mask import Masker
from massgen_logs.tools.watch_run import sentence

CLEAN = "s1_clean_0.1.97"
AT = 1795344489.862519
"""Line 19 of the clean run's events.jsonl, 10:48:09.862519 local time: the zone of that machine was UTC."""


@pytest.fixture
def running(copy_of) -> Path:
    """The clean run as it was at line 19 of its events: agent_a's `npm install` (line 18) is open, agent_b's has just ended."""
    attempt = next(copy_of(CLEAN).glob("*/turn_1/attempt_1"))
    for name in END_FILES:
        (attempt / name).unlink()
    for folder in [path for path in attempt.iterdir() if path.is_dir() and not path.is_symlink()]:
        shutil.rmtree(folder)
    lines = (attempt / "events.jsonl").read_bytes().splitlines(keepends=True)
    (attempt / "events.jsonl").write_bytes(b"".join(lines[:19]))
    log = (attempt / "massgen.log").read_bytes().splitlines(keepends=True)
    (attempt / "massgen.log").write_bytes(b"".join(log[:20]))
    written(attempt, AT)
    return attempt


def written(attempt: Path, when: float, **status: Any) -> None:
    """All files were last written at `when`; status.json says the run is in its first phase."""
    file = attempt / "status.json"
    told = json.loads(file.read_text())
    told |= {"finish_reason": "in_progress", "is_complete": False, **status}
    told["meta"]["last_updated"] = when
    told["coordination"]["phase"] = "initial_answer"
    told["results"] = {"votes": {}, "winner": None, "final_answer_preview": None}
    for agent in told["agents"].values():
        agent |= {"status": "streaming", "answer_count": 0, "vote_cast": None, "error": None}
    file.write_text(json.dumps(told))
    for path in attempt.iterdir():
        os.utime(path, (when, when), follow_symlinks=False)


def alive(attempt: Path, when: float) -> None:
    """MassGen has rewritten status.json, and nothing else, at `when`."""
    told = json.loads((attempt / "status.json").read_text())
    told["meta"]["last_updated"] = when
    (attempt / "status.json").write_text(json.dumps(told))
    os.utime(attempt / "status.json", (when, when))


def watched(attempt: Path) -> live.Watch:
    return live.watch(attempt.parent.parent.parent, "latest")


def test_what_runs_now_and_for_how_long(running: Path) -> None:
    """Two seconds after the last event: by the log's own clock up to it, then by the age of the file."""
    run = live.look(watched(running), AT + 2)
    first, second = run.agents
    assert (run.state, run.over, run.phase, run.winner) == ("in_progress", False, "initial_answer", None)
    assert (first.id, first.doing, first.answers) == ("agent_a", "tool", 0)
    assert [(call.tool, call.command, call.open_s) for call in first.open_calls] == [
        ("mcp__command_line__execute_command", "npm install", 2.2)  # since 10:48:09.648142
    ]
    assert (second.id, second.doing, second.open_calls, second.quiet_s) == ("agent_b", "model", (), 2.0)
    assert living.pace(run) == "working"


@pytest.mark.parametrize(("after", "status_after", "expected"), [
    (29, 28, "working"), (45, 44, "slow"), (179, 178, "slow"), (200, 199, "stuck"), (45, 0, "silent"), (200, 165, "silent"),
])  # fmt: skip
def test_slow_stuck_and_silent(running: Path, after: float, status_after: float, expected: str) -> None:
    """Seconds since the last event, with MassGen itself alive or not."""
    alive(running, AT + status_after)
    run = live.look(watched(running), AT + after)
    assert living.pace(run) == expected
    told = sentence(run, Masker())
    if expected in {"slow", "stuck"}:
        assert (
            f'{expected}: agent_a: no event for {after + 0.2:.1f} s while mcp__command_line__execute_command "npm install" is'
            in told
        )
        assert f"agent_b: no event for {float(after)} s while no call of it is open" in told
    if expected == "silent":
        assert f"no file of this run was written for {float(after - status_after)} s" in told


def test_an_agent_that_waits_for_the_others_is_not_stuck(running: Path) -> None:
    """agent_b has answered: only agent_a is."""
    lines = (running / "events.jsonl").read_bytes()
    answer = {
        "timestamp": "2026-11-22T10:48:09.862519",
        "event_type": "answer_submitted",
        "agent_id": "agent_b",
        "data": {},
    }
    (running / "events.jsonl").write_bytes(lines + json.dumps(answer).encode() + b"\n")
    os.utime(running / "events.jsonl", (AT, AT))
    alive(running, AT + 299)
    run = live.look(watched(running), AT + 300)
    assert [(a.doing, a.answers, living.agent_pace(a)) for a in run.agents] == [
        ("tool", 0, "stuck"),
        ("waiting", 1, ""),
    ]


def test_time_alone_ends_a_run_that_nothing_writes(running: Path) -> None:
    """Two minutes after its last sign of life it is unfinished, and over."""
    on = watched(running)
    assert live.look(on, AT + 100).state == "in_progress"
    run = live.look(on, AT + 130)
    assert (run.state, run.over, living.pace(run)) == ("unfinished", True, "")


@pytest.mark.parametrize("sample", CORPUS_SAMPLES, ids=sample_id)
def test_an_ended_run_is_over_at_the_first_look(sample: Sample) -> None:
    """In the state that truth.json has, with nobody at work in it."""
    session = sample.root / sample.truth["session"]
    place = place_of(sample)
    run = live.look(live.watch(sample.root, str(place.attempt.path)))
    assert (run.path.startswith(str(session)), run.state, run.over) == (True, sample.truth["state"], True)
    assert living.pace(run) == ""


def test_an_attempt_that_announces_another_is_not_over(copy_of, tmp_path: Path) -> None:
    """Neither while its end is fresh nor after the announcement; then the new attempt is looked at."""
    root = copy_of("s7b_orch_restart_0.1.97")
    session = next(root.glob("log_*"))
    second = session / "turn_1" / "attempt_2"
    shutil.move(second, tmp_path / "later")
    now = json.loads((session / "turn_1/attempt_1/status.json").read_text())["meta"]["last_updated"]
    for file in (session / "turn_1" / "attempt_1").iterdir():
        os.utime(file, (now, now), follow_symlinks=False)
    on = live.watch(root, "latest")
    run = live.look(on, now + 1)
    assert (run.attempt, run.state, run.over) == (1, "in_progress", False)
    before = living.mark([run])
    shutil.move(tmp_path / "later", second)
    run = live.look(on, now + 20)
    assert (run.attempt, run.attempts) == (2, 2)
    assert living.mark([run]) != before


def test_a_mark_is_of_what_counts(running: Path) -> None:
    """Another event or cost leaves it as it is; an agent's status, a death, a vote and getting stuck do not."""
    on = watched(running)

    def mark(when: float, agent: str = "", **changed: Any) -> str:
        told = json.loads((running / "status.json").read_text())
        told["meta"]["last_updated"] = when
        told["agents"].get(agent, {}).update(changed)
        (running / "status.json").write_text(json.dumps(told))
        os.utime(running / "status.json", (when, when))
        return living.mark([live.look(on, when)])

    first = mark(AT + 1)
    assert mark(AT + 2, "agent_a", token_usage={"input_tokens": 5, "output_tokens": 5, "estimated_cost": 1.0}) == first
    changes = [
        mark(AT + 3, "agent_a", status="restarting"),
        mark(AT + 4, "agent_b", vote_cast={"voted_for_agent": "agent_a"}),
        mark(AT + 5, "agent_b", status="error", error="it died"),
        mark(AT + 250),
    ]
    assert len({first, *changes}) == 5


def test_only_what_was_added_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first look takes the end of a long file from a line's begin on, each other look the new whole lines."""
    monkeypatch.setattr(growing, "FIRST_LOOK", 25)
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(b"line %04d\n" % n for n in range(1000)))
    file = Growing(path)
    assert list(file.lines()) == [b"line 0998\n", b"line 0999\n"]
    assert (file.skipped, file.anew) == (9975, True)
    with path.open("ab") as handle:
        handle.write(b"line 1000\nline 10")
    assert (list(file.lines()), file.anew) == ([b"line 1000\n"], False)
    assert list(file.lines()) == []
    with path.open("ab") as handle:
        handle.write(b"01\n")
    assert list(file.lines()) == [b"line 1001\n"]
    assert file.offset == path.stat().st_size == 10020
    (tmp_path / "new").write_bytes(b"another\n")
    os.replace(tmp_path / "new", path)
    assert (list(file.lines()), file.anew, file.skipped) == ([b"another\n"], True, 0)
    path.unlink()
    assert list(file.lines()) == []


def test_a_look_at_what_has_not_changed_reads_nothing(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an ended run never again; of a running one only its last lines, every five seconds: time alone may have ended it."""
    asked: list[float] = []
    plain = live.ending.decide

    def noted(*arguments: Any) -> Any:
        asked.append(arguments[-1] - AT)
        return plain(*arguments)

    monkeypatch.setattr(live.ending, "decide", noted)
    on = watched(running)
    for after in (1, 2, 5, 6.5, 7, 130, 131, 200):
        live.look(on, AT + after)
    assert asked == [1, 6.5, 130]


def test_a_status_that_is_torn_for_a_moment_leaves_what_was_known(running: Path) -> None:
    """0.1.12 wrote it in place."""
    on = watched(running)
    assert live.look(on, AT + 1).phase == "initial_answer"
    (running / "status.json").write_text('{"meta": {')
    run = live.look(on, AT + 2)
    assert (run.phase, [a.status for a in run.agents]) == ("initial_answer", ["streaming", "streaming"])


def test_a_timeout_is_over_when_its_end_is_written(copy_of, tmp_path: Path) -> None:
    """Up to 0.1.60 MassGen presents an answer after it, with finish_reason "timeout" in status.json all the while."""
    root = copy_of("s1_clean_0.1.45")
    attempt = next(root.glob("*/turn_1/attempt_1"))
    end = attempt / "coordination_events.json"
    shutil.move(end, tmp_path / end.name)
    written(attempt, AT, finish_reason="timeout", is_complete=True)
    on = live.watch(root, "latest")
    run = live.look(on, AT + 1)
    assert (run.state, run.over) == ("timed_out", False)
    shutil.move(tmp_path / end.name, end)
    os.utime(end, (AT - 1, AT - 1))
    run = live.look(on, AT + 1)
    assert (run.state, run.over) == ("timed_out", True)


def test_a_version_that_records_no_events_is_judged_by_its_logs(copy_of) -> None:
    """0.1.45: what runs now isn't known, how long an agent's output has been quiet is."""
    root = copy_of("s1_clean_0.1.45")
    attempt = next(root.glob("*/turn_1/attempt_1"))
    for name in END_FILES:
        (attempt / name).unlink()
    at = json.loads((attempt / "status.json").read_text())["meta"]["last_updated"] + 5
    written(attempt, at)
    for agent, when in (("agent_a", at - 5), ("agent_b", at - 60)):
        os.utime(attempt / "agent_outputs" / f"{agent}.txt", (when, when))
    os.utime(attempt / "agent_outputs" / "system_status.txt", (at - 60, at - 60))
    alive(attempt, at + 39)
    run = live.look(live.watch(root, "latest"), at + 40)
    assert [(a.id, a.doing, a.quiet_s, a.open_calls) for a in run.agents] == [
        ("agent_a", "working", 45.0, ()), ("agent_b", "working", 100.0, ()),
    ]  # fmt: skip
    assert (run.calls_recorded, run.quiet_s, living.pace(run)) == (False, 40.0, "slow")
    assert sentence(run, Masker()) == "slow: nothing was logged for 40.0 s; which call is open isn't recorded"
