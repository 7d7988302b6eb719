"""Causes and costs: restarts, rounds, refusals that only text tells, time-outs in a presentation, and places that open."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from msgspec.structs import replace
from test_findings import opened

from conftest import ALL_SAMPLES, Sample, named, run_of, sample_id
from massgen_logs.analysis.costs import costs
from massgen_logs.analysis.overview import overview
from massgen_logs.analysis.phases import phases, slowest, slowest_rounds
from massgen_logs.analysis.reliability import reliability
from massgen_logs.analysis.times import time_breakdown
from massgen_logs.run.load import load
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get
from massgen_logs.tree import resolve


def text(tool: str, sample: Sample, **arguments: Any) -> str:
    return call(get(tool), {**sample.arguments, **arguments}).text()


def test_a_presentation_that_the_limit_cut_is_told_so_everywhere() -> None:
    """s2 0.1.55: 2:1 at 75.7 s, limit at 80 s; s2c as a synthetic tree: overview, times and check say the same."""
    for name, label in (("s2_three_agents_0.1.55", "agent2.1"), ("timeout_in_presentation", "agent1.1")):
        sample = named(name)
        shown = [s for s in time_breakdown(run_of(sample)).executions if s.execution is None]
        assert [(s.outcome, s.result) for s in shown] == [("cut by the limit, stored answer", label)]
        answer = text("run_overview", sample)
        assert "chosen at the time-out" not in answer
        assert "no presentation was made" not in answer
        assert f"the limit cut its presentation, its stored answer {label} was used again" in answer
        assert f"(stored answer {label})" in answer


def test_rounds_of_an_earlier_attempt_count_nowhere() -> None:
    """s7b attempt 2 makes no post-evaluation: attempt 1's (2.4 s) ends 0.1 s before attempt 2 begins. 7 rounds: two answers, two
    votes, the presentation; the ignored vote's is overwritten."""
    sample = next(s for s in ALL_SAMPLES if sample_id(s) == "s7b_orch_restart_0.1.97-t1a2")
    run = run_of(sample)
    assert {p.phase: p.count for p in phases(run)} == {"initial_answer": 2, "voting": 2, "presentation": 1}
    assert sum(r.usage.input_tokens or 0 for r in run.rounds) == 6095 + 7622 + 2590 + 6095 + 7622


def test_a_round_just_before_the_attempt_is_of_the_one_before(copy_of) -> None:
    """0.1.45 begins attempt 2 0.14 s after attempt 1's post-evaluation of 0.13 s; s7b has 2.4 s of it, here with its start moved."""
    root = copy_of("s7b_orch_restart_0.1.97")
    file = next(root.rglob("attempt_2/metrics_events.json"))
    data = json.loads(file.read_text())
    began = load(resolve(root, attempt=2)).started or 0.0
    (late,) = [r for r in data["round_completions"] if r["round_type"] == "post_evaluation"]
    late |= {"start_time": began - 0.27, "end_time": began - 0.142}
    file.write_text(json.dumps(data))
    run = load(resolve(root, attempt=2))
    assert {p.phase: p.count for p in phases(run)} == {"initial_answer": 2, "voting": 2, "presentation": 1}


def test_restarts_and_what_they_threw_away() -> None:
    """s2d: mid's second answer cut alpha and zeta (refused votes), alpha's second cut mid (its vote superseded) and zeta; the
    tokens are those of metrics_events.json's records with outcome restarted, and of mid's first vote."""
    found = overview(run_of(named("s2d_three_agents_240s_0.1.61"))).restart_costs
    assert [(c.answer, c.by, c.agent, c.ended, c.input_tokens) for c in found] == [
        ("agent2.2", "mid", "alpha", "vote refused", 21423),
        ("agent2.2", "mid", "zeta", "vote refused", 21559),
        ("agent1.2", "alpha", "mid", "vote superseded", 7209),
        ("agent1.2", "alpha", "zeta", "vote refused", 21747),
    ]
    assert 62 <= found[0].seconds <= 63  # from alpha's start at +14.9 s to its next at +76.9 s
    assert all(c.calls == 0 and c.chars for c in found)
    assert overview(run_of(named("s1_clean_0.1.97"))).restart_costs == []


