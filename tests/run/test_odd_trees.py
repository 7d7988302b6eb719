"""Old and odd trees: small edits of sample runs, with what a careful reader can know of each."""

from __future__ import annotations

import json
import re
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conftest import END_FILES, attempt
from massgen_logs.attempt import Attempt
from massgen_logs.readers.coordination_events import Coordination
from massgen_logs.readers.status_json import Status
from massgen_logs.run import clock, ending, load
from massgen_logs.run.backends import choose
from massgen_logs.tree import resolve

SHELL = "mcp__command_line__execute_command"
TIMEOUT = "**Orchestrator Timeout**: Time limit exceeded (15.0s/15s)"


def edit(file: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file in place."""
    value = json.loads(file.read_text())
    change(value)
    file.write_text(json.dumps(value))


def set_version(root: Path, version: str) -> None:
    file = attempt(root) / "execution_metadata.yaml"
    file.write_text(re.sub(r"massgen_version:.*", f"massgen_version: {version}", file.read_text()))


def say(root: Path, voter: str, reason: str) -> None:
    """Give all votes of an agent another reason."""
    for file in attempt(root).glob(f"{voter}/2*/vote.json"):
        edit(file, lambda vote: vote.update(reason=reason))

    def change(value: Any) -> None:
        for event in value["events"]:
            if event["event_type"] == "vote_cast" and event["agent_id"] == voter:
                event["context"]["reason"] = reason

    edit(attempt(root) / "coordination_events.json", change)


def add_ignored_vote(root: Path, voter: str) -> None:
    """A vote_ignored event before the first accepted vote, as orchestrator.py of every 0.1.x writes it."""

    def change(value: Any) -> None:
        at = next(i for i, event in enumerate(value["events"]) if event["event_type"] == "vote_cast")
        details = "VOTE_IGNORED: Voted for agent_a but ignored due to restart"
        event = {**value["events"][at], "event_type": "vote_ignored", "agent_id": voter, "details": details}
        value["events"].insert(at, {**event, "context": {"iteration": 1, "round": 1}})

    edit(attempt(root) / "coordination_events.json", change)


def add_text(root: Path, content: str) -> None:
    """A text event of agent_a right after its first round_start."""
    file = attempt(root) / "events.jsonl"
    lines = file.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if '"round_start"' in line and '"agent_a"' in line) + 1
    event = {**json.loads(lines[at - 1]), "event_type": "text", "data": {"content": content}}
    file.write_text("\n".join([*lines[:at], json.dumps(event, ensure_ascii=False), *lines[at:]]) + "\n")


def rotate(root: Path, part: float) -> None:
    """Move the first `part` of massgen.log into a zip beside it, as MassGen's rotation does."""
    log = attempt(root) / "massgen.log"
    lines = log.read_text().splitlines(keepends=True)
    at = int(len(lines) * part)
    while not re.match(r"\d\d:\d\d:\d\d \|", lines[at]):
        at += 1
    name = "massgen.2026-11-22_10-47-01_123456.log"
    with zipfile.ZipFile(log.with_name(f"{name}.zip"), "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, "".join(lines[:at]))
    log.write_text("".join(lines[at:]))


def overview(ask, root: Path) -> dict[str, Any]:
    return ask("run_overview", "--logs-dir", str(root))


def flags(ask, root: Path) -> dict[str, str]:
    return {flag["id"]: flag["text"] for flag in overview(ask, root)["data"]["red_flags"]}


# -- votes


@pytest.mark.parametrize(
    "reason",
    [
        "The formula is the cleanest way to the sum of the integers from 1 to 100.",  # about the recorded agent_b's answer
        "agent1 is the one that has the most of it and it is to be the first.",  # words of any text
    ],
)
def test_words_of_any_text_prove_no_other_meaning(reason: str, copy_of, ask) -> None:
    """s1_clean_0.1.12: agent_b's `<agent1>` moved, but these reasons don't say which of the two answers they are about."""
    root = copy_of("s1_clean_0.1.12")
    say(root, "agent_b", reason)
    assert "misattributed" not in flags(ask, root)


def test_a_label_that_the_prompt_never_showed_proves_nothing(copy_of, ask) -> None:
    """0.1.46 shows `<agent1>` and no labels: whoever writes agent2.1 can't mean the answer of that label."""
    root = copy_of("s2_three_agents_0.1.46")
    say(root, "zeta", "agent2's lines are fresh (answer agent2.1 in my notes).")
    assert "misattributed" not in flags(ask, root)


def test_one_ignored_vote_that_is_told_does_not_make_the_count_exact(copy_of, ask) -> None:
    """Below 0.1.36: three votes were called, two accepted; a fourth call and one vote_ignored event leave one unknown."""
    root = copy_of("s1_clean_0.1.12")
    set_version(root, "0.1.28")
    add_ignored_vote(root, "agent_b")
    log = attempt(root) / "massgen.log"
    line = "11:04:30 | INFO     | Provider function calls detected: ['vote']. Ending local processing.\n"
    log.write_text(log.read_text() + line)
    data = overview(ask, root)["data"]
    assert data["votes"]["ignored"] is None
    assert data["votes"]["accepted"] == 2


def test_the_reason_of_an_ignored_vote_behind_words_of_the_model(copy_of, ask) -> None:
    """MassGen's line about it may go on in the line that the model wrote; mid ignored for alpha (SCENARIO of s2)."""
    root = copy_of("s2_three_agents_0.1.97")
    (file,) = root.glob("*/turn_1/attempt_1/events.jsonl")
    glued = file.read_text().replace('{"content": "🔄 Vote for [', '{"content": "a v 🔄 Vote for [')
    assert glued.count('"a v 🔄 Vote for [') == 4
    file.write_text(glued)
    votes = ask("vote_reasons", "--logs-dir", str(root), key="votes")["data"]["votes"]
    ignored = [(vote["voter"], vote["voted_for"], vote["reason"][:6]) for vote in votes if vote["ignored"]]
    assert sorted(ignored) == [
        ("alpha", "alpha", "agent1"), ("mid", "alpha", "agent1"), ("zeta", "mid", "mid (a"), ("zeta", "mid", "mid (a"),
    ]  # fmt: skip


def test_ignored_votes_of_0_1_0_are_events_and_lines(copy_of, ask) -> None:
    """Its "Vote invalid" line (one in this run) is of a vote that is dropped before it can become a vote_ignored event."""
    root = copy_of("s1_clean_0.1.0")
    add_ignored_vote(root, "agent_b")
    assert overview(ask, root)["data"]["votes"]["ignored"] == 2
    votes = ask("vote_reasons", "--logs-dir", str(root), key="votes")["data"]["votes"]
    assert sorted(vote["voter"] for vote in votes if vote["ignored"]) == ["agent_a", "agent_b"]


def refused(ask, root: Path) -> list[tuple[str, str | None]]:
    votes = ask("vote_reasons", "--logs-dir", str(root), key="votes")["data"]["votes"]
    return [(vote["voter"], vote["voted_for"]) for vote in votes if vote["refused"]]


def test_a_cut_preview_still_is_an_enforcement_event(copy_of, ask) -> None:
    """s2_three_agents_0.1.55: two enforcement events and one text each of alpha and zeta; zeta's previews are cut at 500."""
    root = copy_of("s2_three_agents_0.1.55")

    def change(value: Any) -> None:
        for event in value["agents"]["zeta"]["reliability"]["enforcement_attempts"]:
            event["buffer_preview"] = (
                'Voting. \n\n[Tool Call: vote({"agent_id": "agent2", "reason": "' + "long " * 200
            )[:500]

    edit(attempt(root) / "status.json", change)
    assert "4 are enforcement events of status.json, 2 only a text" in flags(ask, root)["refused"]
    assert [vote for vote in refused(ask, root) if vote[0] == "zeta"] == [
        ("zeta", "mid"),
        ("zeta", "mid"),
        ("zeta", None),
    ]


def test_refused_votes_without_any_accepted_one_name_their_targets(copy_of, ask) -> None:
    """The ids that a model sees from 0.1.39 on are numbers of the sorted agents: alpha, mid, zeta."""
    root = copy_of("s2_three_agents_0.1.55")
    for file in attempt(root).glob("*/2*/vote.json"):
        shutil.rmtree(file.parent)
    edit(attempt(root) / "coordination_events.json",
         lambda value: value.update(events=[e for e in value["events"] if e["event_type"] != "vote_cast"]))  # fmt: skip
    found = refused(ask, root)
    assert {target for _, target in found if target} == {"alpha", "mid"}  # zeta named agent2, alpha agent1


@pytest.mark.parametrize(
    "content",
    [
        "🔄 Vote for [agent_b] ignored (reason: x) - restarting due to new answers",
        "⏳ Fairness gate: before you vote for an existing answer, you must observe the latest. Restarting with latest context.",
        "❌ Agent was killed",
        "❌ Error: Error code: 500 - no",
        "⚠️ Unknown tool: foo (not registered)\n🔧 used foo tool (not implemented)",
    ],
)
def test_quoted_lines_of_massgen_change_nothing(content: str, copy_of, ask) -> None:
    """An agent that writes about MassGen: coordination_events.json and status.json are complete and know of nothing."""
    root = copy_of("s1_clean_0.1.97")
    tools = ("vote_reasons", "coordination_timeline", "read_status_reliability", "find_errors", "repeated_commands")
    before = [ask(tool, "--logs-dir", str(root))["data"] for tool in tools]
    add_text(root, content)
    for tool, old in zip(tools, before, strict=True):
        found = json.dumps(ask(tool, "--logs-dir", str(root))["data"])
        found = re.sub(r"events\.jsonl:\d+", "events.jsonl", found)
        assert found == re.sub(r"events\.jsonl:\d+", "events.jsonl", json.dumps(old)), tool


# -- endings


def test_killed_in_its_presentation(copy_of, ask) -> None:
    """0.1.97 writes `completed` when the presentation starts; nothing that is written at the end is there."""
    root = copy_of("s1_clean_0.1.97")
    for name in END_FILES:
        (attempt(root) / name).unlink()
    shutil.rmtree(attempt(root) / "final")
    shutil.rmtree(attempt(root).parent / "final")
    file = attempt(root) / "events.jsonl"
    head, mark, _ = file.read_text().partition('"event_type": "final_presentation_start"')
    assert mark
    file.write_text(head[: head.rindex("\n") + 1])
    assert json.loads((attempt(root) / "status.json").read_text())["finish_reason"] == "completed"
    assert overview(ask, root)["scope"]["state"] == "unfinished"
    assert ask("list_logs", "--logs-dir", str(root))["data"]["logs"][0]["state"] == "unfinished"


@pytest.mark.parametrize("name", ["coordination_events.json", "metrics_summary.json"])
def test_completed_beside_a_torn_end_file_is_finished(name: str, copy_of, ask) -> None:
    """One of the files that are written at the end suffices, however little of it."""
    root = copy_of("s1_clean_0.1.97")
    for other in END_FILES:
        (attempt(root) / other).unlink()
    (attempt(root) / name).write_text('{"meta')
    (attempt(root) / "events.jsonl").unlink()
    assert overview(ask, root)["scope"]["state"] == "finished"


@pytest.mark.parametrize(
    "message",
    [
        f"An earlier log of mine ended with {TIMEOUT}, this one did not. ",
        f"It said:\n⚠️ {TIMEOUT}\n",
        f"⚠️ {TIMEOUT} was in it",
    ],
)
def test_an_agent_that_quotes_the_timeout_line_did_not_time_out(message: str, copy_of, ask) -> None:
    """0.1.12 has no finish_reason; the message of massgen.log is MassGen's own only as a whole."""
    root = copy_of("s1_clean_0.1.12")
    log = attempt(root) / "massgen.log"
    log.write_text(f"{log.read_text()}11:04:38 | INFO     | Stream chunk [content]: {message}\n")
    assert overview(ask, root)["scope"]["state"] == "finished"


def without_events(copy_of) -> Path:
    """The run that timed out without an answer, as 0.1.45 leaves it."""
    root = copy_of("s5a_orch_timeout_no_answers_0.1.97")
    (attempt(root) / "events.jsonl").unlink()
    set_version(root, "0.1.45")
    return root


def test_a_timeout_in_the_part_that_was_rotated_away(copy_of, ask) -> None:
    """massgen.log begins anew right after the timeout's line."""
    root = without_events(copy_of)
    rotate(root, 0.97)
    assert "Orchestrator Timeout" not in (attempt(root) / "massgen.log").read_text()
    answer = overview(ask, root)
    assert (answer["scope"]["state"], answer["data"]["duration_s"]) == ("timed_out", 15.0)


def test_timeline_of_a_timeout_without_answers_or_events(copy_of, ask) -> None:
    """Only massgen.log knows when: both agents start at 10:52:43, the timeout is at 10:52:58, 15.0 s
    after the run's start at 10:52:43.7 by its own words."""
    root = without_events(copy_of)
    events = ask("coordination_timeline", "--logs-dir", str(root), key="events")["data"]["events"]
    assert [(e["kind"], e["agent"], round(e["t"])) for e in events] == [
        ("round_start", "agent_a", 0), ("round_start", "agent_b", 0), ("timeout", None, 15),
    ]  # fmt: skip
    assert min(e["t"] for e in events) >= 0


def test_a_log_that_begins_before_midnight(tmp_path: Path) -> None:
    """MassGen logs from 23:59:55 on, its run starts at 00:00:03 of the 23rd; the zone is UTC+1."""
    start = 1795388403.0  # 2026-11-22T23:00:03Z
    made = clock.make("log_20261122_235955_000000", [(clock.stamp_seconds("20261123_000003_000000"), start)], start)
    seen, last = [], None
    for seconds in (86395, 86398, 86397, 3, 20):
        last = made.of_day(seconds, last)
        assert last is not None
        seen.append(last - start)
    assert seen == [-8, -5, -6, 0, 17]
    (tmp_path / "massgen.log").write_text("23:59:55 | INFO     | first\n23:59:58 | INFO     | last\n")
    how = ending.decide(Attempt(1, tmp_path), Status(), Coordination(), None, made, now=start + 60)
    assert (how.state, how.last_sign) == ("in_progress", start - 5)


def test_times_of_a_run_over_its_own_midnight() -> None:
    """What is logged after midnight is of the next day, also many hours later."""
    start = 1795388340.0  # 2026-11-22T22:59:00Z, 23:59:00 there
    made = clock.make("log_20261122_235900_000000", [(clock.stamp_seconds("20261122_235900_000000"), start)], start)
    assert made.of_day(86340) == start
    assert made.of_day(60, start) == start + 120
    assert made.of_day(13 * 3600, made.of_day(3600, start)) == start + 60 + 13 * 3600


# -- calls


def test_trace_and_commands_of_a_rotated_log(copy_of, ask, run_cli) -> None:
    """0.1.12: the first 80 % of massgen.log lie in a zip; truth.json has 12 commands."""
    root = copy_of("s1_clean_0.1.12")
    rotate(root, 0.8)
    code, out, err = run_cli("read-trace", "--agent", "*", "--kind", "call", "--logs-dir", str(root), "--json")
    assert code == 0, err
    assert json.loads(out)["page"]["total"] == 12


def test_usage_of_a_rotated_log(copy_of, ask) -> None:
    """s16_gemini_0.1.97: 139,112 input tokens were served (truth.json tokens_true_total), wherever the lines are."""
    root = copy_of("s16_gemini_0.1.97")
    rotate(root, 0.6)
    agents = ask("cost_and_tokens", "--logs-dir", str(root))["data"]["agents"].values()
    assert sum(agent["corrected"]["input_tokens"] for agent in agents) == 139112


def unknown_tools(ask, root: Path) -> dict[str, list[str]]:
    agents = ask("read_status_reliability", "--logs-dir", str(root))["data"]["agents"]
    return {name: agent["unknown_tools"] for name, agent in agents.items() if agent["unknown_tools"]}


def test_unknown_tools_without_events(copy_of, ask) -> None:
    """status.json has them in the responses that it refused: agent_b called frobnicate, agent_a only vote (SCENARIO.md)."""
    root = copy_of("s3_enforcement_0.1.55")
    (attempt(root) / "events.jsonl").unlink()
    assert unknown_tools(ask, root) == {"agent_b": ["frobnicate"]}


def test_unknown_tools_in_the_display(copy_of, ask) -> None:
    """0.1.36 records no refused response; the display shows the tool."""
    root = copy_of("s1d_livelock_0.1.36")
    with (attempt(root) / "agent_outputs" / "agent_b.txt").open("a") as handle:
        handle.write("One. ⚠️ Unknown tool: frobnicate (not registered)🔧 used frobnicate tool (not implemented)Two.")
    assert unknown_tools(ask, root) == {"agent_b": ["frobnicate"]}


def test_a_server_that_died_is_told_for_old_versions(copy_of, ask) -> None:
    """0.1.45 has no is_error: a result that begins with Error is none of the command's, and no success."""
    root = copy_of("s1_clean_0.1.45")
    died = "Error: Tool call failed: Connection closed | Context: tool_name=x"
    with (attempt(root) / "agent_outputs" / "agent_b.txt").open("a") as handle:
        handle.write(f'🔧 MCP: Arguments for Calling {SHELL}: {{"command": "kill -9 $PPID"}}🔧 MCP: Results for Calling {SHELL}: '
                     f"{died}🔧 MCP: ✅ [MCP Tool] {SHELL} completed")  # fmt: skip
    incidents = ask("find_errors", "--logs-dir", str(root), key="incidents")["data"]["incidents"]
    assert [i["command"] for i in incidents if i["kind"] == "server_died"] == ["kill -9 $PPID"]
    call = next(c for c in load.load(resolve(root)).calls if c.command == "kill -9 $PPID")
    assert (call.outcome, call.recorded_ok) == ("unknown", None)


def test_a_command_that_prints_the_hooks_words_ran() -> None:
    """The words stand in the stdout of a result with exit code 0; a refusal is these words and no JSON."""
    result = (
        '{"success":true,"exit_code":0,"stdout":"Hook denied tool execution: 8 lines","stderr":"","execution_time":0.1}'
    )
    outcome = choose("chatcompletion").outcome
    assert outcome(SHELL, {"command": "cat log"}, result, False).kind == "ok"
    assert outcome(SHELL, {"command": "ls"}, "Hook denied tool execution: HARD TIMEOUT", True).kind == "denied"


def test_a_display_without_calls_hides_none(copy_of, ask) -> None:
    """0.1.0 with a display: agent_outputs has texts only, massgen.log the 12 commands."""
    root = copy_of("s1_clean_0.1.0")
    (attempt(root) / "agent_outputs").mkdir()
    for agent in ("agent_a", "agent_b"):
        (attempt(root) / "agent_outputs" / f"{agent}.txt").write_text("=== OUTPUT LOG ===\n\nLet me look. ")
    assert overview(ask, root)["data"]["commands_ran"] == 12
    items = ask("read_trace", "--agent", "*", "--kind", "call", "--logs-dir", str(root))
    assert items["page"]["total"] == 12


def test_a_missing_display_file_makes_the_calls_a_floor(copy_of, ask) -> None:
    """agent_a ran 9 of the 12 commands that metrics_events.json counts."""
    root = copy_of("s1_clean_0.1.45")
    (attempt(root) / "agent_outputs" / "agent_b.txt").unlink()
    assert overview(ask, root)["data"]["commands_ran"] == 9
    assert "records 12 tool executions, the logs hold 9" in flags(ask, root)["lost_events"]


def test_the_display_of_a_restarted_attempt_may_hold_the_next_ones_calls(copy_of, ask) -> None:
    """s7b: text of attempt 2 stands in attempt 1's agent_outputs too; of a version without events that has to be said."""
    root = copy_of("s7b_orch_restart_0.1.97")
    first = next(root.glob("*/turn_1/attempt_1"))
    (first / "events.jsonl").unlink()
    with (first / "agent_outputs" / "agent_a.txt").open("a") as handle:
        handle.write(f'🔧 MCP: Arguments for Calling {SHELL}: {{"command": "ls"}}')
    notes = ask("repeated_commands", "--logs-dir", str(root), "--attempt", "1")["notes"]
    assert "later_attempt" in {note["id"] for note in notes}
    notes = ask("repeated_commands", "--logs-dir", str(root), "--attempt", "2")["notes"]
    assert "later_attempt" not in {note["id"] for note in notes}


@pytest.mark.parametrize(("version", "lost"), [("0.1.97", False), ("0.1.45", True)])
def test_native_injections_are_lost_up_to_0_1_45_only(version: str, lost: bool, copy_of, ask) -> None:
    """A --debug run has no events.jsonl in any version; claude_code got its injections in 0.1.97."""
    root = copy_of("s15_claude_code_0.1.97")
    set_version(root, version)
    (attempt(root) / "events.jsonl").unlink()

    def change(value: Any) -> None:
        event = {
            "event_type": "update_injected",
            "agent_id": "agent_b",
            "details": "UPDATE_INJECTED: Mid-stream (native): 1 answer(s)",
        }
        value["events"].append({**value["events"][-1], **event, "context": {"iteration": 1, "round": 1}})

    edit(attempt(root) / "coordination_events.json", change)
    assert ("not_delivered" in flags(ask, root)) is lost


# -- answers


def test_an_answer_has_the_text_of_its_own_folder(copy_of) -> None:
    """alpha's first answer.txt is gone: agent1.1 is told from other files, and agent1.2 stays what it was."""
    root = copy_of("s2_three_agents_0.1.97")
    before = {a.label: a.text for a in load.load(resolve(root)).answers}
    first, second = sorted(attempt(root).glob("alpha/2*/answer.txt"))
    second_text = second.read_text()
    first.unlink()
    answers = {a.label: a for a in load.load(resolve(root)).answers}
    assert answers["agent1.2"].text == second_text
    assert answers["agent1.2"].folder == f"alpha/{second.parent.name}"
    assert answers["agent1.1"].text == before["agent1.1"] != second_text  # events.jsonl has its first 500 characters


def test_folders_named_by_status_alone(copy_of) -> None:
    """A killed run has no snapshot_mappings.json; historical_workspaces of status.json names the folders."""
    root = copy_of("s2_three_agents_0.1.97")
    (attempt(root) / "snapshot_mappings.json").unlink()
    first, second = sorted(attempt(root).glob("alpha/2*/answer.txt"))
    first.unlink()
    answers = {a.label: a.folder for a in load.load(resolve(root)).answers}
    assert answers["agent1.1"] == f"alpha/{first.parent.name}"
    assert answers["agent1.2"] == f"alpha/{second.parent.name}"


def test_a_folder_named_out_of_the_attempt_is_not_read(copy_of, tmp_path: Path) -> None:
    """The time stamp in a file is no path."""
    root = copy_of("s1_clean_0.1.97")
    outside = attempt(root).parent / "planted"
    outside.mkdir()
    (outside / "answer.txt").write_text("PLANTED")
    edit(attempt(root) / "snapshot_mappings.json",
         lambda value: value["agent1.1"].update(timestamp="../../planted"))  # fmt: skip
    assert "PLANTED" not in {a.text for a in load.load(resolve(root)).answers}


def test_later_turns_in_the_first_ones_log_are_none_of_its_own(copy_of, ask) -> None:
    """0.1.45 --continue: turn 2 has its own status and answers, and writes its log (here a minute later) into turn 1's."""
    root = copy_of("s1_clean_0.1.45")
    (turn,) = root.glob("log_*/turn_1")
    before = ask("find_errors", "--logs-dir", str(root))["data"]["totals"]
    with (turn / "attempt_1" / "massgen.log").open("a") as file:
        file.write(
            "11:11:20 | INFO     | [Orchestrator] Sending enforcement message to agent_a (list, 1 items): [{'role': 'tool'}]\n"
            "11:11:21 | ERROR    | Failed to connect to planning: <TimeoutError: no message>\n"
        )
        file.flush()
        alone = ask("find_errors", "--logs-dir", str(root), "--turn", "1")["data"]["totals"]
        left = shutil.ignore_patterns("massgen.log", "streaming_debug.log", "execution_metadata.yaml")
        shutil.copytree(turn, turn.with_name("turn_2"), ignore=left)
        file.write("11:11:22 | INFO     | Stream chunk [done]\n")
    assert alone == {**before, "server_not_connected": 1, "refused_response": before.get("refused_response", 0) + 1}
    assert ask("find_errors", "--logs-dir", str(root), "--turn", "1")["data"]["totals"] == before
