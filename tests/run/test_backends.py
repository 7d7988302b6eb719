"""What differs by backend: usage counted again, votes dropped, times that are a client's, reasoning only in traces, retries.

Expected values are those of tests/synthetic.py (written by hand there), truth.json, or counted in the file that is named.
"""

from __future__ import annotations

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from conftest import CORPUS, SYNTHETIC_SAMPLES
from massgen_logs.readers.calls_text import pieces
from massgen_logs.run import backends
from massgen_logs.run.backends import codex

SHELL = "mcp__command_line__execute_command"
HARD = "⛔ HARD TIMEOUT - TOOL `Bash` BLOCKED (attempt #1)\nYou received the time limit warning 6s ago"


def root_of(name: str) -> str:
    """The logs of a synthetic tree."""
    return str(next(sample.root for sample in SYNTHETIC_SAMPLES if sample.name == name))


def attempt_of(root: Path) -> Path:
    """The only attempt of a copied sample."""
    return next(root.glob("*/turn_1/attempt_1"))


def corrected(ask: Any, root: str) -> dict[str, tuple[int, int] | None]:
    """Corrected (input, output) tokens per agent."""
    agents = ask("cost_and_tokens", "--logs-dir", root)["data"]["agents"]
    return {
        name: a["corrected"] and (a["corrected"]["input_tokens"], a["corrected"]["output_tokens"])
        for name, a in agents.items()
    }


# ---- tokens --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["gemini_doubled", "gemini_doubled_old", "codex_resume", "mixed_clients"])
def test_tokens_counted_again_are_taken_from_their_own_agent(name: str, ask) -> None:
    """With interleaved agents, an action that was not taken, no events.jsonl, other backends beside (tokens_true)."""
    truth = next(sample.truth for sample in SYNTHETIC_SAMPLES if sample.name == name)
    want = {agent: (n["input"], n["output"]) for agent, n in truth["tokens_true"].items()}
    assert {agent: tokens for agent, tokens in corrected(ask, root_of(name)).items() if tokens} == want
    total = ask("cost_and_tokens", "--logs-dir", root_of(name))["data"]["total"]["corrected"]
    true = sum(want[a][0] if a in want else n["input"] for a, n in truth["tokens"].items())
    assert total["input_tokens"] == true


def test_a_killed_process_has_nothing_to_correct(ask) -> None:
    """Another agent's usage between a session's start and its resume is not that session's."""
    assert corrected(ask, root_of("codex_killed")) == {"agent_a": None, "agent_b": None}


def test_usage_that_nobody_names_corrects_the_total_alone(copy_of, ask) -> None:
    """s16 without the orchestrator's lines about votes and answers: 139112 input tokens were served (truth.json)."""
    root = copy_of("s16_gemini_0.1.97")
    log = attempt_of(root) / "massgen.log"
    cut = re.sub(
        r"voting from options|_save_agent_snapshot\] Called|workflow enforcement attempt", "-", log.read_text()
    )
    log.write_text(cut)
    answer = ask("cost_and_tokens", "--logs-dir", str(root))
    assert corrected(ask, str(root)) == {"agent_a": None, "agent_b": None}
    assert answer["data"]["total"]["corrected"]["input_tokens"] == 139112
    assert "6 x a response with an answer or a vote was added twice" in json.dumps(answer["notes"])


def test_an_agent_without_a_recorded_backend_may_be_the_one(copy_of, ask) -> None:
    """s16 with agent_a's type missing: agent_b is not given agent_a's doubled responses (2 and 4 of the log's 6)."""
    root = copy_of("s16_gemini_0.1.97")
    whole = corrected(ask, str(CORPUS / "s16_gemini_0.1.97"))
    metadata = attempt_of(root) / "execution_metadata.yaml"
    metadata.write_text(re.sub(r"\n\s*type: gemini", "", metadata.read_text(), count=1))
    assert corrected(ask, str(root)) == whole


