"""Where the time went: laws that hold in every run, and values read by hand from the files of some."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import datetime
from itertools import pairwise

import pytest
from msgspec.structs import replace

from conftest import ALL_SAMPLES, CORPUS, CORPUS_SAMPLES, Sample, run_of, sample_id
from massgen_logs.analysis.spent import Spent, union
from massgen_logs.analysis.times import Times, time_breakdown
from massgen_logs.readers.metrics_events import MetricsEvents, ToolExecution
from massgen_logs.run.facts import times_from_metrics
from massgen_logs.run.load import load
from massgen_logs.run.model import Call
from massgen_logs.tools.base import call
from massgen_logs.tools.time_breakdown import TOOL
from massgen_logs.tree import resolve


def times_of(name: str, attempt: int | None = None) -> Times:
    return time_breakdown(load(resolve(CORPUS / name / ".massgen" / "massgen_logs", attempt=attempt)))


def execution(times: Times, agent: str, index: int | None) -> Spent:
    return next(s for s in times.executions if (s.agent, s.execution) == (agent, index))


every_sample = pytest.mark.parametrize("sample", ALL_SAMPLES, ids=sample_id)
TIMED = [s for s in CORPUS_SAMPLES if s.truth["duration_s"] is not None]
WITH_EVENTS = [
    s for s in CORPUS_SAMPLES if any(s.root.rglob("events.jsonl")) and len([*s.root.rglob("attempt_*")]) == 1
]


def test_samples_are_many() -> None:
    """The tables below would pass on nothing."""
    assert len(TIMED) >= 30
    assert len(WITH_EVENTS) >= 20


@pytest.mark.parametrize("sample", TIMED, ids=sample_id)
def test_phases_are_the_whole_run(sample: Sample) -> None:
    """They follow each other from 0 to the end, and sum to the duration in truth.json within 1% (its rounding: 0.06 s)."""
    times = time_breakdown(run_of(sample))
    phases = times.wall_phases
    assert [p.start_s for p in phases] == [0.0, *(p.end_s for p in phases[:-1])]
    assert sum(p.seconds for p in phases) == pytest.approx(times.total_s, rel=0.001)
    assert sum(p.seconds for p in phases) == pytest.approx(sample.truth["duration_s"], rel=0.01, abs=0.06)
    assert sum(p.share or 0.0 for p in phases) == pytest.approx(1.0, abs=0.001)
    assert len({p.name for p in phases}) == len(phases)


@every_sample
def test_no_second_of_an_agent_counts_twice(sample: Sample) -> None:
    """think + tools + other = wall; executions and waits of an agent follow each other up to the end of coordination."""
    times = time_breakdown(run_of(sample))
    own: dict[str, list[Spent]] = defaultdict(list)
    for spent in times.executions:
        assert spent.wall_s == pytest.approx(spent.end_s - spent.start_s, abs=0.0021)
        assert min(spent.wall_s, spent.other_s or 0.0, spent.waited_s) >= 0
        if spent.tools_s is not None and spent.other_s is not None:
            assert spent.think_s is not None
            assert spent.background_wait_s is not None
            assert spent.denied_s is not None
            assert min(spent.tools_s, spent.think_s) >= 0
            assert spent.tools_s + spent.think_s + spent.other_s == pytest.approx(spent.wall_s, abs=1e-6)
            assert spent.background_wait_s + spent.denied_s <= spent.tools_s + 0.002
        if spent.execution is not None:
            own[spent.agent].append(spent)
    for rows in own.values():
        for before, after in pairwise(rows):
            assert before.end_s + before.waited_s == pytest.approx(after.start_s, abs=0.003)
    ends = {round(rows[-1].end_s + rows[-1].waited_s, 1) for rows in own.values()}
    assert len(ends) <= 1 or max(ends) - min(ends) <= 0.11


@pytest.mark.parametrize("sample", WITH_EVENTS, ids=sample_id)
def test_time_in_tools_is_what_events_jsonl_shows(sample: Sample) -> None:
    """Seconds in which at least one call of the agent was open, by counting starts and completions in the file itself.

    codex writes a start and a completion both when an edit begins and when it ends (FORMATS.md 12.4): of four, the outer two count.
    """
    marks: dict[str, list[tuple[float, int]]] = defaultdict(list)
    edits: dict[str, int] = defaultdict(int)
    for line in next(sample.root.rglob("events.jsonl")).read_text().splitlines():
        event = json.loads(line)
        step = {"tool_start": 1, "tool_complete": -1}.get(event["event_type"])
        if step and event["data"]["tool_name"] == "codex_file_edit":
            edits[event["agent_id"]] += 1
            step *= edits[event["agent_id"]] % 4 in {0, 1}
        if step:
            marks[event["agent_id"]].append((datetime.fromisoformat(event["timestamp"]).timestamp(), step))
    times = time_breakdown(run_of(sample))
    for agent, steps in marks.items():
        covered, open_, since = 0.0, 0, 0.0
        for t, step in steps:
            if open_ == 0:
                since = t
            open_ += step
            if open_ == 0:
                covered += t - since
        found = [s for s in times.executions if s.agent == agent]
        assert open_ == 0
        assert sum(s.tools_s or 0.0 for s in found) == pytest.approx(covered, abs=0.001 * len(found) + 0.001)


@every_sample
def test_an_answer_says_what_it_cannot_know(sample: Sample) -> None:
    """On every tree, broken ones too."""
    answer = call(TOOL, dict(sample.arguments))
    assert answer.data["not_measurable"]
    assert answer.page is not None
    assert answer.page.total == len(time_breakdown(run_of(sample)).executions)


def test_union_counts_overlaps_once() -> None:
    """Overlapping, nested, separate, empty."""
    assert union([(1.0, 3.0), (0.0, 2.0), (5.0, 6.0), (5.2, 5.4), (7.0, 7.0)]) == 4.0
    assert union([]) == 0.0


def test_parallel_calls_do_not_add_up() -> None:
    """s1_clean_0.1.97, events.jsonl lines 13-34: npm install (10.629844-11.080290) and ls -R (10.632303-11.096024) ran
    side by side, 0.466 s together. With 0.033547 + 0.439466 + 0.052838 + 0.126693 of the other four: 1.119 s, not 1.567."""
    times = times_of("s1_clean_0.1.97")
    first = execution(times, "agent_a", 0)
    assert first.tools_s == pytest.approx(1.1187, abs=0.002)
    assert first.calls == 6
    assert first.first_tool_s == pytest.approx(8.172, abs=0.002)  # 10:48:01.214095 to 10:48:09.386200
    assert first.wall_s == pytest.approx(12.154, abs=0.012)  # answer: coordination_events .3685, events.jsonl .3712
    assert (first.outcome, first.result, first.other_s) == ("answer", "agent1.1", 0.0)
    assert execution(times, "agent_b", 0).tools_s == pytest.approx(0.8916, abs=0.002)
    assert execution(times, "agent_a", 1).tools_s == pytest.approx(0.6104, abs=0.002)
    assert execution(times, "agent_b", 1).tools_s == pytest.approx(0.4711, abs=0.002)


def test_phases_of_a_clean_run() -> None:
    """s1_clean_0.1.97 from coordination_events.json: start 481.204, first call 489.386, agent_b's answer 493.275, agent_a's
    493.368, votes 503.288 and 504.039, final_round_start 504.242, end 509.355."""
    phases = times_of("s1_clean_0.1.97").wall_phases
    assert [p.name for p in phases] == ["start_up", "initial_answer", "voting", "presentation"]
    assert [p.end_s for p in phases] == pytest.approx([8.182, 12.164, 23.038, 28.151], abs=0.012)
    assert [p.held_by for p in phases] == [["agent_a"]] * 4
    assert [p.alone_s for p in phases] == [None, pytest.approx(0.093, abs=0.012), pytest.approx(0.751, abs=0.012), None]
    assert phases[1].ended_with == "answer agent1.1"
    assert phases[2].ended_with == "vote for agent_a"
    assert (phases[2].last_call or "").endswith("npm test")


def test_own_time_apart_from_queueing() -> None:
    """s1_clean_0.1.97: the twelve execution_time sum to 2.587 s, the twelve elapsed_seconds to 3.268 s."""
    (tool,) = times_of("s1_clean_0.1.97").tools
    assert (tool.calls, tool.failed, tool.denied) == (12, 1, 0)
    assert tool.own_s == pytest.approx(2.587, abs=0.001)
    assert tool.elapsed_s == pytest.approx(3.268, abs=0.001)
    assert tool.queue_s == pytest.approx(0.681, abs=0.001)
    assert tool.max_s == pytest.approx(0.416, abs=0.001)


def test_waiting_behind_a_background_command() -> None:
    """s13b: `sleep 2` in the background from 20.909881 for 2.017416 s; the next command was asked for at 21.049054, ended
    at 23.162481 and took 0.115990 s itself: it queued 1.878 s behind the job."""
    times = times_of("s13b_large_agent_dead_0.1.97")
    assert execution(times, "agent_c", 0).background_wait_s == pytest.approx(1.878, abs=0.002)
    assert [s.background_wait_s for s in times.executions if (s.agent, s.execution) != ("agent_c", 0)] == [0.0] * 9
    tools = {t.tool: t for t in times.tools}
    job = tools["custom_tool__start_background_tool"]
    assert (job.calls, job.queue_s) == (1, None)
    assert job.own_s == pytest.approx(2.017, abs=0.001)
    assert tools["mcp__command_line__execute_command"].denied == 1  # rm -rf, refused by the command server
    assert (execution(times, "agent_c", 0).denied_s or 0) > 0


def test_a_sleep_is_tool_time() -> None:
    """s13b: `sleep 6` of agent_c from 01.933393 to 07.984788, so its first execution has more than 6.051 s in tools."""
    run = load(resolve(CORPUS / "s13b_large_agent_dead_0.1.97" / ".massgen" / "massgen_logs"))
    only = replace(run, calls=[c for c in run.calls if c.command == "sleep 6; echo slept"])
    spent = execution(time_breakdown(only), "agent_c", 0)
    assert spent.tools_s == pytest.approx(6.051, abs=0.002)
    assert spent.first_tool_s == pytest.approx(9.729, abs=0.003)  # 19:24:52.204756 to 19:25:01.933393


def test_who_held_up_a_run_in_which_an_agent_died() -> None:
    """s13b: answers of a, b, c at 19.717, 36.118, 43.303; agent_a died at 35.813; the last vote is agent_c's."""
    times = times_of("s13b_large_agent_dead_0.1.97")
    phases = {p.name: p for p in times.wall_phases}
    assert phases["initial_answer"].end_s == pytest.approx(43.303, abs=0.012)
    assert phases["initial_answer"].held_by == ["agent_c"]
    assert phases["initial_answer"].alone_s == pytest.approx(7.185, abs=0.012)
    assert phases["voting"].end_s == pytest.approx(63.896, abs=0.003)
    dead = execution(times, "agent_a", 1)
    assert (dead.outcome, dead.result) == ("died", "Invalid agent_id after 3 attempts")
    assert dead.end_s == pytest.approx(35.813, abs=0.003)
    assert [(s.agent, s.execution) for s in times.critical_path] == [("agent_c", 0), ("agent_c", 1), ("agent_c", 2)]


