"""What an agent pays: calls and tokens (4 characters each) to have all facts of a run."""

from __future__ import annotations

import pytest

from conftest import ALL_SAMPLES, CORPUS, CORPUS_SAMPLES, Sample, sample_id
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import NAMES, get

LARGE = "s13b_large_agent_dead_0.1.97"
SIX = (
    "run_overview",
    "repeated_commands",
    "vote_reasons",
    "read_status_reliability",
    "cost_and_tokens",
    "coordination_timeline",
)


def text(tool: str, sample: Sample, **arguments: object) -> str:
    return call(get(tool), {**sample.arguments, **arguments}).text()


@pytest.mark.parametrize("sample", [s for s in CORPUS_SAMPLES if s.name != LARGE], ids=sample_id)
def test_all_facts_in_six_calls_and_ten_thousand_tokens(sample: Sample) -> None:
    """One page of each of six tools holds everything that truth.json holds."""
    truth = sample.truth
    answers = {tool: text(tool, sample, **({"min_count": 1} if tool == "repeated_commands" else {})) for tool in SIX}
    assert sum(map(len, answers.values())) / 4 <= 10_000
    assert not any("next page" in answer for answer in answers.values())
    overview = answers["run_overview"]
    assert f"winner: {truth['winner'] or 'none'}" in overview
    for answer in truth["answers"]:
        assert answer["label"] in answers["coordination_timeline"]
    for voter, target in truth["final_votes"].items():
        assert f"{voter} → {target}" in answers["vote_reasons"]
    for own in (truth["commands"] or {}).values():
        for command in own:
            if "KEY" not in command and "TOKEN" not in command:
                assert " ".join(command.split()).replace("|", "\\|")[:230] in answers["repeated_commands"]
    for agent, tokens in (truth["tokens"] or {}).items():
        assert f"|{agent}|{tokens['input']}|{tokens['output']}|" in answers["cost_and_tokens"]
    for agent, reasons in (truth["enforcement"] or {}).items():
        for reason, n in reasons.items():
            assert f"{reason} {n}" in next(
                line for line in answers["read_status_reliability"].split("\n") if line.startswith(f"|{agent}|")
            )


@pytest.mark.parametrize(
    "tool",
    [
        n
        for n in NAMES
        if n
        not in {"write_report", "draft_report", "list_logs", "compare_runs", "query_records", "reconcile", "watch_run"}
    ],
)
@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_a_default_answer_stays_under_two_thousand_tokens(tool: str, sample: Sample) -> None:
    """By a twentieth; also of the large run, of its longest agent's trace, and of the synthetic runs."""
    agents = sample.truth["agents"] if sample.truth["massgen_version"] not in {None, "0.1.12"} else ["*"]
    for extra in [{"agent": agent} for agent in agents] if tool == "read_trace" else [{}]:
        answer = text(tool, sample, **extra)
        assert len(answer) < 7600


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("sample", CORPUS_SAMPLES, ids=sample_id)
def test_a_whole_draft_stays_under_six_thousand_tokens(sample: Sample, language: str) -> None:
    """With its frame; that of the run of 190 tool calls under 10,000, which no answer exceeds."""
    limit = 40_000 if sample.name == LARGE else 24_000
    assert len(text("draft_report", sample, language=language)) < limit


def test_the_large_run_shows_repeated_and_failed_commands_first() -> None:
    """190 tool calls, 12 MB: what matters stands on the first page."""
    sample = next(s for s in CORPUS_SAMPLES if s.name == LARGE)
    answer = call(get("repeated_commands"), sample.arguments)
    first = answer.data["commands"][0]
    assert first["command"] == "python3 gen_report.py --seed 7"
    assert first["ran"] == 23
    assert [c["ran"] for c in answer.data["commands"]] == sorted(
        (c["ran"] for c in answer.data["commands"]), reverse=True
    )
    every = call(get("repeated_commands"), {**sample.arguments, "min_count": 1, "limit": 500}).data["commands"]
    kinds = [
        "repeated" if c["ran"] > 1 else "failed" if c["failed"] or c["denied"] or c["hidden"] else "once" for c in every
    ]
    assert kinds == sorted(kinds, key=["repeated", "failed", "once"].index)


@pytest.mark.parametrize("limit", [1, 7, 1000])
def test_an_answer_is_never_above_ten_thousand_tokens(limit: int) -> None:
    """Whatever limit the caller asks for."""
    sample = next(s for s in CORPUS_SAMPLES if s.name == LARGE)
    for tool, extra in [
        ("read_trace", {"agent": "agent_a"}),
        ("repeated_commands", {"min_count": 1}),
        ("coordination_timeline", {}),
    ]:
        assert len(text(tool, sample, limit=limit, **extra)) / 4 <= 10_000


def test_corpus_is_complete() -> None:
    """The table-driven tests cover every sample run."""
    assert (
        len({sample.name.split(".snapshot")[0] for sample in CORPUS_SAMPLES})
        == len(list(CORPUS.glob("*/truth.json")))
        == 35
    )
