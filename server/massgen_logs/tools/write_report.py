"""write_report: the only tool that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Struct

from massgen_logs.errors import MassgenLogError
from massgen_logs.text.clean import encodable
from massgen_logs.tools.base import Result, Tool, require

if TYPE_CHECKING:
    from massgen_logs.report.gaps import Judged
    from massgen_logs.report.material import Material
    from massgen_logs.run.model import Run
    from massgen_logs.tree import Place

_SHOWN = 60


class Written(Struct, frozen=True):
    """path: the report; data_path: its ANALYSIS_REPORT.json; kept: where the earlier report was kept, or None; chars: length
    of the report; masked: secrets masked in either; issues: id and title of each suggested Linear issue."""

    path: str
    data_path: str
    kept: str | None
    chars: int
    masked: int
    issues: dict[str, str]


def write_report(
    run: Run,
    place: Place,
    judgements: Annotated[str | None, 'for each mark of the draft, #1 to the last, "### Place N" and its text'] = None,
    content: Annotated[str | None, "instead: the whole report in Markdown"] = None,
    language: Annotated[Literal["en", "zh"], "of the draft that judgements fill"] = "en",
    overwrite: Annotated[bool, "replace an existing report, which is kept beside the new one"] = False,
    ground_truth: Annotated[
        str | None, "the true answer, only if the user gave it; allows claims of correctness"
    ] = None,
) -> Result:
    """Save ANALYSIS_REPORT.md, and ANALYSIS_REPORT.json with the measured figures, into the turn's folder: the draft with
    your judgements, or content. Refused, naming all that is wrong, if a place or section lacks its text, a number in a table
    contradicts the measured one (mark your estimate with "est." or "~"), or an answer is called correct without ground truth.

    Args:
        run: the run.
        place: where it is.
        judgements: see above.
        content: see above.
        language: see above.
        overwrite: see above.
        ground_truth: see above.
    """
    from massgen_logs.report.check import problems
    from massgen_logs.report.data import as_json, report_data
    from massgen_logs.report.draft import measured
    from massgen_logs.report.figures import contradictions
    from massgen_logs.report.fingerprints import DATA, fingerprints
    from massgen_logs.report.language import LANGUAGES, language_of
    from massgen_logs.report.material import gather
    from massgen_logs.report.write import write
    from massgen_logs.text.mask import Masked, Masker
    from massgen_logs.tools.masking import masker_of

    require("language", language, list(LANGUAGES), "language of a report")
    if (judgements is None) == (content is None):
        raise MassgenLogError("write_report takes judgements or content, one of them.")
    judged: Judged | None = None
    masker = masker_of(run)
    if content is None:
        # drafted as draft_report does it, so that the places are the same
        material = gather(run, place, language, Masker())
        judged = _judged(material, str(encodable(judgements)))
        content = judged.report
    else:
        content = _bare(str(encodable(content)))
        material = gather(run, place, language_of(content), masker, traces=False)
    wrong = problems(content, ground_truth=bool(ground_truth and ground_truth.strip()), agents=run.agents)
    wrong += contradictions(content, masker.text(measured(material)))
    if wrong:
        wrong = [judged.named(one) if judged else one for one in wrong]
        rest = [f"and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise MassgenLogError(
            f"The report was not saved, {len(wrong)} things are wrong:\n- " + "\n- ".join([*wrong[:_SHOWN], *rest])
            + "\nMend them and call write_report again; draft_report shows every section.",
        )  # fmt: skip
    text = Masked(
        masker.text(content if content.endswith("\n") else content + "\n").encode("utf-8", "replace").decode()
    )
    data = report_data(material, text, fingerprints(place, (source.file for source in run.sources)))
    kept = write(place.turn.path, text, Masked(as_json(masker.value(data))), overwrite=overwrite)
    issues = {issue.id: issue.title for issue in data.suggested_issues}
    beside = place.turn.path / DATA
    return Result(
        Written(str(place.turn.report), str(beside), str(kept) if kept else None, len(text), masker.count, issues)
    )


def _judged(material: Material, judgements: str) -> Judged:
    from massgen_logs.report.draft import draft
    from massgen_logs.report.gaps import gaps, judged

    text = draft(material)
    return judged(text, gaps(text, material.run.agents), judgements)


def _bare(content: str) -> str:
    """A report without the frame in which draft_report handed its draft over."""
    from massgen_logs.report.structure import TITLES

    title = next((title for title in TITLES if title in content), None)
    return content[content.index(title) :] if content.startswith("draft_report · ") and title else content


def render(data: Any) -> list[str]:
    """Where it is."""
    lines = [f"saved {data['path']} ({data['chars']} chars) and {data['data_path']}"]
    lines += [f"suggested issue {id}: {title}" for id, title in data["issues"].items()]
    lines += [f"the earlier report is kept as {data['kept']}"] if data["kept"] else []
    return lines + ([f"{data['masked']} secrets in it were masked"] if data["masked"] else [])


TOOL = Tool(
    "write_report",
    "Save the analysis report",
    write_report,
    render,
    orders=True,
    needs="place",
    writes=True,
    parts=False,
)
