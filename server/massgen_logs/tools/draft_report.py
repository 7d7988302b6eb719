"""draft_report: ANALYSIS_REPORT.md with every measured part filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Struct

from massgen_logs.text.clean import Block
from massgen_logs.tools.base import Result, Tool, require

if TYPE_CHECKING:
    from massgen_logs.report.issues import LinearIssue
    from massgen_logs.run.model import Run
    from massgen_logs.tree import Place


class Draft(Struct, frozen=True):
    """markdown: the draft; to_fill: how many marked places it has; key: with which judgements of it begin; path: where write_report
    would save it; linear_issues: section 9 as Linear takes it."""

    markdown: str
    to_fill: int
    key: str
    path: str
    exists: bool
    linear_issues: list[LinearIssue]


def draft_report(
    run: Run,
    place: Place,
    language: Annotated[
        Literal["en", "zh"],
        "of headings and fixed sentences: en, or zh for Simplified Chinese; measured parts and quotes stay",
    ] = "en",
) -> Result:
    """Draft ANALYSIS_REPORT.md: all sections with every measured part filled, and a marked place [[JUDGE: ... #N]] for each
    judgement that the analysing agent hands to write_report.

    Args:
        run: the run.
        place: where it is.
        language: see above.
    """
    from massgen_logs.report.draft import draft
    from massgen_logs.report.gaps import gaps, key
    from massgen_logs.report.issues import payloads
    from massgen_logs.report.language import LANGUAGES
    from massgen_logs.report.material import gather
    from massgen_logs.text.mask import Masker

    require("language", language, list(LANGUAGES), "language of a report")
    masker = Masker()
    material = gather(run, place, language, masker)
    text = draft(material)
    places = gaps(text)
    data = Draft(
        text, len(places), key(run, language, places), str(place.turn.report), place.turn.analyzed, payloads(material)
    )
    return Result(data, sources=[], masker=masker)  # nothing may follow the draft, which is handed back as it is


def render(data: Any) -> list[str]:
    """Where it would be saved, then the draft as it is."""
    exists = "; a report exists there" if data["exists"] else ""
    return [
        f"Draft: {data['key']}",
        f"{data['to_fill']} places to fill: write_report(judgements=...), which begins with the line above, puts your texts in and saves to "
        f"{data['path']}{exists}. Quoted words are the agents'.",
        "",
        Block(data["markdown"].rstrip()),
    ]


TOOL = Tool(
    "draft_report", "Draft of the analysis report", draft_report, render, orders=True, needs="place", parts=False
)
