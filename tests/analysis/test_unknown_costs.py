"""What is said of tokens and cost where the record has zeros, lacks rounds, or holds tokens twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import CORPUS
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

CLEAN = "s1_clean_0.1.97"


def told(tool: str, root: Path) -> str:
    return call(get(tool), {"logs_dir": str(root)}).text()


def change_status(root: Path, change: Callable[[str, dict[str, Any]], None]) -> None:
    """The entry of every agent in status.json."""
    file = next(root.rglob("status.json"))
    data = json.loads(file.read_text())
    for name, agent in data["agents"].items():
        change(name, agent)
    data["costs"]["total_estimated_cost"] = 0.0
    file.write_text(json.dumps(data))
    next(root.rglob("metrics_summary.json")).unlink()


def zeros(_: str, agent: dict[str, Any]) -> None:
    agent["token_usage"] = dict.fromkeys(agent["token_usage"], 0)


def test_recorded_zeros_are_no_lack_of_a_record(copy_of) -> None:
    """All agents acted, and no response told what it used: not the version's fault."""
    root = copy_of(CLEAN)
    change_status(root, zeros)
    words = "ecorded are 0 tokens and no cost for every agent: no response told what it used, so that is unknown"
    assert f"r{words}" in told("cost_and_tokens", root)
    assert f"R{words}" in told("draft_report", root)
    assert "there is no total" in told("cost_and_tokens", root)


def test_zeros_beside_recorded_words_are_no_measure(copy_of) -> None:
    """An agent that neither answered nor voted, but of which a response is recorded: its tokens were never counted."""
    root = copy_of(CLEAN)

    def change(name: str, agent: dict[str, Any]) -> None:
        if name == "agent_b":
            zeros(name, agent)
            agent.update(answer_count=0, voted_for=None, vote_cast=None, reliability=None)

    change_status(root, change)
    assert "agent_b: the zeros are no measure: a response of it is recorded" in told("cost_and_tokens", root)
    assert "agent_a: the zeros" not in told("cost_and_tokens", root)


def test_no_other_file_records_them_either(copy_of) -> None:
    root = copy_of(CLEAN)
    for name in ("status.json", "metrics_summary.json"):
        next(root.rglob(name)).unlink()
    assert "no other file records tokens or a cost: unknown, not zero" in told("cost_and_tokens", root)


def test_tokens_of_an_agent_without_a_round(copy_of) -> None:
    """All of its input stands in none; without an ignored vote nothing tells why."""
    root = copy_of(CLEAN)
    lost = json.loads(next(root.rglob("status.json")).read_text())["agents"]["agent_b"]["token_usage"]["input_tokens"]

    def change(name: str, agent: dict[str, Any]) -> None:
        if name == "agent_b":
            agent["round_history"] = []

    change_status(root, change)
    file = next(root.rglob("metrics_events.json"))
    data = json.loads(file.read_text())
    data["round_completions"] = [r for r in data["round_completions"] if r["agent_id"] != "agent_b"]
    file.write_text(json.dumps(data))
    assert f"agent_b: {lost} input tokens stand in no recorded round\n" in told("cost_and_tokens", root)


def test_an_ignored_vote_explains_its_own_agents_rest() -> None:
    """s2 of 0.1.97: mid's vote was ignored."""
    text = told("cost_and_tokens", CORPUS / "s2_three_agents_0.1.97")
    lines = [line for line in text.splitlines() if "stand in no recorded round" in line]
    assert lines
    assert all(line.endswith("(one that ended in an ignored vote is overwritten)") for line in lines)


def test_a_cost_with_tokens_counted_twice_is_a_ceiling() -> None:
    """gemini's: the tokens are corrected, the cost can't be."""
    root = CORPUS / "s16_gemini_0.1.97"
    for tool in ("run_overview", "cost_and_tokens"):
        assert "(tokens counted twice are in it: a ceiling)" in told(tool, root)


def test_thinking_is_in_traces_where_there_are_any(copy_of) -> None:
    root = copy_of("s12_claude_0.1.45")
    assert "claude: thinking is in execution_trace.md only; " in told("cost_and_tokens", root)
    for trace in [*root.rglob("execution_trace.md")]:
        trace.unlink()
    assert "claude: thinking is in no file of this run; " in told("cost_and_tokens", root)