def test_an_overwritten_round_is_what_the_rounds_lack() -> None:
    """s7b attempt 2: agent_a's ignored vote has no record: 6095 + 7622 + 2590 input tokens of its rounds, the rest is told apart."""
    sample = next(s for s in ALL_SAMPLES if sample_id(s) == "s7b_orch_restart_0.1.97-t1a2")
    run = run_of(sample)
    fixed = run.usage["agent_a"].corrected
    assert fixed is not None
    rest = (fixed.input_tokens or 0) - (6095 + 7622 + 2590)
    assert costs(run).not_in_rounds == {"agent_a": rest}
    (cut,) = overview(run).restart_costs
    assert (cut.agent, cut.ended, cut.input_tokens, cut.tokens_from) == (
        "agent_a",
        "vote ignored",
        rest,
        "total less rounds",
    )


def test_tokens_of_a_live_lock_are_not_those_of_one_execution() -> None:
    """s1d 0.1.36: agent1.2 cut one execution of agent_b; 34,716 tokens that no round holds are those of its 9 ignored votes."""
    run = run_of(named("s1d_livelock_0.1.36"))
    assert costs(run).not_in_rounds["agent_b"] == 34716
    (cut,) = overview(run).restart_costs
    assert (cut.agent, cut.ended, cut.input_tokens, cut.output_tokens, cut.tokens_from) == (
        "agent_b", "vote ignored", None, None, None,
    )  # fmt: skip


def test_a_round_that_covers_several_executions_is_of_none() -> None:
    """s2d: the record of alpha's refused votes, moved back to its first start, would be that of two executions."""
    run = run_of(named("s2d_three_agents_240s_0.1.61"))
    (first,) = [e.t for e in run.executions if (e.agent, e.index) == ("alpha", 0)]
    rounds = [
        replace(r, start=first) if (r.agent, r.outcome) == ("alpha", "restarted") else r for r in run.rounds
    ]  # fmt: skip
    (cut,) = [c for c in overview(replace(run, rounds=rounds)).restart_costs if c.agent == "alpha"]
    assert (cut.ended, cut.input_tokens) == ("vote refused", None)


def test_a_restart_after_an_error_is_no_answers() -> None:
    """s3 0.1.12: agent_a ended with "Agent made 2 vote calls" at 3.054 and began anew at 3.055, with agent2.1 of 1.6 s before."""
    run = run_of(named("s3_enforcement_0.1.12"))
    (start,) = [e for e in run.executions if (e.agent, e.index) == ("agent_a", 3)]
    assert (start.cause, start.context) == ("its error", ("agent1.1", "agent2.1"))
    assert "agent_a" not in {cut.agent for cut in overview(run).restart_costs}
    events = call(get("coordination_timeline"), {**named("s3_enforcement_0.1.12").arguments, "limit": 100}).data[
        "events"
    ]
    (told,) = [e for e in events if e["kind"] == "restart" and e["agent"] == "agent_a" and e["target"] == "its error"]
    assert told["detail"] == "sees agent1.1, agent2.1"


def test_an_execution_that_had_ended_was_not_cut() -> None:
    """s2d: three executions were cut; mid's had ended with its vote. s7a: only a vote was taken back."""
    assert "\nrestarts by new answers cut 3 executions short and took back the vote of 1 that had ended: " in text(
        "run_overview", named("s2d_three_agents_240s_0.1.61")
    )
    assert "\nrestarts by new answers took back the vote of 1 that had ended: " in text(
        "run_overview", named("s7a_multiturn_0.1.97")
    )


def test_each_round_and_its_share() -> None:
    """s2d: zeta's two restarted rounds hold 21,559 and 21,747 of its 56,089 input tokens and count for nothing."""
    sample = named("s2d_three_agents_240s_0.1.61")
    own = [r for r in costs(run_of(sample)).rounds if r.agent == "zeta"]
    assert [(r.outcome, r.lost, r.input_tokens) for r in own] == [
        ("answer", False, 5561), ("restarted", True, 21559), ("restarted", True, 21747), ("vote", False, 7222),
    ]  # fmt: skip
    assert own[1].share == pytest.approx(21559 / 56089, abs=1e-4)
    answer = text("cost_and_tokens", sample)
    assert "rounds that count for nothing hold 71938 input tokens" in answer  # 21423 + 21559 + 21747 + 7209
    assert "|mid 2|voting|vote (counts for nothing)|7209|" in answer


