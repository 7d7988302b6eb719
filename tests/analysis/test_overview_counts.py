"""The overview's first lines: votes that were sent back and calls that never ran stand beside the other counts, in none."""

from __future__ import annotations

import pytest

from conftest import ALL_SAMPLES, Sample, sample_id

NO_VOTE = {"vote_no_answers", "invalid_vote_id", "vote_and_answer", "multiple_votes"}


@pytest.mark.parametrize(
    "sample",
    [
        s
        for s in ALL_SAMPLES
        if s.name.startswith("s3_enforcement") or s.name in {"claude_code_errors", "mcp_server_killed"}
    ],
    ids=sample_id,
)
def test_sent_back_votes_are_those_of_the_ground_truth(sample: Sample, ask, run_cli) -> None:
    """By reason, from the truth's enforcement; a version without a record tells what its log's text does, or nothing."""
    answer = ask("run_overview", *sample.place)
    told, text = answer["data"]["votes"]["sent_back"], run_cli("run-overview", *sample.place)[1]
    recorded = sample.truth["enforcement"]
    if recorded is not None:
        expected: dict[str, int] = {}
        for reason, n in ((r, n) for reasons in recorded.values() for r, n in reasons.items()):
            if reason in NO_VOTE:
                expected[reason] = expected.get(reason, 0) + n
        assert told == expected
    assert ("more sent back" in text) == bool(told)
    if told:
        assert f"; {sum(told.values())} more sent back" in text
        assert "sent back before they were votes" in run_cli("vote-reasons", *sample.place)[1]
    assert answer["data"]["votes"]["accepted"] == sample.truth["votes_accepted"]


def test_the_third_vote_in_a_row_was_sent_back_too(ask) -> None:
    """It ends its agent and is no enforcement event; only the agent's error tells. s13b: three invalid votes, two events."""
    large = next(s for s in ALL_SAMPLES if s.name == "s13b_large_agent_dead_0.1.97")
    assert ask("run_overview", *large.place)["data"]["votes"]["sent_back"] == {"invalid_vote_id": 3}


def test_calls_that_never_ran_are_named(ask, run_cli) -> None:
    """mcp_server_killed: two calls found no server; s1_clean: none, and nothing is said."""
    killed = next(s for s in ALL_SAMPLES if s.name == "mcp_server_killed")
    assert ask("run_overview", *killed.place)["data"]["never_ran"] == 2
    assert "denied: 0, never ran (no such tool or server): 2\n" in run_cli("run-overview", *killed.place)[1]
    clean = next(s for s in ALL_SAMPLES if s.name == "s1_clean_0.1.97")
    assert "never ran" not in run_cli("run-overview", *clean.place)[1]
