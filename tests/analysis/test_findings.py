"""Each rule finds what truly happened, in true words, with evidence that shows it; and nothing in runs where nothing did."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec.structs import fields
from rules_report import EXPECTED, expected, found_in, table

from conftest import ALL_SAMPLES, CORPUS_SAMPLES, Sample, named, place_of, run_of, sample_id
from massgen_logs.analysis.findings import RULES, Finding, findings, not_checkable
from massgen_logs.run.model import Run
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

# By sample and finding, as a reader of SCENARIO.md (or of the scenario in tests/synthetic.py) would say it.
SENTENCES = {
    ("s2_three_agents_0.1.55", "timed_out"): "the run timed out (Time limit exceeded (80.0s/80s)): alpha had won by votes 2:1; the limit "
    "cut its presentation, its stored answer agent2.1 was used again",
    ("s2_three_agents_0.1.55", "stored_final"): "the final answer is the stored answer agent2.1 again: the limit cut the presentation",
    ("timeout_in_presentation", "timed_out"): "the run timed out (Time limit exceeded (150.0s/150s)): alpha had won by votes 3:0; the limit "
    "cut its presentation, its stored answer agent1.1 was used again",
    ("s5b_orch_timeout_one_answer_0.1.97", "timed_out"): "the run timed out (Time limit exceeded (25.0s/25s)): agent_a was chosen at the "
    "time-out (0 of 2 agents had voted, 0 for it)",
    ("s5b_orch_timeout_one_answer_0.1.97", "stored_final"): "the final answer is the stored answer agent1.1 again: no presentation was made",
    ("s5a_orch_timeout_no_answers_0.1.97", "timed_out"): "the run timed out (Time limit exceeded (15.0s/15s)): nobody won",
    ("s3_enforcement_0.1.12", "timed_out"): "the run timed out (Time limit exceeded (45.0s/45s)): agent_a was chosen at the time-out "
    "(1 of 3 agents had voted, 1 for it)",
    ("s6_killed_0.1.97", "no_end"): "the run has no end: no end was recorded: killed, crashed or copied while running",
    ("startup_failure", "failed"): "the run failed: configuration_error: OpenAI API key not found. Set OPENAI_API_KEY environment variable.",
    ("s1d_livelock_0.1.36", "live_lock"): "live-lock: 19 votes were ignored again and again, 0 accepted from 2 agents",
    ("s1_clean_0.1.12", "misrecorded_vote:agent_b"): "the vote of agent_b was recorded for agent_b, its words mean agent_a",
    ("s1_clean_0.1.12", "tie"): "agent_a, agent_b have 1 vote each; agent_a won by order",
    ("s1_clean_0.1.12", "own_vote_decided:agent_a"): "agent_a won with its own vote: 0 without it, 1 for the next",
    ("winner_against_votes", "winner_not_top:agent_a"): "agent_a won with 0 votes, where another agent has 2",
    ("s8f_checklist_valid_0.1.97", "unrelated_final"): "the final answer shares almost nothing with agent1.1, the winning answer: 0% of its "
    "words stand in the final one, 0% of the final one's in it",
    ("s3_enforcement_0.1.97", "duplicate_answer:agent2.1"): "agent2.1 is the same text as agent1.2 and was accepted",
    ("s12_claude_0.1.45", "retries:agent_b.1"): "agent_b needed 2 retries in round 1 (1 API error, 1 refused: answer_novelty)",
    ("s13b_large_agent_dead_0.1.97", "retries:agent_a.1"): "agent_a needed 2 retries in round 1 (2 refused: invalid_vote_id)",
    ("s13b_large_agent_dead_0.1.97", "content_lost:agent_a"): "agent_a lost 7881 characters of content with retried responses",
    ("s13b_large_agent_dead_0.1.97", "agent_died:agent_a"): "agent_a ended with an error: Invalid agent_id after 3 attempts",
    ("s3_enforcement_0.1.12", "error_loop:agent_c"): "agent_c was started again and again into the same error, 38 times: Agent failed to "
    "use workflow tools after 3 attempts",
    ("s2d_three_agents_240s_0.1.61", "votes_lost:zeta"): "zeta spent 109.1 s of 151.5 s (72%) in 2 executions that ended in votes that were "
    "refused",
    ("timeout_without_winner", "stall:zeta@2"): "zeta was at work and showed nothing for 78.5 s from +1.5 s on, not even text",
    ("codex_resume", "not_delivered:agent_b"): "1 injection into agent_b recorded, 0 reached it",
    ("silent_subagent", "silent_subagent:sum"): "sub-agent sum made no model call and is recorded with status initial_answer",
    ("s3_enforcement_0.1.97", "unknown_tools:agent_b"): "agent_b called tools that do not exist: frobnicate",
    ("s2_three_agents_0.1.97", "ignored_input:agent2.2"): "agent2.2 of mid took none of the 8 telling words of what it had seen (agent3.1, "
    "agent1.1)",
    ("s13b_large_agent_dead_0.1.97", "stuck_on_failure:agent_b.python3 gen_report.py"): "agent_b ran `python3 gen_report.py ...` 18 times, no other "
    "command between, although each run failed",
    ("s13b_large_agent_dead_0.1.97", "workspace_emptied:agent_c.gen_report.py"): "23 commands of agent_c failed for want of gen_report.py, which "
    "it had before its answer agent3.1: MassGen empties the workspace at an answer",
    ("s1_clean_0.1.97", "again_after_restart"): "3 runs after a restart of commands that the same agent had run before it (agent_a 2, agent_b "
    "1): `npm install`, `openskills read pptx`",
    ("s1_clean_0.1.97", "repeated_command:agent_a.npm install"): "agent_a ran `npm install` 3 times",
    ("s1_clean_0.1.97", "false_success"): "1 failed call is recorded as a success (MassGen's own count of failures: 0)",
    ("s1_clean_0.1.97", "failure_before_end:agent_a.voted for agent_a"): "agent_a voted for agent_a right after `npm test` had failed",
    ("s13b_large_agent_dead_0.1.97", "refused_work"): "1 of 190 tool calls were refused and never ran: Potentially dangerous command detected: "
    "Use of 'rm -rf /' is not allowed",
    ("s8h_subagent_ok_0.1.97", "answered_without_tools:agent_b"): "agent_b submitted agent2.1 without running any tool",
    ("pivot", "pivot:agent_a.npm test"): "agent_a left `npm test ...` after 2 failures and went on with `python3 sum.py`",
}  # fmt: skip
_OF_OTHERS = {"ignored_input", "tie", "winner_not_top"}
"""Rules whose evidence is of several agents."""


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_findings_are_what_happened(sample: Sample) -> None:
    """Labels by hand from SCENARIO.md or the scenario (tests/analysis/rules_report.py); a run without a label has none."""
    assert found_in(sample) == expected(sample)


def test_sentences_say_what_happened() -> None:
    """Word for word, one at least of each rule that can be told in one sentence."""
    for (name, finding), sentence in SENTENCES.items():
        found = {one.id: one.sentence for one in findings(run_of(named(name)))}
        assert found.get(finding) == sentence, (name, finding)
    assert {rule.id for rule in RULES} - {id_.split(":")[0] for _, id_ in SENTENCES} == {
        "hidden_by_pipe",
        "planted_orders",
        "planted_followed",
        "server_not_connected",
    }


@cache
def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", "replace").split("\n")


@cache
def _document(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.suffix == ".yaml" else json.loads(path.read_text())


def _value(data: Any, key: str) -> Any:
    """The value at a key such as agents.zeta.reliability.enforcement_attempts[0]; names may hold dots."""
    if not key:
        return data
    if match := re.match(r"\[(\d+)\]\.?", key):
        return _value(data[int(match[1])], key[match.end() :])
    ends = [m.start() for m in re.finditer(r"[.\[]", key)] + [len(key)]
    end = next(end for end in reversed(ends) if key[:end] in data)
    return _value(data[key[:end]], key[end:].removeprefix("."))


def opened(sample: Sample, place: str) -> Any:
    """What stands at a reference: the value of a key, the text from a line (and column) on, or what the call answers."""
    if match := re.fullmatch(r'read_trace\(agent="(.+?)", contains="(.+?)"\)', place):
        answer = call(get("read_trace"), {**sample.arguments, "agent": match[1], "contains": match[2]})
        assert answer.data["items"], place
        return answer.text()
    attempt = place_of(sample).attempt

    def path(name: str) -> Path:  # a turn that was split by --continue has its logs elsewhere
        found = attempt.file(*name.split("/"))
        assert found is not None, place
        return found

    if "#" in place:
        file, _, key = place.partition("#")
        return _value(_document(path(file)), key)
    if match := re.fullmatch(r"(.+?\.\w+):(\d+)(?::(\d+))?", place):
        text = _lines(path(match[1]))[int(match[2]) - 1][int(match[3] or 1) - 1 :]
        return (
            json.loads(text) if match[1].endswith(".jsonl") and text.endswith("}") else text
        )  # a torn last line is text
    return path(place).read_text()


def owner(place: str, content: Any) -> str | None:
    """The agent that a place belongs to; None where its record names none."""
    for pattern in (
        r"agent_outputs/(.+)\.txt",
        r"status\.json#agents\.([^.]+)",
        r"([^/#]+)/\d{8}_\d{6}_\d{6}/vote\.json",
    ):
        if match := re.match(pattern, place):
            return match[1]
    return content.get("agent_id") if isinstance(content, dict) else None


def subject(run: Run, finding: Finding) -> str | None:
    """The agent that a finding is about, by its id."""
    what = finding.id.partition(":")[2]
    return next((name for name in run.agents if re.match(re.escape(name) + r"(?:[.@]|$)", what)), None)


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_every_piece_of_evidence_opens_and_shows_it(sample: Sample) -> None:
    """It stands there, belongs to the agent of the finding, and holds the command, the exit code or the text it is cited for."""
    run = run_of(sample)
    found = findings(run)
    assert len({one.id for one in found}) == len(found)
    order = [one.severity for one in found]
    assert order == sorted(order, key=["high", "medium", "low", "info"].index)
    for one in found:
        assert one.sentence
        assert one.disproof
        assert one.evidence, one
        agent = subject(run, one)
        contents = [opened(sample, place) for place in one.evidence]
        for place, content in zip(one.evidence, contents, strict=True):
            whose = owner(place, content)
            assert whose is None or agent is None or whose == agent or one.rule in _OF_OTHERS, (one, place)
        said = [
            content if isinstance(content, str) else json.dumps(content, ensure_ascii=False) for content in contents
        ]
        if one.rule in {"repeated_command", "again_after_restart"}:
            commands = re.findall(r"`(.+?)`", one.sentence)
            assert all(any(words in line for words in commands) for line in said), one
        if one.rule == "failure_before_end":
            code = one.numbers["exit_code"]
            assert re.search(rf"exit_code\W+{code}\b|Exit code {code}\b|\(exit {code}\)", said[1]), one
        if one.rule == "workspace_emptied":
            assert any(re.search(r"can't open file|No such file", line) for line in said), one
        if one.rule in {"retries", "content_lost"}:
            reasons = re.sub(r".*refused: |\)$", "", one.sentence).split(", ")
            assert all("reason" in line or "❌" in line or "🔄" in line for line in said), one
            assert one.rule == "content_lost" or any(
                reasons[0] in line or "massgen.log" in one.sentence for line in said
            ), one


def test_again_after_a_restart_cites_the_runs_after_it() -> None:
    """s1_clean_0.1.97: the restart stands in lines 41 (agent_b) and 43 (agent_a) or later; each cited call comes after its agent's."""
    sample = named("s1_clean_0.1.97")
    run = run_of(sample)
    one = next(f for f in findings(run) if f.rule == "again_after_restart")
    second = {e.agent: int(e.src.split(":")[1]) for e in run.executions if e.index == 1}
    cited = [(opened(sample, place)["agent_id"], int(place.split(":")[1])) for place in one.evidence]
    assert sorted(agent for agent, _ in cited) == ["agent_a", "agent_a", "agent_b"]
    assert all(line > second[agent] for agent, line in cited)


