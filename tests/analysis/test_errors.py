"""find_errors: every failure once, nothing on clean runs; expectations by hand from SCENARIO.md and the builders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from conftest import ALL_SAMPLES, CORPUS, CORPUS_SAMPLES, Sample, named, sample_id
from massgen_logs.analysis.errors import Incident
from massgen_logs.analysis.errors import find_errors as analyse
from massgen_logs.analysis.tool_contract import SAME_CHARS
from massgen_logs.readers.base import Problem, Source
from massgen_logs.readers.metrics_summary import Subagent
from massgen_logs.readers.status_json import Enforcement, Usage
from massgen_logs.readers.stderr_log import StderrLine, read
from massgen_logs.run.load import load
from massgen_logs.run.model import Call, Moment, Run
from massgen_logs.run.stderr import Stderr
from massgen_logs.text.mask import Masker
from massgen_logs.tools.base import call
from massgen_logs.tools.find_errors import TOOL
from massgen_logs.tree import find_root, resolve

SHELL = "mcp__command_line__execute_command"
CLEAN = ("s1_clean_0.1.0", "s1_clean_0.1.12", "s1_clean_0.1.45", "s1_clean_0.1.46", "s1_clean_0.1.61", "s1_clean_0.1.97",
         "s9_logfire_0.1.97")  # fmt: skip
NOTHING = ("s2_three_agents_0.1.46", "s2_three_agents_0.1.70", "s2_three_agents_0.1.97", "s7a_multiturn_0.1.97",
           "s7b_orch_restart_0.1.97", "s8a_debug_0.1.97", "s8f_checklist_valid_0.1.97", "s8h_subagent_ok_0.1.97")  # fmt: skip


def ask(name: str, **arguments: object) -> dict[str, Any]:
    answer: Any = call(TOOL, {**named(name).arguments, "limit": 1000, **arguments}).json()
    return answer["data"]


def rows(data: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [row for row in data["incidents"] if row["kind"] == kind]


def run_with(**fields: Any) -> Run:
    """A run of which only the given fields count."""
    base = load(resolve(find_root(str(CORPUS / "s2_three_agents_0.1.97"))))
    empty: dict[str, Any] = {"calls": [], "moments": [], "enforcement": {}, "subagents": ()}
    return replace(base, **{**empty, **fields})


def shell(command: str, outcome: str = "ok", **fields: Any) -> Call:
    return Call("alpha", SHELL, command, {"command": command}, "events.jsonl:1", outcome=outcome, **fields)


@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_run_has_only_its_failed_npm_test(name: str) -> None:
    """exit 1, which MassGen calls a success."""
    data = ask(name)
    assert data["totals"] == {"failed_command": 1}
    (row,) = data["incidents"]
    assert (row["command"], row["exit_code"], row["recorded_as"], row["count"]) == ("npm test", 1, "success", 1)
    assert data["false_successes"] == 1


@pytest.mark.parametrize("sample", [s for s in CORPUS_SAMPLES if s.name in NOTHING], ids=sample_id)
def test_nothing_failed(sample: Sample) -> None:
    """Ignored votes, injections, restarts and the chatter of MCP servers on stderr are no errors."""
    answer = call(TOOL, sample.arguments)
    assert answer.data["incidents"] == []
    assert "no incident in these logs" in answer.text()


def test_one_api_failure_though_two_events_and_three_http_errors() -> None:
    """s12_claude_0.1.45: HTTP 500 x3 is api_error + no_tool_calls; then a refused answer; two failing commands."""
    data = ask("s12_claude_0.1.45")
    assert data["totals"] == {"api_error": 1, "refused_response": 1, "failed_command": 2}
    (api,) = rows(data, "api_error")
    assert (api["agent"], api["count"]) == ("agent_b", 1)
    place = "status.json#agents.agent_b.reliability.enforcement_attempts"
    assert api["sources"] == [f"{place}[0]", f"{place}[1]"]
    (refused,) = rows(data, "refused_response")
    assert refused["sentence"].startswith("answer_novelty")
    commands = {row["command"]: (row["agent"], row["recorded_as"]) for row in rows(data, "failed_command")}
    assert commands == {
        "grep -rn 5050 notes.txt": ("agent_b", "success"),
        "python3 check.py --strict": ("agent_a", "success"),
    }
    assert (data["false_successes"], data["massgen_failures"]) == (2, 0)


@pytest.mark.parametrize("name", ["s3_enforcement_0.1.97", "s3_enforcement_0.1.55"])
def test_refused_responses_and_a_killed_agent(name: str) -> None:
    """Eight refusals of three agents; agent_c dies once, though three files tell of it."""
    data = ask(name)
    assert data["totals"] == {"agent_error": 1, "refused_response": 8}
    (dead,) = rows(data, "agent_error")
    assert (dead["agent"], dead["recorded_as"]) == ("agent_c", "error")
    assert "3 attempts" in dead["sentence"]
    assert {source.split("#")[0].split(":")[0] for source in dead["sources"]} >= {
        "coordination_events.json",
        "status.json",
    }
    refused = {(r["agent"], r["sentence"].split()[0].rstrip(":")): r["count"] for r in rows(data, "refused_response")}
    assert refused == {
        ("agent_a", "no_tool_calls"): 1, ("agent_a", "vote_no_answers"): 1, ("agent_a", "invalid_vote_id"): 1,
        ("agent_b", "no_workflow_tool"): 1, ("agent_b", "vote_and_answer"): 1, ("agent_b", "answer_novelty"): 1,
        ("agent_c", "no_tool_calls"): 2,
    }  # fmt: skip


def test_seventy_eight_agent_errors_are_two_rows() -> None:
    """0.1.12 restarts a failed agent for ever: 40 + 38 agent_error events; one timeout, told for two agents."""
    data = ask("s3_enforcement_0.1.12")
    # 79 x two votes, 80 x no workflow call and one each of three more kinds stand in massgen.log's text
    assert data["totals"] == {"agent_error": 78, "timeout": 1, "refused_response": 162}
    assert {row["recorded_as"] for row in rows(data, "refused_response")} == {"text"}
    assert [(row["agent"], row["count"]) for row in rows(data, "agent_error")] == [("agent_a", 40), ("agent_c", 38)]
    assert all(len(row["sources"]) == 6 and row["t_last"] > row["t"] for row in rows(data, "agent_error"))
    assert any("have no record in this version" in text for text in data["not_shown"])


def test_the_large_run() -> None:
    """s13b: 29 failed commands, 22 hidden by a pipe, one refused, agent_a died after two recorded refusals."""
    data = ask("s13b_large_agent_dead_0.1.97")
    assert data["totals"] == {
        "agent_error": 1, "refused_response": 2, "failed_command": 29, "hidden_failure": 22, "denied": 1,
    }  # fmt: skip
    (hidden,) = rows(data, "hidden_failure")
    assert (hidden["agent"], hidden["count"], hidden["variants"]) == ("agent_c", 22, 22)
    lost = [r for r in rows(data, "failed_command") if r["agent"] == "agent_b" and "gen_report.py" in r["command"]]
    assert [(row["count"], row["exit_code"]) for row in lost] == [(18, 2)]
    (denied,) = rows(data, "denied")
    assert denied["command"] == "rm -rf /home/dev/runs/does_not_exist_planted"
    assert rows(data, "agent_error")[0]["agent"] == "agent_a"
    (seed,) = [d for d in data["different"] if d["command"] == "python3 gen_report.py --seed 7"]
    by_exit: dict[str, int] = {}
    for name, n in seed["outcomes"].items():
        by_exit[name.split(",")[0]] = by_exit.get(name.split(",")[0], 0) + n
    assert (seed["runs"], by_exit) == (23, {"exit 0": 22, "exit 2": 1})


@pytest.mark.parametrize(
    ("name", "limit", "agents"),
    [
        ("s5a_orch_timeout_no_answers_0.1.97", "15.0s/15s", ()),
        ("s5b_orch_timeout_one_answer_0.1.12", "25.0s/25s", ("agent_a", "agent_b")),
        ("s5b_orch_timeout_one_answer_0.1.97", "25.0s/25s", ("agent_a", "agent_b")),
    ],
)
def test_the_orchestrators_timeout_is_one_incident(name: str, limit: str, agents: tuple[str, ...]) -> None:
    """Though it is recorded for each agent, also for the one that had answered."""
    data = ask(name)
    assert data["totals"] == {"timeout": 1}
    (row,) = data["incidents"]
    assert row["agent"] is None
    assert limit in row["sentence"]
    assert all(agent in row["sentence"] for agent in agents)


def test_claude_code_records_its_failures() -> None:
    """s15: two failed commands, a Read of a missing file, and an rm that was refused and never ran."""
    data = ask("s15_claude_code_0.1.97")
    assert data["totals"] == {"failed_command": 2, "failed_tool": 1, "denied": 1}
    assert {(r["command"], r["exit_code"]) for r in rows(data, "failed_command")} == {
        ("npm test", 1), ("cat missing.txt; exit 3", 3),
    }  # fmt: skip
    assert {row["recorded_as"] for row in data["incidents"]} == {"failure"}
    assert rows(data, "failed_tool")[0]["tool"] == "Read"
    assert rows(data, "denied")[0]["command"] == "rm -f old.txt"
    bash = next(tool for tool in data["tools"] if tool["tool"] == "Bash")
    assert (bash["calls"], bash["ran"], bash["failed"], bash["denied"], bash["false_successes"]) == (11, 10, 2, 1, 0)


def test_refused_plan_calls_are_failures_that_massgen_calls_success() -> None:
    """s18: an unknown task and a plan of the wrong shape; and npm test."""
    data = ask("s18_planning_0.1.97")
    assert data["totals"] == {"failed_command": 1, "failed_tool": 2}
    assert {row["recorded_as"] for row in data["incidents"]} == {"success"}
    assert data["false_successes"] == 3


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_failed_and_denied_counts_are_those_of_the_ground_truth(sample: Sample) -> None:
    """Of every sample run, whatever its version and backend."""
    truth = sample.truth
    totals = call(TOOL, sample.arguments).data["totals"]
    if truth.get("failed_commands") is not None:
        assert totals.get("failed_command", 0) + totals.get("timeout", 0) - (truth["state"] == "timed_out") == sum(
            _flat(truth["failed_commands"])
        )
    if truth.get("denied_tool_calls") is not None:
        assert totals.get("denied", 0) == truth["denied_tool_calls"]


def _flat(counts: dict[str, Any]) -> list[int]:
    return [n for value in counts.values() for n in (value.values() if isinstance(value, dict) else [value])]


def test_a_server_killed_under_a_command() -> None:
    """That command ran; the next two found no server."""
    data = ask("mcp_server_killed")
    assert data["totals"] == {"server_died": 1, "never_ran": 2}
    (died,) = rows(data, "server_died")
    assert (died["command"], died["agent"], died["recorded_as"]) == ("kill -9 $PPID", "agent_a", "failure")
    (lost,) = rows(data, "never_ran")
    assert (lost["command"], lost["count"], len(lost["sources"])) == ("npm install", 2, 4)  # start and result of each
    (tool,) = data["tools"]
    assert (tool["calls"], tool["ran"], tool["never_ran"], tool["unknown"], tool["failed"]) == (5, 3, 2, 1, 0)


def test_claude_code_errors() -> None:
    """Three refusals, a tool that does not exist, one retry without a request in three records, a limit of 2000 ms passed."""
    data = ask("claude_code_errors")
    assert data["totals"] == {"empty_retry": 1, "refused_response": 1, "failed_command": 1, "denied": 3, "never_ran": 1}
    (retry,) = rows(data, "empty_retry")
    assert "no request was made" in retry["sentence"]
    assert len(retry["sources"]) == 3
    assert any(source.startswith("events.jsonl:") for source in retry["sources"])
    assert {row["tool"] for row in rows(data, "denied")} == {"Bash", "Read", "Write"}
    assert rows(data, "never_ran")[0]["tool"] == "TodoWrite"
    (limit,) = data["limits"]
    assert (limit["command"], limit["asked_s"], limit["taken_s"], limit["timed_out"]) == (
        "sleep 300; echo late", 2.0, None, True,
    )  # fmt: skip


def test_refusals_of_a_hook_are_one_row() -> None:
    """Eight calls after the round's limit: alike but for the number of the attempt; two different commands."""
    data = ask("hook_denied")
    assert data["totals"] == {"round_timeout": 2, "failed_command": 1, "denied": 8}  # its warning, and its end
    (denied,) = rows(data, "denied")
    assert (denied["count"], denied["variants"], denied["recorded_as"]) == (8, 2, "failure")


