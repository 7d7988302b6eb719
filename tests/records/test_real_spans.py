"""Our records of s9 against the spans that MassGen really sent in that run (name, start and seconds of each, taken from the OTLP capture)."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from conftest import CORPUS, DATA
from massgen_logs.records.spans import records
from massgen_logs.run.load import load
from massgen_logs.tree import find_root, resolve

FOLDER = CORPUS / "s9_logfire_0.1.97"


def sent() -> list[tuple[str, float, float]]:
    """(name, start, seconds) of each span and log; pending spans and the orphan session left out."""
    return [tuple(span) for span in json.loads((DATA / "s9_spans.json").read_text())]


def test_the_same_rounds_tools_answers_votes_and_winner() -> None:
    """Known differences: ours has no model spans, and one restart for each real one; MassGen's has an orphan's start twice."""
    run = load(resolve(find_root(str(FOLDER / ".massgen" / "massgen_logs"))))
    ours, theirs = records(run), sent()
    for prefix in (
        "agent.",
        "mcp.",
        "Tool execution:",
        "Agent answer:",
        "Agent vote:",
        "Winner selected:",
        "Final answer",
    ):
        assert Counter(r.span_name for r in ours if r.span_name.startswith(prefix)) == Counter(
            name for name, *_ in theirs if name.startswith(prefix)
        )
    for name in ("coordination.session", "agent.agent_a.round_0", "agent.agent_b.round_0", "agent.agent_a.round_1",
                 "agent.agent_b.round_1"):  # fmt: skip
        own = next(r for r in ours if r.span_name == name)
        start, seconds = next((start, seconds) for other, start, seconds in theirs if other == name)
        assert own.start == pytest.approx(start, abs=0.05)
        assert (own.end or 0) - own.start == pytest.approx(seconds, abs=0.05)
    pairs = zip(
        sorted((r.start, r.end or 0) for r in ours if r.span_name.startswith("mcp.")),
        sorted((start, start + seconds) for name, start, seconds in theirs if name.startswith("mcp.")),
        strict=True,
    )
    for (start, end), (other, after) in pairs:
        assert start == pytest.approx(other, abs=0.05)
        assert end == pytest.approx(after, abs=0.05)


def test_the_same_log_has_the_same_ids() -> None:
    """Also a second time, and none of them twice."""
    place = resolve(find_root(str(FOLDER / ".massgen" / "massgen_logs")))
    first, second = ([r.span_id for r in records(load(place))] for _ in range(2))
    assert first == second
    assert len(set(first)) == len(first)


def test_massgens_presentation_ends_when_its_servers_are_let_go() -> None:
    """Ours with the saved answer (coordination_events.json: 11:12:39.9556), MassGen's with final_presentation_end (events.jsonl line 84: 11:12:40.5130)."""
    run = load(resolve(find_root(str(FOLDER / ".massgen" / "massgen_logs"))))
    ours = next(r for r in records(run) if r.span_name == "agent.agent_a.presentation")
    start, seconds = next((start, seconds) for name, start, seconds in sent() if name == ours.span_name)
    assert ours.start == pytest.approx(start, abs=0.01)
    assert ours.end == pytest.approx(1795345959.9556, abs=0.01)
    assert start + seconds == pytest.approx(1795345960.5130, abs=0.01)
