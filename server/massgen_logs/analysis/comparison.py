"""compare_runs: runs, turns or attempts side by side, with what of them can't be compared, and why.

Nothing here says which run is better. A figure is compared only where both are known, complete and of this run alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from msgspec import Struct

from massgen_logs.analysis.commands import repeated_commands
from massgen_logs.analysis.costs import Costs, costs
from massgen_logs.analysis.overview import Overview, overview
from massgen_logs.analysis.reliability import reliability
from massgen_logs.analysis.settings import MOST_SETTINGS, Setting, differences
from massgen_logs.run.model import Run


class Entry(Struct, frozen=True):
    """One run to compare. settings: its config as dotted keys (see analysis.settings.flatten), None where no file records one."""

    run: Run
    settings: dict[str, object] | None


class AgentCell(Struct, frozen=True):
    """One agent: answers it had accepted, MassGen's times_restarted, and its executions after the first."""

    id: str
    backend: str | None
    model: str | None
    answers: int
    times_restarted: int | None
    executions_restarted: int | None
    error: str | None


class Column(Struct, frozen=True):
    """One run. key: the letter that stands for it in every list; tally: counted votes per agent.

    cumulative_over: what the recorded tokens and cost include besides this run; None: nothing.
    """

    key: str
    session: str
    turn: int
    attempt: int
    attempts: int
    path: str
    version: str | None
    version_range: str | None
    question: str | None
    agents: list[AgentCell]
    state: str
    finish_reason: str
    winner: str | None
    winner_source: str
    tally: dict[str, int]
    duration_source: str
    cumulative_over: str | None
    config_recorded: bool


class Value(Struct, frozen=True):
    """One figure of one run. value None: unknown, never zero; floor: the true one is at least that.

    recorded: MassGen's own figure where `value` is the corrected one. comparable: complete and of this run alone.
    why: why it isn't comparable, or what was corrected.
    """

    value: float | None
    floor: bool = False
    recorded: float | None = None
    comparable: bool = True
    why: str = ""


class Figure(Struct, frozen=True):
    """One row. unit: s, USD, tokens or count. delta: second minus first, ratio: second by first, for two runs only."""

    id: str
    unit: str
    values: dict[str, Value]
    delta: float | None
    ratio: float | None


class FlagRow(Struct, frozen=True):
    """A red flag that some runs have and others have not: how often each has it."""

    id: str
    counts: dict[str, int]


class Limit(Struct, frozen=True):
    """What can't be compared, of which runs, and why."""

    what: list[str]
    runs: list[str]
    why: str


class Comparison(Struct, frozen=True):
    """same_question: None where a run records none; config_of: the runs whose configs were compared."""

    runs: list[Column]
    same_question: bool | None
    figures: list[Figure]
    red_flags: list[FlagRow]
    shared_red_flags: list[str]
    config: list[Setting]
    config_of: list[str]
    limits: list[Limit]


def compare(entries: Sequence[Entry]) -> Comparison:
    """Compare two or more runs, in the order given; the first is "A"."""
    keyed = {chr(ord("A") + index): entry for index, entry in enumerate(entries)}
    columns: list[Column] = []
    rows: dict[tuple[str, str], dict[str, Value]] = {}
    flags: dict[str, dict[str, int]] = {}
    for key, entry in keyed.items():
        seen, spent = overview(entry.run), costs(entry.run)
        columns.append(_column(key, entry, seen))
        for name, value in _figures(entry.run, seen, spent).items():
            rows.setdefault(name, {})[key] = value
        for flag in seen.red_flags:
            counts = flags.setdefault(flag.id, dict.fromkeys(keyed, 0))
            counts[key] += 1
    figures = [_figure(name, unit, values) for (name, unit), values in rows.items()]
    questions = [" ".join((column.question or "").split()) for column in columns]
    same = None if not all(questions) else len(set(questions)) == 1
    known = {key: entry.settings for key, entry in keyed.items() if entry.settings is not None}
    return Comparison(
        columns,
        same,
        figures,
        [FlagRow(name, counts) for name, counts in flags.items() if not all(counts.values())],
        [name for name, counts in flags.items() if all(counts.values())],
        differences(known),
        list(known) if len(known) > 1 else [],
        [*_general_limits(columns, same), *_limits(figures), *_cut_configs(known)],
    )


def _column(key: str, entry: Entry, seen: Overview) -> Column:
    run = entry.run
    agents = [
        AgentCell(
            row.id, row.backend, row.model, len(row.answers), seen.restarts.get(row.id), row.executions_restarted, row.error
        )
        for row in seen.agent_rows
    ]  # fmt: skip
    return Column(
        key, run.session, run.turn, run.attempt, run.attempts, run.path, run.version, run.version_range, run.question, agents,
        seen.state, seen.finish_reason, run.winner, run.winner_src, seen.tally, run.duration_src, run.cumulative_over,
        entry.settings is not None,
    )  # fmt: skip