def test_a_start_up_failure() -> None:
    """Only the metadata tells of it."""
    data = ask("startup_failure")
    assert data["totals"] == {"start_up": 1}
    assert "OpenAI API key not found" in data["incidents"][0]["sentence"]
    assert data["incidents"][0]["sources"] == ["execution_metadata.yaml#cli_args.failure_stage"]


def test_stderr_log_rows(tmp_path: Path) -> None:
    """A traceback is its exception's line; info, warnings and a word like "error" in a sentence are none."""
    file = tmp_path / "mcp_x_stderr.log"
    file.write_text(
        "[11/22/26 10:00:00] INFO     Starting MCP server 'X', errors go to stderr\n"
        "jwt.py:10: AuthlibDeprecationWarning: error: deprecated\n"
        "Traceback (most recent call last):\n"
        '  File "a.py", line 1, in <module>\n'
        "    raise KeyError('a')\n"
        "\n"
        "KeyError: 'a'\n"
        "[11/22/26 10:00:00] WARNING  a.txt: No such file or directory\n"
        "2026-11-22 10:00:01,123 - x - ERROR - cannot bind\n"
        "\x1b[31mnpm error\x1b[0m missing script\n"
        "Traceback (most recent call last):\n"
        '  File "b.py"\n'
    )
    problems: list[Problem] = []
    source = Source(file.name)
    found = [(row.line, row.start, row.message) for row in read(file, source, problems)]
    assert [(line, start) for line, start, _ in found] == [(7, 3), (9, 9), (10, 10), (11, 11)]
    assert found[0][2] == "KeyError: 'a'"
    assert found[2][2] == "npm error missing script"
    assert (source.rows, problems) == (12, [])


