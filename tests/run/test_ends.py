"""How presentations end: cut by an interruption or a time-out, failed or skipped, so that a stored answer stands again; what only
massgen.log or the metadata tells of an end. Courses as real runs of 0.1.97 had them, made from the sample runs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import END_FILES, attempt
from massgen_logs.analysis.timeline import unended
from massgen_logs.run.load import load
from massgen_logs.run.model import Run
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get
from massgen_logs.tree import resolve

CLEAN, KILLED = "s1_clean_0.1.97", "s6_killed_0.1.97"


def changed(root: Path, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Run:
    """The run with other events."""
    file = attempt(root) / "events.jsonl"
    rows = change([json.loads(line) for line in file.read_text().splitlines()])
    file.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return load(resolve(root))


def without(*kinds: str) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda rows: [row for row in rows if row["event_type"] not in kinds]


def checks(root: Path) -> dict[str, bool | None]:
    data = call(get("run_overview"), {"logs_dir": str(root)}).data
    return {check["id"]: check["ok"] for check in data["checks"]}


def without_its_round(root: Path) -> None:
    """The round of the presentation is recorded when it has come to its end only."""
    for name, key in (("metrics_events.json", "round_completions"), ("status.json", "agents")):
        file = attempt(root) / name
        data = json.loads(file.read_text())
        lists = [data] if name == "metrics_events.json" else list(data[key].values())
        for holder in lists:
            inner = key if holder is data else "round_history"
            holder[inner] = [one for one in holder.get(inner, []) if one["round_type"] != "presentation"]
        file.write_text(json.dumps(data))


def without_votes(root: Path) -> None:
    """Nobody voted, as all files but events.jsonl tell."""
    coordination = attempt(root) / "coordination_events.json"
    data = json.loads(coordination.read_text())
    data["events"] = [event for event in data["events"] if event["event_type"] != "vote_cast"]
    coordination.write_text(json.dumps(data))
    for path in attempt(root).glob("*/*/vote.json"):
        path.unlink()


def test_an_interruption_after_the_presentation_cut_none(copy_of) -> None:
    """Ctrl-C in the review that follows it, or lost last lines of events.jsonl: its round is recorded."""
    run = changed(copy_of(CLEAN), without("answer_locked"))
    assert (run.ending.state, run.presentation_cut) == ("finished", False)


def test_an_interrupted_presentation_is_no_end(copy_of) -> None:
    """Ctrl-C in it: MassGen saves all its files, status.json says completed, and the answer was never locked."""
    root = copy_of(CLEAN)
    without_its_round(root)
    run = changed(root, without("answer_locked"))
    assert (run.ending.state, run.presentation_cut, run.stored_answer) == ("unfinished", True, None)
    assert run.ending.src.startswith("events.jsonl:")
    assert checks(root)["final_answer_delivered"] is False
    assert call(get("list_logs"), {"logs_dir": str(root)}).data["logs"][0]["state"] == "unfinished"
    assert "cut" in call(get("time_breakdown"), {"logs_dir": str(root)}).text()


@pytest.mark.parametrize("kind", ["post_evaluation", "restart_banner"])
def test_an_evaluated_or_restarted_presentation_came_to_its_end(copy_of, kind: str) -> None:
    """Each stands where no answer was locked."""

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row | {"event_type": kind} if row["event_type"] == "answer_locked" else row for row in rows]

    run = changed(copy_of(CLEAN), change)
    assert (run.ending.state, run.presentation_cut) == ("finished", False)


def test_a_presentation_that_the_limit_cut(copy_of) -> None:
    """0.1.52 and 0.1.58: the part that was there is the final answer, and the time-out follows it."""

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            row | {"event_type": "orchestrator_timeout", "data": {"timeout_reason": "Time limit exceeded (30.0s/30s)"}}
            if row["event_type"] == "answer_locked"
            else row
            for row in rows
        ]

    root = copy_of(CLEAN)
    without_its_round(root)
    status = attempt(root) / "status.json"
    status.write_text(re.sub(r'"finish_reason": ?"completed"', '"finish_reason": "timeout"', status.read_text()))
    run = changed(root, change)
    assert (run.ending.state, run.presentation_cut, run.stored_answer) == ("timed_out", True, None)


@pytest.mark.parametrize("why", ["failed", "skipped"])
def test_a_stored_answer_stands_again(copy_of, why: str) -> None:
    """The presenter's requests failed (the display says so), or the presentation was skipped: agent1.1 is the winner's last answer."""
    root = copy_of(CLEAN)
    stored = next(root.rglob("agent_a/*/answer.txt")).read_text()
    (final,) = (attempt(root) / "final").glob("*/answer.txt")
    final.write_text(stored)
    kinds = ("final_answer", "final_presentation_chunk")
    gone = kinds if why == "failed" else (*kinds, "final_presentation_start", "final_presentation_end")

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = without(*gone)(rows)
        at = next(n for n, row in enumerate(kept) if row["event_type"] == "answer_locked")
        said = kept[at] | {
            "event_type": "text",
            "data": {"content": "\n📋 Using stored answer as final presentation:\n\n" + stored},
        }
        return [*kept[:at], *([said] if why == "failed" else []), *kept[at:]]

    if why == "skipped":
        coordination = attempt(root) / "coordination_events.json"
        data = json.loads(coordination.read_text())
        data["events"] = [event for event in data["events"] if event["event_type"] != "final_round_start"]
        coordination.write_text(json.dumps(data))
    run = changed(root, change)
    assert (run.ending.state, run.stored_answer, run.presentation_cut) == ("finished", "agent1.1", False)
    (note,) = [note for note in run.notes if note.id == "stored_final"]
    assert note.text.endswith(
        {"failed": "the presentation failed or was empty", "skipped": "no presentation was made"}[why]
    )
    for name in ("status.json", *END_FILES):  # an end that only the events tell is no presented answer either
        (attempt(root) / name).unlink()
    run = load(resolve(root))
    assert (run.ending.state, run.ending.reason) == ("finished", "the winner's stored answer stands as the final one")


def test_errors_of_the_presenter_stand_in_the_log_alone(copy_of) -> None:
    """Told once, of the presenter; one that a record tells already is not told again."""
    root = copy_of(CLEAN)
    log = attempt(root) / "massgen.log"
    words = "Error code: 500 - {'error': {'message': 'scripted failure', 'type': 'server_error', 'code': None}}"
    last = log.read_text().rstrip("\n").rsplit("\n", 1)[-1][:8]
    log.write_text(log.read_text() + f"{last} | ERROR    | [ERROR] orchestrator: {words}\n")
    found = [i for i in call(get("find_errors"), {"logs_dir": str(root)}).data["incidents"] if i["kind"] == "api_error"]
    assert [(i["agent"], i["count"], i["sentence"]) for i in found] == [("agent_a", 1, words)]


def test_a_failure_of_massgen_after_coordination_is_told(copy_of) -> None:
    """The metadata's failure_stage beside a finished coordination."""
    root = copy_of(CLEAN)
    file = attempt(root) / "execution_metadata.yaml"
    text = file.read_text()
    assert "cli_args:\n" in text
    failure = "cli_args:\n  failure_stage: execution_error\n  failure_error: cannot import name 'StreamChunk'\n"
    file.write_text(text.replace("cli_args:\n", failure))
    data = call(get("find_errors"), {"logs_dir": str(root)}).data
    assert data["totals"]["massgen_error"] == 1
    assert load(resolve(root)).ending.state == "finished"


