"""The rules that decide what a run was, each on the smallest case."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest

from conftest import CORPUS
from massgen_logs.analysis.reliability import incidents
from massgen_logs.readers.base import Problem, Source
from massgen_logs.readers.calls_text import pieces
from massgen_logs.readers.massgen_log import read as read_log
from massgen_logs.readers.status_json import Enforcement
from massgen_logs.run import backends, clock, load
from massgen_logs.run.backends import codex, command_line
from massgen_logs.run.backends.dialect import output_chars
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get
from massgen_logs.tree import resolve

OK = '{"success":true,"exit_code":0,"stdout":"x","stderr":"","execution_time":0.5}'
SHELL = "mcp__command_line__execute_command"


def outcome(backend: str, tool: str, args: dict[str, object], result: str, is_error: bool | None):
    return backends.choose(backend).outcome(tool, args, result, is_error)


@pytest.mark.parametrize(
    ("result", "is_error", "kind", "code"),
    [
        (OK, False, "ok", 0),
        ('{"success":false,"exit_code":1,"stdout":"","stderr":"no"}', False, "failed", 1),
        (
            '{"success":false,"exit_code":-1,"stderr":"Command timed out after 60 seconds","execution_time":60.0}',
            False,
            "failed",
            -1,
        ),
        (
            '{"success":false,"exit_code":-1,"stderr":"Potentially dangerous command detected: Use of \'dd\'"}',
            False,
            "denied",
            -1,
        ),
        (
            '{"success":false,"exit_code":-1,"stderr":"Command not in allowed list. Allowed patterns: ls"}',
            False,
            "denied",
            -1,
        ),
        ('{"success":false,"exit_code":-1,"stderr":"Command matches blocked pattern: \'rm\'"}', False, "denied", -1),
        ('{"success":true,"exit_code":0,"stdout":"A_KEY=[REDACTED],"stderr":"","execution_time":0.02}', False, "ok", 0),
        ("Hook denied tool execution: Round timeout", True, "denied", None),
        ("Error: Server 'command_line' not connected", True, "not_run", None),
        ("Tool call failed: Connection closed", True, "unknown", None),
    ],
)
def test_command_server(result: str, is_error: bool, kind: str, code: int | None) -> None:
    """The exit code tells, not MassGen's success; a refusal never ran, a time-out did."""
    got = outcome("chatcompletion", SHELL, {"command": "x"}, result, is_error)
    assert (got.kind, got.exit_code) == (kind, code)


@pytest.mark.parametrize(
    ("tool", "result", "is_error", "kind", "code"),
    [
        ("Bash", "hello", False, "ok", 0),
        ("Bash", "Exit code 3\ncat: no", True, "failed", 3),
        ("Bash", "Exit code 1", True, "failed", 1),
        ("Bash", "Exit code 1 is what I print", False, "ok", 0),
        ("Bash", "Dangerous command pattern 'rm ' is not allowed", True, "denied", None),
        ("Bash", "Dangerous command pattern 'rm ' is not allowed", False, "ok", 0),
        ("Bash", "Command running in background with ID: b5mfm4t3q. Output", False, "unknown", None),
        ("Read", "Access denied: argument 'file_path'='/etc/passwd' resolves to", True, "denied", None),
        ("Read", "File does not exist.", True, "failed", None),
        ("Glob", "a.py", None, "ok", None),
        (
            "TodoWrite",
            "<tool_use_error>Error: No such tool available: TodoWrite</tool_use_error>",
            True,
            "not_run",
            None,
        ),
    ],
)
def test_claude_code(tool: str, result: str, is_error: bool | None, kind: str, code: int | None) -> None:
    """Its failures and refusals are texts of ordinary calls."""
    got = outcome("claude_code", tool, {"command": "x"} if tool == "Bash" else {}, result, is_error)
    assert (got.kind, got.exit_code) == (kind, code)


@pytest.mark.parametrize(
    ("wrapped", "command"),
    [
        ("/bin/bash -lc 'npm install'", "npm install"),
        ("/bin/bash -lc \"python3 -c 'print(1)'\"", "python3 -c 'print(1)'"),
        ("/bin/bash -lc 'unbalanced", "/bin/bash -lc 'unbalanced"),
        ("ls -la", "ls -la"),
        ("git commit -m", "git commit -m"),
    ],
)
def test_codex_command_is_unwrapped(wrapped: str, command: str) -> None:
    """The last word of the client's wrapper; anything else as it is."""
    assert codex.unwrap(wrapped) == command