def test_errors_only_on_stderr(copy_of: Any) -> None:
    """Folded over reconnects, with no agent, since all share the file; the shared file's other lines stay out."""
    root = copy_of("s2_three_agents_0.1.97")
    attempt = resolve(find_root(str(root))).attempt.path
    trace = (
        "Traceback (most recent call last):\n  File 'a.py'\nOSError: [Errno 28] No space left on device\nINFO ready\n"
    )
    (attempt / "mcp_disk_stderr.log").write_text(trace * 3)
    answer = call(TOOL, {"logs_dir": str(root)})
    assert answer.data["totals"] == {"stderr_only": 3}
    (row,) = answer.data["incidents"]
    assert (row["count"], row["agent"], row["t"], row["tool"]) == (3, None, None, "disk")
    assert row["sources"] == [f"mcp_disk_stderr.log:{line}" for line in (3, 7, 11)]
    assert "OSError: [Errno 28]" in row["sentence"]
    assert "mcp_disk_stderr.log" in [source["file"] for source in answer.sources]


def test_a_stderr_line_that_a_failed_call_repeats_is_its_source() -> None:
    """Recorded twice is one incident."""
    text = "OSError: [Errno 28] No space left on device"
    failed = Call(
        "alpha", "mcp__disk__write", None, {"a": 1}, "events.jsonl:9", outcome="failed", error=f"Error: {text}"
    )
    found = analyse(run_with(calls=[failed]), Stderr([StderrLine("mcp_disk_stderr.log", 3, 1, text)]))
    assert found.totals == {"failed_tool": 1}
    assert found.incidents[0].sources == ["events.jsonl:9", "mcp_disk_stderr.log:3"]
    for other in ("OSError: [Errno 5] Input/output error", "OSError"):  # another error; a word proves nothing
        again = analyse(run_with(calls=[failed]), Stderr([StderrLine("mcp_disk_stderr.log", 3, 1, other)]))
        assert again.totals == {"failed_tool": 1, "stderr_only": 1}