def test_refused_votes_hold_up_a_run() -> None:
    """s2d (seconds from its first event): zeta's votes were refused until 79.2 and again until 124.4; it voted at 138.4,
    24 s after the others."""
    times = times_of("s2d_three_agents_240s_0.1.61")
    assert [p.name for p in times.wall_phases] == ["start_up", "initial_answer", "voting", "presentation"]
    assert [p.end_s for p in times.wall_phases] == pytest.approx([12.436, 16.863, 138.473, 151.503], abs=0.01)
    voting = times.wall_phases[2]
    assert (voting.held_by, voting.ended_with) == (["zeta"], "vote for mid")
    assert voting.alone_s == pytest.approx(23.98, abs=0.02)
    assert [(s.agent, s.execution) for s in times.critical_path] == [("zeta", 0), ("zeta", 1), ("zeta", 2), ("zeta", 3)]
    refused = execution(times, "alpha", 1)  # 14.847 to its next start at 76.917; third refusal at 76.711
    assert refused.outcome == "vote refused"
    assert (refused.wall_s, refused.other_s, refused.tools_s) == (
        pytest.approx(62.07, abs=0.01),
        pytest.approx(0.206, abs=0.005),
        0.0,
    )
    writing = execution(times, "alpha", 2)  # two writes side by side: 94.519-94.556 and 94.527-94.559
    assert writing.tools_s == pytest.approx(0.040, abs=0.002)
    assert writing.first_tool_s == pytest.approx(17.602, abs=0.002)
    assert execution(times, "mid", 2).waited_s == pytest.approx(38.80, abs=0.02)  # voted at 59.082, new start at 97.885


