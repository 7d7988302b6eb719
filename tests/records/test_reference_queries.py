"""Each SQL block of the skill's references, run on the span records of s9's logs and on the spans of that very run."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import captured

from conftest import CORPUS_SAMPLES
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get

ASSETS = Path(__file__).parents[2] / "skill_assets"
BLOCKS = {
    " ".join(lead.split()[:2]): sql
    for file in sorted(ASSETS.glob("*.md"))
    for lead, sql in re.findall(r"\n\n((?:[^\n]+\n)+)\n```sql\n([^`]*)```", file.read_text(encoding="utf-8"))
}
"""By the first two words of the paragraph before the block."""
S9 = next(sample for sample in CORPUS_SAMPLES if sample.name == "s9_logfire_0.1.97")
TRUTH = S9.truth
Rows = list[dict[str, Any]]


def ours(sql: str) -> Rows:
    """What query_records answers."""
    answer: Any = call(get("query_records"), {"logs_dir": str(S9.root), "sql": sql, "limit": 100}).json()
    return answer["data"]["rows"]


@cache
def _database() -> Any:
    return captured.database()


def theirs(sql: str) -> Rows:
    """The same of what MassGen sent."""
    found = _database().execute(sql)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


@cache
def ask(title: str) -> tuple[Rows, Rows]:
    """A block's rows from our records and from MassGen's spans, each with its own trace id, which the first block finds."""
    both: list[Rows] = []
    for source in (ours, theirs):
        (found,) = source(BLOCKS["Find the"].replace("LOG", TRUTH["session"]))
        both.append(source(BLOCKS[title].replace("TRACE", found["trace_id"]).replace("LOG", TRUTH["session"])))
    return both[0], both[1]


def test_every_block_is_asked_here() -> None:
    """A block without a test below is an unproved claim of the references."""
    blocks = sum(file.read_text(encoding="utf-8").count("```sql") for file in ASSETS.glob("*.md"))
    assert len(BLOCKS) == blocks
    assert set(BLOCKS) == {
        "Find the", "Hierarchy, each", "Time per", "Tokens and", "Slowest tool", "Course of", "Votes with", "Model calls",
        "Exceptions over", "Rounds by",
    }  # fmt: skip


def test_the_trace_is_found_without_the_orphan() -> None:
    """One session for the log, as long as the run, though MassGen sent two."""
    assert len(theirs("SELECT 1 FROM records WHERE span_name = 'coordination.session'")) == 2
    for rows in ask("Find the"):
        assert len(rows) == 1
        assert abs(rows[0]["duration"] - TRUTH["duration_s"]) < 0.1


def test_calls_hang_under_the_round_here_and_under_the_session_there() -> None:
    """The hierarchy that the references describe; each call has one span in ours, two in MassGen's."""
    local, sent = ask("Hierarchy, each")
    ((root, parent),) = {(row["span_name"], row["parent"]) for row in local if row["parent"] is None}
    assert (root, parent) == ("coordination.session", None)
    calls = [row["parent"] for row in local if row["span_name"].startswith("mcp.")]
    assert len(calls) == TRUTH["tool_calls"]
    assert all(name.startswith("agent.") for name in calls)
    wrapped = [row["parent"] for row in sent if row["span_name"].startswith("mcp_tool.")]
    assert wrapped == ["coordination.session"] * TRUTH["tool_calls"]


def test_time_per_phase() -> None:
    """Each agent has one round of each phase, the winner a presentation; no phase is longer than the run."""
    for rows in ask("Time per"):
        phases = {(row["agent"], row["phase"]): row["rounds"] for row in rows}
        voting = {(agent, phase): 1 for agent in TRUTH["agents"] for phase in ("initial_answer", "voting")}
        assert phases == voting | {(TRUTH["winner"], "presentation"): 1}
        assert all(0 < row["longest_s"] <= row["total_s"] < TRUTH["duration_s"] for row in rows)


def test_tokens_and_cost_are_those_of_the_run() -> None:
    """The same figures from usage that is cumulative (MassGen's) and from usage of each round (ours)."""
    for rows in ask("Tokens and"):
        assert [row["agent"] for row in rows] == TRUTH["agents"]
        for row in rows:
            tokens = TRUTH["tokens"][row["agent"]]
            assert (row["tokens_in"], row["tokens_out"]) == (tokens["input"], tokens["output"])
            assert round(row["usd"], 6) == TRUTH["cost_usd"][row["agent"]]


def test_each_call_once_slowest_first() -> None:
    """As many as commands were run, by agent."""
    for rows in ask("Slowest tool"):
        for agent, commands in TRUTH["commands"].items():
            assert sum(row["agent"] == agent for row in rows) == sum(commands.values())
        assert len(rows) == TRUTH["tool_calls"]
        times = [row["duration"] for row in rows]
        assert times == sorted(times, reverse=True)


def test_the_course_in_order() -> None:
    """Start, both answers, both votes in their order, winner, final answer: the same names in both."""
    for rows in ask("Course of"):
        names = [row["span_name"] for row in rows]
        assert (names[0], names[-1]) == ("Coordination event: coordination_started", "Final answer from agent_a")
        assert sorted(names[1:3]) == [f"Agent answer: {answer['label']}" for answer in TRUTH["answers"]]
        assert names[3:5] == [f"Agent vote: {voter} -> agent1.1" for voter in TRUTH["final_votes"]]
        assert sorted(names[5:-1]) == ["Coordination event: winner_selected", "Winner selected: agent1.1"]


def test_votes_have_their_reasons() -> None:
    """Whole reasons, by voter, for the winner's label."""
    for rows in ask("Votes with"):
        assert {row["voter"]: row["reason"] for row in rows} == TRUTH["vote_reasons"]
        assert {row["voted_for"] for row in rows} == {"agent1.1"}


def test_model_calls_are_in_logfire_only() -> None:
    """Their tokens add up to the run's, one model an agent; a log tree holds no single calls."""
    local, sent = ask("Model calls")
    assert local == []
    assert [(row["model"], row["calls"]) for row in sent] == [("gpt-4o", 5), ("gpt-4o-mini", 11)]
    served = [(row["tokens_in"], row["tokens_out"]) for row in sent]
    assert served == [
        (TRUTH["tokens"][agent]["input"], TRUTH["tokens"][agent]["output"]) for agent in ("agent_b", "agent_a")
    ]


def test_a_clean_run_has_no_exception() -> None:
    """The orphan's GeneratorExit is the only one MassGen sent, and is left out."""
    assert theirs("SELECT exception_type FROM records WHERE is_exception") == [{"exception_type": "GeneratorExit"}]
    assert ask("Exceptions over") == ([], [])


def test_rounds_by_outcome() -> None:
    """Two answers and two votes in one session."""
    for rows in ask("Rounds by"):
        told = [(row["service_version"], row["outcome"], row["rounds"], row["sessions"]) for row in rows]
        assert told == [("0.1.97", "answer", 2, 1), ("0.1.97", "vote", 2, 1)]