def test_what_cannot_be_checked_is_said(run_cli) -> None:
    """Versions that name no agent with a command, and no ignored votes, texts or refusals: by reason, in data and text."""
    for name in ("s1_clean_0.1.0", "s1_clean_0.1.12"):
        told = {one.why: one.rules for one in not_checkable(run_of(named(name)))}
        assert "repeated_command" in told["calls are recorded without their agent"]
        assert "failure_before_end" in told["calls are recorded without their agent"]
        text = run_cli("run-overview", *named(name).place)[1]
        assert "rules not checkable in this version's logs: " in text
    assert not_checkable(run_of(named("s1_clean_0.1.97"))) == []


def test_the_overview_shows_them(ask, run_cli) -> None:
    """All rules of the label in the typed result; twelve lines at most in the text, the others announced."""
    sample = named("s13b_large_agent_dead_0.1.97")
    found = ask("run_overview", *sample.place)["data"]["findings"]
    assert {f["rule"] for f in found} == EXPECTED[sample.name]
    text = run_cli("run-overview", *sample.place)[1]
    assert f'findings by rules ({len(found)}; with numbers and disproof: part="findings"):\n- high agent_died' in text
    assert "docs/" not in text  # the wheel has no such folder
    rest = re.search(rf'- {len(found) - 12} more: part="findings", cursor="(\S+)"', text)
    assert rest is not None
    following = run_cli("run-overview", *sample.place, "--part", "findings", "--cursor", rest[1])[1]
    assert "(from 13)" in following
    assert "CHANGED" not in following
    clean = named("s7a_multiturn_0.1.97")
    assert "\nfindings: none\n" in run_cli("run-overview", *clean.place)[1]