_UNFINISHED = "the run did not end: a floor"


def _figures(run: Run, seen: Overview, spent: Costs) -> dict[tuple[str, str], Value]:
    """Every figure of one run, by (id, unit)."""
    partial = run.ending.state in {"unfinished", "in_progress"}
    ids = {note.id for note in run.notes}
    floor = _UNFINISHED if partial else ""
    calls = floor or ("fewer calls than in MassGen's metrics: a floor" if "lost_events" in ids else "")
    no_calls = "no file that holds calls could be read"
    commands = repeated_commands(run, 1)
    restarts, starts = ([a.restarts for a in run.agents.values()], [a.executions for a in run.agents.values()])
    trust = reliability(run)
    refused = [sum(a.incidents.values()) for a in trust.agents.values() if a.incidents is not None]
    denied = "refusals leave no trace with one of these backends" if run.calls_recorded else no_calls
    return {
        ("duration_s", "s"): _duration(seen, partial=partial),
        ("cost_usd", "USD"): _cost(run, seen, spent),
        **_tokens(run, spent),
        ("answers", "count"): _count(seen.answers, floor),
        ("votes_accepted", "count"): _count(seen.votes.accepted, floor),
        ("votes_ignored", "count"): _count(seen.votes.ignored, floor, "no complete record of them"),
        ("votes_refused", "count"): _count(seen.votes.refused, floor),
        ("votes_counted", "count"): _count(seen.votes.counted, floor),
        ("times_restarted", "count"): _count(_sum(restarts), floor, "not recorded for every agent"),
        ("executions_restarted", "count"): _count(_sum(starts), floor, "not recorded for every agent"),
        ("commands_ran", "count"): _count(commands.total_ran, calls, no_calls),
        ("commands_distinct", "count"): _count(commands.distinct if run.calls_recorded else None, calls, no_calls),
        ("commands_failed", "count"): _count(
            commands.total_failed, calls, "no result of a call is recorded" if run.calls_recorded else no_calls
        ),
        ("calls_denied", "count"): _count(commands.total_denied, calls, denied),
        ("agent_errors", "count"): _count(_errors(run), floor),
        ("enforcement_incidents", "count"): _count(
            sum(refused) if trust.recorded else None, floor, "this version records no enforcement"
        ),
        ("timeouts", "count"): _count(_timeouts(run), floor),
    }


def _count(value: int | None, floor: str, unknown: str = "not recorded") -> Value:
    if value is None:
        return Value(None, comparable=False, why=unknown)
    return Value(value, floor=bool(floor), comparable=not floor, why=floor)


