"""What only massgen.log tells, whose times are whole seconds: never before the run, and causes before effects."""

from __future__ import annotations

import json

from msgspec.structs import replace

from conftest import CORPUS
from massgen_logs.analysis.timeline import timeline
from massgen_logs.run.load import load
from massgen_logs.run.model import Answer, Execution, Told, Vote
from massgen_logs.run.whole_seconds import place, place_votes
from massgen_logs.tools.base import call
from massgen_logs.tools.registry import get
from massgen_logs.tree import resolve


def ignored(t: float, src: str = "massgen.log:9") -> Vote:
    return Vote.of_ignored("zeta", None, None, None, t, src)


def answer(agent: str, t: float) -> Answer:
    return Answer(f"{agent}.1", agent, t, 0, "text", "coordination_events.json#events[1]")


def test_an_ignored_vote_comes_after_the_answer_that_undid_it() -> None:
    """0.1.0: "Vote invalid" at second 107, alpha's answer at 107.9; an own answer, one of the next second or an exact time move nothing."""
    (moved,) = place_votes([ignored(107.0)], [answer("alpha", 107.9), answer("mid", 108.2)], (), 100.5)
    assert moved.t == 107.9
    assert place_votes([ignored(107.0)], [answer("zeta", 107.9)], (), 100.5)[0].t == 107.0
    assert place_votes([ignored(107.25)], [answer("alpha", 107.9)], (), 100.5)[0].t == 107.25
    elsewhere = ignored(107.0, "coordination_events.json#events[7]")
    assert place_votes([elsewhere], [answer("alpha", 107.9)], (), 100.5) == [elsewhere]


def test_nothing_is_before_the_run_or_its_agents_first_start() -> None:
    """Second 100 of a run that began at 100.5 and whose agent began at 100.52."""
    first = Execution("zeta", 0, 100.52, 0, (), "", "coordination_events.json#events[2]")
    assert place_votes([ignored(100.0)], (), (), 100.5)[0].t == 100.5
    assert place_votes([ignored(100.0)], (), [first], 100.5)[0].t == 100.52


def test_an_incident_is_not_before_the_run(copy_of) -> None:
    """s1_clean_0.1.0, its start moved to 0.9 s after the second of the log's first call, in the file of events."""
    root = copy_of("s1_clean_0.1.0")
    run = load(resolve(root))
    first = min(c.t for c in run.calls if c.t is not None)
    file = next(root.rglob("coordination_events.json"))
    data = json.loads(file.read_text())
    data["session_metadata"]["start_time"] = first + 0.9
    file.write_text(json.dumps(data))
    late = load(resolve(root))
    assert min(late.since_start(c.t) or 0.0 for c in late.calls) == 0.0
    found = call(get("find_errors"), {"logs_dir": str(root)}).data["incidents"]
    assert [i["t"] for i in found if i["t"] is not None and i["t"] < 0] == []


def test_a_restart_is_told_after_the_answer_of_the_same_moment() -> None:
    """s1_clean_0.1.45: its author's next start comes some milliseconds after agent2.1, here in the same one."""
    run = load(resolve(CORPUS / "s1_clean_0.1.45" / ".massgen" / "massgen_logs"))
    (own,) = [a for a in run.answers if a.label == "agent2.1"]
    starts = [replace(e, t=own.t) if e.cause == "agent2.1" else e for e in run.executions]
    at_once = timeline(replace(run, executions=starts))
    told = [(e.kind, e.label or e.target) for e in at_once if "agent2.1" in {e.label, e.target}]
    assert told[:2] == [("answer", "agent2.1"), ("restart", "agent2.1")]


def test_a_vote_for_nobody_known_comes_after_the_first_answer() -> None:
    """ "Valid agents: agent1" in second 102: agent1.1 came at 102.6. What else is refused in that second needs none."""
    run = load(resolve(CORPUS / "s1_clean_0.1.0" / ".massgen" / "massgen_logs"))
    told = [Told("mid", reason, 1, "", 102.0, "massgen.log:3") for reason in ("invalid_vote_id", "no_workflow_call")]
    late = replace(
        run, started=100.5, answers=[answer("zeta", 102.6)], votes=[], moments=[], calls=[], refused_told=told
    )
    place(late)
    assert [one.t for one in late.refused_told or ()] == [102.6, 102.0]