@pytest.mark.parametrize("sample", CORPUS_SAMPLES, ids=sample_id)
def test_nothing_is_said_twice(sample: Sample) -> None:
    """A red flag that a finding tells is printed as that finding only, and has its very words in the typed result."""
    answer = call(get("run_overview"), sample.arguments)
    sentences = {one["id"]: one["sentence"] for one in answer.data["findings"]}
    text = answer.text()
    for flag in answer.data["red_flags"]:
        if flag["finding"] is not None:
            assert flag["text"] == sentences[flag["finding"]]
            assert f"- {flag['id']}: {flag['text'][:60]}" not in text


def test_rules_are_complete() -> None:
    """Unique ids, a threshold with its origin, a known severity and taxonomy code, and a sample of each."""
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        for field in fields(rule):
            assert getattr(rule, field.name) or field.name in {"mast", "flag", "needs"}, (rule.id, field.name)
        assert rule.severity in {"high", "medium", "low", "info"}
        assert rule.mast is None or rule.mast.startswith("FM-")
    sampled = {rule for rules in EXPECTED.values() for rule in rules}
    own_tests = {
        "planted_followed",
        "server_not_connected",
    }  # tests/security/test_planted_orders.py, tests/run/test_servers.py
    assert {rule.id for rule in RULES} - own_tests == sampled


def test_the_printed_report_is_up_to_date() -> None:
    """docs/rules.md is what `make rules-report` prints."""
    from rules_report import TARGET

    assert TARGET.read_text() == table()
