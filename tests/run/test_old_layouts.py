"""Layouts of 0.1.3 to 0.1.38 in which attempts have no log of their own, made from the sample runs as real runs of 0.1.5, 0.1.8,
0.1.18 and 0.1.30 left them; and votes that a later answer took back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from massgen_logs.run.load import load
from massgen_logs.run.trace import items
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get
from massgen_logs.tree import read_session, resolve, session_names

OLD, LATER = "s1_clean_0.1.12", "s1_clean_0.1.45"
HOME = {"massgen.log", "execution_metadata.yaml"}
COMMANDS = 12
"""agent_a ran nine, agent_b three (SCENARIO.md)."""


def lowered(root: Path, at: str) -> Path:
    """The files of the sample's turn_1, but for log and metadata, in attempt_1: below turn_1, or below the log itself."""
    (turn,) = root.glob("log_*/turn_1")
    if at == "log":
        home = turn.parent
        for path in list(turn.iterdir()):
            shutil.move(path, home / path.name)
        turn.rmdir()
        turn = home
    attempt = turn / "attempt_1"
    attempt.mkdir()
    for path in list(turn.iterdir()):
        if path.name not in HOME and path != attempt:
            shutil.move(path, attempt / path.name)
    return attempt


@pytest.mark.parametrize("at", ["log", "turn"])
def test_an_attempt_finds_its_log_one_folder_higher(copy_of, at: str) -> None:
    """Version, commands, answers and votes are those of the sample as it was."""
    root = copy_of(OLD)
    before = load(resolve(root))
    attempt = lowered(root, at)
    run = load(resolve(root))
    assert (run.path, run.turn, run.attempt) == (str(attempt), 1, 1)
    assert (run.version, run.ending.state, run.winner) == (before.version, "finished", "agent_a")
    assert sum(c.command is not None for c in run.calls) == sum(c.command is not None for c in before.calls) == COMMANDS
    assert [(v.voter, v.voted_for) for v in run.votes] == [(v.voter, v.voted_for) for v in before.votes]
    assert resolve(root, str(attempt)).attempt.path == attempt
    row = call(get("list_logs"), {"logs_dir": str(root)}).data["logs"][0]
    assert (row["massgen_version"], row["state"], len(row["turns"])) == ("0.1.12", "finished", 1)


@pytest.mark.parametrize("own", [False, True])
def test_attempts_that_share_a_log_have_their_part_of_it(copy_of, own: bool) -> None:
    """A banner stands between them; the log is in turn_1 (to 0.1.23), or in attempt_1 (to 0.1.38)."""
    root = copy_of(OLD)
    attempt = lowered(root, "turn")
    shutil.copytree(attempt, attempt.with_name("attempt_2"))
    log = attempt.parent / "massgen.log"
    text = log.read_text().rstrip("\n")
    time = text.rsplit("\n", 1)[-1][:8]
    banner = f"{time} | INFO     | Stream chunk [status]: 🔄 ORCHESTRATION RESTART (Attempt 2/2)\n"
    call_ = '🔧 MCP: Arguments for Calling mcp__command_line__execute_command: {"command": "tick"}'
    again = f"{time} | INFO     | Stream chunk [mcp_status]: {call_}\n"
    log.write_text(f"{text}\n{banner}{again}")
    if own:
        for name in HOME:
            shutil.move(log.parent / name, attempt / name)
    first, second = (load(resolve(root, attempt=number)) for number in (1, 2))
    assert sum(c.command is not None for c in first.calls) == COMMANDS
    assert [c.command for c in second.calls] == ["tick"]
    assert first.version == second.version == "0.1.12"


def test_an_attempt_with_a_log_of_its_own_takes_no_others(copy_of) -> None:
    """From 0.1.39 on; and an attempt of later versions that lost its massgen.log has events.jsonl."""
    root = copy_of("s7b_orch_restart_0.1.97")
    for session in (read_session(root / name) for name in session_names(root)):
        assert all(a.log_home is None and not a.shares_log for turn in session.turns for a in turn.attempts)


def test_a_vote_that_an_answer_took_back_does_not_count(copy_of) -> None:
    """agent_b is started anew after its accepted vote, and never votes again: agent_a's own vote is the only one that stands."""
    root = copy_of(LATER)
    (file,) = root.rglob("coordination_events.json")
    data = json.loads(file.read_text())
    events = data["events"]
    vote = next(
        n for n, event in enumerate(events) if event["event_type"] == "vote_cast" and event["agent_id"] == "agent_b"
    )
    start = next(
        event for event in events if event["event_type"] == "context_received" and event["agent_id"] == "agent_b"
    )
    events.insert(vote + 1, start | {"timestamp": events[vote]["timestamp"] + 0.1})
    file.write_text(json.dumps(data))
    run = load(resolve(root))
    assert [(v.voter, v.counted, v.superseded) for v in run.votes if v.accepted] == [
        ("agent_b", False, True), ("agent_a", True, False),
    ]  # fmt: skip
    (note,) = [note.text for note in run.notes if note.id == "superseded"]
    assert "those of 1 were taken back by an answer that restarted them" in note
    checks = {check["id"]: check["ok"] for check in call(get("run_overview"), {"logs_dir": str(root)}).data["checks"]}
    assert checks["voting_completed"] is False