def test_the_rotated_part_of_the_log_counts_too(copy_of, ask) -> None:
    """s16 with the first 700 lines of massgen.log rotated away."""
    root = copy_of("s16_gemini_0.1.97")
    log = attempt_of(root) / "massgen.log"
    lines = log.read_text().split("\n")
    with zipfile.ZipFile(log.with_name("massgen.2026-11-22_19-22-10_000000.log.zip"), "w") as archive:
        archive.writestr("massgen.2026-11-22_19-22-10_000000.log", "\n".join(lines[:700]))
    log.write_text("\n".join(lines[700:]))
    total = ask("cost_and_tokens", "--logs-dir", str(root))["data"]["total"]
    assert total["corrected"]["input_tokens"] == 139112


# ---- votes ---------------------------------------------------------------------------------------------------------


def test_a_dropped_vote_is_told(ask) -> None:
    """The second vote of one codex execution, for another agent than the first."""
    data = ask("vote_reasons", "--logs-dir", root_of("codex_killed"))["data"]
    (vote,) = [vote for vote in data["votes"] if vote["dropped"]]
    assert (vote["voter"], vote["voted_for"], vote["reason"]) == ("agent_b", "agent_b", "Changed my mind.")
    assert data["final"] == {"agent_a": "agent_a", "agent_b": "agent_a"}
    flags = ask("run_overview", "--logs-dir", root_of("codex_killed"))["data"]["red_flags"]
    assert [flag["evidence"].split(":")[0] for flag in flags if flag["id"] == "dropped_vote"] == ["massgen.log"]


def test_the_informed_vote_of_s17_was_dropped(ask) -> None:
    """SCENARIO.md of s17: the first vote was cast before agent_b saw agent1.1, the resumed one vanished."""
    data = ask("vote_reasons", "--logs-dir", str(CORPUS / "s17_codex_0.1.97"))["data"]
    (vote,) = [vote for vote in data["votes"] if vote["dropped"]]
    assert (vote["voter"], vote["voted_for"]) == ("agent_b", "agent_a")
    assert vote["reason"].startswith("It verified the result by running python")
    assert vote["where"].startswith("massgen.log:")


# ---- times and commands --------------------------------------------------------------------------------------------


def test_a_clients_times_are_not_the_commands(ask, run_cli) -> None:
    """s15: the first python3 of a session has 6 s of the client's start-up in its recorded time."""
    root = str(CORPUS / "s15_claude_code_0.1.97")
    data = ask("repeated_commands", "--logs-dir", root, "--min-count", "1")["data"]
    assert (data["times"], sorted(data["untimed"]), data["slowest"]) == ("client", ["agent_a", "agent_b"], [])
    assert {(c["total_s"], c["max_s"]) for c in data["commands"]} == {(None, None)}
    times = ask("time_breakdown", "--logs-dir", root)["data"]
    assert all("Bash" not in one["what"] for one in times["slowest"])
    assert any("only their client's times" in said for said in times["not_measurable"])
    for tool in ("repeated-commands", "draft-report"):
        _, out, _ = run_cli(tool, "--logs-dir", root)
        assert "client's" in out


def test_a_result_goes_to_the_command_of_its_own_process(ask) -> None:
    """The killed process left item_2 open; the next one gives that id again."""
    data = ask("repeated_commands", "--logs-dir", root_of("codex_killed"), "--min-count", "1")["data"]
    assert {c["command"]: (c["ran"], c["exit_codes"]) for c in data["commands"]} == {
        "sleep 600": (1, []),
        "make check": (1, [2]),
    }
    (tool,) = ask("find_errors", "--logs-dir", root_of("codex_killed"))["data"]["tools"]
    assert (tool["calls"], tool["open"], tool["failed"]) == (2, 1, 1)


def test_background_tools_end_with_their_own_exit_codes(ask) -> None:
    """By a hook or by the agent's waiting; one start was answered with an error."""
    data = ask("repeated_commands", "--logs-dir", root_of("background_tools"), "--min-count", "1")["data"]
    rows = {c["command"]: c for c in data["commands"]}
    assert (rows["make all"]["exit_codes"], rows["make all"]["error"]) == ([2], "make: no rule")
    assert {name for name, row in rows.items() if row["background"]} == set(rows) - {"never started"}
    assert (rows["never started"]["ran"], rows["never started"]["not_run"]) == (0, 1)
    (tool,) = [
        t for t in ask("find_errors", "--logs-dir", root_of("background_tools"))["data"]["tools"] if t["never_ran"]
    ]
    assert (tool["unknown"], tool["failed"], tool["calls"]) == (1, 1, 5)