@pytest.mark.parametrize(
    ("result", "is_error", "kind", "code"),
    [
        ("$ /bin/bash -lc 'npm test' (exit 1)\nno", True, "failed", 1),
        ("$ /bin/bash -lc 'npm test'\nfine (exit 5)", False, "ok", 0),
        ("$ /bin/bash -lc 'npm test'\n", False, "ok", 0),
    ],
)
def test_codex_exit_code_ends_the_echo_of_the_command(result: str, is_error: bool, kind: str, code: int) -> None:
    """Not any line of the output that looks like it."""
    got = outcome("codex", "codex_shell", {"command": "/bin/bash -lc 'npm test'"}, result, is_error)
    assert (got.kind, got.exit_code) == (kind, code)


def test_a_background_command_is_a_command() -> None:
    """Whatever tool starts it."""
    dialect = backends.choose("openai")
    args: dict[str, object] = {"tool_name": SHELL, "arguments": {"command": "sleep 2"}}
    assert dialect.command("custom_tool__start_background_tool", args) == "sleep 2"
    assert dialect.command("custom_tool__list_background_tools", {}) is None
    assert dialect.command("mcp__filesystem__write_file", {"command": "no"}) is None


def test_an_unknown_backend_reads_every_shell() -> None:
    """The generic dialect knows all names."""
    dialect = backends.choose("frobnicator")
    assert dialect.known is False
    assert dialect.command("Bash", {"command": "a"}) == "a"
    assert dialect.command("codex_shell", {"command": "/bin/bash -lc 'b'"}) == "b"
    assert dialect.command(SHELL, {"command": "c"}) == "c"


def test_calls_in_text_end_where_their_json_ends() -> None:
    """Nothing but the values; a quoted call inside a result is no call."""
    text = (
        '🔧 MCP: Arguments for Calling x: {"command": "echo \\"}\\" 🔧"}🔧 MCP: Results for Calling x: '
        '{"stdout":"Arguments for Calling x: {\\"command\\": \\"no\\"}"}🔧 MCP: ✅ [MCP Tool] x completedDone. '
    )
    assert [(p.kind, p.tool, p.content) for p in pieces(text)] == [
        ("args", "x", '{"command": "echo \\"}\\" 🔧"}'),
        ("result", "x", '{"stdout":"Arguments for Calling x: {\\"command\\": \\"no\\"}"}'),
        ("text", None, "🔧 MCP: ✅ [MCP Tool] x completedDone. "),
    ]


def test_a_doubled_failure_is_one_incident() -> None:
    """api_error and no_tool_calls of one attempt and buffer; two attempts are two."""

    def event(reason: str, attempt: int) -> Enforcement:
        return Enforcement(0, attempt, 3, reason, (), None, None, 500, None)

    events = [event("api_error", 1), event("no_tool_calls", 1), event("no_tool_calls", 2), event("api_error", 3)]
    assert [(e.reason, e.attempt) for e in incidents(events)] == [
        ("api_error", 1),
        ("no_tool_calls", 2),
        ("api_error", 3),
    ]


def test_log_lines_of_one_message_are_joined(tmp_path: Path) -> None:
    """Lines without a prefix belong to the message above; repetitions of chunks are left out."""
    path = tmp_path / "massgen.log"
    path.write_text(
        "11:00:00 | INFO     | Stream chunk [content]: first\nsecond\n"
        "11:00:01 | INFO     | 🔹 [chat] Yielding chunk: StreamChunk(type='content', content='x')\n"
        "11:00:02.500 | ERROR    | massgen.orchestrator:run:12 - broken\n"
    )
    rows = list(read_log(path, Source("massgen.log"), list[Problem]()))
    assert [(r.line, r.seconds, r.chunk, r.message) for r in rows] == [
        (1, 39600, "content", "first\nsecond"),
        (4, 39602.5, None, "broken"),
    ]