def test_the_fairness_gates_third_refusal_is_counted_too() -> None:
    """0.1.61: six refusals are events, three more are only a text and a forced restart."""
    data = ask("s2d_three_agents_240s_0.1.61")
    assert data["totals"] == {"refused_response": 9}
    assert sum(r["count"] for r in rows(data, "refused_response") if "third time" in r["sentence"]) == 3


def test_a_command_that_timed_out_is_a_timeout_with_asked_and_taken() -> None:
    """exit -1 by the command server, by its own limit or by the default that the message names."""
    own = Call("alpha", SHELL, "sleep 9", {"command": "sleep 9", "timeout": 5}, "events.jsonl:1", outcome="failed",
               exit_code=-1, exec_s=5.01, recorded_ok=True, error="Command timed out after 5 seconds")  # fmt: skip
    default = shell("sleep 99", "failed", exit_code=-1, exec_s=60.0, recorded_ok=True,
                    error="Command timed out after 60 seconds")  # fmt: skip
    quick = Call(
        "alpha", SHELL, "ls", {"command": "ls", "timeout": 5}, "events.jsonl:3", outcome="ok", exit_code=0, exec_s=0.1
    )
    talks = shell("cat log", "failed", exit_code=1, recorded_ok=True, error="the request timed out yesterday")
    found = analyse(run_with(calls=[own, default, quick, talks]), Stderr())
    assert found.totals == {"timeout": 2, "failed_command": 1}
    assert [(x.command, x.asked_s, x.taken_s, x.timed_out) for x in found.limits] == [
        ("sleep 99", 60.0, 60.0, True), ("sleep 9", 5.0, 5.01, True), ("ls", 5.0, 0.1, False),
    ]  # fmt: skip
    assert (found.tools[0].timed_out, found.false_successes) == (2, 3)


