"""draft_report: ANALYSIS_REPORT.md with every measured part filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from massgen_logs.report.draft import draft
from massgen_logs.report.language import LANGUAGES, MARK, Say
from massgen_logs.run.model import Run
from massgen_logs.text.clean import flat
from massgen_logs.tools.base import Result, Tool, require
from massgen_logs.tree import Place

_FILES = 12


@dataclass(frozen=True, slots=True)
class Draft:
    """markdown: the draft; to_fill: how many marked places it has; path: where write_report would save it."""

    markdown: str
    to_fill: int
    path: str
    exists: bool


def draft_report(
    run: Run,
    place: Place,
    language: Annotated[
        Literal["en", "zh"],
        "of headings and fixed sentences: en, or zh for Simplified Chinese; measured parts and quotes stay",
    ] = "en",
) -> Result:
    """Draft ANALYSIS_REPORT.md: all sections with every measured part filled, and a marked place [[JUDGE: ...]] for each
    judgement that the analysing agent must add before write_report.

    Args:
        run: the run.
        place: where it is.
        language: see above.
    """
    require("language", language, list(LANGUAGES), "language of a report")
    say = Say(language)
    files: list[str] = []
    if run.winner is not None:
        found, more = place.attempt.workspace_files("final", run.winner, "workspace")
        files = [say("- {name} ({size} bytes)", name=flat(name, 120), size=size) for name, size in found[:_FILES]]
        last = next((a for a in reversed(run.answers) if a.agent == run.winner), None)
        stamps = [
            s
            for s in place.attempt.agent_folders().get(run.winner, [])
            if place.attempt.file(run.winner, s, "answer.txt")
        ]
        if not found and last is not None and stamps:
            left, more = place.attempt.workspace_files(run.winner, stamps[-1], "workspace")
            names = ", ".join(flat(name, 60) for name, _ in left[:_FILES])
            files += (
                [
                    say(
                        "No files in the final workspace; that of {label} had {n}: {names}",
                        label=last.label,
                        n=len(left),
                        names=names,
                    )
                ]
                if left
                else []
            )
        rest = "- {n} or more more" if more else "- {n} more"
        files += [say(rest, n=len(found) - _FILES)] if len(found) > _FILES else []
    text = draft(run, files, language=language)
    data = Draft(text, text.count(MARK), str(place.turn.report), place.turn.analyzed)
    return Result(data, sources=[])  # nothing may follow the draft, which is handed back as it is


def render(data: Any) -> list[str]:
    """Where it would be saved, then the draft as it is."""
    exists = "; a report exists there" if data["exists"] else ""
    return [
        f"{data['to_fill']} places to fill; write_report saves to {data['path']}{exists}. Quoted words are the agents'.",
        "",
        data["markdown"].rstrip(),
    ]


TOOL = Tool("draft_report", "Draft of the analysis report", draft_report, render, needs="place", parts=False)