@pytest.mark.parametrize("hours", [-3.5, 0, 5.75, 9])
def test_local_times_become_unix_seconds_by_the_runs_own_zone(hours: float) -> None:
    """Not by the zone of the machine that analyses."""
    local = clock.stamp_seconds("20261122_104800_000000")
    wrong = (local, 1795344480.0 - hours * 3600 - 400)  # of two different moments: not a quarter of an hour's multiple
    made = clock.make("log_20261122_104800_000000", [(None, 1.0), wrong, (local, 1795344480.0 - hours * 3600 + 1.2)])
    assert made.known
    assert made.iso("2026-11-22T10:48:10") == 1795344490.0 - hours * 3600
    assert made.of_day(10 * 3600 + 48 * 60) == 1795344480.0 - hours * 3600


def test_a_run_over_midnight() -> None:
    """00:00:05 after 23:59:50 is 15 seconds later."""
    made = clock.make("log_20261122_235900_000000", [(clock.stamp_seconds("20261122_235900_000000"), 1795391940.0)])
    late = made.of_day(23 * 3600 + 59 * 60 + 50)
    assert late is not None
    assert made.of_day(5, late) == late + 15


def test_in_progress_is_a_matter_of_the_last_sign_of_life(copy_of, ask) -> None:
    """status.json rewritten a moment ago: in progress; hours ago: unfinished."""
    root = copy_of("s6_killed_0.1.97")
    file = next(root.rglob("status.json"))
    status = json.loads(file.read_text())
    for age, state in ((5, "in_progress"), (7200, "unfinished")):
        status["meta"]["last_updated"] = time.time() - age
        file.write_text(json.dumps(status))
        answer = ask("run_overview", "--logs-dir", str(root))
        assert answer["scope"]["state"] == state
        rows = ask("list_logs", "--logs-dir", str(root))["data"]["logs"]
        assert rows[0]["state"] == state


def test_an_unchanged_run_is_not_read_again_and_a_grown_one_is(copy_of) -> None:
    """By size and time of its files."""
    root = copy_of("s6_killed_0.1.97")
    place = resolve(root)
    first = load.load(place)
    assert load.load(place) is first
    events = place.attempt.file("events.jsonl")
    assert events is not None
    with events.open("a") as handle:
        handle.write('{"timestamp": "2026-11-22T10:54:10.000000", "event_type": "vote", "agent_id": "agent_a", "round_number": 2, '
                     '"data": {"target_id": "agent_b", "reason": "late"}}\n')  # fmt: skip
    os.utime(events)
    again = load.load(place)
    assert [(v.voter, v.voted_for) for v in again.votes if v.counted] == [
        ("agent_b", "agent_a"),
        ("agent_a", "agent_b"),
    ]


@pytest.mark.parametrize("place", ["final/agent_a", "agent_a/2*"])
def test_a_rewritten_answer_is_read_again(place: str, copy_of) -> None:
    """Answers lie deeper than the attempt's own folder."""
    root = copy_of("s1_clean_0.1.97")
    run = load.load(resolve(root))
    assert load.load(resolve(root)) is run
    file = next(root.glob(f"*/turn_1/attempt_1/{place}/answer.txt"))
    file.write_text("Another text.")
    os.utime(file, ns=(1, 1))
    again = load.load(resolve(root))
    assert "Another text." in {again.final_text, *(a.text for a in again.answers)}


@pytest.mark.parametrize(
    ("name", "corrected"),
    [
        ("s16_gemini_0.1.97", 139112),  # truth.json tokens_true_total: what the endpoint served
        ("s7b_orch_restart_0.1.97", 76599 - 38994),  # attempt 2 without attempt 1
    ],
)
def test_tokens_are_corrected_where_the_tree_proves_them_wrong(name: str, corrected: int, ask) -> None:
    """Beside the recorded figures."""
    data = ask("cost_and_tokens", "--logs-dir", str(CORPUS / name))["data"]
    assert sum(agent["corrected"]["input_tokens"] for agent in data["agents"].values()) == corrected