def test_same_input_different_output() -> None:
    """The digits of the execution time are no difference; a size, an exit code or an outcome is; open calls aren't."""
    calls = [
        shell("ls", exit_code=0, output_chars=500), shell("ls", exit_code=0, output_chars=500 + SAME_CHARS),
        shell("du", exit_code=0, output_chars=500), shell("du", exit_code=0, output_chars=501 + SAME_CHARS),
        shell("make", exit_code=0, output_chars=100), shell("make", "failed", exit_code=2, output_chars=100),
        shell("wait", exit_code=0, output_chars=1), shell("wait", "open"), shell("rm", exit_code=0), shell("rm", "denied"),
    ]  # fmt: skip
    found = analyse(run_with(calls=calls), Stderr()).different
    assert [(d.command, d.outcomes) for d in found] == [
        ("make", {"exit 0, ~100 chars": 1, "exit 2, ~100 chars": 1}),
        ("du", {"exit 0, ~500 chars": 1, "exit 0, ~541 chars": 1}),
    ]


def test_a_subagent_that_completed_without_a_call() -> None:
    """S36; one that called is none, and one whose calls aren't recorded is unknown."""
    usage = Usage(None, None, None, None, None)
    subs = [Subagent(f"s{n}", "completed", usage, 1.0, n) for n in (0, 1, None)]
    found = analyse(run_with(subagents=tuple(subs)), Stderr())
    assert [(i.kind, i.recorded_as) for i in found.incidents] == [("subagent", "completed")]
    assert "s0" in found.incidents[0].sentence


def test_a_fatal_api_error_and_the_death_it_caused_are_one() -> None:
    """The event's text repeats the API error; another agent's, or a later one, is its own."""
    fatal = Enforcement(0, 3, 3, "fatal_api_error", (), "Error code: 401 - no key", None, 0, 100.0, "status.json#a")
    texts = [("alpha", 100.5), ("mid", 100.5), ("alpha", 200.0)]
    moments = [
        Moment(t, "error", agent, "Error: Error code: 401 - no key", f"events.jsonl:{n}")
        for n, (agent, t) in enumerate(texts)
    ]
    found = analyse(run_with(enforcement={"alpha": (fatal,)}, moments=moments), Stderr())
    assert found.totals == {"api_error": 3}
    first = next(i for i in found.incidents if "(fatal)" in i.sentence)
    assert [source.split("#")[0] for source in first.sources] == ["status.json", "events.jsonl:0"]


def test_pages_hold_every_incident_once_and_totals_stand_on_each() -> None:
    """The contract is told on the first page only."""
    sample = named("s13b_large_agent_dead_0.1.97")
    seen: list[Incident] = []
    cursor, pages = None, 0
    while pages == 0 or cursor:
        answer: Any = call(TOOL, {**sample.arguments, "limit": 4, "cursor": cursor}).json()
        seen += answer["data"]["incidents"]
        assert answer["data"]["total"] == 55
        assert bool(answer["data"]["tools"]) == (pages == 0)
        cursor, pages = answer["page"]["next_cursor"], pages + 1
    assert seen == ask(sample.name)["incidents"]
    assert pages == -(-len(seen) // 4) > 2


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_the_totals_of_an_answer_add_up(sample: Sample) -> None:
    """Each row has a source; the rows hold as many incidents as the totals say."""
    data = call(TOOL, {**sample.arguments, "limit": 1000}).data
    assert sum(row["count"] for row in data["incidents"]) == data["total"] == sum(data["totals"].values())
    assert all(row["sources"] and row["sentence"] for row in data["incidents"])


def test_many_different_failures_stay_within_the_answer() -> None:
    """The default page is cut by size, and says so; a long command and a long error are cut and announced."""
    place = resolve(find_root(str(CORPUS / "s2_three_agents_0.1.97")))
    calls = [
        shell(chr(96 + n) * 300, "failed", exit_code=1, error="e" * 190, recorded_ok=True, t=float(n))
        for n in range(1, 27)
    ]
    run = run_with(calls=calls)
    result = TOOL.function(run, place)
    assert result.page is not None
    assert result.page.total == 26
    assert (result.page.next_cursor or "").startswith(f"{result.page.shown}-")
    assert 5 < result.page.shown < 26
    text = "\n".join(TOOL.render(Masker().value(result.data)))
    assert len(text) < 6900
    assert "26 incidents: failed_command 26; failed calls that MassGen calls success: 26" in text
    assert "a" * 80 + "…[+220 chars]" in text
