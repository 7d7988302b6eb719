"""Where the time of a run went: wall phases, executions, the critical path, tools.

Sources: the Run's moments, answers, votes, executions and calls (events.jsonl from 0.1.46 on, else coordination_events.json
and metrics_events.json). Seconds; start_s and end_s count from the start of the run. A value that no file records is None.
The model's own answering time is recorded by no version: think time is what is left beside the tools. It holds whatever
MassGen does around a response too (it connects the MCP servers at each start, and takes up to seconds to accept an answer).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from massgen_logs.analysis.phases import Operation, Phase, phases, slowest, slowest_rounds
from massgen_logs.analysis.spent import Frame, Spent, executions, frame_of
from massgen_logs.analysis.wall import WallPhase, critical_path, wall_phases
from massgen_logs.run.model import ANY_AGENT, Call, Run


class ToolSpent(Struct, frozen=True):
    """Calls of one tool that ran. elapsed_s: MassGen's time; own_s: the commands' own time as their results tell it;
    queue_s: elapsed apart from own, over the foreground calls that have both; spent_s, max_s: the sum and the longest of own
    times where known, else elapsed.
    """

    tool: str
    calls: int
    failed: int
    denied: int
    never_ran: int
    elapsed_s: float | None
    own_s: float | None
    queue_s: float | None
    max_s: float | None
    spent_s: float | None


class Checklist(Struct, frozen=True):
    """An execution with checklist calls: evaluation_s from its start to the end of the last one, implementation_s the rest."""

    agent: str
    execution: int | None
    evaluation_s: float
    implementation_s: float
    where: str


class Times(Struct):
    """The times of a run. total_s is a floor where `floor`; None where no file tells when the run began or ended."""

    total_s: float | None
    total_src: str
    floor: bool
    wall_phases: list[WallPhase] = field(default_factory=list[WallPhase])
    rounds: list[Phase] = field(default_factory=list[Phase])
    executions: list[Spent] = field(default_factory=list[Spent])
    critical_path: list[Spent] = field(default_factory=list[Spent])
    slowest: list[Operation] = field(default_factory=list[Operation])
    slowest_rounds: list[Operation] = field(default_factory=list[Operation])
    tools: list[ToolSpent] = field(default_factory=list[ToolSpent])
    checklists: list[Checklist] = field(default_factory=list[Checklist])
    not_measurable: list[str] = field(default_factory=list[str])


def time_breakdown(run: Run) -> Times:
    """All times that the files of a run tell."""
    frame = frame_of(run)
    floor = run.duration_s is None
    found = Times(
        None if frame is None else round(frame.end - frame.start, 3),
        run.duration_src or "last record of any file",
        floor,
    )
    found.rounds = phases(run)
    found.slowest = slowest(run, 6)
    found.slowest_rounds = slowest_rounds(run, 6)
    found.tools = _tools(run)
    if frame is not None:
        found.executions = executions(run, frame)
        found.wall_phases = wall_phases(run, frame)
        found.critical_path = critical_path(run, found.executions)
        found.checklists = _checklists(run, frame, found.executions)
    found.not_measurable = _unknown(run, found)
    return found


def _tools(run: Run) -> list[ToolSpent]:
    groups: dict[str, list[Call]] = {}
    for call in run.calls:
        groups.setdefault(call.tool, []).append(call)

    def total(values: Iterable[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return round(sum(known), 3) if known else None

    found: list[ToolSpent] = []
    for tool, calls in groups.items():
        ran = [c for c in calls if c.ran]
        both = [max(0.0, c.elapsed_s - c.exec_s) for c in ran
                if c.elapsed_s is not None and c.exec_s is not None and not c.background]  # fmt: skip
        took = [c.exec_s if c.exec_s is not None else c.elapsed_s for c in ran]
        found.append(ToolSpent(
            tool, len(ran), sum(c.outcome == "failed" for c in ran), sum(c.outcome == "denied" for c in calls),
            sum(c.outcome == "not_run" for c in calls), total(c.elapsed_s for c in ran), total(c.exec_s for c in ran), total(both), max((t for t in took if t is not None), default=None), total(took),
        ))  # fmt: skip
    return sorted(found, key=lambda t: -(t.own_s if t.own_s is not None else t.elapsed_s or 0.0))


def _checklists(run: Run, frame: Frame, executions: Sequence[Spent]) -> list[Checklist]:
    found: list[Checklist] = []
    for spent in executions:
        start, end = frame.start + spent.start_s, frame.start + spent.end_s
        calls = [c for c in run.calls if c.agent == spent.agent and c.tool.endswith("submit_checklist") and c.t is not None
                 and start <= c.t <= end and c.ran]  # fmt: skip
        if calls:
            border = min(end, max(c.end or c.t or start for c in calls))
            evaluation = min(round(border - start, 3), spent.wall_s)
            rest = round(spent.wall_s - evaluation, 3)
            found.append(Checklist(spent.agent, spent.execution, evaluation, rest, calls[-1].src))
    return found


def _unknown(run: Run, found: Times) -> list[str]:
    """A sentence for each thing that the files of this run don't tell."""
    said: list[str] = []
    if found.total_s is None:
        said.append("no file tells when the run began: nothing can be placed in time")
    elif found.floor:
        said.append("no end is recorded: the total is the time to the last record of any file, a floor")
    if not run.executions:
        said.append("no file records when agents started: no time per agent")
    if not run.calls_recorded:
        said.append("no file of this attempt holds calls: tool and think time are unknown")
    elif nobody := sum(c.agent == ANY_AGENT for c in run.calls):
        said.append(
            f"{nobody} of {len(run.calls)} calls are recorded without their agent: tool and think time per agent are unknown"
        )
    for agent in dict.fromkeys(c.agent for c in run.calls if c.agent != ANY_AGENT):
        own = [c for c in run.calls if c.agent == agent]
        if bad := sum(c.t is None or (c.end is None and c.outcome != "open") for c in own):
            said.append(
                f"{agent}: {bad} of {len(own)} calls have no recorded times: its tool and think time are unknown"
            )
    if own := [agent.id for agent in run.agents.values() if agent.client_times]:
        said.append(
            f"{', '.join(own)}: only their client's times are recorded (start-up and queueing are in them): none of their calls "
            "is among the slowest, and their tools time is no measure of their commands"
        )
    if opened := sum(c.outcome == "open" for c in run.calls):
        said.append(f"{opened} calls have no recorded end: how long they took is unknown, they count 0 s of tool time")
    ran = [c for c in run.calls if c.ran]
    if run.calls_recorded and (bare := sum(c.exec_s is None for c in ran)):
        said.append(
            f"{bare} of {len(ran)} calls don't tell their own time: queueing can't be told from execution there"
        )
    if found.wall_phases and found.wall_phases[0].name != "start_up":
        sign = (
            "the first recorded sign of an agent is an answer"
            if run.answers
            else "no response or call has a recorded time"
        )
        said.append(f"start-up is not visible: {sign}, so it is part of initial_answer")
    elif found.wall_phases:
        said.append(
            "start_up ends with the first recorded call or refused response: the first model response is part of it"
        )
    if not found.rounds:
        said.append("no round records: the table by round type is empty")
    said.append("the model's own answering time is recorded by no version: think is what is left beside tools, MassGen's "
                "connecting of servers and taking of answers included")  # fmt: skip
    return said