def test_evaluation_and_implementation() -> None:
    """s8f: agent_a's second execution began 13.832804, its checklist ended 29.472265, it voted 31.807558; agent_b's
    14.339842, 28.645503, 31.454384. No other run of the corpus has a checklist."""
    rows = times_of("s8f_checklist_valid_0.1.97").checklists
    assert [(c.agent, c.execution) for c in rows] == [("agent_a", 1), ("agent_b", 1)]
    assert [c.evaluation_s for c in rows] == pytest.approx([15.639, 14.306], abs=0.003)
    assert [c.implementation_s for c in rows] == pytest.approx([2.335, 2.809], abs=0.012)
    assert [s.name for s in CORPUS_SAMPLES if time_breakdown(run_of(s)).checklists] == ["s8f_checklist_valid_0.1.97"]


def test_a_run_that_timed_out_waiting_for_one_agent() -> None:
    """s5b: agent_a answered after 0.55 s, agent_b gave nothing in 25 s: not a second of that is called thinking."""
    times = times_of("s5b_orch_timeout_one_answer_0.1.97")
    first = times.wall_phases[0]
    assert (first.name, first.held_by) == ("initial_answer", ["agent_b"])
    assert first.end_s == pytest.approx(25.0, abs=0.01)
    assert first.alone_s == pytest.approx(24.45, abs=0.02)
    silent = execution(times, "agent_b", 0)
    assert (silent.outcome, silent.think_s) == ("timed out", 0.0)
    assert silent.other_s == silent.wall_s == pytest.approx(24.78, abs=0.02)


