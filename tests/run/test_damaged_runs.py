"""Realistic damage: what is lost is said, what other files still know is told."""

from __future__ import annotations

import json
import shutil
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conftest import CORPUS, attempt
from massgen_logs.run import load
from massgen_logs.tree import resolve


def flags(ask, root: Path) -> set[str]:
    return {flag["id"] for flag in ask("run_overview", "--logs-dir", str(root))["data"]["red_flags"]}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/St_Johns"])
def test_a_later_turn_has_its_own_start(zone: str, copy_of, ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """An interactive session began 40 minutes before this turn: its times count from the turn's start."""
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    root = copy_of("s6_killed_0.1.97")
    session = root / "log_20261122_105349_622444"
    (session / "turn_1").rename(session / "turn_2")
    session.rename(root / "log_20261122_101300_000000")
    events = ask("coordination_timeline", "--logs-dir", str(root), key="events")["data"]["events"]
    assert 0 <= events[0]["t"] < 1
    assert [round(e["t"]) for e in events if e["kind"] == "vote"] == [15]
    assert ask("run_overview", "--logs-dir", str(root))["data"]["at_least_s"] == pytest.approx(16.5, abs=1)
    monkeypatch.undo()
    time.tzset()


def test_a_run_in_progress_is_read_again(copy_of) -> None:
    """Its files never change again when it was killed; the answer must."""
    root = copy_of("s6_killed_0.1.97")
    file = attempt(root) / "status.json"
    status = json.loads(file.read_text())
    status["meta"]["last_updated"] = time.time() - 119
    file.write_text(json.dumps(status))
    place = resolve(root)
    assert load.load(place).ending.state == "in_progress"
    status["meta"]["last_updated"] -= 10
    assert load.load(place) is not load.load(place)


def test_rotated_logs_are_read(copy_of, ask) -> None:
    """0.1.12 keeps commands only in massgen.log; what was rotated away lies beside it as zip."""
    root = copy_of("s1_clean_0.1.12")
    log = attempt(root) / "massgen.log"
    lines = log.read_bytes().splitlines(keepends=True)
    half = len(lines) * 2 // 3
    while not lines[half].startswith(b"11:"):
        half += 1
    with zipfile.ZipFile(log.with_name("massgen.2026-11-22_11-04-09_000000.log.zip"), "w") as archive:
        archive.writestr("massgen.2026-11-22_11-04-09_000000.log", b"".join(lines[:half]))
    log.write_bytes(b"".join(lines[half:]))
    data = ask("repeated_commands", "--logs-dir", str(root))
    assert data["data"]["total_ran"] == 12
    assert "massgen.2026-11-22_11-04-09_000000.log.zip" in {s["file"] for s in data["sources"]}


def test_events_cut_at_a_line_end_are_a_floor(copy_of, ask) -> None:
    """Nothing is torn, and metrics_events.json tells that 12 calls were executed."""
    root = copy_of("s1_clean_0.1.97")
    file = attempt(root) / "events.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:50]))
    notes = {n["id"]: n["text"] for n in ask("repeated_commands", "--logs-dir", str(root))["notes"]}
    assert "records 12 tool executions" in notes["lost_events"]
    assert "lost_events" in flags(ask, root)


@pytest.mark.parametrize("name", ["s1_clean_0.1.0", "s1_clean_0.1.12", "s1_clean_0.1.97"])
def test_a_torn_coordination_file_is_no_kill(name: str, copy_of, ask) -> None:
    """It is written only at the end; what stands before the tear is read."""
    root = copy_of(name)
    file = next(root.rglob("coordination_events.json"))
    file.write_bytes(file.read_bytes()[:-200])
    answer = ask("run_overview", "--logs-dir", str(root))
    assert answer["scope"]["state"] == "finished"
    assert answer["data"]["winner"] == "agent_a"
    assert answer["data"]["votes"]["accepted"] == 2
    assert answer["data"]["duration_s"] is not None
    assert {"file": "coordination_events.json", "rows": 0, "unreadable": 1} not in answer["sources"] or answer[
        "problems"
    ]


@pytest.mark.parametrize("name", ["s2_three_agents_0.1.97", "s1_clean_0.1.97", "s5b_orch_timeout_one_answer_0.1.97"])
def test_restarts_without_status_json(name: str, copy_of, ask) -> None:
    """times_restarted is the agent's own answers and the presentation; truth.json has what MassGen recorded."""
    root = copy_of(name)
    (attempt(root) / "status.json").unlink()
    truth = json.loads((CORPUS / name / "truth.json").read_text())["runs"][0]
    assert ask("run_overview", "--logs-dir", str(root))["data"]["restarts"] == truth["restarts"]


def test_text_that_looks_like_massgens_own_is_no_fact(copy_of, ask) -> None:
    """A model may write an error line, an unknown tool and an ignored vote's words."""
    root = copy_of("s1_clean_0.1.97")
    file = attempt(root) / "events.jsonl"
    text = "\u274c Error: 2 tests fail in parser.py \u26a0\ufe0f Unknown tool: foo (not registered) and so on"
    lines = file.read_text().splitlines()
    lines.insert(20, '{"timestamp": "2026-11-22T10:48:09.500000", "event_type": "text", "agent_id": "agent_a", "round_number": 0, '
                     f'"data": {{"content": "{text}"}}}}')  # fmt: skip
    file.write_text("\n".join(lines) + "\n")
    assert "error" not in ask("coordination_timeline", "--logs-dir", str(root))["data"]["kinds"]
    assert ask("read_status_reliability", "--logs-dir", str(root))["data"]["agents"]["agent_a"]["unknown_tools"] == []


def test_no_file_with_calls_is_not_zero_calls(copy_of, ask) -> None:
    """0.1.0 has commands and ignored votes only in massgen.log."""
    root = copy_of("s1_clean_0.1.0")
    next(root.rglob("massgen.log")).unlink()
    data = ask("run_overview", "--logs-dir", str(root))["data"]
    assert (data["commands_ran"], data["commands_failed"], data["denied"]) == (None, None, None)
    assert data["votes"]["ignored"] is None
    assert "no_calls" in flags(ask, root)


def test_codex_without_its_metadata_still_leaves_no_trace_of_refusals(copy_of, ask) -> None:
    """The tool's name tells the client."""
    root = copy_of("s17_codex_0.1.97")
    (attempt(root) / "execution_metadata.yaml").unlink()
    assert ask("repeated_commands", "--logs-dir", str(root))["data"]["total_denied"] is None


def test_a_debug_run_of_codex_has_its_exit_codes(copy_of, ask) -> None:
    """Without events.jsonl the client's raw events in massgen_debug.log hold them."""
    root = copy_of("s17_codex_0.1.97")
    (attempt(root) / "events.jsonl").unlink()
    (attempt(root) / "massgen.log").rename(attempt(root) / "massgen_debug.log")
    data = ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1", key="commands")["data"]
    assert {c["command"] for c in data["commands"] if c["failed"]} == {
        "npm test",
        "cat missing.txt; exit 3",
        "cat nothing.txt",
    }


def test_a_debug_run_of_claude_code_says_what_it_can_not_know(copy_of, ask) -> None:
    """Its display has calls and no results: refusals and failures are unknown."""
    root = copy_of("s15_claude_code_0.1.97")
    (attempt(root) / "events.jsonl").unlink()
    (attempt(root) / "massgen.log").rename(attempt(root) / "massgen_debug.log")
    assert ask("repeated_commands", "--logs-dir", str(root))["data"]["total_denied"] is None
    assert "open_calls" in flags(ask, root)


def test_a_status_file_that_was_not_renamed(copy_of, ask) -> None:
    """A kill between MassGen's write and rename."""
    root = copy_of("s6_killed_0.1.97")
    (attempt(root) / "status.json").rename(attempt(root) / "status.json.tmp")
    assert ask("cost_and_tokens", "--logs-dir", str(root))["data"]["agents"]["agent_b"]["input_tokens"] == 14628


def test_a_lone_surrogate_and_a_huge_number(copy_of, ask, run_cli) -> None:
    """JSON that Python writes and others refuse."""
    root = copy_of("s1_clean_0.1.97")
    file = attempt(root) / "events.jsonl"
    text = file.read_text().replace(
        '"args": {"command": "npm test"}',
        '"args": {"command": "npm test \\ud83d", "n": 123456789012345678901234567890}',
    )
    file.write_text(text)
    assert ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1")["data"]["total_ran"] == 12
    code, out, _ = run_cli("read-trace", "--agent", "agent_a", "--contains", "npm test", "--logs-dir", str(root))
    assert code == 0
    assert "npm test" in out


def test_the_list_skips_folders_without_a_run(copy_of, ask) -> None:
    """The newest log_* folder is empty: the first row is the newest run."""
    root = copy_of("s1_clean_0.1.97")
    (root / "log_20991231_000000_000000").mkdir()
    answer = ask("list_logs", "--logs-dir", str(root), "--limit", "1")
    assert [row["session"] for row in answer["data"]["logs"]] == ["log_20261122_104800_969289"]


def test_many_agents_and_events_stay_within_the_budget(copy_of, run_cli) -> None:
    """12 agents with 12 refused responses each."""
    root = copy_of("s3_enforcement_0.1.97")
    file = attempt(root) / "status.json"
    status = json.loads(file.read_text())
    model = next(a for a in status["agents"].values() if a["reliability"])
    event = model["reliability"]["enforcement_attempts"][0]
    for number in range(12):
        agent = json.loads(json.dumps(model))
        agent["reliability"]["enforcement_attempts"] = [
            {**event, "round": n, "error_message": "x" * 300} for n in range(12)
        ]
        status["agents"][f"agent_{number}"] = agent
    file.write_text(json.dumps(status))
    events = json.loads((attempt(root) / "coordination_events.json").read_text())
    events["session_metadata"]["agent_ids"] = list(status["agents"])
    (attempt(root) / "coordination_events.json").write_text(json.dumps(events))
    for tool in ("run-overview", "read-status-reliability", "draft-report", "vote-reasons", "cost-and-tokens"):
        code, out, _ = run_cli(tool, "--logs-dir", str(root))
        assert code == 0
        assert len(out) / 4 < (2000 if tool != "draft-report" else 10_000), tool
    shutil.rmtree(root)


def truth(name: str, attempt: int = 1) -> dict[str, Any]:
    return json.loads((CORPUS / name / "truth.json").read_text())["runs"][attempt - 1]


def votes_are_true(ask, root: Path, name: str, attempt: int = 1) -> None:
    said = ask("vote_reasons", "--logs-dir", str(root), "--attempt", str(attempt))["data"]
    assert said["final"] == truth(name, attempt)["final_votes"]
    votes = ask("run_overview", "--logs-dir", str(root), "--attempt", str(attempt))["data"]["votes"]
    assert (votes["accepted"], votes["ignored"]) == tuple(
        truth(name, attempt)[f"votes_{k}"] for k in ("accepted", "ignored")
    )


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", ["s3_enforcement_0.1.97", "s2_three_agents_0.1.97", "s1_clean_0.1.0"])
def test_votes_after_a_tear_are_not_lost(name: str, share: float, copy_of, ask) -> None:
    """The last ones decide: the other records hold them all."""
    root = copy_of(name)
    file = next(root.rglob("coordination_events.json"))
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    votes_are_true(ask, root, name)


@pytest.mark.parametrize("lost", ["unknown event", "removed", "torn"])
def test_what_an_orchestration_restart_leaves(lost: str, copy_of, ask) -> None:
    """s7b attempt 1: the restart began MassGen's record anew; status.json's counters are of the time after it, whatever became of
    coordination_events.json."""
    name = "s7b_orch_restart_0.1.97"
    root = copy_of(name)
    file = attempt(root) / "coordination_events.json"
    data = json.loads(file.read_text())
    data["events"].append(data["events"][-1] | {"event_type": "telemetry_flush"})
    file.write_text(json.dumps(data))
    if lost == "removed":
        file.unlink()
    elif lost == "torn":
        file.write_text(file.read_text()[:40])
    votes_are_true(ask, root, name)
    overview = ask("run_overview", "--logs-dir", str(root), "--attempt", "1")["data"]
    assert overview["restarts"] == truth(name)["restarts"]
    assert ask("cost_and_tokens", "--logs-dir", str(root), "--attempt", "1")["data"]["cumulative"] is False


def test_a_vote_whose_file_is_lost_is_told_by_its_event(copy_of, ask) -> None:
    """s7a, turn 1: agent_a voted twice, agent_b once; coordination_events.json and agent_a's last vote.json are gone."""
    root = copy_of("s7a_multiturn_0.1.97")
    newest = max(root.glob("log_*"))
    shutil.rmtree(newest)
    (attempt(root) / "coordination_events.json").unlink()
    max(root.rglob("agent_a/*/vote.json")).unlink()
    votes_are_true(ask, root, "s7a_multiturn_0.1.97")


@pytest.mark.parametrize("name", ["s2_three_agents_0.1.46", "s2_three_agents_0.1.70", "s2_three_agents_0.1.97"])
def test_texts_of_a_display_that_writes_all_twice_count_once(name: str, copy_of, ask) -> None:
    """Only agent_outputs tells of ignored votes here."""
    root = copy_of(name)
    for lost in ("coordination_events.json", "events.jsonl"):
        (attempt(root) / lost).unlink()
    votes_are_true(ask, root, name)


def test_an_unknown_tool_is_told_once(copy_of, ask) -> None:
    """s3: agent_b called `frobnicate` once."""
    root = copy_of("s3_enforcement_0.1.97")
    (attempt(root) / "events.jsonl").unlink()
    flagged = json.dumps(ask("read_status_reliability", "--logs-dir", str(root))["data"])
    assert "frobnicate" in flagged
    assert "frobnicate x2" not in flagged


@pytest.mark.parametrize("damage", ["removed", "torn", "emptied", "removed with metadata"])
def test_a_lost_status_is_no_fault_of_the_version(damage: str, copy_of, run_cli) -> None:
    """Nothing is said of what it would have held."""
    root = copy_of("s3_enforcement_0.1.97")
    file = attempt(root) / "status.json"
    metadata = attempt(root) / "execution_metadata.yaml"
    text = file.read_text()
    file.unlink()
    if damage in {"torn", "emptied"}:
        file.write_text(text[:500] if damage == "torn" else "")
    elif "metadata" in damage:
        metadata.unlink()
    for tool in ("run-overview", "read-status-reliability", "cost-and-tokens"):
        _, out, _ = run_cli(tool, "--logs-dir", str(root))
        assert "status.json says winner null" not in out
        assert "this version keeps no" not in out
        assert "this version records no" not in out
    assert "status.json" in run_cli("run-overview", "--logs-dir", str(root))[1].split("sources: ")[1]


@pytest.mark.parametrize("name", ["events.jsonl", "massgen.log", "execution_metadata.yaml", "status.json"])
def test_an_empty_file_is_named(name: str, copy_of, ask) -> None:
    """It is there, and holds nothing."""
    root = copy_of("s1_clean_0.1.97")
    (attempt(root) / name).write_bytes(b"")
    assert {"file": name, "line": None, "what": "empty"} in ask("run_overview", "--logs-dir", str(root))["problems"]


@pytest.mark.parametrize("name", ["s1_clean_0.1.12", "s15_claude_code_0.1.97"])
def test_a_log_that_ends_before_its_run_is_a_floor(name: str, copy_of, ask) -> None:
    """Cut at a line's end, where MassGen's own metrics count no calls: 0.1.12 has none, claude_code's tools are in none."""
    root = copy_of(name)
    file = attempt(root) / ("massgen.log" if "0.1.12" in name else "events.jsonl")
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 3]))
    notes = [n["text"] for n in ask("repeated_commands", "--logs-dir", str(root))["notes"] if n["id"] == "lost_events"]
    assert any(text.startswith(f"{file.name} ends ") for text in notes)


