"""For every sample run: what the command line says is what truth.json says happened.

The corpus was made by real MassGen runs against a scripted endpoint; its truth.json was written by hand from the
endpoint's request log. The synthetic trees cover what the corpus does not hold (tests/synthetic.py).
"""

from __future__ import annotations

import re
from collections import Counter

import pytest

from conftest import ALL_SAMPLES, Sample, sample_id

_SECRET = re.compile(r"([A-Za-z_]*(?:KEY|TOKEN|SECRET|PASSWORD)[A-Za-z_]*=)[^\s;]+;?", re.I)

every_sample = pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)


def without_secrets(command: str) -> str:
    """Masked, redacted by MassGen and in clear, a command compares equal."""
    return _SECRET.sub(r"\1*", command)


def flat(text: str | None) -> str:
    return " ".join((text or "").split())


@every_sample
def test_outcome(sample: Sample, ask) -> None:
    """State, version, winner, agents, answers, votes, restarts, duration and final answer."""
    truth = sample.truth
    answer = ask("run_overview", *sample.place)
    scope, data = answer["scope"], answer["data"]
    assert scope["state"] == truth["state"]
    assert scope["massgen_version"] == truth["massgen_version"]
    assert data["winner"] == truth["winner"]
    assert sorted(data["agents"]) == sorted(truth["agents"])
    assert data["answers"] == len(truth["answers"])
    assert data["votes"]["accepted"] == truth["votes_accepted"]
    assert data["votes"]["ignored"] == truth["votes_ignored"]
    assert data["votes"]["counted"] == len(truth["final_votes"])
    if truth.get("restarts") is not None:
        assert {a: n or 0 for a, n in data["restarts"].items()} == {
            **dict.fromkeys(data["agents"], 0),
            **truth["restarts"],
        }
    if truth["duration_s"] is not None:
        assert data["duration_s"] == pytest.approx(truth["duration_s"], abs=0.6, rel=0.02)
    elif truth["state"] in {"unfinished", "failed"}:
        assert data["duration_s"] is None
    if truth["final_answer"]:
        assert flat(data["final_answer"]["preview"])[:25] == flat(truth["final_answer"])[:25]
    else:
        assert data["final_answer"] is None


@every_sample
def test_list_says_the_same_as_the_overview(sample: Sample, ask) -> None:
    """The list reads fewer files and must not tell another story."""
    rows = {row["session"]: row for row in ask("list_logs", "--logs-dir", str(sample.root), key="logs")["data"]["logs"]}
    row = rows[sample.truth["session"]]
    states = {(t["turn"], a["attempt"]): a["state"] for t in row["turns"] for a in t["attempts"]}
    assert states[sample.truth["turn"], sample.truth["attempt"]] == sample.truth["state"]
    last = max(states)
    if (sample.truth["turn"], sample.truth["attempt"]) == last:
        overview = ask("run_overview", *sample.place)
        assert row["winner"] == sample.truth["winner"]
        assert row["massgen_version"] == sample.truth["massgen_version"]
        for field in ("question", "duration_s", "cost_usd"):
            assert row[field] == overview["data"][field], field
        assert sorted(row["agents"]) == sorted(sample.truth["agents"])


@every_sample
def test_commands(sample: Sample, ask) -> None:
    """Each command once per run, with its agent; failed by exit code, denied apart."""
    truth = sample.truth
    if truth["commands"] is None:
        pytest.skip("the truth of this run's commands can't be known")
    data = ask("repeated_commands", *sample.place, "--min-count", "1", key="commands")["data"]
    got = Counter(
        {(a, without_secrets(c["command"])): n for c in data["commands"] for a, n in c["by_agent"].items() if n}
    )
    want = Counter({(a, without_secrets(c)): n for a, own in truth["commands"].items() for c, n in own.items() if n})
    assert got == want
    assert {without_secrets(c["command"]): c["failed"] for c in data["commands"] if c["failed"]} == {
        without_secrets(c): n for c, n in truth["failed_commands"].items() if n
    }
    assert data["total_ran"] == sum(want.values())
    assert data["total_failed"] == sum(truth["failed_commands"].values())
    assert data["total_denied"] == truth["denied_tool_calls"]


@every_sample
def test_votes(sample: Sample, ask) -> None:
    """The counted votes with their full reasons; the tally follows from them."""
    truth = sample.truth
    data = ask("vote_reasons", *sample.place, key="votes")["data"]
    assert data["final"] == truth["final_votes"]
    assert data["tally"] == dict(Counter(truth["final_votes"].values()))
    said = {vote["voter"]: vote["reason"] for vote in data["votes"] if vote["counted"]}
    assert said == truth["vote_reasons"]
    assert sum(vote["accepted"] for vote in data["votes"]) == truth["votes_accepted"]
    if truth["votes_ignored"] is not None:
        assert sum(vote["ignored"] for vote in data["votes"]) == truth["votes_ignored"]


@every_sample
def test_enforcement(sample: Sample, ask) -> None:
    """Recorded events by reason and the characters lost; not recorded is not zero."""
    truth = sample.truth
    data = ask("read_status_reliability", *sample.place)["data"]
    assert data["recorded"] == (truth["enforcement"] is not None)
    if truth["enforcement"] is None:
        assert all(agent["recorded"] is None for agent in data["agents"].values())
        return
    assert {a: v["recorded"] for a, v in data["agents"].items() if v["recorded"]} == truth["enforcement"]
    assert {a: v["buffer_chars_lost"] for a, v in data["agents"].items() if v["buffer_chars_lost"]} == truth[
        "buffer_chars_lost"
    ]


@every_sample
def test_tokens_and_cost(sample: Sample, ask) -> None:
    """Recorded tokens and cost; an unpriced backend has no cost."""
    truth = sample.truth
    data = ask("cost_and_tokens", *sample.place)["data"]
    if truth["tokens"] is None:
        assert data["recorded"] is False
        return
    for agent, tokens in truth["tokens"].items():
        got = data["agents"][agent]
        assert [got["input_tokens"], got["output_tokens"]] in ([tokens["input"], tokens["output"]], [None, None])
        cost = truth["cost_usd"][agent]
        if cost == 0 and tokens["input"]:
            assert got["cost_usd"] is None
        elif cost is not None:
            assert got["cost_usd"] == pytest.approx(cost, abs=1e-6)
    assert data["cumulative"] == bool(truth.get("cumulative"))


@every_sample
def test_timeline(sample: Sample, ask) -> None:
    """Answers in order, every accepted vote, and a cause at every restart."""
    truth = sample.truth
    events = ask("coordination_timeline", *sample.place, key="events")["data"]["events"]
    assert [e["label"] for e in events if e["kind"] == "answer"] == [a["label"] for a in truth["answers"]]
    assert [e["agent"] for e in events if e["kind"] == "answer"] == [a["agent"] for a in truth["answers"]]
    assert sum(e["kind"] == "vote" for e in events) == truth["votes_accepted"]
    labels = {a["label"] for a in truth["answers"]}
    for event in events:
        if event["kind"] == "restart" and event["agent"]:
            assert event["target"] in labels | {"no new answer", "its error"}
    times = [e["t"] for e in events if e["t"] is not None]
    assert times == sorted(times)