def test_post_evaluation() -> None:
    """s7b attempt 1: metrics_events.json has a post_evaluation round of agent_a after the presentation."""
    root = CORPUS / "s7b_orch_restart_0.1.97" / ".massgen" / "massgen_logs"
    records = json.loads(next(root.rglob("attempt_1/metrics_events.json")).read_text())["round_completions"]
    (record,) = [r for r in records if r["round_type"] == "post_evaluation"]
    names = {p.name: p for p in times_of("s7b_orch_restart_0.1.97", 1).wall_phases}
    assert names["post_evaluation"].seconds == pytest.approx(record["end_time"] - record["start_time"], abs=0.15)
    assert "post_evaluation" not in {p.name for p in times_of("s7b_orch_restart_0.1.97", 2).wall_phases}


@pytest.mark.parametrize("name", ["s1_clean_0.1.0", "s1_clean_0.1.12"])
def test_calls_without_an_agent_give_no_tool_time(name: str) -> None:
    """Unknown, not zero; own times are still there, queueing isn't."""
    times = times_of(name)
    assert {(s.tools_s, s.think_s, s.first_tool_s, s.calls) for s in times.executions} == {(None, None, None, None)}
    assert any(said.startswith("12 of 12 calls are recorded without their agent") for said in times.not_measurable)
    (tool,) = times.tools
    assert tool.own_s is not None
    assert (tool.elapsed_s, tool.queue_s) == (None, None)