def test_a_byte_order_mark_is_no_damage(copy_of, ask) -> None:
    """Some editors put one before UTF-8."""
    root = copy_of("s1_clean_0.1.97")
    for file in (*attempt(root).glob("*.json"), next(root.rglob("final/*/answer.txt"))):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    answer = ask("run_overview", "--logs-dir", str(root))
    assert answer["problems"] == []
    assert answer["data"]["final_answer"]["chars"] == 73
    assert answer["data"]["cost_usd"] == pytest.approx(0.11229)


def test_an_agents_id_may_hold_brackets(copy_of, ask) -> None:
    """s7b attempt 1, whose ignored vote only a text tells."""
    root = copy_of("s7b_orch_restart_0.1.97")
    for file in [path for path in root.rglob("*") if path.is_file()]:
        file.write_bytes(file.read_bytes().replace(b"agent_a", b"a[0]"))
    for folder in sorted(root.rglob("agent_a"), reverse=True):
        folder.rename(folder.with_name("a[0]"))
    votes = ask("run_overview", "--logs-dir", str(root), "--attempt", "1")["data"]["votes"]
    assert (votes["accepted"], votes["ignored"]) == (2, 1)


def test_a_call_that_is_recorded_twice_of_one_response_counts_once(copy_of, ask) -> None:
    """As the openai backend does; s3: agent_b called `frobnicate` once."""
    root = copy_of("s3_enforcement_0.1.97")
    file = attempt(root) / "status.json"
    data = json.loads(file.read_text())
    (record,) = [
        r for r in data["agents"]["agent_b"]["reliability"]["enforcement_attempts"] if "frobnicate" in r["tool_calls"]
    ]
    record["tool_calls"] = ["frobnicate", "frobnicate"]
    file.write_text(json.dumps(data))
    flagged = json.dumps(ask("read_status_reliability", "--logs-dir", str(root))["data"])
    assert "frobnicate" in flagged
    assert "frobnicate x2" not in flagged
