"""Everything that a draft tells, measured once, and how it is to be told."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from massgen_logs.analysis.behaviour import Behaviour, behaviour
from massgen_logs.analysis.commands import Commands, repeated_commands
from massgen_logs.analysis.costs import Costs, costs
from massgen_logs.analysis.duplication import Duplication, duplicated_work
from massgen_logs.analysis.errors import Errors, find_errors
from massgen_logs.analysis.findings import Finding, findings
from massgen_logs.analysis.progression import Progression, answer_progression
from massgen_logs.analysis.times import Times, time_breakdown
from massgen_logs.analysis.voting import Votes, vote_reasons
from massgen_logs.errors import MassgenLogError
from massgen_logs.report.language import Say
from massgen_logs.run import answer_files
from massgen_logs.run.model import Run, Source
from massgen_logs.run.stderr import collect
from massgen_logs.run.trace import Item, agents_with_trace, items
from massgen_logs.text.clean import inline
from massgen_logs.text.mask import Masker
from massgen_logs.tree import Place

EVERY = 10_000
"""Rows a table where nothing is to be left out: what a report's figures are compared with."""
TRACES = 12
"""Agents whose trace a draft reads; each costs one pass over the log."""


class Files(Struct, frozen=True):
    """(name, bytes) of files of the final workspace; more: there are others that were not listed; left_in and left: where
    the final workspace is empty, the winner's last answer and the files of its workspace."""

    final: list[tuple[str, int]]
    more: bool
    left_in: str | None
    left: list[tuple[str, int]]


class Material(Struct, frozen=True):
    """The analyses of one run. behaviour: of all agents; stderr: the servers' logs that were read.

    most: rows a table at most; say: the language; mask: applied before a text is cut, so that no cut can halve a secret.
    """

    run: Run
    votes: Votes
    spent: Costs
    times: Times
    work: Duplication
    errors: Errors
    commands: Commands
    progression: Progression
    findings: list[Finding]
    behaviour: list[Behaviour]
    stderr: list[Source]
    files: Files
    say: Say
    mask: Callable[[str], str]
    most: int = 0

    def quote(self, text: str, limit: int) -> str:
        """Log text inside a sentence or cell: in quotes, masked, then cut."""
        return inline(self.mask(text), limit)


def gather(run: Run, place: Place, language: str, masker: Masker, *, traces: bool = True) -> Material:
    """Run the analyses.

    Args:
        run: the run.
        place: where its files are.
        language: of the report.
        masker: masks the texts that are quoted.
        traces: read the agents' traces, for their tool sequences and quotes; figures don't need them.
    """
    stderr = collect(place.attempt)
    errors = find_errors(run, stderr)
    traced = agents_with_trace(run, place.attempt)
    agents = [*run.agents, *(name for name in traced if name not in run.agents and run.calls)]
    read = [name for name in agents if name in traced][:TRACES] if traces else []
    return Material(
        run, vote_reasons(run), costs(run), time_breakdown(run), duplicated_work(run), errors, repeated_commands(run, 1),
        answer_progression(run, answer_files.collect(place.attempt, run.answers), masker.text), findings(run, masker.text),
        [behaviour(run, name, _trace(run, place, name) if name in read else [], masker.text) for name in agents],
        stderr.sources, _files(run, place), Say(language), masker.text,
    )  # fmt: skip


def _trace(run: Run, place: Place, agent: str) -> list[Item]:
    try:
        return list(items(run, place, agent, [], []))
    except MassgenLogError:
        return []  # no file holds one: its calls and decisions are taken from the run


def _files(run: Run, place: Place) -> Files:
    if run.winner is None:
        return Files([], False, None, [])
    found, more = place.attempt.workspace_files("final", run.winner, "workspace")
    last = next((a for a in reversed(run.answers) if a.agent == run.winner), None)
    stamps = place.attempt.agent_folders().get(run.winner, [])
    stamps = [stamp for stamp in stamps if place.attempt.file(run.winner, stamp, "answer.txt")]
    if found or last is None or not stamps:
        return Files(found, more, None, [])
    left, more = place.attempt.workspace_files(run.winner, stamps[-1], "workspace")
    return Files([], more, last.label, left)
