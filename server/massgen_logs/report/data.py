"""ANALYSIS_REPORT.json: what a report's program-readable half holds."""

from __future__ import annotations

import hashlib

import orjson
from msgspec import Struct
from msgspec.structs import fields

from massgen_logs import __version__
from massgen_logs.analysis.costs import Costs
from massgen_logs.analysis.duplication import Kind
from massgen_logs.analysis.findings import Finding
from massgen_logs.analysis.overview import Overview, RedFlag, overview
from massgen_logs.analysis.phases import Phase
from massgen_logs.analysis.progression import FinalRow
from massgen_logs.analysis.times import ToolSpent, WallPhase
from massgen_logs.analysis.tool_contract import ToolContract
from massgen_logs.report.fingerprints import Fingerprint
from massgen_logs.report.issues import SuggestedIssue, suggested_issues
from massgen_logs.report.language import language_of
from massgen_logs.report.material import Material
from massgen_logs.text.clean import encodable

SCHEMA = 1
_ELSEWHERE = frozenset({"red_flags", "findings", "final_answer"})


class VoteTotals(Struct, frozen=True):
    """See analysis.voting.Votes; final: voter to the target of its counted vote."""

    accepted: int
    ignored: int | None
    refused: int
    counted: int
    tie: bool
    final: dict[str, str]
    tally: dict[str, int]
    meant_tally: dict[str, int] | None


class CommandTotals(Struct, frozen=True):
    """See analysis.commands.Commands; None where no file holds calls."""

    ran: int | None
    distinct: int
    failed: int | None
    denied: int | None
    denied_other_tools: int
    times: str


class TimeTotals(Struct, frozen=True):
    """See analysis.times.Times: the run's total, its wall phases, rounds by type, and tools; floor: total_s is one."""

    total_s: float | None
    floor: bool
    wall_phases: list[WallPhase]
    rounds: list[Phase]
    tools: list[ToolSpent]
    not_measurable: list[str]


class DuplicationTotals(Struct, frozen=True):
    """See analysis.duplication.Duplication; None where no file holds calls, or names their agents."""

    by_kind: list[Kind]
    repeats: int | None
    within_agent: int | None
    across_agents: int | None
    after_restart: int | None
    retries: int | None
    wasted_s: float | None
    wasted_chars: int | None


class ErrorTotals(Struct, frozen=True):
    """See analysis.errors.Errors: incidents by kind, and how each tool kept its word."""

    totals: dict[str, int]
    total: int
    false_successes: int
    massgen_failures: int | None
    tools: list[ToolContract]
    not_shown: list[str]


class AnswerFigures(Struct, frozen=True):
    """See analysis.progression.AnswerRow. seen: labels, None where not recorded; taken_over: share of its words, 0 to 1."""

    label: str | None
    agent: str
    t: float | None
    round: int | None
    chars: int | None
    change: str
    own_similarity: float | None
    seen: list[str] | None
    taken_over: float | None


class ProgressionTotals(Struct, frozen=True):
    """See analysis.progression.Progression."""

    answers: list[AnswerFigures]
    changes: dict[str, int]
    final: FinalRow | None


class Figures(Struct, frozen=True):
    """What was measured, as it was when the report was written. overview: run_overview's data without its red flags and
    findings, which stand apart, and its text."""

    overview: dict[str, object]
    votes: VoteTotals
    costs: Costs
    commands: CommandTotals
    times: TimeTotals
    duplication: DuplicationTotals
    errors: ErrorTotals
    progression: ProgressionTotals


class ReportData(Struct, frozen=True):
    """The whole file. attempts: how many the turn had; language: of the report; report_sha256: of the bytes of the
    ANALYSIS_REPORT.md that it belongs to: beside a report with another hash it tells of another one. ground_truth: what the
    user said is true, None without."""

    schema_version: int
    tool_version: str
    session: str
    turn: int
    attempt: int
    attempts: int
    massgen_version: str | None
    massgen_version_range: str | None
    language: str
    report_sha256: str
    ground_truth: str | None
    figures: Figures
    red_flags: list[RedFlag]
    findings: list[Finding]
    suggested_issues: list[SuggestedIssue]
    fingerprints: list[Fingerprint]


def report_data(
    material: Material, content: str, prints: list[Fingerprint], ground_truth: str | None = None,
) -> ReportData:  # fmt: skip
    """Everything about a report that a program may want to know; `content` is the text as it is saved."""
    run = material.run
    whole = overview(run, material.mask)
    return ReportData(
        SCHEMA, __version__, run.session, run.turn, run.attempt, run.attempts, run.version, run.version_range,
        language_of(content), hashlib.sha256(content.encode()).hexdigest(), ground_truth, _figures(material, whole), whole.red_flags, whole.findings, suggested_issues(content), prints,
    )  # fmt: skip


def _figures(m: Material, whole: Overview) -> Figures:
    votes, commands, times, work, errors = m.votes, m.commands, m.times, m.work, m.errors
    return Figures(
        {f.name: getattr(whole, f.name) for f in fields(whole) if f.name not in _ELSEWHERE},
        VoteTotals(
            votes.accepted, votes.ignored, votes.refused, votes.counted, votes.tie, votes.final, votes.tally, votes.meant_tally,
        ),
        m.spent,
        CommandTotals(
            commands.total_ran, commands.distinct, commands.total_failed, commands.total_denied, commands.denied_other_tools,
            commands.times,
        ),
        TimeTotals(times.total_s, times.floor, times.wall_phases, times.rounds, times.tools, times.not_measurable),
        DuplicationTotals(
            work.by_kind, work.repeats, work.within_agent, work.across_agents, work.after_restart, work.retries, work.wasted_s,
            work.wasted_chars,
        ),
        ErrorTotals(errors.totals, errors.total, errors.false_successes, errors.massgen_failures, errors.tools, errors.not_shown),
        ProgressionTotals(
            [
                AnswerFigures(
                    row.label, row.agent, row.t, row.round, row.chars, row.change, row.own_similarity,
                    None if row.seen is None else [s.label for s in row.seen], row.taken_over.share if row.taken_over else None,
                )
                for row in m.progression.answers
            ],
            m.progression.changes, m.progression.final,
        ),
    )  # fmt: skip


def as_json(value: object) -> str:
    """Indented JSON of plain, masked values."""
    return orjson.dumps(encodable(value), option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n"
