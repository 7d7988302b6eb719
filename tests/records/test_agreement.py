"""Sums over the records of every sample run are what the other tools say of it."""

from __future__ import annotations

from collections import Counter

import pytest

from conftest import ALL_SAMPLES, CORPUS_SAMPLES, Sample, run_of, sample_id
from massgen_logs.analysis.costs import costs
from massgen_logs.analysis.overview import overview
from massgen_logs.analysis.times import time_breakdown
from massgen_logs.records.schema import Record
from massgen_logs.records.spans import records


def total(rows: list[Record], name: str) -> float:
    return sum(value for r in rows if isinstance(value := r.attributes.get(name), int | float))


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_sums_over_records(sample: Sample) -> None:
    """Calls, failures, answers, votes, executions, times, tokens and cost; what has no time has no record, and is counted."""
    run = run_of(sample)
    told, spent, times, found = overview(run), costs(run), time_breakdown(run), records(run)
    if times.total_s is None:
        assert found == []
        return
    (session,) = (r for r in found if r.span_name == "coordination.session")
    assert (session.end or 0) - session.start == pytest.approx(times.total_s, abs=0.001)
    named = [r.span_name for r in found]

    calls = [r for r in found if r.kind == "span" and "tool.name" in r.attributes]
    outcomes = Counter(str(r.attributes["massgen_logs.outcome"]) for r in calls)
    timeless = int(total([session], "massgen_logs.calls_without_time"))
    assert len(calls) + timeless == len(run.calls)
    assert sum(name.startswith("Tool execution: ") for name in named) == len(calls)
    if not timeless:
        commands = [r for r in calls if r.attributes.get("massgen_logs.command") is not None]
        failed = sum(r.attributes["massgen_logs.outcome"] == "failed" for r in commands)
        ran = sum(r.attributes["massgen_logs.outcome"] not in {"denied", "not_run"} for r in commands)
        for number, said in (
            (ran, told.commands_ran), (failed, told.commands_failed), (outcomes["denied"], told.denied),
            (outcomes["not_run"], told.never_ran),
        ):  # fmt: skip
            assert said in {None, number}
        if sample in CORPUS_SAMPLES and sample.truth["tool_calls"] is not None:
            assert len(calls) - outcomes["denied"] == sample.truth["tool_calls"]
        assert Counter(
            r.attributes["tool.name"] for r in calls if r.attributes["massgen_logs.outcome"] == "failed"
        ) == +Counter({tool.tool: tool.failed for tool in times.tools})

    assert sum(name.startswith("Agent answer: ") for name in named) == told.answers
    assert sum(name.startswith("Agent vote: ") for name in named) == told.votes.accepted
    assert named.count("Agent vote refused") == told.votes.refused
    assert told.votes.ignored is None or named.count("Agent vote ignored") <= told.votes.ignored
    tally = Counter(str(r.attributes["voted_for"]) for r in found if r.attributes.get("massgen_logs.counted"))
    assert tally == +Counter(told.tally)

    rounds = [r for r in found if r.span_name.startswith("agent.") and "massgen_logs.execution" in r.attributes]
    rounds += [r for r in found if r.span_name.endswith(".presentation") and "massgen.is_winner" in r.attributes]
    took = sorted(
        (str(r.attributes["massgen.agent_id"]), r.start - session.start, (r.end or 0) - r.start) for r in rounds
    )
    for one, other in zip(took, sorted((e.agent, e.start_s, e.wall_s) for e in times.executions), strict=True):
        assert one == (other[0], pytest.approx(other[1], abs=0.01), pytest.approx(other[2], abs=0.01))

    assert (session.attributes.get("massgen_logs.input_tokens"), session.attributes.get("massgen_logs.output_tokens")) == (
        spent.total.input_tokens, spent.total.output_tokens,
    )  # fmt: skip
    assert session.attributes.get("massgen_logs.cost_usd") == pytest.approx(told.cost_usd)
    for agent in run.agents:
        own = [r for r in found if r.span_name.startswith("agent.") and r.attributes.get("massgen.agent_id") == agent]
        recorded = [r for r in spent.rounds if r.agent == agent]
        assert total(own, "massgen.usage.input") == sum(r.input_tokens or 0 for r in recorded)
        assert total(own, "massgen.usage.output") == sum(r.output_tokens or 0 for r in recorded)
        priced = {r.where: r.cost_usd for r in recorded}
        for one in own:
            where = one.attributes.get("massgen_logs.usage_source")
            assert where not in priced or one.attributes.get("massgen.usage.cost") == priced[where]