def test_a_killed_run_is_a_floor() -> None:
    """s6: no end is recorded; the agent that had not voted is the one waited for."""
    times = times_of("s6_killed_0.1.97")
    assert times.floor is True
    assert times.wall_phases[-1].held_by == ["agent_a"]
    assert {(s.agent, s.outcome) for s in times.executions if s.execution == 1} == {
        ("agent_a", "open"),
        ("agent_b", "vote"),
    }
    assert any("a floor" in said for said in times.not_measurable)


def test_nothing_recorded_raises_nothing() -> None:
    """Calls without times, a run without a start."""
    run = load(resolve(CORPUS / "s1_clean_0.1.97" / ".massgen" / "massgen_logs"))
    times = time_breakdown(replace(run, calls=[replace(run.calls[0], t=None), *run.calls[1:]]))
    assert {s.tools_s for s in times.executions if s.agent == "agent_a"} == {None}
    assert "agent_a: 1 of 9 calls have no recorded times: its tool and think time are unknown" in times.not_measurable
    assert execution(times, "agent_b", 0).tools_s == pytest.approx(0.8916, abs=0.002)
    lost = time_breakdown(replace(run, started=None))
    assert (lost.total_s, lost.wall_phases, lost.executions, lost.critical_path) == (None, [], [], [])
    assert lost.tools == time_breakdown(run).tools


def test_only_the_queueing_before_a_command_is_waiting() -> None:
    """A job of 2 s from second 1; a command asked for at 2 ends at 5 after 2.5 s of its own: it queued from 2 to 2.5.
    A call that waits for a background tool is waiting all the way; a call of an open end counts no time at all."""
    run = load(resolve(CORPUS / "s5a_orch_timeout_no_answers_0.1.97" / ".massgen" / "massgen_logs"))
    zero = run.started
    assert zero is not None

    def made(tool: str, start: float, end: float | None, own: float | None = None, *, background: bool = False) -> Call:
        outcome = "open" if end is None else "ok"
        stop = None if end is None else zero + end
        return Call(
            "agent_a", tool, None, {}, "x", zero + start, stop, exec_s=own, outcome=outcome, background=background
        )

    job = made("custom_tool__start_background_tool", 1.0, 1.1, 2.0, background=True)
    calls = [job, made("mcp__command_line__execute_command", 2.0, 5.0, 2.5)]
    first = execution(time_breakdown(replace(run, calls=calls)), "agent_a", 0)
    assert first.background_wait_s == pytest.approx(0.5, abs=0.001)
    assert first.tools_s == pytest.approx(3.1, abs=0.001)
    calls = [job, made("custom_tool__wait_for_background_tool", 2.0, 4.0), made("x", 6.0, None)]
    times = time_breakdown(replace(run, calls=calls))
    first = execution(times, "agent_a", 0)
    assert first.background_wait_s == pytest.approx(2.0, abs=0.001)
    assert first.tools_s == pytest.approx(2.1, abs=0.001)
    assert first.other_s == pytest.approx(9.0, abs=0.02)  # from the open call at 6 to the time-out at 15
    assert any(said.startswith("1 calls have no recorded end") for said in times.not_measurable)


def test_a_presentation_ends_with_its_answer() -> None:
    """s1_clean_0.1.12: final_round_start 20.07, final_answer 23.43, session end 24.11 s after the start; its phase ends the run."""
    times = times_of("s1_clean_0.1.12")
    presentation = execution(times, "agent_a", None)
    assert (presentation.start_s, presentation.end_s) == pytest.approx((20.07, 23.43), abs=0.01)
    assert times.wall_phases[-1].end_s == pytest.approx(24.11, abs=0.01)