def test_without_results_nothing_tells_what_failed(copy_of, ask) -> None:
    """s11 with streaming_debug.log alone: this backend's chunks there hold whole calls and no result."""
    root = copy_of("s11_openai_0.1.45")
    whole = ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1")["data"]
    for file in [*attempt_of(root).glob("agent_outputs/*"), *attempt_of(root).glob("massgen*.log")]:
        file.unlink()
    data = ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1")["data"]
    assert (whole["total_failed"], data["total_failed"]) == (2, None)
    assert data["total_ran"] == whole["total_ran"]
    assert {c["failed"] for c in data["commands"]} == {None}
    assert ask("run_overview", "--logs-dir", str(root))["data"]["commands_failed"] is None


@pytest.mark.parametrize(
    ("result", "kind", "hidden"),
    [
        ('{"success":true,"exit_code":0,"stdout":"","stderr":"/bin/sh: 1: nosuch: not found\\n"}', "ok", "/bin/sh: 1: nosuch: not found"),
        (
            '{"success":true,"exit_code":0,"stdout":"K=[REDACTED],"stderr":"/bin/sh: 1: x: not found\\n","execution_time":0.1}',
            "ok",
            "/bin/sh: 1: x: not found",
        ),
        ('{"success":true,"exit_code":0,"stdout":"403 Permission denied\\nK=[REDACTED],"stderr":"","execution_time":0.1}', "ok", None),
        ('{"success":false,"exit_code":4,"stdout":"K=[REDACTED],"stderr":"no","execution_time":0.1}', "failed", None),
    ],
)  # fmt: skip
def test_only_stderr_tells_a_hidden_failure(result: str, kind: str, hidden: str | None) -> None:
    """Also where redaction broke the JSON: what the command printed is no error."""
    got = backends.choose("openai").outcome(SHELL, {"command": "x | y"}, result, False)
    assert (got.kind, got.hidden) == (kind, hidden)


@pytest.mark.parametrize(
    ("tool", "result", "kind"),
    [
        ("Bash", HARD, "denied"),
        ("Bash", "Access denied based on context path permissions", "denied"),
        ("Bash", "Denied by hook", "denied"),
        ("Bash", "User confirmation required: rm", "denied"),
        ("Bash", "Hook error: boom", "denied"),
        ("Bash", "Claude requested permissions to use Bash, but you haven't granted it yet.", "denied"),
        (SHELL, "Dangerous command pattern 'rm ' is not allowed", "denied"),
        ("Bash", "<tool_use_error>Sibling tool call errored</tool_use_error>", "not_run"),
        (SHELL, "<tool_use_error>InputValidationError: no command</tool_use_error>", "not_run"),
        ("Edit", "<tool_use_error>String to replace not found in file.</tool_use_error>", "failed"),
    ],
)
def test_what_claude_code_stops_never_ran(tool: str, result: str, kind: str) -> None:
    """Whichever tool it was; an error of the tool itself is its failure."""
    args: dict[str, object] = {} if tool == "Edit" else {"command": "rm -f x"}
    assert backends.choose("claude_code").outcome(tool, args, result, True).kind == kind


@pytest.mark.parametrize(
    ("wrapped", "command"),
    [
        (r"""/bin/bash -lc "echo \"\$HOME\" '\`date\`' \\\\ \n" """.strip(), r"""echo "$HOME" '`date`' \\ \n"""),
        ("/bin/bash -lc 'export KEY=[REDACTED]", "export KEY=[REDACTED]"),
        ("/bin/bash -lc \"echo 'a' KEY=[REDACTED]", "echo 'a' KEY=[REDACTED]"),
    ],
)
def test_codex_wrapper_is_taken_off_as_the_shell_does(wrapped: str, command: str) -> None:
    r"""Inside double quotes `\$` and a quoted backtick lose their backslash, `\n` does not; a redacted end has no quote."""
    assert codex.unwrap(wrapped) == command


# ---- what a text tells ---------------------------------------------------------------------------------------------