def _sum(values: Sequence[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known and len(known) == len(values) else None


def _duration(seen: Overview, *, partial: bool) -> Value:
    if seen.duration_s is not None:
        return Value(seen.duration_s, floor=partial, comparable=not partial, why=_UNFINISHED if partial else "")
    if seen.at_least_s is not None:
        return Value(seen.at_least_s, floor=True, comparable=False, why=f"{_UNFINISHED}, up to its last sign of life")
    return Value(None, comparable=False, why="no file records its end")


def _cost(run: Run, seen: Overview, spent: Costs) -> Value:
    """Agents and sub-agents; the corrected figure where the recorded one holds more than this run."""
    recorded = seen.cost_usd
    if recorded is None:
        return Value(
            None, comparable=False, why="no backend is priced" if spent.recorded else "this run records no usage"
        )
    parts, why = _this_run(run, spent)
    extra = recorded - (spent.total.cost_usd or 0.0)
    if why and run.cumulative_over is not None and extra:
        return Value(recorded, seen.cost_is_floor, None, False, f"includes {run.cumulative_over}, sub-agents too")
    if why and not parts:
        return Value(recorded, seen.cost_is_floor, None, False, why)
    fixed = recorded
    if parts:
        own = [
            (agent.corrected.cost_usd if name in parts and agent.corrected else agent.cost_usd, agent.cost_usd)
            for name, agent in spent.agents.items()
        ]
        if any(cost is None and before is not None for cost, before in own):
            return Value(
                recorded,
                seen.cost_is_floor,
                None,
                False,
                "tokens were counted twice, and their cost can't be corrected",
            )
        fixed = round(sum(cost for cost, _ in own if cost is not None) + extra, 6)
    left = seen.cost_is_floor
    reason = "a floor: a part is unpriced, unrecorded or was still running" if left else why
    return Value(fixed, left, recorded if parts else None, not left, reason)


def _tokens(run: Run, spent: Costs) -> dict[tuple[str, str], Value]:
    """Sums over the agents, corrected where the tree proves the recorded ones wrong; sub-agents' tokens aren't in them."""
    names = ("input_tokens", "output_tokens", "reasoning_tokens", "cached_input_tokens")
    parts, why = _this_run(run, spent)
    lacking = [name for name, agent in spent.agents.items() if agent.input_tokens is None]
    floor = "a floor: the run did not finish" if run.ending.state != "finished" else ""
    if lacking:
        floor = f"a floor: no usage is recorded for {len(lacking)} of {len(spent.agents)} agents"
    found: dict[tuple[str, str], Value] = {}
    for name in names:
        recorded = cast("int | None", getattr(spent.total, name))
        if recorded is None:
            reason = "not recorded" if spent.recorded else "this run records no usage"
            found[name, "tokens"] = Value(None, comparable=False, why=reason)
        elif why and not parts:
            found[name, "tokens"] = Value(recorded, bool(floor), None, False, why)
        else:
            own = [
                cast("int | None", getattr(agent.corrected if key in parts and agent.corrected else agent, name))
                for key, agent in spent.agents.items()
            ]
            value = sum(n for n in own if n is not None)
            found[name, "tokens"] = Value(value, bool(floor), recorded if parts else None, not floor, floor or why)
    return found


def _this_run(run: Run, spent: Costs) -> tuple[list[str], str]:
    """(agents whose figures are corrected, why); no agent and a reason: the figures are wrong and can't be corrected."""
    parts = [name for name, agent in spent.agents.items() if agent.corrected is not None]
    told = [note for note in run.notes if note.id == "doubled_usage"]
    shared = len(told) - sum("massgen.log" in (usage.why or "") for usage in run.usage.values())
    if shared > 0:
        return [], f"counted twice, whose it was can't be told: {told[0].text}"
    if run.cumulative_over is not None:
        what = f"includes {run.cumulative_over}"
        return parts, f"recorded figure {what}; corrected" if parts else f"{what}, whose own figures are not there"
    return parts, "recorded figure counts some tokens twice; corrected" if parts else ""


def _errors(run: Run) -> int:
    """Recorded agent errors; an agent that ended with an error counts once where no moment tells of it."""
    told = [moment.agent for moment in run.moments if moment.kind == "error"]
    return len(told) + sum(bool(agent.error) and agent.id not in told for agent in run.agents.values())


def _timeouts(run: Run) -> int:
    """Time-outs of the run or of agents; one that is recorded for several agents within a second is one."""
    times = sorted(moment.t or 0.0 for moment in run.moments if moment.kind == "timeout")
    distinct = sum(index == 0 or t - times[index - 1] > 1.0 for index, t in enumerate(times))
    return max(distinct, int(run.ending.state == "timed_out"))


def _figure(name: str, unit: str, values: dict[str, Value]) -> Figure:
    delta = ratio = None
    if len(values) == 2:
        first, second = values.values()
        if first.value is not None and second.value is not None and first.comparable and second.comparable:
            delta = round(second.value - first.value, 6)
            ratio = round(second.value / first.value, 4) if first.value else None
    return Figure(name, unit, values, delta, ratio)


def _limits(figures: Sequence[Figure]) -> list[Limit]:
    """Figures that can't be compared, those of the same runs for the same reason together."""
    found: dict[tuple[str, str], list[str]] = {}
    for figure in figures:
        for key, value in figure.values.items():
            if not value.comparable:
                found.setdefault((key, value.why), []).append(figure.id)
    joined: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (key, why), names in found.items():
        joined.setdefault((tuple(names), why), []).append(key)
    return [Limit(list(names), keys, why) for (names, why), keys in joined.items()]


def _general_limits(columns: Sequence[Column], same_question: bool | None) -> list[Limit]:
    keys = [column.key for column in columns]
    found: list[Limit] = []
    if same_question is False:
        found.append(Limit(["all figures"], keys, "the questions differ: the runs did different work"))
    if same_question is None:
        lacking = [column.key for column in columns if not column.question]
        found.append(Limit(["question"], lacking, "no file records the question"))
    if len({column.version or column.version_range for column in columns}) > 1:
        why = "versions differ: so may defaults of settings that no config names, and what is recorded at all"
        found.append(Limit(["config", "red_flags"], keys, why))
    timed = [column for column in columns if column.duration_source]
    if len({column.duration_source for column in timed}) > 1:
        by: dict[str, list[str]] = {}
        for column in timed:
            by.setdefault(column.duration_source, []).append(column.key)
        why = "measured differently: " + "; ".join(f"{', '.join(of)} by {source}" for source, of in by.items())
        found.append(Limit(["duration_s"], [column.key for column in timed], why))
    unknown = [column.key for column in columns if not column.config_recorded]
    if unknown:
        found.append(Limit(["config"], unknown, "no file records the config"))
    return found


def _cut_configs(configs: Mapping[str, Mapping[str, object]]) -> list[Limit]:
    cut = [key for key, config in configs.items() if len(config) >= MOST_SETTINGS]
    return (
        [Limit(["config"], cut, f"has {MOST_SETTINGS} settings or more: the others were not compared")] if cut else []
    )