def test_ignored_votes_of_a_killed_run_stand_in_the_log(copy_of) -> None:
    """Its events lost the text; the agent whose execution loop starts next had voted. The quoted words of a model are none."""
    root = copy_of(KILLED)
    log = attempt(root) / "massgen.log"
    time = log.read_text().rstrip("\n").rsplit("\n", 1)[-1][:8]
    log.write_text(
        log.read_text()
        + f"{time} | INFO     | Stream chunk [content]: 🔄 Vote for [agent_a] ignored (reason: first) - restarting due to new answers\n"
        f"{time} | INFO     | [Orchestrator] Agent agent_b starting execution loop...\n"
        f"{time} | INFO     | Stream chunk [content]: I saw 🔄 Vote for [agent_a] ignored (reason: x) - restarting due to new answers\n"
    )
    run = load(resolve(root))
    assert [(v.voter, v.voted_for, v.reason) for v in run.votes if v.ignored] == [("agent_b", "agent_a", "first")]
    assert run.votes_ignored == 1


def test_phases_of_a_saved_status_are_no_reason(copy_of) -> None:
    """status.json says in_progress with "Phase: enforcement" where the presentation was skipped: the run ended otherwise."""
    root = copy_of(CLEAN)
    status = attempt(root) / "status.json"
    data = json.loads(status.read_text())
    data["finish_reason"], data["finish_reason_details"] = "in_progress", "Phase: enforcement"
    status.write_text(json.dumps(data))
    run = load(resolve(root))
    assert (run.ending.state, run.ending.reason) == ("finished", "final answer presented")


def test_zeros_beside_an_answer_are_no_usage(copy_of) -> None:
    """agent_a's responses told none: unknown, and the total is a floor; an agent that did nothing has used nothing."""
    root = copy_of(CLEAN)
    status = attempt(root) / "status.json"
    data = json.loads(status.read_text())
    data["agents"]["agent_a"]["token_usage"] |= {
        "input_tokens": 0, "output_tokens": 0, "reasoning_tokens": 0, "cached_input_tokens": 0, "estimated_cost": 0.0,
    }  # fmt: skip
    status.write_text(json.dumps(data))
    found = call(get("cost_and_tokens"), {"logs_dir": str(root)}).data
    assert (found["agents"]["agent_a"]["input_tokens"], found["agents"]["agent_a"]["cost_usd"]) == (None, None)
    assert found["total"]["floor"]


