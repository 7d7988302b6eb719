"""Runs whose status.json is missing or was last saved before the end, deaths told as text, and what can't be known yet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from conftest import CORPUS_SAMPLES
from massgen_logs.analysis.overview import checks
from massgen_logs.run.load import load
from massgen_logs.run.model import Ending
from massgen_logs.tools.coordination_timeline import render
from massgen_logs.tree import resolve

DEATH = "Agent failed to use workflow tools after 3 attempts"


def tree(folder: Path, status: bool, last_text: str) -> list[str]:
    """A run of two agents that fail three times each, as 0.1.97 leaves it; its status.json saved before, or not at all."""
    attempt = folder / "log_20261124_154730_692452" / "turn_1" / "attempt_1"
    attempt.mkdir(parents=True)
    agents = "".join(f"  - id: {name}\n    backend: {{type: chatcompletion, model: m}}\n" for name in ("t1", "t2"))
    (attempt / "execution_metadata.yaml").write_text(f"query: q\nmassgen_version: 0.1.97\nconfig:\n  agents:\n{agents}")
    events = [("round_start", name, {}) for name in ("t1", "t2")]
    events += [
        ("text", name, {"content": f"just text❌ Retry (1/3): You must.{last_text if name == 't2' else ''}"})
        for name in ("t1", "t2")
    ]
    events += [("text", "t1", {"content": f"just text❌ {DEATH}"})]
    if not last_text:
        events += [("text", "t2", {"content": f"just text❌ {DEATH}"})]
    rows = [
        {"timestamp": f"2026-11-24T15:47:3{i}.000000", "event_type": kind, "agent_id": agent, "round_number": 0, "data": data}
        for i, (kind, agent, data) in enumerate(events)
    ]  # fmt: skip
    (attempt / "events.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    end = "15:47:37 | ERROR    | [ERROR] orchestrator: ❌ Unable to provide coordinated answer - no successful agents\n"
    (attempt / "massgen.log").write_text(end)
    if status:
        entry = {"status": "waiting", "answer_count": 0, "times_restarted": 0, "reliability": None, "error": None}
        saved = {
            "meta": {"last_updated": 1795535250.0, "start_time": 1795535250.0},
            "finish_reason": "in_progress",
            "agents": {"t1": entry, "t2": entry},
        }
        (attempt / "status.json").write_text(json.dumps(saved))
    return ["--logs-dir", str(folder)]


@pytest.mark.parametrize("status", [False, True], ids=["missing", "saved before"])
def test_deaths_that_only_the_last_text_tells(tmp_path: Path, ask, run_cli, status: bool) -> None:
    """Each agent's last words end in its death: two incidents and findings; what status.json would tell is said to be lost."""
    place = tree(tmp_path, status, "")
    data = ask("find_errors", *place)["data"]
    assert data["totals"] == {"agent_error": 2}
    assert {(i["agent"], i["sentence"], tuple(i["sources"])) for i in data["incidents"]} == {
        ("t1", DEATH, ("events.jsonl:5",)), ("t2", DEATH, ("events.jsonl:6",)),
    }  # fmt: skip
    found = [f for f in ask("run_overview", *place)["data"]["findings"] if f["rule"] == "agent_died"]
    assert [f["evidence"] for f in found] == [["events.jsonl:5"], ["events.jsonl:6"]]
    for tool in ("read-status-reliability", "cost-and-tokens"):
        text = run_cli(tool, *place)[1]
        assert ("was last saved before the run failed" if status else "is missing") in text
        assert status or "this version" not in text


def test_quoted_deaths_are_none(tmp_path: Path, ask) -> None:
    """t2 quotes the line and goes on, or says something behind it: only t1 died."""
    place = tree(tmp_path, False, f"❌ {DEATH}. I saw it.")
    assert [i["agent"] for i in ask("find_errors", *place)["data"]["incidents"]] == ["t1"]


def test_text_glued_to_a_death_makes_no_second_one(copy_of, ask) -> None:
    """The display may print what the model wrote next in the same line: still the death of coordination_events.json."""
    root = copy_of("s3_enforcement_0.1.97")
    before = ask("find_errors", "--logs-dir", str(root))["data"]["totals"]
    (events,) = root.glob("log_*/turn_1/attempt_1/events.jsonl")
    (coordination,) = root.glob("log_*/turn_1/attempt_1/coordination_events.json")
    died = next(e for e in json.loads(coordination.read_text())["events"] if e["event_type"] == "agent_error")
    last = json.loads(events.read_text().splitlines()[-1])
    glued = {"content": f"❌ {died['details'].removeprefix('ERROR: ')}Next I say"}
    row = {**last, "event_type": "text", "agent_id": died["agent_id"], "data": glued}
    with events.open("a") as file:
        file.write(json.dumps(row) + "\n")
    (status,) = root.glob("log_*/turn_1/attempt_1/status.json")
    status.unlink()  # else it denies what it has not recorded
    assert ask("find_errors", "--logs-dir", str(root))["data"]["totals"]["agent_error"] == before["agent_error"]


def test_equal_events_without_a_time_have_no_end() -> None:
    """Four equal errors of which no time is known: no "until"."""
    event = {
        "t": None,
        "kind": "error",
        "agent": "a",
        "round": None,
        "label": None,
        "target": None,
        "detail": "x",
        "count": 4,
        "t_last": None,
    }
    assert render({"kinds": {"error": 4}, "events": [event]})[-1] == "|-|error|a|-||x4: x|"


def test_checks_of_a_run_in_progress_are_open() -> None:
    """What is not there yet may still come: "?" and not NO; what is there is ok."""
    truth = next(s for s in CORPUS_SAMPLES if s.name == "s6_killed_0.1.97")
    run = load(resolve(truth.root, truth.truth["session"]))
    assert {check.ok for check in checks(run)} >= {False}
    running = replace(run, ending=Ending("in_progress", "still running", "", None))
    assert {check.id: check.ok for check in checks(running) if check.ok is False} == {}
    answered = {a["agent"] for a in truth.truth["answers"]} == set(truth.truth["agents"])
    assert next(c.ok for c in checks(running) if c.id == "all_agents_answered") is (True if answered else None)