def test_a_result_knows_how_its_call_ended() -> None:
    """By the mark behind it, with an injected text between at most."""
    text = (
        'Arguments for Calling x: {"p": 1}Results for Calling x: ENOENT: no file❌ x failed'
        'Arguments for Calling x: {"p": 2}Results for Calling x: {"a": 1}🔧 MCP: 📥 [INJECTION] news...🔧 MCP: ✅ [MCP Tool] x completed'
        'Results for Calling y: {"a": 2}'
    )
    assert [(p.tool, p.ok) for p in pieces(text) if p.kind == "result"] == [("x", False), ("x", True), ("y", None)]


def test_failed_calls_of_an_old_claude_code_agent(ask) -> None:
    """0.1.45: `❌ X failed` ends the reading of a missing file, and of a tool that does not exist."""
    data = ask("find_errors", "--logs-dir", root_of("claude_code_old"))["data"]
    told = {i["tool"]: (i["kind"], i["recorded_as"]) for i in data["incidents"] if i["command"] is None}
    assert told == {
        "mcp__filesystem__read_text_file": ("failed_tool", "failure"),
        "TodoWrite": ("never_ran", "failure"),
    }
    assert data["false_successes"] == 2  # the two commands with exit code 1


@pytest.mark.parametrize("name", ["gemini_doubled", "gemini_doubled_old"])
def test_a_retried_request_of_gemini_is_an_api_error(name: str, ask) -> None:
    """Its text calls every failure rate limited, and is all that is recorded of it."""
    data = ask("find_errors", "--logs-dir", root_of(name))["data"]
    (row,) = [i for i in data["incidents"] if i["kind"] == "api_error"]
    assert row["agent"] == "agent_a"
    assert "whatever the code was" in row["sentence"]
    assert any("but for those of agent_a, agent_b" in said for said in data["not_shown"])


def test_a_retry_without_an_event_is_told(copy_of, ask) -> None:
    """s11 (0.1.45) with the one line that a broken stream leaves there; the recorded counts stay."""
    root = copy_of("s11_openai_0.1.45")
    log = attempt_of(root) / "massgen.log"
    lines = log.read_text().split("\n")
    at = next(i for i, line in enumerate(lines) if "Submitting. " in line)
    lines.insert(
        at,
        f"{lines[at][:8]} | INFO     | [Orchestrator] Sending enforcement message to agent_a (109 chars): Finish your work",
    )
    log.write_text("\n".join(lines))
    agents = ask("read_status_reliability", "--logs-dir", str(root))["data"]["agents"]
    assert {name: (a["recorded"], a["retries_unrecorded"]) for name, a in agents.items()} == {
        "agent_a": ({}, 1),
        "agent_b": ({}, 0),
    }
    (row,) = [
        i for i in ask("find_errors", "--logs-dir", str(root))["data"]["incidents"] if i["kind"] == "refused_response"
    ]
    assert (row["agent"], row["sources"]) == ("agent_a", [f"massgen.log:{at + 1}"])


def test_recorded_retries_are_not_told_twice(ask) -> None:
    """s12 (0.1.45): agent_b was asked again twice, and both refusals are events (truth.json)."""
    agents = ask("read_status_reliability", "--logs-dir", str(CORPUS / "s12_claude_0.1.45"))["data"]["agents"]
    assert {name: a["retries_unrecorded"] for name, a in agents.items()} == {"agent_a": 0, "agent_b": 0}


# ---- reasoning -----------------------------------------------------------------------------------------------------


def trace(ask: Any, root: str, agent: str) -> list[tuple[str, str]]:
    """(kind, first words or command) of an agent's evidence."""
    items = ask("read_trace", "--logs-dir", root, "--agent", agent, "--limit", "200")["data"]["items"]
    return [
        (i["kind"], json.loads(i["text"]).get("command", "file") if i["kind"] == "call" else i["text"]) for i in items
    ]


def test_claude_reasoning_of_old_versions_stands_before_its_calls(ask) -> None:
    """s12 agent_a, 0.1.45: seven blocks in its three trace files, in the order that these have."""
    found = trace(ask, str(CORPUS / "s12_claude_0.1.45"), "agent_a")
    assert sum(kind == "reasoning" for kind, _ in found) == 7
    order = [text[:22] if kind != "answer" else kind for kind, text in found if kind in {"reasoning", "call", "answer"}]
    assert order[:13] == [
        "Let me think about the", "ls -R", "file", "python3 -c 'print(sum(", "The project may need i", "npm install", "npm install",
        "npm install", "A check script would s", "python3 check.py --str", "The check script does ", "answer", "After the restart I in",
    ]  # fmt: skip