def test_answers_and_votes_stand_where_their_time_is(copy_of) -> None:
    """0.1.42 leaves out marks of answers and shows none of votes: agent_a made six calls, answered, made three and voted
    (SCENARIO.md), and an accepted vote before an ignored one stands before it."""
    root = copy_of(LATER)
    (file,) = root.rglob("agent_outputs/agent_a.txt")
    text = file.read_text()
    assert "✅ Answer provided" in text
    file.write_text(text.replace("✅ Answer provided", ""))

    def steps(agent: str) -> str:
        place = resolve(root)
        found = items(load(place), place, agent, [], [])
        kinds = {"call", "answer", "vote"}
        return " ".join(i.kind + (" ignored" if "(ignored)" in i.text else "") for i in found if i.kind in kinds)

    assert steps("agent_a") == "call call call call call call answer call call call vote"
    rounds = [c.round for c in load(resolve(root)).calls if c.agent == "agent_a"]
    assert rounds == [0] * 6 + [1] * 3
    (events,) = root.rglob("coordination_events.json")
    data = json.loads(events.read_text())
    cast = next(e for e in data["events"] if e["event_type"] == "vote_cast" and e["agent_id"] == "agent_b")
    ignored = {"timestamp": cast["timestamp"] + 0.2, "event_type": "vote_ignored", "agent_id": "agent_b",
               "details": "VOTE_IGNORED: Voted for agent_b but ignored due to restart", "context": {"round": 1}}  # fmt: skip
    data["events"].insert(data["events"].index(cast) + 1, ignored)
    events.write_text(json.dumps(data))
    (own,) = root.rglob("agent_outputs/agent_b.txt")
    own.write_text(own.read_text() + "🔄 Vote for [agent_b] ignored (reason: mine) - restarting due to new answers\n")
    assert steps("agent_b").endswith("vote vote ignored")


def test_a_turn_without_metadata_has_its_sessions_version(copy_of) -> None:
    """--continue of 0.1.42 writes the second turn's into the first turn's folder; a list says the same."""
    root = copy_of(LATER)
    (turn,) = root.glob("log_*/turn_1")
    second = shutil.copytree(turn, turn.with_name("turn_2"))
    for name in (*HOME, "streaming_debug.log"):
        (second / "attempt_1" / name).unlink()
    run = load(resolve(root))
    assert (run.turn, run.version, run.agents["agent_a"].model) == (2, "0.1.45", "gpt-4o-mini")
    assert [note.id for note in run.notes if note.id in {"metadata_elsewhere", "version_unknown"}] == [
        "metadata_elsewhere"
    ]
    assert call(get("list_logs"), {"logs_dir": str(root)}).data["logs"][0]["massgen_version"] == "0.1.45"


@pytest.mark.parametrize(
    ("version", "counted"), [("0.1.12", True), ("0.1.36", True), ("0.1.39", False), ("0.1.45", False)]
)
def test_until_0_1_38_a_restarted_voters_vote_counts_on(version: str, counted: bool, copy_of, ask) -> None:
    """agent_a voted at 470.2 s and would have been started anew at 472.0 s by an answer of agent_b: MassGen let it vote again, and
    forgot its vote only from 0.1.39 on."""
    root = copy_of("s1_clean_0.1.12")
    file = next(root.rglob("coordination_events.json"))
    data = json.loads(file.read_text())
    given = next(event for event in data["events"] if event["event_type"] == "context_received")
    context = {"available_answer_labels": ["agent1.1", "agent2.1", "agent2.2"], "round": 2}
    voted = next(n for n, event in enumerate(data["events"]) if event["event_type"] == "vote_cast")
    data["events"].insert(voted + 1, given | {"agent_id": "agent_a", "timestamp": 1795345472.0, "context": context})
    file.write_text(json.dumps(data))
    metadata = next(root.rglob("execution_metadata.yaml"))
    metadata.write_text(metadata.read_text().replace("0.1.12", version))
    assert ("agent_a" in ask("vote_reasons", "--logs-dir", str(root))["data"]["final"]) is counted


def test_what_a_later_turn_wrote_into_the_first_turns_log_is_not_the_first_turns(copy_of, ask) -> None:
    """0.1.36 with --continue: the second process goes on in turn_1's massgen.log. The run of turn 1 ended at 11:05:37."""
    root = copy_of("s3_enforcement_0.1.12")
    log = next(root.rglob("massgen.log"))
    shutil.copytree(log.parent, log.parent.with_name("turn_2"))
    before = ask("read_status_reliability", "--logs-dir", str(root), "--turn", "1")["data"]["agents"]
    refused = (
        "11:25:00 | INFO     | Stream chunk [content]: ❌ Cannot vote when no answers exist. Use new_answer tool.\n"
        "11:25:00 | INFO     | [Orchestrator] Agent agent_c attempt 2/3\n"
    )
    log.write_text(log.read_text() + refused)
    after = ask("read_status_reliability", "--logs-dir", str(root), "--turn", "1")["data"]["agents"]
    assert before["agent_c"]
    assert after == before


def test_what_names_no_agent_is_of_the_only_one(copy_of) -> None:
    """One agent: massgen.log's calls and refusals, which name none, can be nobody else's; its display is in the text all the same."""
    root = copy_of("s1_clean_0.1.12")
    (events,) = root.rglob("coordination_events.json")
    data = json.loads(events.read_text())
    data["session_metadata"]["agent_ids"] = ["agent_a"]
    data["events"] = [event for event in data["events"] if event["agent_id"] != "agent_b"]
    events.write_text(json.dumps(data))
    for name in ("status.json", "snapshot_mappings.json"):
        next(root.rglob(name)).unlink()
    shutil.rmtree(next(path for path in root.rglob("agent_b") if path.parent.name != "final"))
    run = load(resolve(root))
    assert list(run.agents) == ["agent_a"]
    assert {one.agent for one in run.calls} == {"agent_a"}
    assert "no_agent" not in {note.id for note in run.notes}
    args = {"logs_dir": str(root), "agent": "agent_a"}
    assert {item["kind"] for item in call(get("read_trace"), args).data["items"]} == {"text", "call"}
    report = call(get("draft_report"), {"logs_dir": str(root)}).text()
    assert "Starting multi-agent coordination" not in report