def test_what_came_after_an_output_of_unknown_time_is_unknown() -> None:
    """s5b's agent_b with a call whose time no file has: not the whole 24.78 s are without output. So is a presentation without end."""
    run = load(resolve(CORPUS / "s5b_orch_timeout_one_answer_0.1.97" / ".massgen" / "massgen_logs"))
    called = replace(run, calls=[Call("agent_b", "x", None, {}, "agent_outputs/agent_b.txt:1:1", outcome="ok")])
    silent = execution(time_breakdown(called), "agent_b", 0)
    assert (silent.tools_s, silent.think_s, silent.other_s) == (None, None, None)
    clean = load(resolve(CORPUS / "s1_clean_0.1.97" / ".massgen" / "massgen_logs"))
    cut = replace(clean, moments=[m for m in clean.moments if m.kind != "final_answer"])
    presented = execution(time_breakdown(cut), "agent_a", None)
    assert (presented.tools_s, presented.think_s, presented.other_s) == (0.0, None, None)


def test_no_answer_is_named_as_a_sign_where_there_is_none() -> None:
    """s5a: nobody answered; without its calls and refused responses nothing of an agent has a time."""
    run = load(resolve(CORPUS / "s5a_orch_timeout_no_answers_0.1.97" / ".massgen" / "massgen_logs"))
    said = time_breakdown(replace(run, calls=[], enforcement=None)).not_measurable
    assert "start-up is not visible: no response or call has a recorded time, so it is part of initial_answer" in said


def test_times_of_calls_whose_number_differs() -> None:
    """Lost in the display or without an end: those with a result are matched by the size of their outputs, in order; of an earlier
    attempt are what ended before this one began; sizes that differ prove nothing."""

    def calls() -> list[Call]:
        done = [
            Call("a", "x", None, {}, f"agent_outputs/a.txt:{n}:1", outcome="ok", result_chars=n) for n in (178, 180)
        ]
        return [*done, Call("a", "x", None, {}, "agent_outputs/a.txt:9:1")]

    def executed(start: float, chars: int) -> ToolExecution:
        return ToolExecution("x", "a", None, start, start + 1, None, chars)

    earlier, failed = executed(5.0, 178), executed(26.0, 0)
    own = calls()
    times_from_metrics(own, MetricsEvents([earlier, executed(20.0, 178), executed(23.0, 180), failed, failed]), 10.0)
    assert [(c.t, c.end, c.elapsed_s) for c in own] == [(20.0, 21.0, 1.0), (23.0, 24.0, 1.0), (None, None, None)]
    own = calls()
    times_from_metrics(own, MetricsEvents([executed(20.0, 178), executed(23.0, 181)]), 10.0)
    assert [c.t for c in own] == [None, None, None]


def test_times_of_calls_without_an_agent() -> None:
    """0.1.24: massgen.log has the calls in whole seconds, metrics_events.json their times as of agent "unknown"."""

    def calls() -> list[Call]:
        return [Call("*", "x", None, {}, "massgen.log:7", 20.0, 20.0, outcome="ok", result_chars=n) for n in (178, 180)]

    executed = [ToolExecution("x", "unknown", None, 20.3 + n, 20.5 + n, None, 178 + 2 * n) for n in (0, 1)]
    own = calls()
    times_from_metrics(own, MetricsEvents(executed), 10.0)
    assert [(c.t, c.end, c.elapsed_s) for c in own] == [
        (20.3, 20.5, pytest.approx(0.2)),
        (21.3, 21.5, pytest.approx(0.2)),
    ]
    swapped = calls()[::-1]
    times_from_metrics(swapped, MetricsEvents(executed), 10.0)
    assert [c.t for c in swapped] == [20.0, 20.0]