def test_reasoning_after_a_retry_stands_after_it(ask) -> None:
    """The trace begins with the retry: what it holds does not precede the first execution's calls."""
    found = trace(ask, root_of("claude_retry"), "agent_a")
    told = [
        text if kind in {"call", "reasoning"} else kind
        for kind, text in found
        if kind in {"call", "reasoning", "answer"}
    ]
    assert told == ["ls -R", "After the retry.", "npm install", "Now I submit.", "answer"]


def test_massgens_own_lines_are_not_the_agents_text(ask) -> None:
    """s12, 0.1.45: the display's header, and the answer that was injected in the middle."""
    found = trace(ask, str(CORPUS / "s12_claude_0.1.45"), "agent_b")
    texts = [text for kind, text in found if kind == "text"]
    assert texts[0] == "Looking for an old result."
    assert not any("INJECTION" in text or "OUTPUT LOG" in text for text in texts)
    assert [kind for kind, text in found if "NEW ANSWER RECEIVED" in text] == ["injection"]


# ---- results too large for the context -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "result", "command", "kind"),
    [
        ({"command": "ls", "work_dir": "/etc"},
         f"Error: Permission denied for tool '{SHELL}': Access denied: argument 'work_dir'='/etc' resolves to '/etc', outside allowed directories.",
         "ls", "denied"),
        ({"command": "echo extra", "nope": 1}, "1 validation error for call[execute_command]\nnope\n  Unexpected keyword argument", "echo extra", "not_run"),
        ({"raw": '{"command": "echo \\"brok'}, '{"success":true,"exit_code":0,"stdout":"brok\\n","stderr":"","execution_time":0.001}', 'echo "brok', "ok"),
        ({"raw": "no json"}, "1 validation error for call[execute_command]", None, "failed"),
        ({"command": "cat f"}, '{"success":true,"exit_code":0,"stdout":"Error: Permission denied for tool \'x\'","stderr":""}', "cat f", "ok"),
    ],
)  # fmt: skip
def test_what_massgen_refuses_never_ran(args: dict[str, Any], result: str, command: str | None, kind: str) -> None:
    """Its permission hook, and the server's check of arguments (results of real runs of 0.1.97); arguments in broken JSON are
    recorded raw and repaired."""
    dialect = backends.choose("chatcompletion")
    assert dialect.command(SHELL, args) == command
    assert dialect.outcome(SHELL, args, result, False).kind == kind


def test_a_result_that_was_put_into_a_file_keeps_its_size_and_exit_code(copy_of, ask) -> None:
    """MassGen 0.1.45 on puts a result of over 20,000 tokens into a file and tells its size and beginning; agent_a's `npm test`
    ends so with exit code 1, and the text as 0.1.97 wrote it of `seq 1 30000`."""
    root = copy_of("s1_clean_0.1.97")
    file = attempt_of(root) / "events.jsonl"
    events = [json.loads(line) for line in file.read_text().splitlines()]
    ids = {e["data"]["tool_id"] for e in events if e["data"].get("args") == {"command": "npm test"}}
    beginning = json.dumps({"success": False, "exit_code": 1, "stdout": "1\n" * 2000})[:4902]
    for event in events:
        if event["event_type"] == "tool_complete" and event["data"]["tool_id"] in ids:
            event["data"]["result"] = (
                f"[Tool Result Evicted - Too Large for Context]\n\nThe result from {SHELL} was 89,068 tokens / 199,092 chars "
                "(limit: 20,000 tokens).\nFull result saved to: .tool_results/x.txt\n\nTo read more: start at char 4,902, read in "
                f"chunks.\n\nPreview (chars 0-4,902 of 199,092):\n{beginning}"
            )
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    rows = ask("repeated_commands", "--logs-dir", str(root), "--min-count", "1", key="commands")["data"]["commands"]
    (row,) = [row for row in rows if row["command"] == "npm test"]
    assert (row["failed"], row["max_output_chars"]) == (1, 199092)