@pytest.mark.parametrize(
    "setting", ["skip_voting: true", "skip_coordination_rounds: true", "coordination_mode: decomposition"]
)
def test_a_run_without_voting_lacks_none(copy_of, setting: str) -> None:
    """Where the configuration asks for no vote the check can't fail; with votes it is as ever."""
    root = copy_of(CLEAN)
    file = attempt(root) / "execution_metadata.yaml"
    text = file.read_text()
    assert "  orchestrator:\n" in text
    file.write_text(text.replace("  orchestrator:\n", f"  orchestrator:\n    {setting}\n"))
    assert checks(root)["voting_completed"] is True
    without_votes(root)
    changed(root, without("vote"))
    assert checks(root)["voting_completed"] is None


def test_an_agent_that_stops_has_done_its_part(copy_of) -> None:
    """Decomposition: agent_stopped instead of a vote, as 0.1.97 writes it."""

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        stop = {"event_type": "agent_stopped", "data": {"summary": "done", "status": "complete"}}
        return [row | stop if row["event_type"] == "vote" and row["agent_id"] == "agent_b" else row for row in rows]

    root = copy_of(CLEAN)
    run = changed(root, change)
    assert [(m.agent, m.detail) for m in run.moments if m.kind == "stopped"] == [("agent_b", "complete: done")]
    events = call(get("coordination_timeline"), {"logs_dir": str(root)}).data["events"]
    assert [(e["kind"], e["agent"]) for e in events if e["kind"] == "stop"] == [("stop", "agent_b")]


def test_agents_that_stop_are_at_the_end_of_their_part(copy_of) -> None:
    """Decomposition as 0.1.97 records it: no vote, agent_stopped, and a round with the outcome "vote" for each stop."""

    def change(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        stop = {"event_type": "agent_stopped", "data": {"summary": "done", "status": "complete"}}
        return [row | stop if row["event_type"] == "vote" else row for row in rows]

    root = copy_of(CLEAN)
    without_votes(root)
    run = changed(root, change)
    assert (run.votes, unended(run)) == ([], [])
    rounds = call(get("cost_and_tokens"), {"logs_dir": str(root)}).data["rounds"]
    assert [r["outcome"] for r in rounds if r["type"] == "voting"] == ["stop", "stop"]
    phases = call(get("time_breakdown"), {"logs_dir": str(root)}).data["wall_phases"]
    assert [(p["name"], p["ended_with"]) for p in phases[2:]] == [
        ("refinement", "stop"),
        ("presentation", "final answer"),
    ]
    assert "led to no answer" not in call(get("draft_report"), {"logs_dir": str(root)}).text()


@pytest.mark.parametrize("rounds", [True, False])
def test_a_cut_presentation_without_events(copy_of, rounds: bool) -> None:
    """0.1.45, Ctrl-C in it: all files are saved, status.json says completed, and no round of a presentation is recorded."""
    root = copy_of("s1_clean_0.1.45")
    if not rounds:
        without_its_round(root)
    run = load(resolve(root))
    assert (run.ending.state, run.presentation_cut) == (("finished", False) if rounds else ("unfinished", True))
    assert checks(root)["final_answer_delivered"] is rounds


def test_a_winner_without_a_final_answer_is_no_end(copy_of) -> None:
    """0.1.0, Ctrl-C in the presentation: coordination_events.json names the winner and ends, without final_answer and final/."""
    root = copy_of("s1_clean_0.1.0")
    file = next(root.rglob("coordination_events.json"))
    data = json.loads(file.read_text())
    data["events"] = [event for event in data["events"] if event["event_type"] != "final_answer"]
    file.write_text(json.dumps(data))
    shutil.rmtree(next(root.rglob("final")))
    assert load(resolve(root)).ending.state == "failed"


def test_a_presentation_that_broke_off_is_no_delivery(copy_of) -> None:
    """The API closed the connection in it: MassGen locks what it has, records no round of it, and only massgen.log has the error."""
    root = copy_of(CLEAN)
    without_its_round(root)
    log = attempt(root) / "massgen.log"
    began = next(
        row
        for row in map(json.loads, (attempt(root) / "events.jsonl").open())
        if row["event_type"] == "final_presentation_start"
    )
    words = "peer closed connection without sending complete message body (incomplete chunked read)"
    log.write_text(log.read_text() + f"{began['timestamp'][11:19]} | ERROR    | [ERROR] orchestrator: {words}\n")
    run = load(resolve(root))
    assert (run.ending.state, run.presentation_cut) == ("finished", True)
    assert checks(root)["final_answer_delivered"] is False
    (incident,) = [
        i for i in call(get("find_errors"), {"logs_dir": str(root)}).data["incidents"] if words in i["sentence"]
    ]
    assert incident["agent"] == "agent_a"
