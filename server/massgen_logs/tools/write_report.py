"""write_report: the only tool that writes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from msgspec import Struct

from massgen_logs.errors import MassgenLogError
from massgen_logs.text.clean import encodable
from massgen_logs.tools.base import Result, Tool

if TYPE_CHECKING:
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
    content: Annotated[str, "the whole report in Markdown"],
    overwrite: Annotated[bool, "replace an existing report, which is kept beside the new one"] = False,
    ground_truth: Annotated[
        str | None, "the true answer, only if the user gave it; allows claims of correctness"
    ] = None,
) -> Result:
    """Save ANALYSIS_REPORT.md, and ANALYSIS_REPORT.json with the measured figures, into the turn's folder. Refused, with
    everything that is wrong, if a section is missing, a marked place is unfilled, a number in a table contradicts the
    measured one (mark your own estimate with "est." or "~"), or an answer is called correct without ground truth from the user.

    Args:
        run: the run.
        place: where it is.
        content: see above.
        overwrite: see above.
        ground_truth: see above.
    """
    from massgen_logs.report.check import problems
    from massgen_logs.report.data import as_json, report_data
    from massgen_logs.report.draft import measured
    from massgen_logs.report.figures import contradictions
    from massgen_logs.report.fingerprints import DATA, fingerprints
    from massgen_logs.report.language import language_of
    from massgen_logs.report.material import gather
    from massgen_logs.report.structure import TITLES
    from massgen_logs.report.write import write
    from massgen_logs.text.mask import Masked
    from massgen_logs.tools.masking import masker_of

    content = str(encodable(content))
    title = next((title for title in TITLES if title in content), None)
    if content.startswith("draft_report · ") and title is not None:
        content = content[content.index(title) :]  # the frame in which draft_report handed the draft over
    wrong = problems(content, ground_truth=bool(ground_truth and ground_truth.strip()), agents=run.agents)
    masker = masker_of(run)
    material = gather(run, place, language_of(content), masker, traces=False)
    wrong += contradictions(content, masker.text(measured(material)))
    if wrong:
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