def test_refusals_that_only_text_tells() -> None:
    """s3 0.1.12, massgen.log: 79 x "Multiple vote calls", 80 x "needs to use workflow tools", one each of three more. The endpoint
    refused agent_a for two votes and agent_c for none; an agent is named only where its line follows at once."""
    sample = named("s3_enforcement_0.1.12")
    found = reliability(run_of(sample))
    total: dict[str, int] = {}
    for agent in found.agents.values():
        assert agent.recorded is None
        assert agent.recorded_as == "text"
        for reason, n in (agent.incidents or {}).items():
            total[reason] = total.get(reason, 0) + n
    assert total == {
        "multiple_votes": 79, "no_workflow_call": 80, "vote_no_answers": 1, "invalid_vote_id": 1, "vote_and_answer": 1,
    }  # fmt: skip
    assert not found.recorded
    assert found.checkable
    told = {name: set(agent.incidents or {}) for name, agent in found.agents.items()}
    assert told["agent_a"] == {"multiple_votes", "no_workflow_call", "vote_no_answers", "invalid_vote_id"}
    assert (found.agents["agent_a"].incidents or {})["no_workflow_call"] == 1
    assert told["agent_b"] == {"vote_and_answer"}
    assert told["agent_c"] == {"no_workflow_call"}
    # the update that MassGen handed to agent_b in s1 0.1.12 is no refusal, though the same text follows it
    assert all(not agent.incidents for agent in reliability(run_of(named("s1_clean_0.1.12"))).agents.values())


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_the_next_call_of_reliability_works(sample: Sample) -> None:
    """What it suggests finds the refusal in this version's logs; without a record nothing is said to be fine."""
    answer = call(get("read_status_reliability"), sample.arguments)
    for suggestion in answer.next:
        if match := re.fullmatch(r'read_trace\(agent="(.+?)", contains="(.+?)"\)', suggestion):
            found = call(get("read_trace"), {**sample.arguments, "agent": match[1], "contains": match[2]})
            assert found.data["items"], suggestion
    if not answer.data["checkable"]:
        assert "red flags: not checkable" in answer.text()


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_every_red_flag_and_operation_can_be_opened(sample: Sample) -> None:
    """A line, a key or a file that is there; none is a mere description."""
    run = run_of(sample)
    found = overview(run)
    places = [flag.evidence for flag in found.red_flags] + [one.where for one in found.restart_costs]
    places += [one.where for one in (*slowest(run, 6), *slowest_rounds(run, 6))]
    places += [run.winner_src, run.ending.src, *(i.src for i in run.calls[:20])]
    places += [i for call_ in run.calls[:20] for i in call_.places]
    for place in places:
        if place:
            opened(sample, place)


def test_slowest_are_calls_and_rounds_stand_apart() -> None:
    """s1: the fake npm sleeps 0.4 s and is the slowest call; the parallel `ls -R` waited behind it; rounds are in their own list."""
    run = run_of(named("s1_clean_0.1.97"))
    calls = slowest(run, 20)
    assert "npm" in calls[0].what
    assert 0.4 <= calls[0].seconds < 0.5
    assert all("round" not in one.what for one in calls)
    listing = [one for one in calls if one.what.endswith("ls -R")]
    assert max(one.queue_s or 0.0 for one in listing) > 0.3  # FORMATS: 0.456 s elapsed for 0.007 s of its own
    assert {"agent_a round 0 (initial_answer, answer)", "agent_b round 0 (initial_answer, answer)"} <= {
        one.what for one in slowest_rounds(run, 6)
    }


def test_reruns_after_own_changes_count_all_work() -> None:
    """s1: agent_a lists its files, installs, and lists them again."""
    assert "reruns after own changes: 1" in text("duplicated_work", named("s1_clean_0.1.97"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("s2_three_agents_0.1.46", "agent1.1 is zeta's answer, a vote for agent1 is one for alpha"),
        ("s2_three_agents_0.1.55", "agent1.1 is zeta's answer, a vote for agent1 is one for alpha"),
        ("s2_three_agents_0.1.97", None),
    ],
)
def test_two_numberings_of_the_agents_are_told(name: str, words: str | None) -> None:
    """Config order zeta, alpha, mid: labels by it up to 0.1.60, vote ids by sorted names."""
    told = [note.text for note in run_of(named(name)).notes if note.id == "numbering"]
    assert [words in note for note in told] == ([True] if words else [])
