"""A list tells of an attempt what its full Run tells, from a few bytes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ALL_SAMPLES, Sample, sample_id
from massgen_logs.run import summary
from massgen_logs.tree import Place, read_session, session_names

KILLED, TIMED_OUT, FINISHED = "s6_killed_0.1.97", "s5a_orch_timeout_no_answers_0.1.97", "s1_clean_0.1.97"


def places(root: Path) -> list[Place]:
    sessions = [read_session(root / name) for name in session_names(root)]
    return [Place(s, turn, attempt) for s in sessions for turn in s.turns for attempt in turn.attempts]


def as_full(place: Place, monkeypatch: pytest.MonkeyPatch) -> summary.Summary:
    """Told by the full Run, as every attempt was before there was a shorter way."""
    with monkeypatch.context() as only:
        only.setattr(summary, "_summarised", summary._from_run)
        return summary.summarise(place)


@pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
def test_a_list_agrees_with_the_run(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    """In every field, for every attempt."""
    for place in places(sample.root):
        assert summary.summarise(place) == as_full(place, monkeypatch)


@pytest.mark.parametrize("name", [KILLED, TIMED_OUT, "s5b_orch_timeout_one_answer_0.1.97", FINISHED])
def test_no_run_is_loaded_for_the_common_ends(name: str, corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed, timed out with and without an answer, finished."""
    monkeypatch.setattr(summary, "_from_run", lambda _: pytest.fail("loaded in full"))
    for place in places(corpus / name / ".massgen" / "massgen_logs"):
        assert summary.summarise(place).agents


@pytest.mark.parametrize(
    ("name", "change"),
    [
        (FINISHED, lambda attempt: (attempt / "coordination_events.json").unlink()),
        (FINISHED, lambda attempt: (attempt / "status.json").unlink()),
        (FINISHED, lambda attempt: shutil.rmtree(attempt / "final")),
        (KILLED, lambda attempt: (attempt / "events.jsonl").unlink()),
        (KILLED, lambda attempt: (attempt / "execution_metadata.yaml").unlink()),
        (KILLED, lambda attempt: (attempt / "massgen.log").unlink()),
        (TIMED_OUT, lambda attempt: (attempt / "status.json").rename(attempt / "status.json.tmp")),
        ("s5b_orch_timeout_one_answer_0.1.97", lambda attempt: (attempt / "snapshot_mappings.json").unlink()),
        ("s5b_orch_timeout_one_answer_0.1.97", lambda attempt: (attempt / "coordination_events.json").unlink()),
    ],
)  # fmt: skip
def test_also_where_a_file_is_missing(
    name: str, change: Callable[[Path], object], copy_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the rule then falls back to."""
    root = copy_of(name)
    (place,) = places(root)
    change(place.attempt.path)
    assert summary.summarise(place) == as_full(place, monkeypatch)


def test_a_torn_line_that_tells_of_the_end_is_told(copy_of) -> None:
    """The time-out's line cut in half: the row has the state from status.json, and names the file."""
    root = copy_of("s5b_orch_timeout_one_answer_0.1.97")
    (place,) = places(root)
    file = place.attempt.path / "events.jsonl"
    rows = file.read_text().splitlines(keepends=True)
    at = next(n for n, row in enumerate(rows) if '"event_type": "orchestrator_timeout"' in row)
    file.write_text("".join([*rows[:at], rows[at][:120] + "\n", *rows[at + 1 :]]))
    assert summary.summarise(place).unreadable == ("events.jsonl",)
    assert summary.summarise(place).state == "timed_out"


def test_a_torn_end_is_told(copy_of) -> None:
    """Of a killed run: its last line is half written."""
    root = copy_of(KILLED)
    (place,) = places(root)
    file = place.attempt.path / "events.jsonl"
    file.write_bytes(file.read_bytes().rstrip(b"\n")[:-20])
    assert summary.summarise(place).unreadable == ("events.jsonl",)