@pytest.mark.parametrize(("attempt", "told"), [(1, False), (2, True)])
def test_an_evaluation_that_no_record_of_tokens_holds_is_told(attempt: int, told: bool, ask) -> None:
    """s7b: status.json of attempt 1 was saved again after its evaluation, that of attempt 2 at 11:16:20.0; the request for its
    evaluation was answered at 11:16:23.0."""
    answer = ask("cost_and_tokens", "--logs-dir", str(CORPUS / "s7b_orch_restart_0.1.97"), "--attempt", str(attempt))
    notes = [note["evidence"] for note in answer["notes"] if note["id"] == "unrecorded_usage"]
    assert notes == (["events.jsonl:39"] if told else [])


def test_codex_resume_that_reported_nothing_before_is_not_corrected(ask) -> None:
    """s17: the killed process had reported no usage, the recorded figures are right."""
    data = ask("cost_and_tokens", "--logs-dir", str(CORPUS / "s17_codex_0.1.97"))["data"]
    assert all(agent["corrected"] is None for agent in data["agents"].values())
    assert all(agent["cost_usd"] is None for agent in data["agents"].values())
    assert data["total"]["floor"] is True


@pytest.mark.parametrize(
    ("line", "state"),
    [
        (
            "15:47:31 | ERROR    | [ERROR] orchestrator: ❌ Unable to provide coordinated answer - no successful agents",
            "failed",
        ),
        (
            "15:47:31 | INFO     | an agent quotes: Unable to provide coordinated answer - no successful agents",
            "unfinished",
        ),
    ],
)
def test_a_run_whose_agents_all_died_has_failed(line: str, state: str, tmp_path: Path) -> None:
    """MassGen 0.1.45 to 0.1.97 write no JSON file then, and end with this line (seen in real runs of three versions)."""
    run = tmp_path / "log_20261124_154730_692452" / "turn_1" / "attempt_1"
    run.mkdir(parents=True)
    (run / "massgen.log").write_text(f"15:47:30 | INFO     | Starting\n{line}\n")
    data = call(get("run_overview"), {"logs_dir": str(tmp_path)}).data
    assert data["state"] == state
    assert ("no agent was left" in data["finish_reason"]) == (state == "failed")


def test_a_vote_that_only_massgens_log_has_in_words_is_told_with_them(ask) -> None:
    """s2d: the fairness gate refused three votes of alpha and six of zeta; every third is no record of status.json. The words are those
    of the scripts."""
    votes = ask("vote_reasons", "--logs-dir", str(CORPUS / "s2d_three_agents_240s_0.1.61"), key="votes")["data"][
        "votes"
    ]
    refused = Counter((vote["voter"], vote["voted_for"], vote["reason"]) for vote in votes if vote["refused"])
    assert refused == {
        ("alpha", "alpha", "agent1 merges the title of agent3 with the classic wording; most complete."): 3,
        ("zeta", "mid", "mid (agent2) has the freshest image."): 6,
    }


def test_an_ignored_votes_reason_is_found_where_no_file_names_its_voter(copy_of, ask) -> None:
    """Without agent_outputs massgen.log alone tells the words, and not whose they are."""
    root = copy_of("s11_openai_0.1.45")
    before = ask("vote_reasons", "--logs-dir", str(root), key="votes")["data"]["votes"]
    shutil.rmtree(next(root.rglob("agent_outputs")))
    after = ask("vote_reasons", "--logs-dir", str(root), key="votes")["data"]["votes"]
    told = [[(v["voter"], v["voted_for"], v["reason"]) for v in votes if v["ignored"]] for votes in (before, after)]
    assert told[0] == told[1]
    assert all(reason for _, _, reason in told[1])


@pytest.mark.parametrize(
    ("result", "chars"),
    [
        (OK, 1),
        ('{"success":false,"exit_code":3,"stdout":"","stderr":"","command":"false || exit 3","work_dir":"/w"}', 0),
        ('{"success":true,"exit_code":0,"stdout":"größe\\n","stderr":"no"}', 8),
        ('{"exit_code": 0}', 16),
        ('{"success":true,"exit_code":0,"stdout":"A_KEY=[REDACTED],"stderr":""}', 69),
        ("plain", 5),
    ],
)
def test_an_output_is_as_long_as_what_was_printed(result: str, chars: int) -> None:
    """The echo of the command and the times in the result's JSON are no output; other results count whole."""
    assert output_chars(result, command_line.outcome(SHELL, {"command": "x"}, result, None)) == chars
