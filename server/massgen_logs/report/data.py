"""ANALYSIS_REPORT.json: what a report's program-readable half holds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from massgen_logs import __version__
from massgen_logs.analysis.commands import repeated_commands
from massgen_logs.analysis.costs import Costs, costs
from massgen_logs.analysis.findings import Finding
from massgen_logs.analysis.overview import RedFlag, overview
from massgen_logs.analysis.voting import vote_reasons
from massgen_logs.report.figures import tables
from massgen_logs.report.fingerprints import Fingerprint
from massgen_logs.report.language import canonical, language_of
from massgen_logs.run.model import Run

SCHEMA = 1
_ELSEWHERE = frozenset({"red_flags", "findings", "final_answer"})
_NOTHING = frozenset({"", "-", "none", "none.", "n/a", "无", "无。", "没有"})


@dataclass(frozen=True, slots=True)
class SuggestedIssue:
    """A row of section 9. id: the same for the same title and labels, whatever the run, case, order or punctuation."""

    id: str
    priority: str
    title: str
    description: str
    labels: list[str]


@dataclass(frozen=True, slots=True)
class VoteTotals:
    """See analysis.voting.Votes; final: voter to the target of its counted vote."""

    accepted: int
    ignored: int | None
    refused: int
    counted: int
    tie: bool
    final: dict[str, str]
    tally: dict[str, int]
    meant_tally: dict[str, int] | None


@dataclass(frozen=True, slots=True)
class CommandTotals:
    """See analysis.commands.Commands; None where no file holds calls."""

    ran: int | None
    distinct: int
    failed: int | None
    denied: int | None
    denied_other_tools: int
    times: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What was measured, as it was when the report was written. overview: run_overview's data without its red flags and
    findings, which stand apart, and its text."""

    overview: dict[str, object]
    votes: VoteTotals
    costs: Costs
    commands: CommandTotals


@dataclass(frozen=True, slots=True)
class ReportData:
    """The whole file. attempts: how many the turn had; language: of the report; report_sha256: of the bytes of the
    ANALYSIS_REPORT.md that it belongs to: beside a report with another hash it tells of another one."""

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
    figures: Figures
    red_flags: list[RedFlag]
    findings: list[Finding]
    suggested_issues: list[SuggestedIssue]
    fingerprints: list[Fingerprint]


def report_data(run: Run, content: str, prints: list[Fingerprint]) -> ReportData:
    """Everything about a report that a program may want to know; `content` is the text as it is saved."""
    whole, votes, commands = overview(run), vote_reasons(run), repeated_commands(run, 1)
    return ReportData(
        SCHEMA, __version__, run.session, run.turn, run.attempt, run.attempts, run.version, run.version_range,
        language_of(content), hashlib.sha256(content.encode()).hexdigest(),
        Figures(
            {f.name: getattr(whole, f.name) for f in dataclasses.fields(whole) if f.name not in _ELSEWHERE},
            VoteTotals(
                votes.accepted, votes.ignored, votes.refused, votes.counted, votes.tie, votes.final, votes.tally,
                votes.meant_tally,
            ),
            costs(run),
            CommandTotals(
                commands.total_ran, commands.distinct, commands.total_failed, commands.total_denied,
                commands.denied_other_tools, commands.times,
            ),
        ),
        whole.red_flags, whole.findings, suggested_issues(content), prints,
    )  # fmt: skip


def as_json(value: object) -> str:
    """Indented JSON of plain, masked values."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS).decode() + "\n"
    except TypeError:  # a file name that is no UTF-8
        return json.dumps(value, indent=2) + "\n"


def suggested_issues(content: str) -> list[SuggestedIssue]:
    """The rows of section 9's table, in either language; a row without a title is none, equal ones are one."""
    found: dict[str, SuggestedIssue] = {}
    for table in tables(content):
        names = [canonical(name) for name in table.header]
        if not table.place.startswith(canonical("9. Suggested Linear Issues")) or "title" not in names:
            continue
        for _, cells in table.rows:
            row = dict(zip(names, cells, strict=False))
            title = re.sub(r"[*`]", "", row.get("title", "")).strip()
            if title.lower() in _NOTHING:
                continue
            labels = [part.strip(" `") for part in re.split(r"[,;、，；]", row.get("labels", row.get("label", "")))]
            labels = list(dict.fromkeys(label for label in labels if label))
            issue = SuggestedIssue(
                issue_id(title, labels), row.get("priority", ""), title, row.get("description", ""), labels
            )
            found.setdefault(issue.id, issue)
    return list(found.values())


def issue_id(title: str, labels: Iterable[str]) -> str:
    """A stable id: sha256 of the title (letters and digits, folded) and the sorted labels; nothing of the session."""
    text = "\n".join([_fold(title), *sorted({_fold(label) for label in labels})])
    return "issue-" + hashlib.sha256(text.encode()).hexdigest()[:12]


def _fold(text: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", unicodedata.normalize("NFKC", text).casefold()).split())
